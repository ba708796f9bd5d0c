"""What each rule makes of the facts: for every scope raise, clear, or leave it as it is.

Pure functions over figures. Knows the kinds of rules; knows no alert. All arithmetic that decides is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, Final, NamedTuple

from console.alerts.facts import Indexed, Places, model_scope
from console.alerts.rules import (
    MINUTE_US,
    AlertRule,
    Coverage,
    Drift,
    Forecast,
    Kind,
    KpiBand,
    Limit,
    Missing,
    Rate,
    Silent,
    Threshold,
    Watched,
    Way,
)
from console.drift import WORDS
from console.text import age, counted, local_time
from console.worth import counts
from engine.kpi import BAND_NAMES
from engine.store.alerts import CITY, Window
from engine.store.drift import VANISHED, DriftRow

FRESH_WINDOWS: Final = 2
"""A figure raises an alert only if its window has been over for at most so many times its length: what is older says
nothing of the present."""
LOST_US: Final = 30 * 1440 * MINUTE_US
"""An alert without a figure for so long is cleared, for nobody knows any more."""
NAMED_MAX: Final = 5
"""Devices or fields of drift that are named; all devices are counted."""
NAME_CHARS_MAX: Final = 64
"""A device may make up the name of a field."""
FORECAST_SHARE: Final = Fraction(2, 3)
"""Of the windows that a line is laid through so many must have a figure that counts."""


class Answer(Enum):
    """What is to become of a scope's alert."""

    ON = "on"
    OFF = "off"
    HOLD = "hold"
    """What stands stays, and nothing new is raised."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of one scope; the fields are those of an alert."""

    answer: Answer
    detail: str = ""
    subject: str = ""
    start_us: int | None = None
    value: Decimal | None = None
    limit: Decimal | None = None
    unit: str = ""


HOLD: Final = Verdict(Answer.HOLD)


