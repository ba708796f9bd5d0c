"""What a device model says of the bytes its devices send: which decoder makes a document of them.

Knows the table `[payload]` and the decoders' names; knows no bytes (`devices.codecs.payloads` does).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from devices.layouts import read_layouts
from devices.scripts import read_script
from devices.tables import Table

NETWORKS: Final = ("the-things-stack", "chirpstack-v4", "chirpstack-v3", "milesight-gateway", "loriot", "thingpark")
"""LoRaWAN network servers whose envelopes are known."""
NETWORK_DECODERS: Final = ("network", "normalized")
"""Decoders that take what the network server decoded: its own values, or those it brought into a common form."""
PORT_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class PayloadOptions:
    """How a model's bytes are read.

    Attributes:
        decoder: a name of DECODERS.
        network: for `lorawan`, whose envelope `encode` writes; every known one is read.
        f_port: the port that `encode` sends on; 0 for one that the device sends such a message on.
        rules: what the decoder's own keys and tables say; None where it has none.
    """

    decoder: str
    network: str = NETWORKS[0]
    f_port: int = 0
    rules: object = None


Reader = Callable[[Table, Table], object]
"""Reads a decoder's own keys from (the table `[payload]`, the model's root); faults go to their problems. What it
returns is frozen, hashable, and able to travel between processes."""


def _nothing(_payload: Table, _root: Table) -> object:
    return None


DECODERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        **dict.fromkeys(NETWORK_DECODERS, _nothing),
        "cayenne-lpp": _nothing,
        "layout": read_layouts,
        "javascript": read_script,
    }
)
"""Every decoder by the name that models use."""


def lorawan_options(root: Table) -> PayloadOptions:
    """Return what a model of codec `lorawan` says."""
    return _options(root, tuple(DECODERS), networks=True)


def bytes_options(root: Table) -> PayloadOptions:
    """Return what a model of codec `bytes` says: no network is there to decode anything."""
    return _options(root, tuple(name for name in DECODERS if name not in NETWORK_DECODERS), networks=False)


def enveloped(data: bytes, f_port: int) -> bytes:
    """Return the shortest message of a network server that carries what a device sends on a port."""
    text = base64.b64encode(data).decode("ascii")
    return f'{{"uplink_message":{{"f_port":{f_port},"frm_payload":"{text}"}}}}'.encode()


def payload_options(options: object) -> PayloadOptions:
    """Return the options of a model whose codec is one of these two, which are no others."""
    assert isinstance(options, PayloadOptions)  # noqa: S101  # what the two functions above returned
    return options


def is_laid_out(options: object) -> bool:
    """Return whether a model names every part of its devices' bytes, so that no document of theirs holds another."""
    return payload_options(options).decoder == "layout"


def _options(root: Table, decoders: tuple[str, ...], *, networks: bool) -> PayloadOptions:
    table = root.table("payload")
    if table is None:
        if not root.has("payload"):
            root.fault("payload", f"is missing; expected a table [payload] with decoder = one of {', '.join(decoders)}")
        return PayloadOptions(decoders[0])
    decoder = table.text("decoder", among=decoders)
    options = PayloadOptions(
        decoder=decoder,
        network=table.text("network", NETWORKS[0], among=NETWORKS) if networks else NETWORKS[0],
        f_port=table.whole("f_port", 0, low=1, high=PORT_MAX) if networks else 0,
        rules=DECODERS.get(decoder, _nothing)(table, root),
    )
    table.done()
    return options
