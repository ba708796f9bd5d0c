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
from dataclasses import dataclass
from pathlib import Path

from devices import Registry
from engine.settings import WorkerSettings
from ingest.admission import AdmissionLimits
from ingest.commits import CommitCounts, Commits
from ingest.history import PIECE_ROWS, Piece, Reader
from ingest.offline import Desk, Progress, at_desk

CLIENT = "backfill"
"""Who stores, in the ledger."""
NAMESPACE = uuid.UUID("6f1d3c52-6f43-4c5e-9a2c-1f0a3a8f7d11")
"""Of the keys of pieces."""


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
    done = Backfilled(CommitCounts())
    with at_desk(registry, database_url, settings.worker, CLIENT, progress, clock_us) as desk:
        _take(_Road(registry, desk, settings, done), files, progress, stop)
    done.seconds = time.monotonic() - began_s
    return done


class _Road:
    """One piece after the other into the store."""

    def __init__(self, registry: Registry, desk: Desk, settings: BackfillSettings, done: Backfilled) -> None:
        self.desk, self._settings, self._done = desk, settings, done
        self._commits = Commits(registry, settings.admission, CLIENT, settings.worker.partition)
        self._commits.keep_from(desk.store.kept_from_us())
        self._city = _signature(registry, settings.admission)
        self.reader = Reader(registry, settings.bytes_max, settings.piece_rows)

    def interrupt(self) -> None:
        """Note that files were left."""
        self._done.interrupted = True

    def take(self, piece: Piece) -> None:
        """Store a piece, unless the ledger has it."""
        began_s = time.monotonic()
        self._done.rows += piece.message_count
        key = uuid.uuid5(NAMESPACE, (self._city + piece.digest).hex())
        if self.desk.store.committed(key):
            if not self._settings.again:
                self._done.known_rows += piece.message_count
                return
            key = uuid.uuid4()
        wanted = self._commits.wanted(piece, piece.row, self.desk.worker.mark_us, key)
        done = self.desk.take(wanted)
        self._done.counts.add(wanted, done, time.monotonic() - began_s)


def _take(road: _Road, files: Sequence[Path], progress: Progress, stop: threading.Event) -> None:
    for number, path in enumerate(files):
        progress(number / len(files), path.name)
        for piece in road.reader.pieces(path, road.desk.clock_us):
            road.desk.check()
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
