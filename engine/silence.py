"""Who is silent: a device, or all devices of a gateway at once.

Knows when each device was last heard, by the clock of `listening`, which stands still while we ourselves are away: no
downtime of ours makes anybody silent. Times of arrival only: a replayed year is as fresh as its messages. Asks no
clock, neither reads nor writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices import Registry
from devices.series import TIME_MAX_US, TIME_MIN_US
from engine import habits
from engine.habits import UNKNOWN, Rings
from engine.listening import Heard, Listening
from engine.settings import SilenceSettings

BURST_SHARE, BURST_US_MAX = 4, 1_000_000
"""Messages closer than this share of the interval, or than this, belong to one report."""
AGAIN_SHARE = 10
"""A gateway of which more than one device in so many is heard is not silent."""


class State(IntEnum):
    """How it stands with a device."""

    NEVER = 0
    """Nothing ever came."""
    OK = 1
    LATE = 2
    """Nothing came for one and a half intervals; a message may have been lost."""
    SILENT = 3
    OUT = 4
    """Not in service."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """The devices of one worker, as arrays in the registry's order.

    Attributes:
        gateway: int32, position in the registry's gateways.
        gateway_count: how many there are.
        interval_us: int64, as declared.
        service_from_us, service_to_us: int64, in service from (included) to (excluded).
    """

    gateway: NDArray[np.int32]
    gateway_count: int
    interval_us: NDArray[np.int64]
    service_from_us: NDArray[np.int64]
    service_to_us: NDArray[np.int64]

    @classmethod
    def of(cls, registry: Registry) -> Fleet:
        """Return the devices of a registry."""
        position = {gateway: i for i, gateway in enumerate(registry.gateways)}
        rows = [(position[d.gateway], d.interval_us, d.service_from_us, d.service_to_us) for d in registry.devices]
        columns = np.array(rows, np.int64).reshape(-1, 4).T.copy()
        return cls(columns[0].astype(np.int32), len(registry.gateways), columns[1], columns[2], columns[3])

    def __len__(self) -> int:
        return int(self.gateway.size)


@dataclass(slots=True)
class Known:
    """What is known of each device; arrays in the registry's order. It survives a restart.

    Attributes:
        heard_us: int64, when its newest message arrived; TIME_MIN_US: never.
        counted_us: int64, since when its silence counts, by the listening clock.
        reading_us: int64, time of its newest reading; TIME_MIN_US: none.
        interval_us, jitter_us: int64, learned; 0 until enough was heard.
        offset_us: int64, how far its clock is ahead of ours; UNKNOWN.
        state: int8, a `State`.
        since_us: int64, begin of its own silence that lasts; TIME_MIN_US: none.
        gateway_since_us: int64 by gateway, begin of its silence that lasts; TIME_MIN_US: none.
    """

    heard_us: NDArray[np.int64]
    counted_us: NDArray[np.int64]
    reading_us: NDArray[np.int64]
    interval_us: NDArray[np.int64]
    jitter_us: NDArray[np.int64]
    offset_us: NDArray[np.int64]
    state: NDArray[np.int8]
    since_us: NDArray[np.int64]
    gateway_since_us: NDArray[np.int64]

    @classmethod
    def nothing(cls, devices: int, gateways: int) -> Known:
        """Return what is known before anything was heard."""
        never, zero = np.full(devices, TIME_MIN_US, np.int64), np.zeros(devices, np.int64)
        return cls(
            never, zero, never.copy(), zero.copy(), zero.copy(), np.full(devices, UNKNOWN, np.int64),
            np.zeros(devices, np.int8), never.copy(), np.full(gateways, TIME_MIN_US, np.int64),
        )  # fmt: skip


class Episode(NamedTuple):
    """A silence that began, ended, or turned out to be part of a gateway's."""

    gateway: bool
    who: int
    """Position of the device, or of the gateway."""
    started_us: int
    """Arrival of the last message before it."""
    ended_us: int
    """Arrival of the first message after it; TIME_MAX_US while it lasts."""
    reading_us: int
    """Time of the newest reading; TIME_MIN_US where there is none."""
    interval_us: int
    allowed_us: int
    """After so much listening without a message it counts as silent."""
    devices: int
    detail: str = ""
    absorbed: bool = False
    """It is part of a gateway's silence now, and no longer one of its own."""


