"""The figures of a real year equal exact decimal arithmetic on the recording, in whatever order it came."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

import deploy
import simulators
from tests.independent import beijing_means
from tests.system.conftest import Start
from tests.system.pipeline import Pipeline, assert_same

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

MEANS = """
SELECT scope, replace(indicator, '_mean', ''), "window", start, received, value::text
FROM cityvitals.v_indicator_value
WHERE scope_kind = 'station' AND indicator = ANY(%s)
"""
PLAIN_SQL = """
SELECT count(*) FROM cityvitals.{table} AS w
JOIN cityvitals.v_series AS s USING (series_id)
LEFT JOIN LATERAL (
    SELECT count(*) AS count, min(ticks) AS low, max(ticks) AS high, sum(ticks) AS total
    FROM cityvitals.observation AS o
    WHERE o.series_id = w.series_id AND o.time >= w.start AND o.time < w.start + interval '{length}'
) AS o ON true
WHERE s.kind = 'gauge' AND (o.count, o.low, o.high, o.total) IS DISTINCT FROM (w.count, w.low, w.high, w.sum_0)
"""
DUPLICATES = 0.03


def stored_means(pipeline: Pipeline) -> dict[tuple[str, str, str, datetime], tuple[int, Decimal]]:
    codes = [f"{code}_mean" for code in beijing_means.POLLUTANTS.values()]
    rows = pipeline.query(MEANS, codes)
    return {(scope, code, window, start): (count, Decimal(value)) for scope, code, window, start, count, value in rows}


def test_a_real_year_is_exact_in_order_and_shuffled_with_repeats(start: Start, broker: deploy.Broker) -> None:
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

    for table, length in (("bucket_minute", "1 minute"), ("window_hour", "1 hour"), ("window_day", "1 day")):
        assert ordered.query(PLAIN_SQL.format(table=table, length=length)) == [(0,)], table

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

    # Every reading is late here and touches hours all over the year: long rounds take many of them together.
    shuffled = start(city, CITYVITALS_ENGINE_CYCLE_S="2", CITYVITALS_ENGINE_SETTLE_S="20")
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
