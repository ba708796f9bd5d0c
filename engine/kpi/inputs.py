"""Reads inputs: what each kind may say, and whether it can be so.

Knows the keys of `[[input]]`, the measurands and the columns of devices; knows no formula but a derived input's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Final

from devices.columns import Column
from devices.errors import UnitError, nearest
from devices.measurands import Kind, Measurand, load_measurands
from devices.tables import Table
from engine.kpi.definition import (
    ACCUMULATING,
    KINDS,
    SEASONS,
    YEAR_ALONE,
    Assets,
    At,
    Capture,
    Declared,
    Derived,
    How,
    Input,
    Period,
    Pool,
    Registered,
    Statistic,
    Telemetry,
    Where,
)
from engine.kpi.formula import Formula, FormulaError, parse_formula
from engine.kpi.units import ONE, Term, factor_between, parse_unit

HEARD_DAYS_DEFAULT: Final = 30
"""Days without a word after which a device is installed but no longer effective; ours, the method gives none."""
COVERAGE_PERCENT_MIN: Final = 75
"""The usual minimum of air quality statistics in EU and US practice; the method gives none."""
MEASURANDS_MAX: Final = 16
SPANS_MAX: Final = 8
NOTHING: Final = parse_formula("1")
"""Stands where a formula could not be read; that fault is told already."""

COMMON_KEYS: Final = ("code", "title", "unit", "kind", "source", "note", "changes")
KIND_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "register": ("register", "at"),
    "assets": ("column", "where", "heard_days", "none_is_zero"),
    "telemetry": (
        "measurands", "statistic", "pool", "where", "states", "limit", "hours", "weekdays", "factor", "convention",
        "coverage_percent_min", "none_is_zero", "capture",
    ),
    "derived": ("formula",),
    "period": (),
    "declared": (),
}  # fmt: skip
CAPTURE_KEYS: Final = ("seasons", "percent_min", "hour_percent_min")
ANY_DEVICE_KEYS: Final = ("model", "zone", "measures")

_POINT_ID: Final = re.compile(r"[a-z0-9_]{1,32}\Z")

FITTING: Final[Mapping[Kind, tuple[Statistic, ...]]] = {
    Kind.GAUGE: (Statistic.MEAN, Statistic.MINIMUM, Statistic.MAXIMUM),
    Kind.COUNTER: (Statistic.INCREASE,),
    Kind.LEVEL: (Statistic.ENERGY_MEAN, Statistic.MINIMUM, Statistic.MAXIMUM),
    Kind.ANGLE: (),
    Kind.STATE: (Statistic.SHARE,),
    Kind.EVENT: (Statistic.COUNT, Statistic.SUM),
}
"""What can be made of the readings of each kind."""


def known_keys(table: Table, known: Iterable[str]) -> None:
    """Note a fault for every key that means nothing here."""
    allowed = tuple(known)
    for key in table.raw():
        if key not in allowed:
            table.fault(key, f"unknown key{nearest(key, allowed)}")


def identifier(table: Table, key: str) -> str:
    """Return a code of small letters, digits and underscores."""
    code = table.text(key)
    if code and not (code.isidentifier() and code.isascii() and code == code.lower()):
        table.fault(key, f"expected small letters, digits and underscores, got {code!r}")
    return code


def point_id(table: Table, key: str) -> str:
    """Return the id of a data point; unlike a code in formulas it may begin with a digit (`3g`)."""
    code = table.text(key)
    if code and not _POINT_ID.match(code):
        table.fault(key, f"expected small letters, digits and underscores, got {code!r}")
    return code


def unit_of(table: Table, key: str = "unit") -> tuple[str, Term | None]:
    """Return a unit as written and as a term; the term is None, and a fault noted, where it is no unit."""
    text = table.text(key)
    try:
        return text, parse_unit(text) if text else None
    except UnitError as error:
        table.fault(key, str(error))
        return text, None


def formula_of(table: Table, key: str = "formula") -> Formula:
    """Return a formula, or NOTHING and a fault."""
    text = table.text(key)
    try:
        return parse_formula(text) if text else NOTHING
    except FormulaError as error:
        table.fault(key, str(error))
        return NOTHING


def read_input(table: Table, columns: Mapping[str, Column], models: Iterable[str]) -> Input:
    """Return the input of one `[[input]]`; faults go to the table's problems."""
    kind = table.text("kind", among=KINDS)
    known_keys(table, (*COMMON_KEYS, *KIND_KEYS.get(kind, table.raw())))
    unit, term = unit_of(table)
    code = identifier(table, "code")
    where = _Where(columns, models)
    readers: Mapping[str, Callable[[], How]] = {
        "register": lambda: Registered(table.text("register", code), At(_among(table, "at", At, At.END))),
        "assets": lambda: _assets(table, term, columns, where),
        "telemetry": lambda: _telemetry(table, unit, term, where),
        "derived": lambda: Derived(formula_of(table)),
        "period": lambda: _period(table, unit, term),
        "declared": Declared,
    }
    return Input(
        code=code,
        title=table.text("title"),
        unit=unit,
        how=readers[kind]() if kind in readers else Declared(),
        source=table.text("source", ""),
        note=table.text("note", ""),
        changed=table.text("changes", ""),
    )


