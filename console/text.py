"""Small texts for people and machines: times, spans of time, payloads, sparklines.

Pure functions over plain values. Knows neither colours nor tables nor rooms.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SPARKS = "▁▂▃▄▅▆▇█"
SPARK_GAP = "·"
"""Stands for an hour without a value."""

_SPAN_UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


def local_time(time_us: int, zone: tzinfo) -> str:
    """Return the city's clock reading to the minute, for tables: `2026-01-31 13:00`."""
    return (EPOCH + timedelta(microseconds=time_us)).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def parse_time(text: str, zone: tzinfo) -> int:
    """Return microseconds UTC of an ISO 8601 date or time; one without an offset is the city's clock.

    Raises:
        ValueError: not a date or time; the message says what was expected.
    """
    try:
        value = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"{text!r} is not a time; expected e.g. 2026-01-31, 2026-01-31T12:00 or 2026-01-31T12:00:00Z"
        ) from None
    if value.tzinfo is None:
        value = value.replace(tzinfo=zone)
    return (value - EPOCH) // timedelta(microseconds=1)


def parse_span(text: str) -> int:
    """Return microseconds of a span such as `500 ms`, `10s`, `5 min`, `2h`, `1 d`.

    Raises:
        ValueError: not a span; the message says what was expected.
    """
    compact = text.strip().replace(" ", "").replace("_", "")
    digits = len(compact) - len(compact.lstrip("0123456789"))
    factor = _SPAN_UNITS.get(compact[digits:])
    if not digits or factor is None:
        raise ValueError(f"{text!r} is not a span of time; expected e.g. '500 ms', '10 s', '5 min', '2 h' or '1 d'")
    return int(compact[:digits]) * factor


def span(length_us: int) -> str:
    """Return the shortest exact text that `parse_span` reads back: 300000000 → `5 min`."""
    if length_us == 0:
        return "0 s"
    for unit in ("d", "h", "min", "s", "ms"):
        if length_us % _SPAN_UNITS[unit] == 0:
            return f"{length_us // _SPAN_UNITS[unit]} {unit}"
    return f"{length_us} us"


def age(seconds: float) -> str:
    """Return a rough age in at most four characters: `8s`, `12m`, `3h`, `41d`, `12y`."""
    whole = max(0, int(seconds))
    if whole < 100:
        return f"{whole}s"
    if whole < 100 * 60:
        return f"{whole // 60}m"
    if whole < 100 * 3600:
        return f"{whole // 3600}h"
    if whole < 1000 * 86400:
        return f"{whole // 86400}d"
    return f"{min(whole // (365 * 86400), 999)}y"


def sparkline(values: Sequence[float | None]) -> str:
    """Return one block character per value, scaled from the least to the greatest; a dot where there is none."""
    known = [v for v in values if v is not None]
    if not known:
        return SPARK_GAP * len(values)
    low, high = min(known), max(known)
    step = (high - low) / (len(SPARKS) - 1)
    # A flat line is drawn at the bottom: nothing stood out.
    return "".join(SPARK_GAP if v is None else SPARKS[round((v - low) / step) if step else 0] for v in values)


def printable(payload: bytes, length_max: int = 60) -> str:
    r"""Return bytes of unknown origin as text that cannot drive a terminal, cut at `length_max` characters.

    Control characters, escape sequences, invalid UTF-8 and invisible or direction-changing characters become
    `\x1b`-like escapes.
    """
    out: list[str] = []
    length = 0
    # A character is at least a byte: no more than this many bytes can matter.
    for char in payload[: 4 * length_max].decode("utf-8", "surrogateescape"):
        code = ord(char)
        if 0xDC80 <= code <= 0xDCFF:
            shown = f"\\x{code - 0xDC00:02x}"
        elif char.isprintable() and char != "\\":
            shown = char
        else:
            shown = repr(char)[1:-1]
        if length + len(shown) > length_max - 1:
            return "".join(out) + "…"
        out.append(shown)
        length += len(shown)
    return "".join(out) + ("…" if len(payload) > 4 * length_max else "")


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return `1 device`, `2 devices`, `1,000 devices`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


_UNITS = {
    "1": "",
    "ug/m3": "µg/m³",
    "mg/m3": "mg/m³",
    "m3": "m³",
    "m3/h": "m³/h",
    "Cel": "°C",
    "deg": "°",
    "kW.h": "kWh",
    "W.h": "Wh",
    "kW.h/h": "kWh/h",
    "dB[SPL]": "dB",
    "dB": "dB",
    "[ppm]": "ppm",
    "[ppb]": "ppb",
    "[pH]": "pH",
}


def shown_unit(code: str) -> str:
    """Return a UCUM code as people write it: `ug/m3` → `µg/m³`; unknown codes stay, braces and brackets go."""
    return _UNITS.get(code, code.replace("{", "").replace("}", "").replace("[", "").replace("]", ""))
