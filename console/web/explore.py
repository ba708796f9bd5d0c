"""`/series` and `/observations`: what a series is, its readings, its windows, and these drawn in so many columns.

Knows requests; what is read is the store's, figures are `console.web.figures`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, cast

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from console.web.asked import SPAN_US, From, To, known, span_us
from console.web.figures import Drawing, WindowItem, drawn, text, window_item
from console.web.formats import SERIES_RESPONSES, FormatOf, Page, listed, whole
from console.web.paging import LIMIT_DEFAULT, Cursor, SeriesLimit, cursor_of, parts_of
from console.web.problems import absent, wrong
from console.web.site import Site, SiteOf
from devices import FLAG_TIME_FROM_ARRIVAL, Rule, nearest, rfc3339
from engine.cells import Grid
from engine.store import series
from engine.store.reader import Reader
from engine.store.series import Reading, ReadingOf, SeriesFacts

POINTS_MAX = 10_000
"""More columns than any screen has pixels."""
LENGTH_US = {Grid.MINUTE: 60_000_000, Grid.HOUR: 3_600_000_000, Grid.DAY: 86_400_000_000}
"""Civil days and hours may be longer or shorter where the clock is changed; columns merge whole ones by their start."""

SERIES_MAX = 2_000
"""Series whose readings are given together."""

router = APIRouter(prefix="/series/{device}/{field}", tags=["series"])
several = APIRouter(tags=["series"])


class GridName(StrEnum):
    """Windows of series."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def grid(self) -> Grid:
        """The grid of that name."""
        return Grid[self.name]


@dataclass(frozen=True, slots=True)
class SeriesItem:
    """What a series is.

    Attributes:
        device, field: which.
        measurand: what it measures.
        title: the measurand's, for people.
        unit, symbol: UCUM code, and as people write it.
        kind: how values combine over time.
        decimals: of a value.
        states: names, for kind `state`; else empty.
        interval_s: reporting interval; coverage counts against it.
        listed: whether the city's list has it.
    """

    device: str
    field: str
    measurand: str
    title: str
    unit: str
    symbol: str
    kind: str
    decimals: int
    states: tuple[str, ...]
    interval_s: float
    listed: bool


@dataclass(frozen=True, slots=True)
class ReadingItem:
    """One stored reading.

    Attributes:
        time: of the phenomenon.
        value: exact decimal.
        unit: UCUM code.
        state: its name, for kind `state`; else null.
        time_from_arrival: the message carried no time, that of its arrival stands in.
        flags: rules of quality that flag it: stuck, spike, rate or drift.
        excluded: whether figures leave it out.
    """

    time: str
    value: str
    unit: str
    state: str | None
    time_from_arrival: bool
    flags: tuple[str, ...]
    excluded: bool


@dataclass(frozen=True, slots=True)
class ReadingOfItem(ReadingItem):
    """One stored reading, and of which series.

    Attributes:
        device, field, measurand: the series.
    """

    device: str
    field: str
    measurand: str


