"""Observations of named series as columns: the form in which they enter and leave an archive.

Knows columns; knows neither files nor the store. Names and not ids: an archive is read without its database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.archive.digest import digests, runs


class SeriesName(NamedTuple):
    """One series; a field that is given another measurand becomes another series."""

    device: str
    field: str
    measurand: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Observations as columns of one length, sorted by series and time; row i is one observation.

    Attributes:
        series: names, rising.
        at: int32, position among the series.
        time_us: int64, phenomenon time, microseconds UTC since 1970.
        ticks: int64, the value as a count of the measurand's resolution.
        flags: int16, a sum of `devices.FLAG_*`.
    """

    series: tuple[SeriesName, ...]
    at: NDArray[np.int32]
    time_us: NDArray[np.int64]
    ticks: NDArray[np.int64]
    flags: NDArray[np.int16]

    def __len__(self) -> int:
        return int(self.at.size)

    @classmethod
    def sorted_of(
        cls, series: Sequence[SeriesName], at: NDArray[np.int32], time_us: NDArray[np.int64],
        ticks: NDArray[np.int64], flags: NDArray[np.int16],
    ) -> Columns:  # fmt: skip
        """Return columns whose rows and series may come in any order; series without a row are left out."""
        present = np.unique(at)
        kept = sorted((series[i], i) for i in present.tolist())
        place = np.zeros(len(series), np.int32)
        place[[i for _, i in kept]] = np.arange(len(kept))
        ranked = place[at]
        order = np.lexsort((time_us, ranked))
        names = tuple(name for name, _ in kept)
        return cls(names, ranked[order], time_us[order], ticks[order], flags[order])


@dataclass(frozen=True, slots=True)
class SeriesDigest:
    """What a day of one series is recognised by.

    Attributes:
        count: observations.
        sha256: see `digest`.
        flags_sha256: the same of flags in place of ticks; compared with the database's, and never stored.
    """

    count: int
    sha256: bytes
    flags_sha256: bytes


def digested(columns: Columns) -> dict[SeriesName, SeriesDigest]:
    """Return the digest of every series.

    Raises:
        ValueError: rows are not sorted, or two have one series and time.
    """
    edges = runs(columns.at)
    values = digests(columns.time_us, columns.ticks, edges)
    flags = digests(columns.time_us, columns.flags.astype(np.int64), edges)
    counts = np.diff(edges).tolist()
    names = [columns.series[at] for at in columns.at[edges[:-1]].tolist()]
    return {
        name: SeriesDigest(count, bytes(value), bytes(flag))
        for name, count, value, flag in zip(names, counts, values, flags, strict=True)
    }


def content_digest(found: Mapping[SeriesName, SeriesDigest]) -> str:
    """Return the one digest of a day's series: SHA-256, in hex, of a line of JSON for each, rising by name.

    A line is a list of device, field, measurand, count and the SHA-256 in hex.
    """
    whole = hashlib.sha256()
    for name in sorted(found):
        one = found[name]
        whole.update(msgspec.json.encode([*name, one.count, one.sha256.hex()]) + b"\n")
    return whole.hexdigest()
