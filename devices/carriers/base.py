"""What every carrier has in common: messages that are not one device's own, and whose they are.

Knows results of codecs and positions of devices; knows no format.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from devices.codecs.base import Decoded


class Carried(NamedTuple):
    """What a message says of one device; without readings and faults only that the device was heard."""

    device: int
    """Position in the registry's devices."""
    decoded: Decoded


class Carrier(Protocol):
    """Whoever brings messages of several devices, or a device's readings by several topics.

    A carrier may keep state. It belongs to one thread, and asks neither clock nor network. The same message may come
    again, at once (there was no room for it) or later (the broker was not sure that it arrived), and means the same
    then.
    """

    @property
    def devices(self) -> Collection[int]:
        """Positions in the registry of the devices that it carries: their own topics belong to it."""

    @property
    def topics(self) -> Sequence[str]:
        """Every topic of a registered device that it answers for."""

    @property
    def filters(self) -> Sequence[str]:
        """MQTT filters of plain and `+` levels, none covering another: it is given what they take beside `topics`."""

    def decode(self, topic: str, payload: bytes, received_us: int) -> list[Carried]:
        """Return what a message says; nothing where it says nothing that anybody wants to know.

        Args:
            topic: one that it answers for.
            payload: any bytes.
            received_us: the gateway's clock at arrival; never lower than for the message before.

        Raises:
            PayloadError: nothing of the message can be used. Nothing else is ever raised.
        """

    def commands(self) -> list[tuple[str, bytes]]:
        """Return what is to be published, as (topic, payload), since it was asked last. How often is its affair."""
