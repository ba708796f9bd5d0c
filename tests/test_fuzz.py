"""A short, seeded run of every format: observations or a refusal, never anything else."""

from __future__ import annotations

import pytest

from devices import CODECS, Codec, PayloadError
from devices.codecs.base import Decoded
from devices.models import DeviceModel
from tests import fuzz as fuzzing


@pytest.mark.parametrize("chosen", CODECS, ids=lambda chosen: chosen.name)
def test_seeded_bytes_are_accounted_for(chosen: Codec) -> None:
    assert fuzzing.fuzz(chosen.name, 200, seed=1).inputs == 200


def test_the_same_seed_gives_the_same_inputs() -> None:
    first, again, other = (list(fuzzing.inputs("mbus", 50, seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_decoder_that_raises_something_else_is_told_with_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        name = "text"

        def decode(self, payload: bytes, model: DeviceModel, received_us: int) -> Decoded:
            if len(payload) % 7:
                raise PayloadError("malformed", "no")
            raise IndexError

    monkeypatch.setattr(fuzzing, "codec", lambda name: Broken())
    with pytest.raises(IndexError) as caught:
        fuzzing.fuzz("text", 100, seed=1)
    assert "of text, seed 1, model " in caught.value.__notes__[0]
