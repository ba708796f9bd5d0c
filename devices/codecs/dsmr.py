"""P1 telegrams of smart electricity meters (DSMR 2.2 to 5, and its Belgian, Hungarian, Luxembourgish and Slovenian
relatives): `dsmr-p1`.

Knows a telegram's lines, checksum and times; knows no OBIS code but those of time, version and M-Bus channels.

A reader of our own: the kept library (dsmr-parser 1.11.2) must be told the country's version before it knows a code,
and of 1,500 telegrams with one to four bytes changed 267 ended in an InvalidOperation or ValueError instead of an
error of its own. Here any code is a member.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from devices.codecs.base import PAYLOAD_BYTES_MAX
from devices.codecs.documents import Document, DocumentCodec
from devices.codecs.jsontext import NumberText
from devices.codecs.measured import Measured
from devices.errors import PayloadError, quoted
from devices.models import DeviceModel
from devices.times import rfc3339, time_us_from_rfc3339

TIME = "0-0:1.0.0"
VERSION = "1-3:0.2.8"
CHECKSUM_SINCE = 40
"""Telegrams of this version or a later one carry a checksum; one without it was cut."""
MEDIA: Final[Mapping[str, str]] = MappingProxyType(
    {"2": "electricity", "3": "gas", "4": "heat", "6": "warm_water", "7": "water", "10": "cooling", "12": "heat"}
)
"""Device types of M-Bus channels (EN 13757-3) to the member that names their reading whatever the channel."""

_TYPES = {medium: number for number, medium in reversed(list(MEDIA.items()))}
# Summer time begins and ends on the same instants in every country with such meters.
_CIVIL = ZoneInfo("Europe/Amsterdam")
_LINE = re.compile(r"(\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}(?:\.\d{1,3})?)((?:\([^()]*\))+)\Z", re.ASCII)
_CODE = re.compile(r"\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}\Z", re.ASCII)
_BARE = re.compile(r"\([^()]*\)\Z")
_VALUE = re.compile(r"\(([^()]*)\)")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?\Z")
_TIME = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)([SW]?)\Z", re.ASCII)
_CHANNEL_TYPE = re.compile(r"0-(\d{1,3}):24\.1\.0\Z")
_CHANNEL_READING = re.compile(r"0-(\d{1,3}):24\.[23]\.\d{1,3}\Z")


class DsmrP1:
    """The format."""

    name = "dsmr-p1"

    def read(self, payload: bytes, _model: DeviceModel, _received_us: int) -> Document:
        """Return the telegram's lines by their OBIS codes; see `Format.read`."""
        lines = _lines(payload)
        root: dict[str, object] = {"header": lines[0][1:]}
        profile: list[str] = []  # a line of DSMR 2.2 whose value stands in the next one
        for line in lines[1:]:
            if not line:
                continue
            if _BARE.match(line) and profile:
                root[profile[0]] = _profile(profile, line[1:-1])
                profile = []
                continue
            match = _LINE.match(line)
            if match is None:
                raise PayloadError("malformed", f"expected an OBIS code with values in brackets, got {quoted(line)}")
            code, values = match.group(1), _VALUE.findall(match.group(2))
            if code in root:
                raise PayloadError("malformed", f"the telegram has two lines {code}")
            root[code] = _reading(values)
            profile = [code, *values] if len(values) > 2 else []
        _stamp(root)
        root.update(_by_medium(root))
        return Document(root, root)

    def write(self, document: Document, _model: DeviceModel) -> bytes:
        """Return a telegram of version 5 with these lines; see `Format.write`."""
        if not isinstance(document.body, dict) or document.time_us is None:
            raise ValueError("expected readings by their OBIS codes")
        clock = _written_time(document.time_us)
        lines = ["/CTY5cityvitals", "", f"{VERSION}(50)", f"{TIME}({clock})"]
        free = (n for n in range(1, 100) if not any(code.startswith(f"0-{n}:") for code in document.body))
        for named, reading in document.body.items():
            code = named
            if named in _TYPES:
                channel = next(free)
                lines.append(f"0-{channel}:24.1.0({_TYPES[named]:0>3})")
                code = f"0-{channel}:24.2.1"
            if not isinstance(reading, Measured) or not _CODE.match(code):
                raise ValueError(f"expected an OBIS code such as 1-0:1.8.1, got {code!r}")
            value, unit, time = reading["value"], reading.get("unit"), str(reading["time"])
            own = _written_time(time_us_from_rfc3339(time))
            if own != clock and not _CHANNEL_READING.match(code):
                raise ValueError(f"only a reading of an M-Bus channel has a time of its own, and {code} is none")
            stamp = f"({own})" if _CHANNEL_READING.match(code) else ""
            lines.append(f"{code}{stamp}({value}{f'*{unit}' if unit else ''})")
        text = "\r\n".join([*lines, "!"]).encode("ascii")
        return text + f"{crc16(text):04X}\r\n".encode("ascii")


def crc16(data: bytes) -> int:
    """Return the checksum of a telegram, from its `/` to its `!`: polynomial x16+x15+x2+1, least bit first."""
    crc = 0
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def _crc_of_byte(byte: int) -> int:
    crc = byte
    for _ in range(8):
        crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


