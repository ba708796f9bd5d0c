"""ThingPark (Actility): one object whose only member says what is told.

Knows its members. Numbers may stand in texts.
"""

from __future__ import annotations

from typing import Final

from devices.codecs.jsontext import NumberText
from devices.codecs.networks.base import COUNTER_MAX, Uplink, clock_us, inner, refuse_normalized, text_of, whole, word
from devices.payloads import PORT_MAX
from devices.times import rfc3339

NAME: Final = "ThingPark"
_UPLINK: Final = "DevEUI_uplink"


class ThingPark:
    """The network."""

    def read(self, message: dict[str, object]) -> Uplink | None:
        """Return what a message tells; see `Network.read`."""
        kind = next((name for name in message if name.startswith("DevEUI_")), None)
        if kind is None:
            return None
        told = inner(message, kind)
        time_us = clock_us(told.get("Time"))
        if kind != _UPLINK:
            return Uplink(NAME, message, kind.removeprefix("DevEUI_"), time_us)
        return Uplink(
            network=NAME,
            root=message,
            kind="uplink",
            time_us=time_us,
            data=told.get("payload_hex"),
            hexadecimal=True,
            f_port=whole(told, "FPort", PORT_MAX) or 0,
            f_cnt=whole(told, "FCntUp", COUNTER_MAX),
            session=word(told.get("DevAddr")),
            decoded=told.get("payload"),
        )

    def write(self, uplink: Uplink, data: bytes | None) -> dict[str, object]:
        """Return a message; see `Network.write`."""
        refuse_normalized(uplink)
        told: dict[str, object] = {"FPort": NumberText(uplink.f_port or 1)}
        if uplink.time_us is not None:
            told["Time"] = rfc3339(uplink.time_us).replace("Z", "+00:00")
        if data is not None:
            told["payload_hex"] = text_of(data, hexadecimal=True)
        if uplink.decoded is not None:
            told["payload"] = uplink.decoded
        return {_UPLINK: told}
