"""Vendors' decoders in JavaScript give what their network server would show, or a fault of the message."""

from __future__ import annotations

import base64
import json
import struct
import threading
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devices import DecoderStoppedError, DeviceModel, PayloadError, load_models, prepare
from devices.codecs.base import TIME_MAX_US
from devices.codecs.jsontext import NumberText
from devices.codecs.payloads.javascript import decode, engine
from devices.definitions import MODELS, definitions_folder
from devices.models import parse_model, read_models
from devices.payloads import payload_options
from devices.scripts import SOURCE_BYTES_MAX, JavaScript
from devices.tables import Problems
from tests.devices.make import RECEIVED_US, decoded, vectored
from tests.examples import examples

AT_US = 1_709_997_600_123_456
SCRIPTS = Path(__file__).parent / "data" / "javascript"
MODEL = """
title = "A level gauge"
codec = "{codec}"
interval_s = 900
{more}
[payload]
decoder = "javascript"
file = "level.js"

[[field]]
name = "level"
measurand = "water_level"
unit = "m"

[[field]]
name = "battery"
measurand = "battery_voltage"
unit = "V"
"""


def gauge(codec: str, more: str = "") -> DeviceModel:
    """Return the model of the gauge beside whose file the decoder lies."""
    problems = Problems()
    found = parse_model(
        vectored(MODEL.format(codec=codec, more=more)).encode(), "gauge", str(SCRIPTS / "gauge.toml"), problems
    )
    problems.raise_if_any()
    assert found is not None
    return found


FUZZED = [gauge("lorawan"), gauge("bytes")]


def run(source: str, data: bytes = b"\x01\x02\xff", port: int | None = 5, variables: object = ()) -> object:
    """Return the document that a decoder makes."""
    return decode(data, port, AT_US, JavaScript("x.js", source, variables))  # type: ignore[arg-type]


def returning(expression: str) -> str:
    """Return a decoder whose data are an expression."""
    return f"function decodeUplink(input) {{ const bytes = input.bytes; return {{ data: {expression} }}; }}"


@pytest.mark.parametrize(
    "source",
    [
        "function decodeUplink(input) { return { data: { sum: input.bytes[0] + input.bytes[2], port: input.fPort }}; }",
        "const decodeUplink = ({ bytes, fPort }) => ({ data: { sum: bytes[0] + bytes[2], port: fPort }, errors: [] });",
        "function Decode(fPort, bytes, variables) { return { sum: bytes[0] + bytes[2], port: fPort }; }",
        "function Decoder(bytes, port) { sum = bytes[0] + bytes[2]; return { sum: sum, port: port }; } // sloppy",
        "exports.decodeUplink = (input) => ({ data: { sum: input.bytes[0] + input.bytes[2], port: input.fPort } });",
        "module.exports = { Decoder: (bytes, port) => ({ sum: bytes[0] + bytes[2], port }) };",
        """
        function Decode(fPort, bytes) { return { sum: bytes[0] + bytes[bytes.length - 1], port: fPort }; }
        function decodeUplink(input) { return { data: Decode(input.fPort, input.bytes, input.variables) }; }
        if (typeof module !== "undefined" && module.exports) { module.exports.decodeUplink = decodeUplink; }
        """,
        """'use strict';
        class Reader { constructor(bytes) { this.bytes = bytes; } at(place) { return this.bytes.at(place); } }
        function decodeUplink(input) {
          const reader = new Reader(input.bytes);
          console.log("decoding", input);
          return { data: { sum: reader.at(0) + reader.at(-1), port: input.fPort }, warnings: ["battery low"] };
        }""",
    ],
)
def test_a_decoder_is_called_as_its_network_server_would(source: str) -> None:
    assert run(source) == {"sum": "256", "port": "5"}


