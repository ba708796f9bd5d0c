"""Reading a recording: every readable value exactly, every other one counted and named, nothing else lost."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from simulators import Recording, RecordingError, load_recording, recording
from simulators.clock import from_us
from tests.simulators.material import DESCRIPTION, READINGS, write_recording


def rows_of(loaded: Recording) -> list[tuple[str, str, list[int | None]]]:
    """Return (device, time, ticks per field)."""
    rows = loaded.rows
    return [
        (
            loaded.devices[rows.device[i]],
            f"{from_us(int(rows.time_us[i])):%dT%H:%M:%S}",
            [int(t) if there else None for t, there in zip(rows.ticks[i], rows.present[i], strict=True)],
        )
        for i in range(len(rows))
    ]


def test_rows_become_ticks_and_rows_without_a_value_send_nothing(tmp_path: Path) -> None:
    loaded = load_recording(write_recording(tmp_path))
    assert rows_of(loaded) == [
        ("meter-1", "01T08:00:00", [100_000]),
        ("meter-2", "01T08:00:00", [7_000_500]),
        ("meter-1", "01T08:02:00", [103_000]),
        ("meter-2", "01T08:06:00", [7_001_000]),
    ]
    assert (loaded.empty_rows, loaded.refused_rows, loaded.refused_values) == (2, 0, 0)
    assert loaded.rows.line.tolist() == [2, 3, 5, 7]


def test_a_unit_other_than_the_models_is_converted_exactly(tmp_path: Path) -> None:
    gallons = DESCRIPTION.replace('unit = "l"', 'unit = "[gal_us]"')
    loaded = load_recording(
        write_recording(tmp_path, gallons, "meter,time,litres\n1,2024-06-01,1\n1,2024-06-02,1000000\n")
    )
    # 1 gallon is 0.003785411784 m3 and a tick is 1e-6 m3.
    assert loaded.rows.ticks[:, 0].tolist() == [3_785, 3_785_411_784]


@pytest.mark.parametrize(
    ("row", "problem", "whole_row"),
    [
        ("1,2024-06-01 10:07,12,5", "readings.csv:5: '1,2024-06-01 10:07,12,5': 4 cells; the header has 3", True),
        ("1,2024-06-01", "readings.csv:5: '1,2024-06-01': 2 cells; the header has 3", True),
        ("1,never,12", "readings.csv:5:time: 'never': no time as described: ", True),
        ("1,2024-06-01 10:07,1o3", "readings.csv:5:litres: '1o3': expected a decimal number", False),
        ("1,2024-06-01 10:07,nan", "readings.csv:5:litres: 'nan': expected a decimal number", False),
        ("1,2024-06-01 10:07,1e99", "readings.csv:5:litres: '1e99': ", False),
        ("a b,2024-06-01 10:07,12", "readings.csv:5:meter: 'a b': makes no device code", True),
    ],
)
def test_what_cannot_be_read_is_named_and_costs_nothing_else(
    tmp_path: Path, row: str, problem: str, whole_row: bool
) -> None:
    lines = READINGS.splitlines()
    clean = load_recording(write_recording(tmp_path / "clean"))
    loaded = load_recording(write_recording(tmp_path / "dirty", readings="\n".join([*lines[:4], row, *lines[4:], ""])))
    assert rows_of(loaded) == rows_of(clean)
    assert (loaded.refused_rows, loaded.refused_values) == ((1, 0) if whole_row else (0, 1))
    assert [str(p).replace(f"{tmp_path}/dirty/", "")[: len(problem)] for p in loaded.problems] == [problem]


def test_one_bad_value_leaves_the_other_values_of_its_row(tmp_path: Path) -> None:
    description = """
