"""One closed day of observations into its folder: the same observations give the same bytes.

Knows columns and Parquet; knows no store and no clock. Files are written beside their places and renamed when all of
them are on the disk, the record last: whoever stops half-way leaves the day as it was, or one whose record does not
fit, which the next run sees.

Ways to pack were measured on the recordings of this project (bytes an observation, whole days of air quality, of homes
and of parking): ticks as delta 3.1, 0.7, 2.1; as a dictionary 2.7, 0.6, 2.4; split by byte 2.5, 0.7, 2.1; split by byte
without the zeros that they end in 1.9, 0.6, 2.1. Statistics, checksums of pages and the schema in Arrow's own words
would cost more than the readings of a small day: what a file is to be is in its record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from engine.archive.columns import Columns, SeriesDigest, SeriesName, content_digest, digested
from engine.archive.days import (
    FORMAT,
    OBSERVATIONS,
    RECORD,
    ArchiveError,
    DayFacts,
    DayRecord,
    day_folder,
    file_fact,
    settle,
)
from engine.archive.packing import FLAGS, NAMES, TENS, TICKS, TIME, packed

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

ENCODINGS: Final = {
    TIME: "DELTA_BINARY_PACKED",
    TICKS: "BYTE_STREAM_SPLIT",
    TENS: "DELTA_BINARY_PACKED",
    FLAGS: "DELTA_BINARY_PACKED",
}
NOTHING: Final = Columns((), np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int16))
DICTIONARY_ROWS_MIN: Final = 256
"""Below so many observations the pages of a dictionary take more than names that are written out and compressed."""
ZSTD_LEVEL: Final = 6
"""Of 1 to 22. Against 3 it saves 4 % of what recordings take, and a quarter of the speed; 9 saves little more."""


def write_day(root: Path, facts: DayFacts, portions: Iterable[Columns], revision: int = 1) -> DayRecord:
    """Write a day, and return its record.

    Args:
        root: the archive's folder.
        facts: which day; of its measurands those are recorded that its series have.
        portions: its observations, whole series at a time, series rising from one portion to the next; memory holds
            two of them.
        revision: one more than that of the day which this one replaces.

    Raises:
        ArchiveError: it cannot be written, or its portions are out of order.
    """
    folder = day_folder(root, facts.city, facts.day)
    fresh = {name: folder / f".{name}.new" for name in (OBSERVATIONS, RECORD)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = _observations(fresh[OBSERVATIONS], portions)
        size_bytes, sha256 = file_fact(fresh[OBSERVATIONS])
        codes = {name.measurand for name in found}
        measurands = tuple(one for one in facts.measurands if one.code in codes)
        record = DayRecord(
            format=FORMAT,
            facts=msgspec.structs.replace(facts, measurands=measurands),
            revision=revision,
            observations=sum(one.count for one in found.values()),
            series=len(found),
            size_bytes=size_bytes,
            sha256=sha256,
            content=content_digest(found),
        ).sealed()
        fresh[RECORD].write_bytes(record.text())
        for path in fresh.values():
            settle(path)
        for name, path in fresh.items():
            path.replace(folder / name)
        settle(folder)
        settle(folder.parent)
    except OSError as error:
        raise ArchiveError(folder, f"cannot be written: {error.strerror or error}") from error
    except ValueError as error:
        raise ArchiveError(folder, str(error)) from error
    finally:
        for path in fresh.values():
            path.unlink(missing_ok=True)
    return record


def _observations(path: Path, portions: Iterable[Columns]) -> dict[SeriesName, SeriesDigest]:
    """Write the observations, a row group for each portion, and return the digests of their series."""
    whole = (portion for portion in portions if len(portion))
    held = list(islice(whole, 2)) or [NOTHING]
    lean = len(held) == 1
    found: dict[SeriesName, SeriesDigest] = {}
    last: SeriesName | None = None
    with ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        for portion in _in_turn(held, whole):
            if list(portion.series) != sorted(set(portion.series)) or (last is not None and portion.series[0] <= last):
                raise ValueError("series do not rise: sort them, and give each in one portion")
            table = packed(portion, lean=lean)
            writer = writer or stack.enter_context(_writer(path, table))
            if len(portion):
                last = portion.series[-1]
                found |= digested(portion)
                writer.write_table(table, row_group_size=len(portion))
    return found


def _in_turn(held: list[Columns], rest: Iterator[Columns]) -> Iterator[Columns]:
    """Give what is held, letting go of it, then the rest."""
    while held:
        yield held.pop(0)
    yield from rest


def _writer(path: Path, table: pa.Table) -> pq.ParquetWriter:
    import pyarrow.parquet as pq

    schema = table.schema
    names = [name for name in NAMES if name in schema.names]
    dictionaries: list[str] | bool = names if len(table) >= DICTIONARY_ROWS_MIN else False
    return pq.ParquetWriter(
        path, schema, compression="zstd", compression_level=ZSTD_LEVEL,
        use_dictionary=dictionaries,
        column_encoding={name: encoding for name, encoding in ENCODINGS.items() if name in schema.names},
        write_statistics=False, store_schema=False,
    )  # fmt: skip
