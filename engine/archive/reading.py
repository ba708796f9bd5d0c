"""Archived days back as columns, and their digests.

Knows Parquet and the folder of a day; knows no store. What it gives is what the files say; whether they are still those
that were written is for `verifying`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.archive.columns import Columns, SeriesName
from engine.archive.days import DIGESTS, OBSERVATIONS, ArchiveError, DayRecord, day_at, day_folder, days_of, read_record
from engine.archive.digest import runs
from engine.archive.writing import NAMES

if TYPE_CHECKING:
    import pyarrow as pa


class Archive:
    """The archived days of one city.

    Args:
        root: folder that was given to `cityvitals archive`.
        city: code of the city.

    Attributes:
        root, city: as given.
    """

    def __init__(self, root: Path, city: str) -> None:
        self.root, self.city = root, city

    @classmethod
    def of_day(cls, folder: Path) -> tuple[Archive, date]:
        """Return the archive that the folder of a day belongs to, and the day.

        Raises:
            ArchiveError: it is no such folder.
        """
        root, city, day = day_at(folder)
        return cls(root, city), day

    def days(self) -> list[date]:
        """Return the days that are there, in order.

        Raises:
            ArchiveError
        """
        return days_of(self.root, self.city)

    def record(self, day: date) -> DayRecord:
        """Return what a day's record says.

        Raises:
            ArchiveError: it is missing or was changed.
        """
        return read_record(self.root, self.city, day)

    def path(self, day: date, name: str) -> Path:
        """Return where a file of a day lies."""
        return day_folder(self.root, self.city, day) / name

    def portions(self, day: date) -> Iterator[Columns]:
        """Give the observations of a day as they were written, some whole series at a time.

        Raises:
            ArchiveError: the file is missing or cannot be read.
        """
        yield from portions_of(self.path(day, OBSERVATIONS))

    def digests(self, day: date) -> dict[SeriesName, tuple[int, bytes]]:
        """Return count and SHA-256 of every series of a day.

        Raises:
            ArchiveError: the file is missing or cannot be read.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path(day, DIGESTS)
        try:
            table = pq.read_table(path, page_checksum_verification=True, partitioning=None)
            columns = [table.column(name).to_pylist() for name in (*NAMES, "count", "sha256")]
        except (OSError, KeyError, pa.ArrowException) as error:
            raise ArchiveError(path, f"cannot be read: {error}") from error
        return {SeriesName(*row[:3]): (row[3], row[4]) for row in zip(*columns, strict=True)}


def portions_of(path: Path) -> Iterator[Columns]:
    """Give the observations of a file of a day, a row group at a time.

    Raises:
        ArchiveError: it is missing or cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, read_dictionary=list(NAMES), page_checksum_verification=True) as file:
            for number in range(file.num_row_groups):
                yield _columns(file.read_row_group(number))
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise ArchiveError(path, f"cannot be read: {error}") from error


def _columns(table: pa.Table) -> Columns:
    codes, words = zip(*(_coded(table.column(name)) for name in NAMES), strict=True)
    edges = runs(*codes)
    first = edges[:-1]
    names = [
        SeriesName(words[0][a], words[1][b], words[2][c])
        for a, b, c in zip(*(code[first].tolist() for code in codes), strict=True)
    ]
    time_us, ticks = (table.column(name).to_numpy().astype(np.int64) for name in ("time", "ticks"))
    at = np.repeat(np.arange(len(names), dtype=np.int32), np.diff(edges))
    return Columns(tuple(names), at, time_us, ticks, table.column("flags").to_numpy().astype(np.int16))


def _coded(column: pa.ChunkedArray) -> tuple[NDArray[np.int32], list[str]]:
    whole = column.combine_chunks()
    return whole.indices.to_numpy().astype(np.int32), whole.dictionary.to_pylist()
