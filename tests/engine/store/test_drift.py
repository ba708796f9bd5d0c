"""Devices that say something else than their models expect: found in what is stored."""

from __future__ import annotations

import numpy as np

from devices.series import TIME_MIN_US
from engine.store import Store
from engine.store.drift import INTERVALS, Standing, behind, vanished
from tests.engine.store.town import HOUR_US, T0, append, refused, town

DAY_US = 24 * HOUR_US


def test_a_field_that_stopped_while_its_device_goes_on_has_vanished(store: Store) -> None:
    store.register(town())
    gone, goes_on, other = town().slot("d1", "pm10"), town().slot("d1", "pm2_5"), town().slot("d2", "sound_level")
    hours = T0 + np.arange(INTERVALS + 30) * HOUR_US
    store.append(append([gone] * 20, hours[:20], np.arange(20)))
    store.append(append([goes_on] * hours.size, hours, np.arange(hours.size)))
    store.append(append([other], [T0], [1]))
    (found,) = store.drift_rows(TIME_MIN_US)
    assert (found.device, found.kind, found.field) == ("d1", "vanished", "pm10")
    assert (found.since_us, found.last_us) == (hours[19], hours[-1])


def test_what_cannot_be_read_is_found_by_reason_with_its_newest_message(store: Store) -> None:
    store.register(town())
    rows = [refused(reason="bad_unit", readings=2), refused(reason="bad_unit"), refused(reason="conflict")]
    store.append(append([], [], [], refused=[*rows, refused(reason="unknown_device", device="")]))
    (found,) = store.drift_rows(TIME_MIN_US)
    assert (found.device, found.kind, found.readings, found.example) == ("d0", "bad_unit", 3, 2)
    assert store.drift_rows(T0 + 1) == []


def test_a_field_that_is_sent_once_a_day_by_design_has_not_vanished_the_same_day() -> None:
    battery = Standing(1, "d", "battery", 600_000_000, T0)
    level = Standing(2, "d", "level", 600_000_000, T0 + DAY_US)
    late = behind([battery, level])
    assert late == [(battery, T0 + DAY_US)]
    assert vanished(late, {1: 1}) == []
    assert [one.field for one in vanished(late, {1: 144})] == ["battery"]
    assert vanished([(battery, T0 + 11 * DAY_US)], {1: 1})[0].since_us == T0
