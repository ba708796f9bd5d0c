"""Lists come in pages: how many items, and where the next page begins.

Knows cursors, which are opaque to clients and carry what the next page's question needs; knows no list.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

import msgspec
from fastapi import Query

from console.web.problems import wrong

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
SERIES_LIMIT_MAX = 10_000
"""Of a series: a year of hours, a week of minutes."""
CURSOR_CHARS_MAX = 1_000
INT64_MAX = 2**63 - 1

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="At most so many items.")]
SeriesLimit = Annotated[int, Query(ge=1, le=SERIES_LIMIT_MAX, description="At most so many items.")]
Cursor = Annotated[
    str | None, Query(max_length=CURSOR_CHARS_MAX, description="`next` of the page before; without it the first page.")
]


def cursor_of(*parts: int | str) -> str:
    """Return a cursor that carries these."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def parts_of(cursor: str, *kinds: type[int] | type[str]) -> tuple[int | str, ...]:
    """Return what a cursor carries.

    Raises:
        ProblemError: it is none of this list.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts = msgspec.json.decode(text, type=list[int | str])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise _refused() from None
    fits = len(parts) == len(kinds) and all(
        type(part) is kind and not (isinstance(part, int) and abs(part) > INT64_MAX)
        for part, kind in zip(parts, kinds, strict=False)
    )
    if not fits or any(isinstance(part, str) and "\0" in part for part in parts):
        raise _refused()
    return tuple(parts)


def _refused() -> Exception:
    return wrong("cursor", "expected the `next` of a page of this list")
