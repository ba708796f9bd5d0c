"""What other definitions would have made of past years: the same stored windows, computed twice, and nothing written.

Knows two catalogues and the book; knows neither files nor how the difference is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from engine.calendar import Calendar
from engine.kpi import Figure, KpiPeriod, Live, Pack, definition_digest, reference_year, to_date
from engine.kpi_book import KpiBook


class Tried(NamedTuple):
    """One data point of the whole city in one period, under two definitions."""

    data_point: str
    period: KpiPeriod
    old: Figure | None
    """None where there is no such data point yet, or none that sensors can know."""
    new: Figure | None
    """None where there is none any more."""

    @property
    def difference(self) -> Fraction | None:
        """How much the new figure is above the old one, exactly; None where one of them is not reported."""
        if self.old is None or self.new is None:
            return None
        old, new = self.old.value, self.new.value
        return new - old if isinstance(old, Fraction) and isinstance(new, Fraction) else None


def differing(present: Pack, tried: Pack) -> list[str]:
    """Return the keys of the data points that the two catalogues compute differently, or that only one of them has."""
    old, new = ({point.key: definition_digest(pack, point) for point in pack.data_points} for pack in (present, tried))
    return [key for key in {**old, **new} if old.get(key) != new.get(key)]


def unsensed(pack: Pack, keys: list[str]) -> list[str]:
    """Return those of some data points that sensors cannot know, so that the past has no figure of them."""
    wanted = set(keys)
    return [point.key for point in pack.data_points if point.key in wanted and point.live is Live.NO]


def years(calendar: Calendar, first: int, last: int, since_us: int, newest_us: int) -> list[KpiPeriod]:
    """Return the civil years from the first to the last one; the one that is not over, up to its last whole hour.

    Args:
        calendar: of the city.
        first, last: years, both included.
        since_us, newest_us: the first and the last observation of all.
    """
    found = [reference_year(calendar, year) for year in range(first, last + 1)]
    so_far = to_date(calendar, newest_us, since_us)
    return [so_far if one.start_us <= newest_us < one.end_us and not so_far.empty else one for one in found]


def compare(present: KpiBook, tried: KpiBook, keys: list[str], periods: Iterable[KpiPeriod]) -> Iterator[Tried]:
    """Give the figures of data points under both definitions, by period.

    Args:
        present, tried: books of the two catalogues, on one connection.
        keys: of the data points, see `differing`.
        periods: which, see `years`.

    Raises:
        StoreUnavailable, StoreError
    """
    for period in periods:
        old, new = ({one.key: one for one in book.figures(period) if one.zone is None} for book in (present, tried))
        for key in keys:
            if key in old or key in new:
                yield Tried(key, period, old.get(key), new.get(key))
