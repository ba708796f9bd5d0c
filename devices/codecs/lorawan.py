"""Uplinks of LoRaWAN devices, in the envelope of whichever network server forwards them: `lorawan`.

Knows which networks there are, and that a model says how the device's bytes are read; knows neither an envelope's
members nor a decoder. What a network tells besides uplinks (a join, a status) carries readings only where a field of
the model names a member of it.
"""

from __future__ import annotations

import hashlib
from typing import Final

from devices.codecs.base import Frame
from devices.codecs.documents import Document, DocumentCodec, decode_document
from devices.codecs.jsontext import dump_json, parse_json
from devices.codecs.networks import NETWORKS, Uplink, bytes_of
from devices.codecs.payloads import PAYLOADS, encode_payload
from devices.errors import PayloadError, quoted
from devices.models import DeviceModel
from devices.paths import ABSENT
from devices.payloads import PayloadOptions, is_laid_out, payload_options
from devices.timeformats import read_time

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
                what = (
                    "an uplink without payload"
                    if uplink.kind == "uplink"
                    else f"a message of kind {quoted(uplink.kind)}"
                )
                raise PayloadError("empty", f"{uplink.network}: {what} carries no reading of this model")
            body = {}
        return Document(body, uplink.root, uplink.time_us, _frame(uplink))

    def write(self, document: Document, model: DeviceModel) -> bytes:
        """Return the message that a network would forward; see `Format.write`."""
        options = payload_options(model.options)
        document = _as_sent(document, model)
        root, body = _parted(document.body, model)
        uplink, data = Uplink("", {}, "uplink", document.time_us, f_port=options.f_port), None
        if options.decoder == "network":
            uplink = uplink._replace(decoded=body)
        elif options.decoder == "normalized":
            uplink = uplink._replace(normalized=body[MEASUREMENTS] if isinstance(body, dict) else body)
        else:
            data, f_port = encode_payload(options.decoder, body, options.f_port, options.rules)
            uplink = uplink._replace(f_port=f_port)
            refuse_unsaid(document, model, data, f_port)
        message = NETWORKS[options.network].write(uplink, data)
        _merge(message, root)
        return dump_json(message)


def refuse_unsaid(document: Document, model: DeviceModel, data: bytes, f_port: int | None) -> None:
    """Refuse bytes that say more than the document, values that the device sends together with it, or less.

    Raises:
        ValueError: naming them.
    """
    options, time_us = payload_options(model.options), document.time_us or 0
    try:
        body = PAYLOADS[options.decoder].decode(data, f_port, time_us, options.rules)
        said = [reading.field for reading in decode_document(document, model, time_us).readings]
        sent = decode_document(Document(body, document.root, time_us), model, time_us).readings
    except PayloadError as error:
        raise ValueError(f"model {model.code!r} cannot say this so that it is read again: {error.detail}") from error
    for reading in sent:
        name = model.fields[reading.field].name
        if reading.field not in said:
            raise ValueError(f"model {model.code!r} sends {name!r} with what was said; it needs a value too")
        said.remove(reading.field)
    if said:
        raise ValueError(f"model {model.code!r} cannot send {model.fields[said[0]].name!r} with what else was said")


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
    paths = (path for field in model.fields for path in (field.path, *field.also))
    return any(path.find(root, root) is not ABSENT for path in paths if path is not None and path.rooted)


def _as_sent(document: Document, model: DeviceModel) -> Document:
    """Return what a device sends, at the time a network hears it: in whole milliseconds, where the device says its time
    itself; at the newest time, where it says only those of what it sends later, and what is current goes without.
    """
    spec = model.time
    if document.time_us is None or spec is None:
        return document
    if spec.required or spec.path.rooted or spec.clock_path is not None:
        return document._replace(time_us=document.time_us // 1000 * 1000)
    items = model.each.find_all(document.body, document.body) if model.each is not None else [[document.body]]
    objects = [item for array in items if isinstance(array, list) for item in array]
    times_us = [read_time(str(spec.path.find(item, item)), spec.format, spec.zone) for item in objects]
    newest_us = max(times_us, default=document.time_us)
    for item, time_us in zip(objects, times_us, strict=True):
        if time_us == newest_us and isinstance(item, dict) and len(spec.path.steps) == 1:
            item.pop(spec.path.steps[0])
    return document._replace(time_us=newest_us)


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


LORAWAN = DocumentCodec(LoRaWAN(), says_all=lambda model: is_laid_out(model.options))