def _among(table: Table, key: str, kinds: Iterable[str], default: str | None = None) -> str:
    """Return a word of a list; what is no such word is noted, and the first of the list returned."""
    known = [str(kind) for kind in kinds]
    found = table.text(key, default, among=known)
    return found if found in known else known[0]


def _period(table: Table, unit: str, term: Term | None) -> Period:
    if term is not None and term.powers != (("s", 1),):
        table.fault("unit", f"expected a unit of time such as 'd', got {unit!r}")
    return Period()


def _assets(table: Table, term: Term | None, columns: Mapping[str, Column], where: _Where) -> Assets:
    name = table.text("column", "")
    if name and name not in columns:
        table.fault("column", f"unknown column {name!r}{nearest(name, columns)}")
    elif name and not columns[name].unit:
        table.fault("column", f"the column {name!r} has no unit: it is no number to add up")
    elif name and term is not None and parse_unit(columns[name].unit) != term:
        table.fault("unit", f"expected {columns[name].unit!r}, the unit of the column {name!r}")
    elif not name and term is not None and not _is_count(term):
        table.fault("unit", "devices are counted: expected what they are in braces, e.g. '{meter}'")
    return Assets(
        name,
        where.read(table),
        table.whole("heard_days", HEARD_DAYS_DEFAULT, low=1, high=366),
        table.flag("none_is_zero", False),
    )


def _is_count(term: Term) -> bool:
    return term == ONE or (term.scale == 1 and len(term.powers) == 1 and term.powers[0][0].startswith("{"))


def _telemetry(table: Table, unit: str, term: Term | None, where: _Where) -> Telemetry:
    codes = table.texts("measurands")
    known = load_measurands().by_code
    if not 1 <= len(codes) <= MEASURANDS_MAX:
        table.fault("measurands", f"expected 1 to {MEASURANDS_MAX} codes of measurands, got {len(codes)}")
    for code in codes:
        if code not in known:
            table.fault("measurands", f"unknown measurand {code!r}{nearest(code, known)}")
    found = [known[code] for code in codes if code in known]
    statistic = Statistic(_among(table, "statistic", Statistic))
    pool = Pool(_among(table, "pool", Pool))
    if len({(m.kind, m.unit) for m in found}) > 1:
        table.fault("measurands", "expected measurands of one kind and unit: they are added up")
    for measurand in found[:1]:
        fitting = FITTING[measurand.kind]
        if statistic not in fitting:
            kind = measurand.kind.name.lower()
            table.fault(
                "statistic", f"{measurand.code} is of kind {kind}: expected {' or '.join(fitting) or 'another one'}"
            )
    factor, convention = _factor(table, found, statistic, pool, unit, term)
    return Telemetry(
        measurands=codes,
        statistic=statistic,
        pool=pool,
        where=where.read(table),
        states=_states(table, found, statistic),
        limit=_limit(table, pool),
        hours=_hours(table),
        weekdays=_weekdays(table),
        factor=factor,
        convention=convention,
        coverage_percent_min=table.whole("coverage_percent_min", COVERAGE_PERCENT_MIN, low=0, high=100),
        none_is_zero=table.flag("none_is_zero", False),
        capture=_capture(table, statistic),
    )


def _capture(table: Table, statistic: Statistic) -> Capture:
    inner = table.table("capture")
    if inner is None:
        return YEAR_ALONE
    known_keys(inner, CAPTURE_KEYS)
    if not any(key in inner.raw() for key in ("seasons", "hour_percent_min")):
        inner.fault("seasons", "is missing, and so is `hour_percent_min`: say one of them")
        return YEAR_ALONE
    seasons = inner.whole("seasons", 1, low=1, high=max(SEASONS))
    if seasons not in SEASONS:
        inner.fault("seasons", "expected 1 (the year alone), 2 (half-years) or 4 (quarters)")
    hour_percent_min = inner.whole("hour_percent_min", 0, low=0, high=100)
    if hour_percent_min and statistic in ACCUMULATING:
        inner.fault("hour_percent_min", f"is not for `{statistic}`: what an hour adds would be missing from the sum")
    return Capture(seasons, inner.whole("percent_min", COVERAGE_PERCENT_MIN, low=0, high=100), hour_percent_min)


