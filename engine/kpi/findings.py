"""What a verifier would ask about a submission: running checks, each with its source, as a list of findings.

Knows the method's checks; knows no store, no clock and no particular city. A finding is an entry of the log of
questions and never changes a figure: a verifier judges what is plausible, and a city may be unusual and right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

from devices.registers import QUALITIES
from engine.kpi.definition import DataPoint, Declared, Direction, Registered
from engine.kpi.formula import Formula, Name, Number, Operation
from engine.kpi.submission import COUNTED, Stated, Submission
from engine.kpi.values import NotReported, shown

MISSING_PERCENT_MAX: Final = 20
SUM_TOLERANCE_POINTS: Final = 2
ACCESS_PERCENT_MIN: Final = 90
HOUSEHOLD_SIZE: Final = (1, 10)
"""Inhabitants of a household that nobody asks about; ours."""
GAS_UG_M3_MIN: Final = Fraction(1, 5)
"""A yearly mean of a gas below it reads like ppm; ours."""
FINAL_VALUE_MAX: Final = 100
FINAL_VALUE_OF_MIN: Final = 1000
"""A count of at most 100 out of at least 1000 may be a percentage in the wrong cell; ours."""
DECLARED_PERCENT_MAX: Final = 5
"""How far a declared figure may be from the measured one before it is asked about; ours."""
UNSURE: Final = ("personal", "unknown")
NAMED_MAX: Final = 8

_MANUAL: Final = "U4SSC KPIs Verification Manual 2022"


class Severity(StrEnum):
    """What a finding asks for."""

    ERROR = "error"
    """It cannot be: correct it before it is handed in."""
    QUESTION = "question"
    """It is unusual: the verifier will ask, so have an answer."""
    LACK = "lack"
    """The verifier expects something to be stated that is not."""


class Hit(NamedTuple):
    """What a check found: the data points it concerns, and what to read."""

    data_points: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Check:
    """One of a verifier's checks.

    Attributes:
        code, title: what it is called.
        severity: of what it finds.
        source: who says so, and what of it is ours.
        find: the check itself.
    """

    code: str
    title: str
    severity: Severity
    source: str
    find: Callable[[Submission], Iterable[Hit]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One entry of the log of questions.

    Attributes:
        rule: code of the check.
        data_points: keys of the data points it concerns.
        text: what was found, with its figures.
        severity: what it asks for.
    """

    rule: str
    data_points: tuple[str, ...]
    text: str
    severity: Severity


def findings(submission: Submission) -> tuple[Finding, ...]:
    """Return everything a verifier would ask: errors first, then questions, then what is lacking."""
    found = [
        Finding(check.code, hit.data_points, hit.text, check.severity)
        for check in CHECKS
        for hit in check.find(submission)
    ]
    return tuple(sorted(found, key=lambda one: tuple(Severity).index(one.severity)))


# ---- checks ------------------------------------------------------------------------------------------------------


def _ordered(submission: Submission, chain: tuple[str, ...], equal_fits: bool) -> Iterator[Hit]:
    """Find figures of a chain, from the smallest to the largest, that are out of order."""
    for lower, upper in pairwise(chain):
        low, high = submission.figure(lower), submission.figure(upper)
        if low is None or high is None or low < high or (equal_fits and low == high):
            continue
        word = "as high as" if low == high else "above"
        yield Hit((lower, upper), f"{_named(submission, lower)} is {word} {_named(submission, upper)}")


def _sums_up(submission: Submission, code: str, may_lack: tuple[str, ...]) -> Iterator[Hit]:
    """Find shares of one whole that do not add up to 100 %, some of which may be left unreported."""
    keys = [point.key for point in submission.pack.data_points if point.code == code]
    known = {key: figure for key in keys if (figure := submission.figure(key)) is not None}
    total = sum(known.values(), Fraction(0))
    whole = bool(known) and all(key in known or key.endswith(may_lack) for key in keys)
    if total > 100 + SUM_TOLERANCE_POINTS or (whole and total < 100 - SUM_TOLERANCE_POINTS):
        yield Hit(tuple(known), f"the {len(known)} shares of {code} add up to {shown(total)} %, not to 100 %")


