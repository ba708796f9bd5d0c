"""Times become microseconds UTC exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import ValueRefusedError, rfc3339, time_us_from_rfc3339
from devices.codecs.base import TIME_MAX_US, TIME_MIN_US
from devices.times import time_us_from_civil, time_us_from_text


@pytest.mark.parametrize(
    ("text", "time_us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2016-03-01T00:04:17+00:00", 1456790657000000),
        ("2024-01-01T09:00:00+09:00", 1704067200000000),
        ("2023-12-31t19:00:00.000001-05:00", 1704067200000001),
        ("2024-01-01 00:00:00z", 1704067200000000),
        ("2024-01-01T00:00:00.123456789Z", 1704067200123457),
        ("2024-01-01T00:00:00.0000005Z", 1704067200000000),
        ("2024-01-01T00:00:00.0000015Z", 1704067200000002),
        ("2016-12-31T23:59:60Z", 1483228800000000),
        ("0001-01-01T00:00:00Z", TIME_MIN_US),
        ("2024-02-29T00:00:00-00:00", 1709164800000000),
    ],
)
def test_an_rfc_3339_time_is_read_exactly(text: str, time_us: int) -> None:
    assert time_us_from_rfc3339(text) == time_us


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-01-01",
        "2024-01-01T00:00:00",
        "2020-0327T12:39:05.547336Z",
        "2023-02-29T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:61Z",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+0900",
        "0000-01-01T00:00:00Z",
        "2024-01-01T00:00:00.Z",
        "٢٠٢٤-01-01T00:00:00Z",
        "2024-01-01T00:00:00Z\n",
        "24-01-01T00:00:00Z",
    ],
)
def test_what_is_no_rfc_3339_time_with_an_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueRefusedError, match="bad_time"):
        time_us_from_rfc3339(text)


@pytest.mark.parametrize(
    ("text", "time_format", "time_us"),
    [
        ("1704067200", "epoch_s", 1704067200000000),
        ("1704067200.5", "epoch_s", 1704067200500000),
        ("1.7040672e9", "epoch_s", 1704067200000000),
        ("1704067200123", "epoch_ms", 1704067200123000),
        ("1704067200123.4565", "epoch_ms", 1704067200123456),
        ("1704067200123456", "epoch_us", 1704067200123456),
        ("1704067200123456500", "epoch_ns", 1704067200123456),
        ("1704067200123457500", "epoch_ns", 1704067200123458),
        ("0", "gps_s", 315964800000000),
        ("1388102418", "gps_s", 1704067200000000),
        ("1388102418000.5", "gps_ms", 1704067200000500),
    ],
)
def test_an_epoch_time_is_read_exactly(text: str, time_format: str, time_us: int) -> None:
    assert time_us_from_text(text, time_format) == time_us


@pytest.mark.parametrize("text", ["", "yesterday", "1e999999999", "1e300", "2024-01-01T00:00:00Z"])
def test_an_epoch_time_that_cannot_be_read_is_a_bad_time(text: str) -> None:
    with pytest.raises(ValueRefusedError, match="bad_time"):
        time_us_from_text(text, "epoch_s")


@given(st.integers(TIME_MIN_US, TIME_MAX_US))
def test_a_time_written_as_rfc_3339_reads_back(time_us: int) -> None:
    assert time_us_from_rfc3339(rfc3339(time_us)) == time_us


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)), st.integers(-23 * 60, 23 * 60))  # noqa: DTZ001
def test_any_offset_is_taken_off(naive: datetime, minutes: int) -> None:
    text = (
        naive.isoformat(timespec="microseconds")
        + f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    )
    expected = naive.replace(tzinfo=UTC) - timedelta(minutes=minutes) - datetime(1970, 1, 1, tzinfo=UTC)
    assert time_us_from_rfc3339(text) == expected // timedelta(microseconds=1)


def test_a_date_of_the_configuration_is_its_first_instant_in_the_citys_zone() -> None:
    madrid = ZoneInfo("Europe/Madrid")
    assert time_us_from_civil("2024-01-01", madrid) == time_us_from_rfc3339("2023-12-31T23:00:00Z")
    assert time_us_from_civil("2024-07-01", madrid) == time_us_from_rfc3339("2024-06-30T22:00:00Z")
    assert time_us_from_civil("2024-07-01T12:00:00Z", madrid) == time_us_from_rfc3339("2024-07-01T12:00:00Z")
    for text in ("2024-02-30", "2024-7-1", "tomorrow", "2024-07-01T12:00:00"):
        with pytest.raises(ValueError, match="expected a date"):
            time_us_from_civil(text, madrid)
