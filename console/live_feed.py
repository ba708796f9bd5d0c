"""Where the live page's figures come from: indicators and ledger from the store, lag from the gateway's metrics page.

Knows both sources and the catalogue of indicators; knows nothing of terminals.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from console.page import IndicatorLine, Lag, Page, Totals
from console.scrape import scraped
from console.text import local_time
from console.worth import DEFINITIONS, LENGTH_US, enough, newest_that_counts
from devices import Registry
from engine.indicators import INDICATORS, Indicator
from engine.store import IndicatorReading, Store, StoreUnavailable

HISTORY = 24
"""Windows behind the newest one that the sparkline shows, itself included."""
SCOPE_KINDS = ("city", "zone")


@dataclass(frozen=True, slots=True)
class Figures:
    """What the store says at one moment."""

    lines: tuple[IndicatorLine, ...]
    totals: Totals
    reasons: tuple[tuple[str, int], ...]


class LiveFeed:
    """Reads figures and lag. One caller at a time has the store; others wait."""

    def __init__(self, store: Store, registry: Registry, metrics_url: str) -> None:
        self.title = registry.city.name
        self._zone_info = registry.city.zone_info
        self._zones = {zone.code: (place, zone.title) for place, zone in enumerate(registry.city.zones)}
        self._store = store
        self._metrics_url = metrics_url
        self._lock = threading.Lock()
        self._away = False
        self._commits = (0.0, 0.0)
        self._commit_s: float | None = None

    @classmethod
    @contextmanager
    def open(cls, database_url: str, registry: Registry, metrics_url: str) -> Iterator[LiveFeed]:
        """Connect to the store for the length of a `with` block.

        Raises:
            StoreError
        """
        with Store.connect(database_url, application_name="cityvitals page") as store:
            yield cls(store, registry, metrics_url)

    def empty_page(self, status: str) -> Page:
        """Return the page before the first figures."""
        return Page(self.title, self._clock(), status)

    def page(self, window: str, status: str) -> Page:
        """Return the page of hours or days.

        Raises:
            StoreUnavailable: the database is away; the next call connects again.
        """
        figures = self.figures(window)
        lag = self.lag()
        at = "" if lag.watermark_s is None else f" · data to {self._clock(-lag.watermark_s)[5:]}"
        return Page(
            title=self.title,
            clock=self._clock(),
            status=status + at,
            lines=figures.lines,
            totals=figures.totals,
            reasons=figures.reasons,
            lag=lag,
        )

    def figures(self, window: str) -> Figures:
        """Return the newest figures of the city and its zones, and the ledger.

        Raises:
            StoreUnavailable: the database is away; the next call connects again.
        """
        with self._reading() as store:
            newest = [row for row in store.latest_indicators(SCOPE_KINDS) if row.window == window]
            history: list[IndicatorReading] = []
            if newest:
                since_us = max(row.start_us for row in newest) - 2 * HISTORY * LENGTH_US[window]
                for kind in SCOPE_KINDS:
                    history += store.indicator_history(since_us, window=window, scope_kind=kind)
            summary, reasons = store.ledger_summary(), store.quarantine_counts()
        totals = Totals(summary.received, summary.accepted, summary.duplicate, summary.quarantined)
        return Figures(self._lines(history), totals, tuple(reasons.items()))

    def totals(self) -> Totals:
        """Return the ledger's sums.

        Raises:
            StoreUnavailable: the database is away; the next call connects again.
        """
        with self._reading() as store:
            summary = store.ledger_summary()
        return Totals(summary.received, summary.accepted, summary.duplicate, summary.quarantined)

    def computed(self) -> bool:
        """Say whether the figures of everything in the ledger are written."""
        with self._reading() as store:
            newest = store.ledger_rows(1)
        found = scraped(self._metrics_url)
        return bool(newest) and found.get("cityvitals_engine_commit_written", -1.0) >= newest[0].commit_id

    def lag(self) -> Lag:
        """Return how far behind the gateway is; all unknown where its metrics page does not answer."""
        found = scraped(self._metrics_url)
        if not found:
            return Lag()
        count, total = (
            found.get("cityvitals_commit_seconds_count", 0.0),
            found.get("cityvitals_commit_seconds_sum", 0.0),
        )
        if count > self._commits[0]:
            self._commit_s = (total - self._commits[1]) / (count - self._commits[0])
        self._commits = (count, total)
        waiting = found.get("cityvitals_engine_waiting_observations")
        return Lag(
            watermark_s=found.get("cityvitals_watermark_lag_seconds"),
            waiting=None if waiting is None else int(waiting),
            commit_s=self._commit_s,
            connected=found.get("cityvitals_mqtt_connected") == 1.0,
        )

    @contextmanager
    def _reading(self) -> Iterator[Store]:
        with self._lock:
            if self._away:
                self._store.reconnect()
                self._away = False
            try:
                yield self._store
            except StoreUnavailable:
                self._away = True
                raise

    def _clock(self, offset_s: float = 0.0) -> str:
        return local_time(round((time.time() + offset_s) * 1_000_000), self._zone_info)

    def _lines(self, history: Iterable[IndicatorReading]) -> tuple[IndicatorLine, ...]:
        now_us = round(time.time() * 1_000_000)
        rows: dict[tuple[str, str, str], list[IndicatorReading]] = {}
        for row in history:
            rows.setdefault((row.scope_kind, row.scope, row.indicator), []).append(row)
        found = []
        for (kind, scope, code), windows in rows.items():
            shown = newest_that_counts(windows)
            place, definition = DEFINITIONS.get((code, shown.window), (len(INDICATORS), None))
            zone, title = (-1, "City") if kind == "city" else self._zones.get(scope, (len(self._zones), scope))
            # Indices first: they say in one word how things are.
            order = (zone, definition is None or not definition.bands, place)
            found.append((order, line_of(title, shown, windows, definition, now_us)))
        return tuple(line for _, line in sorted(found, key=lambda pair: pair[0]))


def line_of(
    zone: str, shown: IndicatorReading, windows: Sequence[IndicatorReading], definition: Indicator | None, now_us: int
) -> IndicatorLine:
    """Return one line of the page.

    Args:
        zone: title of the zone.
        shown: the window to show.
        windows: all known windows of the same indicator and scope, by start.
        definition: None for an indicator that this version does not know.
        now_us: the present.
    """
    length_us = LENGTH_US[shown.window]
    spark: list[float | None] = [None] * HISTORY
    for row in windows:
        place = HISTORY - 1 - round((shown.start_us - row.start_us) / length_us)
        if 0 <= place < HISTORY and row.value is not None:
            spark[place] = float(row.value)
    band = definition.bands[shown.band - 1] if definition and 0 < shown.band <= len(definition.bands) else None
    return IndicatorLine(
        zone=zone,
        title=definition.title if definition else shown.indicator,
        code=shown.indicator,
        value="" if shown.value is None else f"{shown.value:f}",
        unit=definition.symbol if definition else shown.unit,
        band=shown.band_name,
        colour=band.colour if band else "",
        coverage=shown.received / shown.expected if shown.expected else None,
        age_s=None if shown.value is None else max(0.0, (now_us - shown.start_us - length_us) / 1_000_000),
        history=tuple(spark),
        provisional=shown.revision == 0,
        valid=enough(shown, definition),
        note=shown.driver,
    )
