"""Messages that are nothing but a device's bytes, read as the model's `[payload]` says: `bytes`.

Knows that no envelope is there; all the rest is the decoder's.
"""

from __future__ import annotations

from devices.codecs.base import PAYLOAD_BYTES_MAX
from devices.codecs.documents import Document, DocumentCodec
from devices.codecs.lorawan import refuse_unsaid
from devices.codecs.payloads import PAYLOADS, encode_payload
from devices.errors import PayloadError
from devices.models import DeviceModel
from devices.payloads import is_laid_out, payload_options


class BareBytes:
    """The format."""

    name = "bytes"

    def read(self, payload: bytes, model: DeviceModel, received_us: int) -> Document:
        """Return what the bytes say; see `Format.read`."""
        if len(payload) > PAYLOAD_BYTES_MAX:
            raise PayloadError("oversized", f"expected at most {PAYLOAD_BYTES_MAX} bytes, got {len(payload)}")
        options = payload_options(model.options)
        body = PAYLOADS[options.decoder].decode(payload, None, received_us, options.rules)
        return Document(body, body)

    def write(self, document: Document, model: DeviceModel) -> bytes:
        """Return the bytes; see `Format.write`."""
        options = payload_options(model.options)
        data, _ = encode_payload(options.decoder, document.body, 0, options.rules)
        refuse_unsaid(document, model, data, None)
        return data


BARE_BYTES = DocumentCodec(BareBytes(), says_all=lambda model: is_laid_out(model.options))
