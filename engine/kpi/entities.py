"""A figure as Smart Data Models has it: the entity `KeyPerformanceIndicator` of NGSI-LD, with its context.

Pure. Knows the words of that model (version 0.2.1) and of NGSI-LD (ETSI GS CIM 009) and which of ours they are; knows
neither where figures are kept nor who asks for them. A `Decimal` stands for a JSON number with all its digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final, NamedTuple

from devices.times import rfc3339
from engine.kpi.bounds import Interval
from engine.kpi.definition import DataPoint, Live, Target
from engine.kpi.periods import ESTIMATE, Horizon
from engine.kpi.values import NotReported, Value

TYPE: Final = "KeyPerformanceIndicator"
_MODEL: Final = f"https://smartdatamodels.org/dataModel.{TYPE}/"
TYPE_IRI: Final = _MODEL + TYPE
VALUE_DECIMALS: Final = 6
"""Digits of `kpiValue` after the point, the last one rounded half to even; `exactValue` has the whole."""
CITY: Final = "city"
FREQUENCIES: Final[Mapping[str, str]] = {
    Horizon.YEAR: "yearly",
    Horizon.ROLLING: "daily",
    Horizon.TO_DATE: "hourly",
}
"""How often a figure of a horizon becomes another one."""
STANDINGS: Final = ("", "bad", "fair", "good", "veryGood")
"""The model's word for each band, by its number; its `veryBad` has no band."""
UNIT_CODES: Final[Mapping[str, str]] = {
    "1": "C62", "%": "P1", "ug/m3": "GQ", "kW.h": "KWH", "GJ": "GV", "m2": "MTK", "km2": "KMK", "ha": "HAR",
    "m3": "MTQ", "km": "KMT", "t": "TNE", "min": "MIN", "d": "DAY",
}  # fmt: skip
"""Common codes (UNECE recommendation 20) of UCUM units; of those that count things by something there is none."""

_COMMON: Final = "https://smartdatamodels.org/"
_OURS: Final = "urn:cityvitals:kpi:"
_CORE: Final = "https://uri.etsi.org/ngsi-ld/"
_TIMES: Final = frozenset({"updatedAt"})
_PREFIX: Final = f"urn:ngsi-ld:{TYPE}:"
_ID: Final = re.compile(
    re.escape(_PREFIX) + r"(?P<city>[a-z0-9_-]+):(?P<code>[A-Z]+(?:-[A-Z]+)+-[0-9]+[CA])(?:\.(?P<point>[a-z0-9_]+))?"
    r":(?P<scope>city|zone:[a-z0-9_-]+):(?:(?P<year>[0-9]{4})(?P<declared>-declared)?|(?P<horizon>rolling|to_date))\Z"
)

ATTRIBUTES: Final[Mapping[str, str]] = {
    "description": "http://purl.org/dc/terms/description",
    **{name: _COMMON + name for name in ("name", "alternateName", "dataProvider", "address")},
    **{
        name: _MODEL + name
        for name in (
            "category", "process", "organization", "calculatedBy", "businessTarget", "calculationFrequency",
            "calculationMethod", "calculationFormula", "calculationPeriod", "kpiValue", "currentStanding", "area",
            "updatedAt",
        )
    },
    **{
        name: _OURS + name
        for name in (
            "dataPoint", "horizon", "unit", "exactValue", "leastValue", "greatestValue", "notReported", "readings",
            "readingsDue", "validity", "revision",
        )
    },
}  # fmt: skip
"""Every attribute that an entity may have, and what it means: the model's own, then ours."""

CONTEXT: Final[Mapping[str, Any]] = {
    "id": "@id",
    "type": "@type",
    **{
        name: f"{_CORE}{name}"
        for name in ("Property", "DateTime", "EntityTypeList", "EntityType", "EntityTypeInfo", "Attribute")
    },
    "value": f"{_CORE}hasValue",
    "unitCode": f"{_CORE}unitCode",
    "observedAt": {"@id": f"{_CORE}observedAt", "@type": f"{_CORE}DateTime"},
    **{
        name: {"@id": f"{_CORE}{name}", "@type": "@vocab"}
        for name in ("typeList", "typeName", "attributeNames", "attributeName", "attributeTypes")
    },
    "entityCount": f"{_CORE}entityCount",
    "attributeDetails": f"{_CORE}attributeDetails",
    TYPE: TYPE_IRI,
    **ATTRIBUTES,
    "addressLocality": f"{_COMMON}addressLocality",
    "from": f"{_MODEL}from",
    "to": f"{_MODEL}to",
}
"""What the words mean: all that entities and answers use, so that nobody needs another context to read them."""


class Method(StrEnum):
    """How a figure comes about, in the model's words."""

    AUTOMATIC = "automatic"
    SEMIAUTOMATIC = "semiautomatic"
    """Sensors know a part of it."""
    MANUAL = "manual"
    """The city declares it."""


class Named(NamedTuple):
    """What the id of an entity names."""

    city: str
    data_point: str
    """Key of the data point."""
    scope: str
    """`city` or `zone:CODE`."""
    horizon: str
    year: int
    """ESTIMATE where it is one."""
    declared: bool


