"""P1 telegrams are read line by line, at the times their letters say, and only with a checksum that holds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import FLAG_TIME_FROM_ARRIVAL, PayloadError, codec
from devices.codecs.dsmr import crc16
from devices.times import time_us_from_rfc3339
from tests.devices.make import RECEIVED_US, decoded, faults_of, model
from tests.examples import examples

HEAD = 'title = "test"\ncodec = "dsmr-p1"\ninterval_s = 60\n'


def field(name: str, path: str, measurand: str, unit: str) -> str:
    """Return the table of a field."""
    return f'[[field]]\nname = "{name}"\npath = \'{path}\'\nmeasurand = "{measurand}"\nunit = "{unit}"\n'


METER = model(
    HEAD
    + field("import", '["1-0:1.8.1"]', "electricity_import", "kWh")
    + field("voltage", '["1-0:32.7.0"]', "voltage", "V")
    + field("gas", "gas", "gas_volume", "m3")
    + field("channel_2", '["0-2:24.2.1"]', "water_volume", "m3")
)


def telegram(*lines: str, end: str = "\r\n") -> bytes:
    """Return a telegram of these lines with its checksum."""
    text = end.join(["/CTY5TEST", "", *lines, "!"]).encode()
    return text + f"{crc16(text):04X}".encode() + end.encode()


def us(text: str) -> int:
    return time_us_from_rfc3339(text)


def slow_crc(data: bytes) -> int:
    """Return the checksum by dividing polynomials bit by bit, as the standard defines it."""
    bits = [byte >> i & 1 for byte in data for i in range(8)] + [0] * 16
    for i in range(len(bits) - 16):
        if bits[i]:
            for offset in (0, 1, 14, 16):  # x16 + x15 + x2 + 1
                bits[i + offset] ^= 1
    return sum(bit << i for i, bit in enumerate(bits[-16:]))


@given(st.binary(max_size=20))
def test_the_checksum_is_the_remainder_of_a_division(data: bytes) -> None:
    assert crc16(data) == slow_crc(data)


def test_a_line_is_a_reading_at_the_time_of_the_telegram() -> None:
    readings, faults = decoded(METER, telegram("0-0:1.0.0(240309170000W)", "1-0:1.8.1(001581.1235*kWh)"))
    assert (readings, faults) == ([("import", us("2024-03-09T16:00:00Z"), 1_581_124, 0)], [])


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("240309170000W", "2024-03-09T16:00:00Z"),
        ("240709170000S", "2024-07-09T15:00:00Z"),
        ("241027023000S", "2024-10-27T00:30:00Z"),
        ("241027023000W", "2024-10-27T01:30:00Z"),  # the hour that comes twice
        ("240709170000", "2024-07-09T15:00:00Z"),
        ("240109170000", "2024-01-09T16:00:00Z"),
    ],
)
def test_letters_tell_summer_from_winter_time(sent: str, meant: str) -> None:
    readings, _ = decoded(METER, telegram(f"0-0:1.0.0({sent})", "1-0:32.7.0(230.1*V)"))
    assert readings == [("voltage", us(meant), 230_100, 0)]


@pytest.mark.parametrize("sent", ["241027023000", "240331023000", "241332023000W", "", "24102702300"])
def test_a_time_that_is_none_or_nobodys_refuses_what_it_is_the_time_of(sent: str) -> None:
    lines = [f"0-0:1.0.0({sent})", "1-0:32.7.0(230.1*V)", "0-1:24.1.0(003)", "0-1:24.2.1(240101000000W)(1*m3)"]
    readings, faults = decoded(METER, telegram(*lines))
    assert [name for name, *_ in readings] == ["gas"]
    assert faults == [("bad_time", 1)]


def test_a_meter_behind_the_meter_has_its_own_time_and_is_found_on_any_channel() -> None:
    lines = ["0-0:1.0.0(240309170000W)", "0-3:24.1.0(003)", "0-3:24.2.3(240309165500W)(00112.384*m3)"]
    lines += ["0-2:24.1.0(007)", "0-2:24.2.1(240309150000W)(00042.5*m3)", "1-0:32.7.0(230*V)"]
    readings, _ = decoded(METER, telegram(*lines))
    assert readings == [
        ("voltage", us("2024-03-09T16:00:00Z"), 230_000, 0),
        ("gas", us("2024-03-09T15:55:00Z"), 1_123_840, 0),
        ("channel_2", us("2024-03-09T14:00:00Z"), 42_500_000, 0),
    ]


def test_two_meters_of_one_medium_are_told_apart_by_their_channel_only() -> None:
    lines = [f"0-{i}:24.1.0(003)\r\n0-{i}:24.2.1(240309165500W)(0000{i}*m3)" for i in (1, 2)]
    readings, _ = decoded(METER, telegram(*lines))
    assert readings == [("channel_2", us("2024-03-09T15:55:00Z"), 2_000_000, 0)]


def test_the_oldest_version_has_no_checksum_no_time_and_its_gas_on_two_lines() -> None:
    old = model(HEAD + field("power", '["1-0:1.7.0"]', "power", "kW") + field("gas", "gas", "gas_volume", "m3"))
    lines = ["/CTY3TEST", "", "1-0:1.7.0(0001.01*kW)", "0-1:24.1.0(03)"]
    lines += ["0-1:24.3.0(120517020000)(08)(60)(1)(0-1:24.2.1)(m3)", "(00124.477)", "!"]
    readings, _ = decoded(old, "\r\n".join(lines).encode())
    assert readings == [
        ("power", RECEIVED_US, 1_010_000, FLAG_TIME_FROM_ARRIVAL),
        ("gas", us("2012-05-17T00:00:00Z"), 1_244_770, 0),
    ]


def test_belgian_peaks_and_hungarian_totals_are_lines_like_any_other() -> None:
    meter = model(
        HEAD
        + field("peak", '["1-0:1.6.0"]', "power", "kW")
        + field("total", '["1-0:1.8.0"]', "electricity_import", "kWh")
        + field("reactive", '["1-0:3.8.0"]', "reactive_energy", "kvarh")
    )
    lines = ["0-0:96.1.4(50217)", "0-0:1.0.0(240709170000S)", "1-0:1.6.0(240709133000S)(02.589*kW)"]
    lines += ["0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(240701000000S)(240623192538S)(03.695*kW)"]
    lines += ["1-0:1.8.0(000173.640*kWh)", "1-0:3.8.0(000014.000*kvarh)", "0-0:96.13.0()"]
    assert decoded(meter, telegram(*lines)) == (
        [
            ("peak", us("2024-07-09T11:30:00Z"), 2_589_000, 0),
            ("total", us("2024-07-09T15:00:00Z"), 173_640, 0),
            ("reactive", us("2024-07-09T15:00:00Z"), 14_000, 0),
        ],
        [],
    )


def test_a_unit_that_is_not_the_models_is_refused() -> None:
    assert decoded(METER, telegram("1-0:1.8.1(001581*Wh)"))[1] == [("bad_unit", 1)]
    assert decoded(METER, telegram("1-0:1.8.1(001581)"))[1] == []


GOOD = telegram("1-3:0.2.8(50)", "0-0:1.0.0(240309170000W)", "1-0:32.7.0(230.1*V)")


def test_ends_of_lines_may_be_changed_by_a_gateway() -> None:
    assert decoded(METER, GOOD.replace(b"\r\n", b"\n")) == decoded(METER, GOOD)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (GOOD[: GOOD.index(b"!") + 1], "expected a checksum after the !"),
        (GOOD[: GOOD.index(b"!")], "starts with / and ends with !"),
        (GOOD[1:], "starts with / and ends with !"),
        (GOOD.replace(b"!", b"!1"), "expected the checksum"),
        (b"\xdb\x08SAGgp", "encrypted"),
        (b"/CTY\xff\r\n!", "ASCII"),
        (telegram("1-0:1.8.1"), "expected an OBIS code"),
        (telegram("1-0:1.8.1(1)", "1-0:1.8.1(2)"), "two lines 1-0:1.8.1"),
        (b"/" * 300_000, "at most 262144 bytes"),
    ],
)
def test_what_is_no_whole_telegram_is_refused_and_told_why(payload: bytes, told: str) -> None:
    with pytest.raises(PayloadError, match=told):
        codec("dsmr-p1").decode(payload, METER, RECEIVED_US)


@settings(max_examples=examples(100))
@given(at=st.integers(0, len(GOOD) - 3), byte=st.integers(1, 255))
def test_no_changed_byte_passes(at: int, byte: int) -> None:
    damaged = bytearray(GOOD)
    damaged[at] ^= byte
    if damaged.upper() == GOOD or bytes(damaged).split() == GOOD.split():
        return  # another spelling of the checksum, or another white space
    with pytest.raises(PayloadError):
        codec("dsmr-p1").decode(bytes(damaged), METER, RECEIVED_US)


SECONDS = st.integers(us("2000-01-02T00:00:00Z") // 1_000_000, us("2098-12-30T00:00:00Z") // 1_000_000)


@settings(max_examples=examples(200))
@given(clock=SECONDS, own=SECONDS, ticks=st.integers(0, 10**12))
def test_what_is_encoded_decodes_to_the_same(clock: int, own: int, ticks: int) -> None:
    readings = [("import", clock * 1_000_000, ticks), ("gas", clock * 1_000_000, 7)]
    readings.append(("channel_2", own * 1_000_000, ticks))
    found, faults = decoded(METER, codec("dsmr-p1").encode(METER, readings))
    assert found == [(*reading, 0) for reading in readings]
    assert faults == []


@pytest.mark.parametrize(
    "readings",
    [
        [("import", 1_700_000_000_000_000, 1), ("voltage", 1_700_000_001_000_000, 1)],
        [("import", 1_700_000_000_000_001, 1)],
        [("import", 0, 1)],
        [],
    ],
)
def test_what_a_telegram_cannot_say_is_not_encoded(readings: list[tuple[str, int, int]]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        codec("dsmr-p1").encode(METER, readings)


def test_a_path_names_the_reading_and_not_its_value() -> None:
    faults = faults_of(HEAD + field("import", '["1-0:1.8.1"].value', "electricity_import", "kWh"))
    assert len(faults) == 1
    assert "not its `value`" in faults[0]
