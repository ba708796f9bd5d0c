"""Plain JSON, whatever its shape: `json-paths`.

Knows that the message is the document; all the rest is `devices.codecs.documents`.
"""

from __future__ import annotations

from devices.codecs.documents import Document, DocumentCodec
from devices.codecs.jsontext import dump_json, parse_json
from devices.models import DeviceModel


class JsonPaths:
    """The format."""

    name = "json-paths"

    def read(self, payload: bytes, _model: DeviceModel, _received_us: int) -> Document:
        """Return the message itself; see `Format.read`."""
        root = parse_json(payload)
        return Document(root, root)

    def write(self, document: Document, _model: DeviceModel) -> bytes:
        """Return the message as compact JSON; see `Format.write`."""
        return dump_json(document.body)


JSON_PATHS = DocumentCodec(JsonPaths())