class Moment(NamedTuple):
    """When and where it is judged."""

    now_us: int
    zone: tzinfo
    places: Places


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a rule says of all scopes.

    Attributes:
        found: by scope.
        otherwise: of every other scope.
    """

    found: Mapping[str, Verdict]
    otherwise: Verdict = HOLD

    def of(self, scope: str) -> Verdict:
        """Return what is said of a scope."""
        return self.found.get(scope, self.otherwise)


def verdicts(rule: AlertRule, facts: Indexed, moment: Moment) -> Verdicts:
    """Return what a rule says of every scope that it looks at."""
    match rule.check:
        case KpiBand() as check:
            return _kpi_band(rule, check, facts)
        case Silent() as check:
            return _silent(rule, check, facts, moment)
        case Drift() as check:
            return _drift(rule, check, facts, moment)
        case check:
            judge = _JUDGES[type(check)]
            watched = check.watched
            rows = facts.of(watched.indicator, watched.window)
            kinds = {scope: windows for scope, windows in rows.items() if scope.partition(":")[0] == rule.scope}
            return Verdicts({scope: judge(check, windows, moment) for scope, windows in kinds.items()})


# ---- figures of indicators -------------------------------------------------------------------------------------------


def _threshold(check: Threshold, rows: Sequence[Window], moment: Moment) -> Verdict:
    definition = check.watched.definition
    judged = [row for row in rows if counts(row, definition)]
    values = [(row, _exact(row)) for row in judged]
    return _lasting(check.watched, check.limit, check.lasting_us, values, moment, _unit(check.watched))


def _coverage(check: Coverage, rows: Sequence[Window], moment: Moment) -> Verdict:
    judged = [row for row in rows if row.revision > 0 and row.expected > 0]
    values = [(row, Fraction(100 * row.received, row.expected)) for row in judged]
    return _lasting(check.watched, check.limit, check.lasting_us, values, moment, ("%", " % of the readings"))


def _lasting(
    watched: Watched,
    limit: Limit,
    lasting_us: int,
    values: Sequence[tuple[Window, Fraction]],
    moment: Moment,
    unit: tuple[str, str],
) -> Verdict:
    """Return the verdict on figures that must be beyond a limit for a while; `unit` is its code and how it is shown."""
    if not values:
        return HOLD
    row, value = values[-1]
    side = "above" if limit.above else "below"
    facts: dict[str, Any] = {
        "subject": watched.subject, "start_us": row.start_us, "value": _decimal(value), "limit": _decimal(limit.at),
        "unit": unit[0],
    }  # fmt: skip
    if _lost(watched, row, moment):
        return Verdict(Answer.OFF, _lost_words(row, moment), **facts)
    if limit.back(value):
        back = f"{_number(value)}{unit[1]}, no longer {side} {_number(limit.clear)}"
        return Verdict(Answer.OFF, back, **facts)
    if not limit.beyond(value):
        return Verdict(Answer.HOLD, f"{_number(value)}{unit[1]}, was {side} {_number(limit.at)}", **facts)
    run = _run(watched, limit, values)
    told = f"{_number(value)}{unit[1]}, {side} {_number(limit.at)}"
    if run > 1:
        told += f" for {run} {watched.window}s"
    on = run * watched.length_us >= lasting_us and _fresh(watched, row, moment)
    return Verdict(Answer.ON if on else Answer.HOLD, told, **facts)


def _run(watched: Watched, limit: Limit, values: Sequence[tuple[Window, Fraction]]) -> int:
    """Return how many windows up to the newest follow each other and are all beyond the limit."""
    run, newest = 0, values[-1][0]
    for row, value in reversed(values):
        if _place(watched, newest, row) != run or not limit.beyond(value):
            break
        run += 1
    return run


def _judged(watched: Watched, rows: Sequence[Window], moment: Moment) -> list[Window] | Verdict:
    """Return the windows that count, the oldest first; the verdict where none does, or the newest is long gone."""
    judged = [row for row in rows if counts(row, watched.definition)]
    if not judged:
        return HOLD
    newest = judged[-1]
    if _lost(watched, newest, moment):
        return Verdict(Answer.OFF, _lost_words(newest, moment), subject=watched.subject, start_us=newest.start_us)
    return judged


def _rate(check: Rate, rows: Sequence[Window], moment: Moment) -> Verdict:
    watched = check.watched
    judged = _judged(watched, rows, moment)
    if isinstance(judged, Verdict):
        return judged
    newest = judged[-1]
    earlier = next((row for row in judged if _place(watched, newest, row) == check.over), None)
    if earlier is None:
        return HOLD
    change = _exact(newest) - _exact(earlier)
    measure = {Way.RISE: change, Way.FALL: -change, Way.CHANGE: abs(change)}[check.way]
    code, shown = _unit(watched)
    told = f"{_number(change, sign=True)}{shown} in {check.over} {watched.window}{'s' * (check.over > 1)}"
    answer = Answer.HOLD
    if check.limit.back(measure):
        answer = Answer.OFF
    elif check.limit.beyond(measure) and _fresh(watched, newest, moment):
        answer = Answer.ON
    return Verdict(
        answer, told, watched.subject, newest.start_us, _decimal(change), _decimal(check.limit.at), code
    )  # fmt: skip


def _forecast(check: Forecast, rows: Sequence[Window], moment: Moment) -> Verdict:
    watched = check.watched
    judged = _judged(watched, rows, moment)
    if isinstance(judged, Verdict):
        return judged
    newest = judged[-1]
    points = [(-_place(watched, newest, row), _exact(row)) for row in judged]
    points = [(x, y) for x, y in points if x > -check.windows]
    if len(points) < 3 or len(points) < FORECAST_SHARE * check.windows:
        return HOLD
    line = least_squares(points)
    # A figure is that of the middle of its window, so the newest one ends half a length after its place.
    ahead = line.at(Fraction(1, 2) + Fraction(check.within_us, watched.length_us))
    value = _exact(newest)
    code, shown = _unit(watched)
    facts = (watched.subject, newest.start_us, _decimal(value), _decimal(check.limit.at), code)
    side = "above" if check.limit.above else "below"
    if check.limit.back(ahead) and check.limit.back(value):
        return Verdict(Answer.OFF, f"{_number(value)}{shown}, not on the way {side} {_number(check.limit.at)}", *facts)
    on = check.limit.beyond(ahead) or check.limit.beyond(value)
    when = line.reaches(check.limit.at)
    told = f"{_number(value)}{shown}, on the way {side} {_number(check.limit.at)}"
    if when is not None:
        crossing_us = newest.start_us + round((when + Fraction(1, 2)) * watched.length_us)
        told += f" by {local_time(crossing_us, moment.zone)}"
    return Verdict(Answer.ON if on and _fresh(watched, newest, moment) else Answer.HOLD, told, *facts)


class Line(NamedTuple):
    """A straight line, exactly."""

    slope: Fraction
    mean_x: Fraction
    mean_y: Fraction

    def at(self, x: Fraction) -> Fraction:
        """Return its height."""
        return self.mean_y + self.slope * (x - self.mean_x)

    def reaches(self, y: Fraction) -> Fraction | None:
        """Return where it has a height; None where it is level."""
        return None if self.slope == 0 else self.mean_x + (y - self.mean_y) / self.slope


def least_squares(points: Sequence[tuple[int, Fraction]]) -> Line:
    """Return the line with the least sum of squared vertical distances, in fractions: nothing is rounded.

    Args:
        points: at least two, not all of one x.
    """
    mean_x = Fraction(sum(x for x, _ in points), len(points))
    mean_y = sum((y for _, y in points), Fraction(0)) / len(points)
    spread = sum(((x - mean_x) ** 2 for x, _ in points), Fraction(0))
    slope = sum(((x - mean_x) * (y - mean_y) for x, y in points), Fraction(0)) / spread
    return Line(slope, mean_x, mean_y)


def _missing(check: Missing, rows: Sequence[Window], moment: Moment) -> Verdict:
    watched = check.watched
    counting = [row for row in rows if counts(row, watched.definition)]
    # Where none of the windows counts the newest that did is older than the oldest of these.
    newest = counting[-1] if counting else rows[0]
    end_us = newest.start_us + (watched.length_us if counting else 0)
    old_us = moment.now_us - end_us
    facts: dict[str, Any] = {"subject": watched.subject, "start_us": newest.start_us}
    if old_us > LOST_US:
        return Verdict(Answer.OFF, _lost_words(newest, moment), **facts)
    if old_us > check.after_us:
        return Verdict(Answer.ON, f"no figure since {local_time(end_us, moment.zone)}", **facts)
    return Verdict(Answer.OFF, "there are figures again", **facts) if counting else HOLD


_JUDGES: Final[Mapping[type, Callable[[Any, Sequence[Window], Moment], Verdict]]] = {
    Threshold: _threshold, Coverage: _coverage, Rate: _rate, Forecast: _forecast, Missing: _missing,
}  # fmt: skip


# ---- scores and silence ----------------------------------------------------------------------------------------------


def _kpi_band(rule: AlertRule, check: KpiBand, facts: Indexed) -> Verdicts:
    found = {}
    for (data_point, horizon, scope), score in facts.scores.items():
        wanted = (data_point, horizon) == (check.data_point, check.horizon)
        if not wanted or scope.partition(":")[0] != rule.scope:
            continue
        if score.band is None:
            found[scope] = HOLD
            continue
        answer = Answer.ON if score.band <= check.band else Answer.OFF
        told = f"{score.percent} % of the target, band {score.band} ({BAND_NAMES[score.band]})"
        value = Decimal(score.percent) if score.percent else None
        found[scope] = Verdict(answer, told, data_point, None, value, None, "%")
    return Verdicts(found)


def _silent(rule: AlertRule, check: Silent, facts: Indexed, moment: Moment) -> Verdicts:
    if rule.kind is Kind.NOT_LISTENING:
        return _not_listening(check, facts, moment)
    device = rule.kind is Kind.SILENT_DEVICE
    found = {}
    for who, one in facts.silences["device" if device else "gateway"].items():
        scope = f"station:{who}" if device else f"gateway:{who}"
        if check.models and moment.places.models.get(scope) not in check.models:
            continue
        lasting_us = moment.now_us - one.started_us
        told = f"silent since {local_time(one.started_us, moment.zone)}"
        if not device:
            told += f", with {one.devices} devices"
        answer = Answer.ON if lasting_us >= check.after_us else Answer.OFF
        found[scope] = Verdict(answer, told if answer is Answer.ON else "heard again", start_us=one.started_us)
    return Verdicts(found, Verdict(Answer.OFF, "heard again"))


def _not_listening(check: Silent, facts: Indexed, moment: Moment) -> Verdicts:
    if facts.heard_to_us is None:
        return Verdicts({})
    lasting_us = moment.now_us - facts.heard_to_us
    if lasting_us <= check.after_us:
        return Verdicts({CITY: Verdict(Answer.OFF, "listening again", start_us=facts.heard_to_us)})
    since = local_time(facts.heard_to_us, moment.zone)
    told = f"the gateway has not listened since {since}: it is stopped, or broker or database are away"
    return Verdicts({CITY: Verdict(Answer.ON, told, start_us=facts.heard_to_us)})


# ---- drift -----------------------------------------------------------------------------------------------------------


def _drift(rule: AlertRule, check: Drift, facts: Indexed, moment: Moment) -> Verdicts:
    """Return a verdict for each model and field, zone or device with findings; only who looked can say that none is."""
    if facts.findings is None:
        return Verdicts({})
    found: dict[str, list[DriftRow]] = {}
    for row in facts.findings.rows:
        station = f"station:{row.device}"
        model = moment.places.models.get(station)
        if model is not None and _drifts(check, row, model, moment.now_us):
            zone = moment.places.parent(station)
            scope = {"model": _concerned(model, row.field, moment.places), "zone": zone, "station": station}[rule.scope]
            found.setdefault(scope, []).append(row)
    raised = {
        scope: Verdict(Answer.ON, _drift_words(rows, by_field=rule.scope == "station")) for scope, rows in found.items()
    }
    # What is not listed because there are too many may be what an alert stands for.
    gone = HOLD if facts.findings.unlisted else Verdict(Answer.OFF, "as the model expects again")
    return Verdicts(raised, gone)


def _drifts(check: Drift, row: DriftRow, model: str, now_us: int) -> bool:
    """Say whether a finding counts."""
    return (
        row.kind in check.findings
        and (not check.models or model in check.models)
        and (row.kind == VANISHED or row.readings >= check.readings)
        and now_us - row.last_us <= check.fresh_us
    )


def _concerned(model: str, field: str, places: Places) -> str:
    """Return the field of a model, or the model where a device made the name up: those are without number."""
    scope = model_scope(model, field)
    return scope if scope in places.around else model_scope(model)


def _drift_words(rows: Sequence[DriftRow], *, by_field: bool) -> str:
    """Return what was found, without what changes as long as it goes on: the trail stays readable."""
    kinds = {row.kind for row in rows}
    said = ", ".join(words for kind, words in WORDS.items() if kind in kinds)
    names = sorted({row.field[:NAME_CHARS_MAX] if by_field else row.device for row in rows} - {""})
    listed = ", ".join(names[:NAMED_MAX]) + (" and others" if len(names) > NAMED_MAX else "")
    if by_field:
        return f"{said}: {listed}" if names else said
    return f"{said} on {counted(len(names), 'device')}: {listed}"


# ---- parts -----------------------------------------------------------------------------------------------------------


def _place(watched: Watched, newest: Window, row: Window) -> int:
    """Return how many windows one lies before the newest."""
    return round((newest.start_us - row.start_us) / watched.length_us)


def _fresh(watched: Watched, row: Window, moment: Moment) -> bool:
    return moment.now_us <= row.start_us + (1 + FRESH_WINDOWS) * watched.length_us


def _lost(watched: Watched, row: Window, moment: Moment) -> bool:
    return moment.now_us - row.start_us - watched.length_us > LOST_US


def _lost_words(row: Window, moment: Moment) -> str:
    return f"no figure since {local_time(row.start_us, moment.zone)}, {age((moment.now_us - row.start_us) / 1e6)} ago"


def _exact(row: Window) -> Fraction:
    return Fraction(row.value or 0)


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _number(value: Fraction, *, sign: bool = False) -> str:
    """Return a number as people read it, with at most three decimals."""
    text = f"{_decimal(value):{'+' if sign else ''}.3f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _unit(watched: Watched) -> tuple[str, str]:
    """Return the unit's code, and the unit as it follows a number."""
    definition = watched.definition
    return definition.unit, f" {definition.symbol}" if definition.symbol else ""


def series(rules: Sequence[AlertRule]) -> Iterator[tuple[Watched, str, int]]:
    """Yield what windows the rules have to be given: indicator, kind of scope, how many of the newest."""
    depths: dict[tuple[Watched, str], int] = {}
    for rule in rules:
        if rule.watched is not None:
            key = (rule.watched, rule.scope)
            depths[key] = max(depths.get(key, 0), rule.depth)
    for (watched, kind), depth in depths.items():
        yield watched, kind, depth
