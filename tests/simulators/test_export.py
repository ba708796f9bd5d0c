"""Recordings as files of history say what their devices would send, in the same order."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.simulators.material import READINGS, run, write_city, write_recording

LINES = [
    "time,device,field,value,unit",
    "2024-06-01T08:00:00.000000Z,meter-1,volume,0.100000,m3",
    "2024-06-01T08:00:00.000000Z,meter-2,volume,7.000500,m3",
    "2024-06-01T08:02:00.000000Z,meter-1,volume,0.103000,m3",
    "2024-06-01T08:06:00.000000Z,meter-2,volume,7.001000,m3",
]


@pytest.fixture
def recording(tmp_path: Path) -> tuple[Path, Path]:
    city = write_city(tmp_path / "city", "meter-1,water_meter", "meter-2,water_meter")
    return write_recording(tmp_path / "recording"), city


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet"])
def test_every_reading_is_a_row_in_the_order_of_sending(
    recording: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    source, city = recording
    out = tmp_path / name
    done = run("export", source, "--city", city, "--out", out)
    assert done.returncode == 0, done.stderr
    assert f"{len(LINES) - 1} readings" in done.stdout
    assert "NA" in READINGS
    if name.endswith(".parquet"):
        table = pq.read_table(out).to_pylist()
        found = [f"{row['time']:%Y-%m-%dT%H:%M:%S.%fZ}," + ",".join(list(row.values())[1:]) for row in table]
        assert found == LINES[1:]
    else:
        text = gzip.decompress(out.read_bytes()).decode() if name.endswith(".gz") else out.read_text()
        assert text.splitlines() == LINES


def test_another_ending_is_refused(recording: tuple[Path, Path], tmp_path: Path) -> None:
    source, city = recording
    done = run("export", source, "--city", city, "--out", tmp_path / "out.xlsx")
    assert done.returncode == 1
    assert "expected a name that ends in .csv, .csv.gz or .parquet" in done.stderr
