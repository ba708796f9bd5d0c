"""MQTT control packets as bytes: what a subscriber sends and what it is answered.

Pure functions over bytes, for MQTT 5.0 and 3.1.1 (OASIS standards of 2019 and 2014). Knows no socket. Incoming
PUBLISH packets are not here: they are found in bulk by `ingest.kernels`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ingest.errors import ProtocolError

MQTT_5 = 5
MQTT_311 = 4
"""Protocol levels as they stand in CONNECT."""

CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK = 2, 3, 4, 5, 6, 7, 9, 11
PINGRESP, DISCONNECT, AUTH = 13, 14, 15
"""Packet types of the fixed header that a broker may send."""

PINGREQ = b"\xc0\x00"

REASONS_5 = {
    0x00: "success",
    0x04: "disconnect with will message",
    0x80: "unspecified error",
    0x81: "malformed packet",
    0x82: "protocol error",
    0x83: "implementation specific error",
    0x84: "unsupported protocol version",
    0x85: "client identifier not valid",
    0x86: "bad user name or password",
    0x87: "not authorized",
    0x88: "server unavailable",
    0x89: "server busy",
    0x8A: "banned",
    0x8B: "server shutting down",
    0x8C: "bad authentication method",
    0x8D: "keep alive timeout",
    0x8E: "session taken over",
    0x8F: "topic filter invalid",
    0x90: "topic name invalid",
    0x91: "packet identifier in use",
    0x93: "receive maximum exceeded",
    0x94: "topic alias invalid",
    0x95: "packet too large",
    0x96: "message rate too high",
    0x97: "quota exceeded",
    0x98: "administrative action",
    0x99: "payload format invalid",
    0x9A: "retain not supported",
    0x9B: "QoS not supported",
    0x9C: "use another server",
    0x9D: "server moved",
    0x9E: "shared subscriptions not supported",
    0x9F: "connection rate exceeded",
    0xA0: "maximum connect time",
    0xA1: "subscription identifiers not supported",
    0xA2: "wildcard subscriptions not supported",
}
"""Reason codes of MQTT 5.0, section 2.4, in words."""

RETURNS_311 = {
    0: "success",
    1: "unsupported protocol version",
    2: "client identifier not valid",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
}
"""CONNACK return codes of MQTT 3.1.1, section 3.2.2.3, in words."""

UNSUPPORTED_VERSION = frozenset({1, 0x84})
"""CONNACK codes that ask for another protocol version: a 3.1.1 broker answers 1 in its own form."""
ACT_BEFORE_RETRY = frozenset({2, 4, 5, 0x85, 0x86, 0x87, 0x8A, 0x8C})
"""CONNACK codes that no repetition cures: somebody has to change the settings."""
TAKEN_OVER = 0x8E

# Property identifiers (MQTT 5.0, section 2.2.2.2) by the form of their value.
_BYTE = frozenset({0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A})
_TWO = frozenset({0x13, 0x21, 0x22, 0x23})
_FOUR = frozenset({0x02, 0x11, 0x18, 0x27})
_VARINT = frozenset({0x0B})
_TEXT = frozenset({0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F})
_PAIR = 0x26
SERVER_KEEP_ALIVE, REASON_STRING, MAXIMUM_QOS = 0x13, 0x1F, 0x24


@dataclass(frozen=True, slots=True)
class ConnectAnswer:
    """A CONNACK.

    Attributes:
        session_present: the broker still has the session, its subscriptions and its queue.
        code: 0 for success; else a code of `REASONS_5` or `RETURNS_311`.
        words: the code, and the broker's own text where it gave one.
        keepalive_s: the broker's own keep-alive, which replaces ours; None where it has none.
        qos_max: the highest QoS the broker grants.
    """

    session_present: bool
    code: int
    words: str
    keepalive_s: int | None
    qos_max: int


@dataclass(frozen=True, slots=True)
class SubscribeAnswer:
    """A SUBACK: one code per filter in the order asked; 0 to 2 is the QoS granted, 128 and above a refusal."""

    packet_id: int
    codes: tuple[int, ...]


class PublishHead(NamedTuple):
    """What is known of a PUBLISH from its first bytes; `payload` is the beginning of it."""

    packet_id: int
    qos: int
    retained: bool
    dup: bool
    topic: bytes
    payload: bytes


def varint(value: int) -> bytes:
    """Encode a variable byte integer (MQTT 5.0, section 1.5.5)."""
    out = bytearray()
    while True:
        value, low = divmod(value, 128)
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def text(value: str | bytes) -> bytes:
    """Encode a string or binary field: two bytes of length, then the bytes."""
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def packet(first: int, body: bytes) -> bytes:
    """Put the fixed header (its first byte given) before a body."""
    return bytes([first]) + varint(len(body)) + body


def connect(
    protocol: int,
    client_id: str,
    keepalive_s: int,
    session_expiry_s: int,
    receive_maximum: int,
    username: str | None = None,
    password: str | None = None,
) -> bytes:
    """Encode CONNECT for a persistent session (clean start 0), without a will."""
    flags = (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    body = text("MQTT") + bytes([protocol, flags]) + struct.pack(">H", keepalive_s)
    if protocol == MQTT_5:
        properties = struct.pack(">BIBH", 0x11, session_expiry_s, 0x21, receive_maximum)
        body += varint(len(properties)) + properties
    body += text(client_id)
    if username is not None:
        body += text(username)
    if password is not None:
        body += text(password)
    return packet(0x10, body)


def subscribe(protocol: int, packet_id: int, filters: Sequence[str]) -> bytes:
    """Encode SUBSCRIBE at QoS 1: the broker sends messages published at QoS 2 down to us at QoS 1.

    In MQTT 5 retained messages come only when the subscription is new (retain handling 1), and the retain bit
    tells a stored message from a live one (retain as published 0).
    """
    options = 0x01 | (0x10 if protocol == MQTT_5 else 0)
    body = struct.pack(">H", packet_id) + (b"\x00" if protocol == MQTT_5 else b"")
    return packet(0x82, body + b"".join(text(name) + bytes([options]) for name in filters))


def unsubscribe(protocol: int, packet_id: int, filters: Sequence[str]) -> bytes:
    """Encode UNSUBSCRIBE; what of it was never subscribed does no harm."""
    body = struct.pack(">H", packet_id) + (b"\x00" if protocol == MQTT_5 else b"")
    return packet(0xA2, body + b"".join(map(text, filters)))


def publish(protocol: int, topic: str, payload: bytes) -> bytes:
    """Encode PUBLISH at QoS 0, not retained."""
    return packet(0x30, text(topic) + (b"\x00" if protocol == MQTT_5 else b"") + payload)


def pubcomp(packet_id: int) -> bytes:
    """Encode PUBCOMP, success."""
    return struct.pack(">BBH", 0x70, 2, packet_id)


def disconnect(protocol: int, reason: int = 0) -> bytes:
    """Encode DISCONNECT; the session stays at the broker."""
    if protocol == MQTT_5 and reason:
        return bytes([0xE0, 1, reason])
    return b"\xe0\x00"


def parse_varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a variable byte integer and the position after it; raise ProtocolError where there is none."""
    value = 0
    for place in range(4):
        if at + place >= len(data):
            break
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ProtocolError("a variable byte integer", data[at : at + 4].hex(" ") or "the end of the packet")


