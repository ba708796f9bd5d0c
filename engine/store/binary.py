"""Columns to and from PostgreSQL's binary forms: whole numpy arrays at once, nothing per row.

Knows bytes; knows neither connections nor tables. Formats: PostgreSQL manual, COPY, "Binary Format"; a timestamptz is
microseconds since 2000-01-01 UTC, its least and greatest value standing for minus and plus infinity.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.postgres import types
from psycopg.pq import Format

EPOCH_US = 946_684_800_000_000
"""2000-01-01 UTC in microseconds since 1970: PostgreSQL counts from here."""
TIME_LOW_US = -210_866_803_200_000_000
"""Earliest time the database can hold (4714 BC)."""
TIME_HIGH_US = 9_223_371_331_199_999_999
"""Latest time TimescaleDB can compare with (year 294,247)."""

_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_TIMESTAMPTZ, _INT4, _INT8 = types["timestamptz"].oid, types["int4"].oid, types["int8"].oid
_ROWS_AT_ONCE = 4096

OBSERVATION_BYTES = 18
"""One packed observation as `observations.sql` sends it: time, ticks, flags."""
_OBSERVATION = np.dtype([("time", ">i8"), ("ticks", ">i8"), ("flags", ">i2")])


class Timestamp:
    """A time as a parameter of a query, in microseconds since 1970; one too far out becomes the outermost there is."""

    __slots__ = ("us",)

    def __init__(self, us: int) -> None:
        self.us = min(max(int(us), TIME_LOW_US), TIME_HIGH_US)


class _TimestampDumper(Dumper):
    """Sends a Timestamp."""

    format = Format.BINARY
    oid = _TIMESTAMPTZ

    def dump(self, obj: Timestamp) -> Buffer:
        """Return the time as PostgreSQL counts it."""
        return struct.pack(">q", obj.us - EPOCH_US)


class Times:
    """A column of times as a parameter of a query, in microseconds since 1970; see `Timestamp`."""

    __slots__ = ("us",)

    def __init__(self, us: NDArray[np.int64]) -> None:
        self.us = np.clip(us, TIME_LOW_US, TIME_HIGH_US)


class _TimesDumper(Dumper):
    """Sends Times as timestamptz[]."""

    format = Format.BINARY
    oid = types["timestamptz"].array_oid

    def dump(self, obj: Times) -> Buffer:
        """Return the times as PostgreSQL has an array of them."""
        return _array(stamps(obj.us), _TIMESTAMPTZ)


class Ints:
    """A column of int32 as a parameter of a query."""

    __slots__ = ("values",)

    def __init__(self, values: NDArray[np.int32]) -> None:
        self.values = values


class _IntsDumper(Dumper):
    """Sends Ints as int[]."""

    format = Format.BINARY
    oid = types["int4"].array_oid

    def dump(self, obj: Ints) -> Buffer:
        """Return the numbers as PostgreSQL has an array of them."""
        return _array(obj.values, _INT4)


class Longs:
    """A column of int64 as a parameter of a query."""

    __slots__ = ("values",)

    def __init__(self, values: NDArray[np.int64]) -> None:
        self.values = values


class _LongsDumper(Dumper):
    """Sends Longs as bigint[]."""

    format = Format.BINARY
    oid = types["int8"].array_oid

    def dump(self, obj: Longs) -> Buffer:
        """Return the numbers as PostgreSQL has an array of them."""
        return _array(obj.values, _INT8)


class _TimestampLoader(Loader):
    """Receives a timestamptz as an int: microseconds since 1970."""

    format = Format.BINARY

    def load(self, data: Buffer) -> int:
        """Return the time in microseconds since 1970."""
        us: int = struct.unpack(">q", data)[0]
        return us + EPOCH_US


def register(connection: Any) -> None:
    """Teach a connection to send `Timestamp` and to return times as int microseconds (in binary results)."""
    for kind, dumper in (
        (Timestamp, _TimestampDumper),
        (Times, _TimesDumper),
        (Ints, _IntsDumper),
        (Longs, _LongsDumper),
    ):
        connection.adapters.register_dumper(kind, dumper)
    connection.adapters.register_loader(_TIMESTAMPTZ, _TimestampLoader)


def stamps(time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return times as PostgreSQL counts them."""
    return time_us - EPOCH_US


def rows(columns: Sequence[NDArray[Any]]) -> memoryview:
    """Return columns of one length as the body of a binary COPY, in their order; no value is null.

    The width of a value is that of its array's type: int64 for bigint and timestamptz, int32 for int, int16 for
    smallint. COPY BINARY converts nothing, so the caller gives each column its table's type.
    """
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for i, column in enumerate(columns):
        fields += [(f"length_{i}", ">i4"), (f"value_{i}", f">i{column.dtype.itemsize}")]
    of = np.dtype(fields)
    size = columns[0].size
    # In place, and so few rows at a time that they stay at hand while one column after the other is put between them.
    body = np.empty(len(_SIGNATURE) + size * of.itemsize + len(_END), np.uint8)
    body[: len(_SIGNATURE)] = np.frombuffer(_SIGNATURE, np.uint8)
    body[body.size - len(_END) :] = np.frombuffer(_END, np.uint8)
    packed = body[len(_SIGNATURE) : body.size - len(_END)].view(of)
    lengths = np.zeros(1, of)
    lengths["fields"] = len(columns)
    for i, column in enumerate(columns):
        lengths[f"length_{i}"] = column.dtype.itemsize
    for first in range(0, size, _ROWS_AT_ONCE):
        some = packed[first : first + _ROWS_AT_ONCE]
        some[:] = lengths
        for i, column in enumerate(columns):
            some[f"value_{i}"] = column[first : first + _ROWS_AT_ONCE]
    return body.data


def _array(column: NDArray[Any], element: int) -> bytes:
    """Return a column as an array of one dimension of elements of this type, none of them null; `array_recv`'s form."""
    head = struct.pack(">5i", 1, 0, element, column.size, 1) if column.size else struct.pack(">3i", 0, 0, element)
    packed = np.empty(column.size, np.dtype([("length", ">i4"), ("value", f">i{column.dtype.itemsize}")]))
    packed["length"], packed["value"] = column.dtype.itemsize, column
    return head + packed.tobytes()


def unpack_observations(packed: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int16]]:
    """Return time_us, ticks and flags of observations packed by the database."""
    table = np.frombuffer(packed, _OBSERVATION)
    return table["time"].astype(np.int64) + EPOCH_US, table["ticks"].astype(np.int64), table["flags"].astype(np.int16)


def unpack_columns(packed: bytes, layout: Sequence[str]) -> list[NDArray[Any]]:
    """Return the columns of rows packed by the database; `layout` names each as `time`, `i8` or `i4`."""
    kinds = [(f"c{i}", ">i4" if kind == "i4" else ">i8") for i, kind in enumerate(layout)]
    table = np.frombuffer(packed, np.dtype(kinds))
    columns: list[NDArray[Any]] = []
    for i, kind in enumerate(layout):
        column = table[f"c{i}"].astype(np.int32 if kind == "i4" else np.int64)
        columns.append(column + EPOCH_US if kind == "time" else column)
    return columns
