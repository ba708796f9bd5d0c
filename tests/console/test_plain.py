"""Where UTF-8 cannot be written, something near is: no traceback, no lost line, columns where they were."""

from __future__ import annotations

import json

import pytest

from console.page import LEGEND
from console.plain import HANDLER, never_fail
from console.text import SPARK_GAP, SPARKS, shown_unit
from tests.console.command import cityvitals, program
from tests.console.conftest import CITY

never_fail()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SPARKS, "12345678"),
        (f"✓ balances {SPARK_GAP} ■ Moderate", "* balances . # Moderate"),
        (f"{shown_unit('ug/m3')} {shown_unit('Cel')} PM₂.₅", "ug/m3 oC PM2.5"),
        ("Seongnam-daero 성남대로, Zürich, Łódź", "Seongnam-daero ????, Zurich, ?odz"),
        (LEGEND, LEGEND),
    ],
)
def test_each_character_becomes_one_near_to_it(text: str, expected: str) -> None:
    assert text.encode("ascii", HANDLER).decode() == expected
    assert len(expected) == len(text)


def test_what_an_encoding_has_is_left_alone() -> None:
    assert "µg ✓ é".encode("iso-8859-1", HANDLER) == "µg * é".encode("iso-8859-1")


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["indicators", "--help"], ["models"], ["devices"], ["doctor"], ["demo", "--speed", "…"], ["decode"]],
)
@pytest.mark.parametrize("encoding", ["ascii", "ascii:strict"])
def test_no_command_fails_on_a_stdout_without_unicode(arguments: list[str], encoding: str) -> None:
    done = program("--city", str(CITY), *arguments, PYTHONIOENCODING=encoding)
    plain = cityvitals("--city", str(CITY), *arguments)
    assert "Traceback" not in done.err
    assert done.code == plain.code
    assert done.out.count("\n") == plain.out.count("\n")


def test_json_keeps_every_character_whatever_stdout_can_write() -> None:
    done = program("--city", str(CITY), "devices", "--json", PYTHONIOENCODING="ascii")
    assert done.out.isascii()
    assert done.rows == cityvitals("--city", str(CITY), "devices", "--json").rows
    assert any(not json.dumps(row, ensure_ascii=False).isascii() for row in done.rows)
