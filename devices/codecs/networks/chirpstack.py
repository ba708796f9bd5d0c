"""ChirpStack: events of version 4, of version 3 in both of its JSON forms, and of Milesight gateways, whose network
server writes as version 3 does.

Knows their members. Version 4 and the newer form of 3 are Protocol Buffers in JSON, where zero, false and what is
empty may be left out. What is no event `up` has no bytes of the device.
"""

from __future__ import annotations

import re
from typing import Final

from devices.codecs.jsontext import NumberText, dump_json, parse_json
from devices.codecs.networks.base import (
    COUNTER_MAX,
    Uplink,
    clock_us,
    earliest,
    objects,
    refuse_normalized,
    text_of,
    whole,
    word,
)
from devices.errors import PayloadError
from devices.payloads import PORT_MAX
from devices.times import rfc3339

NAME_4: Final = "ChirpStack v4"
NAME_3: Final = "ChirpStack v3"
NAME_MILESIGHT: Final = "Milesight gateway"
_UP: Final = ("data", "object", "objectJSON", "fPort", "fCnt")
# What only one other kind of event has, in the order in which it is asked for.
_OTHERS: Final = (
    ("acknowledged", "ack"), ("downlinkId", "txack"), ("queueItemId", "ack"), ("margin", "status"),
    ("batteryLevel", "status"), ("externalPowerSource", "status"), ("location", "location"),
    ("integrationName", "integration"), ("level", "log"), ("error", "error"),
)  # fmt: skip
# A Milesight gateway leaves a dash out of its dates: 2020-0327T12:39:05.547336Z
_DASH_MISSING: Final = re.compile(r"([0-9]{4}-[0-9]{2})([0-9]{2}T)")


class ChirpStack4:
    """Version 4."""

    def read(self, message: dict[str, object]) -> Uplink | None:
        """Return what a message tells; see `Network.read`."""
        if not isinstance(message.get("deviceInfo"), dict):
            return None
        gateways = objects(message, "rxInfo")
        time_us = clock_us(message.get("time"))
        if time_us is None:
            time_us = earliest(gateway.get("nsTime") for gateway in gateways)
        if time_us is None:
            time_us = earliest(gateway.get("gwTime") for gateway in gateways)
        # An uplink without port and payload, of which zeros were left out, still says who heard it.
        kind = _kind(message, ("rxInfo", *_UP))
        return _uplink(message, NAME_4, kind, time_us)

    def write(self, uplink: Uplink, data: bytes | None) -> dict[str, object]:
        """Return a message; see `Network.write`."""
        message: dict[str, object] = {} if uplink.time_us is None else {"time": _offset(uplink.time_us)}
        message |= {"deviceInfo": {}, "fPort": NumberText(uplink.f_port or 1)}
        return _with_payload(message, uplink, data)


class ChirpStack3:
    """Version 3, both forms."""

    def read(self, message: dict[str, object]) -> Uplink | None:
        """Return what a message tells; see `Network.read`."""
        if not ("applicationID" in message and "devEUI" in message) or "time" in message:
            return None
        time_us = earliest(gateway.get("time") for gateway in objects(message, "rxInfo"))
        if time_us is None:
            time_us = clock_us(message.get("publishedAt"))
        return _uplink(message, NAME_3, _kind(message, ("data", "object", "objectJSON", "fPort")), time_us)

    def write(self, uplink: Uplink, data: bytes | None) -> dict[str, object]:
        """Return a message in the newer form; see `Network.write`."""
        gateway = {} if uplink.time_us is None else {"time": rfc3339(uplink.time_us)}
        message: dict[str, object] = {
            "applicationID": "1", "devEUI": "AAAAAAAAAAA=", "rxInfo": [gateway],
            "fPort": NumberText(uplink.f_port or 1),
        }  # fmt: skip
        if uplink.decoded is not None:
            message["objectJSON"] = dump_json(uplink.decoded).decode("utf-8")
        return _with_payload(message, uplink._replace(decoded=None), data)


class MilesightGateway:
    """The network server inside a Milesight gateway: it adds a time of its own."""

    def read(self, message: dict[str, object]) -> Uplink | None:
        """Return what a message tells; see `Network.read`."""
        if not ("applicationID" in message and "devEUI" in message and "time" in message):
            return None
        text = _DASH_MISSING.sub(r"\1-\2", word(message["time"]), count=1)
        return _uplink(message, NAME_MILESIGHT, _kind(message, _UP), clock_us(text))

    def write(self, uplink: Uplink, data: bytes | None) -> dict[str, object]:
        """Return a message; see `Network.write`."""
        message: dict[str, object] = {
            "applicationID": NumberText("1"), "devEUI": "0000000000000000",
            "time": "" if uplink.time_us is None else rfc3339(uplink.time_us),
            "fPort": NumberText(uplink.f_port or 1),
        }  # fmt: skip
        return _with_payload(message, uplink, data)


def _kind(message: dict[str, object], up: tuple[str, ...]) -> str:
    """Return which event a message is."""
    for member, kind in _OTHERS:
        if member in message:
            return kind
    return "uplink" if any(member in message for member in up) else "join"


def _uplink(message: dict[str, object], network: str, kind: str, time_us: int | None) -> Uplink:
    """Return an event, with what the device sent if it is an uplink."""
    told = Uplink(network, message, kind, time_us)
    if kind != "uplink":
        return told
    session = word(message.get("devAddr"))
    f_cnt = whole(message, "fCnt", COUNTER_MAX)
    return told._replace(
        data=message.get("data"),
        f_port=whole(message, "fPort", PORT_MAX) or 0,
        f_cnt=0 if f_cnt is None and session else f_cnt,
        session=session,
        decoded=_decoded(message, network),
    )


def _decoded(message: dict[str, object], network: str) -> object:
    """Return what the network server's decoder made: an object, or the text of one.

    Raises:
        PayloadError: `malformed`, the text is not JSON.
    """
    text = message.get("objectJSON")
    if not isinstance(text, str) or not text:
        return message.get("object")
    try:
        return parse_json(text.encode("utf-8", "surrogatepass"))
    except PayloadError as error:
        raise PayloadError(error.reason, f"{network}: objectJSON: {error.detail}") from error


def _with_payload(message: dict[str, object], uplink: Uplink, data: bytes | None) -> dict[str, object]:
    refuse_normalized(uplink)
    if data is not None:
        message["data"] = text_of(data, hexadecimal=False)
    if uplink.decoded is not None:
        message["object"] = uplink.decoded
    return message


def _offset(time_us: int) -> str:
    return rfc3339(time_us).replace("Z", "000+00:00")
