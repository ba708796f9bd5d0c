"""The formats of times that a model may name, to int64 microseconds UTC and back, exactly.

Knows civil times of a zone and patterns, beside what `devices.times` knows; asks no clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from devices.errors import ValueRefusedError, quoted
from devices.ticks import Number, NumberText, scale_number, text_from_number
from devices.times import COUNTS, SECONDS, count_from_time, rfc3339, time_us_from_rfc3339, time_us_from_text

NAMES: Final = ("rfc3339", *COUNTS, "local")
"""Formats that have a name; every other one is a pattern, and has a percent sign."""
PATTERN_CHARS_MAX = 64

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # civil times are naive until a zone makes instants of them
_LOCAL = re.compile(
    r"(?P<Y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})[Tt ](?P<H>[0-9]{2}):(?P<M>[0-9]{2})"
    r"(?::(?P<S>[0-9]{2})(?:\.(?P<f>[0-9]{1,30}))?)?\Z"
)
_OFFSET = re.compile(r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})\Z")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PARTS = {
    "Y": "[0-9]{4}", "y": "[0-9]{2}", "m": "[0-9]{1,2}", "d": "[0-9]{1,2}", "j": "[0-9]{3}", "b": "[A-Za-z]{3}",
    "H": "[0-9]{1,2}", "I": "[0-9]{1,2}", "p": "[AaPp][Mm]", "M": "[0-9]{1,2}", "S": "[0-9]{1,2}", "f": "[0-9]{1,9}",
    "z": "[Zz]|[+-][0-9]{2}:?[0-9]{2}",
}  # fmt: skip


class Pattern(NamedTuple):
    """A pattern such as `%d.%m.%Y %H:%M`."""

    text: str
    parts: str
    """Letters of its directives."""
    regex: re.Pattern[str]


@lru_cache(maxsize=256)
def parse_pattern(text: str) -> Pattern:
    """Return the pattern a text writes.

    Raises:
        ValueError: naming what was expected.
    """
    regex, parts, at = "", "", 0
    while at < len(text):
        if text[at] != "%":
            regex += re.escape(text[at])
            at += 1
            continue
        letter = text[at + 1 : at + 2]
        if letter == "%":
            regex += "%"
        elif letter not in _PARTS or letter == "" or letter in parts:
            raise ValueError(f"expected each of {', '.join('%' + part for part in _PARTS)} at most once, got {text!r}")
        else:
            # Digits that follow digits have a fixed number, so that there is one way to read them.
            fixed = text[at + 2 : at + 3] == "%"
            regex += f"(?P<{letter}>{_PARTS[letter].replace('{1,2}', '{2}') if fixed else _PARTS[letter]})"
            parts += letter
        at += 2
    date = ("Y" in parts or "y" in parts) and ("j" in parts or ("d" in parts and ("m" in parts or "b" in parts)))
    if not date or len(text) > PATTERN_CHARS_MAX or ("I" in parts) != ("p" in parts):
        raise ValueError(
            f"expected a pattern of at most {PATTERN_CHARS_MAX} characters with a year, month and day (or %j), and %I"
            f" with %p, got {text!r}"
        )
    return Pattern(text, parts, re.compile(regex + r"\Z"))


def format_faults(name: str, zone: str) -> list[str]:
    """Return what is wrong with a format and its zone; empty when nothing is."""
    faults = []
    offset = name != "local"
    if name not in NAMES:
        if "%" not in name:
            return [f"expected one of {', '.join(NAMES)}, or a pattern such as %Y-%m-%d %H:%M, got {name!r}"]
        try:
            offset = "z" in parse_pattern(name).parts
        except ValueError as error:
            return [str(error)]
    if offset and zone:
        faults.append(f"{name} needs no zone: it says its own")
    if not offset and not zone:
        faults.append('zone is missing; say whose clock the times are of, e.g. "Europe/Amsterdam"')
    if zone:
        try:
            _zone(zone)
        except ValueError as error:
            faults.append(str(error))
    return faults


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}; expected a name such as Europe/Amsterdam") from error


def read_time(text: str, name: str, zone: str = "") -> int:
    """Return the time a text writes in a format.

    A civil hour that comes twice, when summer time ends, is the first one: the same bytes must mean the same time
    whenever they arrive. One that never comes is refused.

    Raises:
        ValueRefusedError: `bad_time`.
    """
    if name == "rfc3339" or name in COUNTS:
        return time_us_from_text(text, name)
    if name == "local" and _OFFSET.search(text):
        return time_us_from_rfc3339(text)  # a device that says its offset although nobody asked
    match = (_LOCAL if name == "local" else parse_pattern(name).regex).match(text)
    if match is None:
        raise ValueRefusedError("bad_time", f"expected a time such as {_example(name)}, got {quoted(text)}")
    parts = match.groupdict()
    try:
        civil, offset_us = _civil(parts), _offset_us(parts.get("z"))
        civil_us = _instant(civil, _zone(zone)) if offset_us is None else _count(civil) - offset_us
    except (ValueError, OverflowError) as error:
        raise ValueRefusedError("bad_time", f"no such time: {quoted(text)}") from error
    return civil_us + (scale_number(Number(int(f), -len(f)), SECONDS) if (f := parts.get("f")) else 0)


def write_time(time_us: int, name: str, zone: str = "") -> str:
    """Return the text, or the NumberText, that a device writes for a time: `read_time` gives it back.

    Raises:
        ValueError: the format has no place for it.
    """
    if name == "rfc3339":
        return rfc3339(time_us)
    if name in COUNTS:
        return NumberText(text_from_number(count_from_time(time_us, name)))
    pattern = "%Y-%m-%dT%H:%M:%S.%f" if name == "local" else name
    civil = _EPOCH + timedelta(microseconds=time_us)
    if zone:
        civil = civil.replace(tzinfo=UTC).astimezone(_zone(zone)).replace(tzinfo=None)
    text = _written(civil, pattern)
    try:
        same = read_time(text, name, zone) == time_us
    except ValueRefusedError:
        same = False
    if not same:
        raise ValueError(f"the time format {name!r} cannot write {rfc3339(time_us)}")
    return text


def _written(civil: datetime, pattern: str) -> str:
    """Return a civil time by a pattern, without a locale."""
    values: Mapping[str, str] = {
        "Y": f"{civil.year:04}", "y": f"{civil.year % 100:02}", "m": f"{civil.month:02}", "d": f"{civil.day:02}",
        "j": f"{civil.timetuple().tm_yday:03}", "b": _MONTHS[civil.month - 1].title(), "H": f"{civil.hour:02}",
        "I": f"{civil.hour % 12 or 12:02}", "p": "PM" if civil.hour >= 12 else "AM", "M": f"{civil.minute:02}",
        "S": f"{civil.second:02}", "f": f"{civil.microsecond:06}", "z": "+00:00", "%": "%",
    }  # fmt: skip
    return re.sub("%(.)", lambda match: values[match.group(1)], pattern)


def _example(name: str) -> str:
    pattern = "%Y-%m-%dT%H:%M:%S" if name == "local" else name
    return _written(datetime(2024, 3, 9, 16), pattern)  # noqa: DTZ001


def _civil(parts: Mapping[str, str | None]) -> datetime:
    """Return what the parts of a text say; 24:00 is the first instant of the next day.

    Raises:
        ValueError: no such day or time.
    """
    number = {part: int(value) for part, value in parts.items() if value is not None and part not in "bfpz"}
    year = number["Y"] if "Y" in number else 2000 + number["y"]
    if "j" in number:
        day = datetime(year, 1, 1) + timedelta(days=number["j"] - 1)  # noqa: DTZ001
        if day.year != year:
            raise ValueError("no such day of the year")
    else:
        month = number["m"] if "m" in number else 1 + _MONTHS.index((parts["b"] or "").lower())
        day = datetime(year, month, number["d"])  # noqa: DTZ001
    hour, minute, second = number.get("H", 0), number.get("M", 0), number.get("S", 0)
    if "I" in number:
        if not 1 <= number["I"] <= 12:
            raise ValueError("no such hour")
        hour = number["I"] % 12 + (12 if (parts["p"] or "").lower() == "pm" else 0)
    midnight = (hour, minute, second) == (24, 0, 0) and not (parts.get("f") or "").strip("0")
    # A second of 60 is a leap second, the first instant of the next minute, as in RFC 3339.
    if not midnight and (hour > 23 or minute > 59 or second > 60):
        raise ValueError("no such time of day")
    return day + timedelta(hours=hour, minutes=minute, seconds=second)


def _offset_us(text: str | None) -> int | None:
    """Return how far a written offset is ahead of UTC; None where there is none."""
    if text is None:
        return None
    if text in "Zz":
        return 0
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError("no such offset")
    return (-1 if text[0] == "-" else 1) * (hours * 60 + minutes) * 60_000_000


def _instant(civil: datetime, zone: ZoneInfo) -> int:
    """Return when a civil time of a zone is, the first time where it comes twice.

    Raises:
        ValueError: it never comes.
    """
    instant = civil.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None, fold=0) != civil:
        raise ValueError("no such hour: summer time begins")
    return _count(instant.replace(tzinfo=None))


def _count(civil: datetime) -> int:
    return (civil - _EPOCH) // timedelta(microseconds=1)
