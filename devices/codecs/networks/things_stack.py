"""The Things Stack v3 (The Things Network, The Things Industries): what MQTT, webhooks and storage answer alike.

Knows its members. Empty ones are left out there, so a frame counter or port of 0 is absent.
"""

from __future__ import annotations

from typing import Final

from devices.codecs.jsontext import NumberText
from devices.codecs.networks.base import COUNTER_MAX, Uplink, clock_us, earliest, inner, objects, text_of, whole, word
from devices.errors import PayloadError
from devices.payloads import PORT_MAX
from devices.times import rfc3339

NAME: Final = "The Things Stack"
_OTHER_KINDS: Final = (
    "uplink_normalized", "join_accept", "downlink_ack", "downlink_nack", "downlink_sent", "downlink_failed",
    "downlink_queued", "downlink_queue_invalidated", "location_solved", "service_data",
)  # fmt: skip


class ThingsStack:
    """The network."""

    def read(self, message: dict[str, object]) -> Uplink | None:
        """Return what a message tells; see `Network.read`."""
        if isinstance(message.get("result"), dict):  # the storage integration wraps each message
            message = inner(message, "result")
        if message.get("simulated") is True:
            raise PayloadError("empty", f"{NAME}: somebody simulated this message, no device measured anything")
        up = message.get("uplink_message")
        if not isinstance(up, dict):
            kind = next((kind for kind in _OTHER_KINDS if kind in message), None)
            return None if kind is None else self._other(message, kind)
        session = word(up.get("session_key_id")) or word(inner(message, "end_device_ids").get("dev_addr"))
        f_cnt = whole(up, "f_cnt", COUNTER_MAX)
        return Uplink(
            network=NAME,
            root=message,
            kind="uplink",
            time_us=_time_us(message, up),
            data=up.get("frm_payload"),
            f_port=whole(up, "f_port", PORT_MAX) or 0,
            f_cnt=0 if f_cnt is None and session else f_cnt,
            session=session,
            decoded=up.get("decoded_payload"),
            normalized=up.get("normalized_payload"),
        )

    def _other(self, message: dict[str, object], kind: str) -> Uplink:
        """Return a message that is no uplink; one of a single normalized measurement is half of one."""
        body = inner(message, kind)
        told = Uplink(NAME, message, kind, _time_us(message, body))
        return told._replace(normalized=[body.get("normalized_payload")]) if kind == "uplink_normalized" else told

    def write(self, uplink: Uplink, data: bytes | None) -> dict[str, object]:
        """Return a message; see `Network.write`."""
        up: dict[str, object] = {"f_port": NumberText(uplink.f_port or 1)}
        if data is not None:
            up["frm_payload"] = text_of(data, hexadecimal=False)
        if uplink.decoded is not None:
            up["decoded_payload"] = uplink.decoded
        if uplink.normalized is not None:
            up["normalized_payload"] = uplink.normalized
        if uplink.time_us is not None:
            up["received_at"] = rfc3339(uplink.time_us).replace("Z", "000Z")
        return {"uplink_message": up}


def _time_us(message: dict[str, object], up: dict[str, object]) -> int | None:
    """Return when the network server heard it; else the application server; else the first gateway."""
    for value in (up.get("received_at"), message.get("received_at")):
        time_us = clock_us(value)
        if time_us is not None:
            return time_us
    return earliest(gateway.get("time") for gateway in objects(up, "rx_metadata"))
