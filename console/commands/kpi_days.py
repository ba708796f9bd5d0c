"""Figures of KPIs of a civil month or day, for running a city: computed from the stored windows when somebody asks.

Knows which period is meant and where it ends; figures are computed by `engine.kpi_book`, and nothing is written.
"""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING

from console.commands.kpi_figures import TODAY, Asked, part_horizon, stored
from console.commands.results import open_store
from console.errors import FailureError, MisuseError

if TYPE_CHECKING:
    from console.context import Context
    from devices import Registry
    from engine.calendar import Calendar
    from engine.kpi import KpiPeriod, Pack
    from engine.store import KpiReading, Store


def figures_of(context: Context, pack: Pack, wanted: Asked, data_point: str | None = None) -> list[KpiReading] | None:
    """Return the figures that are meant: stored ones, see `stored`, or those of a month or day, computed now.

    Args:
        context: names the city and the database.
        pack: the catalogue.
        wanted: which.
        data_point: key of the only one; all of them where None.

    Raises:
        MisuseError: the database holds another city, or none is named where figures are to be computed.
        FailureError, StoreError: there is nothing to compute figures from.
    """
    if not wanted.part:
        return stored(context, wanted, data_point)
    registry = context.registry()
    with open_store(context, patient=True) as store:
        return computed(store, registry, pack, context.settings.engine.lateness_us, wanted, data_point)


def computed(
    store: Store, registry: Registry, pack: Pack, lateness_us: int, wanted: Asked, data_point: str | None = None
) -> list[KpiReading]:
    """Return the figures of the month or day that is meant, computed now.

    Args:
        store: a connection that may write what it takes back again.
        registry: the city.
        pack: its catalogue.
        lateness_us: how long a window waits for late readings.
        wanted: which.
        data_point: key of the only one; all of them where None.

    Raises:
        MisuseError: there is no such day.
        FailureError, StoreError: there is nothing to compute figures from.
    """
    return [
        one
        for one in _readings(store, registry, pack, lateness_us, wanted.part)
        if one.scope_kind == wanted.kind and wanted.code in (None, one.scope) and data_point in (None, one.data_point)
    ]


def _readings(store: Store, registry: Registry, pack: Pack, lateness_us: int, part: str) -> list[KpiReading]:
    from engine.indicators import INDICATORS
    from engine.kpi_book import KpiBook

    registered = store.register(registry, INDICATORS, keep=False)
    book = KpiBook(store, registry, registered, pack, lateness_us)
    since_us, now_us = book.since_us(), time.time_ns() // 1000
    if since_us is None:
        raise FailureError("nothing is stored to compute figures from", "see `cityvitals backfill`")
    period = _period(book.calendar, part, now_us, since_us)
    if period.empty:
        raise FailureError(
            f"no whole hour of {part} lies between the first observation and now",
            f"the first one came at {book.calendar.local(since_us):%Y-%m-%d %H:%M}",
        )
    return sorted(book.readings(period, now_us), key=lambda one: (one.data_point, one.scope_kind, one.scope))


def _period(calendar: Calendar, part: str, now_us: int, since_us: int) -> KpiPeriod:
    """Return what a month, a day or `today` is, by the city's clock."""
    from engine.errors import CalendarError
    from engine.kpi import civil_day, civil_month

    try:
        if part == TODAY:
            return civil_day(calendar, calendar.local(now_us).date(), now_us, since_us)
        if part_horizon(part) == "day":
            return civil_day(calendar, date.fromisoformat(part), now_us, since_us)
        year, month = part.split("-")
        return civil_month(calendar, int(year), int(month), now_us, since_us)
    except CalendarError as error:
        raise MisuseError(f"--at {part}: {error}") from None
