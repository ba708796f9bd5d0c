"""`/measurands`: what is measured, in which unit and range.

Knows the catalogue that comes with the program.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.web.formats import Page, listed
from console.web.site import SiteOf
from devices import Measurand, text_from_ticks

router = APIRouter(tags=["measurands"])


@dataclass(frozen=True, slots=True)
class MeasurandItem:
    """What is measured, in its one unit.

    Attributes:
        code: stable short name.
        title: what a person calls it.
        unit: UCUM code.
        symbol: the unit for people.
        kind: how values combine over time: gauge, counter, level, angle, state or event.
        decimals: of a value.
        resolution: the least difference of two values, exact.
        low, high: plausible range, both included; exact decimals.
        states: names in order of their number, for kind `state`; else empty.
        source: where definition and range come from.
    """

    code: str
    title: str
    unit: str
    symbol: str
    kind: str
    decimals: int
    resolution: str
    low: str
    high: str
    states: tuple[str, ...]
    source: str


@router.get("/measurands", response_model=Page[MeasurandItem])
def get_measurands(request: Request, site: SiteOf) -> Response:
    """Every measurand of the catalogue."""
    return listed(request, MeasurandItem, [_item(one) for one in site.registry.catalogue.measurands], None)


def _item(one: Measurand) -> MeasurandItem:
    return MeasurandItem(
        code=one.code,
        title=one.title,
        unit=one.unit,
        symbol=one.symbol,
        kind=one.kind.name.lower(),
        decimals=one.decimals,
        resolution=text_from_ticks(1, one.decimals),
        low=text_from_ticks(one.low_ticks, one.decimals),
        high=text_from_ticks(one.high_ticks, one.decimals),
        states=one.states,
        source=one.source,
    )
