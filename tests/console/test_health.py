"""`devices --health`: who is silent, for people and for programs, from a store that a test has filled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from devices.series import TIME_MAX_US
from engine.store import NOTHING, Duty, HealthRows, SilenceRow, Store, Watched
from tests.console.command import Done, cityvitals
from tests.databases import Databases
from tests.engine.store.town import append, refused, town

pytestmark = pytest.mark.system

HOUR_US = 3_600_000_000
NOW_US = time.time_ns() // 1000
STATES = {"d0": 3, "d1": 1, "d2": 2, "d3": 3, "d4": 3, "d5": 3}
"""Silent by itself, well, late, and three that are silent with their gateway; d6 to d8 never came."""


def watched(store: Store) -> Watched:
    facts = store.read_watch(0, NOW_US).devices
    count = len(STATES)
    heard = np.full(count, NOW_US - 5_000_000, np.int64)
    heard[np.array(list(STATES.values())) == 3] = NOW_US - 5 * HOUR_US
    offset = np.full(count, 100_000, np.int64)
    offset[1] = 240_000_000
    health = HealthRows(
        np.array([facts[name].device_id for name in STATES], np.int32), heard,
        np.where(np.arange(count) == 0, NOTHING, heard), np.zeros(count, np.int64),
        np.full(count, 60_000_000, np.int64), np.zeros(count, np.int64), offset,
        np.array(list(STATES.values()), np.int16), np.where(offset > 60_000_000, 2, 1).astype(np.int16),
    )  # fmt: skip
    silences = (
        SilenceRow("device", "d0", NOW_US - 5 * HOUR_US, TIME_MAX_US, interval_us=60_000_000, devices=1),
        SilenceRow("gateway", "mast", NOW_US - 5 * HOUR_US, TIME_MAX_US, devices=3, detail="3 of 3 devices overdue"),
        SilenceRow(
            "system", "database", NOW_US - 9 * HOUR_US, NOW_US - 8 * HOUR_US, detail="did not take the readings"
        ),
    )
    return Watched(NOW_US, 0, False, silences, health, NOW_US, 0)


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    """A town of nine devices, three of them behind the gateway `mast`."""
    registry = town(count=3)
    devices = tuple(replace(d, gateway="mast") if d.code in ("d3", "d4", "d5") else d for d in registry.devices)
    with databases.migrated() as url:
        with Store.connect(url) as store:
            store.register(replace(registry, devices=devices, gateways=("direct", "mast")))
            store.own(0, Duty.FLUSH)
            store.write_watch(watched(store))
            store.own(0, Duty.APPEND)
            wrong = [refused(reason="bad_unit", device=device)._replace(received_us=NOW_US) for device in ("d1", "d2")]
            store.append(append([], [], [], refused=wrong))
        yield url


def run(url: str, *arguments: str) -> Done:
    done = cityvitals("devices", *arguments, CITYVITALS_DATABASE_URL=url)
    assert done.code == 0, done.err
    return done


def test_health_lists_the_worst_first_then_gateways_our_absences_and_the_counts(database_url: str) -> None:
    rows = run(database_url, "--health", "--json").rows
    assert [row["row"] for row in rows] == ["device"] * 9 + ["gateway", "downtime", "total"]
    assert [row["state"] for row in rows[:9]] == ["silent"] * 4 + ["late"] + ["never"] * 3 + ["ok"]
    by_code = {row["device"]: row for row in rows[:9]}
    assert list(by_code["d0"]) == [
        "row", "device", "zone", "model", "gateway", "state", "last_heard", "last_reading", "interval_s",
        "learned_interval_s", "jitter_s", "silent_since", "silence", "clock", "clock_offset_s",
    ]  # fmt: skip
    assert (by_code["d0"]["silence"], by_code["d0"]["last_reading"]) == ("device", None)
    assert {by_code[name]["silence"] for name in ("d3", "d4", "d5")} == {"gateway"}
    assert (by_code["d1"]["clock"], by_code["d1"]["clock_offset_s"]) == ("fast", 240)
    assert (by_code["d6"]["last_heard"], by_code["d6"]["clock"]) == (None, None)
    gateway, downtime, total = rows[9:]
    assert (gateway["gateway"], gateway["devices"], gateway["ended"]) == ("mast", 3, None)
    assert (downtime["away"], downtime["detail"]) == ("database", "did not take the readings")
    assert (total["devices"], total["silent"], total["late"], total["never"], total["ok"]) == (9, 4, 1, 3, 1)
    assert (total["gateways_silent"], total["stopped"]) == (1, False)
    assert (total["findings"], total["devices_with_findings"]) == (2, 2)


def test_the_table_says_the_same_in_words(database_url: str) -> None:
    out = run(database_url, "--health").out
    assert "4 silent  1 late  3 never  1 ok" in out
    assert "gateway silent  mast since" in out
    assert "not listening   database from" in out
    assert "fast by 4m" in out or "fast by 240s" in out
    assert "2 findings of drift on 2 devices: cityvitals devices drift" in out
    assert "as of" in out
    assert out.index("d0") < out.index("d2") < out.index("d6") < out.index("d1 ")


def test_only_the_silent_of_one_zone(database_url: str) -> None:
    rows = run(database_url, "--silent", "--zone", "north", "--json").rows
    devices = [row["device"] for row in rows if row["row"] == "device"]
    assert devices == ["d0"]
    assert rows[-1]["devices"] == 6, "counts are of the whole zone"
    assert rows[-1]["findings"] == 2


def test_a_wrong_zone_is_named_with_the_nearest(database_url: str) -> None:
    done = cityvitals("devices", "--health", "--zone", "noth", CITYVITALS_DATABASE_URL=database_url)
    assert done.code == 2
    assert "did you mean 'north'?" in done.err