class Silence:
    """The watch over one worker's devices.

    Attributes:
        known: what is known of each device.
    """

    def __init__(
        self, fleet: Fleet, settings: SilenceSettings, listening: Listening, known: Known | None = None
    ) -> None:
        self.known = known or Known.nothing(len(fleet), fleet.gateway_count)
        self._fleet, self._settings, self._listening = fleet, settings, listening
        self._gaps, self._offsets = Rings(len(fleet), habits.GAPS), Rings(len(fleet), habits.OFFSETS)
        self._burst_us = np.minimum(fleet.interval_us // BURST_SHARE, BURST_US_MAX)
        self._first_us = np.full(len(fleet), TIME_MIN_US, np.int64)
        self._learning = np.zeros(len(fleet), np.bool_)
        self._changed = np.zeros(len(fleet), np.bool_)
        self._due_per_us = float((1 / fleet.interval_us).sum())
        self._came = 0

    def hear(self, heard: Heard) -> None:
        """Take in messages of the last step of the listening clock, in order of arrival."""
        if not len(heard):
            return
        known = self.known
        order = np.argsort(heard.device, kind="stable")
        device, at_us = heard.device[order], heard.received_us[order]
        begins = np.append(True, device[1:] != device[:-1])
        ends = np.append(begins[1:], True)
        before_us = np.where(begins, known.heard_us[device], np.append(TIME_MIN_US, at_us[:-1]))
        clear_us, gap_us = self._listening.clear_us(at_us), at_us - before_us
        # What waited while we were away, and the pause around it, say nothing about the device's rhythm or clock.
        usual = (before_us >= clear_us) & (before_us > TIME_MIN_US) & (gap_us >= self._burst_us[device])
        self._gaps.push(device[usual], gap_us[usual])
        newest_us = heard.newest_us[order]
        timed = (at_us >= clear_us) & (newest_us > TIME_MIN_US)
        self._offsets.push(device[timed], newest_us[timed] - at_us[timed])
        first, last = device[begins], device[ends]
        fresh = self._first_us[first] == TIME_MIN_US
        self._first_us[first[fresh]] = at_us[begins][fresh]
        known.heard_us[last] = np.maximum(known.heard_us[last], at_us[ends])
        known.counted_us[last] = np.maximum(known.counted_us[last], self._listening.listened_at(at_us[ends]))
        self._learning[last] = self._changed[last] = True
        self._came += last.size

    def read(self, device: NDArray[np.int32], time_us: NDArray[np.int64]) -> None:
        """Take in the times of stored readings."""
        np.maximum.at(self.known.reading_us, device, time_us)

    def check(self) -> list[Episode]:
        """Judge everybody as of the time the listening clock has reached; return what changed."""
        self._learn()
        self._listening.judge(self._came, self._due_per_us)
        self._came = 0
        known, fleet, at_us, now = self.known, self._fleet, self._listening.heard_to_us, self._listening.listened_us
        serving = (fleet.service_from_us <= at_us) & (at_us < fleet.service_to_us)
        heard = known.heard_us > TIME_MIN_US
        known.counted_us[heard & ~serving] = now
        interval_us = np.maximum(fleet.interval_us, known.interval_us)
        view = _View(
            serving, heard, interval_us, self._settings.intervals * interval_us + known.jitter_us,
            interval_us + interval_us // 2 + known.jitter_us, now - known.counted_us,
        )  # fmt: skip
        episodes = self._gateways(view, at_us)
        episodes += self._devices(view, at_us)
        state = np.full(len(fleet), State.OK, np.int8)
        for mask, of in ((view.late, State.LATE), (view.silent, State.SILENT), (~heard, State.NEVER)):
            state[mask] = of
        state[~serving] = State.OUT
        self._changed |= state != known.state
        known.state = state
        self._first_us[:] = TIME_MIN_US
        return episodes

    def changed(self) -> NDArray[np.intp]:
        """Return the devices of which something new is known since `written`."""
        return np.flatnonzero(self._changed)

    def written(self, devices: NDArray[np.intp]) -> None:
        """Note that what is known of these devices is stored."""
        self._changed[devices] = False

    # ---- the parts of a check --------------------------------------------------------------------------------

    def _learn(self) -> None:
        """Take conclusions from what came since the last check; without enough values those of before stand."""
        row = np.flatnonzero(self._learning)
        if not row.size:
            return
        self._learning[row] = False
        interval_us, jitter_us = habits.rhythm(self._gaps, row)
        sure = interval_us < UNKNOWN
        self.known.interval_us[row[sure]] = interval_us[sure]
        self.known.jitter_us[row[sure]] = jitter_us[sure]
        sure = self._offsets.count[row] >= habits.OFFSETS_MIN
        self.known.offset_us[row[sure]] = habits.clock_offset(self._offsets, row[sure], self._settings.clock_us_max)

    def _gateways(self, view: _View, at_us: int) -> list[Episode]:
        """Judge the gateways, and note in `view` whose devices need no silence of their own."""
        known, gateway, count = self.known, self._fleet.gateway, self._fleet.gateway_count
        least = self._settings.devices_min
        lates = np.bincount(gateway[view.late], minlength=count)
        # Of the others nothing needs to be looked at; in a city where all is well that is nearly everybody.
        near = np.flatnonzero((lates >= least)[gateway])
        at, late, silent = gateway[near], view.late[near], view.silent[near]
        counted_us, allowed_us = known.counted_us[near], view.allowed_us[near]
        last = np.full(count, TIME_MIN_US, np.int64)
        np.maximum.at(last, at[late], counted_us[late])
        # Who was overdue when the others were last heard died by itself, and says nothing about the gateway.
        part = view.serving[near] & view.heard[near] & ~(late & (counted_us + allowed_us < last[at]))
        quiet = part & late
        members, quiets, overdue, again = (
            np.bincount(at[mask], minlength=count)
            for mask in (part, quiet, quiet & silent, part & ~late & (counted_us > last[at]))
        )
        suspect = (quiets >= least) & (2 * quiets >= members) & (AGAIN_SHARE * again <= members)
        gone = suspect & (overdue >= least) & (2 * overdue >= quiets)
        episodes = self._gateways_ended(view, at_us)
        opening = gone & (known.gateway_since_us == TIME_MIN_US)
        heard_us = np.full(count, TIME_MIN_US, np.int64)
        np.maximum.at(heard_us, at[quiet], known.heard_us[near][quiet])
        known.gateway_since_us[opening] = heard_us[opening]
        for i in np.flatnonzero(opening).tolist():
            said = f"{overdue[i]} of {members[i]} devices overdue, {quiets[i] - overdue[i]} late, {again[i]} heard"
            episodes.append(self._gateway_episode(view, i, TIME_MAX_US, said, near[quiet & (at == i)]))
        since_us = known.gateway_since_us[gateway]
        view.covered = (since_us > TIME_MIN_US) & (known.heard_us <= since_us)
        view.absorbed[near] = view.covered[near] & opening[at] & quiet & (known.since_us[near] > TIME_MIN_US)
        # A device is overdue, its neighbours are late: another moment, and it may turn out to be the gateway.
        soon = view.quiet_us[near] <= allowed_us + view.interval_us[near]
        view.held[near] = suspect[at] & ~gone[at] & quiet & soon
        return episodes

    def _gateways_ended(self, view: _View, at_us: int) -> list[Episode]:
        known, gateway, count = self.known, self._fleet.gateway, self._fleet.gateway_count
        if not (known.gateway_since_us > TIME_MIN_US).any():
            return []
        since_us = known.gateway_since_us[gateway]
        serving = view.serving & view.heard & (since_us > TIME_MIN_US)
        back = serving & (known.heard_us > since_us)
        members, returned = (np.bincount(gateway[mask], minlength=count) for mask in (serving, back))
        ended = (known.gateway_since_us > TIME_MIN_US) & ((AGAIN_SHARE * returned > members) | (members == 0))
        first_us = np.full(count, TIME_MAX_US, np.int64)
        arrived_us = np.where(self._first_us > since_us, self._first_us, known.heard_us)
        np.minimum.at(first_us, gateway[back], arrived_us[back])
        episodes = []
        for i in np.flatnonzero(ended).tolist():
            end_us = min(int(first_us[i]), at_us)
            said = "heard again" if members[i] else "no device in service"
            silent = np.flatnonzero((gateway == i) & view.heard & ~back)
            episodes.append(self._gateway_episode(view, i, end_us, said, silent))
        # The others get the time of their interval to come back as well.
        waiting = ended[gateway] & view.heard & ~back & (known.since_us == TIME_MIN_US)
        known.counted_us[waiting] = self._listening.listened_us
        view.late[waiting] = view.silent[waiting] = False
        view.quiet_us[waiting] = 0
        known.gateway_since_us[ended] = TIME_MIN_US
        return episodes

    def _gateway_episode(self, view: _View, i: int, ended_us: int, said: str, of: NDArray[np.intp]) -> Episode:
        interval_us, allowed_us = (
            int(span[of].min()) if of.size else 0 for span in (view.interval_us, view.allowed_us)
        )  # fmt: skip
        reading_us = int(self.known.reading_us[of].max(initial=TIME_MIN_US))
        started_us = int(self.known.gateway_since_us[i])
        return Episode(True, i, started_us, ended_us, reading_us, interval_us, allowed_us, int(of.size), said)

    def _devices(self, view: _View, at_us: int) -> list[Episode]:
        known = self.known
        lasting = known.since_us > TIME_MIN_US
        back = lasting & (known.heard_us > known.since_us)
        gone = lasting & ~view.serving & ~back
        absorbed = view.absorbed & ~back & ~gone
        opening = view.silent & ~lasting & ~view.covered & ~view.held
        known.since_us[opening] = known.heard_us[opening]
        episodes = []
        for mask, said in ((back, "heard again"), (gone, "left service"), (absorbed, ""), (opening, "")):
            for i in np.flatnonzero(mask).tolist():
                end_us = TIME_MAX_US
                if mask is back:
                    since_us, first_us = int(known.since_us[i]), int(self._first_us[i])
                    end_us = first_us if first_us > since_us else int(known.heard_us[i])
                elif mask is gone:
                    end_us = max(min(at_us, int(self._fleet.service_to_us[i])), int(known.since_us[i]))
                episodes.append(
                    Episode(
                        False, i, int(known.since_us[i]), end_us, int(known.reading_us[i]), int(view.interval_us[i]),
                        int(view.allowed_us[i]), 1, said, mask is absorbed,
                    )
                )  # fmt: skip
        known.since_us[back | gone | absorbed] = TIME_MIN_US
        return episodes


class _View:
    """One check's masks and spans by device."""

    __slots__ = (
        "absorbed", "allowed_us", "covered", "heard", "held", "interval_us", "late", "quiet_us", "serving", "silent",
    )  # fmt: skip

    def __init__(
        self, serving: NDArray[np.bool_], heard: NDArray[np.bool_], interval_us: NDArray[np.int64],
        allowed_us: NDArray[np.int64], late_us: NDArray[np.int64], quiet_us: NDArray[np.int64],
    ) -> None:  # fmt: skip
        self.serving, self.heard, self.interval_us = serving, heard, interval_us
        self.allowed_us, self.quiet_us = allowed_us, quiet_us
        self.late = serving & heard & (quiet_us > late_us)
        self.silent = self.late & (quiet_us > allowed_us)
        self.covered, self.absorbed, self.held = np.zeros((3, serving.size), np.bool_)
