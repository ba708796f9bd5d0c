"""Rules of data quality: which stored observations are flagged, and whether figures leave them out.

Knows the tables `[[quality]]` of `city.toml`; knows no observation and no device. Without a table nothing is flagged.

The ideas are old. Stuck, spike and rate are the tests "flat line", "spike" and "rate of change" of the manuals of
QARTOD (IOOS, Quality Assurance of Real-Time Oceanographic Data), and the checks of persistence and of steps that WMO
asks of automatic weather stations (WMO-No. 488, appendix VI.2); drift is their comparison with neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import Final

from devices.errors import nearest
from devices.measurands import Kind, Measurand, MeasurandCatalogue
from devices.tables import Problems, Table

MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US
HOURS_MAX: Final = 24 * 31
MINUTES_MAX: Final = 24 * 60
DAYS_MAX: Final = 60
READINGS_MIN: Final = 3
NEIGHBOURS_MIN: Final = 3
"""Of two neighbours that disagree nobody can say which is right."""
RULES_MAX: Final = 1_000
KINDS: Final = (Kind.GAUGE, Kind.LEVEL)
"""A counter only rises, a state lasts, an angle has no distance in one direction: what is odd for them is decided
elsewhere, or cannot be said by these rules."""
PER: Final = {"minute": MINUTE_US, "hour": HOUR_US}


class Rule(IntEnum):
    """What a flag says; the numbers are stored."""

    STUCK = 1
    """The value has not moved for too long."""
    SPIKE = 2
    """One reading stands out from both its neighbours in time."""
    RATE = 3
    """The value changed faster than it can."""
    DRIFT = 4
    """The days' means have left those of the neighbouring stations."""


RULES: Final = {rule.name.lower(): rule for rule in Rule}
"""Rules by the name that files use."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """Flagged is every reading of a stretch without movement.

    Attributes:
        tolerance: what the highest and the lowest reading may differ by: the device's resolution, or none.
        lasting_us: how long it must last; a pause as long ends it.
        readings: how many readings it must hold at least.
        floor: readings at or below it are none of a stretch, such as no rain; None where every value counts.
    """

    tolerance: Fraction
    lasting_us: int
    readings: int
    floor: Fraction | None


@dataclass(frozen=True, slots=True)
class Spike:
    """Flagged is a reading that both neighbours in time lie below, or both above, by more than a limit.

    Attributes:
        above: the limit.
        pause_us: a neighbour that is further away is none; 0: three reporting intervals of the device.
    """

    above: Fraction
    pause_us: int


@dataclass(frozen=True, slots=True)
class Rate:
    """Flagged is the reading at the end of a change that was faster than a limit.

    Attributes:
        above: the limit, over `per_us`.
        per_us: a minute or an hour.
        pause_us: as in `Spike`.
    """

    above: Fraction
    per_us: int
    pause_us: int


@dataclass(frozen=True, slots=True)
class Drift:
    """Flagged are the readings of consecutive days whose means all lie off in one direction.

    Attributes:
        above: by how much a day's mean must differ from the median of the neighbours' means.
        days: how many such days must follow each other.
        neighbours: how many stations must have a mean of that day.
        citywide: neighbours are all stations of the city, not only those of the zone.
    """

    above: Fraction
    days: int
    neighbours: int
    citywide: bool


@dataclass(frozen=True, slots=True)
class QualityRule:
    """One table `[[quality]]`.

    Attributes:
        rule: what its flags say.
        measurands: codes of what it judges.
        models: codes of the device models it judges; empty: all.
        exclude: figures leave flagged observations out.
        check: when it flags; limits are in the measurand's unit.
        where: the table, for messages.
    """

    rule: Rule
    measurands: tuple[str, ...]
    models: tuple[str, ...]
    exclude: bool
    check: Stuck | Spike | Rate | Drift
    where: str = ""

    def holds(self, measurand: str, model: str) -> bool:
        """Say whether it judges what devices of a model measure."""
        return measurand in self.measurands and (not self.models or model in self.models)


def ticks_of(limit: Fraction, measurand: Measurand) -> int:
    """Return a limit as a count of the measurand's resolution; `read_quality` has seen to it that it is one."""
    return int(limit * 10**measurand.decimals)


def read_quality(root: Table, catalogue: MeasurandCatalogue) -> tuple[QualityRule, ...]:
    """Return the rules of the tables `[[quality]]`; faults go to the root's problems.

    Models are checked once they are known, by `check_models`.
    """
    tables = root.tables("quality")
    if len(tables) > RULES_MAX:
        root.fault("quality", f"expected at most {RULES_MAX} rules, got {len(tables)}")
    rules: list[QualityRule] = []
    for table in tables[:RULES_MAX]:
        count = len(root.problems.found)
        rule = _rule(table, catalogue)
        table.done()
        if rule is None or len(root.problems.found) > count:
            continue
        for other in rules:
            shared = _shared(rule, other)
            if shared:
                table.fault("measurands", f"{other.where} is a rule {rule.rule.name.lower()} for {shared} already")
        rules.append(rule)
    return tuple(rules)


def check_models(rules: Iterable[QualityRule], known: Collection[str], file: str, problems: Problems) -> None:
    """Note a fault for every device model of a rule that does not exist."""
    for rule in rules:
        for model in rule.models:
            if model not in known:
                problems.add(file, f"{rule.where}.models", f"unknown model {model!r}{nearest(model, known)}")


def _shared(one: QualityRule, other: QualityRule) -> str:
    """Return a measurand that two rules of one kind both judge; empty where there is none."""
    apart = bool(one.models) and bool(other.models) and not set(one.models) & set(other.models)
    if one.rule is not other.rule or apart:
        return ""
    return next((code for code in one.measurands if code in other.measurands), "")


def _rule(table: Table, catalogue: MeasurandCatalogue) -> QualityRule | None:
    name = table.text("rule", among=RULES)
    measurands = tuple(_measurands(table, catalogue))
    models = table.texts("models")
    exclude = table.flag("exclude", False)
    if name not in RULES:
        return None
    rule = RULES[name]
    known = [catalogue.by_code[code] for code in measurands]
    return QualityRule(rule, measurands, models, exclude, _READERS[rule](table, known), table.where)


def _measurands(table: Table, catalogue: MeasurandCatalogue) -> Iterator[str]:
    codes = table.texts("measurands")
    if not codes and not table.has("measurands"):
        table.fault("measurands", "is missing; expected a list of measurands such as ['pm2_5']")
    elif not codes or len(set(codes)) < len(codes):
        table.fault("measurands", "expected at least one measurand, none of them twice")
    for code in dict.fromkeys(codes):
        measurand = catalogue.by_code.get(code)
        if measurand is None:
            table.fault("measurands", f"unknown measurand {code!r}{nearest(code, catalogue.by_code)}")
        elif measurand.kind not in KINDS:
            kind = measurand.kind.name.lower()
            table.fault("measurands", f"{code} is of kind {kind}; rules judge gauges and levels only")
        else:
            yield code


def _stuck(table: Table, measurands: Iterable[Measurand]) -> Stuck:
    hours = table.whole("hours", low=1, high=HOURS_MAX)
    readings = table.whole("readings", READINGS_MIN, low=READINGS_MIN, high=1_000_000)
    tolerance = _limit(table, "tolerance", measurands, default=Fraction(0))
    floor = _limit(table, "floor", measurands, wide=True) if table.has("floor") else None
    if tolerance < 0:
        table.fault("tolerance", f"expected a number from 0, got {tolerance}")
    return Stuck(tolerance, hours * HOUR_US, readings, floor)


def _spike(table: Table, measurands: Iterable[Measurand]) -> Spike:
    return Spike(_above(table, measurands), _pause_us(table))


def _rate(table: Table, measurands: Iterable[Measurand]) -> Rate:
    per = table.text("per", among=PER)
    return Rate(_above(table, measurands), PER.get(per, MINUTE_US), _pause_us(table))


def _drift(table: Table, measurands: Iterable[Measurand]) -> Drift:
    days = table.whole("days", low=1, high=DAYS_MAX)
    neighbours = table.whole("neighbours", NEIGHBOURS_MIN, low=NEIGHBOURS_MIN, high=1_000_000)
    scope = table.text("scope", "zone", among=("zone", "city"))
    return Drift(_above(table, measurands), days, neighbours, scope == "city")


_READERS: Final[Mapping[Rule, Callable[[Table, Iterable[Measurand]], Stuck | Spike | Rate | Drift]]] = {
    Rule.STUCK: _stuck, Rule.SPIKE: _spike, Rule.RATE: _rate, Rule.DRIFT: _drift,
}  # fmt: skip


def _pause_us(table: Table) -> int:
    return table.whole("minutes", 0, low=1, high=MINUTES_MAX) * MINUTE_US


def _above(table: Table, measurands: Iterable[Measurand]) -> Fraction:
    above = _limit(table, "above", measurands)
    if above <= 0 and table.has("above"):
        table.fault("above", f"expected a number above 0, got {above}")
    return above


def _limit(
    table: Table, key: str, measurands: Iterable[Measurand], default: Fraction | None = None, *, wide: bool = False
) -> Fraction:
    """Return a limit in the measurands' unit: whole steps of each, and if not `wide` no wider than its range."""
    value = table.number(key, default, required=default is None)
    if value is None:
        return Fraction(0)
    for measurand in measurands:
        steps = value * 10**measurand.decimals
        if steps.denominator != 1:
            table.fault(key, f"expected a multiple of {measurand.code}'s resolution, 10^-{measurand.decimals}")
        elif not wide and abs(steps) > measurand.high_ticks - measurand.low_ticks:
            table.fault(key, f"expected at most the width of {measurand.code}'s plausible range")
    return value
