"""Prometheus metrics of the keeping of alerts, and of drift: what there is, read from one status at every scrape.

Knows the shape of that status and prometheus-client; no label ever names a device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from console.alerts.rules import SEVERITIES

Status = Mapping[str, Mapping[str, Any]]
"""What `service.Watch.status` returns."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric.

    Attributes:
        name: as exposed; a counter ends in `_total`.
        help: what it says.
        part, key: where it stands in the status.
        label: name of the one label, where there is a number for each of several.
    """

    name: str
    help: str
    part: str
    key: str
    label: str = ""


DEFINITIONS: Final = (
    Definition("cityvitals_alerts_open", "Alerts that stand and are not shelved.", "keeper", "standing", "severity"),
    Definition("cityvitals_alert_changes_total", "What became of alerts.", "keeper", "changes", "change"),
    Definition("cityvitals_alert_keeper", "1 while this console keeps the alerts, else 0.", "keeper", "owned"),
    Definition("cityvitals_alert_looks_total", "How often the facts were looked at.", "keeper", "looks"),
    Definition("cityvitals_alert_looks_told_total", "How often because figures were written.", "keeper", "told"),
    Definition(
        "cityvitals_alert_look_failures_total", "Looks broken off; the next one does their work.", "keeper", "failures"
    ),
    Definition("cityvitals_alert_look_seconds", "How long the last look took.", "keeper", "seconds"),
    Definition(
        "cityvitals_alert_messages_sent_total", "Messages delivered, by where they went.", "sender", "sent", "channel"
    ),
    Definition("cityvitals_alert_messages_failed_total", "Attempts in vain.", "sender", "failed", "channel"),
    Definition(
        "cityvitals_alert_messages_given_up_total", "Messages that could not be delivered for too long.", "sender",
        "given_up", "channel",
    ),
    Definition(
        "cityvitals_alert_messages_overflowed_total", "Messages given up because too many waited.", "keeper",
        "overflowed",
    ),
    Definition("cityvitals_alert_messages_waiting", "Messages that wait to be sent.", "sender", "waiting"),
    Definition(
        "cityvitals_drift_findings", "Devices' fields that are not as their models expect.", "drift", "findings",
        "finding",
    ),
    Definition("cityvitals_drift_devices", "Devices with such findings.", "drift", "devices"),
    Definition(
        "cityvitals_drift_findings_unlisted", "Findings that are counted and not listed, because they are too many.",
        "drift", "unlisted",
    ),
    Definition("cityvitals_drift_looks_total", "How often they were looked for.", "drift", "looks"),
    Definition(
        "cityvitals_drift_look_failures_total", "Looks for them that the database did not answer.", "drift", "failures"
    ),
    Definition("cityvitals_drift_look_seconds", "How long the last look for them took.", "drift", "seconds"),
)  # fmt: skip


class AlertCollector(Collector):
    """Makes metrics of one status per scrape."""

    def __init__(self, status: Callable[[], Status]) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        status = self._status()
        for one in DEFINITIONS:
            value: Any = status[one.part].get(one.key)
            if value is None:  # who does not keep the alerts has not looked
                continue
            if one.key == "standing":
                value = {str(severity): value.get(severity, 0) for severity in SEVERITIES}
            yield _family(one, value if one.label else {"": value})

    def describe(self) -> Iterable[Metric]:
        """Say nothing beforehand."""
        return []


def _family(one: Definition, values: Mapping[str, float]) -> Metric:
    labels = [one.label] if one.label else []
    family: CounterMetricFamily | GaugeMetricFamily
    if one.name.endswith("_total"):
        family = CounterMetricFamily(one.name.removesuffix("_total"), one.help, labels=labels)
    else:
        family = GaugeMetricFamily(one.name, one.help, labels=labels)
    for label, number in values.items():
        family.add_metric([label] if one.label else [], number)
    return family
