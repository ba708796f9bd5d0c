"""The settings of cityvitals: one frozen tree, built once from `cityvitals.toml` and `CITYVITALS_*`.

Names every setting and the relations between them. How files and environment are read is `settings_reader`'s.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from console.settings_reader import Fault, SettingsError, read_tree
from deploy.paths import LOCAL
from engine.settings import SilenceSettings, WorkerSettings
from ingest.admission import AdmissionLimits
from ingest.settings import BrokerSettings, IntakeLimits

FILE_NAME = "cityvitals.toml"
PREFIX = "CITYVITALS_"
FILE_VARIABLE = "CITYVITALS_SETTINGS"
"""Names the settings file; without it `cityvitals.toml` of the working directory is read where there is one."""
SECRETS = frozenset({"database.url", "mqtt.url", "mqtt.password"})
"""May come as `NAME_FILE`; their values are never shown. The urls are secrets for the password they may carry."""
PORT_MAX = 65_535
LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Addresses that no other machine reaches."""


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where the observations are kept.

    Attributes:
        url: `postgresql://user:password@host:port/name` of a TimescaleDB; the local stack's where left out.
    """

    url: str | None = None

    def faults(self) -> list[str]:
        """Return what is wrong, one sentence per fault."""
        if self.url is None:
            return []
        try:
            parts = urlsplit(self.url)
            named = self.url.startswith(("postgresql://", "postgres://")) and bool(parts.path.strip("/"))
            _ = parts.port
        except ValueError:
            named = False
        return [] if named else ["url: expected postgresql://user:password@host:port/name"]


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Where Prometheus reads the gateway's metrics.

    Attributes:
        host: address to listen on. The page has no password: keep it on this machine or a trusted network.
        port: port to listen on; 0 takes a free one, which is printed.
    """

    host: str = "127.0.0.1"
    port: int = 0

    def faults(self) -> list[str]:
        """Return what is wrong, one sentence per fault."""
        found = [] if 0 <= self.port <= PORT_MAX else [f"port: expected 0 to {PORT_MAX}, found {self.port}"]
        return found if self.host else [*found, "host: expected an address such as 127.0.0.1"]


