"""A codec is total: whatever the bytes, it returns or raises `PayloadError`, and accounts for something."""

from __future__ import annotations

import json

import cbor2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devices import CODECS, REASONS, Codec, DeviceModel, PayloadError, codec, load_models
from devices.codecs.base import TIME_MAX_US, TIME_MIN_US
from devices.ticks import TICKS_MAX, TICKS_MIN
from tests.devices.make import RECEIVED_US
from tests.devices.test_cbor import STATION
from tests.devices.test_javascript import FUZZED as JAVASCRIPT
from tests.devices.test_json_paths import EACH, FLAT, ONE, SQUARE
from tests.devices.test_layouts import MODELS as LAYOUTS
from tests.devices.test_lines import BARE, HEADED, NAMED
from tests.devices.test_lorawan import FUZZED as LORAWAN
from tests.devices.test_lorawan import SEEDS as LORAWAN_SEEDS
from tests.devices.test_senml import AIR, STATES
from tests.devices.test_senml_cbor import SUMS
from tests.devices.test_sparkplug import MODEL as SPARKPLUG
from tests.devices.test_sparkplug import SEEDS as SPARKPLUG_SEEDS
from tests.examples import examples

MODELS = [
    *load_models().values(), AIR, STATES, SUMS, ONE, EACH, SQUARE, FLAT, HEADED, NAMED, BARE, STATION, *LORAWAN,
    *LAYOUTS.values(), *JAVASCRIPT, SPARKPLUG,
]  # fmt: skip
OPTED = {model.codec for model in MODELS if model.options is not None}
"""Codecs whose models have options: they are tried with their own models only, the others with all that have none."""
SEEDS = [
    b'[{"bn":"urn:dev:1:","bt":1.6e9,"bu":"ug/m3","bv":-1.5,"bver":10,"n":"pm2_5","v":3.5e1,"t":-0.5},{"n":"temp","u":"Cel","v":1}]',
    b'[{"n":"word","vs":"FREE"},{"n":"door","vb":true},{"n":"code","v":10},{"n":"load","vd":"AA","s":1,"ut":2}]',
    b'{"ts":1704067200,"data":{"pm25":"12.5","sensors":[null,{"value":-40}]}}',
    b'{"gate":"open","list":[{"at":1704067200000,"n":3},{"at":"x","n":4}]}',
    b'{"time":"2024-01-01T00:00:00+09:00","particles":{"pm25":1},"gases":{"no2_ppb":20.5}}',
    b'{"day":"09.03.2024","clock":"17:00:00.5","values":[{"type":"P1","value":"-"},{"id":2,"value":1}],'
    b'"rain":"2 mm","kind":7,"bay":1}',
    b"pm,at,bay 1\n12.5,2024-03-09T16:00:00Z,free\n",
    b"free;2024-03-09T16:00:00Z;;12,5\n;;;\n",
    b"120.11 W",
    b'{"rows":[{"values":[{"t":1704067200,"k":"T","v":1}]},{"values":{"a":{"t":"1","k":"H","v":2}}}]}',
    b'[{"bt":1.6e9,"bs":2,"n":"power","u":"W","v":1,"s":36e5},{"n":"flow","s":1}]',
    b"/K\r\n\r\n0-0:1.0.0(240309170000W)\r\n1-0:1.8.1(1.5*kWh)\r\n0-1:24.1.0(003)\r\n0-1:24.3.0(240309170000)(1)(m3)\r\n(2)\r\n!",
    b"68 13 13 68 08 00 72 00 00 00 00 9a 0e 01 00 00 00 00 00 01 13 05 82 04 6d 01 02 1e 16",
    bytes.fromhex("0e442d2c785634120107 78 0413e8030000"),
    b'{"subscriptionId":"5","data":[{"id":"1","no2":{"value":1,"observedAt":"2024-01-01T00:00:00Z","unitCode":"GQ"}}]}',
    b'[{"id":"1","TimeInstant":"2024-01-01T00:00:00Z","no2":{"type":"Number","value":1,"metadata":{"unitCode":{"value":7}}}}]',
    b'[{"components":["phenomenonTime","result"],"dataArray":[["2024-01-01T00:00:00Z/x",1],[null,{"a":[2]}]]}]',
    bytes.fromhex("82a3221a5f5e1000006474656d7002fa3dcccccda2006474656d7002c48221196ab3"),
    bytes.fromhex("a46274731b0000018cc251f40061370a636169729f00a162706dfb4028b0f27bb2feccff63626179f5"),
    *LORAWAN_SEEDS,
    b'{"uplink_message":{"f_port":2,"frm_payload":"BNKx","received_at":"2024-03-09T15:20:00Z"}}',
    *SPARKPLUG_SEEDS,
]
TOKENS = [
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b'"',
    b"\\",
    b"null",
    b"true",
    b"1e999999999",
    b"-",
    b"0",
    b"9" * 30,
    b"1e308",
    b'"n"',
    b'"v"',
    b'"bt"',
    b'"t":',
    b"NaN",
    b"\x00",
    b"\xff",
    b"\\ud800",
    b'"x_":1',
    b"[[[[[[[[",
    b" ",
    b"e400",
    b'"ts":',
    b"-1e-400",
    b'"bver":26',
    b"\r",
    b";",
    b"\n",
    b"\x9b" + b"\xff" * 8,
    b"\xbf",
    b"\xc2\x5f",
    b"\xd8\x1c",
    b"\xf9\x7e\x00",
    b"\xfb" + b"\x7f" * 8,
]


