"""History from files into the store, by the road of the live gateway: admission, quarantine, ledger, commit, engine.

Owns the order of things. A piece of a file is one commit, whose key follows from what it says and from the city's
devices: one that the ledger has already is passed over, so a run that was killed is simply started again.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from devices import TIME_MIN_US, Registry
from engine import warm as warm_windows
from engine.inbox import Stored
from engine.indicators import INDICATORS
from engine.listening import Report
from engine.quality_book import QualityBook
from engine.settings import WorkerSettings
from engine.store import Duty, Store
from engine.worker import Worker
from ingest.admission import AdmissionLimits
from ingest.commits import CommitCounts, Commits, accepted
from ingest.history import PIECE_ROWS, Piece, Reader

CLIENT = "backfill"
"""Who stores, in the ledger."""
NAMESPACE = uuid.UUID("6f1d3c52-6f43-4c5e-9a2c-1f0a3a8f7d11")
"""Of the keys of pieces."""
HELD_OPEN_US = 2**61
"""Lateness while files are read: a file may be sorted by device, and no window closes before all of them are in."""


@dataclass(frozen=True, slots=True)
class BackfillSettings:
    """What a backfill is told; see the parts.

    Attributes:
        bytes_max: bytes of a refused row that are kept.
        piece_rows: rows of one commit.
        again: take pieces that the ledger has already; their readings are duplicates.
    """

    admission: AdmissionLimits
    worker: WorkerSettings
    bytes_max: int
    piece_rows: int = PIECE_ROWS
    again: bool = False


@dataclass(slots=True)
class Backfilled:
    """What a backfill did.

    Attributes:
        counts: as a gateway's; a row counts as a message.
        rows: rows read. known_rows: of these, rows of pieces that were taken before.
        seconds: until everything was computed.
        interrupted: it was told to stop before the end.
    """

    counts: CommitCounts
    rows: int = 0
    known_rows: int = 0
    seconds: float = 0.0
    interrupted: bool = False


Progress = Callable[[float, str], None]
"""Told how much is done, 0 to 1, and what it is at."""


def backfill(
    registry: Registry,
    database_url: str,
    files: Sequence[Path],
    settings: BackfillSettings,
    *,
    progress: Progress,
    stop: threading.Event,
    clock_us: Callable[[], int],
) -> Backfilled:
    """Take in files, one after the other, and return once windows and indicators stand.

    Args:
        registry: the city and its devices.
        database_url: PostgreSQL with TimescaleDB and our schema.
        files: CSV, gzipped CSV or Parquet; see `history`.
        settings: see `BackfillSettings`.
        progress: told what is going on.
        stop: ends it after a piece, cleanly.
        clock_us: present time, microseconds UTC.

    Raises:
        OwnedByAnother: a gateway runs.
        HistoryError: a file cannot be read; what came before it in this run is stored and computed.
        StoreError: the database is away, or outdated.
    """
    began_s = time.monotonic()
    partition = settings.worker.partition
    done = Backfilled(CommitCounts())
    with (
        Store.connect(database_url, application_name="cityvitals backfill") as store,
        Store.connect(database_url, application_name="cityvitals backfill engine") as engine_store,
    ):
        store.own(partition, Duty.APPEND)
        engine_store.own(partition, Duty.FLUSH)
        registered = store.register(registry, INDICATORS)
        engine_store.adopt(registry, registered)
        pace = replace(settings.worker, lateness_us=HELD_OPEN_US, cycle_s=max(settings.worker.cycle_s, 1.0))
        # Nobody is heard by a file: whoever is silent stays so.
        worker = Worker(
            engine_store, registry, registered, pace, clock_us=clock_us, ear=lambda: Report(TIME_MIN_US)
        )  # fmt: skip
        warm_windows()
        progress(0.0, "taking up what is stored")
        book = QualityBook(store, registry, partition)
        book.begin()
        worker.recover()
        engine = _Engine(worker)
        try:
            road = _Road(registry, store, worker, settings, clock_us, done)
            _take(road, files, progress, stop, engine)
        finally:
            progress(1.0, "computing")
            engine.finish()
        worker.conclude(settings.worker.lateness_us)
        progress(1.0, "looking at the quality of the readings")
        while book.look().hours:
            pass
        worker.reweigh.set()
        worker.conclude_flags()
    done.seconds = time.monotonic() - began_s
    return done


class _Engine:
    """The worker in a thread of its own."""

    def __init__(self, worker: Worker) -> None:
        self._worker, self._stop = worker, threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="engine")
        self._thread.start()

    def check(self) -> None:
        """Raise what ended the engine, if anything did."""
        if self._failure is not None:
            raise self._failure

    def finish(self) -> None:
        """Wait until everything is written."""
        self._stop.set()
        self._worker.inbox.close()
        self._thread.join()
        self.check()

    def _run(self) -> None:
        try:
            self._worker.run(self._stop)
        except BaseException as error:  # raised again by the main thread
            self._failure = error
            self._worker.inbox.close()


class _Road:
    """One piece after the other into the store."""

    def __init__(
        self, registry: Registry, store: Store, worker: Worker, settings: BackfillSettings,
        clock_us: Callable[[], int], done: Backfilled,
    ) -> None:  # fmt: skip
        self._store, self._worker, self._settings, self._done = store, worker, settings, done
        self._commits = Commits(registry, settings.admission, CLIENT, settings.worker.partition)
        self._commits.keep_from(store.kept_from_us())
        self._city = _signature(registry, settings.admission)
        self.reader = Reader(registry, settings.bytes_max, settings.piece_rows)
        self.clock_us = clock_us

    def interrupt(self) -> None:
        """Note that files were left."""
        self._done.interrupted = True

    def take(self, piece: Piece) -> None:
        """Store a piece, unless the ledger has it."""
        began_s = time.monotonic()
        self._done.rows += piece.message_count
        key = uuid.uuid5(NAMESPACE, (self._city + piece.digest).hex())
        if self._store.committed(key):
            if not self._settings.again:
                self._done.known_rows += piece.message_count
                return
            key = uuid.uuid4()
        wanted = self._commits.wanted(piece, piece.row, self._worker.mark_us, key)
        done = self._store.append(wanted)
        self._done.counts.add(wanted, done, time.monotonic() - began_s)
        self._worker.inbox.put(Stored(accepted(wanted, done), done.commit_id, wanted.mark_us, self.clock_us()))


def _take(road: _Road, files: Sequence[Path], progress: Progress, stop: threading.Event, engine: _Engine) -> None:
    for number, path in enumerate(files):
        progress(number / len(files), path.name)
        for piece in road.reader.pieces(path, road.clock_us):
            engine.check()
            road.take(piece)
            progress((number + piece.done) / len(files), path.name)
            if stop.is_set():
                road.interrupt()
                return


def _signature(registry: Registry, admission: AdmissionLimits) -> bytes:
    """Return a digest of all that decides what becomes of a row: with other devices, it is to be looked at again."""
    series = registry.series()
    facts = hashlib.sha256(repr((registry.city.code, admission)).encode())
    for device in registry.devices:
        names = [(one.name, one.measurand) for one in registry.model_of(device).fields]
        facts.update(repr((device.code, device.service_from_us, device.service_to_us, names)).encode())
    facts.update(series.low_ticks.tobytes() + series.high_ticks.tobytes())
    return facts.digest()
