"""`/metrics`: what Prometheus reads of the console itself.

Knows the path; what is measured belongs to the parts that measure.
"""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.alerts.metrics import AlertCollector
from console.web.counts import LoadCollector
from console.web.site import Site


def metrics_route() -> Route:
    """Return the route of the metrics; add it before that of the page."""

    def get_metrics(request: Request) -> Response:
        site: Site = request.app.state.site
        registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)
        registry.register(LoadCollector(site))
        if site.watch is not None:
            registry.register(AlertCollector(site.watch.status))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Route("/metrics", get_metrics, methods=["GET"])
