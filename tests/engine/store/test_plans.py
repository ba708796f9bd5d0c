"""Statements that look up many keys do so by index, whatever the planner believes: its statistics are of before."""

from __future__ import annotations

import psycopg
import pytest

from engine.store.queries import query as statement

OLD = 40_000
NEW = 10_000
"""Readings that came after the statistics were made; the planner expects to find one of them."""
ADD = """
INSERT INTO observation (time, ticks, series_id, flags)
SELECT '2026-01-01'::timestamptz + n * interval '1 second', n, n % 50, 0 FROM generate_series({}, {}) AS n
"""
ASKED = "SELECT array_agg(time), array_agg(series_id), array_agg(ticks::int) FROM observation WHERE ticks > {old}"


@pytest.mark.usefixtures("registered")
def test_readings_are_looked_up_by_index_also_where_statistics_know_nothing_of_them(url: str) -> None:
    with psycopg.connect(url, options="-c search_path=cityvitals,public -c timezone=UTC") as connection:
        connection.execute(ADD.format(1, OLD))  # type: ignore[call-overload]
        connection.execute("ANALYZE observation")
        connection.execute(ADD.format(OLD + 1, OLD + NEW))  # type: ignore[call-overload]
        asked = connection.execute(ASKED.format(old=OLD)).fetchone()  # type: ignore[call-overload]
        assert asked is not None
        time, series, key = asked
        given = {"time": time, "series": series, "key": key, "low": min(time), "high": max(time)}
        plan = connection.execute(b"EXPLAIN " + statement("append_known"), given).fetchall()
        connection.rollback()
    lines = [line for (line,) in plan]
    assert any("Index Scan" in line and "observation_once" in line for line in lines), lines
    assert not any("Join Filter" in line or "Seq Scan on _hyper" in line for line in lines), lines
