"""One bare value in a message, such as `120.11` or `off`: `text`.

Knows that the message is the value; all the rest is `devices.codecs.documents`.
"""

from __future__ import annotations

from devices.codecs.base import text_of
from devices.codecs.documents import Document, DocumentCodec
from devices.models import DeviceModel
from devices.paths import said


class BareText:
    """The format."""

    name = "text"

    def read(self, payload: bytes, _model: DeviceModel, _received_us: int) -> Document:
        """Return the message without white space around it; see `Format.read`."""
        text = text_of(payload).strip()
        return Document(text, text)

    def write(self, document: Document, model: DeviceModel) -> bytes:
        """Return the value alone; see `Format.write`."""
        text = said(document.body)
        if text is None:
            raise ValueError(f"a message of model {model.code!r} holds one value")
        return text.encode("utf-8")


BARE_TEXT = DocumentCodec(BareText())
