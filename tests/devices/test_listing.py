"""A device more in `devices.csv`: what stood there stands there still."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.listing import with_device

CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), max_size=8)


def test_a_line_is_added_and_no_byte_is_changed() -> None:
    before = b'\xef\xbb\xbfdevice,model,zone\r\na,"m, n",z\r\n\r\n'
    assert with_device(before, {"device": "b", "zone": "z"}) == before + b"b,,z\r\n"


def test_a_file_without_an_end_of_line_gets_one() -> None:
    assert with_device(b"device,zone\na,z", {"device": "b"}) == b"device,zone\na,z\nb,\n"


@given(st.lists(st.tuples(CELL, CELL), max_size=4), CELL)
def test_a_column_that_is_missing_is_added_behind_the_others(rows: list[tuple[str, str]], value: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("device", "model"), *rows])
    made = with_device(out.getvalue().encode(), {"device": "new", "topic": value or "t"})
    read = list(csv.reader(io.StringIO(made.decode(), newline="")))
    old = list(csv.reader(io.StringIO(out.getvalue(), newline="")))
    assert read[0] == ["device", "model", "topic"]
    assert [line[:2] for line in read[1:-1] if any(line)] == [line for line in old[1:] if any(line)]
    assert read[-1] == ["new", "", value or "t"]


@pytest.mark.parametrize("content", [b"", b"\n", b'device,"', b"\xff\xfe"])
def test_what_is_no_csv_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        with_device(content, {"device": "a"})
