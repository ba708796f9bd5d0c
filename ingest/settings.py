"""What the session may be told: the broker to speak to, and the limits of what is held in memory.

Frozen data with its own checks; knows no file format and no environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from urllib.parse import unquote, urlsplit

from devices import PAYLOAD_BYTES_MAX, READINGS_MAX
from devices.topics import covers, overlap, topic_faults

PORTS = {"mqtt": 1883, "mqtts": 8883}
"""Schemes of a broker's address, and the port each means when none is written."""
DISCOVER_MAX = 50
"""Filters of topics that are no registered device's."""
PROTOCOLS = ("auto", "5", "3.1.1")
"""MQTT versions; `auto` speaks 5 and falls back to 3.1.1 when the broker does not know it."""


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Where the broker is and how to be known to it.

    Attributes:
        url: `mqtt://host:port` or `mqtts://host:port` (TLS); may carry `user:password@`.
        client_id: names the persistent session at the broker; fixed, and used by one gateway only. Where left out,
            the command adds `-` and the city's code.
        username, password: override those of the url.
        ca_file: certificates that the broker's is checked against; the system's when left out.
        certificate_file, key_file: the client certificate, where the broker asks for one.
        keepalive_s: a silent connection is probed after this time; the peer is given up after half as long again.
        session_expiry_s: how long the broker keeps the session and its queue while the gateway is away.
        receive_maximum: unacknowledged messages the broker may have under way (MQTT 5). It bounds the rate to
            receive_maximum per commit time: 20 under way and a commit of 100 ms are 200 messages a second.
        protocol: MQTT `5`, `3.1.1`, or `auto`: 5, and 3.1.1 where the broker does not know it.
        connect_timeout_s: for the connection, the TLS handshake and the broker's answer, each.
        reconnect_delay_s_base, reconnect_delay_s_max: attempt n waits a random time below
            min(max, base * 2**n), so that a fleet of clients does not return in one instant.
        drain_s_max: how long a stopping session waits for the commit of what it already took.
        discover: filters of topics that are heard although no registered device has them, so that `devices discover`
            can offer them: levels and `+`, blanks between filters. Their messages go to the quarantine.
    """

    url: str = "mqtt://127.0.0.1:1883"
    client_id: str = "cityvitals-gateway"
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    keepalive_s: int = 30
    session_expiry_s: int = 7 * 86_400
    receive_maximum: int = 20_000
    protocol: str = "auto"
    connect_timeout_s: float = 10.0
    reconnect_delay_s_base: float = 0.25
    reconnect_delay_s_max: float = 15.0
    drain_s_max: float = 5.0
    discover: str = ""

    @property
    def discovered(self) -> tuple[str, ...]:
        """Return the filters to discover devices by."""
        return tuple(dict.fromkeys(self.discover.split()))

    @property
    def tls(self) -> bool:
        """Say whether the url asks for TLS."""
        return urlsplit(self.url).scheme == "mqtts"

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port; raise ValueError where the url names none."""
        parts = urlsplit(self.url)
        if not parts.hostname:
            raise ValueError(f"{self.shown_url}: expected mqtt://host:port or mqtts://host:port")
        return parts.hostname, parts.port or PORTS.get(parts.scheme, PORTS["mqtt"])

    @property
    def credentials(self) -> tuple[str | None, str | None]:
        """Return username and password, from the fields or else from the url."""
        parts = urlsplit(self.url)
        username = self.username if self.username is not None else unquote(parts.username) if parts.username else None
        password = self.password if self.password is not None else unquote(parts.password) if parts.password else None
        return username, password

    @property
    def shown_url(self) -> str:
        """Return the url without the password, for logs and errors."""
        parts = urlsplit(self.url)
        if parts.password is None:
            return self.url
        return self.url.replace(f":{parts.password}@", ":***@", 1)

    def faults(self) -> list[str]:
        """Return what is wrong with these settings, one sentence per fault; empty when nothing is."""
        found = _url_faults(self)
        if not self.client_id:
            found.append("client_id: a fixed name is needed, or the broker could not keep the session")
        if self.protocol not in PROTOCOLS:
            found.append(f"protocol: expected one of {', '.join(PROTOCOLS)}, found {self.protocol!r}")
        if not 1 <= self.keepalive_s <= 65_535:
            found.append(f"keepalive_s: expected 1 to 65535, found {self.keepalive_s}")
        if not 1 <= self.receive_maximum <= 65_535:
            found.append(f"receive_maximum: expected 1 to 65535, found {self.receive_maximum}")
        if not 0 <= self.session_expiry_s <= 0xFFFF_FFFF:
            found.append(f"session_expiry_s: expected 0 to 4294967295, found {self.session_expiry_s}")
        if not 0 < self.reconnect_delay_s_base <= self.reconnect_delay_s_max:
            found.append("reconnect_delay_s_base: expected more than 0 and at most reconnect_delay_s_max")
        if (self.certificate_file is None) != (self.key_file is None):
            found.append("certificate_file and key_file: give both or neither")
        if self.password is not None and self.credentials[0] is None:
            found.append("password: given without a username")
        found += _filter_faults(self.discovered)
        for name in ("ca_file", "certificate_file", "key_file"):
            path: Path | None = getattr(self, name)
            if path is None:
                continue
            if not self.tls:
                found.append(f"{name}: used only with mqtts://, found {self.shown_url}")
            elif not path.is_file():
                found.append(f"{name}: no file {path}")
        return found


