"""What is sent, when, and in which order: recordings and options made into one sequence of messages.

Knows rows, shifts, packs and seeds; encodes a message only when it is asked for. Knows no broker, and never asks what
time it is.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import devices
from devices import Registry
from simulators.clock import DAY_US, shift_us
from simulators.errors import RecordingError
from simulators.recording import Recording

PACK_MAX = 1_000
"""Rows in one message: a device's buffer is small, and brokers refuse huge messages."""
DUPLICATE_DELAY_MESSAGES_MAX = 64
"""A message sent again comes after at most so many others."""
UNREGISTERED_NAMED_MAX = 10
LINES_PER_MESSAGE_CODECS = frozenset({"senml-json", "senml-cbor"})
"""Formats whose messages can carry readings of several times."""


class Message(NamedTuple):
    """One message as its device sends it."""

    device: str
    topic: str
    payload: bytes
    time_us: int
    """Time of its newest reading, µs UTC, shifted as all of its recording."""
    readings: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Which readings are replayed, and how they are bundled and ordered. Times are those of the recordings.

    Attributes:
        from_us, to_us: only readings from (included) to (excluded) these times, µs UTC.
        last_us: only readings of the last so many µs of each recording (after a shift: before now).
        shift_to_us: move each recording by whole days and hours so that it ends now: at this time, µs UTC, or within
            the day after it. Readings that fall after it are left out, or held until they are due with `loop`.
        loop: start again at the end, moved on by whole days, without end.
        side_by_side: play recordings of different years at one time, each from its own start.
        pack: rows of one device in one message.
        duplicates: probability that a message is sent again.
        shuffle: permute the messages.
        seed: of duplicates and shuffle; the same seed gives the same sequence.
    """

    from_us: int | None = None
    to_us: int | None = None
    last_us: int | None = None
    shift_to_us: int | None = None
    loop: bool = False
    side_by_side: bool = False
    pack: int = 1
    duplicates: float = 0.0
    shuffle: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.pack <= PACK_MAX:
            raise ValueError(f"pack is {self.pack}; expected 1 to {PACK_MAX} rows")
        if not 0.0 <= self.duplicates <= 1.0:
            raise ValueError(f"duplicates is {self.duplicates}; expected a probability from 0 to 1")
        if self.from_us is not None and self.to_us is not None and self.from_us >= self.to_us:
            raise ValueError("from is not before to")


class _Part(NamedTuple):
    """One recording's share: `order` holds its rows by device and time of sending; message i is a slice of it."""

    recording: Recording
    shift_us: int
    order: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    topics: tuple[str, ...]


class Schedule:
    """The sequence of messages of one replay.

    Attributes:
        recordings: what it was made from.
        shifts_us: by how much each recording is moved, in the same order.
        message_count: messages of one lap, duplicates included.
        reading_count: readings in them.
        lap_us: how far the next lap is moved on: whole days.
        due_us: int64, one per message of a lap in sending order: µs after the first message is due.
    """

    def __init__(self, recordings: Sequence[Recording], registry: Registry, choice: Choice) -> None:
        self.recordings, self.choice = tuple(recordings), choice
        self._parts = [_part(r, registry, choice) for r in recordings]
        self.shifts_us = tuple(p.shift_us for p in self._parts)
        which, item, send = self._messages()
        sequence = np.argsort(send, kind="stable")
        due = send[sequence]
        sequence, due = _shaken(sequence, due, choice)
        self._which, self._item = which[sequence], item[sequence]
        first = int(due[0]) if due.size else 0
        self.start_us = first
        self.due_us: NDArray[np.int64] = due - first
        self.message_count = int(due.size)
        self.lap_us = (int(self.due_us[-1]) // DAY_US + 1) * DAY_US if due.size else DAY_US
        self.reading_count = self._readings()

    def _messages(self) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
        """Return part, index within the part, and time of sending of every message."""
        which, item, send = [], [], []
        for number, part in enumerate(self._parts):
            count = part.start.size
            times = part.recording.rows.send_us[part.order[part.end - 1]] + part.shift_us
            if self.choice.side_by_side and self.choice.shift_to_us is None and count:
                times = times - times.min()
            which.append(np.full(count, number, np.int32))
            item.append(np.arange(count, dtype=np.int64))
            send.append(times)
        if not which:
            return np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int64)
        return np.concatenate(which), np.concatenate(item), np.concatenate(send)

    def _readings(self) -> int:
        total = 0
        for number, part in enumerate(self._parts):
            held = part.recording.rows.present[part.order].sum(axis=1, dtype=np.int64)
            upto = np.concatenate([np.zeros(1, np.int64), np.cumsum(held)])
            mine = self._item[self._which == number]
            total += int((upto[part.end[mine]] - upto[part.start[mine]]).sum())
        return total

    def messages(self, lap: int = 0) -> Iterator[Message]:
        """Yield the messages of one lap in sending order, encoded as their devices do."""
        moved = lap * self.lap_us
        for which, item in zip(self._which.tolist(), self._item.tolist(), strict=True):
            yield _encoded(self._parts[which], item, moved)