def test_a_decoder_is_told_the_time_of_the_uplink_and_the_models_variables() -> None:
    times = "at: input.recvTime, now: Date.now(), again: new Date(), zone: input.recvTime.getHours()"
    assert run(returning(f"{{ {times}, key: input.variables.k }}"), variables=(("k", "Größe"),)) == {
        "at": "2024-03-09T15:20:00.123Z",
        "now": "1709997600123",
        "again": "2024-03-09T15:20:00.123Z",
        "zone": "15",
        "key": "Größe",
    }
    assert run(returning("{ port: input.fPort }"), port=None) == {"port": None}


@pytest.mark.parametrize(
    ("at_us", "shown"),
    [
        (-1_000_000, "1970-01-01T00:00:00.000Z"),
        (engine.CLOCK_US_MAX, "2262-04-11T23:47:16.854Z"),
        (TIME_MAX_US, "2262-04-11T23:47:16.854Z"),
    ],
)
def test_its_clock_stands_still_where_it_cannot_count(at_us: int, shown: str) -> None:
    source = JavaScript("a.js", returning("{ now: new Date() }"))
    assert decode(b"", 1, at_us, source) == {"now": shown}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("function decodeUplink() { return { data: { a: 1 }, errors: ['bad port', 'short'] }; }", "bad port; short"),
        ("function decodeUplink() { return { errors: 'unknown FPort' }; }", "unknown FPort"),
        ("function decodeUplink() { return {}; }", "decodeUplink gave no object of values"),
        ("function decodeUplink() { return null; }", "decodeUplink returned null"),
        ("function decodeUplink() {}", "decodeUplink returned undefined"),
        ("async function decodeUplink() { return { data: {} }; }", "decodeUplink gave no object of values"),
        ("function Decoder() { return 7; }", "Decoder gave no object of values"),
        ("function decodeUplink() { throw new RangeError('too short'); }", "RangeError: too short"),
        ("function decodeUplink() { throw 'no \\ud800'; }", "no \ufffd"),
        ("function decodeUplink() { throw { toString() { throw 1; } }; }", "an error that cannot be told"),
        ("function decodeUplink() { throw null; }", "null"),
        ("function decodeUplink() { throw undefined; }", "undefined"),
        ("function decodeUplink() { throw Symbol('odd'); }", "Symbol(odd)"),
        ("function decodeUplink() { return Symbol('odd'); }", "decodeUplink returned symbol"),
        (returning("Symbol('odd')"), "decodeUplink gave no object of values"),
        (returning("{ toJSON() {} }"), "decodeUplink gave no object of values"),
        (returning("{ toJSON() { throw 'no text'; } }"), "no text"),
        (returning("{ a: { toJSON: () => BigInt(1.5) } }"), "RangeError: cannot convert to BigInt: not an integer"),
        ("function decodeUplink(input) { return { data: input.nothing.there }; }", "TypeError: cannot read property"),
        (returning("{ get a() { throw 'no value'; } }"), "no value"),
        (returning("new Proxy({ a: 1 }, { get() { throw 'trapped'; } })"), "trapped"),
        ("function decodeUplink() { var a = {}; a.a = a; return { data: a }; }", "TypeError: circular reference"),
        ("function decodeUplink( {", "SyntaxError: "),
        ("export function decodeUplink() {}", "SyntaxError: unsupported keyword: export"),
        ("throw new Error('at once');", "Error: at once"),
        ("var decode = 1;", "expected a function decodeUplink, Decode, Decoder"),
        ("", "expected a function decodeUplink, Decode, Decoder"),
    ],
)
def test_what_goes_wrong_in_a_decoder_is_a_fault_of_the_message_in_its_own_words(source: str, told: str) -> None:
    with pytest.raises(PayloadError) as refused:
        run(source)
    assert refused.value.reason == "malformed"
    assert refused.value.detail.startswith(f"x.js: {json.dumps(told)[:-1]}")


