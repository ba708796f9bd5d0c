"""The figures of a real year equal exact decimal arithmetic on the recording, in whatever order it came."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import deploy
import simulators
from simulators import export
from simulators.replay import prepare
from tests.console.command import cityvitals
from tests.independent import beijing_means
from tests.system.conftest import Start
from tests.system.pipeline import Pipeline, assert_same, tables_of

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

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


def stored_means(pipeline: Pipeline) -> dict[tuple[str, str, str, datetime], tuple[int, Decimal]]:
    codes = [f"{code}_mean" for code in beijing_means.POLLUTANTS.values()]
    rows = pipeline.query(MEANS, codes)
    return {(scope, code, window, start): (count, Decimal(value)) for scope, code, window, start, count, value in rows}


def test_a_real_year_is_exact_in_order_shuffled_with_repeats_and_from_a_file(
    start: Start, broker: deploy.Broker, stack: deploy.Stack, tmp_path: Path
) -> None:
    city = simulators.beijing_city()
    ordered = start(city, CITYVITALS_ENGINE_CYCLE_S="0.5", CITYVITALS_ENGINE_SETTLE_S="5")
    sent = simulators.replay([city], broker.url)
    assert sent.messages == 35_136
    ordered.drained(sent.readings, timeout_s=240)
    assert ordered.ledger() == {
        "messages": sent.messages, "received": sent.readings, "accepted": sent.readings, "duplicate": 0,
        "quarantined": 0,
    }  # fmt: skip

    expected = beijing_means.means()
    windows = {
        (m.station, m.pollutant, m.window, m.start): (m.readings, Decimal(m.mean))
        for m in expected
        if m.window != "period"
    }
    assert stored_means(ordered) == windows
    assert len(windows) > 200_000

    for table, window in (("bucket_minute", "minute"), ("window_hour", "hour"), ("window_day", "day")):
        ((count, different),) = ordered.query(PLAIN_SQL.format(table=table, window=window))
        assert count > 10_000
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
    tables = ordered.tables()
    assert ordered.stop() == 0

    # The same year from a file.
    file = tmp_path / "beijing.parquet"
    assert export.write(prepare([city]).recordings, file) == sent.readings
    url = deploy.create_database(stack.database.url, "exact_backfilled")
    for command in (["migrate"], ["backfill", str(file)]):
        done = cityvitals("--city", str(city), *command, timeout_s=400, CITYVITALS_DATABASE_URL=url)
        assert done.code == 0, done.err
    assert_same(tables_of(url), tables)
    deploy.drop_database(stack.database.url, "exact_backfilled")

    # Every reading is late here and touches hours all over the year: long rounds take many of them together.
    shuffled = start(
        city,
        CITYVITALS_ENGINE_CYCLE_S="2",
        CITYVITALS_ENGINE_SETTLE_S="20",
        CITYVITALS_ENGINE_ABSORB_MAX="1000000",
    )
    choice = simulators.Choice(shuffle=True, seed=7, duplicates=DUPLICATES)
    again = simulators.replay([city], broker.url, choice=choice)
    repeated = again.readings - sent.readings
    assert repeated > sent.readings * DUPLICATES / 2
    shuffled.drained(again.readings, timeout_s=300)
    assert shuffled.ledger() == {
        "messages": again.messages, "received": again.readings, "accepted": sent.readings, "duplicate": repeated,
        "quarantined": 0,
    }  # fmt: skip
    assert_same(shuffled.tables(), tables)
