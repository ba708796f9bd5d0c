"""Binary messages as a model lays them out: every way to say where a value stands, and the way back."""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import READINGS_MAX, DeviceModel, PayloadError, codec
from devices.codecs.jsontext import NumberText
from devices.codecs.payloads import PAYLOADS, encode_payload
from devices.layouts import Bits, Channel, Group, Layout, Part, Scalar, When
from devices.payloads import payload_options
from devices.ticks import Number
from tests.devices.make import RECEIVED_US, decoded, faults_of, model
from tests.examples import examples

HEAD = 'title = "t"\ncodec = "bytes"\ninterval_s = 600\n'
FIELD = '[[field]]\nname = "temperature"\nmeasurand = "temperature"\nunit = "Cel"\n'
PAYLOAD = '[payload]\ndecoder = "layout"\n'
FIXED = """
[[layout]]
starts = "01"
parts = [
  { name = "temperature", type = "i16", scale = 0.1, missing = 0x7fff },
  { name = "status", type = "u8", bits = [
    { name = "battery", at = 4, size = 4, scale = 0.1, add = 2.5 },
    { name = "bay", at = 0, names = { 0 = "free", 1 = "taken" } },
  ] },
  { name = "total", type = "u32", endian = "swapped", optional = true },
]
"""
BITMAP = """
[[layout]]
parts = [
  { name = "device", type = "u16" },
  { name = "flags", type = "u16" },
  { name = "depth", type = "u16", scale = 0.001, add = -32.768, when = { part = "flags", bit = 0 } },
  { name = "kind", type = "u8", when = { part = "flags", bit = 1 } },
  { name = "co2", type = "u16", when = { part = "kind", equals = [3, 4] } },
  { name = "battery", type = "u16", scale = 0.001, at = -2 },
]
"""
CHANNELS = """
[[layout]]
port = 85
items = "reports"
[[layout.channel]]
head = "0175"
parts = [{ name = "battery", type = "u8" }]
[[layout.channel]]
head = "0367"
parts = [{ name = "temperature", type = "i16", scale = 0.1, endian = "little" }]
[[layout.channel]]
head = "20ce"
into = "reports"
parts = [
  { name = "time", type = "u32", endian = "little" },
  { name = "temperature", type = "i16", scale = 0.1, endian = "little" },
]
"""
GROUPS = """
[[layout]]
parts = [
  { name = "at", type = "u32" },
  { name = "count", type = "u8" },
  { into = "readings", repeat = "count", time = "time", start = "at", step_s = -900, parts = [
    { name = "temperature", type = "f32" },
    { name = "note", type = "ascii", size = 2 },
  ] },
  { name = "serial", type = "bcd", size = 2 },
  { equals = "81" },
]
"""
JUMPS = """
[[layout]]
parts = [{ name = "temperature", type = "u8", at = 2 }, { name = "status", type = "u8", at = 0 }]
"""
LENGTHS = """
[[layout]]
length_byte = "before"
trailer = 1
[[layout.channel]]
head = "0b01"
parts = [{ name = "distance", type = "u16" }]
[[layout.channel]]
head = "0201"
parts = [{ name = "temperature", type = "f32" }]
"""


def laid_out(layout: str) -> DeviceModel:
    """Return a model of bare bytes with a layout."""
    return model(HEAD + PAYLOAD + FIELD + layout)


def read(layout: str, data: str, f_port: int | None = None) -> Any:
    """Return the document of a message."""
    rules = payload_options(laid_out(layout).options).rules
    return PAYLOADS["layout"].decode(bytes.fromhex(data), f_port, RECEIVED_US, rules)


def written(layout: str, document: object, f_port: int | None = None) -> str:
    """Return the message of a document."""
    rules = payload_options(laid_out(layout).options).rules
    return encode_payload("layout", document, f_port or 0, rules)[0].hex()


