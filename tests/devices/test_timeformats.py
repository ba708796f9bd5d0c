"""Times are read and written in the format of the model; what could be two times, or none, is decided by the text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import ValueRefusedError
from devices.timeformats import NAMES, format_faults, read_time, write_time
from devices.times import GPS_EPOCH_S, LEAP_SECONDS, rfc3339, time_us_from_rfc3339, time_us_from_text

AMSTERDAM = "Europe/Amsterdam"


@pytest.mark.parametrize(
    ("text", "name", "zone", "expected"),
    [
        ("2024-03-09T17:00:00", "local", AMSTERDAM, "2024-03-09T16:00:00.000000Z"),
        ("2024-07-09 17:00:00.25", "local", AMSTERDAM, "2024-07-09T15:00:00.250000Z"),
        ("2024-03-06 12:00", "local", "Asia/Seoul", "2024-03-06T03:00:00.000000Z"),
        ("2024-03-06 24:00", "local", "Asia/Seoul", "2024-03-06T15:00:00.000000Z"),
        ("2024-12-31T23:59:60", "local", "UTC", "2025-01-01T00:00:00.000000Z"),
        ("2024-03-09T17:00:00+00:00", "local", AMSTERDAM, "2024-03-09T17:00:00.000000Z"),
        # The hour that comes twice is the first one, and the one that never comes is refused below.
        ("2024-10-27T02:30:00", "local", AMSTERDAM, "2024-10-27T00:30:00.000000Z"),
        ("2024-10-27T03:00:00", "local", AMSTERDAM, "2024-10-27T02:00:00.000000Z"),
        ("2024-03-31T03:00:00", "local", AMSTERDAM, "2024-03-31T01:00:00.000000Z"),
        ("09.03.2024 17:05", "%d.%m.%Y %H:%M", AMSTERDAM, "2024-03-09T16:05:00.000000Z"),
        ("9/3/24 5:07:09 pm", "%d/%m/%y %I:%M:%S %p", "UTC", "2024-03-09T17:07:09.000000Z"),
        ("9/3/24 12:07:09 AM", "%d/%m/%y %I:%M:%S %p", "UTC", "2024-03-09T00:07:09.000000Z"),
        ("20240309170000+0100", "%Y%m%d%H%M%S%z", "", "2024-03-09T16:00:00.000000Z"),
        ("20240309T17.1234567Z", "%Y%m%dT%H.%f%z", "", "2024-03-09T17:00:00.123457Z"),
        ("2024-069", "%Y-%j", "UTC", "2024-03-09T00:00:00.000000Z"),
        ("Sat 09 mar 2024", "Sat %d %b %Y", "UTC", "2024-03-09T00:00:00.000000Z"),
        ("100% 2024-03-09", "100%% %Y-%m-%d", "UTC", "2024-03-09T00:00:00.000000Z"),
    ],
)
def test_a_time_is_read(text: str, name: str, zone: str, expected: str) -> None:
    assert format_faults(name, zone) == []
    assert rfc3339(read_time(text, name, zone)) == expected


@pytest.mark.parametrize(
    ("text", "name", "zone"),
    [
        ("2024-03-31T02:30:00", "local", AMSTERDAM),
        ("2024-03-09", "local", AMSTERDAM),
        ("2024-02-30T00:00:00", "local", AMSTERDAM),
        ("2024-03-09T24:00:01", "local", AMSTERDAM),
        ("2024-03-09T12:60:00", "local", AMSTERDAM),
        ("0001-01-01T00:00:00", "local", "Asia/Seoul"),
        ("9999-12-31T24:00:00", "local", "UTC"),
        ("0000-01-01T00:00:00", "local", "UTC"),
        ("2024-03-09T12:00:00.24:00", "local", "UTC"),
        ("31.04.2024", "%d.%m.%Y", "UTC"),
        ("2023-366", "%Y-%j", "UTC"),
        ("09 Mär 2024", "%d %b %Y", "UTC"),
        ("09 xyz 2024", "%d %b %Y", "UTC"),
        ("1/1/24 0 am", "%d/%m/%y %I %p", "UTC"),
        ("1/1/24 13 am", "%d/%m/%y %I %p", "UTC"),
        ("20240309+2500", "%Y%m%d%z", ""),
        ("٢٠٢٤-03-09", "%Y-%m-%d", "UTC"),
        ("", "%Y-%m-%d", "UTC"),
    ],
)
def test_what_is_no_time_of_the_format_is_a_bad_time(text: str, name: str, zone: str) -> None:
    with pytest.raises(ValueRefusedError, match="bad_time") as caught:
        read_time(text, name, zone)
    assert caught.value.detail.isascii()


@pytest.mark.parametrize(
    ("name", "zone", "fault"),
    [
        ("iso", "", "expected one of rfc3339, epoch_s"),
        ("local", "", "zone is missing"),
        ("local", "Europe/Atlantis", "unknown time zone"),
        ("local", "../../etc/passwd", "unknown time zone"),
        ("epoch_s", "UTC", "needs no zone"),
        ("%Y-%m-%d", "", "zone is missing"),
        ("%Y-%m-%d%z", "UTC", "needs no zone"),
        ("%Y-%m", "UTC", "with a year, month and day"),
        ("%Y-%m-%d %I", "UTC", "with a year, month and day"),
        ("%Y-%Y-%m-%d", "UTC", "at most once"),
        ("%Y-%m-%d %Q", "UTC", "at most once"),
        ("%Y-%m-%d%", "UTC", "at most once"),
        ("%Y-%m-%d" + "x" * 80, "UTC", "at most 64 characters"),
    ],
)
def test_a_format_that_cannot_be_read_by_is_told(name: str, zone: str, fault: str) -> None:
    found = format_faults(name, zone)
    assert len(found) == 1
    assert fault in found[0]


FORMATS = [
    *((name, AMSTERDAM if name == "local" else "") for name in NAMES),
    ("%Y%m%d%H%M%S%f", "America/St_Johns"),
    ("%d %b %Y %I:%M:%S.%f %p", "Asia/Seoul"),
    ("%Y-%j %H:%M:%S.%f%z", ""),
]


@given(st.sampled_from(FORMATS), st.integers(946_684_800_000_000, 4_000_000_000_000_000))
def test_a_time_that_is_written_reads_back_or_is_refused_because_its_hour_comes_twice(
    chosen: tuple[str, str], time_us: int
) -> None:
    name, zone = chosen
    civil = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    if zone and civil.astimezone(ZoneInfo(zone)).fold:
        with pytest.raises(ValueError, match="cannot write"):
            write_time(time_us, name, zone)
    else:
        assert read_time(write_time(time_us, name, zone), name, zone) == time_us


def test_a_format_without_a_place_for_seconds_says_so() -> None:
    assert write_time(1_710_000_060_000_000, "%Y-%m-%d %H:%M", "UTC") == "2024-03-09 16:01"
    for time_us, name, zone in (
        (1_710_000_061_000_000, "%Y-%m-%d %H:%M", "UTC"),
        (1_729_992_600_000_000, "local", AMSTERDAM),
        (-1_710_000_061_000_000, "%y-%m-%d %H:%M:%S", "UTC"),
    ):
        with pytest.raises(ValueError, match="cannot write"):
            write_time(time_us, name, zone)


def test_the_leap_seconds_are_those_of_the_installed_table() -> None:
    table = files("tzdata").joinpath("zoneinfo/leapseconds").read_text()
    rows = re.findall(r"^Leap\t(\d+)\t(\w+)\t(\d+)\t23:59:60\t\+", table, re.MULTILINE)
    days = [datetime.strptime(" ".join(row), "%Y %b %d").date() + timedelta(days=1) for row in rows]  # noqa: DTZ007
    assert tuple(str(day) for day in days if day.year > 1980) == LEAP_SECONDS


@given(st.integers(0, 10**10))
def test_gps_time_counts_the_leap_seconds_before_it(gps_s: int) -> None:
    found = time_us_from_text(str(gps_s), "gps_s")
    leaps = [time_us_from_rfc3339(f"{day}T00:00:00Z") // 1_000_000 for day in LEAP_SECONDS]
    before = sum(leap - GPS_EPOCH_S + number <= gps_s for number, leap in enumerate(leaps, 1))
    assert found == (GPS_EPOCH_S + gps_s - before) * 1_000_000


def test_both_sides_of_a_leap_second_meet() -> None:
    first = 1_167_264_017  # the leap second itself, 2016-12-31T23:59:60Z
    assert [rfc3339(time_us_from_text(str(first + n), "gps_s"))[11:19] for n in (-1, 0, 1, 2)] == [
        "23:59:59" if n < 0 else f"00:00:0{max(n - 1, 0)}" for n in (-1, 0, 1, 2)
    ]
