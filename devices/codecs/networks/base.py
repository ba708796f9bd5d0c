"""What every LoRaWAN network server tells of an uplink, however it writes it.

Knows how to take members out of an envelope; knows no network.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol

from devices.codecs.base import TIME_MAX_US
from devices.codecs.jsontext import NumberText
from devices.errors import PayloadError, ValueRefusedError, quoted
from devices.times import CLOCK_SET_US, time_us_from_text

COUNTER_MAX: Final = 2**32 - 1


class Uplink(NamedTuple):
    """One message of a network server."""

    network: str
    """Which one, in words."""
    root: dict[str, object]
    """What paths that begin with `$` begin at."""
    kind: str
    """`uplink`, or what else the network tells: a join, a status. Only an uplink has bytes of the device."""
    time_us: int | None
    """When the network received it; None where it does not say, or its clock was not set."""
    data: object = None
    """The device's bytes as the network writes them."""
    hexadecimal: bool = False
    """They are written so; else as base64."""
    f_port: int | None = None
    f_cnt: int | None = None
    """The frame counter; None where it is not stated, and no address says that 0 was left out."""
    session: str = ""
    """What changes when the device joins anew and counts from 0 again; empty where the network does not say."""
    decoded: object = None
    """The document that the network's own decoder made."""
    normalized: object = None
    """The measurements that the network brought into its common form."""


class Network(Protocol):
    """One network server's way of writing uplinks."""

    def read(self, message: dict[str, object]) -> Uplink | None:
        """Return what a message tells; None where it is not this network's.

        Raises:
            PayloadError: it is, and is malformed or can hold no measurement.
        """

    def write(self, uplink: Uplink, data: bytes | None) -> dict[str, object]:
        """Return a message that reads as this uplink with these bytes.

        Raises:
            ValueError: the network has no way to write it.
        """


def bytes_of(uplink: Uplink) -> bytes:
    """Return the device's bytes; none where the network gives none.

    Raises:
        PayloadError: `malformed`, they are not written as this network writes them.
    """
    if uplink.data is None:
        return b""
    form = "hex" if uplink.hexadecimal else "base64"
    if not isinstance(uplink.data, str) or isinstance(uplink.data, NumberText):
        raise PayloadError("malformed", f"{uplink.network}: expected the payload as a text of {form}")
    try:
        if uplink.hexadecimal:
            return binascii.unhexlify(uplink.data)
        return base64.b64decode(uplink.data, validate=True)
    except ValueError as error:  # binascii.Error is one; so is what is not ASCII
        raise PayloadError(
            "malformed", f"{uplink.network}: expected the payload in {form}, got {quoted(uplink.data)}"
        ) from error


def text_of(data: bytes, *, hexadecimal: bool) -> str:
    """Return bytes as a network writes them."""
    return data.hex() if hexadecimal else base64.b64encode(data).decode("ascii")


def refuse_normalized(uplink: Uplink) -> None:
    """Refuse to write measurements in a common form, which only The Things Stack has.

    Raises:
        ValueError: the uplink has some.
    """
    if uplink.normalized is not None:
        raise ValueError("only The Things Stack brings values into a common form")


def whole(message: dict[str, object], key: str, high: int) -> int | None:
    """Return the whole number of a member; None where it is absent or null.

    Raises:
        PayloadError: `malformed`, it is something else.
    """
    value = message.get(key)
    if value is None:
        return None
    digits = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 10  # in a text or not
    if not isinstance(value, str) or not digits or int(value) > high:
        raise PayloadError("malformed", f"expected a whole number up to {high} at {key}")
    return int(value)


def inner(message: dict[str, object], key: str) -> dict[str, object]:
    """Return the object of a member; an empty one where there is none."""
    value = message.get(key)
    return value if isinstance(value, dict) else {}


def objects(message: dict[str, object], key: str) -> list[dict[str, object]]:
    """Return the objects of an array; none where there is no array."""
    value = message.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def word(value: object) -> str:
    """Return a text, or an empty one for everything else."""
    return value if isinstance(value, str) else ""


def clock_us(value: object, time_format: str = "rfc3339") -> int | None:
    """Return the time a server or gateway states; None where it states none, or where its clock was not set."""
    if not isinstance(value, str):
        return None
    try:
        time_us = time_us_from_text(value, time_format)
    except ValueRefusedError:
        return None
    return time_us if CLOCK_SET_US <= time_us <= TIME_MAX_US else None


def earliest(values: Iterable[object]) -> int | None:
    """Return the earliest of several times: that of the gateway that heard it first, in whatever order they stand."""
    return min((time_us for value in values if (time_us := clock_us(value)) is not None), default=None)
