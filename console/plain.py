"""What is written where UTF-8 cannot be: every character's nearest one in ASCII, so that columns stay in line.

Knows characters and streams; knows no command.
"""

from __future__ import annotations

import codecs
import sys
import unicodedata
from typing import TextIO

HANDLER = "cityvitals-plain"
_NEAREST = {
    **dict(zip("▁▂▃▄▅▆▇█", "12345678", strict=True)),
    **dict.fromkeys("─━–—−‑╌", "-"), **dict.fromkeys("│┃", "|"), **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼╞╡╪", "+"),
    "✓": "*", "✗": "!", "■": "#", "·": ".", "…": "~", "→": ">", "←": "<", "↑": "^", "↓": "v", "×": "x", "µ": "u",
    "μ": "u", "°": "o", "§": "S", "≥": ">", "≤": "<", "±": "~", "’": "'", "‘": "'", "“": '"', "”": '"', "•": "*",
}  # fmt: skip
"""One character each. Letters lose their accents, superscripts become digits; of what is not listed a `?` remains."""


def nearest(error: UnicodeError) -> tuple[str, int]:
    """Return what stands in for the characters that an encoding lacks, as an error handler of `codecs`.

    Raises:
        UnicodeError: not about encoding.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_one(char, error.encoding) for char in lacking), error.end


def _one(char: str, encoding: str) -> str:
    plain = _NEAREST.get(char) or unicodedata.normalize("NFKD", char)[:1]
    try:
        plain.encode(encoding)
    except UnicodeError:
        return "?"
    return plain


def never_fail() -> None:
    """Make stdout and stderr write something for every character, whatever their encoding."""
    codecs.register_error(HANDLER, nearest)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and not unicode_fits(stream):
            reconfigure(errors=HANDLER)


def unicode_fits(stream: TextIO) -> bool:
    """Say whether every character can be written there."""
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")
