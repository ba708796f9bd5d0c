"""One closed day of observations into its folder: the same observations give the same bytes.

Knows columns and Parquet; knows no store and no clock. Files are written beside their places and renamed when all of
them are on the disk, the record last: whoever stops half-way leaves the day as it was, or one whose record does not
fit, which the next run sees.

Ways to pack were measured on the recordings of this project (bytes an observation, whole days of air quality, of homes
and of parking): ticks as delta 3.1, 0.7, 2.1; as a dictionary 2.7, 0.6, 2.4; split by byte 2.5, 0.7, 2.1. Statistics,
and the schema in Arrow's own words, would cost more than the readings of a small day.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.archive.columns import Columns, SeriesDigest, SeriesName, digested
from engine.archive.days import (
    DIGESTS,
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

if TYPE_CHECKING:
    import pyarrow as pa

NAMES = ("device", "field", "measurand")
ENCODINGS = {"time": "DELTA_BINARY_PACKED", "ticks": "BYTE_STREAM_SPLIT", "flags": "DELTA_BINARY_PACKED"}
ZSTD_LEVEL = 6
"""Of 1 to 22. Against 3 it saves 4 % of what recordings take, and a quarter of the speed; 9 saves little more."""


def write_day(root: Path, facts: DayFacts, portions: Iterable[Columns], revision: int = 1) -> DayRecord:
    """Write a day, and return its record.

    Args:
        root: the archive's folder.
        facts: which day.
        portions: its observations, whole series at a time, series rising from one portion to the next; memory holds
            one of them.
        revision: one more than that of the day which this one replaces.

    Raises:
        ArchiveError: it cannot be written, or its portions are out of order.
    """
    folder = day_folder(root, facts.city, facts.day)
    fresh = {name: folder / f".{name}.new" for name in (OBSERVATIONS, DIGESTS, RECORD)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = _observations(fresh[OBSERVATIONS], portions)
        _digests(fresh[DIGESTS], found)
        record = DayRecord(
            format=FORMAT,
            facts=facts,
            revision=revision,
            observations=sum(one.count for one in found.values()),
            series=len(found),
            files=tuple(file_fact(fresh[name], name) for name in (OBSERVATIONS, DIGESTS)),
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
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [
            *((name, pa.dictionary(pa.int32(), pa.string())) for name in NAMES),
            ("time", pa.int64()), ("ticks", pa.int64()), ("flags", pa.int16()),
        ]
    )  # fmt: skip
    found: dict[SeriesName, SeriesDigest] = {}
    last: SeriesName | None = None
    with pq.ParquetWriter(
        path, schema, compression="zstd", compression_level=ZSTD_LEVEL, use_dictionary=list(NAMES),
        column_encoding=ENCODINGS, write_statistics=False, store_schema=False, write_page_checksum=True,
    ) as writer:  # fmt: skip
        for portion in portions:
            if not len(portion):
                continue
            if list(portion.series) != sorted(set(portion.series)) or (last is not None and portion.series[0] <= last):
                raise ValueError("series do not rise: sort them, and give each in one portion")
            last = portion.series[-1]
            found |= digested(portion)
            named = _names(portion.series, portion.at)
            values = [pa.array(column) for column in (portion.time_us, portion.ticks, portion.flags)]
            writer.write_table(pa.table([*named, *values], schema=schema), row_group_size=len(portion))
    return found


def _digests(path: Path, found: dict[SeriesName, SeriesDigest]) -> None:
    """Write the digests, in the order of the series."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = _names(tuple(found), np.arange(len(found), dtype=np.int32))
    columns.append(pa.array([one.count for one in found.values()], pa.int64()))
    columns.append(pa.array([one.sha256 for one in found.values()], pa.binary(32)))
    table = pa.table(columns, names=[*NAMES, "count", "sha256"])
    pq.write_table(
        table, path, compression="zstd", use_dictionary=list(NAMES), write_statistics=False, store_schema=False,
        write_page_checksum=True,
    )  # fmt: skip


def _names(series: tuple[SeriesName, ...], at: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> list[pa.Array]:
    """Return the three columns of names of rows that point at series."""
    import pyarrow as pa

    columns = []
    for part in zip(*series, strict=True) if series else [()] * len(NAMES):
        words = sorted(set(part))
        place = {word: i for i, word in enumerate(words)}
        code = np.array([place[word] for word in part], np.int32)
        columns.append(pa.DictionaryArray.from_arrays(pa.array(code[at]), pa.array(words, pa.string())))
    return columns