def _usual_access(submission: Submission, keys: tuple[str, ...]) -> Iterator[Hit]:
    for key in keys:
        figure = submission.figure(key)
        if figure is not None and figure < ACCESS_PERCENT_MIN:
            yield Hit((key,), f"{_named(submission, key)}; {ACCESS_PERCENT_MIN} % or more is normal")


def _all_or_none(submission: Submission, key: str) -> Iterator[Hit]:
    figure = submission.figure(key)
    if figure is not None and 0 < figure < 100:
        yield Hit((key,), f"{_named(submission, key)}; mostly all sites comply or none was audited")


def _impossible(submission: Submission, may_exceed: tuple[str, ...]) -> Iterator[Hit]:
    """Find figures that their unit rules out."""
    for point in submission.pack.data_points:
        figure = submission.figure(point.key)
        if figure is None:
            continue
        if figure < 0:
            yield Hit((point.key,), f"{_named(submission, point.key)}; it cannot be below 0")
        elif point.unit == "%" and figure > 100 and point.key not in may_exceed:
            yield Hit((point.key,), f"{_named(submission, point.key)}; a share cannot exceed 100 %")
        elif point.yes_no and figure not in (0, 1):
            yield Hit((point.key,), f"{_named(submission, point.key)}; yes is 1 and no is 0")


def _missing(submission: Submission) -> Iterator[Hit]:
    kpis = submission.pack.kpis
    missing = [kpi for kpi in kpis if all(submission.figure(point.key) is None for point in kpi.data_points)]
    if 100 * len(missing) > MISSING_PERCENT_MAX * len(kpis):
        text = f"{len(missing)} of {len(kpis)} KPIs are not reported; was something overlooked?"
        yield Hit(tuple(point.key for kpi in missing for point in kpi.data_points), text)


def _counts_differ(submission: Submission) -> Iterator[Hit]:
    for code, (_, percent_max) in COUNTED.items():
        statements = [count for count in submission.counts if count.code == code]
        for other in statements[1:]:
            first = statements[0]
            if 100 * abs(other.value - first.value) > percent_max * first.value:
                text = f"{code}: {shown(first.value)} ({first.origin}) and {shown(other.value)} ({other.origin})"
                allowed = f"differ by more than {percent_max} %" if percent_max else "differ"
                yield Hit(submission.resting_on(code), f"{text} {allowed}")


def _household_size(submission: Submission) -> Iterator[Hit]:
    people, households = submission.figure("population"), submission.figure("households")
    if people is None or not households:
        return
    low, high = HOUSEHOLD_SIZE
    size = people / households
    if not low <= size <= high:
        text = f"{shown(people)} inhabitants in {shown(households)} households are {shown(size)} in each"
        yield Hit(submission.resting_on("households"), f"{text}; were inhabitants and households mixed up?")


def _in_ppm(submission: Submission, keys: tuple[str, ...]) -> Iterator[Hit]:
    for key in keys:
        figure = submission.figure(key)
        if figure is not None and 0 < figure < GAS_UG_M3_MIN:
            yield Hit((key,), f"{_named(submission, key)}; is it in ppm? convert it to ug/m3")


def _declared_differs(submission: Submission) -> Iterator[Hit]:
    for key, measured in submission.measured.items():
        stated = submission.figure(key)
        if stated is None or isinstance(measured, NotReported):
            continue
        if 100 * abs(stated - measured) > DECLARED_PERCENT_MAX * abs(measured):
            concerned = submission.resting_on(key)
            yield Hit(
                concerned, f"{key} was declared as {shown(stated)}, and sensors and registers give {shown(measured)}"
            )


def _final_value(submission: Submission) -> Iterator[Hit]:
    """Find figures that seem to stand in the place of their numerator."""
    for point in submission.pack.data_points:
        numerator, below = _ratio(point)
        said = submission.stated.get(numerator)
        value = submission.figure(numerator)
        if below is None or said is None or not said.declared or value is None:
            continue
        of = below.evaluate(submission.values)
        text = f"{numerator} = {shown(value)}"
        if isinstance(of, NotReported):
            yield Hit((point.key,), f"{text} was declared without its denominator ({of}); is it the final value?")
        elif point.unit == "%" and submission.pack.inputs[numerator].unit.startswith("{"):
            few = point.direction is Direction.HIGHER and value <= FINAL_VALUE_MAX and of >= FINAL_VALUE_OF_MIN
            if few or value.denominator != 1:
                yield Hit((point.key,), f"{text} of {shown(of)}: is it the final value in per cent, and not a count?")