CASES = [
    (
        FIXED,
        "01ffd7b1 00020001",
        {"temperature": "-4.1", "status": "177", "battery": "3.6", "bay": "taken", "total": "65538"},
    ),
    (FIXED, "017fffb0", {"status": "176", "battery": "3.6", "bay": "free"}),
    (BITMAP, "00070001 80010bb8", {"device": "7", "flags": "1", "depth": "0.001", "battery": "3"}),
    (BITMAP, "00070002 03 01900bb8", {"device": "7", "flags": "2", "kind": "3", "co2": "400", "battery": "3"}),
    (BITMAP, "00070002 05 0bb8", {"device": "7", "flags": "2", "kind": "5", "battery": "3"}),
    (CHANNELS, "01755c 03673401", {"reports": [{"battery": "92", "temperature": "30.8"}]}),
    (
        CHANNELS,
        "036734 01 20ce9e7446631001 20ce9f744663f6ff",
        {
            "reports": [
                {"temperature": "30.8"},
                {"time": "1665561758", "temperature": "27.2"},
                {"time": "1665561759", "temperature": "-1"},
            ]
        },
    ),
    (
        GROUPS,
        "65ec8780 02 41ac0000 6f6b 3dcccccd 0000 1234 81",
        {
            "at": "1710000000",
            "count": "2",
            "readings": [
                {"temperature": "21.5", "note": "ok", "time": "1710000000"},
                {"temperature": "0.1", "note": "", "time": "1709999100"},
            ],
            "serial": "1234",
        },
    ),
    (JUMPS, "010007", {"temperature": "7", "status": "1"}),
    (LENGTHS, "040b010031 03990163 06020141a66666 22", {"distance": "49", "temperature": "20.8"}),
]


@pytest.mark.parametrize(("layout", "data", "document"), CASES)
def test_a_message_says_what_its_layout_says(layout: str, data: str, document: object) -> None:
    assert read(layout, data) == document


@pytest.mark.parametrize(("layout", "data", "document"), [case for case in CASES if case[0] is not LENGTHS])
def test_what_was_read_is_written_again(layout: str, data: str, document: object) -> None:
    assert written(layout, read(layout, data)) == bytes.fromhex(data).hex()


def test_what_a_condition_and_a_count_name_follows_from_what_is_said() -> None:
    assert written(BITMAP, {"depth": NumberText("0.5"), "battery": NumberText("3")}) == "000000018 1f40bb8".replace(
        " ", ""
    )
    assert written(BITMAP, {"co2": NumberText("400")}) == "0000" + "0002" + "03" + "0190" + "0000"
    readings = [{"temperature": NumberText("1"), "time": NumberText(t)} for t in (900, 0)]
    assert written(GROUPS, {"readings": readings}) == "00000384" + "02" + "3f8000000000" * 2 + "0000" + "81"
    assert written(FIXED, {"bay": "taken"}) == "017fff01"


@pytest.mark.parametrize(
    ("layout", "data", "told"),
    [
        (FIXED, "02ffd7b1", "no layout is for 4 bytes that begin with 02ffd7b1"),
        (FIXED, "01ff", "byte 1: expected 2 bytes of temperature, got the end"),
        (FIXED, "01ffd7b10002", "byte 4: expected 4 bytes of total, got the end"),
        (FIXED, "01ffd7b10002000100", "byte 8: expected the end, got 1 more bytes"),
        (CHANNELS, "01755c0468", "byte 3: unknown channel 0468"),
        (CHANNELS, "01755c01", "byte 3: expected a channel, got 1 bytes"),
        (CHANNELS, "01755c01755c", "byte 5: a second battery"),
        (GROUPS, "65ec8780 ff 41ac0000", "byte 9: expected 2 bytes of note, got the end"),
        (GROUPS, "65ec8780 00 12a4 81", "byte 5: expected decimal digits, got 12a4"),
        (GROUPS, "65ec8780 00 1234 80", "byte 7: expected 81, got 80"),
        (LENGTHS, "ff0b01003122", "byte 0: expected channel 0b01 with a length that fits, got another"),
    ],
)
def test_a_message_that_breaks_its_layout_is_refused_with_the_place(layout: str, data: str, told: str) -> None:
    with pytest.raises(PayloadError) as error:
        read(layout, data)
    assert (error.value.reason, error.value.detail) == ("malformed", told)