def check(reason: str, detail: str) -> None:
    """Check that a refusal can be stored and shown."""
    assert reason in REASONS
    assert detail.isascii()
    assert "\x00" not in detail
    assert len(detail) < 1000


def account(chosen: Codec, payload: bytes, model: DeviceModel) -> None:
    """Decode and check everything a caller relies on."""
    try:
        result = chosen.decode(payload, model, RECEIVED_US)
    except PayloadError as error:
        check(error.reason, error.detail)
        return
    assert result.readings or result.faults
    for reading in result.readings:
        assert 0 <= reading.field < len(model.fields)
        assert TICKS_MIN <= reading.ticks <= TICKS_MAX
        assert TIME_MIN_US <= reading.time_us <= TIME_MAX_US
    for fault in result.faults:
        check(fault.reason, fault.detail)
        assert fault.readings >= 1


PICKS = st.integers(0, 1000)


def picked(chosen: Codec, pick: int) -> DeviceModel:
    """Return one of the models that a codec is tried with."""
    own = chosen.name in OPTED
    models = [m for m in MODELS if (m.codec == chosen.name if own else m.options is None)]
    return models[pick % len(models)]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a valid message with bytes cut, doubled, changed and inserted."""
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 12)))
        put = draw(st.sampled_from(TOKENS) | st.binary(max_size=4) | st.just(data[at:end] * 2))
        data = data[:at] + put + data[end:]
    return data


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["pm2_5", "temp", "Cel"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "n",
                    "v",
                    "t",
                    "bt",
                    "bn",
                    "bu",
                    "u",
                    "bv",
                    "vs",
                    "vb",
                    "bver",
                    "s",
                    "ts",
                    "data",
                    "pm25",
                    "list",
                    "at",
                    "value",
                    "result",
                    "dataArray",
                    "components",
                    "uplink_message",
                    "decoded_payload",
                    "frm_payload",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("chosen", CODECS, ids=lambda c: c.name)
@settings(max_examples=examples(400))
@given(payload=st.binary(max_size=200) | mutated(), pick=PICKS)
@example(payload=b"[" * 200_000, pick=0)
@example(payload=b'{"a":' * 40_000, pick=0)
@example(payload=b"\x81" * 200_000, pick=0)
@example(payload=b"6" * 10_000_000, pick=0)
def test_any_bytes_are_accounted_for(chosen: Codec, payload: bytes, pick: int) -> None:
    account(chosen, payload, picked(chosen, pick))


@pytest.mark.parametrize("chosen", CODECS, ids=lambda c: c.name)
@settings(max_examples=examples(400))
@given(value=JSON_VALUES, pick=PICKS)
def test_any_json_is_accounted_for(chosen: Codec, value: object, pick: int) -> None:
    write = cbor2.dumps if "cbor" in chosen.name else lambda said: json.dumps(said).encode()
    account(chosen, write(value), picked(chosen, pick))
    account(chosen, write([value]), picked(chosen, pick))


def test_a_codec_is_found_by_its_name_and_an_unknown_one_names_the_nearest() -> None:
    assert [codec(c.name) for c in CODECS] == list(CODECS)
    with pytest.raises(KeyError, match="did you mean 'senml-json'"):
        codec("senml_json")