ENDLESS = f"took more than {engine.INSTRUCTIONS_MAX} instructions"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("function decodeUplink() { for (;;); }", ENDLESS),
        ("function decodeUplink() { try { for (;;); } catch { return { data: { a: 1 } }; } }", ENDLESS),
        (returning("{ at: [].indexOf.call({ length: 9e15 }, 1) }"), ENDLESS),
        (returning("new Proxy({}, { ownKeys() { for (;;); } })"), ENDLESS),
        ("function decodeUplink() { throw { toString() { for (;;); } }; }", ENDLESS),
        ("function decodeUplink() { return decodeUplink(); }", "calls itself too deeply"),
        (returning("eval('('.repeat(50000))"), "calls itself too deeply"),
        (
            "function decodeUplink() { var a = []; for (;;) a.push(new Float64Array(4096)); }",
            "InternalError: out of memory",
        ),
        (returning("{ a: /^(a+)+$/.test('a'.repeat(60) + '!') }"), ENDLESS),
        (returning("Object.fromEntries(Array.from({ length: 1e6 }, (_, at) => ['k' + at, at]))"), ENDLESS),
        (returning("new Array(1e6).fill(1)"), ENDLESS),
        (returning("{ a: 2n ** 1000000n }"), ENDLESS),
        (returning("JSON.parse('['.repeat(1e5) + ']'.repeat(1e5))"), "calls itself too deeply"),
        (returning("{ get a() { for (;;); } }"), ENDLESS),
        (returning("{ toJSON() { for (;;); } }"), ENDLESS),
        (returning("Array.from({ length: 3000 }, Date.now)"), ENDLESS),  # each call for the time leaves the box
        (returning("Array.from({ length: 3000 }, () => performance.now())"), ENDLESS),
        (returning("{ a: 'x'.repeat(300000) }"), "gave an answer of 300009 bytes, expected at most 262144"),
        ("function decodeUplink() { for (var s = 'x'; ; ) s += s; }", "InternalError: string too long"),
        ("for (;;);", f"took more than {engine.LOADING_INSTRUCTIONS_MAX} instructions"),
    ],
)
def test_a_bomb_is_stopped_at_a_stated_limit_and_the_next_message_is_read(source: str, told: str) -> None:
    for _ in range(2):
        with pytest.raises(PayloadError) as refused:
            run(source)
        assert refused.value.detail == f"x.js: {json.dumps(told)}"
        assert isinstance(refused.value, DecoderStoppedError) == told.startswith(("took", "calls"))
    assert run(returning("{ a: bytes[0] }")) == {"a": "1"}


def test_an_answer_nested_too_deeply_is_refused() -> None:
    with pytest.raises(PayloadError, match="expected at most 32 levels"):
        run("function decodeUplink() { var a = 1; for (var i = 0; i < 40; i++) a = [a]; return { data: a }; }")


@pytest.mark.parametrize(
    "there",
    [
        "typeof require", "typeof process", "typeof std", "typeof os", "typeof fetch", "typeof XMLHttpRequest",
        "typeof setTimeout", "typeof WebAssembly", "typeof Worker", "typeof Atomics", "typeof load",
        "typeof import.meta",
    ],
)  # fmt: skip
def test_a_decoder_reaches_nothing_outside(there: str) -> None:
    try:
        assert run(returning(f"{{ there: {there} }}")) == {"there": "undefined"}
    except PayloadError as refused:
        assert "SyntaxError" in refused.detail  # noqa: PT017  # import.meta belongs to modules


def test_nothing_passes_from_one_message_to_the_next() -> None:
    source = """
    let count = 0;
    function decodeUplink(input) {
      const before = [count, typeof left, [].left, JSON.stringify.left, input.variables.left].map(String);
      before.push(String(Math.random()));
      count += 1;
      left = 1;
      Array.prototype.left = Object.prototype.left = JSON.stringify.left = input.variables.left = 1;
      JSON.stringify = Array.prototype.map = Date.now = Math.random = () => 7;
      if (input.bytes[0] === 1) for (;;);
      if (input.bytes[0] === 2) for (const kept = []; ; ) kept.push(new Uint8Array(65536));
      return { data: before };
    }"""
    first = run(source, b"\x00")
    assert isinstance(first, list)
    assert first[:-1] == ["0", "undefined", "undefined", "undefined", "undefined"]
    for stopped in (b"\x01", b"\x02"):
        with pytest.raises(PayloadError):
            run(source, stopped)
        assert run(source, b"\x00") == first


