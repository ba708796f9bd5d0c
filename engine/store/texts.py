"""Text of unknown origin, made fit for a table.

Knows what PostgreSQL takes as text: valid UTF-8 without the character zero.
"""

from __future__ import annotations


def fit_text(text: str | bytes, chars_max: int) -> str:
    r"""Return text that PostgreSQL stores and people can read, at most `chars_max` characters long.

    Bytes that are no UTF-8 become `\xff`, control characters (zero among them) and halves of surrogate pairs become
    escapes, and a cut is marked by an ellipsis.
    """
    # Four bytes may be one character; what lies beyond would be cut anyway.
    if isinstance(text, bytes):
        cut = len(text) > 4 * chars_max
        known = text[: 4 * chars_max].decode("utf-8", "backslashreplace")
    else:
        cut = len(text) > chars_max
        known = text[:chars_max].encode("utf-8", "backslashreplace").decode("utf-8")
    if not known.isprintable():
        known = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in known)
    if cut or len(known) > chars_max:
        known = known[: chars_max - 1] + "…"
    return known
