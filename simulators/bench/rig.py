"""Everything of one run that can be made to misbehave: database, broker, gateway, and the lines between them.

Knows how to strike each and how to set it right again; must not know when (that is `script`), nor what must come out.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType, TracebackType
from urllib.parse import urlsplit, urlunsplit

import deploy
from simulators.bench.errors import BenchError
from simulators.bench.pipeline import Pipeline
from simulators.bench.proxy import LOOPBACK, Proxy
from simulators.bench.script import LINES, PROCESSES, Act
from simulators.bench.servers import fresh_broker, fresh_database
from simulators.bench.waiting import POLL_S, wait_until

SLOW_BYTES_S = 20_000
BACK_S_MAX = 120.0
GATEWAY_DEATHS_MAX = 100
"""A gateway that ends by itself while a server is away is started again, as a service manager would; not for ever."""


class Rig:
    """One run's servers and lines. Use as a context manager.

    Args:
        city: folder of the city.
        database: a running server; the disk of a limited one can be filled. Databases on it are the rig's own.
        directory: for logs and the broker's state.
        lines: whether gateway and devices reach the servers over lines that can be cut; without, nothing is slowed.
        bytes_s: speed of each connection of a device, so that sending takes a while; None is as fast as it goes.
        before: called with the broker's URL before the gateway subscribes for the first time.
        settings: `CITYVITALS_*` variables of the gateway.

    Attributes:
        pipeline: the gateway, which reaches broker and database over lines.
        devices_url: the broker, as devices reach it over their line.
        deaths: how often the gateway ended by itself.
    """

    def __init__(
        self,
        city: Path,
        database: deploy.Database,
        directory: Path,
        *,
        lines: bool = True,
        bytes_s: int | None = None,
        before: Callable[[str], object] = lambda _: None,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.database = database
        self.deaths = 0
        self._down: set[str] = set()
        self._closing = ExitStack()
        with ExitStack() as closing:
            self.broker = closing.enter_context(fresh_broker(directory / "broker"))
            url = closing.enter_context(fresh_database(database))
            self._lines: dict[str, Proxy] = {}
            for name in LINES if lines else ():
                usual = bytes_s if name.startswith("devices") else None
                target = self._server(name.partition("-")[2])
                self._lines[name] = closing.enter_context(Proxy(target.port or 0, usual_bytes_s=usual))
            before(self.broker.url)
            self.devices_url = self._reached(self.broker.url, "devices-broker")
            self.pipeline = Pipeline(
                city,
                self._reached(self.broker.url, "gateway-broker"),
                self._reached(url, "gateway-database"),
                directory,
                **{"CITYVITALS_MQTT_CLIENT_ID": f"rig-{secrets.token_hex(4)}", **settings},
            )
            closing.enter_context(self.pipeline)
            # A killed broker comes back with what it saved last: from here on the gateway's session is part of it.
            self.broker.save()
            self._closing = closing.pop_all()

    def __enter__(self) -> Rig:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.set_right()
        self._closing.__exit__(kind, error, trace)

    # ---- acts ------------------------------------------------------------------------------------------------

    def act(self, one: Act) -> None:
        """Strike, hold, and set right again."""
        self.rest(one.rest_s)
        strike, mend = self._how(one.verb)
        for name in one.whom:
            strike(name)
        self.rest(one.hold_s)
        for name in one.order:
            mend(name)
        self.rest(0.0)

    def _how(self, verb: str) -> tuple[Callable[[str], object], Callable[[str], object]]:
        lines = self._lines
        ways: dict[str, tuple[Callable[[str], object], Callable[[str], object]]] = {
            "kill": (self.kill, self.start),
            "restart": (self._stop, self.start),
            "pause": (self._pause, self._resume),
            "fill": (self._fill, self._free),
            "cut": (lambda name: lines[name].cut(), lambda _: None),
            "refuse": (lambda name: lines[name].refuse(), lambda name: lines[name].restore()),
            "slow": (lambda name: lines[name].slow(SLOW_BYTES_S), lambda name: lines[name].restore()),
            "stall": (lambda name: lines[name].stall(), lambda name: lines[name].restore()),
        }
        return ways[verb]

    def rest(self, seconds: float) -> None:
        """Let things run for so long; a gateway that gave up is started again."""
        until = time.monotonic() + seconds
        self._tend()
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, POLL_S))
            self._tend()

    def _tend(self) -> None:
        if "gateway" in self._down or self.pipeline.running:
            return
        self.deaths += 1
        if self.deaths > GATEWAY_DEATHS_MAX:
            raise BenchError(f"the gateway ends again and again:\n{self.pipeline.said()[-3000:]}")
        self.pipeline.start()

    def set_right(self) -> None:
        """Bring everything back: servers run, disk free, lines faithful, the gateway started."""
        for line in self._lines.values():
            line.restore()
        for name in PROCESSES:
            self._resume(name)
        self._free("database")
        for name in PROCESSES[::-1]:
            self.start(name)

    def back(self) -> None:
        """Wait until the gateway is ready, after `set_right`."""
        wait_until(self._is_ready, BACK_S_MAX, "the gateway to be ready again")

    def _is_ready(self) -> bool:
        self._tend()
        return bool(self.pipeline.metrics())

    # ---- processes -------------------------------------------------------------------------------------------

    def kill(self, name: str) -> None:
        """`kill -9`; what gave up by itself is down as well."""
        self._down.add(name)
        if name != "gateway":
            self._server(name).kill()
        elif self.pipeline.running:
            self.pipeline.kill()

    def start(self, name: str) -> None:
        """Start what does not run; a server that comes back on another port is followed by its lines."""
        self._down.discard(name)
        if name == "gateway":
            if not self.pipeline.running:
                self.pipeline.start()
            return
        server = self._server(name)
        before = server.port
        server.start()
        for line, proxy in self._lines.items():
            if line.endswith(name):
                proxy.target_port = server.port or 0
        if server.port != before and not self._lines:
            raise BenchError(f"somebody took port {before} while the {name} was down; do that run again")

    def _stop(self, name: str) -> None:
        self._down.add(name)
        if name == "gateway":
            self.pipeline.stop()
        else:
            self._server(name).stop()

    def _pause(self, name: str) -> None:
        if name != "gateway":
            self._server(name).pause()
        elif self.pipeline.running:
            self.pipeline.pause()

    def _resume(self, name: str) -> None:
        if name != "gateway":
            self._server(name).resume()
        elif self.pipeline.running:
            self.pipeline.resume()

    def _fill(self, _name: str) -> None:
        if not isinstance(self.database, deploy.LimitedDatabase):
            raise BenchError("the disk of this database has no size of its own: give a deploy.LimitedDatabase")
        self.database.fill()

    def _free(self, _name: str) -> None:
        if isinstance(self.database, deploy.LimitedDatabase):
            self.database.free()
            self.start("database")  # without room for its log it gave up

    def _reached(self, url: str, line: str) -> str:
        """Return a server's URL as it is over a line: the proxy's address in place of its own."""
        if line not in self._lines:
            return url
        parts = urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user}{at}{LOOPBACK}:{self._lines[line].port}"))

    def _server(self, name: str) -> deploy.Server:
        return self.database if name == "database" else self.broker