@dataclass(frozen=True, slots=True)
class Told:
    """One figure with what is said beside it.

    Attributes:
        named: city, data point, scope and period.
        point: definition of the data point.
        city: name of the city.
        area: name of the scope.
        first, last: civil days of its period.
        end_us: end of the period, excluded.
        value: exact, or why there is none.
        bounds: between which it lies at the worst; None where it has none.
        readings, due: of its least complete input; due is 0 where nothing comes at intervals.
        validity: what that makes of it; None where completeness has no meaning.
        revision: 0 while provisional.
        told_us: when it was computed; None for what the city declares.
        band: 1 to 4; 0 where it is not scored.
        target: what it is measured against; None where there is none.
    """

    named: Named
    point: DataPoint
    city: str
    area: str
    first: date
    last: date
    end_us: int
    value: Value
    bounds: Interval | None = None
    readings: int = 0
    due: int = 0
    validity: str | None = None
    revision: int = 0
    told_us: int | None = None
    band: int = 0
    target: Target | None = None


def entity_id(named: Named) -> str:
    """Return the id of a figure's entity; see `named_by`."""
    point = named.data_point.replace(": ", "-").replace("/", ".")
    period = str(named.year) if named.year != ESTIMATE else named.horizon
    return f"{_PREFIX}{named.city}:{point}:{named.scope}:{period}{'-declared' * named.declared}"


def named_by(entity: str) -> Named | None:
    """Return what an id names, whether there is such a figure or not; None where it is none of ours."""
    found = _ID.match(entity)
    if found is None:
        return None
    code, point, year = found["code"].replace("-", ": "), found["point"], found["year"]
    return Named(
        found["city"],
        f"{code}/{point}" if point else code,
        found["scope"],
        Horizon.YEAR if year else found["horizon"],
        int(year) if year else ESTIMATE,
        bool(found["declared"]),
    )


def plain(told: Told) -> dict[str, Any]:
    """Return a figure as an entity of plain keys and values; what is not known is left out."""
    found = {name: value for name, value in _values(told).items() if value not in (None, "")}
    return {"id": entity_id(told.named), "type": TYPE, **found}


def normalised(told: Told) -> dict[str, Any]:
    """Return the same as an entity of properties, with unit and time of the value."""
    found = plain(told)
    document: dict[str, Any] = {"id": found.pop("id"), "type": found.pop("type")}
    for name, value in found.items():
        document[name] = {"type": "Property", "value": value}
        if name in _TIMES:
            document[name]["value"] = {"@type": "DateTime", "@value": value}
    if "kpiValue" in document:
        document["kpiValue"]["observedAt"] = rfc3339(told.end_us)
        if told.point.unit in UNIT_CODES:
            document["kpiValue"]["unitCode"] = UNIT_CODES[told.point.unit]
    return document


def _values(told: Told) -> dict[str, Any]:
    point, named = told.point, told.named
    exact = None if isinstance(told.value, NotReported) else told.value
    return {
        "name": point.title,
        "alternateName": point.name_ko,
        "description": point.definition,
        "dataPoint": point.key,
        "category": ["qualitative" if point.yes_no else "quantitative"],
        "process": f"{point.dimension} / {point.sub_dimension} / {point.category}",
        "organization": told.city,
        "area": told.area,
        "address": {"addressLocality": told.city},
        "kpiValue": None if exact is None else _shown(point, exact),
        "unit": point.unit,
        "exactValue": None if exact is None else str(exact),
        "leastValue": None if told.bounds is None else str(told.bounds.low),
        "greatestValue": None if told.bounds is None else str(told.bounds.high),
        "notReported": str(told.value) if exact is None else None,
        "currentStanding": STANDINGS[told.band],
        "businessTarget": None if told.target is None else _aim(told.target),
        "horizon": str(named.horizon),
        "calculationPeriod": {"from": told.first.isoformat(), "to": told.last.isoformat()},
        "calculationFrequency": FREQUENCIES[named.horizon],
        "calculationMethod": str(_method(told)),
        "calculationFormula": point.formula.text,
        "calculatedBy": told.city,
        "dataProvider": "cityvitals",
        "readings": told.readings if told.due else None,
        "readingsDue": told.due or None,
        "validity": told.validity,
        "revision": None if named.declared else told.revision,
        "updatedAt": None if told.told_us is None else rfc3339(told.told_us),
    }


def _shown(point: DataPoint, exact: Fraction) -> Decimal | bool:
    if point.yes_no and exact in (0, 1):
        return exact == 1
    # From a text: any other way would round to the digits of the context.
    return Decimal(f"{round(exact * 10**VALUE_DECIMALS)}E-{VALUE_DECIMALS}")


def _method(told: Told) -> Method:
    if told.named.declared:
        return Method.MANUAL
    return Method.AUTOMATIC if told.point.live is Live.YES else Method.SEMIAUTOMATIC


def _aim(target: Target) -> str:
    whose = "official" if target.official else "not official"
    return f"{target.value} from {target.valid_from.isoformat()} ({whose})"