def test_a_group_may_count_its_times_from_the_message() -> None:
    layout = """
[[layout]]
parts = [{ into = "readings", time = "time", start = "uplink", step_s = -60, parts = [
  { name = "temperature", type = "u8" },
] }]
"""
    each = HEAD + 'each = "readings"\n[time]\npath = "time"\nformat = "epoch_s"\n' + PAYLOAD + FIELD + layout
    assert decoded(model(each), b"\x07\x08") == (
        [("temperature", RECEIVED_US, 7_000, 0), ("temperature", RECEIVED_US - 60_000_000, 8_000, 0)],
        [],
    )
    readings = [("temperature", RECEIVED_US - 60_000_000 * number, 1_000) for number in range(2)]
    assert codec("bytes").encode(model(each), readings) == b"\x01\x01"
    with pytest.raises(ValueError, match="the objects of 'readings' are -60 seconds apart"):
        codec("bytes").encode(model(each), readings[::-1])


def test_more_objects_than_a_message_may_have_readings_are_refused() -> None:
    to_the_end = '[[layout]]\nparts = [{ into = "all", parts = [{ name = "temperature", type = "u8" }] }]\n'
    assert len(read(to_the_end, "07" * READINGS_MAX)["all"]) == READINGS_MAX
    with pytest.raises(PayloadError, match="too_many: expected at most 10000 objects in a message"):
        read(to_the_end, "07" * (READINGS_MAX + 1))


def test_a_layout_is_chosen_by_port_and_length() -> None:
    by_port = (
        '[[layout]]\nport = 1\nparts = [{ name = "a", type = "u8" }]\n'
        "[[layout]]\nport = [2, 3]\nlength = 2\nparts = []\n"
    )
    assert read(by_port, "07", 1) == {"a": "7"}
    with pytest.raises(PayloadError, match="no layout is for 1 bytes on port 42 that begin with 07"):
        read(by_port, "07", 42)
    with pytest.raises(PayloadError, match="byte 0: expected the end, got 2 more bytes"):
        read(by_port, "0700", 3)


def test_a_value_that_is_not_there_is_no_reading_and_one_that_is_no_number_is_a_fault() -> None:
    fixed = laid_out(FIXED + '[[field]]\nname = "battery"\nmeasurand = "battery_voltage"\nunit = "V"\n')
    readings, faults = decoded(fixed, bytes.fromhex("017fffb0"))
    assert ([reading[:1] for reading in readings], faults) == ([("battery",)], [])
    nan = laid_out('[[layout]]\nparts = [{ name = "temperature", type = "f32" }]\n')
    assert decoded(nan, bytes.fromhex("7fc00000")) == ([], [("not_a_number", 1)])


@pytest.mark.parametrize(
    ("layout", "told"),
    [
        ("", "layout: is missing; expected at least one [[layout]]"),
        ("[[layout]]\n", "layout[1].parts: is missing"),
        ('[[layout]]\nparts = [{ name = "a", type = "u7" }]', "layout[1].parts[1].type: expected u8 to u64"),
        (
            '[[layout]]\nparts = [{ name = "a", type = "u8", scael = 2 }]',
            "layout[1].parts[1].scael: unknown key; did you",
        ),
        ('[[layout]]\nparts = [{ type = "u8", scale = "1/3" }]', "layout[1].parts[1].scale: expected a decimal number"),
        ('[[layout]]\nparts = [{ type = "u8", scale = 0 }]', "layout[1].parts[1].scale: expected a decimal number"),
        ('[[layout]]\nparts = [{ type = "u24", endian = "swapped" }]', "layout[1].parts[1].endian: only whole 16-bit"),
        (
            '[[layout]]\nparts = [{ type = "u8", bits = [{ at = 8 }] }]',
            "layout[1].parts[1].bits[1].at: expected a whole",
        ),
        (
            '[[layout]]\nparts = [{ type = "u8", when = { part = "b", bit = 0 } }]',
            "layout[1].parts[1].when.part: expected a",
        ),
        (
            '[[layout]]\nparts = [{ into = "a", repeat = "n", parts = [] }]',
            "layout[1].parts[1].repeat: expected a number",
        ),
        (
            '[[layout]]\nparts = [{ name = "a", type = "u8" }, { name = "a", type = "u8" }]',
            "layout[1].parts: two parts are",
        ),
        (
            '[[layout]]\nparts = [{ name = "a", type = "u8" }, { into = "a", parts = [{ type = "u8" }] }]',
            "layout[1].parts: 'a' names an array",
        ),
        ('[[layout]]\nstarts = "0g"\nparts = []', "layout[1].starts: expected hex digits"),
        ("[[layout]]\nport = 256\nparts = []", "layout[1].port: expected whole numbers from 0 to 255, got 256"),
        (
            '[[layout]]\n[[layout.channel]]\nhead = "01"\nparts = []\n[[layout.channel]]\nhead = "0102"\nparts = []',
            "layout[1].channel: expected heads of one length",
        ),
    ],
)
def test_a_layout_with_a_fault_is_refused_with_its_key(layout: str, told: str) -> None:
    faults = faults_of(HEAD + PAYLOAD + FIELD + layout)
    assert any(fault.startswith(told) for fault in faults), faults


