"""Columns for the tests of the archive, as hypothesis makes them, and the facts of a day."""

from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import strategies as st

from engine.archive import Columns, DayFacts, Measure, SeriesName

DAY = date(2016, 3, 1)
DAY_US = 86_400_000_000
BEGIN_US = 1_456_761_600_000_000
FACTS = DayFacts("town", "Asia/Shanghai", DAY, (Measure("pm10", "ug/m3", 3), Measure("t", "Cel", 2)))
Rows = dict[tuple[SeriesName, int], tuple[int, int]]
"""Ticks and flags by series and time."""

_WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6)
_SERIES = st.builds(SeriesName, _WORDS, st.sampled_from(["pm10", "t"]), st.sampled_from(["pm10", "t"]))
_TIMES = st.integers(BEGIN_US, BEGIN_US + DAY_US - 1)
_VALUES = st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(0, 3))


@st.composite
def days(draw: st.DrawFn, least: int = 0) -> Rows:
    """A day of a few series."""
    series = draw(st.lists(_SERIES, min_size=1, max_size=5, unique=True))
    return draw(st.dictionaries(st.tuples(st.sampled_from(series), _TIMES), _VALUES, min_size=least, max_size=40))


def columns(rows: Rows, order: np.random.Generator | None = None) -> Columns:
    """The same rows as sorted columns, whatever order they came in."""
    names = list({name for name, _ in rows})
    items = list(rows.items())
    if order is not None:
        order.shuffle(names)
        order.shuffle(items)
    return Columns.sorted_of(
        names,
        np.array([names.index(name) for (name, _), _ in items], np.int32),
        np.array([time_us for (_, time_us), _ in items], np.int64),
        np.array([ticks for _, (ticks, _) in items], np.int64),
        np.array([flags for _, (_, flags) in items], np.int16),
    )


def rows_of(found: Columns) -> Rows:
    """The rows of columns."""
    each = zip(found.at.tolist(), found.time_us.tolist(), found.ticks.tolist(), found.flags.tolist(), strict=True)
    return {(found.series[at], time_us): (ticks, flags) for at, time_us, ticks, flags in each}


def parts(whole: Columns, size: int) -> list[Columns]:
    """Columns cut into portions of so many series."""
    found = []
    for first in range(0, len(whole.series), size):
        kept = (whole.at >= first) & (whole.at < first + size)
        found.append(
            Columns(
                whole.series[first : first + size], whole.at[kept] - first, whole.time_us[kept], whole.ticks[kept],
                whole.flags[kept],
            )
        )  # fmt: skip
    return found
