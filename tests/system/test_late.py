"""What comes late, twice, wrongly or from a fast clock, and a gateway that stops in the middle of an hour."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulators.bench import fresh_broker, wait_until
from tests.databases import Databases
from tests.system.conftest import Start
from tests.system.pipeline import ROOT, Pipeline
from tests.system.wire import HOUR_S, Sent, city_of, moment, publish, senml

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

DEVICES = (
    "air-1,air_station",
    "air-2,air_station",
    "air-3,air_station",
    "air-4,air_station",
    "meter-1,water_meter",
    "meter-2,water_meter",
    "noise-1,noise_monitor_1min",
    "noise-2,noise_monitor_1min",
)
DAYS_AGO = 3


def some_hour() -> int:
    """The start of an hour of some days ago, in epoch seconds: long closed once anything of today was heard."""
    return (int(time.time()) // HOUR_S - 24 * DAYS_AGO) * HOUR_S


class Town:
    """A gateway of a small city, and what is sent to it."""

    def __init__(self, pipeline: Pipeline, broker_url: str) -> None:
        self.pipeline = pipeline
        self.broker_url = broker_url

    def send(self, *messages: Sent, readings: int = 0) -> None:
        """Publish messages and wait until they are stored and computed; they carry one reading each unless said."""
        before = self.pipeline.ledger()["received"]
        publish(self.broker_url, messages)
        self.pipeline.drained(before + (readings or len(messages)), timeout_s=120)

    def hours(self, device: str, field: str) -> dict[datetime, tuple[int, int, int]]:
        """Start → count, first sum, revision of every hour window of a series."""
        rows = self.pipeline.query(
            "SELECT start, count, sum_0, revision FROM cityvitals.window_hour"
            " JOIN cityvitals.series s USING (series_id) JOIN cityvitals.device d USING (device_id)"
            " WHERE d.code = %s AND s.field = %s",
            device,
            field,
        )
        return {start: (int(count), int(total), int(revision)) for start, count, total, revision in rows}

    def closed(self, device: str, field: str, *hours_s: int) -> Callable[[], bool]:
        """A condition: these hours are closed."""
        return lambda: all(self.hours(device, field).get(moment(at), (0, 0, 0))[2] > 0 for at in hours_s)

    def values(self, view: str, indicator: str, station: str, at_s: int) -> list[tuple[Any, ...]]:
        """Value, received, revision of an hourly indicator of a station."""
        return self.pipeline.query(
            f"SELECT value, received, revision FROM cityvitals.{view}"
            " WHERE indicator = %s AND \"window\" = 'hour' AND scope_kind = 'station' AND scope = %s AND start = %s"
            " ORDER BY revision",
            indicator,
            station,
            moment(at_s),
        )


@pytest.fixture(scope="module")
def town(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One gateway for the tests that each have a device of their own."""
    folder = tmp_path_factory.mktemp("town")
    city = city_of(folder / "city", *DEVICES)
    with (
        fresh_broker(folder / "broker") as broker,
        databases.migrated() as url,
        Pipeline(city, broker.url, url, folder / "gateway") as pipeline,
    ):
        yield Town(pipeline, broker.url)


