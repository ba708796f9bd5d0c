"""Archived days: what is written is read, in any order it gives the same bytes, and any byte that changes is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
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
        assert archive.digests(DAY) == wanted
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


def test_a_series_with_another_reading_is_named_although_the_record_fits(tmp_path: Path) -> None:
    """Somebody who seals a record anew still has the digests against them."""
    archive = written(tmp_path / "mine", some())
    changed = some()
    key = next(key for key in changed if key[0].device == "b")
    changed[key] = (changed[key][0] + 1, 0)
    other = written(tmp_path / "theirs", changed)
    archive.path(DAY, OBSERVATIONS).write_bytes(other.path(DAY, OBSERVATIONS).read_bytes())
    mine, theirs = archive.record(DAY), other.record(DAY)
    forged = msgspec.structs.replace(mine, files=(theirs.files[0], mine.files[1])).sealed()
    archive.path(DAY, RECORD).write_bytes(forged.text())
    assert [fault.what for fault in verify_day(archive, DAY)] == ["b pm10: not the readings that were archived"]


def test_a_missing_file_and_another_days_record_are_named(tmp_path: Path) -> None:
    archive = written(tmp_path, some())
    archive.path(DAY, "digests.parquet").unlink()
    assert [fault.path.name for fault in verify_day(archive, DAY)] == ["digests.parquet"]
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


def test_digests_follow_from_the_observations(tmp_path: Path) -> None:
    archive = written(tmp_path, some())
    found = {name: (one.count, one.sha256) for name, one in series_of(archive, DAY).items()}
    assert found == archive.digests(DAY)
