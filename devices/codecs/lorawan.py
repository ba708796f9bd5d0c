"""Uplinks of LoRaWAN devices, in the envelope of whichever network server forwards them: `lorawan`.

Knows which networks there are, and that a model says how the device's bytes are read; knows neither an envelope's
members nor a decoder. What a network tells besides uplinks (a join, a status) carries readings only where a field of
the model names a member of it.
"""

from __future__ import annotations

import hashlib
from typing import Final

from devices.codecs.base import Frame
from devices.codecs.documents import Document, DocumentCodec
from devices.codecs.jsontext import dump_json, parse_json
from devices.codecs.networks import NETWORKS, Uplink, bytes_of
from devices.codecs.payloads import PAYLOADS, encode_payload
from devices.errors import PayloadError
from devices.models import DeviceModel
from devices.paths import ABSENT
from devices.payloads import PayloadOptions, payload_options

MEASUREMENTS: Final = "measurements"
"""The member that holds the measurements a network brought into its common form, for a model's `each`."""


class LoRaWAN:
    """The format."""

    name = "lorawan"

    def read(self, payload: bytes, model: DeviceModel, received_us: int) -> Document:
        """Return what the device said, within what its network says of it; see `Format.read`."""
        uplink = _recognised(parse_json(payload))
        body = _body(uplink, payload_options(model.options), received_us)
        if body is None:
            if not _names_envelope(model, uplink.root):
                what = "an uplink without payload" if uplink.kind == "uplink" else f"a message of kind {uplink.kind}"
                raise PayloadError("empty", f"{uplink.network}: {what} carries no reading of this model")
            body = {}
        return Document(body, uplink.root, uplink.time_us, _frame(uplink))

    def write(self, document: Document, model: DeviceModel) -> bytes:
        """Return the message that a network would forward; see `Format.write`."""
        options = payload_options(model.options)
        root, body = _parted(document.body, model)
        uplink, data = Uplink("", {}, "uplink", _heard_us(document, model), f_port=options.f_port), None
        if options.decoder == "network":
            uplink = uplink._replace(decoded=body)
        elif options.decoder == "normalized":
            uplink = uplink._replace(normalized=body[MEASUREMENTS] if isinstance(body, dict) else body)
        else:
            data = encode_payload(options.decoder, body, options.f_port, options.rules)
        message = NETWORKS[options.network].write(uplink, data)
        _merge(message, root)
        return dump_json(message)


def _recognised(message: object) -> Uplink:
    """Return what a message tells, by the network whose shape it has.

    Raises:
        PayloadError: `malformed`.
    """
    if isinstance(message, dict):
        for network in NETWORKS.values():
            uplink = network.read(message)
            if uplink is not None:
                return uplink
    raise PayloadError("malformed", f"expected a message of a LoRaWAN network server: {', '.join(NETWORKS)}")


def _body(uplink: Uplink, options: PayloadOptions, received_us: int) -> object:
    """Return the device's part as a document; None where the message has none.

    Raises:
        PayloadError: the decoder refuses it.
    """
    if options.decoder == "network":
        return uplink.decoded
    if options.decoder == "normalized":
        return None if uplink.normalized is None else {MEASUREMENTS: uplink.normalized}
    data = bytes_of(uplink)
    if not data:
        return None
    time_us = received_us if uplink.time_us is None else uplink.time_us
    return PAYLOADS[options.decoder].decode(data, uplink.f_port, time_us, options.rules)


def _frame(uplink: Uplink) -> Frame | None:
    """Return what the uplink is known by when it comes again; None where the network tells no frame counter."""
    if uplink.f_cnt is None:
        return None
    sent = uplink.data if isinstance(uplink.data, str) and uplink.data else repr(uplink.decoded)
    digest = hashlib.blake2b(f"{uplink.f_port} {sent}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return Frame(uplink.session, uplink.f_cnt, digest)


def _names_envelope(model: DeviceModel, root: object) -> bool:
    """Return whether a field of the model finds something in the envelope."""
    paths = (field.path for field in model.fields)
    return any(path.find(root, root) is not ABSENT for path in paths if path is not None and path.rooted)


def _heard_us(document: Document, model: DeviceModel) -> int | None:
    """Return when a network hears what it is told: in whole milliseconds, where the device says its time itself."""
    if document.time_us is None or model.time is None:
        return document.time_us
    return document.time_us // 1000 * 1000


def _parted(body: object, model: DeviceModel) -> tuple[dict[str, object], object]:
    """Return (what paths from the envelope's root wrote, the device's part): `DocumentCodec` writes both into one."""
    paths = [field.path for field in model.fields if field.path is not None]
    paths += [model.time.path] if model.time is not None else []
    names = {path.steps[0] for path in paths if path.rooted and path.steps}
    if not isinstance(body, dict):
        return {}, body
    if names & {path.steps[0] for path in paths if not path.rooted and path.steps} and model.each is None:
        raise ValueError(f"model {model.code!r} has paths of envelope and payload that begin with the same name")
    return {n: v for n, v in body.items() if n in names}, {n: v for n, v in body.items() if n not in names}


def _merge(message: dict[str, object], more: dict[str, object]) -> None:
    """Add members to a message, objects into objects.

    Raises:
        ValueError: the message says something else there.
    """
    for name, value in more.items():
        mine = message.get(name)
        if isinstance(mine, dict) and isinstance(value, dict):
            _merge(mine, value)
        elif message.setdefault(name, value) != value:
            raise ValueError(f"the envelope has its own {name!r}")


LORAWAN = DocumentCodec(LoRaWAN())