def parse_connack(body: bytes, protocol: int) -> ConnectAnswer:
    """Read the body of a CONNACK; a 3.1.1 answer to a CONNECT of version 5 is understood as what it is."""
    if len(body) < 2 or body[0] > 1:
        raise ProtocolError("a CONNACK", body[:16].hex(" ") or "an empty body")
    code = body[1]
    if protocol == MQTT_311 or (len(body) == 2 and code < 0x80):
        words = RETURNS_311.get(code, f"unknown return code {code}")
        return ConnectAnswer(body[0] == 1, code, words, None, 2)
    properties = parse_properties(body, 2) if len(body) > 2 else {}
    keepalive = properties.get(SERVER_KEEP_ALIVE)
    qos_max = properties.get(MAXIMUM_QOS, 2)
    return ConnectAnswer(
        body[0] == 1,
        code,
        _in_words(code, properties),
        keepalive if isinstance(keepalive, int) else None,
        qos_max if isinstance(qos_max, int) else 2,
    )


def parse_suback(body: bytes, protocol: int) -> SubscribeAnswer:
    """Read the body of a SUBACK."""
    if len(body) < 3:
        raise ProtocolError("a SUBACK", body.hex(" ") or "an empty body")
    at = 2
    if protocol == MQTT_5:
        length, at = parse_varint(body, 2)
        at += length
    if at >= len(body):
        raise ProtocolError("a SUBACK with a code per filter", body[:16].hex(" "))
    return SubscribeAnswer(struct.unpack_from(">H", body)[0], tuple(body[at:]))