_CRC_TABLE = tuple(_crc_of_byte(byte) for byte in range(256))


def _lines(payload: bytes) -> list[str]:
    """Return the lines of a telegram whose checksum holds: the header first, nothing after the last reading."""
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise PayloadError("oversized", f"expected at most {PAYLOAD_BYTES_MAX} bytes, got {len(payload)}")
    if payload[:1] == b"\xdb":
        raise PayloadError("malformed", "the telegram is encrypted; have the gateway decrypt it with the meter's key")
    telegram, mark, rest = payload.strip(b"\r\n \t\x00").partition(b"!")
    if not telegram.startswith(b"/") or not mark:
        raise PayloadError("malformed", "expected a telegram that starts with / and ends with !")
    try:
        lines = [line.strip() for line in telegram.decode("ascii").split("\n")]
        stated = rest.decode("ascii")
    except UnicodeDecodeError as error:
        raise PayloadError("malformed", "expected a telegram in ASCII") from error
    if stated:
        # A gateway that handles text may have changed the ends of lines; the meter's are CR LF.
        sums = {crc16(telegram + mark), crc16("\r\n".join(lines).encode("ascii") + mark)}
        if not re.fullmatch(r"[0-9A-Fa-f]{4}", stated) or int(stated, 16) not in sums:
            raise PayloadError("malformed", f"expected the checksum {min(sums):04X}, got {quoted(stated)}")
    elif any(line.startswith(f"{VERSION}(") and line[len(VERSION) + 1 : -1] >= str(CHECKSUM_SINCE) for line in lines):
        raise PayloadError("malformed", "expected a checksum after the !")
    return lines


def _reading(values: list[str]) -> dict[str, object]:
    """Return what a line says: a reading, one with a time of its own, or several `values`."""
    if len(values) == 1:
        return _measured(values[0])
    if len(values) == 2 and _TIME.match(values[0]):
        return Measured(_measured(values[1]), time=_time(values[0]))
    return {"values": [_measured(value) for value in values]}


def _measured(text: str) -> Measured:
    """Return a value and, after an asterisk, its unit."""
    value, _, unit = text.partition("*")
    if _TIME.match(value) and not value.isdigit():
        return Measured(value=_time(value))
    reading = Measured(value=NumberText(value) if _NUMBER.match(value) else value)
    if unit:
        reading["unit"] = unit
    return reading


def _profile(profile: list[str], value: str) -> dict[str, object]:
    """Return the hourly reading of DSMR 2.2: time, status, period, count, code and unit, and the value on its own."""
    code, time, *rest = profile
    return Measured(_measured(f"{value}*{rest[-1]}"), time=_time(time), code=code)


def _time(text: str) -> str:
    """Return a time as RFC 3339; one that is none stays as it is, for whoever needs it to refuse.

    S and W say which time it is. Without a letter it is civil time, and in the hour that comes twice nobody's.
    """
    match = _TIME.match(text)
    if match is None:
        return text
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        civil = datetime(2000 + year, month, day, hour, minute, second)  # noqa: DTZ001  # its offset follows
    except ValueError:
        return text
    letter = match.group(7)
    if letter:
        offset = timedelta(hours=2 if letter == "S" else 1)
    else:
        early, late = (civil.replace(tzinfo=_CIVIL, fold=fold).utcoffset() for fold in (0, 1))
        if early is None or early != late:
            return text
        offset = early
    return (civil - offset).replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def _stamp(root: dict[str, object]) -> None:
    """Give the telegram's time to every reading without one of its own, were it a bad one."""
    clock = root.get(TIME)
    if not isinstance(clock, Measured):
        return
    time = clock["value"]
    if isinstance(time, NumberText):
        time = _time(time)
    for reading in root.values():
        if isinstance(reading, Measured):
            reading.setdefault("time", time)


def _by_medium(root: dict[str, object]) -> dict[str, object]:
    """Return the readings of M-Bus channels by what is metered: which channel it is differs from house to house.

    Two meters of one medium have no such member, as nobody can tell which is meant.
    """
    media = {}
    for code, kind in root.items():
        match = _CHANNEL_TYPE.match(code)
        if match and isinstance(kind, Measured):
            media[match.group(1)] = MEDIA.get(str(kind["value"]).lstrip("0"))
    found: dict[str, list[object]] = {}
    for code, reading in root.items():
        match = _CHANNEL_READING.match(code)
        medium = media.get(match.group(1)) if match else None
        if medium and isinstance(reading, Measured):
            found.setdefault(medium, []).append(reading)
    return {medium: readings[0] for medium, readings in found.items() if len(readings) == 1}


def _written_time(time_us: int) -> str:
    """Return a time as meters write it.

    Raises:
        ValueError: it is no whole second, or lies outside the years of two digits.
    """
    if time_us % 1_000_000 or not 2000 <= int(rfc3339(time_us)[:4]) <= 2098:
        raise ValueError(f"a telegram's times are whole seconds from 2000 to 2098, got {rfc3339(time_us)}")
    civil = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)).astimezone(_CIVIL)
    return civil.strftime("%y%m%d%H%M%S") + ("S" if civil.dst() else "W")


DSMR_P1 = DocumentCodec(DsmrP1(), measured=True)
