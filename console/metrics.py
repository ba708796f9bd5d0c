"""Prometheus metrics of one gateway process: what there is, and the page that shows it.

Reads a status snapshot at every scrape and keeps nothing itself; no label ever names a device. Knows the shape of the
snapshot and prometheus-client; knows neither sockets to the broker nor the store.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from console.errors import FailureError
from console.publisher import Publisher
from console.settings import MetricsSettings
from console.settings_reader import attributes_of
from engine.housekeeping import HousekeepingCounts
from engine.kpi_keeper import KpiCounts
from engine.quality_keeper import QualityCounts
from engine.worker import WorkerCounts
from ingest.commits import COMMIT_SECONDS_BOUNDS
from ingest.counters import Counters

Status = Mapping[str, Any]
"""What `Gateway.status` returns: parts `commit`, `session`, `engine`, `kpis` and `quality`; the last three are empty at
first, `kpis` without a catalogue, and `quality` without rules."""

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric.

    Attributes:
        name: as exposed; a counter ends in `_total`.
        kind: `counter`, `gauge` or `histogram`.
        help: what it says.
        read: takes the snapshot and returns a number, a mapping of label value to number, or None for nothing to say.
        label: name of the one label, where `read` returns a mapping.
    """

    name: str
    kind: str
    help: str
    read: Callable[[Status], Any]
    label: str = ""


def _part(part: str, key: str) -> Callable[[Status], Any]:
    return lambda status: status[part].get(key)


def _silence(key: str, *more: str) -> Callable[[Status], Any]:
    def read(status: Status) -> Any:
        found = status["engine"].get("silence", {}).get(key)
        for name in more:
            found = None if found is None else found[name]
        return found

    return read


def _lag(status: Status) -> float | None:
    watermark_us = status["engine"].get("watermark_us")
    return None if watermark_us is None else max(0.0, time.time() - watermark_us / 1_000_000)


def _kpi_lag(status: Status) -> float | None:
    reached_us = status["kpis"].get("reached_us")
    return None if reached_us is None else max(0.0, time.time() - reached_us / 1_000_000)


def _heard_lag(status: Status) -> float | None:
    heard_us = _silence("heard_to_us")(status)
    return None if heard_us is None else max(0.0, time.time() - heard_us / 1_000_000)


def _each(
    part: str, counts: type, prefix: str, words: Mapping[str, str], *, without: tuple[str, ...] = ()
) -> Iterator[Definition]:
    """Yield a counter for every field of a record of totals, explained as the record explains it."""
    explained = attributes_of(counts)
    for field in fields(counts):
        if field.name in without:
            continue
        name = words.get(field.name, field.name)
        said = explained[field.name]
        yield Definition(f"{prefix}_{name}_total", COUNTER, said[:1].upper() + said[1:], _part(part, field.name))


DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        "cityvitals_observations_received_total", COUNTER, "Readings that arrived: accepted + duplicate + quarantined.",
        _part("commit", "received"),
    ),
    Definition(
        "cityvitals_observations_accepted_total", COUNTER, "Readings stored as new observations.",
        _part("commit", "accepted"),
    ),
    Definition(
        "cityvitals_observations_duplicate_total", COUNTER, "Readings that were stored already, with the same value.",
        _part("commit", "duplicate"),
    ),
    Definition(
        "cityvitals_quarantined_total", COUNTER, "Readings in quarantine, by reason.",
        _part("commit", "quarantined_by_reason"), "reason",
    ),
    Definition(
        "cityvitals_messages_committed_total", COUNTER, "Messages whose readings are all accounted for in the store.",
        _part("commit", "messages"),
    ),
    Definition(
        "cityvitals_commit_seconds", HISTOGRAM, "Time from taking a group of messages to its commit.",
        lambda status: (status["commit"]["commit_seconds_bucket"], status["commit"]["commit_seconds"]),
    ),
    Definition(
        "cityvitals_commit_retries_total", COUNTER, "Commits tried again because the database was away.",
        _part("commit", "retries"),
    ),
    Definition(
        "cityvitals_observations_looked_up_total", COUNTER,
        "Readings not newer than their series' newest, which had to be looked up.", _part("commit", "looked_up"),
    ),
    Definition(
        "cityvitals_watermark_lag_seconds", GAUGE,
        "How far the watermark is behind the gateway's clock; absent until something was received.", _lag,
    ),
    Definition(
        "cityvitals_engine_waiting_observations", GAUGE, "Stored observations the engine has not taken up yet.",
        _part("engine", "inbox_observations"),
    ),
    Definition(
        "cityvitals_engine_pauses_total", COUNTER, "Times the committer waited for the engine to catch up.",
        _part("engine", "inbox_pauses"),
    ),
    Definition(
        "cityvitals_engine_commit_applied", GAUGE, "Ledger number of the last commit counted by the engine.",
        _part("engine", "commit_applied"),
    ),
    Definition(
        "cityvitals_engine_commit_written", GAUGE, "Ledger number of the last commit whose figures are all written.",
        _part("engine", "commit_written"),
    ),
    Definition(
        "cityvitals_engine_cells", GAUGE, "Cells in memory, by grid.", _part("engine", "cells"), "grid",
    ),
    Definition(
        "cityvitals_engine_memory_bytes", GAUGE, "Memory of the cells.", _part("engine", "memory_bytes"),
    ),
    *_each("engine", WorkerCounts, "cityvitals_engine", {}),
    *_each("engine", HousekeepingCounts, "cityvitals_housekeeping", {}),
    *_each("kpis", KpiCounts, "cityvitals_kpi", {}),
    Definition(
        "cityvitals_kpi_seconds", GAUGE, "How long the last look at the figures of KPIs took.",
        _part("kpis", "seconds"),
    ),
    Definition(
        "cityvitals_kpi_lag_seconds", GAUGE,
        "How far the figures of KPIs are behind the gateway's clock; absent until something was received.", _kpi_lag,
    ),
    Definition(
        "cityvitals_flagged_observations_total", COUNTER, "Flags of observations that appeared, by rule.",
        _part("quality", "flagged"), "rule",
    ),
    *_each("quality", QualityCounts, "cityvitals_quality", {}, without=("flagged",)),
    Definition(
        "cityvitals_quality_waiting_hours", GAUGE, "Hours of series with rules that are still to be looked at.",
        _part("quality", "waiting"),
    ),
    Definition(
        "cityvitals_quality_seconds", GAUGE, "How long the last look at what is to be flagged took.",
        _part("quality", "seconds"),
    ),
    Definition(
        "cityvitals_devices_silent", GAUGE,
        "Devices in service of which nothing came for too long, alone or with their gateway.",
        _silence("devices", "silent"),
    ),
    Definition(
        "cityvitals_devices_late", GAUGE, "Devices of which nothing came for one and a half intervals.",
        _silence("devices", "late"),
    ),
    Definition(
        "cityvitals_devices_never_heard", GAUGE, "Devices in service of which nothing ever came.",
        _silence("devices", "never"),
    ),
    Definition(
        "cityvitals_gateways_silent", GAUGE, "Gateways of which (nearly) all devices are silent at once.",
        _silence("gateways_silent"),
    ),
    Definition(
        "cityvitals_silences_begun_total", COUNTER, "Silences noticed, by kind: device, gateway, system.",
        _silence("begun"), "kind",
    ),
    Definition(
        "cityvitals_silences_trimmed_total", COUNTER, "Old silences that left the table, of all time.",
        _silence("trimmed"),
    ),
    Definition(
        "cityvitals_clocks_wrong", GAUGE, "Devices whose clock is off by more than silence.clock_us_max, by direction.",
        _silence("clocks"), "clock",
    ),
    Definition(
        "cityvitals_downtime_seconds_total", COUNTER,
        "Time in which we ourselves did not hear, by what was away: process (before this start too), broker, database.",
        _silence("downtime_s"), "cause",
    ),
    Definition(
        "cityvitals_heard_lag_seconds", GAUGE,
        "How long ago we were last sure to have heard everything; silence is judged as of then.", _heard_lag,
    ),
    Definition(
        "cityvitals_mqtt_connected", GAUGE, "1 while subscribed at the broker, else 0.",
        lambda status: int(status["session"]["connected"]),
    ),
    Definition(
        "cityvitals_mqtt_unacknowledged_messages", GAUGE, "Messages taken from the broker and not acknowledged yet.",
        _part("session", "under_way"),
    ),
    *_each("session", Counters, "cityvitals_mqtt", {"bytes": "received_bytes"}),
)  # fmt: skip
"""Every metric of the gateway, in the order of the guide."""

