"""Columns of a day as a table of Parquet, and back: what says nothing takes no bytes.

Knows columns and Arrow; knows neither files nor names of them. Ticks end in as many zeros as their measurand is finer
than the sensor: they are written without those zeros, which `tens` counts, a number for each series. A day in one
portion is written without `tens` where no tick ends in zeros, without `flags` where none is raised, and without
`measurand` where each field has its measurand's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from engine.archive.columns import Columns, SeriesName
from engine.archive.digest import runs

if TYPE_CHECKING:
    import pyarrow as pa

DEVICE, FIELD, MEASURAND = "device", "field", "measurand"
NAMES: Final = (DEVICE, FIELD, MEASURAND)
TIME, TICKS, TENS, FLAGS = "time", "ticks", "tens", "flags"
TENS_MAX: Final = 18
"""The greatest power of ten that an int64 holds."""
_POWERS: Final = 10 ** np.arange(TENS_MAX + 1, dtype=np.int64)


def packed(columns: Columns, *, lean: bool) -> pa.Table:
    """Return a table of columns; a lean one lacks the columns that say nothing."""
    import pyarrow as pa

    edges = runs(columns.at)
    tens = _tens(columns.ticks, edges)
    each = np.repeat(tens, np.diff(edges))
    ticks = columns.ticks // _POWERS[each] if tens.any() else columns.ticks
    made = dict(zip(NAMES, _names(columns), strict=True))
    made |= {TIME: pa.array(columns.time_us), TICKS: pa.array(ticks), TENS: pa.array(each)}
    made[FLAGS] = pa.array(columns.flags)
    if lean:
        silent = {
            MEASURAND: all(name.field == name.measurand for name in columns.series),
            TENS: not tens.any(),
            FLAGS: not columns.flags.any(),
        }
        made = {name: column for name, column in made.items() if not silent.get(name, False)}
    # Nothing is ever absent from a row: columns that cannot be null are told so, and take fewer bytes.
    schema = pa.schema([pa.field(name, column.type, nullable=False) for name, column in made.items()])
    return pa.table(list(made.values()), schema=schema)


def unpacked(table: pa.Table) -> Columns:
    """Return the columns of a table, whether or not it is lean.

    Raises:
        KeyError: it lacks a column.
        ValueError: it is none that `packed` makes.
    """
    present = [name for name in NAMES if name != MEASURAND or name in table.column_names]
    codes, words = zip(*(_coded(table.column(name)) for name in present), strict=True)
    edges = runs(*codes)
    parts = [
        [text[code] for code in column[edges[:-1]].tolist()] for column, text in zip(codes, words, strict=True)
    ]  # fmt: skip
    if MEASURAND not in present:
        parts.append(parts[1])
    names = tuple(SeriesName(*one) for one in zip(*parts, strict=True))
    at = np.repeat(np.arange(len(names), dtype=np.int32), np.diff(edges))
    time_us, ticks = (table.column(name).to_numpy().astype(np.int64) for name in (TIME, TICKS))
    if TENS in table.column_names:
        tens = table.column(TENS).to_numpy()
        if tens.size and not 0 <= tens.min() <= tens.max() <= TENS_MAX:
            raise ValueError(f"{TENS} are from 0 to {TENS_MAX}, and some are not")
        ticks = ticks * _POWERS[tens]
    flags = (
        table.column(FLAGS).to_numpy().astype(np.int16) if FLAGS in table.column_names else np.zeros(at.size, np.int16)
    )
    return Columns(names, at, time_us, ticks, flags)


def _tens(ticks: NDArray[np.int64], edges: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return for each slice in how many decimal zeros all its ticks end; 0 where all are 0."""
    found = np.zeros(edges.size - 1, np.int8)
    if found.size:
        # The least int64 has no positive twin, but an unsigned one.
        common = np.gcd.reduceat(np.abs(ticks).view(np.uint64), edges[:-1])
        for power in range(1, TENS_MAX + 1):
            found[(common != 0) & (common % np.uint64(_POWERS[power]) == 0)] = power
    return found


def _names(columns: Columns) -> list[pa.Array]:
    """Return the three columns of names."""
    import pyarrow as pa

    made = []
    for part in zip(*columns.series, strict=True) if columns.series else [()] * len(NAMES):
        words = sorted(set(part))
        place = {word: i for i, word in enumerate(words)}
        code = np.array([place[word] for word in part], np.int32)
        made.append(pa.DictionaryArray.from_arrays(pa.array(code[columns.at]), pa.array(words, pa.string())))
    return made


def _coded(column: pa.ChunkedArray) -> tuple[NDArray[np.int32], list[str]]:
    whole = column.combine_chunks()
    return whole.indices.to_numpy().astype(np.int32), whole.dictionary.to_pylist()
