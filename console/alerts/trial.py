"""What rules would have raised in the past: the same evaluation, at each moment at which something could change.

Pure over what is stored; knows no database and no command. Figures are those that stand today, as closed windows: what
came too late to be known then is known here. Nobody acknowledges anything.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from console.alerts.evaluate import AlertRules
from console.alerts.facts import Facts, Silence
from console.alerts.rules import AlertRule, Kind, Missing, Silent, Watched
from console.alerts.transitions import Change
from console.worth import LENGTH_US
from engine.store import SilenceEntry
from engine.store.alerts import Alert, Window

MOMENTS_MAX: Final = 200_000
UNTRIED: Final = (Kind.KPI_BAND, Kind.NOT_LISTENING, Kind.DRIFT)
"""Kinds whose facts of the past are not kept."""


class TooLongError(ValueError):
    """More moments than can be tried at once; says how many."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is stored of a stretch of time.

    Attributes:
        windows: closed ones, of what the rules watch, from some before the stretch on.
        silences: those that touch it.
    """

    windows: Sequence[Window]
    silences: Sequence[SilenceEntry]


class _Series(NamedTuple):
    """The windows of one indicator and scope, with the ends by which they were known."""

    ends: list[int]
    windows: list[Window]


def tried(rules: Iterable[AlertRule]) -> list[AlertRule]:
    """Return the rules that can be tried on the past."""
    return [replace(one, escalate_us=None) for one in rules if one.kind not in UNTRIED]


def try_rules(rules: AlertRules, past: Past, from_us: int, to_us: int) -> list[Alert]:
    """Return the alerts that would have stood in a stretch of time, by their begin; some may stand at its end.

    Raises:
        TooLongError: it has too many moments.
    """
    series, silences = _series(past.windows), sorted(past.silences)
    moments = _moments(rules.rules, series, silences, from_us, to_us)
    if len(moments) > MOMENTS_MAX:
        raise TooLongError(f"{len(moments):,} moments at which something could change; at most {MOMENTS_MAX:,}")
    depths = {(one.indicator, one.window, one.scope_kind): one.depth for one in rules.asked()}
    alerts: dict[int, Alert] = {}
    standing: dict[tuple[str, str], Alert] = {}
    for now_us in moments:
        facts = Facts(list(_known(series, depths, now_us)), _lasting(silences, now_us), heard_to_us=now_us)
        for one in rules.evaluate(now_us, facts, list(standing.values())):
            number = one.alert.alert_id or len(alerts) + 1
            alert = alerts[number] = replace(one.alert, alert_id=number)
            if one.change is Change.CLEARED:
                del standing[alert.key]
            else:
                standing[alert.key] = alert
    return list(alerts.values())


def _series(windows: Iterable[Window]) -> Mapping[tuple[str, str, str], _Series]:
    found: dict[tuple[str, str, str], _Series] = {}
    for one in sorted(windows, key=lambda row: row.start_us):
        ends, rows = found.setdefault((one.indicator, one.window, one.scope), _Series([], []))
        ends.append(one.start_us + LENGTH_US[one.window])
        rows.append(one)
    return found


def _known(
    series: Mapping[tuple[str, str, str], _Series], depths: Mapping[tuple[str, str, str], int], now_us: int
) -> Iterator[Window]:
    """Yield the windows that were over at a moment, as many of each as the rules look at."""
    for (indicator, window, scope), (ends, rows) in series.items():
        depth = depths.get((indicator, window, scope.partition(":")[0]), 0)
        count = bisect_right(ends, now_us)
        yield from rows[max(0, count - depth) : count]


def _lasting(silences: Iterable[SilenceEntry], now_us: int) -> list[Silence]:
    return [
        Silence(one.kind, one.who, one.started_us, one.devices, one.detail)
        for one in silences
        if one.noticed_us <= now_us and (one.ended_us is None or now_us < one.ended_us)
    ]


def _moments(
    rules: Sequence[AlertRule],
    series: Mapping[tuple[str, str, str], _Series],
    silences: Sequence[SilenceEntry],
    from_us: int,
    to_us: int,
) -> list[int]:
    """Return the times at which something could change, in order."""
    found = {from_us}
    for (indicator, window, _), (ends, _) in series.items():
        found.update(ends)
        for rule in rules:
            if isinstance(rule.check, Missing) and rule.check.watched == Watched(indicator, window):
                found.update(end_us + rule.check.after_us + 1 for end_us in ends)
    for one in silences:
        found.add(one.noticed_us)
        found.update(one.started_us + rule.check.after_us for rule in rules if isinstance(rule.check, Silent))
        if one.ended_us is not None:
            found.add(one.ended_us)
    return sorted(time_us for time_us in found if from_us <= time_us < to_us)


def untried(rules: Iterable[AlertRule]) -> list[str]:
    """Return the codes of the rules that cannot be tried on the past."""
    return [one.code for one in rules if one.kind in UNTRIED]