@dataclass(frozen=True, slots=True)
class ResultsSettings:
    """How indicator values go out over MQTT.

    Attributes:
        publish: whether they do.
        topics_max: results waiting for the broker, one per topic; beyond it the oldest is given up and counted.
        period_s: results are taken to the broker at most this often; a newer one replaces one that still waits.
        client_id: name of the publishing connection at the broker; `mqtt.client_id` and `-results` where left out.
    """

    publish: bool = True
    topics_max: int = 20_000
    period_s: float = 1.0
    client_id: str | None = None

    def faults(self) -> list[str]:
        """Return what is wrong, one sentence per fault."""
        found = []
        if self.topics_max < 1:
            found.append(f"topics_max: expected at least 1, found {self.topics_max}")
        if not 0 < self.period_s <= 3600:
            found.append(f"period_s: expected more than 0 and at most 3600, found {self.period_s:g}")
        if self.client_id == "":
            found.append("client_id: expected a name, or nothing")
        return found


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The operations console: the page and the HTTP API.

    Attributes:
        serve: whether `up`, `run` and `demo` start it beside the gateway.
        host: address to listen on, of this machine only.
        port: port to listen on; 0 takes a free one, which is printed.
        connections_max: open connections of browsers and programs; further ones are refused.
        requests_max: requests under way at a time; further ones are told to ask again.
        stores_max: connections to the database.
        statement_s_max: a question to the database that takes longer is given up.
    """

    serve: bool = True
    host: str = "127.0.0.1"
    port: int = 0
    connections_max: int = 1_000
    requests_max: int = 64
    stores_max: int = 4
    statement_s_max: float = 15.0

    def faults(self) -> list[str]:
        """Return what is wrong, one sentence per fault."""
        found = [] if 0 <= self.port <= PORT_MAX else [f"port: expected 0 to {PORT_MAX}, found {self.port}"]
        if self.host not in LOOPBACK:
            found.append(f"host: expected one of {', '.join(LOOPBACK)}, found {self.host}")
        counts = ("connections_max", "requests_max", "stores_max")
        found += [f"{n}: expected at least 1, found {getattr(self, n)}" for n in counts if getattr(self, n) < 1]
        if not 0 < self.statement_s_max <= 3600:
            found.append(f"statement_s_max: expected more than 0 and at most 3600, found {self.statement_s_max:g}")
        return found


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can set.

    Attributes:
        city: folder with `city.toml` and `devices.csv`; `--city` overrides it.
        database: the database.
        mqtt: the broker, and how to be known to it.
        intake: bounds of what the gateway holds in memory, and of one message.
        admission: what the gateway believes of a device's clock.
        engine: how the engine paces itself, and when a window closes.
        silence: when a device or a gateway counts as silent.
        metrics: the page Prometheus reads.
        results: indicator values that go out over MQTT.
        web: the operations console: the page and the HTTP API.
    """

    city: Path | None = None
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    mqtt: BrokerSettings = field(default_factory=BrokerSettings)
    intake: IntakeLimits = field(default_factory=IntakeLimits)
    admission: AdmissionLimits = field(default_factory=AdmissionLimits)
    engine: WorkerSettings = field(default_factory=WorkerSettings)
    silence: SilenceSettings = field(default_factory=SilenceSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    results: ResultsSettings = field(default_factory=ResultsSettings)
    web: WebSettings = field(default_factory=WebSettings)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings and where they came from.

    Attributes:
        settings: the tree.
        file: the file that was read, if any.
        origin: dotted key → file name or `environment`, for every key that was given.
    """

    settings: Settings
    file: Path | None
    origin: Mapping[str, str]

    def given(self, key: str) -> bool:
        """Say whether somebody set this key, as opposed to its default."""
        return key in self.origin


def load_settings(
    file: Path | None = None, environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> Loaded:
    """Read the settings.

    Args:
        file: the settings file; None looks at `CITYVITALS_SETTINGS`, then for `cityvitals.toml` in `folder`.
        environ: the process's environment where left out.
        folder: the working directory where left out.

    Raises:
        SettingsError: every fault at once, with file or variable, key, and what was expected.
    """
    environ = os.environ if environ is None else environ
    if file is None and environ.get(FILE_VARIABLE):
        file = Path(environ[FILE_VARIABLE])
    if file is None:
        beside = (folder or Path.cwd()) / FILE_NAME
        file = beside if beside.is_file() else None
    settings, origin = read_tree(
        Settings,
        file=file,
        environ=environ,
        prefix=PREFIX,
        secrets=SECRETS,
        ignored=frozenset({FILE_VARIABLE, LOCAL}),
    )
    faults = relations(settings)
    if faults:
        raise SettingsError(tuple(Fault(origin.get(key, "settings"), key, text) for key, text in faults))
    return Loaded(settings, file, origin)


def named_after(loaded: Loaded, city: str) -> Settings:
    """Return the settings of a gateway of this city: its name at the broker, unless given, ends in the city's code.

    The broker keeps a session per name. Two cities that shared one would be given each other's messages.

    Raises:
        SettingsError: the names of gateway and results are the same.
    """
    if loaded.given("mqtt.client_id"):
        return loaded.settings
    broker = replace(loaded.settings.mqtt, client_id=f"{loaded.settings.mqtt.client_id}-{city}")
    settings = replace(loaded.settings, mqtt=broker)
    faults = relations(settings)
    if faults:
        raise SettingsError(tuple(Fault(loaded.origin.get(key, "settings"), key, text) for key, text in faults))
    return settings


def relations(settings: Settings) -> list[tuple[str, str]]:
    """Return (key, problem) of every value outside its limits and every pair that cannot hold together."""
    found: list[tuple[str, str]] = []
    sections = (
        ("database", settings.database.faults()),
        ("mqtt", settings.mqtt.faults()),
        ("intake", settings.intake.faults()),
        ("silence", settings.silence.faults()),
        ("metrics", settings.metrics.faults()),
        ("results", settings.results.faults()),
        ("web", settings.web.faults()),
    )
    for section, faults in sections:
        for fault in faults:
            key, _, text = fault.partition(": ")
            found.append((f"{section}.{key}", text))
    engine, admission = settings.engine, settings.admission
    if settings.city is not None and not settings.city.is_dir():
        found.append(("city", f"no folder {settings.city}; expected one with city.toml and devices.csv"))
    if engine.cycle_s <= 0:
        found.append(("engine.cycle_s", f"expected more than 0, found {engine.cycle_s:g}"))
    if engine.settle_s < engine.cycle_s:
        found.append(("engine.settle_s", f"expected at least engine.cycle_s ({engine.cycle_s:g})"))
    if engine.kpi_s <= 0:
        found.append(("engine.kpi_s", f"expected more than 0, found {engine.kpi_s:g}"))
    if engine.quality_s <= 0:
        found.append(("engine.quality_s", f"expected more than 0, found {engine.quality_s:g}"))
    if engine.lateness_us < 0:
        found.append(("engine.lateness_us", "expected 0 or more"))
    if engine.idle_us <= 0:
        found.append(("engine.idle_us", "expected more than 0"))
    days = ("ledger_days", "minute_days", "seen_days")
    found += [(f"engine.{n}", "expected a number of days, or 0 for ever") for n in days if getattr(engine, n) < 0]
    if admission.future_us_max < 0:
        found.append(("admission.future_us_max", "expected 0 or more"))
    if engine.inbox_max < settings.intake.readings_max:
        found.append(("engine.inbox_max", f"expected at least intake.readings_max ({settings.intake.readings_max})"))
    if settings.results.publish and settings.results.client_id == settings.mqtt.client_id:
        found.append(("results.client_id", "expected a name other than mqtt.client_id, or they disconnect each other"))
    return found
