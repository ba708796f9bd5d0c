"""Files of past readings as pieces of columns, in bounded memory: CSV (also gzipped) and Parquet, a row per reading.

Knows the file's form and the city's devices; knows neither the store nor the clock. A row that cannot be read is a
fault of its own and spoils no other; only a file that cannot be read at all is an error.

Columns, in any order: `time` (RFC 3339 with an offset; in Parquet also a timestamp with a time zone), `device`, `field`
(of the device's model), `value` (decimal text or a number, or the name of a state), and `unit`, which may be left out
or empty: then the value is in the measurand's own unit.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from devices import (
    REASON_CODES,
    Kind,
    Measurand,
    ObservationBatch,
    Registry,
    Scale,
    UnitError,
    ValueRefusedError,
    conversion,
    nearest,
    text_from_float,
    time_us_from_rfc3339,
)
from devices.errors import quoted
from devices.ticks import parse_number, scale_number
from engine.store import QuarantineRow
from ingest.archived import ArchivedRows
from ingest.errors import HistoryError
from ingest.intake import FAULT_DETAIL_CHARS_MAX, IntakeFault
from ingest.rows import Row

if TYPE_CHECKING:
    import pyarrow as pa

PIECE_ROWS = 50_000
"""Rows of one commit, unless another number is asked for."""
COLUMNS, OPTIONAL = ("time", "device", "field", "value"), ("unit",)
BYTES = ("utf-8", "surrogateescape")
"""Bytes that are no text come through unchanged."""
TIMES_KEPT, VALUES_KEPT = 65_536, 262_144
"""Texts whose meaning is remembered: a file repeats them."""


@dataclass(slots=True)
class Piece:
    """Rows of a file on their way to one commit; a row counts as a message. See `commits.Arrivals`.

    Attributes:
        name: of the file, for the quarantine.
        received_us: when it was read.
        bytes_max: bytes of a refused row that are kept.
        devices: codes of the city's devices.
        digest: of what the rows say and where they stand.
        done: how much of the file is behind this piece, 0 to 1.
    """

    name: str
    received_us: int
    bytes_max: int
    devices: Container[str]
    digest: bytes = b""
    done: float = 0.0
    message_count: int = 0
    faults: list[IntakeFault] = field(default_factory=list)
    reading_message: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    columns: tuple[list[int], list[int], list[int], list[int]] = field(default_factory=lambda: ([], [], [], []))
    flags: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def batch(self) -> ObservationBatch:
        """Return the readings, in the order of the file."""
        slot, time_us, ticks, _ = self.columns
        return ObservationBatch.of(slot, time_us, ticks, self.flags)

    def reading_received_us(self) -> NDArray[np.int64]:
        """Return, per reading, when it was received."""
        return np.full(len(self.columns[0]), self.received_us, np.int64)

    def row(self, message: int, _device: int, reason: str, detail: str, readings: int) -> QuarantineRow:
        """Return the row for the quarantine of one row of the file."""
        row = self.rows[message]
        device = row.device if row.device in self.devices else ""
        said = ",".join(map(str, row[1:6])).encode(*BYTES)
        return QuarantineRow(
            self.received_us, reason, f"{self.name}:{row.line}", device, detail, readings,
            said[: self.bytes_max], len(said),
        )  # fmt: skip


class Reader:
    """Reads the files of one city.

    Args:
        registry: the city and its devices.
        bytes_max: bytes of a refused row that are kept.
        piece_rows: rows of one piece.
    """

    def __init__(self, registry: Registry, bytes_max: int, piece_rows: int = PIECE_ROWS) -> None:
        self._bytes_max, self._piece_rows = bytes_max, piece_rows
        self._devices = {device.code: position for position, device in enumerate(registry.devices)}
        self._measurands = registry.catalogue.by_code
        self._slots: dict[tuple[str, str], tuple[int, str]] = {}
        for position, device in enumerate(registry.devices):
            first = registry.slots(position).start
            for at, sent in enumerate(registry.model_of(device).fields):
                self._slots[device.code, sent.name] = first + at, sent.measurand
        self._time_us = lru_cache(TIMES_KEPT)(time_us_from_rfc3339)
        self._ticks = lru_cache(VALUES_KEPT)(self._ticks_of)

    def pieces(self, path: Path, received_us: Callable[[], int]) -> Iterator[Piece]:
        """Give the rows of a file, so many at a time.

        Args:
            path: `.csv`, `.csv.gz` or `.parquet`, or the folder of an archived day.
            received_us: the present time.

        Raises:
            HistoryError: it is none of these, lacks a column, or cannot be read to its end.
        """
        rows = self._rows(path)
        piece = Piece(path.name, received_us(), self._bytes_max, self._devices)
        digest = hashlib.sha256()
        for row in rows:
            digest.update(f"{row[0]}\x1f{row[1]}\x1f{row[2]}\x1f{row[3]}\x1f{row[4]}\x1f{row[5]}\n".encode(*BYTES))
            self._take(piece, row)
            if len(piece.rows) == self._piece_rows:
                yield _closed(piece, digest.digest(), rows.done())
                piece, digest = Piece(path.name, received_us(), self._bytes_max, self._devices), hashlib.sha256()
        if piece.rows:
            yield _closed(piece, digest.digest(), 1.0)

    def _rows(self, path: Path) -> ArchivedRows | ParquetRows | CsvRows:
        if path.is_dir():
            return ArchivedRows(path, {name: measurand for name, (_, measurand) in self._slots.items()})
        return ParquetRows(path) if path.suffix == ".parquet" else CsvRows(path)

    def _take(self, piece: Piece, row: Row) -> None:
        message = len(piece.rows)
        piece.rows.append(row)
        slots, times, ticks, messages = piece.columns
        try:
            slot, measurand = self._known(row)
            at = row.time if isinstance(row.time, int) else self._time_us(row.time)
            value = self._ticks(measurand, row.value, row.unit)
        except ValueRefusedError as error:
            detail = error.detail[:FAULT_DETAIL_CHARS_MAX]
            piece.faults.append(IntakeFault(message, REASON_CODES[error.reason], detail, 1))
            return
        slots.append(slot)
        times.append(at)
        ticks.append(value)
        messages.append(message)
        piece.flags.append(row.flags)

    def _ticks_of(self, measurand: str, value: str, unit: str) -> int:
        return ticks_of(self._measurands[measurand], value, unit)

    def _known(self, row: Row) -> tuple[int, str]:
        found = self._slots.get((row.device, row.field))
        if found is not None:
            return found
        if row.device not in self._devices:
            raise ValueRefusedError(
                "unknown_device", f"no device is called {quoted(row.device)}{nearest(row.device, self._devices)}"
            )
        fields = [name for device, name in self._slots if device == row.device]
        raise ValueRefusedError(
            "unknown_field", f"{row.device} has the fields {', '.join(fields)}, not {quoted(row.field)}"
        )


def _closed(piece: Piece, digest: bytes, done: float) -> Piece:
    piece.digest, piece.done, piece.message_count = digest, done, len(piece.rows)
    piece.reading_message = np.array(piece.columns[3], np.int32)
    return piece


def ticks_of(measurand: Measurand, value: str, unit: str) -> int:
    """Return the ticks of a value in a unit; in the measurand's own where that is empty.

    Raises:
        ValueRefusedError: `not_a_number`, `out_of_range` or `bad_unit`.
    """
    if measurand.kind is Kind.STATE and value in measurand.states:
        return measurand.states.index(value)
    try:
        factor, offset = conversion(unit or measurand.unit, measurand.unit)
    except UnitError as error:
        raise ValueRefusedError("bad_unit", str(error)) from None
    return scale_number(parse_number(value), Scale.of(factor, offset, measurand.decimals))


# ---- rows of files -------------------------------------------------------------------------------------------------


class CsvRows:
    """Rows of a CSV file.

    Args:
        path: of the file; one that ends in `.gz` is unpacked.

    Raises:
        HistoryError: its name ends otherwise.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix not in (".csv", ".gz"):
            raise HistoryError(path, "it is neither .csv, .csv.gz nor .parquet")
        self._path, self._size = path, max(path.stat().st_size, 1)
        self._at = 0

    def done(self) -> float:
        """Say how much of the file is read, 0 to 1."""
        return self._at / self._size

    def __iter__(self) -> Iterator[Row]:
        path = self._path
        try:
            with path.open("rb") as raw:
                stream: BinaryIO = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw  # type: ignore[assignment]
                lines = csv.reader(
                    io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline=""), skipinitialspace=True
                )
                places = _columns_at(path, next(lines, []))
                while True:
                    try:
                        cells = next(lines)
                    except StopIteration:
                        return
                    except csv.Error as error:
                        cells = [f"unreadable: {error}"]
                    if cells:
                        yield _csv_row(lines.line_num, cells, places)
                        self._at = raw.tell()
        except (OSError, EOFError, zlib.error) as error:
            raise HistoryError(path, f"it cannot be read to its end: {error}") from error