def _no_source(submission: Submission) -> Iterator[Hit]:
    for one in submission.pack.inputs.values():
        said = submission.stated.get(one.code, Stated())
        people_state_it = isinstance(one.how, Registered | Declared) or said.declared
        concerned = submission.resting_on(one.code)
        if people_state_it and concerned and not said.source and submission.figure(one.code) is not None:
            yield Hit(concerned, f"{one.code} ({one.title}) has no source; name who supplied it, and from where")
    for point in submission.pack.data_points:
        said = submission.stated.get(point.key, Stated())
        if said.declared and not said.source and submission.figure(point.key) is not None:
            yield Hit((point.key,), f"{point.key} ({point.title}) has no source; name who supplied it, and from where")


def _unsure(submission: Submission) -> Iterator[Hit]:
    for code, said in submission.stated.items():
        concerned = submission.resting_on(code) if said.quality in UNSURE else ()
        if concerned:
            yield Hit(concerned, f"{code} is stated by {QUALITIES[said.quality]}; is there a better one?")


def _no_quality(submission: Submission) -> Iterator[Hit]:
    lacking = [code for code, said in submission.stated.items() if not said.quality and submission.resting_on(code)]
    if lacking:
        concerned = dict.fromkeys(key for code in lacking for key in submission.resting_on(code))
        more = f" and {len(lacking) - NAMED_MAX} more" if len(lacking) > NAMED_MAX else ""
        yield Hit(tuple(concerned), f"no data quality is stated for {', '.join(lacking[:NAMED_MAX])}{more}")


def _no_basis(submission: Submission) -> Iterator[Hit]:
    for point in submission.pack.data_points:
        if point.yes_no and submission.figure(point.key) == 1:
            names = (point.key, *(one.code for one in submission.pack.inputs_of(point)))
            if not any(submission.stated.get(name, Stated()).basis for name in names):
                yield Hit((point.key,), f"{point.key} ({point.title}) is YES; say what it rests on")


def _no_currency(submission: Submission) -> Iterator[Hit]:
    money = [one.code for one in submission.pack.inputs.values() if "{currency}" in one.unit]
    concerned = tuple(dict.fromkeys(key for code in money for key in submission.resting_on(code)))
    if concerned and not submission.currency:
        yield Hit(concerned, "amounts of money are reported and no currency is stated")


def _named(submission: Submission, key: str) -> str:
    """Return a data point with its figure, for a text."""
    point = submission.pack.data_point(key)
    return f"{key} ({point.title}) = {shown(submission.values[key])} {point.unit_label}"


def _ratio(point: DataPoint) -> tuple[str, Formula | None]:
    """Return the input that is a formula's whole numerator, and its denominator; ("", None) where there is no such."""
    tree = point.formula.tree
    if not isinstance(tree, Operation) or tree.sign != "/":
        return "", None
    above, below = tree.parts
    if isinstance(above, Operation) and above.sign == "*" and isinstance(above.parts[0], Number):
        above = above.parts[1]
    if not isinstance(above, Name):
        return "", None
    return above.key, Formula(point.formula.text, point.formula.inputs, point.formula.data_points, below)


