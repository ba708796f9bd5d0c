"""CBOR gives the decimals its senders meant, and refuses what is no CBOR before it costs anything."""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Any

import cbor2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import PayloadError, codec
from devices.codecs.base import NESTING_MAX, PAYLOAD_BYTES_MAX
from devices.codecs.cbor import Opaque, dump_cbor, parse_cbor
from devices.codecs.jsontext import NumberText
from devices.ticks import parse_number, text_from_float, text_from_number
from tests.devices.make import RECEIVED_US, decoded, model
from tests.examples import examples

HEAD = 'title = "test"\ncodec = "cbor-paths"\ninterval_s = 60\n'
STATION = model(
    HEAD + '[time]\npath = "ts"\nformat = "epoch_ms"\n'
    '[[field]]\nname = "pm"\npath = "air[1].pm"\nmeasurand = "pm2_5"\nunit = "ug/m3"\n'
    '[[field]]\nname = "temp"\npath = "7"\nmeasurand = "temperature"\nunit = "Cel"\n'
    '[[field]]\nname = "bay"\nmeasurand = "parking_space"\nstates = {true = "occupied", false = "free"}\n'
)
T = 1_704_067_200_000_000


def plain(value: object) -> object:
    """Return what another library should have read: numbers as decimals, bytes and texts as they are."""
    if isinstance(value, NumberText):
        return Decimal(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    return value


def expected(value: Any) -> object:
    """Return what `cbor2` read in the same form; its floats are doubles, written as shortly as these can be."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return Decimal(repr(value))
    if isinstance(value, list):
        return [expected(item) for item in value]
    if isinstance(value, dict):
        return {str(name): expected(item) for name, item in value.items()}
    return value


NAMES = st.text("abc é", max_size=4) | st.integers(-9, 99)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**100), 2**100)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False).filter(lambda d: abs(d.adjusted()) < 300)
    | st.text(max_size=6)
    | st.binary(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=examples(200))
@given(VALUES)
def test_what_another_library_writes_is_read_as_it_reads_it(value: object) -> None:
    payload = cbor2.dumps(value)
    assert plain(parse_cbor(payload)) == expected(cbor2.loads(payload))


DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.decimals(allow_nan=False, allow_infinity=False, places=6)
    .filter(lambda d: abs(d) < 10**20)
    .map(lambda d: NumberText(text_from_number(parse_number(str(d)))))
    | st.integers(-(2**63), 2**63).map(NumberText)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=examples(200))
@given(DOCUMENTS)
def test_a_document_reads_as_it_was_written_and_another_library_reads_the_same(value: object) -> None:
    payload = dump_cbor(value)
    assert plain(parse_cbor(payload)) == plain(value)
    other = cbor2.loads(payload)
    if isinstance(value, NumberText):
        assert float(other) == float(value)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_narrow_float_is_the_shortest_decimal_of_its_width(value: float) -> None:
    text = parse_cbor(b"\xfa" + struct.pack(">f", value))
    assert isinstance(text, NumberText)
    assert np.float32(text) == np.float32(value)
    if not value.is_integer():
        digits = len(text_from_number(parse_number(text)).replace("-", "").replace(".", "").strip("0"))
        fewer = (f"{value:.{count}g}" for count in range(1, digits))
        assert all(np.float32(shorter) != np.float32(value) for shorter in fewer)


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ("fa3dcccccd", "0.1"),
        ("fb3fb999999999999a", "0.1"),
        ("f92e66", "0.1"),
        ("f93e00", "1.5"),
        ("f97bff", "65504.0"),
        ("fa4b800001", "16777218.0"),
        ("fa00000001", "1e-45"),
        ("1bffffffffffffffff", "18446744073709551615"),
        ("3bffffffffffffffff", "-18446744073709551616"),
        ("c249010000000000000000", "18446744073709551616"),
        ("c349010000000000000000", "-18446744073709551617"),
        ("c48221196ab3", "27315e-2"),
        ("d9d9f71864", "100"),
        ("c11a514b67b0", "1363896240"),
    ],
)
def test_a_number_is_its_decimal(payload: str, text: str) -> None:
    assert parse_cbor(bytes.fromhex(payload)) == NumberText(text)


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        ("9f018202039f0405ffff", ["1", ["2", "3"], ["4", "5"]]),
        ("bf6346756ef563416d7421ff", {"Fun": True, "Amt": "-2"}),
        ("7f657374726561646d696e67ff", "streaming"),
        ("5f42010243030405ff", b"\1\2\3\4\5"),
        ("a1f6f6", None),
        ("f7", None),
        ("f0", Opaque("the simple value 16")),
        ("f8ff", Opaque("the simple value 255")),
        ("d8ff01", Opaque("a value with the tag 255")),
        ("d81c80", Opaque("a value with the tag 28")),
        ("f97e00", "nan"),
        ("faff800000", "-inf"),
    ],
)
def test_everything_else_is_what_it_is(payload: str, value: object) -> None:
    if payload == "a1f6f6":
        with pytest.raises(PayloadError, match="as a name"):
            parse_cbor(bytes.fromhex(payload))
    else:
        assert parse_cbor(bytes.fromhex(payload)) == value


@pytest.mark.parametrize(
    "payload",
    [
        "", "18", "1c", "1f", "ff", "6261", "62ff61", "8201", "a101", "9f01", "bf0102", "bf01ff", "7f6161", "7f4161ff",
        "7f7fffff", "a200010002", "a2006101613002", "0000", "c4820102", "c48101", "c401", "c2820102", "f817", "fc",
        "9bffffffffffffffff", "bb8000000000000000", "5bffffffffffffffff", "7b7fffffffffffffff01", "a1f93c0001",
        "c2583f" + "ff" * 63,
    ],
)  # fmt: skip
def test_what_is_no_whole_item_is_malformed(payload: str) -> None:
    if payload == "c4820102":  # a decimal fraction, the only one of the list that is right
        assert parse_cbor(bytes.fromhex(payload)) == "2e1"
        return
    with pytest.raises(PayloadError, match="malformed") as caught:
        parse_cbor(bytes.fromhex(payload))
    assert caught.value.detail.isascii()
    assert len(caught.value.detail) < 200


@pytest.mark.parametrize("head", [b"\x81", b"\xa1\x00", b"\xc1", b"\x9f", b"\xd8\x1c"])
def test_nesting_is_bounded_and_tags_count(head: bytes) -> None:
    ends = b"\xff" * NESTING_MAX if head == b"\x9f" else b""
    parse_cbor(head * NESTING_MAX + b"\x00" + ends)
    with pytest.raises(PayloadError, match="at most 32 levels"):
        parse_cbor(head * (NESTING_MAX + 1) + b"\x00")
    with pytest.raises(PayloadError, match="at most 32 levels"):
        parse_cbor((head * PAYLOAD_BYTES_MAX)[:PAYLOAD_BYTES_MAX])


def test_a_long_message_is_refused_unread() -> None:
    with pytest.raises(PayloadError, match="oversized"):
        parse_cbor(b"\x00" * 10_000_000)
    with pytest.raises(PayloadError, match="more items"):
        parse_cbor(b"\x9a\xff\xff\xff\xff" + b"\x00" * 1000)


def test_a_document_in_cbor_is_read_by_paths() -> None:
    payload = cbor2.dumps({"ts": 1_704_067_200_000, "air": [0, {"pm": 12.3456}], 7: -0.5, "bay": True, "raw": b"\0"})
    assert decoded(STATION, payload) == ([("pm", T, 12346, 0), ("temp", T, -500, 0), ("bay", T, 1, 0)], [])
    payload = cbor2.dumps({"ts": 1_704_067_200_000, 7: float("nan"), "air": [0, {"pm": b"1"}], "bay": None})
    assert decoded(STATION, payload) == ([], [("not_a_number", 1)] * 3)
    assert decoded(STATION, cbor2.dumps({"ts": float("inf"), 7: 1})) == ([], [("bad_time", 1)])


@given(
    st.integers(-(10**15), 10**15),
    st.integers(0, 10**6),
    st.integers(-(10**5), 10**5),
    st.sampled_from([0, 1]),
)
def test_what_is_encoded_decodes_to_the_same(time_us: int, pm: int, temp: int, bay: int) -> None:
    rows = [("pm", time_us, pm), ("temp", time_us, temp), ("bay", time_us, bay)]
    payload = codec("cbor-paths").encode(STATION, rows)
    readings, faults = decoded(STATION, payload)
    assert [r[:3] for r in readings] == rows
    assert faults == []
    assert cbor2.loads(payload)[7] == float(Decimal(temp) / 1000)


def test_the_width_of_a_float_is_one_of_three() -> None:
    assert [text_from_float(0.1, bits) for bits in (64, 32, 16)] == ["0.1", "0.1", "0.1"]
    assert text_from_float(0.10000000149011612) == "0.10000000149011612"
    assert codec("cbor-paths").decode(dump_cbor([]), STATION, RECEIVED_US).faults[0].reason == "empty"
