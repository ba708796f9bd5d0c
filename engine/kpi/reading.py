"""Reads KPIs and their data points: what each key may say, and whence a data point takes what it does not say itself.

Knows the keys of `[[kpi]]`; knows no input and no other KPI, so that what a formula names is checked elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from devices.tables import Table
from engine.kpi.definition import DataPoint, Direction, Kpi, Live
from engine.kpi.formula import normalise_code
from engine.kpi.inputs import formula_of, known_keys, point_id, unit_of

LEVELS: Final = ("core", "advanced")
TYPES: Final = ("smart", "structural", "sustainable")
FORMULA_BASES: Final = ("method_text", "definition_explicit", "reconstructed", "city")
CONFIDENCES: Final = ("high", "medium", "low")

POINT_KEYS: Final = (
    "category", "level", "type", "definition", "numerator", "denominator", "formula", "unit", "unit_label", "direction",
    "ideal", "interval", "sdg", "sdg_basis", "formula_basis", "benchmark", "check", "live", "sensors", "source",
    "confidence", "note", "dimension", "sub_dimension",
)  # fmt: skip
"""What a KPI says for all its data points, unless one says it for itself."""
FILE_KEYS: Final = ("dimension", "sub_dimension", "category")
"""What a file says for all its KPIs."""

_CODE: Final = re.compile(r"[A-Z]+(: [A-Z]+)+: [0-9]+[CA]\Z")
_SDG: Final = re.compile(r"[0-9]{1,2}(\.[0-9a-z]{1,2}){0,2}\Z")


def read_kpi(table: Table) -> Kpi:
    """Return the KPI of one `[[kpi]]`; faults go to the table's problems."""
    known_keys(table, (*POINT_KEYS, "code", "name", "name_ko", "data_point", "changes"))
    code = normalise_code(table.text("code"))
    if code and not _CODE.match(code):
        table.fault("code", f"expected a code such as 'EC: ICT: ICT: 1C', got {code!r}")
    inner = table.tables("data_point")
    points = [_Point(code, table, one).read() for one in inner] or [_Point(code, table, None).read()]
    seen: set[str] = set()
    for one, point in zip(inner, points, strict=False):
        if point.id in seen:
            one.fault("id", f"a second data point {point.id!r} of {code}")
        seen.add(point.id)
    return Kpi(code, points[0].name, tuple(points))


class _Point:
    """One data point: its own table, and behind it that of its KPI."""

    def __init__(self, code: str, kpi: Table, own: Table | None) -> None:
        self._code, self._kpi, self._own = code, kpi, own

    def _of(self, key: str) -> Table:
        """Return the table that says a key."""
        return self._own if self._own is not None and self._own.has(key) else self._kpi

    def _text(self, key: str, default: str | None = None, among: Iterable[str] = ()) -> str:
        return self._of(key).text(key, default, among=among)

    def read(self) -> DataPoint:
        """Return the data point."""
        own, kpi = self._own, self._kpi
        if own is not None:
            known_keys(own, (*POINT_KEYS, "id", "name", "name_ko", "changes"))
        direction = self._text("direction", among=Direction)
        return DataPoint(
            code=self._code,
            id=point_id(own, "id") if own is not None else "",
            name=kpi.text("name"),
            name_ko=kpi.text("name_ko", ""),
            id_name=own.text("name") if own is not None else "",
            id_name_ko=own.text("name_ko", "") if own is not None else "",
            dimension=self._text("dimension"),
            sub_dimension=self._text("sub_dimension"),
            category=self._text("category"),
            level=self._text("level", among=LEVELS),
            type=self._text("type", "", among=TYPES),
            definition=self._text("definition"),
            numerator=self._text("numerator", ""),
            denominator=self._text("denominator", ""),
            formula=formula_of(self._of("formula")),
            unit=unit_of(self._of("unit"))[0],
            unit_label=self._text("unit_label", self._of("unit").text("unit", "")),
            direction=Direction(direction) if direction in tuple(Direction) else Direction.NONE,
            ideal=self._ideal(direction),
            interval=self._text("interval", "annual"),
            sdg=self._sdg(),
            sdg_basis=self._text("sdg_basis", ""),
            formula_basis=self._text("formula_basis", among=FORMULA_BASES),
            benchmark=self._text("benchmark", ""),
            check=self._text("check", ""),
            live=self._live(),
            sensors=self._text("sensors", ""),
            source=self._text("source"),
            confidence=self._text("confidence", among=CONFIDENCES),
            note=self._text("note", ""),
            changed=self._text("changes", ""),
        )

    def _ideal(self, direction: str) -> Fraction | None:
        table = self._of("ideal")
        ideal = table.number("ideal")
        if (ideal is not None) != (direction == Direction.TARGET):
            table.fault("ideal", f"expected a number for the direction `{Direction.TARGET}`, and for no other")
        return ideal

    def _live(self) -> Live:
        live = self._text("live", among=Live)
        return Live(live) if live in tuple(Live) else Live.NO

    def _sdg(self) -> tuple[str, ...]:
        table = self._of("sdg")
        found = table.texts("sdg")
        for one in found:
            if not _SDG.match(one):
                table.fault("sdg", f"expected targets or indicators such as '11.6.2', got {one!r}")
        return found
