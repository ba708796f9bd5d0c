"""Chance that is the same on every machine: numbers that follow from a key and a position, by integers alone.

Knows splitmix64 (Steele, Lea and Flood 2014: add the golden gamma, mix) in 64-bit arithmetic that wraps; knows nothing
of what the numbers decide. Each number follows from its key and position, not from the ones drawn before, so columns
can be drawn in any order and in parts. numpy's own generators may give other streams in a later version; this cannot.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

GAMMA = np.uint64(0x9E3779B97F4A7C15)
_ONE, _TWO = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32 = (np.uint64(n) for n in (30, 27, 31, 32))

PARTS = 1 << 32
"""A probability is a number of these parts."""


def key(*names: str | int) -> int:
    """Return the 64-bit key of a name such as (seed, device code, field): its BLAKE2b, never Python's own hash."""
    text = "\x1f".join(str(name) for name in names)
    return int.from_bytes(blake2b(text.encode("utf-8"), digest_size=8).digest(), "big")


def keys(*names: str | int, each: list[str]) -> Words:
    """Return the key of a name for each of its last parts."""
    return np.array([key(*names, last) for last in each], np.uint64)


def mixed(words: Words) -> Words:
    """Return splitmix64's finaliser of each word."""
    words = (words ^ (words >> _S30)) * _ONE
    words = (words ^ (words >> _S27)) * _TWO
    return words ^ (words >> _S31)


def words_at(key_of: Words | int, at: NDArray[np.int64]) -> Words:
    """Return the words of a key (or of as many keys, broadcast) at these positions."""
    start = np.asarray(key_of, np.uint64)
    return mixed(start + (at.astype(np.uint64) + np.uint64(1)) * GAMMA)


def below(words: Words, limit: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """Return whole numbers from 0 to limit - 1; 0 < limit <= 2**31."""
    return ((words >> _S32) * np.asarray(limit, np.uint64) >> _S32).astype(np.int64)


def chosen(words: Words, parts: int) -> NDArray[np.bool_]:
    """Return which words fall under a probability of so many parts of `PARTS`."""
    return (words >> _S32).astype(np.int64) < parts


def shuffled(key_of: int, count: int) -> NDArray[np.int64]:
    """Return the positions 0 to count - 1 in a random order."""
    return np.argsort(words_at(key_of, np.arange(count, dtype=np.int64)), kind="stable").astype(np.int64)