# Random layouts: each draw is a part with the bytes it has and what they say, written down independently of the code.
Drawn = tuple[Any, bytes, dict[str, object]]
ORDERS = {
    "big": lambda data: data,
    "little": lambda data: bytes(reversed(data)),
    "swapped": lambda data: b"".join(reversed([data[i : i + 2] for i in range(0, len(data), 2)])),
}


def said(sent: int | Decimal, scale: Number, add: Number) -> NumberText:
    """Return the decimal text of a value, by the decimal module."""
    value = sent * Decimal(scale.mantissa).scaleb(scale.exponent) + Decimal(add.mantissa).scaleb(add.exponent)
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return NumberText("0" if text in ("-0", "") else text)


@st.composite
def wholes(draw: st.DrawFn, name: str) -> Drawn:
    size = draw(st.sampled_from([1, 2, 3, 4, 8]))
    kind = draw(st.sampled_from("uis"))
    endian = draw(st.sampled_from(["big", "little", "swapped"] if size in (2, 4, 8) else ["big", "little"]))
    data = draw(st.binary(min_size=size, max_size=size))
    scale = draw(st.sampled_from([Number(1, 0), Number(1, -1), Number(5, -1), Number(-25, -3), Number(1000, 0)]))
    add = draw(st.sampled_from([Number(0, 0), Number(-40, 0), Number(-32768, -1)]))
    sent = int.from_bytes(data, "big", signed=kind == "i")
    if kind == "s" and data[0] >= 128:
        sent = -int.from_bytes(bytes([data[0] - 128]) + data[1:], "big")
    missing = draw(st.sampled_from([(), (0,), (sent,)]))
    part = Part(kind, size, endian, Scalar(name, scale, add, missing))
    return part, ORDERS[endian](data), {} if sent in missing else {name: said(sent, scale, add)}


@st.composite
def bit_fields(draw: st.DrawFn, name: str) -> Drawn:
    data = draw(st.binary(min_size=2, max_size=2))
    number = int.from_bytes(data, "little")
    low = draw(st.integers(0, 15))
    width = draw(st.integers(1, 16 - low))
    binary = f"{number:016b}"[16 - low - width : 16 - low]
    signed = draw(st.booleans())
    few = int(binary, 2) - (2**width if signed and binary[0] == "1" else 0)
    part = Part("u", 2, "little", Scalar(name), (Bits(Scalar(name + "_b"), low, width, signed),))
    return part, data, {name: NumberText(number), name + "_b": NumberText(few)}


@st.composite
def others(draw: st.DrawFn, name: str) -> Drawn:
    kind = draw(st.sampled_from(["f", "bcd", "ascii", "hex", "const"]))
    if kind == "f":
        value = draw(st.floats(-1000, 1000, width=32).map(lambda v: round(v * 8) / 8))
        return (
            Part("f", 4, "big", Scalar(name)),
            struct.pack(">f", value),
            {name: said(Decimal(value), Number(1, 0), Number(0, 0))},
        )
    if kind == "bcd":
        digits = draw(st.from_regex("[0-9]{6}", fullmatch=True))
        return Part("bcd", 3, "big", Scalar(name)), bytes.fromhex(digits), {name: NumberText(int(digits))}
    if kind == "ascii":
        text = draw(st.from_regex("[a-z]{0,4}", fullmatch=True))
        return Part("ascii", 4, "big", Scalar(name)), text.encode().ljust(4, b"\x00"), {name: text}
    data = draw(st.binary(min_size=2, max_size=2))
    if kind == "hex":
        return Part("hex", 2, "big", Scalar(name)), data, {name: data.hex()}
    return Part("const", 2, "big", Scalar(""), const=data), data, {}