def test_a_decoder_that_needs_much_memory_has_as_much_for_each_message() -> None:
    """The engine's memory grows and never shrinks: what one message took must not be missing to a later one."""
    source = returning("{ one_at: new Uint8Array(1.5e6).fill(bytes[0]).indexOf(1) }")
    assert [run(source, b"\x00") for _ in range(25)] == [{"one_at": "-1"}] * 25


def test_all_that_an_instance_remembers_is_its_memory_and_one_variable() -> None:
    """The proof that restoring both is a fresh engine: the binary's section of globals holds one that can change."""
    binary = engine.binary()

    def number(place: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            byte = binary[place]
            value |= (byte & 127) << shift
            place, shift = place + 1, shift + 7
            if byte < 128:
                return value, place

    sections, place = {}, 8
    while place < len(binary):
        kind = binary[place]
        size, place = number(place + 1)
        sections[kind] = binary[place : place + size]
        place += size
    one_number_that_changes = b"\x01\x7f\x01"
    assert sections[6].startswith(one_number_that_changes)


def test_a_program_loads_to_the_same_memory_byte_for_byte_whatever_ran_before() -> None:
    first = f"cityvitals.load({json.dumps(returning('{ r: Math.random() }'))}, {{}})"
    one, other = (engine.Program(engine.part("harness.js"), first) for _ in range(2))
    for _ in range(3):
        answers = {
            each.call(f"cityvitals.decode([1],1,{time})", time * 1000) for each in (one, other) for time in (0, 5)
        }
        assert len(answers) == 1
    assert one.memory == other.memory


def test_threads_share_a_decoder_and_get_the_same_answers() -> None:
    source = "let n = 0; function decodeUplink(input) { n += input.bytes[0]; return { data: { n } }; }"
    answers: list[object] = []

    def work(byte: int) -> None:
        answers.extend((byte, run(source, bytes((byte,)))) for _ in range(25))

    threads = [threading.Thread(target=work, args=(byte,)) for byte in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, answers)) == sorted(str((byte, {"n": str(byte)})) for byte in range(4) for _ in range(25))


@settings(max_examples=examples(200))
@given(value=st.floats(allow_nan=True))
@example(value=2.0**-24)
@example(value=2.0**60)
def test_a_double_is_the_shortest_decimal_that_names_it(value: float) -> None:
    document = run(
        "function Decoder(bytes) { return [new DataView(Uint8Array.from(bytes).buffer).getFloat64(0)]; }",
        struct.pack(">d", value),
    )
    assert isinstance(document, list)
    (text,) = document
    if value != value or value in (float("inf"), float("-inf")):
        assert text is None
        return
    assert isinstance(text, NumberText)
    assert Decimal(text) == Decimal(repr(value))


def test_whole_numbers_are_exact_a_bigint_is_text_and_what_is_undefined_is_absent() -> None:
    whole = "safe: 2 ** 53 - 1, low: -(2 ** 53) + 1, big: 2n ** 64n - 1n, zero: -0"
    odd = "odd: Symbol('odd'), [Symbol('odder')]: 1, nan: NaN, far: -Infinity"
    data = f"{{ {whole}, {odd}, gone: undefined, none: null, method() {{}} }}"
    assert run(returning(data)) == {
        "safe": "9007199254740991",
        "low": "-9007199254740991",
        "big": "18446744073709551615",
        "zero": "0",
        "nan": None,
        "far": None,
        "none": None,
    }


NUMBERS = {
    "UInt8": "B", "Int8": "b", "UInt16LE": "<H", "UInt16BE": ">H", "Int16LE": "<h", "Int16BE": ">h", "UInt32LE": "<I",
    "UInt32BE": ">I", "Int32LE": "<i", "Int32BE": ">i", "FloatLE": "<f", "FloatBE": ">f", "DoubleLE": "<d",
    "DoubleBE": ">d", "BigInt64LE": "<q", "BigInt64BE": ">q", "BigUInt64LE": "<Q", "BigUInt64BE": ">Q",
}  # fmt: skip


