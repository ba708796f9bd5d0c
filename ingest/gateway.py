"""The gateway: takes intakes from the session, stores them in one transaction each, and only then acknowledges.

Owns the threads and their order of start and stop. Bytes belong to the session, SQL to the store, figures to the
worker.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial

import numpy as np

from devices import FLAG_TIME_FROM_ARRIVAL, TIME_MIN_US, Registry
from engine import warm as warm_windows
from engine.inbox import Stored
from engine.indicators import INDICATORS
from engine.keeper import Keeper
from engine.kpi import DeclaredValue, Pack
from engine.kpi_book import KpiBook
from engine.kpi_keeper import KpiKeeper
from engine.listening import DATABASE, Away, Heard, Report
from engine.quality_book import QualityBook
from engine.quality_keeper import QualityKeeper
from engine.settings import SilenceSettings, WorkerSettings
from engine.store import (
    Append,
    Appended,
    Duty,
    QuarantineRow,
    Registered,
    Store,
    StoreUnavailable,
)
from engine.worker import ResultSink, Worker
from ingest.admission import AdmissionLimits
from ingest.commits import CommitCounts, Commits, accepted
from ingest.framing import warm as warm_kernels
from ingest.intake import Intake, Relay
from ingest.routes import build_routing
from ingest.session import Session, wall_clock_us
from ingest.settings import BrokerSettings, IntakeLimits

log = logging.getLogger("ingest")

NEXT_S = 0.2
"""How late a stop request is noticed by a committer without work."""
RETRY_S_FIRST, RETRY_S_MAX = 0.1, 5.0
STALL_US_MIN = 5_000_000
"""A commit that took longer kept us from listening, also where the database did not say that it was away."""


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What one gateway is told; see the parts."""

    broker: BrokerSettings = field(default_factory=BrokerSettings)
    intake: IntakeLimits = field(default_factory=IntakeLimits)
    admission: AdmissionLimits = field(default_factory=AdmissionLimits)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    silence: SilenceSettings = field(default_factory=SilenceSettings)


