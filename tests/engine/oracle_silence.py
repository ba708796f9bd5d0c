"""The slow twin of the watch: one object per device, one step of a loop per microsecond, from the definitions alone.

Times of a test are small numbers, so that counting them one by one is possible.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median_low

INTERVALS, DEVICES_MIN = 3, 3
CLOCK_MAX = 30
OPEN = 2**62

Message = tuple[int, int, int | None]
"""Device, arrival, newest time that it carries."""


@dataclass
class SlowListening:
    """The listening clock, counted microsecond by microsecond.

    Attributes:
        began: from when on we listen.
        reached: up to when everything is known.
        away: periods of absence, from (included) to (excluded).
        settling: periods after them in which a backlog is awaited; the last may be open.
    """

    began: int
    reached: int
    away: list[tuple[int, int]] = field(default_factory=list)
    settling: list[tuple[int, int]] = field(default_factory=list)
    _back: int = 0
    _length: int = 0

    def deaf(self, at: int) -> bool:
        return any(begin <= at < end for begin, end in self.away + self.settling)

    def listened(self, at: int) -> int:
        return sum(not self.deaf(moment) for moment in range(self.began, min(at, self.reached)))

    def advance(self, to: int, away: list[tuple[int, int]]) -> None:
        """Reach a time, told of the absences that ended on the way."""
        self.away += away
        self.reached = to
        if away:
            self._back = max(end for _, end in away)
            self._length = max(self._length, self._back - min(begin for begin, _ in away))
            if not self.waits:
                self.settling.append((self._back, OPEN))

    @property
    def waits(self) -> bool:
        return bool(self.settling) and self.settling[-1][1] == OPEN

    def judge(self) -> None:
        if self.waits and self.reached - self._back >= self._length:
            self.settling[-1] = (self.settling[-1][0], self.reached)
            self._length = 0

    def uninterrupted(self, before: int, at: int) -> bool:
        """Whether we listened from one arrival to another."""
        return not any(begin <= at and before < end for begin, end in self.away + self.settling)


@dataclass
class SlowDevice:
    """One device and what came of it."""

    gateway: int
    interval: int
    serves: tuple[int, int]
    heard: int | None = None
    counted: int = 0
    gaps: deque[int] = field(default_factory=lambda: deque(maxlen=15))
    offsets: deque[int] = field(default_factory=lambda: deque(maxlen=9))
    first: int | None = None
    since: int | None = None
    learned: tuple[int, int] = (0, 0)
    state: str = "never"

    def hear(self, at: int, newest: int | None, listening: SlowListening) -> None:
        if self.heard is not None:
            gap = at - self.heard
            if gap >= self.interval // 4 and listening.uninterrupted(self.heard, at):
                self.gaps.append(gap)
        if newest is not None and not listening.deaf(at):
            self.offsets.append(newest - at)
        self.first = at if self.first is None else self.first
        self.heard = at
        self.counted = listening.listened(at)

    def learn(self) -> None:
        if len(self.gaps) >= 5:
            ranked = sorted(self.gaps)
            usual = median_low(ranked)
            strays = max(1, len(ranked) // 7)
            self.learned = (usual, ranked[-1 - strays] - usual)

    def clock(self) -> int | None:
        """How far its clock is ahead, where its newest messages agree."""
        ranked = sorted(self.offsets)
        strays = len(ranked) // 7
        if len(ranked) < 3 or ranked[-1 - strays] - ranked[strays] > CLOCK_MAX:
            return None
        return median_low(ranked)

    @property
    def expected(self) -> int:
        return max(self.interval, self.learned[0])

    @property
    def allowed(self) -> int:
        return INTERVALS * self.expected + self.learned[1]

    @property
    def late_after(self) -> int:
        return self.expected + self.expected // 2 + self.learned[1]


Change = tuple[str, int, int, int | None]
"""What changed: `device`, `gateway` or `absorbed`; who, start, end."""


class SlowWatch:
    """Everybody, judged one by one."""

    def __init__(self, devices: list[SlowDevice], listening: SlowListening) -> None:
        self.devices, self.listening = devices, listening
        self.gateways: dict[int, int] = {}

    def hear(self, messages: list[Message]) -> None:
        for device, at, newest in messages:
            self.devices[device].hear(at, newest, self.listening)

    def check(self) -> list[Change]:
        for device in self.devices:
            device.learn()
        self.listening.judge()
        at, now = self.listening.reached, self.listening.listened(self.listening.reached)
        heard = [d for d in self.devices if d.heard is not None]
        serving = [d for d in heard if d.serves[0] <= at < d.serves[1]]
        for device in heard:
            if device not in serving:
                device.counted = now
        quiet = {id(d): now - d.counted for d in serving}
        suspects = self._suspects(serving, quiet)
        changes = self._ended(serving, quiet, now)
        late = {id(d) for d in serving if quiet[id(d)] > d.late_after}
        silent = {id(d) for d in serving if quiet[id(d)] > d.allowed}
        opened = set()
        for gateway, (members, gone) in suspects.items():
            if gone and gateway not in self.gateways:
                self.gateways[gateway] = max(d.heard for d in members)
                opened.add(gateway)
                changes.append(("gateway", gateway, self.gateways[gateway], None))
        for number, device in enumerate(self.devices):
            changes += self._device(number, device, serving, quiet, silent, suspects, opened)
        for device in self.devices:
            if not device.serves[0] <= at < device.serves[1]:
                device.state = "out"
            elif device.heard is None:
                device.state = "never"
            else:
                device.state = "silent" if id(device) in silent else "late" if id(device) in late else "ok"
            device.first = None
        return changes

    def _suspects(self, serving: list[SlowDevice], quiet: dict[int, int]) -> dict[int, tuple[list[SlowDevice], bool]]:
        """Gateways that may be silent: the quiet devices that fell silent with it, and whether it surely is."""
        found = {}
        for gateway in {d.gateway for d in serving}:
            behind = [d for d in serving if d.gateway == gateway]
            late = [d for d in behind if quiet[id(d)] > d.late_after]
            if not late:
                continue
            last = max(d.counted for d in late)
            members = [d for d in behind if not (d in late and d.counted + d.allowed < last)]
            hushed = [d for d in members if d in late]
            again = [d for d in members if d not in late and d.counted > last]
            overdue = [d for d in hushed if quiet[id(d)] > d.allowed]
            if len(hushed) >= DEVICES_MIN and 2 * len(hushed) >= len(members) and 10 * len(again) <= len(members):
                found[gateway] = hushed, len(overdue) >= DEVICES_MIN and 2 * len(overdue) >= len(hushed)
        return found

    def _ended(self, serving: list[SlowDevice], quiet: dict[int, int], now: int) -> list[Change]:
        changes: list[Change] = []
        for gateway, since in list(self.gateways.items()):
            behind = [d for d in serving if d.gateway == gateway]
            back = [d for d in behind if d.heard > since]
            if behind and 10 * len(back) <= len(behind):
                continue
            arrivals = [d.first if d.first is not None and d.first > since else d.heard for d in back]
            end = min([*arrivals, self.listening.reached])
            changes.append(("gateway", gateway, since, end))
            del self.gateways[gateway]
            for device in self.devices:
                if (
                    device.gateway == gateway
                    and device.heard is not None
                    and device not in back
                    and device.since is None
                ):
                    device.counted = now
                    quiet[id(device)] = 0
        return changes

    def _device(
        self, number: int, device: SlowDevice, serving: list[SlowDevice], quiet: dict[int, int], silent: set[int],
        suspects: dict[int, tuple[list[SlowDevice], bool]], opened: set[int],
    ) -> list[Change]:  # fmt: skip
        hushed, gone = suspects.get(device.gateway, ([], False))
        began = self.gateways.get(device.gateway)
        covered = began is not None and device.heard is not None and device.heard <= began
        since = device.since
        if since is not None:
            if device.heard > since:
                device.since = None
                end = device.first if device.first is not None and device.first > since else device.heard
                return [("device", number, since, end)]
            if device not in serving:
                device.since = None
                return [("device", number, since, max(min(self.listening.reached, device.serves[1]), since))]
            if covered and device.gateway in opened and device in hushed:
                device.since = None
                return [("absorbed", number, since, None)]
            return []
        if id(device) not in silent or covered:
            return []
        if device in hushed and not gone and quiet[id(device)] <= device.allowed + device.expected:
            return []
        device.since = device.heard
        return [("device", number, device.heard, None)]
