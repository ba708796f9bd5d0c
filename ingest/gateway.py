"""The gateway: takes intakes from the session, stores them in one transaction each, and only then acknowledges.

Owns the threads and their order of start and stop. Bytes belong to the session, SQL to the store, figures to the
worker.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from devices import FLAG_TIME_FROM_ARRIVAL, REASONS, TIME_MIN_US, ObservationBatch, Registry, rfc3339, text_from_ticks
from engine import warm as warm_windows
from engine.inbox import Stored
from engine.indicators import INDICATORS
from engine.listening import DATABASE, Away, Heard, Report
from engine.settings import SilenceSettings, WorkerSettings
from engine.store import (
    Append,
    Appended,
    Duty,
    Outcome,
    QuarantineRow,
    Store,
    StoreUnavailable,
)
from engine.worker import ResultSink, Worker
from ingest.admission import ADMITTED, AdmissionLimits, admit
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
COMMIT_SECONDS_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What one gateway is told; see the parts."""

    broker: BrokerSettings = field(default_factory=BrokerSettings)
    intake: IntakeLimits = field(default_factory=IntakeLimits)
    admission: AdmissionLimits = field(default_factory=AdmissionLimits)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    silence: SilenceSettings = field(default_factory=SilenceSettings)


@dataclass(slots=True)
class CommitCounts:
    """Totals of this process; they only rise. The store's ledger holds those of all time.

    Attributes:
        commits: transactions that stored something.
        messages, received, accepted, duplicate, quarantined: as in the ledger.
        quarantined_by_reason: readings by reason.
        retries: attempts that the database's absence made necessary.
        looked_up: readings at or before their series' newest, which had to be looked up.
        commit_seconds: sum of the time from taking an intake to its commit.
        commit_seconds_bucket: commits by upper bound, as `COMMIT_SECONDS_BOUNDS` and above.
    """

    commits: int = 0
    messages: int = 0
    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    quarantined_by_reason: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    looked_up: int = 0
    commit_seconds: float = 0.0
    commit_seconds_bucket: list[int] = field(default_factory=lambda: [0] * (len(COMMIT_SECONDS_BOUNDS) + 1))


@dataclass(frozen=True, slots=True)
class Prepared:
    """An intake sorted into what may be stored and what may not.

    Attributes:
        batch: admitted readings, in order of arrival.
        message: int32, the message of each.
        refused: rows for quarantine.
    """

    batch: ObservationBatch
    message: NDArray[np.int32]
    refused: list[QuarantineRow]


