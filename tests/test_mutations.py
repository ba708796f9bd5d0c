"""What fuzzing sends is read on: most messages still hold together, and many have readings."""

from __future__ import annotations

from random import Random

import pytest

from devices import PayloadError, codec
from tests import fuzz, programs
from tests.devices.make import RECEIVED_US
from tests.mutations import CHANGES, changed, fits

READ_PERCENT = {
    "senml-json": 8, "senml-cbor": 8, "json-paths": 50, "cbor-paths": 50, "csv-lines": 8, "text": 50, "bytes": 0,
    "lorawan": 12, "sparkplug-b": 40, "mbus": 30, "dsmr-p1": 8, "ngsi-ld": 50, "ngsi-v2": 50, "sensorthings": 40,
    "javascript": 5,
}  # fmt: skip
"""Of a hundred inputs so many at least give readings or faults of single values, and are not refused whole."""


@pytest.mark.parametrize("name", fuzz.FORMATS)
def test_fuzzing_reaches_what_reads_values(name: str) -> None:
    read = 0
    for model, data in fuzz.inputs(name, 300, seed=2):
        try:
            codec(model.codec).decode(data, model, RECEIVED_US)
        except PayloadError:
            continue
        read += 1
    assert read >= 3 * READ_PERCENT[name], read


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_drawn_from_the_dice_alone(name: str) -> None:
    for model, messages in fuzz.material(name):
        for message in messages[:1]:
            known = fuzz.known(name)
            first, again = (changed(Random(7), name, message, known) for _ in range(2))  # noqa: S311
            assert first == again, model.code
            assert fits(name, message)


def test_drawn_programs_come_to_every_way_out_of_the_box() -> None:
    dice, told = Random(1), set()  # noqa: S311
    for _ in range(150):
        try:
            codec("bytes").decode(programs.drawn(dice), programs.MODEL, RECEIVED_US)
            told.add("read")
        except PayloadError as refused:
            told.add(refused.detail)
    for way in ("read", "instructions", "too deeply", "SyntaxError", "TypeError", "gave no object"):
        assert any(way in each for each in told), way
