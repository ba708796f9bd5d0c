"""Texts for people: spans, ages, sparklines, and payloads that cannot drive a terminal."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.text import age, parse_span, parse_time, printable, shown_unit, span, sparkline


@given(st.integers(0, 10**15))
def test_a_span_is_read_back_exactly(us: int) -> None:
    assert parse_span(span(us)) == us


@pytest.mark.parametrize("text", ["", "5", "min", "-1 s", "1.5 h", "1 fortnight"])
def test_what_is_no_span_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="expected e\\.g\\. '500 ms'"):
        parse_span(text)


def test_a_time_without_an_offset_is_the_citys_clock() -> None:
    seoul = ZoneInfo("Asia/Seoul")
    assert parse_time("2026-01-31", seoul) == parse_time("2026-01-30T15:00:00Z", UTC)
    assert parse_time("2026-01-31T09:30", seoul) == parse_time("2026-01-31T00:30:00+00:00", seoul)


def test_what_is_no_time_is_refused_with_an_example() -> None:
    with pytest.raises(ValueError, match="'yesterday' is not a time"):
        parse_time("yesterday", UTC)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (99.9, "99s"),
        (100, "1m"),
        (5999, "99m"),
        (6000, "1h"),
        (360_000, "4d"),
        (1.5e8, "4y"),
        (1e12, "999y"),
        (-5, "0s"),
    ],
)
def test_an_age_has_at_most_four_characters(seconds: float, shown: str) -> None:
    assert age(seconds) == shown


def test_a_sparkline_spans_from_least_to_greatest_and_shows_gaps() -> None:
    assert sparkline([0, 7, None, 3.5]) == "▁█·▅"
    assert sparkline([2.0, 2.0]) == "▁▁"
    assert sparkline([None, None]) == "··"


@given(st.binary(max_size=400), st.integers(5, 80))
def test_no_payload_can_drive_a_terminal_or_break_a_line(payload: bytes, length: int) -> None:
    shown = printable(payload, length)
    assert len(shown) <= length
    assert shown.isprintable()


def test_escape_sequences_are_shown_not_sent() -> None:
    assert printable(b"\x1b[2J\x07\xff\r\n\\ok") == r"\x1b[2J\x07\xff\r\n\\ok"
    assert printable("미세먼지 35".encode()) == "미세먼지 35"
    assert printable(("a" + "\u202e" + "b").encode()) == r"a\u202eb"
    assert printable(b"x" * 100, 10) == "x" * 9 + "…"


def test_units_read_as_people_write_them() -> None:
    assert [shown_unit(u) for u in ("ug/m3", "1", "kW.h", "{vehicles}/h")] == ["µg/m³", "", "kWh", "vehicles/h"]
