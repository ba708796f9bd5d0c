"""Every device model of the package carries messages of its hardware, and reads them as they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devices import codec, definitions_folder, load_measurands, load_models
from devices.codecs.trial import try_vectors

PAGE = (Path(__file__).parents[2] / "docs" / "devices.md").read_text(encoding="utf-8")
LICENCES = definitions_folder().joinpath("models", "LICENCES.md").read_text(encoding="utf-8")
COPIED = ("Apache-2.0", "BSD-3-Clause", "MIT", "CC BY 4.0")
MODELS = load_models()
CATALOGUE = load_measurands().by_code


@pytest.mark.parametrize("code", MODELS)
def test_the_vectors_of_a_model_hold_and_show_every_field(code: str) -> None:
    model = MODELS[code]
    assert try_vectors(model, codec) == []
    assert {wanted.field for vector in model.vectors for wanted in vector.expected} == {f.name for f in model.fields}
    assert all(vector.source for vector in model.vectors)


def test_whose_a_recorded_message_is_and_under_which_licence_it_was_copied_stands_beside_the_models() -> None:
    rows = [line for line in LICENCES.splitlines() if line.startswith("|")]
    for source in {vector.source for model in MODELS.values() for vector in model.vectors}:
        owner = re.match(r"github\.com/[\w-]+", source)
        assert owner is not None or source.startswith("ours"), source
        if owner is not None:
            [row] = [row for row in rows if owner.group() in row]
            assert [name for name in COPIED if f", {name}" in source and name in row], source
    for holder in ("Copyright (c) 2010-2011, Raditex Control AB", "Copyright (c) 2016 Nigel Dokter"):
        assert holder in LICENCES


def test_messages_of_our_own_are_plausible() -> None:
    for model, vector in ((m, v) for m in MODELS.values() for v in m.vectors if v.source.startswith("ours")):
        part, _ = model.part(vector.topic)
        if vector.refused:
            continue
        for reading in codec(model.codec).decode(vector.payload, part, vector.received_us).readings:
            measurand = CATALOGUE[part.fields[reading.field].measurand]
            assert measurand.low_ticks <= reading.ticks <= measurand.high_ticks, measurand.code


def test_the_page_lists_every_model_and_what_it_sends() -> None:
    table = PAGE.partition("<!-- models -->")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \| (.+) \|$", table, re.MULTILINE)
    intervals = {
        60: "minute", 150: "150 s", 300: "5 minutes", 360: "6 minutes", 600: "10 minutes", 900: "15 minutes",
        1200: "20 minutes", 1800: "30 minutes", 3600: "hour", 21600: "6 hours", 86400: "day",
    }  # fmt: skip
    assert rows == [
        (code, m.title, intervals[m.interval_s], ", ".join(dict.fromkeys(f"`{f.measurand}`" for f in m.fields)))
        for code, m in sorted(MODELS.items())
    ]
