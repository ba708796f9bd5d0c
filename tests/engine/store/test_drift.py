"""Devices that say something else than their models expect: found in what is stored."""

from __future__ import annotations

import numpy as np

from devices.series import TIME_MIN_US
from engine.store import Store
from engine.store.drift import FIELDS_MAX, INTERVALS, Standing, behind, vanished
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


def test_what_cannot_be_read_is_told_by_the_field_or_member_that_it_is_about(store: Store) -> None:
    store.register(town())
    new = "neither a field nor a test message of the model has it"
    rows = [
        refused(f"temperature: {new}", reason="unknown_field"),
        refused(f'at["a b"]: {new}', reason="unknown_field"),
        refused(f"temperature: {new}", reason="unknown_field"),
        refused('record 2: model m has no field "pm25"', reason="unknown_field"),
        refused("and 3 more members of the same message", reason="unknown_field", readings=3),
        refused('item 12: pm10: expected a decimal number, got "a: b"', reason="not_a_number"),
        refused('expected JSON: "a: b"', reason="malformed"),
    ]
    store.append(append([], [], [], refused=rows))
    assert [(one.kind, one.field, one.readings, one.example) for one in store.drift_rows(TIME_MIN_US)] == [
        ("malformed", "", 1, 7),
        ("not_a_number", "pm10", 1, 6),
        ("unknown_field", "", 3, 5),
        ("unknown_field", 'at["a b"]', 1, 2),
        ("unknown_field", "pm25", 1, 4),
        ("unknown_field", "temperature", 2, 3),
    ]


def test_one_field_in_other_words_is_one_finding_from_its_first_message_to_its_newest(store: Store) -> None:
    store.register(town())
    rows = [
        refused(f'record {place}: model m has no field "pm25"', reason="unknown_field")._replace(received_us=T0 + at)
        for place, at in ((2, 5), (1, 3), (2, 7), (3, 6))
    ]
    store.append(append([], [], [], refused=rows))
    (found,) = store.drift_rows(TIME_MIN_US)
    assert found == ("d0", "unknown_field", "pm25", T0 + 3, T0 + 7, 4, 4)


def test_a_device_that_makes_up_names_has_a_bounded_number_of_findings(store: Store) -> None:
    store.register(town())
    details = [f"new_{number}: expected nothing" for number in range(FIELDS_MAX + 10)]
    store.append(append([], [], [], refused=[refused(one, reason="unknown_field") for one in details]))
    found = store.drift_rows(TIME_MIN_US)
    assert len(found) == FIELDS_MAX + 1
    assert sum(one.readings for one in found) == len(details)
    assert (found[0].field, found[0].readings) == ("", 10)
