"""What the fast writer writes is what the codec writes, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import codec, load_models
from devices.ticks import number_from_ticks, text_from_number
from simulators.fleet import Dress, build
from simulators.fleet.command import bundled_fleets
from simulators.fleet.writer import _decimal, other_unit, plain_decimals
from tests.simulators.fleet.make import NOW_US
from tests.simulators.fleet.test_faults import fault, made


def test_every_message_of_a_fleet_is_what_its_codec_writes(tmp_path: Path) -> None:
    fleet = build(bundled_fleets()["small"], tmp_path)
    plan, writer, registry = fleet.plan(), fleet.writer(), fleet.registry
    first = plan.first_rows()
    for message in range(0, plan.message_count, 7):
        device = registry.devices[plan.device[message]]
        model, slots = registry.model_of(device), registry.slots(int(plan.device[message]))
        rows = range(first[message], first[message + 1])
        readings = [
            (model.fields[plan.slot[row] - slots.start].name, int(plan.time_us[row]), int(plan.ticks[row]))
            for row in rows
        ]
        assert writer.payload(message, 0) == codec(model.codec).encode(model, readings)
        assert writer.topic(message) == device.topic
        assert writer.readings(message) == len(readings)


PLAIN = [
    field for model in load_models().values() for field in model.fields if plain_decimals(field) is not None
]  # fmt: skip


@given(field=st.sampled_from(PLAIN), ticks=st.integers(-(10**13), 10**13))
def test_a_plain_decimal_is_the_number_a_device_would_send(field, ticks: int) -> None:  # type: ignore[no-untyped-def]
    decimals = plain_decimals(field)
    assert decimals is not None
    assert _decimal(ticks, decimals) == text_from_number(number_from_ticks(ticks, field.scale))


@pytest.mark.parametrize(("kind", "dress"), [("future_clock", Dress.FUTURE), ("unset_clock", Dress.UNSET)])
def test_a_wrong_clock_keeps_the_spacing_of_its_readings(kind: str, dress: Dress, tmp_path: Path) -> None:
    fleet = made(tmp_path, fault(kind))
    plan, writer, registry = fleet.plan("faults"), fleet.writer("faults"), fleet.registry
    first = plan.first_rows()
    seen = set()
    for message in (plan.dress == dress).nonzero()[0].tolist():
        model = registry.model_of(registry.devices[plan.device[message]])
        decoded = codec(model.codec).decode(writer.payload(message, NOW_US), model, NOW_US)
        times = [reading.time_us for reading in decoded.readings]
        meant = plan.time_us[first[message] : first[message + 1]].tolist()
        assert [time - times[0] for time in times] == [time - meant[0] for time in meant]
        assert all(reading.flags == 0 for reading in decoded.readings)
        seen.add(times[0])
    if dress is Dress.FUTURE:
        assert seen == {NOW_US + 2 * 3_600_000_000}
    else:
        assert seen == {0, 315_964_800_000_000}


def test_no_wrong_unit_is_the_right_one() -> None:
    for model in load_models().values():
        for field in model.fields:
            assert other_unit(field.unit) != field.unit
