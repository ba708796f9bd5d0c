"""Devices more in `devices.csv`, and one that another follows: what stood there stands there still."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.listing import row_of, with_devices, with_successor

CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
PLAIN = CELL.filter(lambda text: "\r" not in text)
"""The writer of these tests puts no quotes around what is an end of line elsewhere."""
ENDS = ("\n", "\r\n")


def written(rows: list[list[str]], end: str, quoting: int) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue().encode()


def cells(content: bytes) -> list[list[str]]:
    return [line for line in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) if any(line)]


def test_a_line_is_added_and_no_byte_is_changed() -> None:
    before = b'\xef\xbb\xbfdevice,model,zone\r\na,"m, n",z\r\n\r\n'
    assert with_devices(before, [{"device": "b", "zone": "z"}]) == before + b"b,,z\r\n"
    assert with_devices(before, [{"device": "b"}, {"device": "c"}]) == before + b"b,,\r\nc,,\r\n"


def test_a_file_without_an_end_of_line_gets_one() -> None:
    assert with_devices(b"device,zone\na,z", [{"device": "b"}]) == b"device,zone\na,z\nb,\n"


def test_a_device_ends_and_another_begins_and_quotes_of_others_stay_as_they_are() -> None:
    before = b'device,"zone",title\r\n"a","n","Park ""A"", \xea\xb3\xb5\xec\x9b\x90"\r\nb,n,\r\n'
    made = with_successor(before, "a", {"in_service_to": "2026-11-01"}, [{"device": "c", "in_service_from": "x,y"}])
    assert made == (
        b'device,"zone",title,in_service_to,in_service_from\r\n'
        b'"a","n","Park ""A"", \xea\xb3\xb5\xec\x9b\x90",2026-11-01,\r\nb,n,,,\r\nc,,,,"x,y"\r\n'
    )
    assert row_of(made, "a") == {"device": "a", "zone": "n", "title": 'Park "A", 공원', "in_service_to": "2026-11-01"}
    assert row_of(made, "nobody") == {}


@given(
    st.lists(st.tuples(PLAIN, PLAIN), max_size=4), CELL, st.sampled_from(ENDS),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.booleans(),
)  # fmt: skip
def test_whatever_stands_there_only_the_cells_that_are_meant_are_others(
    rows: list[tuple[str, str]], value: str, end: str, quoting: int, wider: bool
) -> None:
    others = [[f"d{at}", *row] for at, row in enumerate(rows)]
    header = ["device", "title", "zone", *([] if wider else ["in_service_to"])]
    blank = [] if wider else [""]
    lines = [header, *([*row, *blank] for row in others), ["gone", "t, u", "z", *blank]]
    before = written(lines, end, quoting)
    made = with_successor(before, "gone", {"in_service_to": value}, [{"device": "new", "title": value}])
    full = value if value or not wider else None
    expected = [
        [*header, *(["in_service_to"] if wider and value else [])],
        *([*row, *([""] if full is not None else [])] for row in others),
        ["gone", "t, u", "z", *([full] if full is not None else [])],
        ["new", value, "", *([""] if full is not None else [])],
    ]
    assert cells(made) == expected
    if not wider:
        # Every byte up to the line that ends is the same.
        assert made.startswith(before[: before.rindex(b"gone")])


@pytest.mark.parametrize("content", [b"", b"\n", b'device,"', b"\xff\xfe"])
def test_what_is_no_csv_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        with_devices(content, [{"device": "a"}])
