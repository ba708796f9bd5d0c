"""Carriers: messages that are not one device's own, one module per kind.

Knows the registry and payload formats; knows neither the session nor the store. Like codecs they are total and silent;
unlike them they may remember.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from devices.carriers.base import Carried, Carrier
from devices.carriers.feeds import feeds
from devices.carriers.parts import parts
from devices.carriers.sparkplug import sparkplug
from devices.registry import Registry

KINDS: Final[tuple[Callable[[Registry], Carrier | None], ...]] = (feeds, parts, sparkplug)
"""Every kind of carrier: makes the one of a registry, or none where no device needs it."""


def carriers(registry: Registry) -> tuple[Carrier, ...]:
    """Return the carriers that a registry's devices need, without a memory of anything."""
    made = (kind(registry) for kind in KINDS)
    return tuple(carrier for carrier in made if carrier is not None)


__all__ = ["KINDS", "Carried", "Carrier", "carriers"]