def _factor(
    table: Table, found: list[Measurand], statistic: Statistic, pool: Pool, unit: str, term: Term | None
) -> tuple[Fraction, str]:
    """Return the factor from the figure of the stations to the input, and its convention where it is stated."""
    stated, convention = table.number("factor"), table.text("convention", "")
    if stated is not None:
        if not convention:
            table.fault("convention", "is missing; say where `factor` comes from")
        if stated <= 0:
            table.fault("factor", f"expected a number above 0, got {stated}")
        return stated, convention
    if convention:
        table.fault("convention", "says how `factor` was chosen, and there is no `factor`")
    if not found or term is None:
        return Fraction(1), ""
    counted = statistic in (Statistic.COUNT, Statistic.SHARE) or pool in (Pool.COUNT_AT_MOST, Pool.COUNT_AT_LEAST)
    try:
        return factor_between("1" if counted else found[0].unit, unit), ""
    except UnitError as error:
        table.fault("unit", f"{error}; state `factor` and its `convention` if they do convert")
        return Fraction(1), ""


def _states(table: Table, found: list[Measurand], statistic: Statistic) -> tuple[str, ...]:
    states = table.texts("states")
    if (statistic is Statistic.SHARE) != bool(states):
        table.fault("states", "expected the states that count for the statistic `share`, and for no other")
    for measurand in found[:1]:
        for state in states:
            if state not in measurand.states:
                table.fault("states", f"{measurand.code} has no state {state!r}{nearest(state, measurand.states)}")
    return states


def _limit(table: Table, pool: Pool) -> Fraction | None:
    limit = table.number("limit")
    if (limit is not None) != (pool in (Pool.COUNT_AT_MOST, Pool.COUNT_AT_LEAST)):
        table.fault(
            "limit", f"expected a number for `{Pool.COUNT_AT_MOST}` and `{Pool.COUNT_AT_LEAST}`, and for no other"
        )
    return limit


def _hours(table: Table) -> tuple[tuple[int, int], ...]:
    given = table.raw().get("hours", [])
    spans: list[tuple[int, int]] = []
    for span in given if isinstance(given, list) else [None]:
        match span:
            case [int(start), int(end)] if 0 <= start <= 23 and 1 <= end <= 24 and start != end:
                spans.append((start, end))
            case _:
                table.fault("hours", f"expected pairs of hours of the day such as [[7, 9], [22, 5]], got {given!s:.60}")
                return ()
    if len(spans) > SPANS_MAX:
        table.fault("hours", f"expected at most {SPANS_MAX} pairs, got {len(spans)}")
    return tuple(spans)


def _weekdays(table: Table) -> tuple[int, ...]:
    given = table.raw().get("weekdays", [])
    if not isinstance(given, list) or any(type(day) is not int or not 1 <= day <= 7 for day in given):
        table.fault("weekdays", f"expected days from 1 (Monday) to 7, got {given!s:.60}")
        return ()
    return tuple(sorted(set(given)))


class _Where:
    """Reads which devices an input means."""

    def __init__(self, columns: Mapping[str, Column], models: Iterable[str]) -> None:
        self._columns = columns
        self._models = tuple(models)

    def read(self, table: Table) -> Where:
        """Return the choice of a table's key `where`."""
        chosen = table.table("where")
        if chosen is None:
            return ()
        known_keys(chosen, (*ANY_DEVICE_KEYS, *self._columns))
        return tuple((key, self._values(chosen, key)) for key in chosen.raw())

    def _values(self, chosen: Table, key: str) -> tuple[str, ...]:
        several = isinstance(chosen.raw()[key], list)
        values = chosen.texts(key) if several else (chosen.text(key),)
        column = self._columns.get(key)
        known: tuple[str, ...] = column.values if column else ()
        if column and column.unit:
            chosen.fault(key, f"the column {key!r} is a number; choose devices by a text")
        if key == "measures":
            known = tuple(load_measurands().by_code)
        elif key == "model":
            known = self._models
        for value in values:
            if known and value not in known:
                chosen.fault(key, f"unknown {key} {value!r}{nearest(value, known)}")
        return values