@st.composite
def sequences(draw: st.DrawFn, prefix: str, depth: int = 1) -> tuple[tuple[Any, ...], bytes, dict[str, object]]:
    parts: list[Any] = []
    data, document = b"", {}
    for number in range(draw(st.integers(1, 4))):
        name = f"{prefix}{number}"
        if depth and draw(st.integers(0, 3)) == 0:
            count = draw(st.integers(0, 3))
            one, one_data, one_document = draw(sequences(name, depth - 1))
            parts += [Part("u", 1, "big", Scalar(name + "n")), Group(name + "g", one, -1, name + "n", "", "", 0)]
            data += bytes((count,)) + one_data * count
            document |= {name + "n": NumberText(count), name + "g": [one_document] * count}
            continue
        part, some, says = draw(st.one_of(wholes(name), bit_fields(name), others(name)))
        if draw(st.booleans()):
            there = draw(st.booleans())
            parts.append(Part("u", 1, "big", Scalar(name + "f")))
            data += bytes((4 if there else 0,))
            document[name + "f"] = NumberText(4 if there else 0)
            part = part._replace(when=When(name + "f", 2, ()))
            some, says = (some, says) if there else (b"", {})
        parts.append(part)
        data += some
        document |= says
    return tuple(parts), data, document


def layout_of(parts: tuple[Any, ...], channels: tuple[Channel, ...] = (), length_byte: str = "none") -> Layout:
    return Layout((), b"", (), parts, channels, length_byte, 0, "", False)


@settings(max_examples=examples(240))
@given(drawn=sequences("p"))
def test_any_sequence_of_parts_is_read_as_it_was_written_down_and_written_as_it_was_read(
    drawn: tuple[tuple[Any, ...], bytes, dict[str, object]],
) -> None:
    parts, data, document = drawn
    rules = (layout_of(parts),)
    assert PAYLOADS["layout"].decode(data, None, RECEIVED_US, rules) == document
    again = encode_payload("layout", document, 0, rules)[0]
    assert PAYLOADS["layout"].decode(again, None, RECEIVED_US, rules) == document


@settings(max_examples=examples(120))
@given(data=st.data(), length_byte=st.sampled_from(["none", "after", "before"]))
def test_channels_come_in_any_order_and_any_choice(data: st.DataObject, length_byte: str) -> None:
    drawn = [data.draw(sequences(f"c{number}", 0)) for number in range(3)]
    channels = tuple(Channel(bytes((7, number)), parts, "") for number, (parts, _, _) in enumerate(drawn))
    payload, document = b"", {}
    for number in data.draw(st.lists(st.sampled_from(range(3)), unique=True)):
        _, some, says = drawn[number]
        size = {"none": b"", "after": bytes((len(some),)), "before": bytes((len(some) + 2,))}[length_byte]
        head = bytes((7, number))
        payload += size + head + some if length_byte == "before" else head + size + some
        document |= says
    rules = (layout_of((), channels, length_byte),)
    assert PAYLOADS["layout"].decode(payload, None, RECEIVED_US, rules) == document
    again = encode_payload("layout", document, 0, rules)[0]
    assert PAYLOADS["layout"].decode(again, None, RECEIVED_US, rules) == document


@settings(max_examples=examples(240))
@given(data=st.binary(max_size=40), layout=st.sampled_from([FIXED, BITMAP, CHANNELS, GROUPS, LENGTHS]))
def test_any_bytes_follow_a_layout_or_are_refused(data: bytes, layout: str) -> None:
    device_model = MODELS[layout]
    try:
        assert decoded(device_model, data) != ([], [])
    except PayloadError as error:
        refused = error.reason
        assert refused in ("malformed", "empty")


MODELS = {layout: laid_out(layout) for layout in (FIXED, BITMAP, CHANNELS, GROUPS, LENGTHS)}
