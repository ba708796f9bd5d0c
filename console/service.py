"""The gateway as a service: gateway, metrics page and result publisher together, from start to clean stop.

Knows the order in which they live; each knows itself.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from console.children import write_ready
from console.logs import log_to_stderr
from console.metrics import MetricsPage
from console.publisher import Offered, Publisher, Result, refuse_loops, result_topic
from console.settings import Settings
from console.worth import status
from deploy.process import birth
from devices import Registry, text_from_ticks
from engine.indicators import Indicator, Results
from engine.kpi import DeclaredValue, Pack
from engine.store import migrate
from ingest.gateway import Gateway, GatewaySettings

if TYPE_CHECKING:
    from console.web.beside import Beside

log = logging.getLogger("console")


def serve(
    settings: Settings,
    registry: Registry,
    database_url: str,
    mqtt_url: str,
    stop: threading.Event,
    *,
    pack: Pack | None = None,
    declared: Sequence[DeclaredValue] = (),
    ready_file: Path | None = None,
    migrate_first: bool = False,
    console: Callable[[str], Beside] | None = None,
) -> None:
    """Run the gateway until `stop` is set.

    Args:
        settings: the tree.
        registry: the city.
        database_url, mqtt_url: where the servers are.
        stop: ends it cleanly.
        pack: catalogue of the KPIs whose figures are kept up to date.
        declared: what the city declares, for the findings on them.
        ready_file: written once everything is ready.
        migrate_first: bring the tables up to this version before.
        console: starts the operations console beside it, given the address of the metrics page; None for none.

    Raises:
        ConsoleError, EngineError, IngestError: what could not be started or went on, with what to do.
    """
    log_to_stderr()
    broker = replace(settings.mqtt, url=mqtt_url)
    if migrate_first:
        for name in migrate(database_url):
            log.info("migration %s run", name)
    with ExitStack() as closing:
        publisher = None
        if settings.results.publish:
            refuse_loops(registry.city.code, registry.subscriptions())
            publisher = Publisher(broker, settings.results)
        gateway = Gateway(
            registry,
            database_url,
            GatewaySettings(broker, settings.intake, settings.admission, settings.engine, settings.silence),
            sink=None if publisher is None else _Sink(registry, publisher),
            # Not before: a gateway that is refused would take the results' connection from the one that serves.
            on_owned=None if publisher is None else publisher.start,
            pack=pack,
            declared=declared,
        )
        page = MetricsPage(settings.metrics, gateway.status, publisher)
        closing.callback(page.close)
        if publisher is not None:
            closing.callback(publisher.close)
        beside = None if console is None else console(page.url)
        if beside is not None:
            closing.callback(beside.close)
        ended = threading.Event()
        closing.callback(ended.set)
        threading.Thread(
            target=_tell_when_ready,
            args=(gateway, {"city": registry.city.code, "metrics": page.url}, beside, ready_file, ended),
            name="ready",
            daemon=True,
        ).start()
        gateway.run(stop)


def _tell_when_ready(
    gateway: Gateway, facts: dict[str, str], beside: Beside | None, ready_file: Path | None, ended: threading.Event
) -> None:
    while not gateway.ready.wait(0.05):
        if ended.is_set():
            return
    log.info("ready; metrics on %s", facts["metrics"])
    url = None if beside is None else beside.wait()
    if url is not None:
        log.info("console on %s", url)
        facts["console"] = url
    if ready_file is not None:
        write_ready(ready_file, {"birth": birth(os.getpid()), **facts})


class _Sink:
    """Turns the engine's columns of results into messages; called by the engine's thread."""

    def __init__(self, registry: Registry, publisher: Publisher) -> None:
        zones = [f"zone:{zone.code}" for zone in registry.city.zones]
        stations = [f"station:{device.code}" for device in registry.devices]
        self._scopes = ("city", *zones, *stations)  # as `Results.scope` counts them
        self._zones = len(zones)
        self._city = registry.city.code
        self._publisher = publisher

    def __call__(self, catalogue: tuple[Indicator, ...], results: Results, closed: NDArray[np.bool_]) -> None:
        if len(results) > self._publisher.topics_max:
            # More than would find room: the city and its zones go out, the stations' figures are in the store.
            pooled = results.scope <= self._zones
            self._publisher.dropped += int(np.count_nonzero(~pooled))
            results, closed = results.take(pooled), closed[pooled]
        self._publisher.offer(self._offered(catalogue, results, closed))

    def _offered(
        self, catalogue: tuple[Indicator, ...], results: Results, closed: NDArray[np.bool_]
    ) -> Iterator[Offered]:
        columns: list[list[int]] = [c.tolist() for c in (results.indicator, results.scope, results.start_us)]
        for row, (indicator, scope, start_us) in enumerate(zip(*columns, strict=True)):
            definition = catalogue[indicator]
            topic = result_topic(self._city, definition.code, definition.window.name.lower(), self._scopes[scope])
            yield Offered(topic, start_us, partial(self._record, catalogue, results, closed, row))

    def _record(
        self, catalogue: tuple[Indicator, ...], results: Results, closed: NDArray[np.bool_], row: int
    ) -> Result:
        definition = catalogue[int(results.indicator[row])]
        known, shut, band = bool(results.known[row]), bool(closed[row]), int(results.band[row])
        received, due = int(results.received[row]), int(results.expected[row])
        return Result(
            indicator=definition.code,
            scope=self._scopes[int(results.scope[row])],
            window=definition.window.name.lower(),
            start_us=int(results.start_us[row]),
            value=text_from_ticks(int(results.ticks[row]), definition.decimals) if known else None,
            unit=definition.unit,
            band=definition.bands[band - 1].name if known and band else None,
            coverage=received / due if due else None,
            closed=shut,
            status=status(definition, received, due, known=known, closed=shut),
        )