def test_a_late_reading_gives_a_closed_window_a_new_revision_and_keeps_the_old_result(town: Town) -> None:
    begin = some_hour()
    hours = [begin + n * HOUR_S for n in range(5)]
    town.send(*(senml("air-1", "pm2_5", "ug/m3", (at, str(10 + n))) for n, at in enumerate(hours)))
    # The newest reading is at the start of its hour: the one before is not over by the allowed lateness yet.
    wait_until(town.closed("air-1", "pm2_5", *hours[:3]), 120, "the hours that are over to be closed")
    before = town.hours("air-1", "pm2_5")
    assert before[moment(hours[1])] == (1, 11_000, 1)
    assert town.values("v_indicator_value", "pm2_5_mean", "air-1", hours[1]) == [(Decimal("11.000"), 1, 1)]
    assert town.values("v_indicator_revision", "pm2_5_mean", "air-1", hours[1]) == []

    town.send(senml("air-1", "pm2_5", "ug/m3", (hours[1] + 1800, "14.001")))
    after = town.hours("air-1", "pm2_5")
    assert after[moment(hours[1])] == (2, 25_001, 2)
    assert {at: row for at, row in after.items() if at != moment(hours[1])} == {
        at: row for at, row in before.items() if at != moment(hours[1])
    }
    # (11.000 + 14.001) / 2 = 12.5005: half to even
    assert town.values("v_indicator_value", "pm2_5_mean", "air-1", hours[1]) == [(Decimal("12.500"), 2, 2)]
    assert town.values("v_indicator_revision", "pm2_5_mean", "air-1", hours[1]) == [(Decimal("11.000"), 1, 1)]
    ((day, count),) = town.pipeline.query(
        "SELECT sum_0, count FROM cityvitals.window_day w JOIN cityvitals.series s USING (series_id)"
        " JOIN cityvitals.device d USING (device_id) WHERE d.code = 'air-1' AND field = 'pm2_5' AND start <= %s"
        " ORDER BY start DESC LIMIT 1",
        moment(hours[1]),
    )
    same_day = [n for n in range(5) if hours[n] // 86_400 == hours[1] // 86_400]
    assert (day, count) == (sum(10_000 + 1000 * n for n in same_day) + 14_001, len(same_day) + 1)


def test_a_late_counter_reading_moves_the_increase_between_hours_and_keeps_the_total(town: Town) -> None:
    begin = some_hour()
    ten, eleven, twelve = begin, begin + HOUR_S, begin + 2 * HOUR_S
    town.send(senml("meter-1", "volume", "l", (ten, "1000"), (twelve, "1240"), (twelve + 60, "1241")), readings=3)
    litre = litre_ticks(town)
    assert increase(town) == {moment(ten): 120 * litre, moment(eleven): 120 * litre, moment(twelve): 1 * litre}

    town.send(senml("meter-1", "volume", "l", (eleven, "1200")))
    assert increase(town) == {moment(ten): 200 * litre, moment(eleven): 40 * litre, moment(twelve): 1 * litre}

    # A reset that only a late reading reveals: the register fell to 5 in between, so what follows counts from there.
    town.send(senml("meter-1", "volume", "l", (eleven + 1800, "5")))
    assert increase(town) == {moment(ten): 200 * litre, moment(eleven): (5 + 1235) * litre, moment(twelve): 1 * litre}
    events = town.pipeline.query("SELECT kind, before, after FROM cityvitals.v_counter_event WHERE device = 'meter-1'")
    assert events == [("reset", Decimal("1.200"), Decimal("0.005"))]

    # A still later reading shows that it had fallen before: the decision moves, and is not counted twice.
    town.send(senml("meter-1", "volume", "l", (eleven + 900, "2")))
    assert increase(town) == {moment(ten): 200 * litre, moment(eleven): (2 + 3 + 1235) * litre, moment(twelve): litre}
    events = town.pipeline.query("SELECT kind, before, after FROM cityvitals.v_counter_event WHERE device = 'meter-1'")
    assert events == [("reset", Decimal("1.200"), Decimal("0.002"))]


def litre_ticks(town: Town) -> int:
    """Ticks of a litre of water."""
    ((resolution,),) = town.pipeline.query(
        "SELECT resolution FROM cityvitals.v_measurand WHERE measurand = 'water_volume'"
    )
    return int(Decimal("0.001") / resolution)


def increase(town: Town) -> dict[datetime, int]:
    return {at: total for at, (_, total, _) in town.hours("meter-1", "volume").items()}


def test_a_conflicting_repetition_stays_out_and_both_values_are_kept(town: Town) -> None:
    at = some_hour()
    before = town.pipeline.balanced()
    town.send(senml("noise-1", "sound_level", "dB", (at, "61.5")))
    town.send(senml("noise-1", "sound_level", "dB", (at, "61.50")))  # the same value in other words: a duplicate
    town.send(senml("noise-1", "sound_level", "dB", (at, "62.5")))
    after = town.pipeline.balanced()
    assert {name: after[name] - before[name] for name in after} == {
        "messages": 3, "received": 3, "accepted": 1, "duplicate": 1, "quarantined": 1,
    }  # fmt: skip
    stored = town.pipeline.query("SELECT value FROM cityvitals.v_observation WHERE device = 'noise-1'")
    assert stored == [(Decimal("61.5"),)]
    ((reason, detail, payload),) = town.pipeline.query(
        "SELECT reason, detail, payload FROM cityvitals.quarantine WHERE device = 'noise-1'"
    )
    assert reason == "conflict"
    assert "62.5" in detail
    assert "stored before: 61.5" in detail
    assert bytes(payload) == senml("noise-1", "sound_level", "dB", (at, "62.5"))[1]


def test_readings_without_a_time_that_arrive_together_are_all_stored(town: Town) -> None:
    before = town.pipeline.balanced()
    untimed = [
        (senml("air-4", "pm10", "ug/m3", (0, "20"))[0], b'[{"n":"pm10","u":"ug/m3","v":%d}]' % n) for n in range(40)
    ]
    town.send(*untimed)
    after = town.pipeline.balanced()
    assert after["accepted"] - before["accepted"] == 40
    stored = town.pipeline.query(
        "SELECT value, time_from_arrival FROM cityvitals.v_observation WHERE device = 'air-4' ORDER BY time"
    )
    assert stored == [(Decimal(n), True) for n in range(40)]


def test_a_second_gateway_on_the_same_database_is_refused_and_the_first_goes_on(town: Town, tmp_path: Path) -> None:
    environment = {**town.pipeline.environment, "CITYVITALS_MQTT_CLIENT_ID": secrets.token_hex(4)}
    second = subprocess.run(
        [sys.executable, "-m", "console", "--city", str(town.pipeline.city), "run"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert second.returncode == 1
    assert "is owned" in second.stderr
    assert "stop that program" in second.stderr
    assert "Traceback" not in second.stderr
    town.send(senml("air-2", "pm10", "ug/m3", (some_hour(), "20")))
    assert town.hours("air-2", "pm10")[moment(some_hour())][:2] == (1, 20_000)


def test_a_fast_clock_is_quarantined_and_does_not_move_the_watermark(start: Start, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", "noise-1,noise_monitor_1min", "noise-2,noise_monitor_1min")
    pipeline = start(city)
    town = Town(pipeline, pipeline.environment["CITYVITALS_MQTT_URL"])
    now = int(time.time())
    town.send(senml("noise-1", "sound_level", "dB", (now, "50")))
    town.send(senml("noise-2", "sound_level", "dB", (now + 2 * HOUR_S, "99")))
    assert pipeline.query("SELECT device, reason, readings FROM cityvitals.quarantine") == [
        ("noise-2", "future_clock", 1)
    ]
    # Had it moved the watermark, everything up to it would be closed, and this reading late.
    town.send(senml("noise-1", "sound_level", "dB", (now + 1, "51")))
    rows = pipeline.query("SELECT device, count, revision FROM cityvitals.v_window_hour ORDER BY start")
    assert {(device, revision) for device, _, revision in rows} == {("noise-1", 0)}
    assert sum(count for _, count, _ in rows) == 2
    ((mark,),) = pipeline.query("SELECT mark FROM cityvitals.checkpoint")
    assert mark <= moment(now)
    assert pipeline.balanced()["quarantined"] == 1


def test_a_gateway_stopped_and_killed_in_the_middle_of_an_hour_goes_on_exactly(town: Town) -> None:
    pipeline = town.pipeline
    hour = some_hour()
    before = pipeline.balanced()
    town.send(
        senml("meter-2", "volume", "l", (hour, "500"), (hour + 1200, "520")),
        senml("noise-2", "sound_level", "dB", (hour, "60"), (hour + 60, "70")),
        senml("air-3", "no2", "ug/m3", (hour, "40.5")),
        readings=5,
    )
    assert pipeline.stop() == 0
    # Sent while nobody listens: the broker keeps it.
    publish(town.broker_url, [senml("meter-2", "volume", "l", (hour + 2400, "530"))])
    pipeline.start()
    pipeline.ready()
    pipeline.drained(before["received"] + 6, timeout_s=120)
    town.send(senml("noise-2", "sound_level", "dB", (hour + 120, "60")))
    pipeline.kill()
    publish(town.broker_url, [senml("air-3", "no2", "ug/m3", (hour + 1800, "41.5"))])
    pipeline.start()
    pipeline.ready()
    pipeline.drained(before["received"] + 8, timeout_s=120)
    town.send(senml("meter-2", "volume", "l", (hour + HOUR_S + 1200, "630")))
    litre = litre_ticks(town)
    # 20 + 10 + half of the 100 litres that came between 40 past and 20 past
    assert {at: row[:2] for at, row in town.hours("meter-2", "volume").items()} == {
        moment(hour): (3, 80 * litre),
        moment(hour + HOUR_S): (1, 50 * litre),
    }
    assert town.values("v_indicator_value", "laeq", "noise-2", hour)[0][:2] == (Decimal("66.0"), 3)
    assert town.values("v_indicator_value", "no2_mean", "air-3", hour)[0][:2] == (Decimal("41.000"), 2)
    after = pipeline.balanced()
    assert {name: after[name] - before[name] for name in after} == {
        "messages": 7, "received": 9, "accepted": 9, "duplicate": 0, "quarantined": 0,
    }  # fmt: skip


def test_a_kill_between_a_late_readings_commit_and_its_windows_loses_no_figure(start: Start, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", "meter-1,water_meter", "air-1,air_station")
    # Long rounds: what is committed right after one is written several seconds later.
    pipeline = start(city, CITYVITALS_ENGINE_CYCLE_S="4", CITYVITALS_ENGINE_SETTLE_S="4")
    town = Town(pipeline, pipeline.environment["CITYVITALS_MQTT_URL"])
    litre = litre_ticks(town)
    hours = [some_hour() + n * HOUR_S for n in range(6)]
    volumes = [senml("meter-1", "volume", "l", (at, str(100 * n))) for n, at in enumerate(hours)]
    town.send(*volumes[:5])
    town.send(volumes[5])
    ((mark,),) = pipeline.query("SELECT mark FROM cityvitals.checkpoint")
    assert mark > moment(hours[2]), "the late reading has to lie before the mark"

    publish(town.broker_url, [senml("meter-1", "volume", "l", (hours[1] + 1800, "190"))])
    wait_until(lambda: pipeline.ledger()["accepted"] == 7, 120, "the late reading is committed")
    pipeline.kill()
    assert town.hours("meter-1", "volume")[moment(hours[1])][0] == 1, "the engine was faster than the kill"
    assert pipeline.query("SELECT device, hour FROM cityvitals.v_pending_restatement") == [
        ("meter-1", moment(hours[1]))
    ]
    pipeline.start()
    pipeline.ready()
    assert pipeline.query("SELECT count(*) FROM cityvitals.pending_restatement") == [(0,)]
    assert increase(town) == {**{moment(at): 100 * litre for at in hours[:5]}, moment(hours[5]): 0}
    assert {at: row[0] for at, row in town.hours("meter-1", "volume").items()} == {
        moment(at): 2 if at == hours[1] else 1 for at in hours
    }
