"""From publishing to what a reader of the database sees, at a steady 5,000 observations a second.

Each reading's time is the instant at which it was encoded for sending. A reader polls for some of the devices: an
observation counts as seen when a query returned it, an indicator when its count of readings includes it. So the figures
hold the publisher, the broker, the gateway, the database and up to one polling interval.
"""

from __future__ import annotations

import time
from collections import defaultdict

from tests.benchmarks.bed import Bed, Running, publish, published
from tests.benchmarks.table import Row, quantile

RATE = 5_000
PROBES = 20
POLL_S = 0.02

_STORED = """
SELECT o.series_id, (extract(epoch FROM o.time) * 1000000)::int8 FROM cityvitals.observation AS o
WHERE o.series_id = ANY(%s) AND o.time > to_timestamp(%s)
"""
_COUNTED = """
SELECT v.scope_id, sum(v.received)::int8 FROM cityvitals.indicator_value AS v
JOIN cityvitals.indicator AS i USING (indicator_id)
WHERE i.code = 'laeq' AND i."window" = 'hour' AND v.scope_id = ANY(%s) GROUP BY v.scope_id
"""


def rows(bed: Bed, *, quick: bool) -> list[Row]:
    """Measure both ways for half a minute."""
    seconds = 8 if quick else 40
    with bed.gateway(RATE, 1) as running:
        publisher = publish(bed.plan(devices=RATE, messages=RATE * seconds, rate=float(RATE)))
        stored, counted = _watch(running, seconds)
        published(publisher)
    note = (
        f"{RATE:,}/s from {RATE:,} devices for {seconds} s; {len(stored):,} probes, polled every {POLL_S * 1000:.0f} ms"
    )
    return [
        Row("published to stored, median", quantile(stored, 0.5), "s", note=note),
        Row("published to stored, p99", quantile(stored, 0.99), "s", required=0.5, below=True, note=note),
        Row("published to indicator, median", quantile(counted, 0.5), "s", note=note),
        Row("published to indicator, p99", quantile(counted, 0.99), "s", required=2.0, below=True, note=note),
    ]


def _watch(running: Running, seconds: float) -> tuple[list[float], list[float]]:
    """Return how long each probe took to be stored, and to be part of its indicator."""
    pairs = running.reader.rows(
        "SELECT s.series_id, c.scope_id FROM cityvitals.v_series AS s JOIN cityvitals.scope AS c"
        " ON c.code = s.device AND c.kind = 'station' ORDER BY s.series_id"
    )[:: RATE // PROBES]
    scope_of = dict(pairs)
    times: dict[int, list[int]] = defaultdict(list)
    done: dict[int, int] = defaultdict(int)
    stored: list[float] = []
    counted: list[float] = []
    since_s = time.time() - 5
    end = time.monotonic() + seconds + 3
    seen: set[tuple[int, int]] = set()
    while time.monotonic() < end:
        for series, time_us in running.reader.rows(_STORED, list(scope_of), since_s):
            if (series, time_us) not in seen:
                seen.add((series, time_us))
                stored.append(time.time() - time_us / 1e6)
                times[scope_of[series]].append(time_us)
        now_s = time.time()
        since_s = now_s - 5
        for scope, count in running.reader.rows(_COUNTED, list(scope_of.values())):
            known = sorted(times[scope])
            counted.extend(now_s - time_us / 1e6 for time_us in known[done[scope] : count])
            done[scope] = max(done[scope], min(count, len(known)))
        time.sleep(POLL_S)
    if len(stored) < PROBES or len(counted) < PROBES:
        raise RuntimeError(f"only {len(stored)} probes were stored and {len(counted)} counted")
    return stored, counted
