"""Lines of CSV are objects of their cells, and a bare value is a message of its own."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import FLAG_TIME_FROM_ARRIVAL, READINGS_MAX, PayloadError, codec
from tests.devices.make import RECEIVED_US, decoded, faults_of, model
from tests.examples import examples

T = 1_710_000_000_000_000
HEAD = 'title = "test"\ncodec = "csv-lines"\ninterval_s = 60\n'
FIELDS = (
    '[time]\npath = "at"\nformat = "rfc3339"\n'
    '[[field]]\nname = "pm"\nmeasurand = "pm10"\nunit = "ug/m3"\nmissing = "n/a"\n'
    '[[field]]\nname = "bay"\npath = \'["bay 1"]\'\nmeasurand = "parking_space"\n'
    'states = {free = "free", "taken, for long" = "occupied"}\n'
)
HEADED = model(HEAD + FIELDS)
NAMED = model(HEAD + '[csv]\ncolumns = ["bay 1", "at", "note", "pm"]\nseparator = ";"\ndecimal = ","\n' + FIELDS)
BARE = model(
    'title = "t"\ncodec = "text"\ninterval_s = 60\n'
    '[[field]]\nname = "power"\nmeasurand = "power"\nunit = "W"\nsuffix = "W"\nmissing = ["", "-"]\n'
)


def test_a_header_names_the_cells_in_any_order() -> None:
    payload = b'\xef\xbb\xbfpm, at ,other,bay 1\r\n12.5,2024-03-09T16:00:00Z,x,"taken, for long"\r\n\r\n'
    payload += b"n/a,2024-03-09T16:01:00Z,,free\r\n"
    assert decoded(HEADED, payload) == ([("pm", T, 12500, 0), ("bay", T, 1, 0), ("bay", T + 60_000_000, 0, 0)], [])


def test_declared_columns_need_no_header_and_numbers_may_have_a_comma() -> None:
    payload = b";2024-03-09T16:00:00Z;a,b;12,5\nfree;2024-03-09T16:00:00Z;;\nfree;;;1\nbroken;2024-03-09T16:00:00Z;;1"
    readings, faults = decoded(NAMED, payload)
    assert readings == [("pm", T, 12500, 0), ("bay", T, 0, 0), ("pm", T, 1000, 0)]
    assert faults == [("bad_time", 2), ("not_a_number", 1)]


@pytest.mark.parametrize("payload", [b"", b"\n\n", b"a\rb", b"pm,at", b"other\n5", b"pm,at\n,"])
def test_lines_without_a_reading_are_one_empty_message(payload: bytes) -> None:
    assert decoded(HEADED, payload) == ([], [("empty", 1)])


@pytest.mark.parametrize(
    "payload",
    [
        b"pm,at\n1",
        b"pm,at\n1,2,3",
        b"pm,pm\n1,2",
        b'pm,at\n"1',
        b'pm,at\n"1"2,3',
        b"\xff",
        b"pm,at\n" + b"1" * 200_000,
    ],
)
def test_what_cannot_be_told_apart_is_malformed(payload: bytes) -> None:
    with pytest.raises(PayloadError, match="malformed") as caught:
        decoded(HEADED, payload)
    assert caught.value.detail.isascii()


def test_lines_and_bytes_are_bounded() -> None:
    with pytest.raises(PayloadError, match="oversized"):
        decoded(HEADED, b"x" * 10_000_000)
    with pytest.raises(PayloadError, match="too_many"):
        decoded(HEADED, b"pm\n" + b"1\n" * (READINGS_MAX + 1))
    with pytest.raises(PayloadError, match="too_many"):
        decoded(HEADED, b"pm\n" + b"1\n" * READINGS_MAX)


@settings(max_examples=examples(200))
@given(
    st.sampled_from([HEADED, NAMED]),
    st.lists(st.tuples(st.integers(0, 4 * 10**15), st.integers(0, 10**7), st.sampled_from([0, 1])), min_size=1),
)
def test_what_is_encoded_decodes_to_the_same(device_model: object, lines: list[tuple[int, int, int]]) -> None:
    rows = []
    for time_us, pm, bay in {line[0]: line for line in lines}.values():
        rows += [("pm", time_us, pm), ("bay", time_us, bay)]
    payload = codec("csv-lines").encode(device_model, rows)  # type: ignore[arg-type]
    readings, faults = decoded(device_model, payload)  # type: ignore[arg-type]
    assert [r[:3] for r in readings] == rows
    assert faults == []


def test_lines_are_written_as_another_library_reads_them() -> None:
    payload = codec("csv-lines").encode(NAMED, [("pm", T, 12500), ("bay", T, 1), ("bay", T + 1, 0)])
    assert payload == (b"taken, for long;2024-03-09T16:00:00.000000Z;;12,5\nfree;2024-03-09T16:00:00.000001Z;;\n")
    headed = codec("csv-lines").encode(HEADED, [("pm", T, 12500), ("bay", T, 1)])
    assert list(csv.DictReader(io.StringIO(headed.decode()))) == [
        {"at": "2024-03-09T16:00:00.000000Z", "pm": "12.5", "bay 1": "taken, for long"}
    ]
    narrow = model(HEAD + '[csv]\ncolumns = ["pm"]\n' + FIELDS)
    with pytest.raises(ValueError, match="have no column 'at'"):
        codec("csv-lines").encode(narrow, [("pm", T, 1)])
    nested = model(HEAD + '[[field]]\nname = "p"\npath = "a.b"\nmeasurand = "power"\nunit = "W"\n')
    with pytest.raises(ValueError, match="a cell of CSV holds"):
        codec("csv-lines").encode(nested, [("p", T, 1)])


def test_a_bare_value_is_read_at_its_arrival() -> None:
    for payload, ticks in ((b"120.11", 120110), (b" 1e2\r\n", 100_000), (b"-5 W", -5000)):
        assert decoded(BARE, payload) == ([("power", RECEIVED_US, ticks, FLAG_TIME_FROM_ARRIVAL)], [])
    assert decoded(BARE, b"-") == decoded(BARE, b"") == ([], [("empty", 1)])
    assert decoded(BARE, b"off") == decoded(BARE, b"\x00") == ([], [("not_a_number", 1)])
    assert decoded(BARE, b"5 kW") == ([], [("bad_unit", 1)])
    for payload, reason in ((b"\xff", "malformed"), (b"1" * 10_000_000, "oversized")):
        with pytest.raises(PayloadError, match=reason):
            decoded(BARE, payload)


@given(st.integers(-(10**9), 10**9))
def test_a_bare_value_is_written_alone(ticks: int) -> None:
    payload = codec("text").encode(BARE, [("power", 0, ticks)])
    assert [r[2] for r in decoded(BARE, payload)[0]] == [ticks]
    assert payload.endswith(b" W")


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        ('codec = "csv-lines"\neach = "rows"\n', "each: a message of csv-lines is one array"),
        ('codec = "csv-lines"\n[csv]\ncolumns = ["a", "a"]\n', "csv.columns: expected names, each once"),
        ('codec = "csv-lines"\n[csv]\ndecimal = ","\n', "csv.decimal: is the separator too"),
        ('codec = "csv-lines"\n[csv]\nseparator = "::"\n', "csv.separator: expected one of"),
        ('codec = "csv-lines"\n[csv]\ncolumn = ["a"]\n', "csv.column: unknown key"),
        ('codec = "text"\neach = "$"\n', "each: text carries its own times"),
        ('codec = "text"\n[time]\npath = "t"\nformat = "epoch_s"\n', "time: text carries its own times"),
    ],
)
def test_a_faulty_model_is_told(head: str, fault: str) -> None:
    field = '[[field]]\nname = "p"\nmeasurand = "power"\nunit = "W"\n'
    found = faults_of('title = "t"\ninterval_s = 60\n' + head + field)
    assert len(found) == 1
    assert found[0].startswith(fault)
