"""LORIOT: uplinks as `rx`, and once more as `gw` when every gateway that heard them is known.

Knows its members. Both messages of one uplink have the same time and frame counter.
"""

from __future__ import annotations

from typing import Final

from devices.codecs.jsontext import NumberText
from devices.codecs.networks.base import COUNTER_MAX, Uplink, clock_us, refuse_normalized, text_of, whole, word
from devices.payloads import PORT_MAX

NAME: Final = "LORIOT"
_UPLINKS: Final = ("rx", "gw")
_US_A_MS: Final = 1_000


class Loriot:
    """The network."""

    def read(self, message: dict[str, object]) -> Uplink | None:
        """Return what a message tells; see `Network.read`."""
        command = message.get("cmd")
        if not isinstance(command, str) or "EUI" not in message:
            return None
        told = Uplink(NAME, message, command, clock_us(message.get("ts"), "epoch_ms"))
        if command not in _UPLINKS:
            return told
        return told._replace(
            kind="uplink",
            data=message.get("data"),
            hexadecimal=True,
            f_port=whole(message, "port", PORT_MAX) or 0,
            f_cnt=whole(message, "fcnt", COUNTER_MAX),
            session=word(message.get("devaddr")),
            decoded=message.get("decoded"),
        )

    def write(self, uplink: Uplink, data: bytes | None) -> dict[str, object]:
        """Return a message; see `Network.write`."""
        refuse_normalized(uplink)
        message: dict[str, object] = {"cmd": "rx", "EUI": "0000000000000000", "port": NumberText(uplink.f_port or 1)}
        if uplink.time_us is not None:
            if uplink.time_us % _US_A_MS:
                raise ValueError("LORIOT counts time in milliseconds")
            message["ts"] = NumberText(uplink.time_us // _US_A_MS)
        if data is not None:
            message["data"] = text_of(data, hexadecimal=True)
        if uplink.decoded is not None:
            message["decoded"] = uplink.decoded
        return message
