"""LoRaWAN network servers: how each writes an uplink, one module per network.

Knows envelopes; knows neither device models nor what the device's bytes say.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from devices.codecs.networks.base import Network, Uplink, bytes_of
from devices.codecs.networks.chirpstack import ChirpStack3, ChirpStack4, MilesightGateway
from devices.codecs.networks.loriot import Loriot
from devices.codecs.networks.thingpark import ThingPark
from devices.codecs.networks.things_stack import ThingsStack

NETWORKS: Final[Mapping[str, Network]] = MappingProxyType(
    {
        "the-things-stack": ThingsStack(),
        "chirpstack-v4": ChirpStack4(),
        "chirpstack-v3": ChirpStack3(),
        "milesight-gateway": MilesightGateway(),
        "loriot": Loriot(),
        "thingpark": ThingPark(),
    }
)
"""Every network by the name that models use, in the order in which a message is recognised."""

__all__ = ["NETWORKS", "Network", "Uplink", "bytes_of"]