title = "Car park"
file = "readings.csv"
model = "car_park"
[time]
column = "time"
[device]
code = "park"
[[field]]
column = "cars"
field = "occupancy"
unit = "count"
[[field]]
column = "spaces"
field = "capacity"
unit = "count"
"""
    loaded = load_recording(write_recording(tmp_path, description, "time,cars,spaces\n2024-06-01,many,120\n"))
    assert rows_of(loaded) == [("park", "01T00:00:00", [None, 120])]
    assert (loaded.refused_rows, loaded.refused_values) == (0, 1)


def test_an_unknown_device_is_refused_where_devices_are_listed(tmp_path: Path) -> None:
    listed = DESCRIPTION.replace('prefix = "meter-"', 'codes = { "1" = "cellar", "20" = "attic" }')
    loaded = load_recording(write_recording(tmp_path, listed))
    assert loaded.devices == ("cellar",)
    assert loaded.refused_rows == 3
    assert str(loaded.problems[0]).endswith("readings.csv:3:meter: '2': no device described; did you mean '20'?")


def test_words_become_the_numbers_they_are_described_as(tmp_path: Path) -> None:
    words = DESCRIPTION + '[field.values]\nlow = "10"\nhigh = "20.5"\n'
    loaded = load_recording(
        write_recording(tmp_path, words, "meter,time,litres\n1,2024-06-01,low\n1,2024-06-02,high\n1,2024-06-03,hihg\n")
    )
    assert loaded.rows.ticks[:, 0].tolist() == [10_000, 20_500]
    assert str(loaded.problems[0]).endswith(
        ":4:litres: 'hihg': is not among the values described; did you mean 'high'?"
    )


def test_problems_kept_are_bounded_and_all_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PROBLEMS_MAX", 3)
    rows = "".join(f"1,2024-06-01 10:{m:02},x{m}\n" for m in range(20))
    loaded = load_recording(write_recording(tmp_path, readings="meter,time,litres\n" + rows))
    assert (loaded.refused_values, len(loaded.problems), len(loaded.rows)) == (20, 3, 0)


def test_more_rows_than_fit_are_refused_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "ROWS_MAX", 3)
    with pytest.raises(RecordingError, match=r"readings\.csv:6: more than 3 rows; split the file"):
        load_recording(write_recording(tmp_path))


def test_a_file_may_be_packed_marked_and_separated_otherwise(tmp_path: Path) -> None:
    plain = rows_of(load_recording(write_recording(tmp_path / "plain")))
    semicolons = DESCRIPTION.replace("model =", 'delimiter = ";"\nmodel =')
    text = ("\ufeff" + READINGS.replace(",", ";")).replace("\n", "\r\n").encode()
    assert rows_of(load_recording(write_recording(tmp_path / "bom", semicolons, text))) == plain
    packed = write_recording(tmp_path / "packed", DESCRIPTION.replace("readings.csv", "readings.csv.gz"))
    (packed.parent / "readings.csv.gz").write_bytes(gzip.compress(READINGS.encode()))
    assert rows_of(load_recording(packed)) == plain


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("readings.csv", b"", "readings.csv:1: empty; expected a header line"),
        ("readings.csv", b"meter,time,litres\n1,2024-06-01,\xff\n", "is no UTF-8; save the file as UTF-8"),
        (
            "readings.csv",
            b"meter,meter,time,litres\n",
            "no one column 'meter', which recording.toml names; it stands there 2",
        ),
        ("readings.csv.gz", b"meter,time,litres\n", "Not a gzipped file"),
        ("readings.csv.gz", gzip.compress(READINGS.encode(), mtime=0)[:-20], "expected a CSV file, plain or gzip"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = write_recording(tmp_path, DESCRIPTION.replace("readings.csv", name))
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordingError, match=said):
        load_recording(path)


def order_of(loaded: Recording) -> list[tuple[str, str]]:
    """Return (time of the reading, time of sending)."""
    rows = loaded.rows
    return [
        (f"{from_us(int(t)):%H:%M}", f"{from_us(int(s)):%H:%M}")
        for t, s in zip(rows.time_us, rows.send_us, strict=True)
    ]


UNORDERED = """\
meter,time,sent,litres
1,2024-06-01 10:00,2024-06-01 10:01,1
1,2024-06-01 10:20,2024-06-01 10:21,2
1,2024-06-01 10:10,2024-06-01 11:00,3
1,2024-06-01 10:30,2024-06-01 10:29,4
"""


@pytest.mark.parametrize(
    ("order", "sent"),
    [
        ("", ["08:00", "08:20", "08:20", "08:30"]),
        ('[order]\nby = "file"\n', ["08:00", "08:20", "08:20", "08:30"]),
        ('[order]\nby = "time"\n', ["08:00", "08:20", "08:10", "08:30"]),
        ('[order]\nby = "column"\ncolumn = "sent"\n', ["08:01", "08:21", "09:00", "08:29"]),
    ],
)
def test_a_row_is_sent_when_its_order_says(tmp_path: Path, order: str, sent: list[str]) -> None:
    loaded = load_recording(write_recording(tmp_path, DESCRIPTION.replace("[device]", f"{order}[device]"), UNORDERED))
    assert order_of(loaded) == list(zip(["08:00", "08:20", "08:10", "08:30"], sent, strict=True))
