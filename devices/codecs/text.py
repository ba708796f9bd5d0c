"""One bare value in a message, such as `120.11` or `off`: `text`.

Knows that the message is the value; all the rest is `devices.codecs.documents`.
"""

from __future__ import annotations

from devices.codecs.base import PAYLOAD_BYTES_MAX
from devices.codecs.documents import Document, DocumentCodec
from devices.errors import PayloadError
from devices.models import DeviceModel
from devices.paths import said


class BareText:
    """The format."""

    name = "text"

    def read(self, payload: bytes, _model: DeviceModel, _received_us: int) -> Document:
        """Return the message without white space around it; see `Format.read`."""
        if len(payload) > PAYLOAD_BYTES_MAX:
            raise PayloadError("oversized", f"expected at most {PAYLOAD_BYTES_MAX} bytes, got {len(payload)}")
        try:
            text = payload.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise PayloadError("malformed", f"expected UTF-8, got byte {payload[error.start]:#04x}") from error
        return Document(text, text)

    def write(self, document: Document, model: DeviceModel) -> bytes:
        """Return the value alone; see `Format.write`."""
        text = said(document.body)
        if text is None:
            raise ValueError(f"a message of model {model.code!r} holds one value")
        return text.encode("utf-8")


BARE_TEXT = DocumentCodec(BareText())
