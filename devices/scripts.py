"""A vendor's decoder in JavaScript beside a device model: which file, and what it says.

Knows the keys of `[payload]` for it and how the file is read; knows no JavaScript (`devices.codecs.payloads` runs it).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devices.tables import Table

SUFFIX: Final = ".js"
SOURCE_BYTES_MAX: Final = 524_288
"""Bytes of one decoder; a larger one is the wrong file."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.js")


@dataclass(frozen=True, slots=True)
class JavaScript:
    """A decoder in JavaScript.

    Attributes:
        file: its name beside the model, for messages.
        source: what the file says: where it is decoded, no file need be there.
        variables: the device variables that network servers hand to a decoder, (name, text) each.
    """

    file: str
    source: str
    variables: tuple[tuple[str, str], ...] = ()


def read_script(payload: Table, root: Table) -> JavaScript:
    """Return what a table `[payload]` says of a decoder in JavaScript; faults go to its problems."""
    model = Path(root.file)
    name = payload.text("file", model.stem + SUFFIX)
    variables = tuple(payload.mapping("variables").items())
    if not _NAME.fullmatch(name):
        payload.fault(
            "file", f"expected the name of a file beside the model, such as {model.stem}{SUFFIX}, got {name!r}"
        )
        return JavaScript(name, "", variables)
    return JavaScript(name, _source(payload, model.with_name(name)), variables)


def _source(payload: Table, path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        payload.fault("file", f"cannot be read: {error.strerror or error}; expected the decoder beside the model")
        return ""
    if len(content) > SOURCE_BYTES_MAX:
        payload.fault("file", f"expected at most {SOURCE_BYTES_MAX} bytes, got {len(content)}")
        return ""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        payload.fault("file", f"{path.name}: byte {error.start}: expected UTF-8 text")
        return ""
