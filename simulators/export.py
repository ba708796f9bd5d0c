"""Recordings as files of history: one row per reading, in the order in which their devices sent them.

Knows recordings and the form that `cityvitals backfill` reads; knows no wire.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

import devices
from simulators.errors import SimulatorError
from simulators.recording import Recording

COLUMNS = ("time", "device", "field", "value", "unit")
ROWS_PER_GROUP = 100_000


class Row(NamedTuple):
    """One reading; the value exact, in the measurand's own unit."""

    time_us: int
    device: str
    field: str
    value: str
    unit: str


def write(recordings: tuple[Recording, ...], out: Path) -> int:
    """Write recordings as `.csv`, `.csv.gz` or `.parquet`, and return how many rows.

    Raises:
        SimulatorError: the file's name ends otherwise, or it cannot be written.
    """
    rows = _rows(recordings)
    try:
        if out.suffix == ".parquet":
            return _parquet(rows, out)
        if out.name.endswith(".csv.gz"):
            with out.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
                return _csv(rows, io.TextIOWrapper(packed, "utf-8", newline=""))
        if out.suffix == ".csv":
            with out.open("w", encoding="utf-8", newline="") as file:
                return _csv(rows, file)
    except OSError as error:
        raise SimulatorError(f"{out}: cannot be written: {error.strerror or error}") from error
    raise SimulatorError(f"{out}: expected a name that ends in .csv, .csv.gz or .parquet")


def _rows(recordings: tuple[Recording, ...]) -> Iterator[Row]:
    catalogue = devices.load_measurands().by_code
    which, at, send = [], [], []
    for number, recording in enumerate(recordings):
        rows = recording.rows
        # As the replay: of one instant by recording, device and row.
        order = np.lexsort((rows.send_us, rows.device))
        which.append(np.full(order.size, number))
        at.append(order)
        send.append(rows.send_us[order])
    if not which:
        return
    sequence = np.argsort(np.concatenate(send), kind="stable")
    part, place = np.concatenate(which)[sequence], np.concatenate(at)[sequence]
    sent = [[r.model.fields[r.model.field_index(name)] for name in r.fields] for r in recordings]
    for number, row in zip(part.tolist(), place.tolist(), strict=True):
        recording = recordings[number]
        rows = recording.rows
        time_us, device = int(rows.time_us[row]), recording.devices[int(rows.device[row])]
        for column in np.flatnonzero(rows.present[row]).tolist():
            measurand = catalogue[sent[number][column].measurand]
            value = devices.text_from_ticks(int(rows.ticks[row, column]), measurand.decimals)
            yield Row(time_us, device, recording.fields[column], value, measurand.unit)


def _csv(rows: Iterator[Row], file: IO[str]) -> int:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        writer.writerow((devices.rfc3339(row.time_us), *row[1:]))
        count += 1
    file.flush()
    return count


def _parquet(rows: Iterator[Row], out: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    words = pa.dictionary(pa.int32(), pa.string())
    types = (pa.timestamp("us", "UTC"), words, words, pa.string(), words)
    schema = pa.schema(zip(COLUMNS, types, strict=True))
    count = 0
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        while group := list(islice(rows, ROWS_PER_GROUP)):
            columns = [pa.array(column, kind) for column, kind in zip(zip(*group, strict=True), types, strict=True)]
            writer.write_table(pa.table(columns, schema=schema))
            count += len(group)
    return count
