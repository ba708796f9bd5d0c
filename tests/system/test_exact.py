"""The figures of a real year equal exact decimal arithmetic on the recording, in whatever order it came.

The year is received in order as a whole, and again otherwise: its first quarter at each run, all of it in slow ones.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

import deploy
import simulators
from simulators import export
from simulators.bench import fresh_broker
from simulators.replay import prepare
from tests.console.command import cityvitals
from tests.databases import Databases
from tests.independent import beijing_means
from tests.system.conftest import Start
from tests.system.pipeline import Pipeline, Tables, assert_same, tables_of

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

MEANS = """
SELECT scope, replace(indicator, '_mean', ''), "window", start, received, value::text
FROM cityvitals.v_indicator_value
WHERE scope_kind = 'station' AND indicator = ANY(%s)
"""
PLAIN_SQL = """
WITH plain AS (
    SELECT series_id, date_trunc('{window}', o.time, 'Asia/Shanghai') AS start,
           count(*) AS count, min(ticks) AS low, max(ticks) AS high, sum(ticks) AS total
    FROM cityvitals.observation AS o JOIN cityvitals.v_series AS s USING (series_id)
    WHERE s.kind = 'gauge' GROUP BY 1, 2
), engine AS (
    SELECT w.* FROM cityvitals.{table} AS w JOIN cityvitals.v_series AS s USING (series_id) WHERE s.kind = 'gauge'
)
SELECT count(*), count(*) FILTER (
    WHERE (w.count, w.low, w.high, w.sum_0) IS DISTINCT FROM (p.count, p.low, p.high, p.total)
)
FROM plain AS p FULL JOIN engine AS w USING (series_id, start)
"""
"""How many windows of gauges either side has, and in how many the two differ."""
DUPLICATES = 0.03
CITY = simulators.beijing_city()
RECORDING = beijing_means.CSV.parent
HOURS = 366 * 24


def stored_means(pipeline: Pipeline) -> dict[tuple[str, str, str, datetime], tuple[int, Decimal]]:
    codes = [f"{code}_mean" for code in beijing_means.POLLUTANTS.values()]
    rows = pipeline.query(MEANS, codes)
    return {(scope, code, window, start): (count, Decimal(value)) for scope, code, window, start, count, value in rows}


class Extent(NamedTuple):
    """How much is sent: of how many stations, and until when (by their clock) it is sent again in other ways."""

    stations: int
    again_to: datetime


QUARTER = Extent(1, datetime(2016, 4, 1, tzinfo=beijing_means.CHINA))
WHOLE = Extent(4, datetime(2017, 1, 1, tzinfo=beijing_means.CHINA))


@dataclass(frozen=True)
class Year:
    """The year as it was received in order: its gateway has ended, its database stands.

    Attributes:
        recording: all of it. again: what of it is sent again.
        tables: its figures of the time that is sent again: nothing later may have changed them.
    """

    recording: Path
    again: Path
    pipeline: Pipeline
    sent: simulators.ReplaySummary
    tables: Tables


def part_of_the_recording(stations: int, to: datetime, folder: Path) -> Path:
    """The recording with the rows of the first so many stations before a time of their clock."""
    shutil.copytree(RECORDING, folder)
    with gzip.open(RECORDING / beijing_means.CSV.name, "rt") as whole:
        heading, *lines = whole
    names = tuple(f"{name}," for name in sorted(beijing_means.STATIONS)[:stations])
    end = f"{to:%Y-%m-%d %H:%M}"
    with gzip.open(folder / beijing_means.CSV.name, "wt") as part:
        part.writelines([heading, *(line for line in lines if line.startswith(names) and line.split(",")[1] < end)])
    return folder


@pytest.fixture(
    scope="module", params=[QUARTER, pytest.param(WHOLE, marks=pytest.mark.slow)], ids=["a_station", "4_stations"]
)
def year(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Year]:
    folder = tmp_path_factory.mktemp("year")
    extent: Extent = request.param
    recording = part_of_the_recording(extent.stations, WHOLE.again_to, folder / "recording")
    again = part_of_the_recording(extent.stations, extent.again_to, folder / "again")
    pace = {"CITYVITALS_ENGINE_CYCLE_S": "0.5", "CITYVITALS_ENGINE_SETTLE_S": "5"}
    with fresh_broker(folder / "broker") as broker, databases.migrated() as url:
        with Pipeline(CITY, broker.url, url, folder / "gateway", **pace) as pipeline:
            sent = simulators.replay([recording], broker.url, city=CITY)
            pipeline.drained(sent.readings, timeout_s=400)
        assert sent.messages == extent.stations * HOURS
        yield Year(recording, again, pipeline, sent, tables_of(url, round(extent.again_to.timestamp()) * 1_000_000))


def test_a_real_year_is_exact(year: Year) -> None:
    ordered, sent = year.pipeline, year.sent
    assert ordered.ledger() == {
        "messages": sent.messages, "received": sent.readings, "accepted": sent.readings, "duplicate": 0,
        "quarantined": 0,
    }  # fmt: skip

    expected = beijing_means.means(year.recording / beijing_means.CSV.name)
    windows = {
        (m.station, m.pollutant, m.window, m.start): (m.readings, Decimal(m.mean))
        for m in expected
        if m.window != "period"
    }
    assert stored_means(ordered) == windows
    assert len(windows) > 5.9 * sent.messages

    for table, window in (("bucket_minute", "minute"), ("window_hour", "hour"), ("window_day", "day")):
        ((count, different),) = ordered.query(PLAIN_SQL.format(table=table, window=window))
        assert count > sent.messages / 3
        assert different == 0, table

    periods = [m for m in expected if m.window == "period"]
    begin = periods[0].start
    end = begin + timedelta(days=366)
    for code in beijing_means.POLLUTANTS.values():
        shown = ordered.command(
            "indicators", "--indicator", f"{code}_mean", "--window", "period", "--from", begin.isoformat(),
            "--to", end.isoformat(),
        )  # fmt: skip
        assert {(line["scope"], line["value"], line["received"]) for line in shown} == {
            (f"station:{m.station}", m.mean, m.readings) for m in periods if m.pollutant == code
        }


def test_annual_kpis_of_a_real_year_are_exact(year: Year) -> None:
    url = {"CITYVITALS_DATABASE_URL": year.pipeline.database_url}
    computed = cityvitals("--city", str(CITY), "kpis", "compute", "--json", **url)
    assert computed.code == 0, computed.err
    listed = cityvitals("--city", str(CITY), "kpis", "--at", "2016", "--live", "yes", "--json", **url)
    figures = {row["key"]: row["figures"] for row in listed.rows}
    expected = beijing_means.annual(year.recording / beijing_means.CSV.name)
    # The city has four stations: where only one sent anything, most of what is owed is missing.
    validity = "valid" if year.sent.messages == 4 * HOURS else "insufficient"
    for pollutant in ("pm2_5", "pm10", "no2", "so2", "o3"):
        (one,) = figures[f"EN: EN: AQ: 1C/{pollutant}"]
        assert (one["exact"], one["value"]) == (
            str(expected[pollutant]), beijing_means.rounded(expected[pollutant], 6)
        )  # fmt: skip
        assert (one["validity"], one["expected"]) == (validity, 4 * HOURS)
        # The year is long over: a gateway at its KPIs before the last of it had come has published one already.
        assert one["revision"] >= 1
    again = cityvitals("--city", str(CITY), "kpis", "compute", "--json", **url)
    assert (again.rows[0]["written"], again.rows[0]["superseded"]) == (0, 0)


def test_shuffled_with_repeats_it_is_the_same_year(year: Year, start: Start, broker: deploy.Broker) -> None:
    # Every reading is late here and touches hours all over the time: long rounds take many of them together.
    shuffled = start(
        CITY,
        CITYVITALS_ENGINE_CYCLE_S="2",
        CITYVITALS_ENGINE_SETTLE_S="20",
        CITYVITALS_ENGINE_ABSORB_MAX="1000000",
    )
    choice = simulators.Choice(shuffle=True, seed=7, duplicates=DUPLICATES)
    again = simulators.replay([year.again], broker.url, city=CITY, choice=choice)
    observations = len(year.tables["observation"])
    repeated = again.readings - observations
    assert repeated > observations * DUPLICATES / 2
    shuffled.drained(again.readings, timeout_s=400)
    assert shuffled.ledger() == {
        "messages": again.messages, "received": again.readings, "accepted": observations, "duplicate": repeated,
        "quarantined": 0,
    }  # fmt: skip
    assert_same(shuffled.tables(), year.tables)


def test_from_a_file_it_is_the_same_year(year: Year, databases: Databases, tmp_path: Path) -> None:
    file = tmp_path / "beijing.parquet"
    written = export.write(prepare([year.again], city=CITY).recordings, file)
    assert written == len(year.tables["observation"])
    with databases.migrated() as url:
        given = {"CITYVITALS_DATABASE_URL": url, "CITYVITALS_ENGINE_MINUTE_DAYS": "0"}
        done = cityvitals("--city", str(CITY), "backfill", str(file), timeout_s=500, **given)
        assert done.code == 0, done.err
        assert_same(tables_of(url), year.tables)
