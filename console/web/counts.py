"""Prometheus metrics of the console's own work: how much it has to do, and where it reached a limit.

Knows the limits and their counters; those of the gateway are on a page of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from console.web.site import Site


class LoadCollector(Collector):
    """Makes metrics of a site's counters per scrape."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        load, hub = self._site.load, self._site.live.hub
        refused = self._site.stores.refused + self._site.books.refused
        for name, text, value in (
            ("requests", "Requests taken, those of live clients not counted.", load.taken),
            ("requests_refused", "Requests told to ask again because too many were under way.", load.refused),
            ("store_refused", "Requests told to ask again because no connection was free in time.", refused),
            ("live_events", "Events of live figures.", hub.counts.events),
            ("live_given_up", "Live clients let go because they did not take what waited.", hub.counts.given_up),
            ("live_refused", "Live clients for whom there was no place.", hub.counts.refused),
        ):
            yield CounterMetricFamily(f"cityvitals_web_{name}", text, value=value)
        yield GaugeMetricFamily("cityvitals_web_requests_under_way", "Requests under way.", value=load.under_way)
        yield GaugeMetricFamily("cityvitals_web_live_clients", "Clients that listen.", value=hub.clients)

    def describe(self) -> Iterable[Metric]:
        """Say nothing beforehand."""
        return []
