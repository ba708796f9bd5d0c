"""Plain CBOR, whatever its shape: `cbor-paths`.

Knows that the message is the document; all the rest is `devices.codecs.documents`.
"""

from __future__ import annotations

from devices.codecs.cbor import dump_cbor, parse_cbor
from devices.codecs.documents import Document, DocumentCodec
from devices.models import DeviceModel


class CborPaths:
    """The format."""

    name = "cbor-paths"

    def read(self, payload: bytes, _model: DeviceModel, _received_us: int) -> Document:
        """Return the message itself; see `Format.read`."""
        root = parse_cbor(payload)
        return Document(root, root)

    def write(self, document: Document, _model: DeviceModel) -> bytes:
        """Return the message; see `Format.write`."""
        return dump_cbor(document.body)


CBOR_PATHS = DocumentCodec(CborPaths())