def _part(recording: Recording, registry: Registry, choice: Choice) -> _Part:
    rows = recording.rows
    topics = _topics(recording, registry)
    if choice.pack > 1 and recording.model.codec not in LINES_PER_MESSAGE_CODECS:
        said = f"device model {recording.model.code} sends one time per message; replay it with pack 1"
        raise RecordingError([f"{recording.spec.path}: {said}"])
    if choice.pack * len(recording.fields) > devices.READINGS_MAX:
        raise RecordingError(
            [f"{recording.spec.path}: pack {choice.pack} makes messages of more than {devices.READINGS_MAX} readings"]
        )
    shift, keep = 0, np.ones(len(rows), np.bool_)
    if choice.from_us is not None:
        keep &= rows.time_us >= choice.from_us
    if choice.to_us is not None:
        keep &= rows.time_us < choice.to_us
    if choice.shift_to_us is not None and len(rows):
        shift = shift_us(
            int(rows.send_us[keep].max(initial=rows.send_us.min())),
            choice.shift_to_us,
            recording.spec.zone,
            registry.city.zone_info,
        )
        if not choice.loop:
            keep &= rows.send_us + shift <= choice.shift_to_us
    if choice.last_us is not None and keep.any():
        end = int(rows.send_us[keep].max())
        if choice.shift_to_us is not None:
            end = min(end, choice.shift_to_us - shift)
        keep &= rows.time_us > end - choice.last_us
    chosen = np.flatnonzero(keep)
    order = chosen[np.lexsort((chosen, rows.send_us[chosen], rows.device[chosen]))]
    start = _starts(rows.device[order], choice.pack)
    stop = np.append(start[1:], order.size).astype(np.int64) if start.size else start
    return _Part(recording, shift, order, start, stop, topics)


def _starts(device: NDArray[np.int32], pack: int) -> NDArray[np.int64]:
    """Return where messages begin in rows sorted by device: every `pack` rows of one device."""
    if not device.size:
        return np.empty(0, np.int64)
    index = np.arange(device.size, dtype=np.int64)
    first = np.flatnonzero(np.append(True, device[1:] != device[:-1]))
    within = index - np.repeat(first, np.diff(np.append(first, device.size)))
    return np.flatnonzero(within % pack == 0).astype(np.int64)


def _topics(recording: Recording, registry: Registry) -> tuple[str, ...]:
    """Return the topic of each device. Raises RecordingError naming the devices the city lacks or knows otherwise."""
    known: Mapping[str, devices.Device] = {d.code: d for d in registry.devices}
    model = recording.model.code
    missing = [code for code in recording.devices if code not in known]
    other = [f"{c} is a {known[c].model}" for c in recording.devices if c in known and known[c].model != model]
    faults = []
    if missing:
        more = f" and {len(missing) - UNREGISTERED_NAMED_MAX} more" if len(missing) > UNREGISTERED_NAMED_MAX else ""
        named = ", ".join(missing[:UNREGISTERED_NAMED_MAX]) + more
        faults.append(f"{recording.spec.path}: city {registry.city.code} has no device {named}; add to its devices.csv")
    if other:
        faults.append(f"{recording.spec.path}: sends as {model}, but in city {registry.city.code} {', '.join(other)}")
    if faults:
        raise RecordingError(faults)
    return tuple(known[code].topic for code in recording.devices)


def _shaken(
    sequence: NDArray[np.int64], due: NDArray[np.int64], choice: Choice
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the sequence with duplicates put in and shuffled, as asked; times of sending keep their order.

    Random numbers come from `random.Random`, whose `random()` gives the same numbers in every version of Python.
    """
    dice = random.Random(choice.seed)  # noqa: S311  repeatable, not secret
    if choice.duplicates > 0 and sequence.size:
        place = np.arange(sequence.size, dtype=np.float64)
        drawn = np.array([dice.random() for _ in range(sequence.size)])
        again = np.flatnonzero(drawn < choice.duplicates)
        delay = np.array([dice.random() for _ in range(again.size)]) * DUPLICATE_DELAY_MESSAGES_MAX
        mixed = np.argsort(np.concatenate([place, again + delay]), kind="stable")
        sequence = np.concatenate([sequence, sequence[again]])[mixed]
        held = np.minimum(again + np.ceil(delay).astype(np.int64), due.size - 1)
        due = np.sort(np.concatenate([due, due[held]]))
    if choice.shuffle and sequence.size:
        sequence = sequence[np.argsort(np.array([dice.random() for _ in range(sequence.size)]), kind="stable")]
    return sequence, due


def _encoded(part: _Part, item: int, moved_us: int) -> Message:
    recording = part.recording
    rows, names = recording.rows, recording.fields
    readings = []
    newest = -(2**62)
    shift = part.shift_us + moved_us
    picked = part.order[part.start[item] : part.end[item]]
    for row in picked.tolist():
        time_us = int(rows.time_us[row]) + shift
        newest = max(newest, time_us)
        present = rows.present[row].tolist()
        for name, ticks, there in zip(names, rows.ticks[row].tolist(), present, strict=True):
            if there:
                readings.append((name, time_us, ticks))
    device = int(rows.device[picked[0]])
    payload = devices.codec(recording.model.codec).encode(recording.model, readings)
    return Message(recording.devices[device], part.topics[device], payload, newest, len(readings))
