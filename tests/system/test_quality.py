"""A gateway of a city with rules of quality: what it is sent, flags, leaves out of figures, and takes back again."""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

import deploy
from console.metrics import DEFINITIONS
from devices import load_registry
from engine.settings import WorkerSettings
from ingest.admission import AdmissionLimits
from ingest.backfill import BackfillSettings, backfill
from simulators.bench import wait_until
from tests.databases import Databases
from tests.system.conftest import Start
from tests.system.wire import HOUR_S, city_of, moment, publish, senml

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

RULE = """
[[quality]]
rule = "spike"
measurands = ["pm2_5"]
above = "50"
exclude = true
"""
DAYS_AGO = 3
PACE = {"CITYVITALS_ENGINE_QUALITY_S": "0.2"}


def test_a_spike_leaves_the_figures_and_comes_back_when_a_late_reading_bears_it_out(
    start: Start, broker: deploy.Broker, tmp_path: Path
) -> None:
    city = city_of(tmp_path / "city", "air-1,air_station")
    (city / "city.toml").write_text((city / "city.toml").read_text() + RULE)
    pipeline = start(city, **PACE)
    begin = (int(time.time()) // HOUR_S - 24 * DAYS_AGO) * HOUR_S

    def value(at: int) -> list[tuple[object, ...]]:
        return pipeline.query(
            "SELECT value, received FROM cityvitals.v_indicator_value WHERE indicator = 'pm2_5_mean'"
            " AND \"window\" = 'hour' AND scope_kind = 'station' AND start = %s",
            moment(at),
        )

    hours = [begin + n * HOUR_S for n in range(3)]
    publish(broker.url, [senml("air-1", "pm2_5", "ug/m3", *zip(hours, ("10", "400", "12"), strict=True))])
    wait_until(lambda: value(hours[1]) == [(None, 0)], 120, "the spike to leave its hour's figure")
    assert value(hours[0]) == [(Decimal("10.000"), 1)]
    flags = "SELECT device, time, value, rule, excluded FROM cityvitals.v_observation_flag"
    assert pipeline.query(flags) == [("air-1", moment(hours[1]), Decimal("400.000"), "spike", True)]

    said = pipeline.metrics()
    assert {one.name for one in DEFINITIONS if one.name.startswith("cityvitals_quality_")} <= said.keys()

    # It was no spike: half an hour later the air was as bad.
    publish(broker.url, [senml("air-1", "pm2_5", "ug/m3", (hours[1] + 1800, "380"))])
    wait_until(lambda: value(hours[1]) == [(Decimal("390.000"), 2)], 120, "the reading to come back")
    assert pipeline.query(flags) == []

    # The last thing that a gateway does is to look at what came last.
    last = ((hours[2] + 600, "20"), (hours[2] + 1800, "300"), (hours[2] + 3600, "11"))
    publish(broker.url, [senml("air-1", "pm2_5", "ug/m3", *last)])
    pipeline.drained(7, timeout_s=120)
    pipeline.stop()
    assert value(hours[2]) == [(Decimal("16.000"), 2)]


def test_history_from_files_is_flagged_and_computed_when_the_command_returns(
    databases: Databases, tmp_path: Path
) -> None:
    city = city_of(tmp_path / "city", "air-1,air_station")
    (city / "city.toml").write_text((city / "city.toml").read_text() + RULE)
    rows = [f"2024-03-01T0{n}:00:00Z,air-1,pm2_5,{value}" for n, value in enumerate((10, 400, 12))]
    (tmp_path / "history.csv").write_text("\n".join(["time,device,field,value", *rows]) + "\n")
    with databases.migrated() as url:
        backfill(
            load_registry(city), url, [tmp_path / "history.csv"],
            BackfillSettings(AdmissionLimits(), WorkerSettings(), 1000),
            progress=lambda _done, _what: None, stop=threading.Event(), clock_us=lambda: time.time_ns() // 1000,
        )  # fmt: skip
        with psycopg.connect(url) as connection:
            found = connection.execute(
                "SELECT value, received FROM cityvitals.v_indicator_value WHERE indicator = 'pm2_5_mean'"
                " AND \"window\" = 'day' AND scope = 'air-1'"
            ).fetchall()
    assert found == [(Decimal("11.000"), 2)]
