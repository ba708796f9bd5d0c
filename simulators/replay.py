"""Replay: a schedule sent over MQTT at its pace, and what came of it.

Knows pacing, progress and the summary; knows no CSV and no MQTT packet.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import NamedTuple

import devices
from simulators.cities import resolve
from simulators.errors import RecordingError
from simulators.publisher import AWAY_S_MAX, WINDOW_MESSAGES_MAX, BrokerAddress, Publisher
from simulators.recording import Recording, load_recording
from simulators.schedule import Choice, Message, Schedule

PROGRESS_S = 0.1
"""Progress is told at most so often."""
SERVE_MESSAGES = 50
"""Acknowledgements are read after so many messages at full speed."""
FAREWELL_S_MAX = 5.0
"""After a wish to stop, acknowledgements are awaited for so long."""


class ReplayProgress(NamedTuple):
    """Where a replay is."""

    published: int
    acknowledged: int
    total: int | None
    """Messages in all; None for an endless replay."""
    readings: int
    payload_bytes: int
    time_us: int
    """Time of the reading last published, µs UTC as sent."""
    elapsed_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class ReplaySummary:
    """What a replay did.

    Attributes:
        messages: published; acknowledged: of these, taken over by the broker.
        readings: in the messages. bytes: of payload.
        rows: readable rows of the recordings, whether chosen or not; empty_rows: rows without any value.
        refused_rows, refused_values: could not be read; `problems` tells the first of them with file, line and column.
        reconnects: connections opened after the first.
        seconds: from the first message to the last acknowledgement.
        interrupted: stopped before the end.
        shifts_us: by how much each recording was moved, by its name.
    """

    messages: int
    acknowledged: int
    readings: int
    bytes: int
    rows: int
    empty_rows: int
    refused_rows: int
    refused_values: int
    reconnects: int
    seconds: float
    interrupted: bool
    shifts_us: dict[str, int]
    problems: tuple[str, ...]


def prepare(
    sources: Sequence[str | Path],
    *,
    city: str | Path | None = None,
    choice: Choice | None = None,
    strict: bool = False,
) -> Schedule:
    """Load recordings and their city, and return what would be sent.

    Args:
        sources: cities, recordings, or names of bundled ones; see `simulators.cities.resolve`.
        city: folder of the city whose devices send.
        choice: which readings, in which order.
        strict: a row or value that cannot be read is an error.

    Raises:
        RecordingError: a recording cannot be used, or with `strict` has any problem.
        devices.ConfigError: the city cannot be used.
    """
    found = resolve(sources, city)
    registry = devices.load_registry(found.city)
    recordings: list[Recording] = []
    faults: list[str] = []
    for path in found.descriptions:
        try:
            recordings.append(load_recording(path, registry.models))
        except RecordingError as error:
            faults += error.faults
    if strict:
        faults += [str(p) for r in recordings for p in r.problems]
    if faults:
        raise RecordingError(faults)
    picked = choice or Choice()
    if found.side_by_side:
        picked = dataclasses.replace(picked, side_by_side=True)
    return Schedule(recordings, registry, picked)


def replay(
    sources: Sequence[str | Path],
    broker_url: str,
    *,
    city: str | Path | None = None,
    choice: Choice | None = None,
    speed: float | None = None,
    qos: int = 1,
    strict: bool = False,
    ca_file: Path | None = None,
    window: int = WINDOW_MESSAGES_MAX,
    away_s_max: float = AWAY_S_MAX,
    progress: Callable[[ReplayProgress], None] | None = None,
    stop: Event | None = None,
) -> ReplaySummary:
    """Publish recordings as their devices would, and return when every message is acknowledged.

    Args:
        sources, city, choice, strict: as in `prepare`.
        broker_url: `mqtt://user:password@host:port` or `mqtts://…`.
        speed: seconds of the recording per second of ours; None is as fast as the broker takes it.
        qos: 0, 1 or 2.
        ca_file: certificate authorities for `mqtts`, instead of the system's.
        window: messages without acknowledgement at any time.
        away_s_max: a broker lost on the way is waited for so long.
        progress: called now and then, and at the end.
        stop: when set, publishing ends soon and the summary says `interrupted`.

    Raises:
        RecordingError, devices.ConfigError: as in `prepare`, before anything is sent.
        BrokerError: nobody at the address, refused, or lost for too long.
        ValueError: no broker address, or a speed that is not above 0.
    """
    _settled(broker_url, ca_file, speed)
    return send(
        prepare(sources, city=city, choice=choice, strict=strict), broker_url,
        speed=speed, qos=qos, ca_file=ca_file, window=window, away_s_max=away_s_max, progress=progress, stop=stop,
    )  # fmt: skip


def send(
    schedule: Schedule,
    broker_url: str,
    *,
    speed: float | None = None,
    qos: int = 1,
    ca_file: Path | None = None,
    window: int = WINDOW_MESSAGES_MAX,
    away_s_max: float = AWAY_S_MAX,
    progress: Callable[[ReplayProgress], None] | None = None,
    stop: Event | None = None,
) -> ReplaySummary:
    """Publish what was prepared, as `replay` does; the same may be sent any number of times.

    Args:
        schedule: from `prepare`.
        broker_url, speed, qos, ca_file, window, away_s_max, progress, stop: as in `replay`.

    Raises:
        BrokerError, ValueError: as in `replay`.
    """
    address = _settled(broker_url, ca_file, speed)
    stopping = stop.is_set if stop else lambda: False
    with Publisher(address, qos=qos, window=window, away_s_max=away_s_max, stopping=stopping) as publisher:
        return Replay(schedule, publisher, speed, progress, stopping).run()


def _settled(broker_url: str, ca_file: Path | None, speed: float | None) -> BrokerAddress:
    address = BrokerAddress.parse(broker_url, ca_file)
    if speed is not None and not speed > 0:
        raise ValueError(f"speed is {speed}; expected a number above 0, or none for full speed")
    return address


class Replay:
    """One replay under way: a schedule, a connection and a pace."""

    def __init__(
        self,
        schedule: Schedule,
        publisher: Publisher,
        speed: float | None,
        progress: Callable[[ReplayProgress], None] | None,
        stopping: Callable[[], bool],
    ) -> None:
        self.schedule, self.publisher, self.speed = schedule, publisher, speed
        self._progress, self._stopping = progress, stopping
        self._readings = self._bytes = 0
        self._begun = self._told = time.monotonic()
        self._last_us = 0

    def run(self) -> ReplaySummary:
        """Send everything; return the summary. Raises BrokerError."""
        complete, lap = True, 0
        endless = self.schedule.choice.loop and self.schedule.message_count
        while complete and (lap == 0 or endless):
            complete = self._lap(lap)
            lap += 1
        complete = self._drained(complete) and complete
        self._tell()
        return self._summary(interrupted=not complete)

    def _lap(self, lap: int) -> bool:
        due_us = self.schedule.due_us.tolist() if self.speed or self._holds() else None
        for number, message in enumerate(self.schedule.messages(lap)):
            if due_us is not None and not self._wait(lap * self.schedule.lap_us + due_us[number]):
                return False
            if self._stopping() or not self.publisher.publish(message.topic, message.payload):
                return False
            self._count(message)
            if self.publisher.published % SERVE_MESSAGES == 0:
                self.publisher.serve()
        return True

    def _holds(self) -> bool:
        """Whether readings of the future are held until they are due: an endless replay shifted to now."""
        return self.schedule.choice.loop and self.schedule.choice.shift_to_us is not None

    def _wait(self, due_us: int) -> bool:
        """Serve the connection until a message is due; return False when told to stop."""
        while True:
            left_s = 0.0
            if self.speed:
                left_s = self._begun + due_us / 1e6 / self.speed - time.monotonic()
            if self._holds():
                left_s = max(left_s, (self.schedule.start_us + due_us) / 1e6 - time.time())
            if left_s <= 0:
                return True
            if self._stopping():
                return False
            self.publisher.serve(left_s)
            self._tell_sometimes()

    def _drained(self, complete: bool) -> bool:
        """Wait for the acknowledgements that are still out; a wish to stop shortens it."""
        while complete and not self._stopping():
            if self.publisher.drain(PROGRESS_S):
                return True
            self._tell_sometimes()
        return self.publisher.drain(FAREWELL_S_MAX)

    def _count(self, message: Message) -> None:
        self._readings += message.readings
        self._bytes += len(message.payload)
        self._last_us = message.time_us
        self._tell_sometimes()

    def _tell_sometimes(self) -> None:
        now = time.monotonic()
        if self._progress and now - self._told >= PROGRESS_S:
            self._told = now
            self._tell()

    def _tell(self) -> None:
        if self._progress:
            published, acknowledged = self.publisher.published, self.publisher.acknowledged
            total = None if self.schedule.choice.loop else self.schedule.message_count
            elapsed = time.monotonic() - self._begun
            self._progress(
                ReplayProgress(published, acknowledged, total, self._readings, self._bytes, self._last_us, elapsed)
            )

    def _summary(self, *, interrupted: bool) -> ReplaySummary:
        recordings = self.schedule.recordings
        return ReplaySummary(
            messages=self.publisher.published,
            acknowledged=self.publisher.acknowledged,
            readings=self._readings,
            bytes=self._bytes,
            rows=sum(len(r.rows) for r in recordings),
            empty_rows=sum(r.empty_rows for r in recordings),
            refused_rows=sum(r.refused_rows for r in recordings),
            refused_values=sum(r.refused_values for r in recordings),
            reconnects=self.publisher.reconnects,
            seconds=round(time.monotonic() - self._begun, 3),
            interrupted=interrupted,
            shifts_us=dict(zip((r.spec.name for r in recordings), self.schedule.shifts_us, strict=True)),
            problems=tuple(str(p) for r in recordings for p in r.problems),
        )
