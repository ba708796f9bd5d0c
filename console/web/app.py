"""The application: every router under its prefix, and the layers around them.

Knows which parts there are; each part knows itself. A part that needs a beginning and an end gives its router a
lifespan and finds the site in `app.state.site`.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, FastAPI

from console.web import (
    accounts,
    alerts,
    assessments,
    catalogue,
    city,
    devices,
    drift,
    explore,
    indicators,
    kpis,
    live,
    ngsi,
    sensorthings,
)
from console.web.asked import only_known
from console.web.document import describe
from console.web.guard import audit, sign_in
from console.web.guard.guard import Guard
from console.web.layers import Bounded, Safe, Small, Tagged
from console.web.metrics import metrics_route
from console.web.page import page_route
from console.web.problems import handle_problems
from console.web.site import Site

API_PREFIX = "/api/v1"
ROUTERS: tuple[APIRouter, ...] = (
    city.router,
    indicators.router,
    catalogue.router,
    explore.router,
    explore.several,
    drift.router,  # before the devices: else its path would be that of a device
    devices.router,
    accounts.router,
    kpis.router,
    alerts.router,
    assessments.router,
    live.router,
    sign_in.router,
    audit.router,
)
"""Parts of the API below its prefix."""
OTHER_ROUTERS: tuple[APIRouter, ...] = (sensorthings.router, ngsi.router)
"""Parts with paths of their own."""


def create_app(site: Site) -> FastAPI:
    """Return the application of one console."""
    app = FastAPI(
        title="cityvitals",
        # These pages load their scripts from elsewhere; the document itself is served.
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{API_PREFIX}/openapi.json",
        # The path as written is the only one: a redirect would lose what a client sends.
        redirect_slashes=False,
        # A function's name is the name of its operation: no two may have the same.
        generate_unique_id_function=lambda route: route.name,
        dependencies=[Depends(only_known)],
    )
    app.state.site = site
    for router in ROUTERS:
        app.include_router(router, prefix=API_PREFIX)
    for router in OTHER_ROUTERS:
        app.include_router(router)
    app.router.routes += [*sign_in.PAGE_ROUTES, metrics_route(), page_route()]
    handle_problems(app)
    describe(app)
    # The last one added is the outermost.
    app.add_middleware(Tagged)
    app.add_middleware(Guard, gate=site.gate, routes=app.router.routes)
    app.add_middleware(Small)
    app.add_middleware(Bounded, requests_max=site.settings.web.requests_max, load=site.load)
    app.add_middleware(Safe)
    return app