def _csv_row(line: int, cells: list[str], places: Sequence[int]) -> Row:
    time, device, name, value, unit = places
    if len(cells) <= max(places):
        # Cut short: empty cells say themselves what is wrong with them.
        cells = cells + [""] * (max(places) + 1 - len(cells))
    return Row(line, cells[time], cells[device], cells[name], cells[value], cells[unit] if unit >= 0 else "")


def _columns_at(path: Path, header: Sequence[str]) -> list[int]:
    """Return where each column of a `Row` stands; -1 for a unit that is not there."""
    names = [name.strip() for name in header]
    unknown = [name for name in names if name not in COLUMNS + OPTIONAL]
    lacking = [name for name in COLUMNS if name not in names]
    if unknown or lacking or len(set(names)) < len(names):
        raise HistoryError(
            path,
            f"its first line says {','.join(names)}; expected {','.join(COLUMNS)} and perhaps {','.join(OPTIONAL)}",
        )
    return [names.index(name) if name in names else -1 for name in COLUMNS + OPTIONAL]


class ParquetRows:
    """Rows of a Parquet file, numbered from 1.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._line, self._total = path, 0, 1

    def done(self) -> float:
        """Say how much of the file is read, 0 to 1."""
        return self._line / self._total

    def __iter__(self) -> Iterator[Row]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self._path
        try:
            file = pq.ParquetFile(path)
            _columns_at(path, file.schema_arrow.names)
            self._total = max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(PIECE_ROWS):
                times = _times(path, batch.column("time"))
                texts = [_texts(batch.column(name)) for name in ("device", "field", "value")]
                units = _texts(batch.column("unit")) if "unit" in batch.schema.names else [""] * batch.num_rows
                for at, device, name, value, unit in zip(times, *texts, units, strict=True):
                    self._line += 1
                    yield Row(self._line, at, device, name, value, unit)
        except (OSError, pa.ArrowException) as error:
            raise HistoryError(path, f"it cannot be read to its end: {error}") from error


def _times(path: Path, column: pa.Array) -> list[str | int]:
    import pyarrow as pa

    kind = column.type
    if not pa.types.is_timestamp(kind):
        return list(_texts(column))
    if kind.tz is None:
        raise HistoryError(path, "its times have no time zone: give them as timestamps in UTC")
    counts = column.cast(pa.int64())
    if kind.unit == "ns":
        # Half to even, as every time is rounded to the microsecond.
        return ["" if n is None else (n + 499 + (n // 1000 & 1)) // 1000 for n in counts.to_pylist()]
    factor = {"s": 1_000_000, "ms": 1_000, "us": 1}[kind.unit]
    return ["" if n is None else n * factor for n in counts.to_pylist()]


def _texts(column: pa.Array) -> list[str]:
    return ["" if one is None else _text(one) for one in column.to_pylist()]


def _text(value: object) -> str:
    if isinstance(value, float):
        try:
            return text_from_float(value)
        except ValueRefusedError:
            return str(value)  # refused as no number when it is read
    return value if isinstance(value, str) else format(value, "f") if hasattr(value, "as_tuple") else str(value)
