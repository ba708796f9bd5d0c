"""`/indicators`: what is computed, the newest figures, every figure over time, and what was replaced.

Knows requests and the catalogue; figures are the store's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from console.web.asked import (
    SCOPE_KINDS,
    SPAN_US,
    From,
    KnownAt,
    ScopeText,
    To,
    WindowName,
    known,
    listed_words,
    scope_of,
    span_us,
    time_us,
)
from console.web.formats import SERIES_RESPONSES, FormatOf, Page, listed
from console.web.paging import LIMIT_DEFAULT, Cursor, SeriesLimit, cursor_of, parts_of
from console.web.problems import absent
from console.web.site import SiteOf
from console.web.values import LatestItem, ValueItem, latest_items, value_item
from devices import rfc3339, text_from_ticks
from engine.indicators import INDICATORS, Band, Indicator
from engine.indicators.definition import OPEN_END
from engine.store import IndicatorReading, IndicatorRevision, pages
from engine.store.pages import After
from engine.store.reader import Reader

HISTORY_MAX = 48
HISTORY_DEFAULT = 24

router = APIRouter(prefix="/indicators", tags=["indicators"])


@dataclass(frozen=True, slots=True)
class BandItem:
    """One category of a scale.

    Attributes:
        number: from 1 for the lowest.
        name, name_ko: in English and Korean.
        colour: as the scale's own rules print it, `#rrggbb`.
        low, high: exact decimals, both included; no `high` is open.
    """

    number: int
    name: str
    name_ko: str
    colour: str
    low: str
    high: str | None


@dataclass(frozen=True, slots=True)
class IndicatorItem:
    """What a live figure is.

    Attributes:
        code, window: together they name it; the window is `hour` or `day`.
        title, title_ko: in English and Korean, without the window.
        unit: UCUM code; `1` for an index.
        symbol: the unit for people; empty for an index.
        decimals: of a value.
        inputs: measurands that it is made of.
        bands: categories, the lowest first; empty where it has none.
        pool: how figures of zones and of the city come from those of stations.
        source: standard and clause.
        lookback_hours: hours before the window that are read as well.
        coverage_percent_min: least coverage of a valid figure.
        note: what a reader must know.
    """

    code: str
    window: str
    title: str
    title_ko: str
    unit: str
    symbol: str
    decimals: int
    inputs: tuple[str, ...]
    bands: tuple[BandItem, ...]
    pool: str
    source: str
    lookback_hours: int
    coverage_percent_min: int
    note: str


@dataclass(frozen=True, slots=True)
class RevisionItem(ValueItem):
    """A result of a closed window that a later one replaced: the value as it was, and what followed.

    Attributes:
        superseded: when the next result was computed.
        reason: why it was computed again.
        value_now: what stands now; null where that is no value.
        revision_now: 0 where nothing stands any more.
    """

    superseded: str
    reason: str
    value_now: str | None
    revision_now: int


def _band(indicator: Indicator, number: int, band: Band) -> BandItem:
    high = None if band.high == OPEN_END else text_from_ticks(band.high, indicator.decimals)
    return BandItem(number, band.name, band.name_ko, band.colour, text_from_ticks(band.low, indicator.decimals), high)


ITEMS = tuple(
    IndicatorItem(
        code=one.code,
        window=one.window.name.lower(),
        title=one.title,
        title_ko=one.title_ko,
        unit=one.unit,
        symbol=one.symbol,
        decimals=one.decimals,
        inputs=one.inputs,
        bands=tuple(_band(one, number, band) for number, band in enumerate(one.bands, 1)),
        pool=str(one.pool),
        source=one.source,
        lookback_hours=one.lookback_hours,
        coverage_percent_min=one.coverage_percent_min,
        note=one.note,
    )
    for one in INDICATORS
)


@router.get("", response_model=Page[IndicatorItem])
def get_indicators(request: Request) -> Response:
    """Every definition of a live figure, with its bands."""
    return listed(request, IndicatorItem, ITEMS, None)


@router.get("/latest", response_model=Page[LatestItem])
def get_latest(
    request: Request,
    site: SiteOf,
    scope_kind: Annotated[
        str, Query(description="Some of city, zone, station, with commas.", examples=["city,zone"])
    ] = "city,zone",
    window: Annotated[WindowName | None, Query(description="Both where left out.")] = None,
    history: Annotated[int, Query(ge=0, le=HISTORY_MAX, description="Windows that each brings along.")] = (
        HISTORY_DEFAULT
    ),
) -> Response:
    """The newest figure that counts of every indicator and scope.

    An hour that has only begun does not hide the last full one: the newest whose coverage suffices is given, else the
    newest with a value. A sum is given once its window is closed.
    """
    kinds = listed_words("scope_kind", scope_kind, SCOPE_KINDS)
    items = site.stores.ask(lambda store: latest_items(store, kinds, window, history))
    return listed(request, LatestItem, items, None)


def _asked(
    site: SiteOf,
    code: str,
    window: WindowName,
    scope: ScopeText = "city",
    since: From = None,
    until: To = None,
) -> pages.Asked:
    """Return which figures a request means.

    Raises:
        ProblemError: there is no such indicator or scope, or the times mean nothing.
    """
    known("code", "indicator", code, {item.code for item in ITEMS})
    if not any((item.code, item.window) == (code, window) for item in ITEMS):
        raise absent("window", f"{code} is not computed for a {window}")
    place = scope_of(site, scope)
    return pages.Asked(code, window, place.kind, place.code, *span_us(site, since, until, SPAN_US[window]))


AskedOf = Annotated[pages.Asked, Depends(_asked)]
"""Parameters of an endpoint that gives figures of one indicator over time."""


@router.get("/{code}/{window}/values", response_model=Page[ValueItem], responses=SERIES_RESPONSES)
def get_values(
    request: Request,
    site: SiteOf,
    wanted: FormatOf,
    asked: AskedOf,
    known_at: KnownAt = None,
    limit: SeriesLimit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """Every figure of an indicator over time, by start and scope.

    Unless said, of the last week (hours) or year (days). With `known_at` as they were known then, whatever came later:
    exactly for closed windows; open ones of the city and its zones as they stood at the end of each minute.
    """
    known_us = None if known_at is None else time_us(site, "known_at", known_at)
    after = After(asked.from_us - 1)
    if cursor is not None:
        after = After(*cast("tuple[int, str]", parts_of(cursor, int, str)))

    def read(store: Reader) -> list[IndicatorReading]:
        if known_us is None:
            return pages.values(store.session, asked, after, limit + 1)
        return pages.values_known(store.session, known_us, asked, after, limit + 1)

    rows = site.stores.ask(read)
    following = cursor_of(rows[limit - 1].start_us, rows[limit - 1].scope) if len(rows) > limit else None
    return listed(request, ValueItem, [value_item(row) for row in rows[:limit]], following, wanted)


@router.get("/{code}/{window}/revisions", response_model=Page[RevisionItem], responses=SERIES_RESPONSES)
def get_revisions(
    request: Request,
    site: SiteOf,
    wanted: FormatOf,
    asked: AskedOf,
    limit: SeriesLimit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """What was published of closed windows and replaced since, until when it stood, and why it changed."""
    after = After(asked.from_us - 1)
    if cursor is not None:
        after = After(*cast("tuple[int, str, int]", parts_of(cursor, int, str, int)))
    rows = site.stores.ask(lambda store: pages.revisions(store.session, asked, after, limit + 1))
    following = None
    if len(rows) > limit:
        last = rows[limit - 1].replaced
        following = cursor_of(last.start_us, last.scope, last.revision)
    return listed(request, RevisionItem, [_revision(row) for row in rows[:limit]], following, wanted)


def _revision(row: IndicatorRevision) -> RevisionItem:
    item = value_item(row.replaced)
    return RevisionItem(
        **{name: getattr(item, name) for name in ValueItem.__dataclass_fields__},
        superseded=rfc3339(row.superseded_us),
        reason=row.reason,
        value_now=None if row.value_now is None else f"{row.value_now:f}",
        revision_now=row.revision_now,
    )