RESULTS: tuple[tuple[str, str, str, str], ...] = (
    ("cityvitals_results_published_total", COUNTER, "published", "Results the broker acknowledged."),
    ("cityvitals_results_superseded_total", COUNTER, "superseded", "Results a newer one made needless before sending."),
    ("cityvitals_results_dropped_total", COUNTER, "dropped", "Results given up because too many others waited."),
    ("cityvitals_results_waiting", GAUGE, "waiting", "Results not handed to the broker yet."),
)
"""Metrics of the publisher: name, kind, attribute, meaning. Absent where results are not published."""


class GatewayCollector(Collector):
    """Makes metrics of one status snapshot per scrape."""

    def __init__(self, status: Callable[[], Status], publisher: Publisher | None = None) -> None:
        self._status, self._publisher = status, publisher

    def collect(self) -> Iterator[Metric]:
        """Yield every metric that has something to say."""
        status = self._status()
        for one in DEFINITIONS:
            value = one.read(status)
            if value is not None:
                yield _family(one, value)
        if self._publisher is not None:
            for name, kind, attribute, help_text in RESULTS:
                yield _family(Definition(name, kind, help_text, len), getattr(self._publisher, attribute))

    def describe(self) -> Iterable[Metric]:
        """Say nothing beforehand: no status is asked for before the first scrape."""
        return []


def _family(one: Definition, value: Any) -> Metric:
    if one.kind == HISTOGRAM:
        counts, total = value
        histogram = HistogramMetricFamily(one.name, one.help)
        buckets, below = [], 0
        for bound, count in zip((*map(str, COMMIT_SECONDS_BOUNDS), "+Inf"), counts, strict=True):
            below += count
            buckets.append((bound, below))
        histogram.add_metric([], buckets, total)
        return histogram
    labels = [one.label] if one.label else []
    family: CounterMetricFamily | GaugeMetricFamily
    if one.kind == COUNTER:
        family = CounterMetricFamily(one.name.removesuffix("_total"), one.help, labels=labels)
    else:
        family = GaugeMetricFamily(one.name, one.help, labels=labels)
    for label, number in value.items() if one.label else ((None, value),):
        family.add_metric([] if label is None else [label], number)
    return family


class MetricsPage:
    """The page `/metrics`, served by a thread of its own."""

    def __init__(
        self, settings: MetricsSettings, status: Callable[[], Status], publisher: Publisher | None = None
    ) -> None:
        """Begin to serve.

        Raises:
            FailureError: the port is taken, or the address is not of this machine.
        """
        registry = CollectorRegistry(auto_describe=False)
        registry.register(GatewayCollector(status, publisher))
        ProcessCollector(registry=registry)
        try:
            self._server, self._thread = start_http_server(settings.port, settings.host, registry)
        except OSError as error:
            raise FailureError(
                f"the metrics page cannot listen on {settings.host} port {settings.port}: {error.strerror or error}",
                "set metrics.port (CITYVITALS_METRICS_PORT) to a free port, or to 0 for any free one",
            ) from None
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self.url = f"http://{host}:{self._server.server_port}/metrics"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        if isinstance(self._thread, threading.Thread):
            self._thread.join()