@several.get("/observations", response_model=Page[ReadingOfItem], responses=SERIES_RESPONSES)
def get_observations_of(
    request: Request,
    site: SiteOf,
    wanted: FormatOf,
    device: Annotated[str | None, Query(description="Only of this device.")] = None,
    zone: Annotated[str | None, Query(description="Only of this zone.")] = None,
    measurand: Annotated[str | None, Query(description="Only of this measurand.")] = None,
    since: From = None,
    until: To = None,
    limit: SeriesLimit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """The stored readings of several series in order of time; unless said, of the last day."""
    if device is not None:
        known("device", "device", device, [one.code for one in site.registry.devices])
    if zone is not None:
        known("zone", "zone", zone, [one.code for one in site.registry.city.zones])
    if measurand is not None:
        known("measurand", "measurand", measurand, site.registry.catalogue.by_code)
    from_us, to_us = span_us(site, since, until, SPAN_US["minute"])
    after = (from_us - 1, 0)
    if cursor is not None:
        after = cast("tuple[int, int]", parts_of(cursor, int, int))

    def read(store: Reader) -> tuple[dict[int, SeriesFacts], list[ReadingOf]]:
        facts = series.chosen(store.session, device, zone, measurand, SERIES_MAX + 1)
        if len(facts) > SERIES_MAX:
            raise wrong(
                "measurand", f"expected a choice of at most {SERIES_MAX:,} series, by device, zone or measurand"
            )
        of = {one.series_id: one for one in facts}
        return of, series.readings_of(store.session, list(of), from_us, to_us, after, limit + 1)

    of, rows = site.stores.ask(read)
    following = cursor_of(rows[limit - 1].time_us, rows[limit - 1].series_id) if len(rows) > limit else None
    return listed(
        request, ReadingOfItem, [_reading_of(of[row.series_id], row) for row in rows[:limit]], following, wanted
    )


@router.get("", response_model=SeriesItem)
def get_series(site: SiteOf, device: str, field: str) -> Response:
    """What one series is."""
    facts = site.stores.ask(lambda store: _facts(site, store, device, field))
    measurand = site.registry.catalogue.by_code.get(facts.measurand)
    return whole(
        SeriesItem(
            device=facts.device,
            field=facts.field,
            measurand=facts.measurand,
            title=facts.measurand if measurand is None else measurand.title,
            unit=facts.unit,
            symbol=_symbol(site, facts),
            kind=facts.kind,
            decimals=facts.decimals,
            states=tuple(facts.states),
            interval_s=facts.interval_us / 1_000_000,
            listed=facts.listed,
        )
    )


@router.get("/observations", response_model=Page[ReadingItem], responses=SERIES_RESPONSES)
def get_observations(
    request: Request,
    site: SiteOf,
    wanted: FormatOf,
    device: str,
    field: str,
    since: From = None,
    until: To = None,
    limit: SeriesLimit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """The stored readings of a series in order of time; unless said, of the last day."""
    from_us, to_us = span_us(site, since, until, SPAN_US["minute"])
    begin_us = from_us if cursor is None else _following(cursor, from_us)

    def read(store: Reader) -> tuple[SeriesFacts, list[Reading]]:
        facts = _facts(site, store, device, field)
        return facts, series.readings(store.session, facts.series_id, begin_us, to_us, limit + 1)

    facts, rows = site.stores.ask(read)
    following = cursor_of(rows[limit].time_us) if len(rows) > limit else None
    return listed(request, ReadingItem, [_reading(facts, row) for row in rows[:limit]], following, wanted)


@router.get("/windows", response_model=Page[WindowItem] | Drawing, responses=SERIES_RESPONSES)
def get_windows(
    request: Request,
    site: SiteOf,
    wanted: FormatOf,
    device: str,
    field: str,
    grid: GridName = GridName.HOUR,
    since: From = None,
    until: To = None,
    points: Annotated[
        int | None, Query(ge=1, le=POINTS_MAX, description="Merge the windows into at most so many columns.")
    ] = None,
    limit: SeriesLimit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """The windows of a series in order of time: exact, page by page, or with `points` merged to be drawn.

    Unless said, of the last day (minutes), week (hours) or year (days). Windows hold everything that was stored; what
    rules of quality exclude is left out of indicators only.

    With `points` whole windows are merged into columns of one width, and each keeps the least and the greatest value
    and the exact mean: nothing that stands out is lost, however few pixels there are. Columns without windows are left
    out, so that a gap is a difference of `t` above `step_s`. `limit`, `cursor` and `format` have no meaning then.
    """
    from_us, to_us = span_us(site, since, until, SPAN_US[grid])
    if points is not None:
        return whole(_drawing(site, device, field, grid.grid, (from_us, to_us), points))
    begin_us = from_us if cursor is None else _following(cursor, from_us)

    def read(store: Reader) -> tuple[SeriesFacts, list[series.Window]]:
        facts = _facts(site, store, device, field)
        return facts, series.windows(store.session, grid.grid, facts.series_id, begin_us, to_us, limit + 1)

    facts, rows = site.stores.ask(read)
    following = cursor_of(rows[limit].start_us) if len(rows) > limit else None
    return listed(request, WindowItem, [window_item(facts, row) for row in rows[:limit]], following, wanted)


def _drawing(site: Site, device: str, field: str, grid: Grid, span: tuple[int, int], points: int) -> Drawing:
    """Return the windows that start in a span as at most so many columns."""
    length_us = LENGTH_US[grid]
    first = span[0] // length_us
    # Whole windows to a column, so that all of them hold equally many; the first may begin before the span.
    width_us = max(-((first * length_us - span[1]) // (points * length_us)), 1) * length_us

    def read(store: Reader) -> Drawing:
        facts = _facts(site, store, device, field)
        columns = series.merged(store.session, grid, facts.series_id, *span, first * length_us, width_us)
        return drawn(facts, _symbol(site, facts), grid, width_us, columns)

    return site.stores.ask(read)


def _facts(site: Site, store: Reader, device: str, field: str) -> SeriesFacts:
    """Return what a series is.

    Raises:
        ProblemError: there is no such device or field; the reason names the nearest.
    """
    found = series.series_facts(store.session, [device], field)
    if found:
        return found[0]
    fields = {one.field for one in series.series_facts(store.session, [device])}
    if not fields:
        known("device", "device", device, [one.code for one in site.registry.devices])
    raise absent("field", f"{device} has no field {field!r}{nearest(field, sorted(fields))}")


def _symbol(site: Site, facts: SeriesFacts) -> str:
    """Return a series' unit as people write it; its code where this version does not know the measurand."""
    measurand = site.registry.catalogue.by_code.get(facts.measurand)
    return facts.unit if measurand is None else measurand.symbol


def _following(cursor: str, from_us: int) -> int:
    """Return where a page begins: at the row after the page before."""
    (start_us,) = cast("tuple[int]", parts_of(cursor, int))
    return max(start_us, from_us)


def _reading_of(facts: SeriesFacts, row: ReadingOf) -> ReadingOfItem:
    item = _reading(facts, row)
    return ReadingOfItem(
        **{name: getattr(item, name) for name in ReadingItem.__dataclass_fields__},
        device=facts.device,
        field=facts.field,
        measurand=facts.measurand,
    )


def _reading(facts: SeriesFacts, row: Reading | ReadingOf) -> ReadingItem:
    state = facts.states[row.ticks] if facts.kind == "state" and 0 <= row.ticks < len(facts.states) else None
    return ReadingItem(
        time=rfc3339(row.time_us),
        value=text(facts, row.ticks),
        unit=facts.unit,
        state=state,
        time_from_arrival=bool(row.flags & FLAG_TIME_FROM_ARRIVAL),
        flags=tuple(Rule(rule).name.lower() for rule in row.rules),
        excluded=row.excluded,
    )