class Gateway:
    """One gateway of one city.

    Args:
        registry: the city and its devices.
        database_url: PostgreSQL with TimescaleDB and our schema.
        settings: see `GatewaySettings`.
        sink: told of every written indicator value; must not block.
        on_owned: called once the partition is ours and the city is accepted, before the broker is spoken to.
        pack: catalogue of the KPIs whose figures are kept up to date; none are without one.
        declared: what the city declares, for the findings on these figures.
        clock_us: present time, microseconds UTC.

    Attributes:
        counts: what was committed.
        ready: set once the subscription stands and everything is warm.
    """

    def __init__(
        self,
        registry: Registry,
        database_url: str,
        settings: GatewaySettings | None = None,
        *,
        sink: ResultSink | None = None,
        on_owned: Callable[[], None] | None = None,
        pack: Pack | None = None,
        declared: Sequence[DeclaredValue] = (),
        clock_us: Callable[[], int] = wall_clock_us,
    ) -> None:
        self.settings = settings or GatewaySettings()
        self.counts = CommitCounts()
        self.ready = threading.Event()
        self._registry, self._url, self._sink, self._clock_us = registry, database_url, sink, clock_us
        self._on_owned, self._pack, self._declared = on_owned, pack, declared
        self._commits = Commits(
            registry, self.settings.admission, self.settings.broker.client_id, self.settings.worker.partition
        )  # fmt: skip
        self._routes = build_routing(registry, self.settings.broker.discovered)
        self._relay = Relay(self.settings.intake)
        self._session = Session(
            self.settings.broker, self.settings.intake, self._routes, self._relay, clock_us=clock_us
        )  # fmt: skip
        self._worker: Worker | None = None
        self._keeper: KpiKeeper | None = None
        self._flags: QualityKeeper | None = None
        self._failures: list[BaseException] = []
        self._stop = threading.Event()
        self._wish = threading.Event()
        self._away = False

    # ---- life ------------------------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set; everything taken is then stored, acknowledged and computed.

        Raises:
            StoreError: the database is away at the start, outdated, or owned by another gateway.
            SessionRefused, SessionTakenOver: the broker's word is final.
        """
        self._wish = stop
        partition = self.settings.worker.partition
        with (
            Store.connect(self._url, application_name="cityvitals gateway") as store,
            Store.connect(self._url, application_name="cityvitals engine") as engine_store,
            Store.connect(self._url, application_name="cityvitals kpis") as kpi_store,
            ExitStack() as closing,
        ):
            store.own(partition, Duty.APPEND)
            engine_store.own(partition, Duty.FLUSH)
            registered = store.register(self._registry, INDICATORS)
            self._commits.keep_from(store.kept_from_us())
            engine_store.adopt(self._registry, registered)
            kpi_store.adopt(self._registry, registered)
            keeper = self._keeper = self._keeping(kpi_store, registered)
            if self._on_owned is not None:
                self._on_owned()
            worker = Worker(
                engine_store, self._registry, registered, self.settings.worker, clock_us=self._clock_us,
                sink=self._sink, silence=self.settings.silence, ear=self._ear,
                written=None if keeper is None else keeper.changes.note,
            )  # fmt: skip
            # Compiled before the first message, not with it: the broker would see an absent reader for seconds.
            log.info("making the kernels ready: the first start of a checkout compiles them, which takes a while")
            warm_kernels()
            warm_windows()
            # Before the engine writes anything: it leaves out what the rules say now.
            self._flags = self._flagging(kpi_store, registered, worker, closing)
            worker.recover()
            self._worker = worker
            self._serve(store, worker, stop)

    def _keeping(self, store: Store, registered: Registered) -> KpiKeeper | None:
        """Return the keeper of the KPIs' figures; None without a catalogue."""
        if self._pack is None:
            return None
        lateness_us = self.settings.worker.lateness_us
        book = KpiBook(store, self._registry, registered, self._pack, lateness_us, self._declared)
        return KpiKeeper(
            store, book, clock_us=self._clock_us, until_us=self._watermark_us, every_s=self.settings.worker.kpi_s
        )  # fmt: skip

    def _flagging(
        self, store: Store, registered: Registered, worker: Worker, closing: ExitStack
    ) -> QualityKeeper | None:
        """Return the keeper of the observations' flags, with a connection of its own; None where there are no rules."""
        settings = self.settings.worker
        if QualityBook(store, self._registry, settings.partition).begin():
            log.info("the rules of quality have changed: everything is looked at again")
        if not self._registry.city.quality:
            return None
        own = closing.enter_context(Store.connect(self._url, application_name="cityvitals quality"))
        own.adopt(self._registry, registered)
        book = QualityBook(own, self._registry, settings.partition)
        return QualityKeeper(own, book, changed=worker.reweigh.set, every_s=settings.quality_s)

    def _watermark_us(self) -> int:
        return TIME_MIN_US if self._worker is None else self._worker.watermark_us

    def _serve(self, store: Store, worker: Worker, stop: threading.Event) -> None:
        """Run session, engine and the keepers in threads of their own, and the committer in this one."""
        engine_stop, flags_stop, keeper_stop = threading.Event(), threading.Event(), threading.Event()
        threads = [
            threading.Thread(target=self._guarded, args=(self._session.run, self._stop), name="session"),
            threading.Thread(target=self._guarded, args=(worker.run, engine_stop), name="engine"),
        ]
        flagging = self._thread(self._flags, flags_stop, "quality")
        keeping = self._thread(self._keeper, keeper_stop, "kpis")
        for thread in (*threads, *flagging, *keeping):
            thread.start()
        try:
            # The session closes the relay when it has ended and everything it took was handed over.
            while not self._relay.closed:
                if stop.is_set():
                    self._stop.set()
                    self._session.wake()
                if self._session.ready.is_set():
                    self.ready.set()
                intake = self._relay.next(NEXT_S)
                if intake is not None:
                    self._commit(store, worker, intake)
        except BaseException as error:
            self._failures.append(error)
            raise self._failures[0] from None
        finally:
            self._stop.set()
            self._session.wake()
            engine_stop.set()
            worker.inbox.close()
            for thread in threads:
                thread.join()
            # Each looks once more at what the one before it has written.
            flags_stop.set()
            for thread in flagging:
                thread.join()
            if flagging and not self._failures:
                self._guarded(lambda _stop: worker.conclude_flags(), flags_stop)
            keeper_stop.set()
            for thread in keeping:
                thread.join()
        if self._failures:
            raise self._failures[0]

    def _thread(self, keeper: Keeper | None, stop: threading.Event, name: str) -> list[threading.Thread]:
        """Return the thread of a keeper, none where there is no keeper."""
        return [threading.Thread(target=self._guarded, args=(keeper.run, stop), name=name)] if keeper else []

    def _guarded(self, work: Callable[[threading.Event], None], stop: threading.Event) -> None:
        """Run a thread's work; its failure ends the whole gateway, for half of one is worse than none."""
        try:
            work(stop)
        except BaseException as error:  # raised again by the main thread
            self._failures.append(error)
            self._stop.set()
            if self._worker is not None:
                self._worker.inbox.close()

    # ---- one commit ------------------------------------------------------------------------------------------

    def _commit(self, store: Store, worker: Worker, intake: Intake) -> None:
        began_s = time.monotonic()
        wanted = self._commits.wanted(intake, partial(self._row, intake), worker.mark_us)
        done = self._append(store, wanted)
        if done is None:
            self._relay.release(intake)
            return
        self._session.acknowledge(intake.epoch, intake.packet_ids())
        self.counts.add(wanted, done, time.monotonic() - began_s)
        stored = Stored(accepted(wanted, done), done.commit_id, wanted.mark_us, self._clock_us(), self._heard(intake))
        # In this order, so that at no moment a message is in neither: `_ear` says that all before it are known.
        worker.inbox.put(stored)
        self._relay.release(intake)

    def _append(self, store: Store, wanted: Append) -> Appended | None:
        """Store a commit, however long the database is away; None when told to stop meanwhile.

        What is not stored is not acknowledged, so the broker keeps it and sends it again.
        """
        wait_s, began_us, why = RETRY_S_FIRST, self._clock_us(), "was slow to take the readings"
        while True:
            try:
                if self._away:
                    store.reconnect()
                    store.own(wanted.partition, Duty.APPEND)
                    self._away = False
                    log.info("the database is back")
                done = store.append(wanted)
            except StoreUnavailable as error:
                self.counts.retries += 1
                why = "did not take the readings"
                if not self._away:
                    log.warning("the database is away, nothing is acknowledged until it is back: %s", error)
                self._away = True
                if self._told_to_stop(wait_s):
                    return None
                wait_s = min(2 * wait_s, RETRY_S_MAX)
            else:
                now_us = self._clock_us()
                if wait_s > RETRY_S_FIRST or now_us - began_us > STALL_US_MIN:
                    self._session.presence.away(Away(DATABASE, began_us, now_us, why))
                return done

    def _told_to_stop(self, wait_s: float) -> bool:
        """Wait so long, and say whether it was in vain: a stop is wished for, or another thread has failed."""
        until_s = time.monotonic() + wait_s
        while not self._stop.is_set() and not self._wish.is_set():
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return False
            self._stop.wait(min(left_s, NEXT_S))
        return True

    def _ear(self) -> Report:
        """Say until when everything that came is committed, and when we could not hear."""
        return self._session.presence.report(self._relay.first_us())

    def _heard(self, intake: Intake) -> Heard:
        return heard_in(intake, len(self._routes.devices))

    def _row(self, intake: Intake, message: int, device: int, reason: str, detail: str, readings: int) -> QuarantineRow:
        return QuarantineRow(
            received_us=int(intake.received_us[message]),
            reason=reason,
            topic=intake.topic(message),
            device=self._routes.devices[device] if device >= 0 else "",
            detail=detail,
            readings=readings,
            payload=intake.payload(message)[: self.settings.intake.quarantine_bytes_max],
            payload_bytes=int(intake.payload_size[message]),
        )

    # ---- for others ------------------------------------------------------------------------------------------

    def status(self) -> dict[str, object]:
        """Return what is known of this gateway: parts `commit`, `session`, `engine`, `kpis` and `quality`."""
        return {
            # asdict would take the Counter's items for things to count.
            "commit": {**asdict(self.counts), "quarantined_by_reason": dict(self.counts.quarantined_by_reason)},
            "session": {
                **asdict(self._session.counters),
                "connected": self._session.ready.is_set(),
                "under_way": self._session.under_way,
                "last_error": self._session.last_error,
            },
            "engine": self._worker.status() if self._worker is not None else {},
            "kpis": self._keeper.status() if self._keeper is not None else {},
            "quality": self._flags.status() if self._flags is not None else {},
        }


def heard_in(intake: Intake, device_count: int) -> Heard:
    """Return whose messages an intake holds, when each arrived, and the newest time in each by the device's clock.

    A message counts whatever becomes of its readings. Not one that the broker had retained: it may be from last year.
    A carrier's message counts for every device that it speaks of.
    """
    count, readings = intake.message_count, intake.reading_count
    newest_us = np.full(count, TIME_MIN_US, np.int64)
    own = (intake.flags[:readings] & FLAG_TIME_FROM_ARRIVAL) == 0
    np.maximum.at(newest_us, intake.reading_message[:readings][own], intake.time_us[:readings][own])
    device = intake.device[:count]
    known = np.flatnonzero((device >= 0) & (device < device_count) & ~intake.retained[:count])
    if not intake.carried:
        return Heard(device[known], intake.received_us[:count][known], newest_us[known])
    carried = np.array(intake.carried, np.int64)
    message = np.concatenate([known, carried[:, 0]])
    order = np.argsort(message, kind="stable")
    return Heard(
        np.concatenate([device[known], carried[:, 1]]).astype(np.int32)[order],
        intake.received_us[message][order],
        np.concatenate([newest_us[known], carried[:, 2]])[order],
    )
