"""`/indicators`: what is computed, the newest figures, every figure over time, and what was replaced.

Knows requests and the catalogue; figures are the store's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from console.web.asked import SCOPE_KINDS, listed_words
from console.web.formats import Page, listed
from console.web.site import SiteOf
from console.web.values import LatestItem, latest_items
from console.worth import LENGTH_US
from devices import text_from_ticks
from engine.indicators import INDICATORS, Band, Indicator
from engine.indicators.definition import OPEN_END

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
    window: Annotated[str | None, Query(description="`hour` or `day`; both where left out.")] = None,
    history: Annotated[int, Query(ge=0, le=HISTORY_MAX, description="Windows that each brings along.")] = (
        HISTORY_DEFAULT
    ),
) -> Response:
    """The newest figure that counts of every indicator and scope.

    An hour that has only begun does not hide the last full one: the newest whose coverage suffices is given, else the
    newest with a value. A sum is given once its window is closed.
    """
    kinds = listed_words("scope_kind", scope_kind, SCOPE_KINDS)
    only = None if window is None else listed_words("window", window, tuple(LENGTH_US))[0]
    return listed(
        request, LatestItem, site.stores.ask(lambda store: latest_items(store, kinds, only, history)), None
    )  # fmt: skip
