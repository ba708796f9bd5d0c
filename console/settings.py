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
SECRETS = frozenset(
    {
        "database.url", "mqtt.url", "mqtt.password", "alerts.webhook_urls", "alerts.webhook_secret",
        "alerts.alertmanager_url", "alerts.smtp_url",
    }
)  # fmt: skip
"""May come as `NAME_FILE`; their values are never shown. The urls are secrets for the password they may carry."""
PORT_MAX = 65_535
LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Addresses that no other machine reaches."""
ROLES = ("viewer", "operator", "assessor", "admin")
"""What somebody may be to the console; what each may do is in `console.web.guard.roles`."""


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
        host: address to listen on. Beyond this machine only with tokens or an identity provider.
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
        if not self.host:
            found.append("host: expected an address such as 127.0.0.1")
        counts = ("connections_max", "requests_max", "stores_max")
        found += [f"{n}: expected at least 1, found {getattr(self, n)}" for n in counts if getattr(self, n) < 1]
        if not 0 < self.statement_s_max <= 3600:
            found.append(f"statement_s_max: expected more than 0 and at most 3600, found {self.statement_s_max:g}")
        return found


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """How the rules of the city are watched, and who is told.

    Attributes:
        keep: whether the console watches the rules. One console of a city does; another one takes over where it ends.
        look_s: pause between two looks at the facts, where no word comes that figures were written.
        storm_max: more alerts than this of one rule in a zone, or all over the city, raised at once, become one.
        storm_us: alerts raised within this time are at once.
        days_max: alerts that were cleared so many days ago leave, with what happened to them.
        publish: whether alerts go out over MQTT, where a broker is known.
        client_id: name of that connection at the broker; `mqtt.client_id` and `-alerts` where left out.
        severity_min: messages go out from this severity on: `info`, `warning` or `critical`.
        outbox_max: messages that may wait to be sent; beyond it the oldest is given up and counted.
        give_up_us: a message that could not be delivered for so long is given up.
        webhook_urls: addresses, with blanks between, that get every message by HTTP POST.
        webhook_secret: signs what goes to webhooks, with HMAC-SHA256.
        alertmanager_url: a Prometheus Alertmanager, which is told of every alert that stands once a minute.
        smtp_url: the mail server: `smtp://user:password@host:587` with STARTTLS, or `smtps://` with TLS from the start.
        smtp_starttls: false sends mail, and the password, over `smtp://` without encryption.
        smtp_ca_file: certificates that the mail server's is checked against; the system's when left out.
        mail_from: sender of mails.
        mail_to: who gets every message by mail; addresses with commas between.
        mail_escalation_to: who gets escalations by mail besides.
    """

    keep: bool = True
    look_s: float = 5.0
    storm_max: int = 10
    storm_us: int = 600_000_000
    days_max: int = 400
    publish: bool = True
    client_id: str | None = None
    severity_min: str = "warning"
    outbox_max: int = 10_000
    give_up_us: int = 86_400_000_000
    webhook_urls: str | None = None
    webhook_secret: str | None = None
    alertmanager_url: str | None = None
    smtp_url: str | None = None
    smtp_starttls: bool = True
    smtp_ca_file: Path | None = None
    mail_from: str | None = None
    mail_to: str | None = None
    mail_escalation_to: str | None = None

    def faults(self) -> list[str]:
        """Return what is wrong, one sentence per fault."""
        found = [] if 0 < self.look_s <= 3600 else ["look_s: expected more than 0 and at most 3600"]
        counts = ("storm_max", "days_max", "outbox_max")
        found += [f"{n}: expected at least 1, found {getattr(self, n)}" for n in counts if getattr(self, n) < 1]
        found += [f"{n}: expected 0 or more" for n in ("storm_us", "give_up_us") if getattr(self, n) < 0]
        if self.severity_min not in SEVERITIES:
            found.append(f"severity_min: expected one of {', '.join(SEVERITIES)}, found {self.severity_min!r}")
        for name, schemes, several in _ADDRESSES:
            text = getattr(self, name)
            given = [] if text is None else text.split() if several else [text]
            if not all(_is_url(one, schemes) for one in given):
                found.append(f"{name}: expected {' or '.join(f'{scheme}://…' for scheme in schemes)}")
        mailed = [n for n in ("mail_to", "mail_escalation_to") if getattr(self, n) is not None]
        for name in ("smtp_url", "mail_from"):
            if mailed and getattr(self, name) is None:
                found.append(f"{name}: is missing; {mailed[0]} asks for mails")
        for name in ("mail_from", *mailed):
            text = getattr(self, name)
            if text is not None and not all("@" in one for one in text.replace(",", " ").split()):
                found.append(f"{name}: expected addresses such as duty@city.example")
        return found


SEVERITIES = ("info", "warning", "critical")
_ADDRESSES = (
    ("webhook_urls", ("http", "https"), True),
    ("alertmanager_url", ("http", "https"), False),
    ("smtp_url", ("smtp", "smtps"), False),
)


def _is_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname)


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Who may use the console, and how often.

    Attributes:
        open_role: role of everybody on this machine as long as there is neither a token nor an identity provider.
        requests_per_s: requests of one client in the long run; beyond it is answered 429.
        requests_burst: requests of one client at once; a page asks for its files and figures together.
        clients_max: clients of whom that is remembered; the one that asked longest ago is forgotten first.
    """

    open_role: str = "operator"
    requests_per_s: float = 200.0
    requests_burst: float = 2_000.0
    clients_max: int = 10_000

    def faults(self) -> list[str]:
        """Return what is wrong, one sentence per fault."""
        found = []
        if self.open_role not in ROLES:
            found.append(f"open_role: expected one of {', '.join(ROLES)}, found {self.open_role!r}")
        for name in ("requests_per_s", "requests_burst", "clients_max"):
            value: float = getattr(self, name)
            if value < 1:
                found.append(f"{name}: expected at least 1, found {value:g}")
        return found


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """The identity provider whose tokens are taken (OpenID Connect); none without `issuer`.

    Attributes:
        issuer: as its tokens name it, e.g. `https://id.example/realms/city`.
        audience: as its tokens name this console.
        keys_url: where its public keys are; by the issuer's `/.well-known/openid-configuration` where left out.
        role_claim: where a token names roles, with dots between the levels, e.g. `realm_access.roles`.
        role_prefix: stands before the name of a role of ours, so that an `admin` of something else is none here.
    """

    issuer: str | None = None
    audience: str | None = None
    keys_url: str | None = None
    role_claim: str = "roles"
    role_prefix: str = "cityvitals-"

    def faults(self) -> list[str]:
        """Return what is wrong, one sentence per fault."""
        found = []
        if (self.issuer is None) != (self.audience is None):
            found.append("audience: expected together with issuer: a token for somebody else must not count here")
        for name in ("issuer", "keys_url"):
            url = getattr(self, name)
            if url is not None and not _is_safe(url):
                found.append(f"{name}: expected https://, or http:// of this machine, found {url!r}")
        return found


def _is_safe(url: str) -> bool:
    """Say whether nobody on the way can change what is read there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


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
        alerts: how the rules of the city are watched, and who is told.
        access: who may use the console, and how often.
        oidc: the identity provider whose tokens the console takes.
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
    alerts: AlertSettings = field(default_factory=AlertSettings)
    access: AccessSettings = field(default_factory=AccessSettings)
    oidc: OidcSettings = field(default_factory=OidcSettings)


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
        ("alerts", settings.alerts.faults()),
        ("access", settings.access.faults()),
        ("oidc", settings.oidc.faults()),
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
    if settings.alerts.client_id is not None and settings.alerts.client_id in (
        settings.mqtt.client_id, settings.results.client_id,
    ):  # fmt: skip
        found.append(("alerts.client_id", "expected a name of its own, or the others are disconnected"))
    return found
