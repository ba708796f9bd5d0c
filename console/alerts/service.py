"""Keeper, sender and publisher of a city's alerts together, from start to clean stop.

Knows the order in which they live, and which settings make which; each knows itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from console.alerts.evaluate import AlertRules
from console.alerts.facts import Places
from console.alerts.keeper import AlertKeeper, Keeping
from console.alerts.mqtt import AlertPublisher
from console.alerts.outlets import Alertmanager, Mail, Outlet, Webhook, addresses
from console.alerts.rules import AlertRule, Severity
from console.alerts.sender import Sender
from console.alerts.storms import StormLimits
from console.drift import DriftBook
from console.publisher import Publisher, refuse_loops
from console.settings import AlertSettings, ResultsSettings
from devices import Registry
from engine.store import alerts
from engine.store.alerts import Alert
from engine.store.session import Session
from ingest.settings import BrokerSettings

APPLICATION = "cityvitals alerts"
STOP_S_MAX = 15.0
"""How long the end waits for what is under way."""
MAIL, ESCALATION, WEBHOOK = "mail", "escalation", "webhook-{}"


@dataclass(frozen=True, slots=True)
class Watch:
    """What keeps the alerts, for those who want to know how it stands.

    Attributes:
        keeper, sender: the parts.
        publisher: None where nothing is published.
        drift: findings of drift, which the keeper looks for.
    """

    keeper: AlertKeeper
    sender: Sender
    publisher: Publisher | None
    drift: DriftBook

    def status(self) -> Mapping[str, Mapping[str, object]]:
        """Return where it stands, for metrics and people."""
        drift = self.drift.status() if self.keeper.owned.is_set() else {}
        return {"keeper": self.keeper.status(), "sender": self.sender.status(), "drift": drift}


def outlets_of(settings: AlertSettings) -> dict[str, Outlet]:
    """Return where messages go, by channel."""
    found: dict[str, Outlet] = {}
    for number, url in enumerate(addresses(settings.webhook_urls), 1):
        found[WEBHOOK.format(number)] = Webhook(url, settings.webhook_secret)
    for channel, receivers in ((MAIL, settings.mail_to), (ESCALATION, settings.mail_escalation_to)):
        if receivers is not None and settings.smtp_url is not None and settings.mail_from is not None:
            found[channel] = Mail(
                settings.smtp_url, settings.mail_from, tuple(addresses(receivers)), settings.smtp_starttls,
                settings.smtp_ca_file,
            )  # fmt: skip
    return found


def ready_rules(rules: tuple[AlertRule, ...], registry: Registry, settings: AlertSettings) -> AlertRules:
    """Return the rules of a city, ready to be evaluated."""
    storms = StormLimits(settings.storm_max, settings.storm_us)
    return AlertRules(rules, Places.of(registry), registry.city.zone_info, storms)


@contextmanager
def keeping(
    settings: AlertSettings,
    registry: Registry,
    rules: tuple[AlertRule, ...],
    database_url: str,
    broker: BrokerSettings | None,
    drift: DriftBook,
) -> Iterator[Watch]:
    """Watch the rules of a city for the length of a `with` block.

    Args:
        settings: how.
        registry: the city.
        rules: of the city.
        database_url: where alerts are kept.
        broker: where they are published; None: nowhere.
        drift: findings of drift, for everybody in this process.

    Raises:
        MisuseError: the gateway would receive what is published.
    """
    city = registry.city.code
    outlets = outlets_of(settings)

    def connect() -> Session:
        return alerts.open_session(database_url, APPLICATION, city)

    def clock_us() -> int:
        return time.time_ns() // 1000

    with ExitStack() as closing:
        publisher: Publisher | None = None
        publish: Callable[[Iterable[Alert], int], None] = _nowhere
        if settings.publish and broker is not None:
            refuse_loops(city, registry.subscriptions(), "alert", "alerts.publish")
            named = ResultsSettings(client_id=settings.client_id or f"{broker.client_id}-alerts", period_s=0.1)
            publisher = Publisher(broker, named, "alerts")
            publish = AlertPublisher(publisher, city)
            publisher.start()
            closing.callback(publisher.close)
        owned = threading.Event()
        manager = None if settings.alertmanager_url is None else Alertmanager(settings.alertmanager_url, city)
        sender = Sender(connect, owned, outlets, manager, give_up_us=settings.give_up_us, clock_us=clock_us)
        keeping_how = Keeping(
            city=city,
            look_s=settings.look_s,
            channels=tuple(channel for channel in outlets if channel != ESCALATION),
            escalation=tuple(channel for channel in outlets if channel == ESCALATION),
            severity_min=Severity(settings.severity_min),
            outbox_max=settings.outbox_max,
            days_max=settings.days_max,
        )
        keeper = AlertKeeper(
            connect, ready_rules(rules, registry, settings), keeping_how,
            publish=publish, wake=sender.wake.set, clock_us=clock_us, owned=owned,
            drift=drift,
        )  # fmt: skip
        stop = threading.Event()
        threads = [
            threading.Thread(target=part.run, args=(stop,), name=name, daemon=True)
            for part, name in ((keeper, "alerts"), (sender, "alerts-sender"))
        ]
        for thread in threads:
            thread.start()
        closing.callback(_end, stop, sender, threads)
        yield Watch(keeper, sender, publisher, drift)


def _nowhere(_alerts: object, _now_us: int) -> None:
    """Publish nothing."""


def _end(stop: threading.Event, sender: Sender, threads: list[threading.Thread]) -> None:
    stop.set()
    sender.wake.set()
    for thread in threads:
        thread.join(STOP_S_MAX)
