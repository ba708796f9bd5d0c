"""Has the C library give large arrays back to the system once they are freed.

Knows glibc's `mallopt`; knows no array, and does nothing where the C library is another one.
"""

from __future__ import annotations

import ctypes

LARGE_BYTES = 1 << 20
"""From this size on a block is mapped, and unmapped, by itself."""
_MMAP_THRESHOLD = -3
"""`M_MMAP_THRESHOLD` in glibc's malloc.h."""


def give_large_back() -> bool:
    """Have large blocks mapped by themselves; returns whether the C library agreed. Call it before there are any.

    glibc raises its limit with every mapped block that is freed, up to 32 MB; from then on the columns of a round lie
    in the heap between small blocks that live longer, and what they leave stays ours.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_MMAP_THRESHOLD, LARGE_BYTES))