class Gateway:
    """One gateway of one city.

    Args:
        registry: the city and its devices.
        database_url: PostgreSQL with TimescaleDB and our schema.
        settings: see `GatewaySettings`.
        sink: told of every written indicator value; must not block.
        on_owned: called once the partition is ours and the city is accepted, before the broker is spoken to.
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
        clock_us: Callable[[], int] = wall_clock_us,
    ) -> None:
        self.settings = settings or GatewaySettings()
        self.counts = CommitCounts()
        self.ready = threading.Event()
        self._registry, self._url, self._sink, self._clock_us = registry, database_url, sink, clock_us
        self._on_owned = on_owned
        self._series = registry.series()
        self._routes = build_routing(registry)
        self._relay = Relay(self.settings.intake)
        self._session = Session(
            self.settings.broker, self.settings.intake, self._routes, self._relay, clock_us=clock_us
        )  # fmt: skip
        self._worker: Worker | None = None
        self._failures: list[BaseException] = []
        self._stop = threading.Event()
        self._away = False

    # ---- life ------------------------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set; everything taken is then stored, acknowledged and computed.

        Raises:
            StoreError: the database is away at the start, outdated, or owned by another gateway.
            SessionRefused, SessionTakenOver: the broker's word is final.
        """
        partition = self.settings.worker.partition
        with (
            Store.connect(self._url, application_name="cityvitals gateway") as store,
            Store.connect(self._url, application_name="cityvitals engine") as engine_store,
        ):
            store.own(partition, Duty.APPEND)
            engine_store.own(partition, Duty.FLUSH)
            registered = store.register(self._registry, INDICATORS)
            engine_store.adopt(self._registry, registered)
            if self._on_owned is not None:
                self._on_owned()
            worker = Worker(
                engine_store, self._registry, registered, self.settings.worker, clock_us=self._clock_us,
                sink=self._sink, silence=self.settings.silence, ear=self._ear,
            )  # fmt: skip
            # Compiled before the first message, not with it: the broker would see an absent reader for seconds.
            warm_kernels()
            warm_windows()
            worker.recover()
            self._worker = worker
            self._serve(store, worker, stop)

    def _serve(self, store: Store, worker: Worker, stop: threading.Event) -> None:
        """Run session and engine in threads of their own, and the committer in this one."""
        engine_stop = threading.Event()
        threads = [
            threading.Thread(target=self._guarded, args=(self._session.run, self._stop), name="session"),
            threading.Thread(target=self._guarded, args=(worker.run, engine_stop), name="engine"),
        ]
        for thread in threads:
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
        if self._failures:
            raise self._failures[0]

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
        prepared = self._prepare(intake)
        wanted = Append(
            key=uuid.uuid4(),
            batch=prepared.batch,
            messages=intake.message_count,
            refused=prepared.refused,
            conflict_row=lambda at, stands: self._conflict(intake, prepared, at, stands),
            mark_us=worker.mark_us,
            client=self.settings.broker.client_id,
            partition=self.settings.worker.partition,
        )
        done = self._append(store, wanted)
        if done is None:
            self._relay.release(intake)
            return
        self._session.acknowledge(intake.epoch, intake.packet_ids())
        accepted = prepared.batch.take(done.outcome == Outcome.ACCEPTED)
        self._count(intake, prepared, done, time.monotonic() - began_s)
        stored = Stored(accepted, done.commit_id, wanted.mark_us, self._clock_us(), heard_in(intake))
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
                if self._stop.wait(wait_s):
                    return None
                wait_s = min(2 * wait_s, RETRY_S_MAX)
            else:
                now_us = self._clock_us()
                if wait_s > RETRY_S_FIRST or now_us - began_us > STALL_US_MIN:
                    self._session.presence.away(Away(DATABASE, began_us, now_us, why))
                return done

    def _ear(self) -> Report:
        """Say until when everything that came is committed, and when we could not hear."""
        return self._session.presence.report(self._relay.first_us())

    def _prepare(self, intake: Intake) -> Prepared:
        batch, received_us = intake.batch(), intake.reading_received_us()
        verdict = admit(batch.slot, batch.time_us, batch.ticks, received_us, self._series, self.settings.admission)
        kept = verdict == ADMITTED
        message = intake.reading_message[: len(batch)]
        refused = [
            self._row(intake, fault.message, REASONS[fault.reason], fault.detail, fault.readings)
            for fault in intake.faults
        ]
        for at in np.flatnonzero(~kept).tolist():
            reason = REASONS[verdict[at]]
            refused.append(self._row(intake, int(message[at]), reason, self._explained(batch, at, reason), 1))
        return Prepared(batch.take(kept), message[kept].copy(), refused)

    def _row(self, intake: Intake, message: int, reason: str, detail: str, readings: int) -> QuarantineRow:
        device = int(intake.device[message])
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

    def _explained(self, batch: ObservationBatch, at: int, reason: str) -> str:
        """Say of one refused reading what was expected and what came."""
        slot = int(batch.slot[at])
        measurand = self._registry.catalogue.measurands[self._series.measurand[slot]]
        value = f"{measurand.code} {text_from_ticks(int(batch.ticks[at]), measurand.decimals)} {measurand.unit}"
        when = rfc3339(int(batch.time_us[at]))
        if reason != "out_of_range":
            return f"{value} at {when}"
        low, high = (text_from_ticks(t, measurand.decimals) for t in (measurand.low_ticks, measurand.high_ticks))
        return f"{value} at {when}; expected {low} to {high}"

    def _conflict(self, intake: Intake, prepared: Prepared, at: int, stands: int) -> QuarantineRow:
        batch = prepared.batch
        measurand = self._registry.catalogue.measurands[self._series.measurand[batch.slot[at]]]
        detail = (
            f"{self._explained(batch, at, 'conflict')}; stored before: {text_from_ticks(stands, measurand.decimals)}"
        )
        return self._row(intake, int(prepared.message[at]), "conflict", detail, 1)

    def _count(self, intake: Intake, prepared: Prepared, done: Appended, seconds: float) -> None:
        counts = self.counts
        counts.commits += 1
        counts.messages += intake.message_count
        counts.accepted += done.accepted
        counts.duplicate += done.duplicate
        counts.quarantined += done.refused + done.conflict
        counts.received += done.accepted + done.duplicate + done.refused + done.conflict
        counts.looked_up += done.looked_up
        for row in prepared.refused:
            counts.quarantined_by_reason[row.reason] += row.readings
        if done.conflict:
            counts.quarantined_by_reason["conflict"] += done.conflict
        counts.commit_seconds += seconds
        counts.commit_seconds_bucket[bisect_left(COMMIT_SECONDS_BOUNDS, seconds)] += 1

    # ---- for others ------------------------------------------------------------------------------------------

    def status(self) -> dict[str, object]:
        """Return what is known of this gateway, for metrics and people: parts `commit`, `session` and `engine`."""
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
        }


def heard_in(intake: Intake) -> Heard:
    """Return whose messages an intake holds, when each arrived, and the newest time in each by the device's clock.

    A message counts whatever becomes of its readings. Not one that the broker had retained: it may be from last year.
    """
    count, readings = intake.message_count, intake.reading_count
    newest_us = np.full(count, TIME_MIN_US, np.int64)
    own = (intake.flags[:readings] & FLAG_TIME_FROM_ARRIVAL) == 0
    np.maximum.at(newest_us, intake.reading_message[:readings][own], intake.time_us[:readings][own])
    known = (intake.device[:count] >= 0) & ~intake.retained[:count]
    return Heard(intake.device[:count][known], intake.received_us[:count][known], newest_us[known])
