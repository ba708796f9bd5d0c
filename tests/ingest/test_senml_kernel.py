"""The compiled SenML decoder and the reference codec agree bit for bit on everything the compiled one takes."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devices import PayloadError, codec
from ingest.kernels import frames, senml
from ingest.routes import kernel_scale
from tests.devices.test_senml_cbor import SUMS
from tests.examples import examples
from tests.ingest.messages import NOW_US, framer, pour, publish, readings, registry, routing, small_limits, topic

SENML_DEVICES = ("air-1", "odd-1", "meter-1")


def compiled(device: str, payload: bytes) -> list[tuple[int, int, int, int]] | None:
    """What the kernel makes of a payload: (slot, time_us, ticks, flags), or None when it leaves it to the codec."""
    made = framer()
    made.decoder._decode_rest = lambda intake, first, last, start: last  # type: ignore[method-assign]
    intake = pour(made, publish(topic(device), payload))[0]
    if intake.status[0] == frames.DECODED:
        return [row[1:] for row in readings(intake)]
    assert intake.reading_count == 0
    return None


def reference(device: str, payload: bytes) -> list[tuple[int, int, int, int]] | None:
    """What the codec makes of it; None where anything stands against any part of it."""
    position = registry().device_index(device)
    model = registry().model_of(registry().devices[position])
    try:
        decoded = codec(model.codec).decode(payload, model, NOW_US)
    except PayloadError:
        return None
    first = registry().slots(position).start
    if decoded.faults:
        return None
    return [(first + r.field, r.time_us, r.ticks, r.flags) for r in decoded.readings]


def assert_agreement(device: str, payload: bytes) -> bool:
    """Compare the two; returns whether the kernel took the payload."""
    found = compiled(device, payload)
    if found is not None:
        assert found == reference(device, payload), payload
    return found is not None


def fields(device: str) -> list[tuple[str, str]]:
    position = registry().device_index(device)
    return [(f.name, f.unit) for f in registry().model_of(registry().devices[position]).fields]


digits = st.text("0123456789", min_size=1, max_size=20)
numbers = st.one_of(
    st.integers(-(10**19), 10**19).map(str),
    st.decimals(-1000, 1000, places=4, allow_nan=False).map(str),
    st.builds(lambda a, b: f"{a}.{b}", digits, digits),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.builds(
        lambda s, a, b, e: f"{s}{a}.{b}{e}",
        st.sampled_from(["", "-"]),
        st.integers(0, 10**6).map(str),
        st.integers(0, 10**6).map(str),
        st.sampled_from(["", "e3", "E-4", "e+2", "e0", "e99", "e-19", "e1234"]),
    ),
    st.sampled_from(["0", "-0", "0.0", "-0.5", "01", ".5", "5.", "+1", "1e", "-", "NaN", "null", "true", '"5"', ""]),
)
times = st.one_of(
    st.integers(1_700_000_000, 1_800_000_000).map(str),
    st.decimals(1_700_000_000, 1_800_000_000, places=7, allow_nan=False).map(str),
    st.sampled_from(
        [
            "0", "-60", "268435455.9999994", "268435455.9999996", "268435455.9999995", "268435456", "1.7e9",
            "1.7324E+09",
            "1732400000.0000005", "1732400000.0000015", "-0.0000005", "4611686018", "4611686019", "9223372036854",
            "1e18",
            "-1732400000", "0.000000000000000001", "253402300800",
        ]
    ),
    numbers,
)  # fmt: skip
space = st.sampled_from(["", "", "", " ", "\n", "\t ", "\r\n", "\f", "\u00a0"])


plain_numbers = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.decimals(-1000, 1000, places=5, allow_nan=False).map(str),
    st.sampled_from(["0", "-0.0", "1.5e1", "25E-1", "0.0005", "0.00015", "2.5e-3", "123456789.123456789", "1e9"]),
)
plain_times = st.one_of(
    st.integers(-(10**5), 10**5).map(str),
    st.sampled_from(["0.0000005", "-0.0000015", "1732400000.0000005", "1.7e9", "268435455.9999995", "1732400000"]),
)


def plain_record(device: str) -> st.SearchStrategy[str]:
    """A record that the kernel should take, unless base fields of an earlier one make it odd."""
    known = st.sampled_from([f for f in fields(device) if f[0] != "mode"])
    optional = {
        "bn": st.sampled_from(['"urn:dev:x:"', '"a/"', '""', '"dev"']),
        "bt": plain_times, "bu": st.just('"UNIT"'), "t": plain_times, "u": st.just('"UNIT"'),
    }  # fmt: skip
    members = st.fixed_dictionaries(
        {"n": st.sampled_from(['"NAME"', '":NAME"']), "v": plain_numbers}, optional=optional
    )

    def written(field: tuple[str, str], rows: list[tuple[str, str]], gap: str) -> str:
        text = ",".join(f'{gap}"{key}"{gap}:{gap}{value}{gap}' for key, value in rows)
        return "{" + text.replace("NAME", field[0]).replace("UNIT", field[1]) + "}"

    listed = members.flatmap(lambda m: st.permutations(list(m.items())))
    return st.builds(written, known, listed, st.sampled_from(["", "", " ", "\n\t", "\r"]))


def record(device: str) -> st.SearchStrategy[str]:
    known = st.sampled_from(fields(device))
    base_names = [
        "urn:dev:mac:0024befffe804ff1:",
        "urn:dev:x/",
        "",
        "/",
        "pm",
        "a:b:c",
        "pm2_",
        "_x:",
        "urn dev:",
        "é/",
    ]

    def members(field: tuple[str, str], draw: dict[str, str]) -> list[tuple[str, str]]:
        name, unit = field
        found = []
        for key, text in draw.items():
            found.append((key, text.replace("NAME", name).replace("TAIL", name[2:]).replace("UNIT", unit)))
        return found

    optional = {
        "bn": st.sampled_from([f'"{name}"' for name in base_names]),
        "bt": times,
        "bu": st.sampled_from(['"UNIT"', '"Cel"', '""']),
        "t": times,
        "u": st.sampled_from(['"UNIT"', '"UNIT"', '"x"', '""', "null", '"\\u0041"']),
        "vs": st.sampled_from(['"a"', '"b"', '"c"']),
        "vb": st.sampled_from(["true", "false"]),
        "s": numbers,
        "ut": st.just("60"),
        "bver": st.sampled_from(["10", "11", "5"]),
        "bv": numbers,
        "x": st.sampled_from(['"ignored"', "[1]", "{}"]),
        "must_": st.just("1"),
    }
    name = st.sampled_from(
        ['"NAME"', '"NAME"', '"NAME"', '"dev:NAME"', '"a/NAME"', '"TAIL"', '"nothing"', '""', '"\\u0070"']
    )
    usual = st.fixed_dictionaries(
        {"n": name, "v": numbers}, optional={k: optional[k] for k in ("bn", "bt", "bu", "t", "u")}
    )
    any_ = st.fixed_dictionaries({}, optional={"n": name, "v": numbers, **optional})
    listed = st.builds(members, known, st.one_of(usual, usual, usual, any_)).flatmap(st.permutations)
    return st.builds(
        lambda rows, gap: "{" + ",".join(f'{gap}"{k}"{gap}:{gap}{v}{gap}' for k, v in rows) + "}", listed, space
    )


def packs(device: str) -> st.SearchStrategy[bytes]:
    return st.builds(
        lambda records, gap, end: f"{gap}[{gap}{f'{gap},'.join(records)}{gap}]{end}".encode(),
        st.one_of(
            st.lists(plain_record(device), min_size=1, max_size=5),
            st.lists(st.one_of(*[plain_record(device)] * 4, record(device)), min_size=1, max_size=3),
            st.lists(record(device), max_size=2),
        ),
        st.sampled_from(["", " ", "\n"]) | space,
        st.sampled_from(["", "", "", " \n", "x", ",", "]"]),
    )


@given(st.sampled_from(SENML_DEVICES).flatmap(lambda d: st.tuples(st.just(d), packs(d))))
@settings(max_examples=examples(400), deadline=None)
@example(("air-1", b'[{"n":"pm2_5","v":1,"t":268435455.9999995}]'))
@example(("air-1", b'[{"n":"pm2_5","v":1,"n":"pm10"}]'))
@example(("air-1", b'[{"bn":"pm2","n":"_5","v":1}]'))
def test_whatever_the_kernel_takes_it_reads_as_the_codec_does(case: tuple[str, bytes]) -> None:
    assert_agreement(*case)


mutations = st.lists(
    st.tuples(
        st.floats(0, 1), st.integers(0, 2), st.sampled_from([*b'{}[],:"\\ -+.0159eEntuvbs_\n\x00\x7f\x80\xc3'])
    ),
    min_size=1,
    max_size=4,
)  # fmt: skip
GOOD = (
    b'[{"bn":"urn:dev:x:","bt":1732400000.5,"bu":"ug/m3","n":"pm2_5","v":35.25},'
    b'{"n":"no2","u":"ug/m3","v":-4e1,"t":-30}]'
)


@given(mutations)
@settings(max_examples=examples(400), deadline=None)
def test_a_damaged_pack_is_read_as_the_codec_reads_it_or_not_at_all(damage: list[tuple[float, int, int]]) -> None:
    payload = bytearray(GOOD)
    for place, how, byte in damage:
        at = int(place * (len(payload) - 1))
        if how == 0:
            payload[at] = byte
        elif how == 1:
            payload.insert(at, byte)
        else:
            del payload[at]
    assert_agreement("air-1", bytes(payload))


@given(
    st.sampled_from(SENML_DEVICES),
    st.lists(
        st.tuples(
            st.integers(0, 99),
            st.decimals(-5000, 5000, places=5, allow_nan=False).map(str),
            st.one_of(st.none(), st.integers(1_600_000_000_000_000, 1_900_000_000_000_000)),
        ),
        min_size=1,
        max_size=30,
    ),
    st.booleans(),
)
@settings(max_examples=examples(200), deadline=None)
def test_ordinary_packs_do_not_need_the_codec(
    device: str, rows: list[tuple[int, str, int | None]], named: bool
) -> None:
    plain = [f for f in fields(device) if f[0] != "mode"]
    records = []
    for position, value, time_us in rows:
        name, unit = plain[position % len(plain)]
        value = value.partition(".")[0] if name == "load" else value  # a state is a whole number
        time = (
            "" if time_us is None else f',"t":{Fraction(time_us, 10**6).limit_denominator(10**6).numerator / 10**6!r}'
        )
        time = "" if time_us is None else f',"t":{time_us // 10**6}.{time_us % 10**6:06d}'
        records.append(f'{{"n":"{name}"{f""","u":"{unit}" """ if unit else ""},"v":{value}{time}}}')
    base = '{"bn":"urn:dev:x:",' if named else "{"
    payload = ("[" + ",".join(records) + "]").replace("{", base, 1).encode()
    assert assert_agreement(device, payload)


RFC_8428 = {
    # Examples of RFC 8428, section 5, with names and units of our fields instead of its own. Code Components of IETF
    # documents: Revised BSD License, (c) 2018 IETF Trust and the authors.
    "5.1.1 one value": b'[{"n":"urn:dev:ow:10e2073a01080063:temperature","u":"Cel","v":23.1}]',
    "5.1.2 base name and relative times": (
        b'[{"bn":"urn:dev:ow:10e2073a0108006:","bt":1.276020076001e+09,"bu":"ug/m3","n":"pm10","u":"ug/m3","v":120.1},'
        b'{"n":"pm2_5","t":-5,"v":1.2},{"n":"pm2_5","t":-4,"v":1.3},{"n":"pm2_5","v":1.7}]'
    ),
    "5.1.3 history": (
        b'[\n{"bn":"urn:dev:ow:10e2073a01080063","bt":1.320067464e+09,"bu":"Cel","n":":temperature","v":20},\n'
        b'{"u":"Cel","n":":temperature","v":20.5,"t":60}\n]'
    ),
}


@pytest.mark.parametrize("payload", RFC_8428.values(), ids=RFC_8428)
def test_the_examples_of_the_standard_are_taken_by_the_kernel(payload: bytes) -> None:
    assert assert_agreement("air-1", payload)


def test_the_standards_second_example_gives_its_times_and_values() -> None:
    found = compiled("air-1", RFC_8428["5.1.2 base name and relative times"])
    base = 1_276_020_076_001_000
    pm10, pm2_5 = registry().slot("air-1", "pm10"), registry().slot("air-1", "pm2_5")
    assert found == [
        (pm10, base, 120_100, 0),
        (pm2_5, base - 5_000_000, 1_200, 0),
        (pm2_5, base - 4_000_000, 1_300, 0),
        (pm2_5, base, 1_700, 0),
    ]


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"[]", b"{}", b"[[]]", b"[{}]", b"[{]", b'[{"n":"pm2_5"}]', b'[{"n":"pm2_5","v":"1"}]',
        b'[{"n":"pm2_5","v":1}]x', b'[{"n":"pm2_5","v":1},]', b'[{"n":"pm2_5","v":1,}]', b'[{"n":"pm2_5","v":1',
        b'[{"n":"pm2_5","v":1,"u":"mg/m3"}]', b'[{"n":"pm2_5","v":1,"s":2}]', b'[{"n":"pm2_5","v":1,"bver":10}]',
        b'[{"n":"pm2_5","v":1,"bv":2}]', b'[{"n":"\\u0070m2_5","v":1}]', b'[{"n":"pm2_5","v":1,"v":2}]',
        b'[{"n":"PM2_5","v":1}]', b'[{"n":"pm2_5","v":01}]', b'[{"n":"pm2_5","v":1e999}]',
        b'[{"n":"pm2_5","v":1234567890123456789}]', b'\xef\xbb\xbf[{"n":"pm2_5","v":1}]',
    ],
)  # fmt: skip
def test_what_is_not_certain_is_left_to_the_codec(payload: bytes) -> None:
    assert compiled("air-1", payload) is None


def test_a_field_that_sends_words_is_left_to_the_codec() -> None:
    assert compiled("odd-1", b'[{"n":"mode","v":1}]') is None
    assert compiled("odd-1", b'[{"n":"load","v":1}]') is not None
    assert compiled("odd-1", b'[{"n":"load","v":0.6}]') is None  # no state, which is for the codec to say


def test_a_field_that_is_a_sum_has_no_records_of_its_own() -> None:
    fields = {field.name: kernel_scale(field) for field in SUMS.fields}
    assert not senml.ticks_of(1, 0, *fields["energy"])[0]
    assert senml.ticks_of(1, 0, *fields["power"])[0]


@given(
    st.integers(-(10**18), 10**18), st.integers(-18, 18),
    st.integers(-(10**15), 10**15), st.integers(1, 10**15), st.integers(-(10**15), 10**15),
)  # fmt: skip
@settings(max_examples=examples(2000), deadline=None)
def test_the_arithmetic_is_exact_or_declined(mantissa: int, power: int, num: int, den: int, shift: int) -> None:
    from devices import Field, Scale

    field = registry().models["air_station"].fields[0]
    values = {name: getattr(field, name) for name in field.__slots__}
    fits, ticks = senml.ticks_of(mantissa, power, *kernel_scale(Field(**{**values, "scale": Scale(num, den, shift)})))
    if fits:
        assert ticks == round((mantissa * Fraction(10) ** power * num + shift) / den)


@given(st.integers(-(2**62), 2**62), st.integers(1, 2**61))
@settings(max_examples=examples(1000), deadline=None)
def test_division_rounds_half_to_even(numerator: int, denominator: int) -> None:
    assert senml.divide_half_even(numerator, denominator) == round(Fraction(numerator, denominator))


def test_a_pack_beyond_the_limit_of_readings_is_left_to_the_codec() -> None:
    pack = b"[" + b",".join([b'{"n":"pm2_5","v":1}'] * 6) + b"]"
    made = framer(small_limits(message_readings_max=5))
    intake = pour(made, publish(topic("air-1"), pack))[0]
    assert (intake.reading_count, [f.reason for f in intake.faults], intake.faults[0].readings) == (0, [15], 6)


def test_without_compilation_the_result_is_the_same() -> None:
    program = (
        "from tests.ingest import test_senml_kernel as t\n"
        "print([t.compiled('air-1', p) for p in t.RFC_8428.values()], t.compiled('air-1', t.GOOD))\n"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "NUMBA_DISABLE_JIT": switch}, check=True,
            capture_output=True, text=True,
        ).stdout
        for switch in ("0", "1")
    ]  # fmt: skip
    assert outputs[0] == outputs[1]
    assert "None" not in outputs[0]


def test_the_kernels_were_compiled_for_one_set_of_types_only() -> None:
    made = framer()
    pour(made, publish(topic("air-1"), GOOD))
    for kernel in (senml.decode, frames.scan, frames.route):
        assert len(kernel.signatures) == 1, kernel
    assert routing().table.flags.c_contiguous
