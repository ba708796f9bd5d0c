"""A model's test vectors are read strictly, and a model that decodes otherwise is told so."""

from __future__ import annotations

import pytest

from devices import codec
from devices.codecs.trial import try_vectors
from tests.devices.make import faults_of, model

METER = """
title = "A meter"
codec = "json-paths"
interval_s = 900

[time]
path = "at"
format = "rfc3339"

[[field]]
name = "volume"
measurand = "water_volume"
unit = "l"

[[field]]
name = "space"
measurand = "parking_space"
states = {yes = "occupied", no = "free"}
"""
GOOD = """
[[test]]
text = '{"at": "2024-03-09T15:59:00Z", "volume": 1500.5, "space": "yes"}'
expect = [
    {field = "volume", value = "1.5005", time = "2024-03-09T15:59:00Z"},
    {field = "space", value = "occupied"},
]
"""


def differences(vector: str) -> list[tuple[str, str]]:
    return try_vectors(model(METER + vector), codec)


@pytest.mark.parametrize(
    "form",
    [
        """text = '{"at": "2024-03-09T15:59:00Z", "volume": 1}'""",
        'hex = "7b226174223a22323032342d30332d30395431353a35393a30305a222c22766f6c756d65223a317d"',
        'base64 = "eyJhdCI6IjIwMjQtMDMtMDlUMTU6NTk6MDBaIiwidm9sdW1lIjoxfQ=="',
    ],
)
def test_a_message_is_given_as_text_or_bytes(form: str) -> None:
    assert differences(f'[[test]]\n{form}\nexpect = [{{field = "volume", value = "0.001"}}]\n') == []


def test_vectors_that_hold_say_nothing() -> None:
    assert differences(GOOD) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("1.5005", "1.5006"), "reading 1: expected volume = 1.5006 at 2024-03-09T15:59:00.000000Z, got volume ="),
        (("59:00Z\"},", "58:00Z\"},"), "reading 1: expected volume = 1.5005 at 2024-03-09T15:58:00.000000Z"),
        (("occupied", "free"), "reading 2: expected space = free, got space = occupied at"),
        (('    {field = "space", value = "occupied"},\n', ""), "expected no other reading, got space = occupied at"),
        ((', "space": "yes"', ""), "reading 2: expected space = occupied, got none at space"),
        (('"yes"', '"perhaps"'), "expected no fault, got not_a_number: space"),
        (("[[test]]", '[[test]]\nrefused = ["bad_time"]'), "expected to be refused as bad_time, and was not"),
    ],
)  # fmt: skip
def test_what_differs_is_told(change: tuple[str, str], told: str) -> None:
    assert change[0] in GOOD
    found = differences(GOOD.replace(*change))
    assert any(where == "test[1]" and told in what for where, what in found), found


def test_a_value_that_is_not_found_is_one_difference_and_why_nothing_is_comes_first() -> None:
    found = differences(GOOD.replace('"volume": 1500.5', '"volumen": 1500.5'))
    assert [what for _, what in found if "reading" in what] == [
        "reading 1: expected volume = 1.5005 at 2024-03-09T15:59:00.000000Z, got none at volume"
    ]
    (cause, rest) = (what for _, what in differences(GOOD.replace('"space": "yes"}', '"space": "yes"')))
    assert cause.startswith("expected no fault, got malformed: ")
    assert rest == "none of 2 expected readings"


def test_a_refused_message_states_its_reason() -> None:
    assert differences("""[[test]]\ntext = "no JSON"\nrefused = ["malformed"]\n""") == []
    assert differences("""[[test]]\ntext = "no JSON"\nrefused = ["oversized"]\n""") != []


@pytest.mark.parametrize(
    ("vector", "told"),
    [
        ('hex = "zz"\nrefused = ["malformed"]', "test[1].hex: expected hex"),
        ('base64 = "="\nrefused = ["malformed"]', "test[1].base64: expected base64"),
        ('text = "a"\nhex = "61"\nrefused = ["malformed"]', "test[1]: expected one of text, hex"),
        ('refused = ["malformed"]', "test[1]: expected one of text, hex, base64: the message, got none"),
        ('text = "a"', "test[1].expect: is missing"),
        ('text = "a"\nrefused = ["bad"]', "test[1].refused: unknown reason 'bad'"),
        ('text = "a"\nexpect = [{field = "volum", value = "1"}]', "test[1].expect: model 'test' has no field"),
        ('text = "a"\nexpect = [{field = "volume", value = "1e3"}]', "test[1].expect[1].value: expected a decimal"),
        (
            'text = "a"\nexpect = [{field = "volume", value = "1", time = "soon"}]',
            "test[1].expect[1].time: expected an RFC 3339 time",
        ),
        ('text = "a"\nreceived = "now"\nrefused = ["empty"]', "test[1].received: expected an RFC 3339 time"),
        ('text = "a"\nrefuse = ["empty"]\nrefused = ["empty"]', "test[1].refuse: unknown key; did you mean 'refused'?"),
    ],
)  # fmt: skip
def test_a_faulty_vector_is_refused_with_its_place(vector: str, told: str) -> None:
    assert any(fault.startswith(told) for fault in faults_of(METER + "[[test]]\n" + vector + "\n")), faults_of(
        METER + "[[test]]\n" + vector + "\n"
    )