READING = (
    "function decodeUplink(input) { const [at, size, ...bytes] = input.bytes, b = Buffer.from(bytes), data = {};"
    " const said = (read) => { try { return read(); } catch (error) { return error.name; } };"
    f" for (const name of {list(NUMBERS)}) data[name] = said(() => b['read' + name](at));"
    " data.le = said(() => b.readUIntLE(at, size)); data.be = said(() => b.readIntBE(at, size)); return { data }; }"
)


@settings(max_examples=examples(60))
@given(data=st.binary(min_size=8, max_size=12), at=st.integers(0, 3), size=st.integers(1, 6))
def test_a_buffer_reads_numbers_as_pythons_struct_does(data: bytes, at: int, size: int) -> None:
    found = run(READING, bytes((at, size)) + data)
    assert isinstance(found, dict)
    if at + size <= len(data):
        part = data[at : at + size]
        assert found["le"] == str(int.from_bytes(part, "little"))
        assert found["be"] == str(int.from_bytes(part, "big", signed=True))
    for name, layout in NUMBERS.items():
        if at + struct.calcsize(layout) > len(data):
            assert found[name] == "RangeError"
            continue
        (value,) = struct.unpack_from(layout, data, at)
        if isinstance(value, int):
            assert found[name] == str(value)
        elif value != value or value in (float("inf"), float("-inf")):
            assert found[name] is None
        else:
            assert float(str(found[name])) == value


TEXTS = (
    "function decodeUplink(input) { const [size, ...bytes] = input.bytes, b = new Buffer(bytes.slice(0, size));"
    " const text = Buffer.from(bytes.slice(size)).toString(), own = Buffer.from(text), base64 = b.toString('base64');"
    " return { data: { hex: b.toString('hex'), base64, latin1: b.toString('latin1'), text, bytes: [...own],"
    " back: Buffer.from(base64, 'base64').equals(b) && Buffer.from(b.toString('hex'), 'hex').equals(b),"
    " part: Buffer.concat([b, own]).slice(1, -1).toString('hex'), is: Buffer.isBuffer(b.map((each) => each)) } }; }"
)


@settings(max_examples=examples(60))
@given(data=st.binary(max_size=40), text=st.text("a\x00é€😀", max_size=20))
def test_a_buffer_makes_text_of_bytes_and_bytes_of_text(data: bytes, text: str) -> None:
    encoded = text.encode()
    assert run(TEXTS, bytes((len(data),)) + data + encoded) == {
        "hex": data.hex(),
        "base64": base64.b64encode(data).decode(),
        "latin1": data.decode("latin-1"),
        "text": text,
        "bytes": [str(byte) for byte in encoded],
        "back": True,
        "part": (data + encoded)[1:-1].hex(),
        "is": True,
    }


def test_bytes_that_are_no_utf8_are_marked_in_the_text_of_a_buffer() -> None:
    assert run(returning("{ text: Buffer.from(bytes).toString() }"), b"a\xff\xc3\xa9\xe2\x82b\xed\xa0\x80") == {
        "text": "a\ufffdé\ufffd\ufffdb\ufffd\ufffd\ufffd"
    }


def test_windows_ends_of_lines_and_an_own_strict_mode_change_nothing() -> None:
    lines = [
        "'use strict'",
        "// why",
        "function decodeUplink(input) {",
        "return {",
        "data: { strict: !this }",
        "}",
        "}",
    ]
    assert run("\r\n".join(lines)) == {"strict": True}


UPLINK = {
    "uplink_message": {"f_port": 2, "frm_payload": "BNKx", "received_at": "2024-03-09T15:20:00.123456Z"},
}


def test_a_model_reads_a_vendors_file_beside_it_within_any_envelope() -> None:
    at = gauge("lorawan", '[time]\npath = "at"\nformat = "rfc3339"\n')
    assert decoded(at, UPLINK) == (
        [("level", 1_709_997_600_123_000, 12_340, 0), ("battery", 1_709_997_600_123_000, 3540, 0)],
        [],
    )
    refused = {"uplink_message": {**UPLINK["uplink_message"], "f_port": 9}}
    with pytest.raises(PayloadError, match=r'malformed: level\.js: "unknown FPort"'):
        decoded(at, refused)