CHECKS: Final = (
    Check(
        "wastewater_order", "a later stage of wastewater treatment treats no more than an earlier one", Severity.ERROR,
        f"{_MANUAL}, flipbook p.32",
        partial(
            _ordered, chain=tuple(f"EN: EN: WS: 4C/{stage}" for stage in ("tertiary", "secondary", "primary")),
            equal_fits=True,
        ),
    ),
    Check(
        "mode_share_sum",
        "the shares of the modes of transport add up to 100 % within 2 points; para transport may be missing",
        Severity.ERROR, f"{_MANUAL}, flipbook p.32", partial(_sums_up, code="EC: I: T: 4A", may_lack=("/para",)),
    ),
    Check(
        "waste_sum", "the shares of the routes of waste add up to 100 % within 2 points", Severity.ERROR,
        f"{_MANUAL}, flipbook p.32", partial(_sums_up, code="EN: EN: WA: 1C", may_lack=()),
    ),
    Check(
        "potable_water", "no more households have potable water than have basic water", Severity.ERROR,
        f"{_MANUAL}, flipbook p.68", partial(_ordered, chain=("EC: I: WS: 2C", "EC: I: WS: 1C"), equal_fits=True),
    ),
    Check(
        "impossible", "no share is below 0 % or above 100 %; school enrolment and child care may be above",
        Severity.ERROR, f"{_MANUAL}, flipbook p.118, for enrolment; child care, and the rest, ours",
        partial(_impossible, may_exceed=("SC: EH: ED: 2C", "SC: SH: SI: 5A")),
    ),
    Check(
        "counts_differ", "inhabitants and households differ by at most 5 % across the submission, the area not at all",
        Severity.QUESTION, f"{_MANUAL}: initial screening", _counts_differ,
    ),
    Check(
        "household_size", "a household has 1 to 10 inhabitants: households were not taken for inhabitants",
        Severity.QUESTION, f"{_MANUAL}, flipbook p.33; the limits are ours", _household_size,
    ),
    Check(
        "broadband", "fixed broadband is normally below household internet", Severity.QUESTION,
        f"{_MANUAL}, flipbook p.35-36",
        partial(_ordered, chain=("EC: ICT: ICT: 2C", "EC: ICT: ICT: 1C"), equal_fits=False),
    ),
    Check(
        "smart_meters", "the share of smart water meters is normally below that of smart electricity meters",
        Severity.QUESTION, f"{_MANUAL}, flipbook p.44",
        partial(_ordered, chain=("EC: ICT: WS: 1C", "EC: ICT: ES: 1C"), equal_fits=False),
    ),
    Check(
        "access", "sanitation and electricity reach 90 % of households or more", Severity.QUESTION,
        f"{_MANUAL}, flipbook p.72-73 and 77", partial(_usual_access, keys=("EC: I: WS: 5C", "EC: I: ES: 3C")),
    ),
    Check(
        "emf", "exposure to electromagnetic fields is mostly 100 % or 0 %", Severity.QUESTION,
        f"{_MANUAL}, flipbook p.107", partial(_all_or_none, key="EN: EN: EQ: 1C"),
    ),
    Check(
        "gas_in_ppm", "gases are in ug/m3: a yearly mean below 0.2 reads like ppm", Severity.QUESTION,
        f"{_MANUAL}, flipbook p.95; the limit is ours",
        partial(_in_ppm, keys=tuple(f"EN: EN: AQ: 1C/{gas}" for gas in ("no2", "so2", "o3"))),
    ),
    Check(
        "final_value", "the final value was not typed into the place of the numerator", Severity.QUESTION,
        f"{_MANUAL}: typical errors; the limits are ours", _final_value,
    ),
    Check(
        "declared_differs", "what the city declares is within 5 % of what sensors and registers give",
        Severity.QUESTION, "ours: the city's word stands, and the difference wants an answer", _declared_differs,
    ),
    Check(
        "missing", "no more than 20 % of the KPIs are missing", Severity.QUESTION, f"{_MANUAL}: initial screening",
        _missing,
    ),
    Check(
        "unsure", "nothing rests on a personal estimate or an untraceable method", Severity.QUESTION,
        f"{_MANUAL}: data quality; that it is asked about is ours", _unsure,
    ),
    Check("source", "every stated value has a source", Severity.LACK, f"{_MANUAL}: data source", _no_source),
    Check("quality", "every stated value has a data quality", Severity.LACK, f"{_MANUAL}: data quality", _no_quality),
    Check("basis", "every YES says what it rests on", Severity.LACK, f"{_MANUAL}: spatial planning", _no_basis),
    Check("currency", "the currency of amounts is stated", Severity.LACK, f"{_MANUAL}: consistency", _no_currency),
)  # fmt: skip
"""Every check, in the order in which a verifier meets them. Two of the method's need none here: the divisor of
100 000 inhabitants, which the units of formulas hold, and core city against metropolis, which no figure shows."""
