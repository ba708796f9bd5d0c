"""Archived days back as columns.

Knows Parquet and the folder of a day; knows no store. What it gives is what the files say; whether they are still those
that were written is for `verifying`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from engine.archive.columns import Columns
from engine.archive.days import OBSERVATIONS, ArchiveError, DayRecord, day_at, day_folder, days_of, read_record
from engine.archive.packing import NAMES, unpacked


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


def portions_of(path: Path) -> Iterator[Columns]:
    """Give the observations of a file of a day, a row group at a time.

    Raises:
        ArchiveError: it is missing or cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        known = pq.read_metadata(path)
        words = [name for name in NAMES if name in known.schema.names]
        with pq.ParquetFile(path, metadata=known, read_dictionary=words) as file:
            for number in range(file.num_row_groups):
                yield unpacked(file.read_row_group(number))
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise ArchiveError(path, f"cannot be read: {error}") from error
