"""Observations a second into an archive from columns in memory, beside SHA-256 of them; and bytes each, of recordings.

Reading them from the database is told apart: the command prints its own rate, and the archive waits for the database.
"""

from __future__ import annotations

import hashlib
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from devices import load_measurands
from engine.archive import Columns, DayFacts, DayRecord, Measure, SeriesName, write_day
from simulators.cities import bundled
from simulators.recording import Recording
from simulators.replay import prepare
from tests.benchmarks.table import Row

DAY_US = 86_400_000_000
SERIES = 2_000
READINGS_REQUIRED, BYTES_REQUIRED = 2_000_000, 4


def rows(*, quick: bool) -> list[Row]:
    """Measure a day of a large city, and the recordings that come with the program."""
    return [_written(quick), *_bytes()]


def _written(quick: bool) -> Row:
    each = 288 if quick else 1_440
    random = np.random.default_rng(1)
    size = SERIES * each
    columns = Columns(
        tuple(SeriesName(f"device-{at:05}", "pm2_5", "pm2_5") for at in range(SERIES)),
        np.repeat(np.arange(SERIES, dtype=np.int32), each),
        np.tile(np.arange(each) * (DAY_US // each), SERIES) + random.integers(0, 1_000_000, size),
        np.cumsum(random.integers(-500, 501, size)) + 50_000,
        np.zeros(size, np.int16),
    )  # fmt: skip
    pairs = np.column_stack((columns.time_us, columns.ticks)).tobytes()

    def write() -> float:
        with TemporaryDirectory() as folder:
            began = time.perf_counter()
            _day(Path(folder), "bench", 0, columns)
            return size / (time.perf_counter() - began)

    def digest() -> float:
        began = time.perf_counter()
        hashlib.sha256(pairs)
        return size / (time.perf_counter() - began)

    write()
    runs = 3 if quick else 5
    ours, bare = (statistics.median(run() for _ in range(runs)) for run in (write, digest))
    note = f"a day of {SERIES:,} series, {size:,} observations, on the disk; median of {runs}"
    return Row(
        "archive, written from memory", ours, "observations/s", bare, "SHA-256 of them", required=READINGS_REQUIRED,
        note=note,
    )  # fmt: skip


def _bytes() -> list[Row]:
    """Return bytes an observation of every recording that comes with the program, each as a city of its own."""
    observations = bare = total = 0
    note = []
    with TemporaryDirectory() as folder:
        for name, path in bundled().items():
            if not (path / "city.toml").exists():
                records = [
                    _day(Path(folder), name, number, columns)
                    for recording in prepare([path]).recordings
                    for number, columns in _days(recording)
                ]
                count = sum(record.observations for record in records)
                size = sum(record.folder_bytes for record in records)
                note.append(f"{name} {size / count:.2f} ({count // len(records):,} a day)")
                observations, total = observations + count, total + size
                bare += sum(record.size_bytes for record in records)
    return [
        Row(
            "archive, recordings", total / observations, "bytes each", required=BYTES_REQUIRED, below=True,
            note=f"records with digest and seal included, {bare / observations:.2f} without: " + ", ".join(note),
        )
    ]  # fmt: skip


def _day(folder: Path, city: str, number: int, columns: Columns) -> DayRecord:
    catalogue = load_measurands().by_code
    codes = sorted({name.measurand for name in columns.series})
    measures = tuple(Measure(code, catalogue[code].unit, catalogue[code].decimals) for code in codes)
    day = datetime.fromtimestamp(number * 86_400, UTC).date()
    return write_day(folder, DayFacts(city, "UTC", day, measures), [columns])


def _days(recording: Recording) -> list[tuple[int, Columns]]:
    """Return the readings of a recording by day; of two at one time the first."""
    sent = recording.rows
    fields = [recording.model.fields[recording.model.field_index(name)] for name in recording.fields]
    names = [SeriesName(device, one.name, one.measurand) for device in recording.devices for one in fields]
    row, column = np.nonzero(sent.present)
    at = (sent.device[row] * len(fields) + column).astype(np.int32)
    time_us, ticks = sent.time_us[row], sent.ticks[row, column]
    _, first = np.unique(np.column_stack((at, time_us)), axis=0, return_index=True)
    at, time_us, ticks = at[first], time_us[first], ticks[first]
    day = time_us // DAY_US
    return [
        (
            number,
            Columns.sorted_of(
                names, at[day == number], time_us[day == number], ticks[day == number],
                np.zeros(int((day == number).sum()), np.int16),
            ),
        )
        for number in np.unique(day).tolist()
    ]  # fmt: skip
