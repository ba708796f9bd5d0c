"""The same proof by plain SQL inside the database: minutes, hours, days and counter events, without any kernel of ours.

Knows stretches; the statements are the store's. Indicators are not covered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from devices import SeriesTable
from engine.store import Difference, Store
from engine.stretch import Step, Stretches

DAYS_PER_STATEMENT = 7


def plain_check(
    store: Store,
    series: SeriesTable,
    stretches: Stretches,
    from_us: int,
    to_us: int,
    *,
    progress: Callable[[float], None],
    pause: Callable[[], None],
) -> Iterator[Step]:
    """Give what plain SQL finds in whole civil days, some at a time; arguments as for `recompute.Recomputation`.

    Raises:
        StoreError
    """
    minutes_us = stretches.minutes_from_us()
    for low_us, high_us in stretches.pieces(from_us, to_us, DAYS_PER_STATEMENT):
        progress((low_us - from_us) / (to_us - from_us))

        def compare(low_us: int = low_us, high_us: int = high_us) -> Step:
            rows: Counter[str] = Counter()
            differences: list[tuple[str, Difference]] = []
            for found in store.plain_differences(series, low_us, high_us, minutes_us):
                rows[found.table] += found.rows
                if found.difference is not None:
                    differences.append((found.table, found.difference))
            return Step(low_us, high_us, dict(rows), differences)

        yield stretches.steady(compare, pause)