def parse_disconnect(body: bytes) -> tuple[int, str]:
    """Return code and words of a DISCONNECT from the broker (MQTT 5; 3.1.1 has none)."""
    if not body:
        return 0, REASONS_5[0]
    return body[0], _in_words(body[0], parse_properties(body, 1) if len(body) > 1 else {})


def parse_pubrel(body: bytes) -> int:
    """Return the packet id of a PUBREL."""
    if len(body) < 2:
        raise ProtocolError("a PUBREL with a packet id", body.hex(" ") or "an empty body")
    return int(struct.unpack_from(">H", body)[0])


def parse_publish_head(first: int, head: bytes, size: int, mqtt_5: bool, payload_bytes_max: int) -> PublishHead:
    """Read the head of a PUBLISH whose body has `size` bytes, of which `head` is the beginning.

    `head` holds the longest topic at least. Where properties go on beyond it, the payload is taken for empty.
    """
    level = (first >> 1) & 3
    name = struct.unpack_from(">H", head)[0]
    at = 2 + name
    if name == 0 or at + (2 if level else 0) > size:
        raise ProtocolError("a topic inside its packet", f"{name} bytes of topic in {size}")
    number = 0
    if level:
        number = struct.unpack_from(">H", head, at)[0]
        at += 2
        if number == 0:
            raise ProtocolError("a packet id above 0", "0")
    if mqtt_5:
        length, at = parse_varint(head, at)
        at += length
        if at > size:
            raise ProtocolError("properties inside their packet", f"{length} bytes of them")
    payload = head[at : at + payload_bytes_max]
    return PublishHead(number, level, bool(first & 1), bool(first & 8), head[2 : 2 + name], payload)


def parse_properties(body: bytes, at: int) -> dict[int, int | str | tuple[str, str]]:
    """Return the properties that start with their length at `at`; of a repeated one the last stays."""
    length, at = parse_varint(body, at)
    end = at + length
    if end > len(body):
        raise ProtocolError(f"{length} bytes of properties", f"{len(body) - at}")
    found: dict[int, int | str | tuple[str, str]] = {}
    try:
        while at < end:
            name = body[at]
            at += 1
            if name in _BYTE:
                found[name], at = body[at], at + 1
            elif name in _TWO:
                found[name], at = struct.unpack_from(">H", body, at)[0], at + 2
            elif name in _FOUR:
                found[name], at = struct.unpack_from(">I", body, at)[0], at + 4
            elif name in _VARINT:
                found[name], at = parse_varint(body, at)
            elif name in _TEXT:
                found[name], at = _parse_text(body, at)
            elif name == _PAIR:
                key, at = _parse_text(body, at)
                value, at = _parse_text(body, at)
                found[name] = (key, value)
            else:
                raise ProtocolError("a known property", f"identifier {name:#04x}")
    except (IndexError, struct.error):
        raise ProtocolError("whole properties", "a property cut short") from None
    if at != end:
        raise ProtocolError("properties as long as they say", f"{at - end} bytes more")
    return found


def _parse_text(body: bytes, at: int) -> tuple[str, int]:
    length = struct.unpack_from(">H", body, at)[0]
    at += 2
    if at + length > len(body):
        raise ProtocolError(f"{length} bytes of text", f"{len(body) - at}")
    return body[at : at + length].decode("utf-8", "replace"), at + length


def _in_words(code: int, properties: dict[int, int | str | tuple[str, str]]) -> str:
    words = REASONS_5.get(code, f"unknown reason code {code:#04x}")
    own = properties.get(REASON_STRING)
    return f"{words} ({own})" if own else words