def _filter_faults(filters: tuple[str, ...]) -> list[str]:
    found = []
    if len(filters) > DISCOVER_MAX:
        found.append(f"discover: expected at most {DISCOVER_MAX} filters, found {len(filters)}")
    for one in filters:
        plain = "/".join("x" if level == "+" else level for level in one.split("/"))
        found += [f"discover: {one}: {fault}" for fault in topic_faults(plain)]
    found += [
        f"discover: {one} and {other} take the same topics; the broker would deliver these twice"
        for one, other in combinations(filters, 2)
        if overlap(one, other) and not covers(one, other) and not covers(other, one)
    ]
    return found


def _url_faults(settings: BrokerSettings) -> list[str]:
    try:
        parts = urlsplit(settings.url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return [f"url: {error}; expected mqtt://host:port or mqtts://host:port"]
    if parts.scheme not in PORTS or not host or port == 0 or parts.path.strip("/") or parts.query:
        return [f"url: expected mqtt://host:port or mqtts://host:port, found {settings.shown_url}"]
    return []


FRAME_BYTES_MIN = 1024
"""A smaller `frame_bytes_max` would refuse ordinary packs."""
HEAD_BYTES_MAX = 65_535 + 32
"""Room for the longest topic with its packet id and lengths, at the head of an oversized frame."""


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """Bounds of one intake (a group of messages committed together) and of one message.

    Attributes:
        messages_max, readings_max, bytes_max: an intake is full at the first of these; a full intake that the
            committer cannot take yet stops the reading of the socket, which slows the broker.
        commit_interval_s: an intake is handed over at this age, or as soon after as the committer is free.
        frame_bytes_max: a larger message is not decoded but quarantined as `oversized`.
        quarantine_bytes_max: of a quarantined payload this much is kept; a longer one cannot be decoded again.
        message_readings_max: a message with more readings is quarantined as `too_many`.
        read_bytes_max: taken from the socket at once.
        read_pause_s: least time between two reads. At a high rate the broker writes each message by itself;
            without the pause every wake-up would carry one or two.
        intakes: intakes in existence: one being filled, one handed over, one being committed.
    """

    messages_max: int = 32_768
    readings_max: int = 262_144
    bytes_max: int = 16 * 1024 * 1024
    commit_interval_s: float = 0.025
    frame_bytes_max: int = PAYLOAD_BYTES_MAX
    quarantine_bytes_max: int = 32_768
    message_readings_max: int = READINGS_MAX
    read_bytes_max: int = 1024 * 1024
    read_pause_s: float = 0.001
    intakes: int = 3

    def faults(self) -> list[str]:
        """Return what is wrong with these limits, one sentence per fault; empty when nothing is."""
        counts = ("messages_max", "readings_max", "quarantine_bytes_max", "message_readings_max")
        found = [f"{n}: expected at least 1, found {getattr(self, n)}" for n in counts if getattr(self, n) < 1]
        if self.message_readings_max > READINGS_MAX:
            found.append(f"message_readings_max: expected at most {READINGS_MAX}, found {self.message_readings_max}")
        if self.message_readings_max > self.readings_max:
            found.append("message_readings_max: expected at most readings_max, or the message would never fit")
        if not FRAME_BYTES_MIN <= self.frame_bytes_max <= PAYLOAD_BYTES_MAX:
            found.append(
                f"frame_bytes_max: expected {FRAME_BYTES_MIN} to {PAYLOAD_BYTES_MAX}, found {self.frame_bytes_max}"
            )
        needed = 2 * (self.frame_bytes_max + HEAD_BYTES_MAX + self.quarantine_bytes_max)
        if not needed <= self.bytes_max < 2**31:
            found.append(f"bytes_max: expected {needed} (two largest frames) to {2**31 - 1}, found {self.bytes_max}")
        if self.read_bytes_max < 1:
            found.append(f"read_bytes_max: expected at least 1, found {self.read_bytes_max}")
        if self.commit_interval_s < 0 or self.read_pause_s < 0:
            found.append("commit_interval_s and read_pause_s: expected 0 or more")
        if self.intakes < 3:
            found.append(f"intakes: expected at least 3 (filled, handed over, committed), found {self.intakes}")
        return found
