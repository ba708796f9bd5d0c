"""Archived days: what is written is read, in any order it gives the same bytes, and any byte that changes is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive import Archive, ArchiveError, Columns, SeriesName, cities_of, series_of, verify_day, write_day
from engine.archive.days import OBSERVATIONS, RECORD, day_folder
from tests import oracle
from tests.engine.archive.readings import BEGIN_US, DAY, FACTS, Rows, columns, days, parts, rows_of

FOLDER = Path("town") / "day=2016-03-01"


def written(root: Path, rows: Rows, size: int = 2) -> Archive:
    write_day(root, FACTS, parts(columns(rows), size))
    return Archive(root, "town")


def some() -> Rows:
    """A day of three series of twenty readings."""
    names = [SeriesName(device, "pm10", "pm10") for device in ("a", "b", "c")]
    return {(name, BEGIN_US + at * 60_000_000): (at * at, 0) for name in names for at in range(20)}


def files(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / FOLDER).iterdir()}


@given(days(), st.integers(1, 3))
@settings(deadline=None, max_examples=25)
def test_what_is_written_is_read(rows: Rows, size: int) -> None:
    with TemporaryDirectory() as folder:
        archive = written(Path(folder), rows, size)
        found: Rows = {}
        for portion in archive.portions(DAY):
            found |= rows_of(portion)
        assert found == rows
        assert verify_day(archive, DAY) == []
        by_series = {name: [(t, v[0]) for (one, t), v in rows.items() if one == name] for name, _ in rows}
        wanted = {name: (len(pairs), oracle.day_digest(pairs)) for name, pairs in by_series.items()}
        assert {name: (one.count, one.sha256) for name, one in series_of(archive, DAY).items()} == wanted
        assert archive.record(DAY).observations == len(rows)


@given(days(least=2), st.integers(0, 2**32))
@settings(deadline=None, max_examples=25)
def test_in_any_order_the_bytes_are_the_same(rows: Rows, seed: int) -> None:
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        written(Path(one), rows)
        write_day(Path(other), FACTS, parts(columns(rows, np.random.default_rng(seed)), 2))
        assert files(Path(one)) == files(Path(other))


def test_any_byte_that_changes_is_named(tmp_path: Path) -> None:
    archive = written(tmp_path, some())
    chosen = np.random.default_rng(7)
    for name, content in files(tmp_path).items():
        path = tmp_path / FOLDER / name
        for at in chosen.choice(len(content), 60, replace=False).tolist():
            changed = bytearray(content)
            changed[at] ^= 1 << int(chosen.integers(8))
            path.write_bytes(changed)
            assert path in {fault.path for fault in verify_day(archive, DAY)}, f"{name}, byte {at}"
        path.write_bytes(content)
    assert verify_day(archive, DAY) == []


def test_another_reading_is_noticed_although_the_record_fits(tmp_path: Path) -> None:
    """Somebody who seals a record anew still has the digest of what is in the file against them."""
    archive = written(tmp_path / "mine", some())
    changed = some()
    key = next(key for key in changed if key[0].device == "b")
    changed[key] = (changed[key][0] + 1, 0)
    other = written(tmp_path / "theirs", changed)
    archive.path(DAY, OBSERVATIONS).write_bytes(other.path(DAY, OBSERVATIONS).read_bytes())
    mine, theirs = archive.record(DAY), other.record(DAY)
    forged = msgspec.structs.replace(mine, size_bytes=theirs.size_bytes, sha256=theirs.sha256).sealed()
    archive.path(DAY, RECORD).write_bytes(forged.text())
    assert ["not hold the readings that were archived" in fault.what for fault in verify_day(archive, DAY)] == [True]


def test_a_missing_file_and_another_days_record_are_named(tmp_path: Path) -> None:
    archive = written(tmp_path, some())
    archive.path(DAY, OBSERVATIONS).unlink()
    assert [fault.path.name for fault in verify_day(archive, DAY)] == [OBSERVATIONS]
    record = archive.path(DAY, RECORD)
    day_folder(tmp_path, "town", DAY.replace(day=2)).mkdir()
    record.rename(archive.path(DAY.replace(day=2), RECORD))
    (fault,) = verify_day(archive, DAY.replace(day=2))
    assert "record of 2016-03-01" in fault.what
    assert (archive.days(), cities_of(tmp_path)) == ([DAY.replace(day=2)], ["town"])


def test_who_fails_half_way_leaves_the_day_as_it_was(tmp_path: Path) -> None:
    archive = written(tmp_path, some())
    before = files(tmp_path)

    def failing() -> Iterator[Columns]:
        yield parts(columns(some()), 1)[0]
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError):
        write_day(tmp_path, FACTS, failing(), revision=2)
    assert files(tmp_path) == before
    assert archive.record(DAY).revision == 1


def test_portions_out_of_order_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="series do not rise"):
        write_day(tmp_path, FACTS, reversed(parts(columns(some()), 1)))
    assert files(tmp_path) == {}


def test_the_digest_of_what_is_in_a_day_is_that_of_lines_which_anybody_can_write(tmp_path: Path) -> None:
    pairs: dict[SeriesName, list[tuple[int, int]]] = {}
    for (name, time_us), (ticks, _) in some().items():
        pairs.setdefault(name, []).append((time_us, ticks))
    lines = "".join(
        json.dumps([*name, len(each), oracle.day_digest(each).hex()], separators=(",", ":")) + "\n"
        for name, each in sorted(pairs.items())
    )
    assert written(tmp_path, some()).record(DAY).content == hashlib.sha256(lines.encode()).hexdigest()


def test_columns_that_say_nothing_take_no_bytes(tmp_path: Path) -> None:
    """Other programs read an absent column as 0, or of measurands as the field's name."""

    def names(rows: Rows, size: int = 9) -> list[str]:
        return pq.read_schema(written(tmp_path, rows, size).path(DAY, OBSERVATIONS)).names

    whole = ["device", "field", "measurand", "time", "ticks", "tens", "flags"]
    assert names(some()) == ["device", "field", "time", "ticks"]
    assert names({key: (1000 * ticks, flags) for key, (ticks, flags) in some().items()})[4:] == ["tens"]
    assert names({key: (ticks, 1) for key, (ticks, _) in some().items()})[4:] == ["flags"]
    assert names({(SeriesName("a", "dust", "pm10"), BEGIN_US): (1, 0)})[2] == "measurand"
    # What follows is not known when a day is written in portions.
    assert names(some(), 1) == whole


def test_ticks_are_written_without_the_zeros_that_all_of_a_series_end_in(tmp_path: Path) -> None:
    low = -(2**63)
    ticks = {"a": (1000, -70_000, 0), "b": (0, 0, 0), "c": (low, low, low), "d": (10**18, -(10**18), 0)}
    rows: Rows = {
        (SeriesName(device, "pm10", "pm10"), BEGIN_US + at): (value, 0)
        for device, values in ticks.items()
        for at, value in enumerate(values)
    }
    table = pq.read_table(written(tmp_path, rows).path(DAY, OBSERVATIONS), partitioning=None)
    assert table.column("tens").to_pylist() == [3] * 3 + [0] * 6 + [18] * 3
    assert table.column("ticks").to_pylist() == [1, -70, 0, 0, 0, 0, low, low, low, 1, -1, 0]