def test_a_value_that_is_no_number_is_a_fault_of_its_field_alone() -> None:
    readings, faults = decoded(gauge("lorawan"), {"uplink_message": {"f_port": 2, "frm_payload": "BNI="}})
    assert [name for name, *_ in readings] == ["level"]
    assert faults == [("not_a_number", 1)]


def test_bytes_without_an_envelope_have_no_port() -> None:
    with pytest.raises(PayloadError, match="unknown FPort"):
        decoded(gauge("bytes"), b"\x04\xd2\xb1")


@pytest.mark.parametrize(
    ("key", "content", "told"),
    [
        ('file = "none.js"', None, "payload.file: cannot be read: No such file or directory"),
        ('file = "../level.js"', None, "payload.file: expected the name of a file beside the model, such as own.js"),
        ('file = "level.py"', None, "payload.file: expected the name of a file beside the model, such as own.js"),
        ("", b"\xff", "payload.file: own.js: byte 0: expected UTF-8 text"),
        ("", b" " * (SOURCE_BYTES_MAX + 1), f"payload.file: expected at most {SOURCE_BYTES_MAX} bytes"),
        ("variable = 1", b"", "payload.variable: unknown key; did you mean 'variables'?"),
        ("variables = { k = 1 }", b"", "payload.variables: expected a table of texts"),
    ],
)
def test_a_decoder_that_cannot_be_read_is_a_fault_of_the_model(
    tmp_path: Path, key: str, content: bytes | None, told: str
) -> None:
    text = MODEL.format(codec="lorawan", more="").replace('file = "level.js"', key)
    (tmp_path / "own.toml").write_text(vectored(text), encoding="utf-8")
    if content is not None:
        (tmp_path / "own.js").write_bytes(content)
    problems = Problems()
    read_models(tmp_path, problems, {})
    assert any(str(problem).partition(": ")[2].startswith(told) for problem in problems.found), problems.found


def test_a_file_of_the_models_name_is_its_decoder_and_a_byte_order_mark_no_part_of_it(tmp_path: Path) -> None:
    text = MODEL.format(codec="lorawan", more="").replace('file = "level.js"', "")
    (tmp_path / "own.toml").write_text(vectored(text), encoding="utf-8")
    (tmp_path / "own.js").write_bytes(b"\xef\xbb\xbf" + (SCRIPTS / "level.js").read_bytes())
    problems = Problems()
    models = read_models(tmp_path, problems, {})
    assert problems.found == []
    assert [ticks for _, _, ticks, _ in decoded(models["own"], UPLINK)[0]] == [12_340, 3540]


def test_the_time_of_arrival_stands_in_for_that_of_the_network() -> None:
    untimed = {"uplink_message": {**UPLINK["uplink_message"], "received_at": None}}
    readings, _ = decoded(gauge("lorawan", '[time]\npath = "at"\nformat = "rfc3339"\n'), untimed)
    assert {time_us for _, time_us, _, _ in readings} == {RECEIVED_US}


def test_every_decoder_of_the_package_belongs_to_a_model() -> None:
    rules = [payload_options(model.options).rules for model in load_models().values() if model.codec == "lorawan"]
    files = {each.file for each in rules if isinstance(each, JavaScript)}
    assert files == {
        entry.name for entry in definitions_folder().joinpath(MODELS).iterdir() if entry.name.endswith(".js")
    }


def test_what_is_prepared_is_loaded_before_the_first_message_even_if_it_is_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for script in ("", "function decodeUplink( {"):
        engine.program.cache_clear()
        model = gauge("lorawan")
        rules = replace(payload_options(model.options).rules, source=script or (SCRIPTS / "level.js").read_text())  # type: ignore[type-var]
        prepare(replace(model, options=replace(payload_options(model.options), rules=rules)))
        assert engine.program.cache_info().currsize == 1
    prepare(load_models()["water_meter"])
    assert engine.program.cache_info().currsize == 1
