"""What takes in readings while no gateway runs: the store's owner, and an engine that computes beside it.

Owns the order of start and end; knows neither files nor messages.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from devices import TIME_MIN_US, Registry
from engine import warm as warm_windows
from engine.inbox import Stored
from engine.indicators import INDICATORS
from engine.listening import Report
from engine.quality_book import QualityBook
from engine.settings import WorkerSettings
from engine.store import Append, Appended, Duty, Store
from engine.worker import Worker
from ingest.commits import accepted

HELD_OPEN_US = 2**61
"""Lateness meanwhile: what comes may be sorted by device, and no window closes before all of it is in."""

Progress = Callable[[float, str], None]
"""Told how much is done, 0 to 1, and what it is at."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where commits are handed in; see `at_desk`."""

    store: Store
    worker: Worker
    clock_us: Callable[[], int]
    check: Callable[[], None]
    """Raises what ended the engine, if anything did."""

    def take(self, wanted: Append) -> Appended:
        """Store a commit, and give what it brought to the engine."""
        self.check()
        done = self.store.append(wanted)
        self.worker.inbox.put(Stored(accepted(wanted, done), done.commit_id, wanted.mark_us, self.clock_us()))
        return done


@contextmanager
def at_desk(
    registry: Registry, database_url: str, settings: WorkerSettings, who: str, progress: Progress,
    clock_us: Callable[[], int],
) -> Iterator[Desk]:  # fmt: skip
    """Own the store, and return once windows and indicators of all that was handed in stand.

    Args:
        registry: the city and its devices.
        database_url: PostgreSQL with TimescaleDB and our schema.
        settings: of the engine.
        who: is told to others who want to own it meanwhile.
        progress: told what is going on.
        clock_us: present time, microseconds UTC.

    Raises:
        OwnedByAnother: a gateway runs.
        StoreError: the database is away, or outdated.
    """
    partition = settings.partition
    with (
        Store.connect(database_url, application_name=f"cityvitals {who}") as store,
        Store.connect(database_url, application_name=f"cityvitals {who} engine") as engine_store,
    ):
        store.own(partition, Duty.APPEND)
        engine_store.own(partition, Duty.FLUSH)
        registered = store.register(registry, INDICATORS)
        engine_store.adopt(registry, registered)
        pace = replace(settings, lateness_us=HELD_OPEN_US, cycle_s=max(settings.cycle_s, 1.0))
        # Nobody is heard by what is past: whoever is silent stays so.
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
            yield Desk(store, worker, clock_us, engine.check)
        finally:
            progress(1.0, "computing")
            engine.finish()
        worker.conclude(settings.lateness_us)
        progress(1.0, "looking at the quality of the readings")
        while book.look().hours:
            pass
        worker.reweigh.set()
        worker.conclude_flags()


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
