"""Messages of the quarantine once more, by the road of live ones: decoding, admission, ledger, commit, engine.

Owns the order of things. A message that is taken up again leaves the quarantine in the very commit that stores what it
says, and what is still refused comes back there with its present reason; so nothing counts twice, wherever this is
killed. A message about which there is nothing new stays as it is.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from devices import ObservationBatch, Registry
from engine.indicators import INDICATORS
from engine.settings import WorkerSettings
from engine.store import Append, QuarantineRow, Store
from ingest.admission import AdmissionLimits
from ingest.commits import CommitCounts, Commits
from ingest.counters import Counters
from ingest.decode import Decoder
from ingest.framing import warm as warm_kernels
from ingest.intake import Intake, IntakeFault
from ingest.kept import Choice, KeptMessage, kept_messages
from ingest.kernels import frames
from ingest.offline import Desk, Progress, at_desk
from ingest.routes import build_routing
from ingest.settings import IntakeLimits

CLIENT = "replay"
"""Who stores, in the ledger."""

Told = tuple[str, str, str, int]
"""Of a refused part: reason, device, detail, readings."""


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """What a replay is told; see the parts."""

    admission: AdmissionLimits
    intake: IntakeLimits
    worker: WorkerSettings


@dataclass(slots=True)
class Replayed:
    """What a replay did.

    Attributes:
        counts: as a gateway's; of a dry run `accepted` is what would be admitted, duplicates among it.
        looked_at: messages that were meant.
        nobody: of these, whose topic is still no registered device's.
        same: about which the same stands as before.
        cut: that were not kept whole, so they cannot be decoded.
        retained: that the broker had kept from earlier, so they are no news.
        left: readings of rows that left the quarantine.
        interrupted: it was told to stop before the end.
    """

    counts: CommitCounts = field(default_factory=CommitCounts)
    looked_at: int = 0
    nobody: int = 0
    same: int = 0
    cut: int = 0
    retained: int = 0
    left: int = 0
    interrupted: bool = False


def replay(
    registry: Registry, database_url: str, choice: Choice, settings: ReplaySettings, *,
    progress: Progress, stop: threading.Event, clock_us: Callable[[], int],
) -> Replayed:  # fmt: skip
    """Take messages up again, and return once windows and indicators stand.

    Args:
        registry: the city and its devices, as they are now.
        database_url: PostgreSQL with TimescaleDB and our schema.
        choice: which messages.
        settings: see `ReplaySettings`.
        progress: told what is going on.
        stop: ends it after a group of messages, cleanly.
        clock_us: present time, microseconds UTC.

    Raises:
        OwnedByAnother: a gateway runs.
        StoreError: the database is away, or outdated.
    """
    done = Replayed()
    with at_desk(registry, database_url, settings.worker, CLIENT, progress, clock_us) as desk:
        again = _Again(registry, settings, choice, done, desk.store.kept_from_us())
        for wanted in again.commits(desk.store, lambda: desk.worker.mark_us):
            began_s = time.monotonic()
            _take(desk, wanted, done, began_s)
            progress(0.5, f"{done.counts.messages:,} messages taken up")
            if stop.is_set():
                done.interrupted = True
                break
    return done


def rehearse(registry: Registry, store: Store, choice: Choice, settings: ReplaySettings) -> Replayed:
    """Return what a replay would do, as far as that can be told without storing anything.

    Raises:
        StoreError: the database is away, or holds another city.
    """
    done = Replayed()
    store.register(registry, INDICATORS, keep=False)
    again = _Again(registry, settings, choice, done, store.kept_from_us())
    for wanted in again.commits(store, lambda: 0):
        refused = sum(row.readings for row in wanted.refused)
        done.counts.messages += wanted.messages
        done.counts.accepted += len(wanted.batch)
        done.counts.quarantined += refused
        done.counts.received += len(wanted.batch) + refused
        done.counts.quarantined_by_reason.update(_by_reason(wanted.refused))
    return done


def _take(desk: Desk, wanted: Append, done: Replayed, began_s: float) -> None:
    stored = desk.take(wanted)
    done.counts.add(wanted, stored, time.monotonic() - began_s)
    done.left += stored.replayed


def _by_reason(rows: Sequence[QuarantineRow]) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in rows:
        found[row.reason] += row.readings
    return found


@dataclass(slots=True)
class _Part:
    """Arrivals of some messages of an intake; see `ingest.commits.Arrivals`."""

    message_count: int
    faults: list[IntakeFault]
    reading_message: NDArray[np.int32]
    readings: ObservationBatch
    received_us: NDArray[np.int64]

    @classmethod
    def of(cls, intake: Intake, chosen: NDArray[np.bool_]) -> _Part:
        """Return the part of the messages that are chosen."""
        message = intake.reading_message[: intake.reading_count]
        kept = chosen[message]
        return cls(
            int(chosen.sum()),
            [fault for fault in intake.faults if chosen[fault.message]],
            message[kept],
            intake.batch().take(kept),
            intake.received_us[message[kept]],
        )

    def batch(self) -> ObservationBatch:
        """Return the readings, in order of arrival."""
        return self.readings

    def reading_received_us(self) -> NDArray[np.int64]:
        """Return, per reading, when its message was received first."""
        return self.received_us


class _Again:
    """Messages of the quarantine as commits. Decoders that remember hear them in order of arrival."""

    def __init__(
        self, registry: Registry, settings: ReplaySettings, choice: Choice, done: Replayed,
        kept_from_us: NDArray[np.int64] | None,
    ) -> None:  # fmt: skip
        warm_kernels()
        self._registry, self._choice, self._done = registry, choice, done
        self._routing = build_routing(registry)
        self._codes = frozenset(self._routing.devices)
        # What is kept is small; a setting that shrank since then must not stand in the way.
        limits = replace(settings.intake, bytes_max=max(settings.intake.bytes_max, IntakeLimits().bytes_max))
        self._decoder = Decoder(self._routing, limits, Counters(), every=True)
        self._intake = Intake(limits)
        self._commits = Commits(registry, settings.admission, CLIENT, settings.worker.partition)
        self._commits.keep_from(kept_from_us)

    def commits(self, store: Store, mark_us: Callable[[], int]) -> Iterator[Append]:
        """Give a commit for each group of messages of which something is to be taken up."""
        for page in kept_messages(store):
            messages = [message for message in page if self._choice.takes(message) and self._readable(message)]
            at = 0
            while at < len(messages):
                self._fill(messages[at:])
                self._intake.message_count = self._decoder.decode(self._intake, 0)
                some = messages[at : at + self._intake.message_count]
                at += len(some)
                wanted = self._wanted(some, mark_us())
                if wanted is not None:
                    yield wanted

    def _readable(self, message: KeptMessage) -> bool:
        # What is not decoded is whose its rows say.
        undecoded = not message.whole or message.of_reason("retained", "no_birth")
        if undecoded and not self._meant(row.device for row in message.rows):
            return False
        self._done.looked_at += 1
        if not message.whole:
            self._done.cut += 1
        elif message.of_reason("retained"):
            self._done.retained += 1
        elif message.of_reason("no_birth"):
            # Of births only those are here that something stands against. The one that such data belong to was none of
            # them, or it would have been known when they came: by another one the same alias may be another metric.
            self._done.same += 1
        else:
            return True
        return False

    def _fill(self, messages: Sequence[KeptMessage]) -> None:
        """Put as many messages into the intake as it takes, as the session would have."""
        intake = self._intake
        intake.reset()
        for row, message in enumerate(messages[: intake.limits.messages_max]):
            topic, at = message.topic.encode("utf-8", "replace"), intake.filled
            end = at + len(topic) + len(message.payload)
            if end > intake.arena.size:
                return
            intake.arena[at:end] = np.frombuffer(topic + message.payload, np.uint8)
            intake.topic_at[row], intake.topic_size[row] = at, len(topic)
            intake.payload_at[row], intake.payload_size[row] = at + len(topic), len(message.payload)
            intake.received_us[row], intake.retained[row] = message.received_us, False
            intake.packet_id[row] = intake.qos[row] = 0
            intake.message_count, intake.filled = row + 1, end

    def _wanted(self, messages: Sequence[KeptMessage], mark_us: int) -> Append | None:
        """Return the commit of those messages of the intake of which something else is to be said than before."""
        everything = np.ones(len(messages), np.bool_)
        told: dict[int, list[Told]] = defaultdict(list)

        def note(message: int, device: int, reason: str, detail: str, readings: int) -> QuarantineRow:
            told[message].append((reason, self._code(device), detail, readings))
            return self._row(messages[message], device, reason, detail, readings)

        self._commits.wanted(_Part.of(self._intake, everything), note, mark_us)
        chosen = np.array([self._is_news(row, one, told[row]) for row, one in enumerate(messages)], np.bool_)
        if not chosen.any():
            return None
        wanted = self._commits.wanted(
            _Part.of(self._intake, chosen),
            lambda message, *what: self._row(messages[message], *what),
            mark_us,
            uuid.uuid4(),
        )
        ids = [row.quarantine_id for at in np.flatnonzero(chosen).tolist() for row in messages[at].rows]
        return replace(wanted, replayed=ids)

    def _is_news(self, row: int, message: KeptMessage, told: Sequence[Told]) -> bool:
        """Say whether a message is to be taken up, and count why it is not."""
        if int(self._intake.device[row]) < 0 or self._intake.status[row] == frames.RETAINED:
            if self._meant(()):
                self._done.nobody += 1
            else:
                self._done.looked_at -= 1
            return False
        if not self._is_meant(row, message):
            self._done.looked_at -= 1
            return False
        # A conflict is found by the store alone, and would be found there again.
        stands = Counter((r.reason, r.device, r.detail, r.readings) for r in message.rows if r.reason != "conflict")
        if Counter(told) == stands:
            self._done.same += 1
            return False
        return True

    def _is_meant(self, row: int, message: KeptMessage) -> bool:
        """Say whether a message is of the chosen device or model, now or by what stands against it."""
        if not self._choice.device and not self._choice.model:
            return True
        number = int(self._intake.device[row])
        if number < len(self._routing.devices):
            of = {number}
        else:
            of = {one.device for one in self._intake.carried if one.message == row}
        of |= {fault.device for fault in self._intake.faults if fault.message == row and fault.device >= 0}
        codes = {self._registry.devices[at].code for at in of}
        return self._meant(codes.union(one.device for one in message.rows))

    def _meant(self, codes: Iterable[str]) -> bool:
        """Say whether one of these devices is the chosen one, or of the chosen model; with no choice all are."""
        device, model = self._choice.device, self._choice.model
        if not device and not model:
            return True
        known = (self._registry.devices[self._registry.device_index(code)] for code in codes if code in self._codes)
        return any(device in ("", one.code) and model in ("", one.model) for one in known)

    def _code(self, device: int) -> str:
        return self._routing.devices[device] if device >= 0 else ""

    def _row(self, message: KeptMessage, device: int, reason: str, detail: str, readings: int) -> QuarantineRow:
        return QuarantineRow(
            message.received_us, reason, message.topic, self._code(device), detail, readings, message.payload
        )
