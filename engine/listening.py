"""How long we listened: the clock by which silence is measured. It stands still while we ourselves were away.

Knows arrival times, the periods in which nothing could be heard, and how long their backlog may take; knows no device.
It asks no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.series import TIME_MAX_US, TIME_MIN_US

PROCESS, BROKER, DATABASE = CAUSES = ("process", "broker", "database")
"""Who was away: this process, the broker's connection, the database."""
DOWNTIME_US_MIN = 1_000_000
"""A shorter absence is not listened through, but not recorded either."""
MERGE_US = 10_000_000
"""Absences of one cause with a shorter pause between them are one."""
SETTLE_US_MAX = 600_000_000
"""After an absence devices are waited for as long again, for so they wait between attempts; no longer than this."""
RUSH_FACTOR, RUSH_SLACK = 2, 10
"""A backlog still drains while more than so many times what the intervals promise comes, and some."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Messages of known devices as columns of one length, in order of arrival.

    Attributes:
        device: int32, position in the registry's devices.
        received_us: int64, when the message arrived.
        newest_us: int64, the newest time it carries by the device's own clock; TIME_MIN_US where it carries none.
    """

    device: NDArray[np.int32]
    received_us: NDArray[np.int64]
    newest_us: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.device.size)


@dataclass(frozen=True, slots=True)
class Away:
    """A period in which nothing could be heard: from (included) to (excluded); TIME_MAX_US while it lasts."""

    cause: str
    from_us: int
    to_us: int = TIME_MAX_US
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What the gateway says of its own listening.

    Attributes:
        heard_to_us: everything that reached us before this time was committed; TIME_MIN_US before the first connection.
        away: periods that ended since the last report, and those that last.
        paused_us: time since the last report in which we did not read although we could have.
    """

    heard_to_us: int
    away: tuple[Away, ...] = ()
    paused_us: int = 0


class Downtime(NamedTuple):
    """An absence of ours, to be recorded; the same cause and start again means that its end is known better."""

    cause: str
    from_us: int
    to_us: int
    detail: str


class Listening:
    """The listening clock of one worker.

    A backlog follows every absence: messages that waited, and devices that come back. Until it is over the clock stands
    as well, so that nobody is called silent whose message only waits. It is over once as much time has passed as the
    absence lasted; a long one earlier, when messages come no faster than devices send.

    Args:
        heard_to_us: what was reached before; TIME_MIN_US to begin.
        listened_us: the clock's reading then.

    Attributes:
        heard_to_us: everything that came before is known.
        listened_us: the clock.
        away_us: time away by cause.
    """

    def __init__(self, heard_to_us: int = TIME_MIN_US, listened_us: int = 0) -> None:
        self.heard_to_us, self.listened_us = heard_to_us, listened_us
        self.away_us = dict.fromkeys(CAUSES, 0)
        self._before_us, self._before_listened_us = heard_to_us, listened_us
        self._known: list[Away] = []
        self._deaf: list[tuple[int, int]] = []
        self._clear_us = self._clear_before_us = heard_to_us
        self._settle_from_us, self._settle_us, self._back_us = TIME_MAX_US, 0, heard_to_us
        self._last: dict[str, Downtime] = {}

    @property
    def settling(self) -> bool:
        """Say whether a backlog is still awaited."""
        return self._settle_from_us < TIME_MAX_US

    def advance(self, report: Report, now_us: int) -> list[Downtime]:
        """Go on to what a report reaches; return the absences to be recorded. Hear what came in between afterwards."""
        if self.heard_to_us == TIME_MIN_US:
            # The first time ever: nothing is missing from before.
            self.heard_to_us = self._clear_us = report.heard_to_us
            self._mark()
            return []
        away = [self._begun(one) for one in report.away]
        downtimes = [one for a in away if (one := self._downtime(a, now_us)) is not None]
        self._known += [a for a in away if a.to_us < TIME_MAX_US]
        self._mark()
        if report.heard_to_us > self.heard_to_us:
            self._move(
                report.heard_to_us, [*self._known, *(a for a in away if a.to_us == TIME_MAX_US)], report.paused_us
            )
            self._known = [a for a in self._known if a.to_us > self.heard_to_us]
        return downtimes

    def judge(self, came: int, due_per_us: float) -> None:
        """Say whether the backlog is over, given how many messages the last step brought and how many are usual."""
        if not self.settling:
            return
        waited_us = self.heard_to_us - self._back_us
        step_us = self.heard_to_us - self._before_us
        calm = step_us > 0 and came <= RUSH_FACTOR * due_per_us * step_us + RUSH_SLACK
        if waited_us >= self._settle_us or (waited_us >= SETTLE_US_MAX and calm):
            self._settle_from_us, self._settle_us = TIME_MAX_US, 0
            self._clear_us = self.heard_to_us

    def listened_at(self, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what the clock showed at arrivals of the last step; earlier ones count as its begin."""
        inside = np.clip(time_us, self._before_us, self.heard_to_us)
        spent = inside - self._before_us
        for from_us, to_us in self._deaf:
            spent -= np.clip(inside, from_us, to_us) - from_us
        return np.minimum(self._before_listened_us + spent, self.listened_us)

    def clear_us(self, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return since when, at arrivals of the last step, we had listened without a break; TIME_MAX_US: we did not."""
        clear = np.full(time_us.size, self._clear_before_us, np.int64)
        for from_us, to_us in self._deaf:
            clear[time_us >= from_us] = to_us
        # What comes with a backlog says nothing about when it was sent.
        clear[time_us >= self._settle_from_us] = TIME_MAX_US
        return clear

    # ---- the parts of a step ---------------------------------------------------------------------------------

    def _mark(self) -> None:
        self._before_us, self._before_listened_us = self.heard_to_us, self.listened_us
        self._clear_before_us = self._clear_us
        self._deaf = []

    def _begun(self, away: Away) -> Away:
        """Return a period with its begin: a process cannot say when the one before it ended."""
        return away if away.from_us > TIME_MIN_US else replace(away, from_us=min(self.heard_to_us, away.to_us))

    def _downtime(self, away: Away, now_us: int) -> Downtime | None:
        if min(away.to_us, now_us) - away.from_us < DOWNTIME_US_MIN:
            return None
        before = self._last.get(away.cause)
        one = Downtime(away.cause, away.from_us, away.to_us, away.detail)
        if before is not None and away.from_us <= before.to_us + MERGE_US:
            # An open period has no end yet: what is told of it now is the truth.
            to_us = away.to_us if before.to_us == TIME_MAX_US else max(before.to_us, away.to_us)
            one = Downtime(away.cause, before.from_us, to_us, away.detail)
        self._last[away.cause] = one
        return None if one == before else one

    def _move(self, to_us: int, away: Sequence[Away], paused_us: int) -> None:
        from_us = self.heard_to_us
        ended = [a for a in away if from_us < a.to_us <= to_us]
        if ended:
            until_us = max(a.to_us for a in ended)
            self._settle_us = max(self._settle_us, until_us - min(a.from_us for a in ended))
            self._settle_from_us = min(self._settle_from_us, until_us)
            self._back_us = until_us
        inside = [(max(a.from_us, from_us), min(a.to_us, to_us), a.cause) for a in away]
        for begin, end, cause in inside:
            self.away_us[cause] += max(0, end - begin)
        spans = [(begin, end) for begin, end, _ in inside if begin < end]
        if self._settle_from_us < to_us:
            spans.append((max(self._settle_from_us, from_us), to_us))
        self._deaf = _union(spans)
        deaf_us = sum(end - begin for begin, end in self._deaf)
        self.listened_us += max(0, to_us - from_us - max(deaf_us, paused_us))
        self.heard_to_us = to_us
        if self._deaf and not self.settling:
            self._clear_us = self._deaf[-1][1]


def _union(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the same time without overlaps, in order."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined
