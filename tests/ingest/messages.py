"""A small city whose devices cover every road of decoding, and MQTT frames built by hand, without our own encoder."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from devices import Registry, load_registry
from ingest import Counters, Decoder, Framer, Intake, IntakeLimits, Routing, build_routing
from tests.devices.cities import write_city

# Fahrenheit and a factor have denominators and shifts, a register has large numbers, one state is sent as a number and
# one as a word (which no kernel takes).
ODD_MODEL = """\
title = "A device with every kind of scale"
codec = "senml-json"
interval_s = 60
[[field]]
name = "temperature"
measurand = "temperature"
unit = "[degF]"
[[field]]
name = "pm2_5"
measurand = "pm2_5"
unit = "mg/m3"
[[field]]
name = "no2"
measurand = "no2"
unit = "ppb"
factor = "1/3"
offset = "-0.05"
convention = "a third, to have a denominator"
[[field]]
name = "load"
measurand = "traffic_load"
[[field]]
name = "mode"
measurand = "signal_mode"
states = { a = "MODE_0", b = "MODE_1" }
"""
DEVICES = """\
device,model,zone
air-1,air_station,north
air-2,air_station,south
odd-1,odd,north
meter-1,electricity_meter,south
park-1,car_park,north
"""
NOW_US = 1_732_400_000_123_456
"""When messages of the tests arrive."""


@cache
def registry() -> Registry:
    """The city of these tests."""
    from devices import load_measurands

    states = load_measurands().by_code["signal_mode"].states
    model = ODD_MODEL.replace("MODE_0", states[0]).replace("MODE_1", states[1])
    with TemporaryDirectory() as folder:
        return load_registry(write_city(Path(folder) / "city", devices=DEVICES, models={"odd": model}))


@cache
def routing() -> Routing:
    return build_routing(registry())


def topic(device: str) -> str:
    return registry().topic(registry().devices[registry().device_index(device)])


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value % 128 + 128]), value // 128
    return out + bytes([value])


def publish(
    to: str | bytes,
    payload: bytes,
    packet_id: int = 1,
    *,
    qos: int = 1,
    retained: bool = False,
    dup: bool = False,
    properties: bytes | None = b"",
) -> bytes:
    """One PUBLISH frame; `properties` None for MQTT 3.1.1."""
    name = to.encode() if isinstance(to, str) else to
    body = struct.pack(">H", len(name)) + name
    body += struct.pack(">H", packet_id) if qos else b""
    body += b"" if properties is None else varint(len(properties)) + properties
    body += payload
    return bytes([0x30 | dup << 3 | qos << 1 | retained]) + varint(len(body)) + body


def framer(
    limits: IntakeLimits | None = None, *, protocol: int = 5, epoch: int = 1, tables: Routing | None = None
) -> Framer:
    """A framer at the start of a connection, with an empty intake."""
    limits = limits or small_limits()
    counters = Counters()
    made = Framer(limits, Decoder(tables or routing(), limits, counters), counters)
    made.begin(epoch, protocol)
    made.attach(Intake(limits))
    return made


def small_limits(**changes: int) -> IntakeLimits:
    """Limits that make an intake of little memory."""
    values = {
        "messages_max": 1000, "readings_max": 4000, "bytes_max": 400_000, "frame_bytes_max": 8192,
        "message_readings_max": 1000, "quarantine_bytes_max": 100,
    }  # fmt: skip
    limits = IntakeLimits(**{**values, **changes})
    assert limits.faults() == []
    return limits


def pour(made: Framer, data: bytes, sizes: Sequence[int] = (), received_us: int = NOW_US) -> list[Intake]:
    """Feed bytes in pieces of these sizes (the rest at once); returns every intake used, the last one too."""
    at, filled, pieces = 0, [], list(sizes)
    while at < len(data):
        while made.full:
            assert made.intake is not None
            filled.append(made.intake)
            made.attach(Intake(made.limits))
        room = made.room()
        size = min(pieces.pop(0) if pieces else len(data), len(room), len(data) - at)
        room[:size] = data[at : at + size]
        made.feed(size, received_us)
        at += size
    while made.full:
        assert made.intake is not None
        filled.append(made.intake)
        made.attach(Intake(made.limits))
    assert made.intake is not None
    return [*filled, made.intake]


def readings(intake: Intake) -> list[tuple[int, int, int, int, int]]:
    """(message, slot, time_us, ticks, flags) of every reading, in order of message."""
    n = intake.reading_count
    columns = (intake.reading_message, intake.slot, intake.time_us, intake.ticks, intake.flags)
    return sorted(zip(*(column[:n].tolist() for column in columns), strict=True), key=lambda row: row[0])
