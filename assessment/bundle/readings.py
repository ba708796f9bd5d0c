"""Days of readings as Parquet files, by the names of devices and fields: no number in them depends on a database.

Knows the columns of these files; knows no figure. The same readings give the same bytes: sorted, without a moment, and
by settings that are all stated here. A series is a device and a field of its model; a day counts from 1970-01-01.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from assessment.errors import BundleError
from devices import Registry
from engine.archive import SHA256_BYTES, DayDigests
from engine.cells import SUM_COUNT
from engine.kpi import Clock, DayCells

ROWS_MAX: Final = 60_000_000
"""Rows of one file: 50,000 series for a year, and some hours of the clock as well."""
NAMES_MAX: Final = 1_100_000
CLOCKS_MAX: Final = 200
GROUP_ROWS: Final = 1 << 20
_SERIES: Final = ("device", "field")
_SUMS: Final = tuple(f"sum_{k}" for k in range(SUM_COUNT))
_NAMES = pa.dictionary(pa.int32(), pa.string())
_DAYS_SCHEMA = pa.schema(
    [("hours", _NAMES), ("device", _NAMES), ("field", _NAMES), ("day", pa.int32())]
    + [(name, pa.int64()) for name in ("count", "low", "high", *_SUMS)]
)
_HEARD_SCHEMA = pa.schema([("device", _NAMES), ("field", _NAMES), ("day", pa.int32())])
_DIGESTS_SCHEMA = pa.schema(
    [*_HEARD_SCHEMA, ("count", pa.int64()), ("sha256", pa.binary(SHA256_BYTES))]
)  # fmt: skip


# ---- writing -----------------------------------------------------------------------------------------------------


def write_days(registry: Registry, cells: DayCells, file: Path) -> None:
    """Write the cells of days, sorted by hours, device, field and day; the numbers are those of `DayCells`."""
    devices, fields = _names(registry)
    device, field = devices.codes[cells.slot], fields.codes[cells.slot]
    hours = _Names.of([clock_text(clock) for clock in cells.clocks])
    order = np.lexsort((cells.day, field, device, hours.codes[cells.clock]))
    numbers: list[NDArray[Any]] = [cells.day, cells.count, cells.low, cells.high, *cells.sums.T]
    columns = [hours.column(cells.clock[order]), devices.column(cells.slot[order]), fields.column(cells.slot[order])]
    _write(_DAYS_SCHEMA, columns + [pa.array(column[order]) for column in numbers], file)


def write_heard(registry: Registry, heard: Mapping[int, int], file: Path) -> None:
    """Write on which day each series was heard last."""
    devices, fields = _names(registry)
    slot = np.array(sorted(heard), np.int64)
    slot = slot[np.lexsort((fields.codes[slot], devices.codes[slot]))]
    day = np.array([heard[number] for number in slot.tolist()], np.int32)
    _write(_HEARD_SCHEMA, [devices.column(slot), fields.column(slot), pa.array(day)], file)


def write_digests(found: DayDigests, file: Path) -> None:
    """Write the digests of observations, by device, field and day."""
    devices = _Names.of([device for device, _ in found.series])
    fields = _Names.of([field for _, field in found.series])
    order = np.lexsort((found.day, fields.codes[found.at], devices.codes[found.at]))
    at = found.at[order]
    packed = pa.py_buffer(np.ascontiguousarray(found.sha256[order]).tobytes())
    sha256 = pa.FixedSizeBinaryArray.from_buffers(pa.binary(SHA256_BYTES), len(found), [None, packed])
    numbers = [pa.array(found.day[order]), pa.array(found.count[order]), sha256]
    _write(_DIGESTS_SCHEMA, [devices.column(at), fields.column(at), *numbers], file)


def clock_text(clock: Clock) -> str:
    """Return which hours take part, as the column `hours` says it; empty for all of them."""
    return "" if clock == Clock() else json.dumps(clock._asdict(), separators=(",", ":"))


class _Names:
    """Texts by position, and the codes of the same texts sorted, none twice."""

    def __init__(self, sorted_once: list[str], codes: NDArray[np.int64]) -> None:
        self.codes = codes
        self._dictionary = pa.array(sorted_once, pa.string())

    @classmethod
    def of(cls, texts: list[str]) -> _Names:
        """Return the names of a list."""
        sorted_once = sorted(set(texts))
        code = {text: number for number, text in enumerate(sorted_once)}
        return cls(sorted_once, np.array([code[text] for text in texts], np.int64))

    def column(self, at: NDArray[Any]) -> pa.Array:
        """Return the texts at some positions, as a column."""
        return pa.DictionaryArray.from_arrays(pa.array(self.codes[at].astype(np.int32)), self._dictionary)


def _names(registry: Registry) -> tuple[_Names, _Names]:
    """Return the names of device and field by slot."""
    series = [(device.code, one.name) for device in registry.devices for one in registry.model_of(device).fields]
    return _Names.of([device for device, _ in series]), _Names.of([field for _, field in series])


def _write(schema: pa.Schema, columns: list[pa.Array], file: Path) -> None:
    pq.write_table(
        pa.Table.from_arrays(columns, schema=schema),
        file,
        row_group_size=GROUP_ROWS,
        version="2.6",
        data_page_version="1.0",
        use_dictionary=[name for name in ("hours", *_SERIES, "day") if name in schema.names],
        compression="zstd",
        compression_level=3,
        write_statistics=False,
        store_schema=False,
    )


# ---- reading -----------------------------------------------------------------------------------------------------


def read_days(registry: Registry, file: Path) -> DayCells:
    """Return the cells of days.

    Raises:
        BundleError: it is no such file, or names a series that the city does not have.
    """
    table = _read(_DAYS_SCHEMA, file)
    texts, clock = _dictionary(table, "hours")
    clocks = tuple(_clock(text, file) for text in texts)
    cells = DayCells(
        clocks=clocks,
        clock=clock.astype(np.int16),
        slot=_slots(registry, table, file),
        day=_numbers(table, "day", np.int32),
        count=_numbers(table, "count", np.int64),
        low=_numbers(table, "low", np.int64),
        high=_numbers(table, "high", np.int64),
        sums=np.column_stack([_numbers(table, name, np.int64) for name in _SUMS]),
    )
    keys = np.column_stack((cells.clock, cells.slot, cells.day))
    order = np.lexsort(keys.T)
    if len(cells) > 1 and not (np.diff(keys[order], axis=0) != 0).any(axis=1).all():
        raise BundleError(f"{file.name}: a day of a series stands twice")
    return cells


def read_heard(registry: Registry, file: Path) -> dict[int, int]:
    """Return by slot the last day on which it was heard.

    Raises:
        BundleError: it is no such file, or names a series that the city does not have.
    """
    table = _read(_HEARD_SCHEMA, file)
    slots, days = _slots(registry, table, file), _numbers(table, "day", np.int32)
    heard = dict(zip(slots.tolist(), days.tolist(), strict=True))
    if len(heard) != slots.size:
        raise BundleError(f"{file.name}: a series stands twice")
    return heard


def read_digests(file: Path) -> DayDigests:
    """Return the digests of observations.

    Raises:
        BundleError: it is no such file.
    """
    table = _read(_DIGESTS_SCHEMA, file)
    (devices, device), (fields, field) = _dictionary(table, "device"), _dictionary(table, "field")
    pairs, at = np.unique(np.column_stack((device, field)), axis=0, return_inverse=True)
    series = tuple((devices[d], fields[f]) for d, f in pairs.tolist())
    chunks = [chunk.cast(pa.binary()) for chunk in table.column("sha256").chunks]
    packed = b"".join(value for chunk in chunks for value in chunk.to_pylist())
    return DayDigests(
        series,
        at.reshape(-1).astype(np.int32),
        _numbers(table, "day", np.int32),
        _numbers(table, "count", np.int64),
        np.frombuffer(packed, np.uint8).reshape(-1, SHA256_BYTES),
    )


def _read(schema: pa.Schema, file: Path) -> pa.Table:
    """Return the table of a file; its size is looked at before anything is unpacked."""
    names = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    try:
        with pq.ParquetFile(file, read_dictionary=names) as opened:
            if opened.metadata.num_rows > ROWS_MAX:
                raise BundleError(f"{file.name}: expected at most {ROWS_MAX} rows, got {opened.metadata.num_rows}")
            if opened.schema_arrow.names != schema.names:
                raise BundleError(f"{file.name}: expected the columns {', '.join(schema.names)}")
            table = opened.read().unify_dictionaries().cast(schema)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BundleError(f"{file.name}: no Parquet file as expected: {str(error)[:120]}") from None
    if any(column.null_count for column in table.columns):
        raise BundleError(f"{file.name}: expected a value in every cell")
    return table


def _dictionary(table: pa.Table, name: str) -> tuple[list[str], NDArray[np.int64]]:
    """Return the texts of a column, and which of them stands in each row."""
    column = table.column(name).combine_chunks()
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    if not chunks:
        return [], np.zeros(0, np.int64)
    if len(chunks[0].dictionary) > NAMES_MAX:
        raise BundleError(f"expected at most {NAMES_MAX} names in the column {name}")
    return chunks[0].dictionary.to_pylist(), np.concatenate([c.indices.to_numpy() for c in chunks]).astype(np.int64)


def _numbers(table: pa.Table, name: str, kind: type[np.generic]) -> NDArray[Any]:
    return np.asarray(table.column(name).to_numpy(), kind)


def _slots(registry: Registry, table: pa.Table, file: Path) -> NDArray[np.int32]:
    """Return the slots of the series that a table names."""
    (devices, device), (fields, field) = _dictionary(table, "device"), _dictionary(table, "field")
    width = max(len(fields), 1)
    pairs, at = np.unique(device * width + field, return_inverse=True)
    slots = np.zeros(pairs.size, np.int32)
    for number, pair in enumerate(pairs.tolist()):
        code, name = devices[pair // width], fields[pair % width]
        try:
            slots[number] = registry.slot(code, name)
        except KeyError as error:
            raise BundleError(f"{file.name}: {error.args[0]}; the city of the bundle has another device list") from None
    return np.asarray(slots[at.reshape(-1)])


def _clock(text: str, file: Path) -> Clock:
    if not text:
        return Clock()
    try:
        values = json.loads(text)
        hours = tuple((int(begin), int(end)) for begin, end in values["hours"])
        clock = Clock(hours, tuple(int(day) for day in values["weekdays"]), int(values["percent_min"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BundleError(f"{file.name}: expected hours as this program writes them, got {text[:80]!r}") from None
    if clock_text(clock) != text:
        raise BundleError(f"{file.name}: expected hours as this program writes them, got {text[:80]!r}")
    return clock
