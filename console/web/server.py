"""The console as a service: its site, its socket and the server, from start to clean stop.

Knows uvicorn and the order in which things live; knows no path of the API.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import uvicorn

from console.children import write_ready
from console.errors import FailureError, MisuseError
from console.scrape import Gateway
from console.settings import Settings
from console.web.app import create_app
from console.web.guard.start import open_gate, require_guarded
from console.web.hub import HubLimits
from console.web.road import LiveRoad
from console.web.site import Site
from console.web.stores import Stores
from deploy.process import birth
from devices import Registry
from engine.kpi import DeclaredValue, Pack
from engine.store import LiveReader, SchemaOutdated, Store, StoreError, StoreUnavailable, alerts
from engine.store.reader import Reader

log = logging.getLogger("console")

APPLICATION = "cityvitals console"
"""How the database knows us."""
STOP_S_MAX = 5
"""Requests under way at the end get so long."""
BACKLOG = 128
STALLED_MS_MAX = 30_000
"""A client that takes nothing of what it is sent for so long is cut off by the system."""
BOOKS_MAX = 1
"""Figures of KPIs are computed for one request at a time: it takes a core meanwhile."""


def open_site(
    registry: Registry,
    pack: Pack,
    declared: tuple[DeclaredValue, ...],
    settings: Settings,
    database_url: str,
    metrics_url: str | None = None,
) -> Site:
    """Return what the console works with; nothing is connected before it is asked."""
    timeout_ms = round(settings.web.statement_s_max * 1000)

    def connect() -> Reader:
        return Reader.open(
            database_url, city=registry.city.code, application_name=APPLICATION, statement_timeout_ms=timeout_ms
        )

    def connect_book() -> Store:
        return Store.connect(database_url, application_name=APPLICATION)

    # Requests find a connection also where all that may listen do.
    limits = HubLimits(clients=max(1, settings.web.connections_max - settings.web.requests_max))
    gateway = Gateway(metrics_url)
    live = LiveRoad(lambda: LiveReader.connect(database_url), limits, gateway.watermark_us)
    handling = partial(alerts.connected, database_url, APPLICATION, registry.city.code)
    return Site(
        registry,
        pack,
        declared,
        settings,
        stores=Stores(connect, settings.web.stores_max),
        books=Stores(connect_book, BOOKS_MAX),
        gateway=gateway,
        live=live,
        handling=handling,
        gate=open_gate(settings, database_url),
    )


class _Server(uvicorn.Server):
    """Lets those go who listen, before it waits for connections to end: theirs would not."""

    def __init__(self, config: uvicorn.Config, site: Site) -> None:
        super().__init__(config)
        self._site = site

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End all connections, in the server's thread."""
        self._site.live.let_go()
        await super().shutdown(sockets)


def serve(site: Site, stop: threading.Event, ready_file: Path | None = None) -> None:
    """Answer until `stop` is set. A database that is away is waited for: the page says so meanwhile.

    Raises:
        MisuseError: the database holds another city, or other machines would get in without signing in.
        FailureError: the address is taken, or the server ended by itself.
    """
    _try_database(site)
    require_guarded(site.settings, site.gate)
    web = site.settings.web
    with (
        closing(site.stores),
        closing(site.books),
        closing(site.live),
        closing(site.gate.keeper),
        _listening(web.host, web.port) as (listener, url),
    ):
        server = _Server(
            uvicorn.Config(
                create_app(site),
                http="h11",
                loop="asyncio",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=web.connections_max,
                timeout_graceful_shutdown=STOP_S_MAX,
            ),
            site,
        )
        thread = threading.Thread(target=server.run, args=([listener],), name="web", daemon=True)
        thread.start()
        while not server.started and thread.is_alive() and not stop.wait(0.01):
            pass
        if server.started:
            log.info("console on %s", url)
            if ready_file is not None:
                write_ready(ready_file, {"birth": birth(os.getpid()), "console": url})
        while thread.is_alive() and not stop.wait(0.1):
            pass
        server.should_exit = True
        thread.join()
        if not stop.is_set():
            raise FailureError("the console's server ended by itself", "its log says why; start it again")


def _try_database(site: Site) -> None:
    """Refuse the database of another city now, not when somebody looks.

    Raises:
        MisuseError: it holds another one.
    """
    try:
        site.stores.ask(lambda _store: None)
    except (StoreUnavailable, SchemaOutdated) as error:
        log.warning("%s; the console waits for it", error)
    except StoreError as error:
        raise MisuseError(str(error)) from None


@contextmanager
def _listening(host: str, port: int) -> Iterator[tuple[socket.socket, str]]:
    """Listen for the length of a `with` block, and say under which address.

    Raises:
        FailureError: it is taken, or is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_MS_MAX)
            listener.bind((host, port))
            listener.listen(BACKLOG)
        except OSError as error:
            raise FailureError(
                f"cannot listen on {host} port {port}: {error.strerror}", "give another `port` in [web], or 0"
            ) from None
        shown = f"[{host}]" if ":" in host else host
        yield listener, f"http://{shown}:{listener.getsockname()[1]}/"
    finally:
        listener.close()
