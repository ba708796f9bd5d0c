"""Stamps: every clock has two awkward hours, and every one of them is read by a stated rule."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.clock import DAY_US, HOUR_US, StampRule, duration_us, from_us, instant_us, shift_us, to_us

MADRID, CHICAGO, SHANGHAI = ZoneInfo("Europe/Madrid"), ZoneInfo("America/Chicago"), ZoneInfo("Asia/Shanghai")


def us(text: str) -> int:
    return to_us(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("rule", "stamp", "expected"),
    [
        (StampRule(zone=SHANGHAI), "2016-01-01 00:00", "2015-12-31T16:00:00Z"),
        (StampRule(zone=SHANGHAI), "2016-01-01T00:00:00.000001+01:00", "2015-12-31T23:00:00.000001Z"),
        (StampRule("%d.%m.%Y %H:%M", MADRID), "31.12.2023 23:30", "2023-12-31T22:30:00Z"),
        (StampRule("unix-s"), "1333263600", "2012-04-01T07:00:00Z"),
        (StampRule("unix-s"), "1333263600.25", "2012-04-01T07:00:00.250000Z"),
        (StampRule("unix-ms"), "1333263600123", "2012-04-01T07:00:00.123000Z"),
        (StampRule("unix-ms"), "1333263600123.4567", "2012-04-01T07:00:00.123456Z"),
    ],
)
def test_a_stamp_is_read_by_its_format_and_its_clock(rule: StampRule, stamp: str, expected: str) -> None:
    assert rule.reader()(stamp, None) == us(expected)


@pytest.mark.parametrize(
    ("repeated", "expected"), [("first", "2016-11-06T06:30:00Z"), ("second", "2016-11-06T07:30:00Z")]
)
def test_the_repeated_hour_is_the_passage_that_was_stated(repeated: str, expected: str) -> None:
    assert StampRule(zone=CHICAGO, repeated=repeated).reader()("2016-11-06 01:30", None) == us(expected)


def test_in_order_stamps_that_step_back_within_the_repeated_hour_are_its_second_passage() -> None:
    read = StampRule(zone=CHICAGO, repeated="in-order").reader()
    before, found = None, []
    for stamp in ("00:50", "01:00", "01:30", "01:30", "01:00", "01:30", "02:00"):
        before = read(f"2016-11-06 {stamp}", before)
        found.append(f"{from_us(before):%H:%M}")
    assert found == ["05:50", "06:00", "06:30", "06:30", "07:00", "07:30", "08:00"]


def test_the_absent_hour_is_read_by_the_offset_before_the_change() -> None:
    read = StampRule(zone=ZoneInfo("Europe/London"), absent="offset-before").reader()
    assert read("2016-03-27 01:05", None) == us("2016-03-27T01:05:00Z")
    assert read("2016-03-27 02:05", None) == us("2016-03-27T01:05:00Z")


@pytest.mark.parametrize(
    ("rule", "stamp", "said"),
    [
        (StampRule(zone=MADRID, repeated="refuse"), "2024-10-27 02:30", "Europe/Madrid has twice"),
        (StampRule(zone=MADRID, absent="refuse"), "2024-03-31 02:30", "Europe/Madrid skipped"),
        (StampRule(), "yesterday", "yesterday"),
        (StampRule("unix-s"), "2024-01-01", "expected seconds"),
        (StampRule("unix-s"), "1333263600123", "lies in the year"),
        (StampRule("unix-ms"), "1333263600", "lies in the year 1970"),
        (StampRule("%Y-%m-%d"), "01.02.2024", "does not match"),
    ],
)
def test_a_stamp_that_cannot_be_read_says_what_was_expected(rule: StampRule, stamp: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        rule.reader()(stamp, None)


@given(
    last=st.integers(us("2001-01-01T00:00Z"), us("2030-01-01T00:00Z")),
    now=st.integers(us("2026-01-01T00:00Z"), us("2036-01-01T00:00Z")),
    recorded=st.sampled_from([MADRID, CHICAGO, SHANGHAI, ZoneInfo("Asia/Kathmandu"), UTC]),
    shown=st.sampled_from([MADRID, CHICAGO, ZoneInfo("Asia/Seoul"), UTC]),
)
def test_a_shift_ends_within_a_day_of_now_and_keeps_the_time_of_the_clock(last, now, recorded, shown) -> None:  # type: ignore[no-untyped-def]
    shift = shift_us(last, now, recorded, shown)
    assert 0 <= last + shift - now < DAY_US
    clock_then = from_us(last, recorded).replace(tzinfo=None)
    offset_now = from_us(now, shown).utcoffset()
    assert offset_now is not None
    clock_shown = (from_us(last + shift) + offset_now).replace(tzinfo=None)
    assert clock_then.time() == clock_shown.time()


def test_lengths_and_instants_of_the_command_line() -> None:
    assert duration_us("48h") == 48 * HOUR_US
    assert duration_us("7d") == 7 * DAY_US
    assert instant_us("2016-07-01", SHANGHAI) == us("2016-06-30T16:00:00Z")
    assert instant_us("2016-07-01T00:00:00Z", SHANGHAI) == us("2016-07-01T00:00:00Z")
    for wrong in ("48", "h", "0h", "-1d", "1y", ""):
        with pytest.raises(ValueError, match="no length of time"):
            duration_us(wrong)
    with pytest.raises(ValueError, match="is no time; write"):
        instant_us("last week", SHANGHAI)
