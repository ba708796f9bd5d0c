"""Frames of M-Bus: what surrounds the records (EN 13757-2 and -3 by wire, EN 13757-4 by radio).

Knows lengths, checksum, control information and the meter's header; knows no records. A frame is given as its bytes, or
as the text of their hexadecimal digits, as many gateways forward it.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from devices.codecs.base import PAYLOAD_BYTES_MAX
from devices.errors import PayloadError

RECORDS_BYTES_MAX = 240
"""Bytes of records that a frame with the long header holds."""
_HEX: Final = re.compile(rb"\s*(?:[0-9A-Fa-f]{2}\s*)+\Z")
_START, _STOP, _ACKNOWLEDGED, _SHORT = 0x68, 0x16, 0xE5, 0x10
_FIXED, _LONG_HEADER, _SHORT_HEADER, _NO_HEADER = 0x73, 0x72, 0x7A, 0x78
_RADIO_CONTROLS: Final = (0x08, 0x18, 0x28, 0x38, 0x44, 0x46)  # a meter's answers, and what it sends by itself
_SENDS: Final = 0x08  # RSP_UD


class Frame(NamedTuple):
    """What a frame carries."""

    meter: dict[str, str]
    """Who sends it: what the header has of id, manufacturer, version, medium, access and status."""
    fixed: bool
    """`data` is the two counters of the fixed structure, else records."""
    data: bytes


def read_frame(payload: bytes) -> Frame:
    """Return what a payload carries.

    Raises:
        PayloadError: it is no frame with readings.
    """
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise PayloadError("oversized", f"expected at most {PAYLOAD_BYTES_MAX} bytes, got {len(payload)}")
    frame = bytes.fromhex(payload.decode("ascii")) if _HEX.match(payload) else payload
    if frame in (b"", bytes((_ACKNOWLEDGED,))) or (frame[0] == _SHORT and len(frame) == 5):
        raise PayloadError("empty", "an acknowledgement or a request carries no reading")
    if frame[0] == _START and frame[3:4] == bytes((_START,)):
        return _wired(frame)
    if len(frame) > 10 and frame[0] == len(frame) - 1 and frame[1] in _RADIO_CONTROLS:
        meter = _address(frame[4:8], frame[2:4], frame[8], frame[9])
        return _application(frame[10], frame[11:], meter)
    raise PayloadError(
        "malformed", "expected a long frame by wire, or one by radio without the checksums of its blocks"
    )


def _wired(frame: bytes) -> Frame:
    length = frame[1]
    if length != frame[2] or length < 3 or len(frame) != length + 6 or frame[-1] != _STOP:
        raise PayloadError("malformed", f"expected a frame of {length + 6} bytes that ends with 16, got {len(frame)}")
    content, stated = frame[4:-2], frame[-2]
    if sum(content) & 0xFF != stated:
        raise PayloadError("malformed", f"expected the checksum {sum(content) & 0xFF:02x}, got {stated:02x}")
    return _application(content[2], content[3:], {})


def _application(control: int, data: bytes, meter: dict[str, str]) -> Frame:
    """Return what follows the control information.

    Args:
        control: the CI field.
        data: what comes after it.
        meter: what the link layer says of the meter; a header of the frame's own stands for it.
    """
    sizes = {_FIXED: 16, _LONG_HEADER: 12, _SHORT_HEADER: 4, _NO_HEADER: 0}
    if control not in sizes:
        what = "a frame of another layer or an encrypted one" if 0x80 <= control <= 0x8F else "no readings"
        raise PayloadError(
            "malformed", f"control information {control:02x}: {what}; readings come with 72, 73, 78 or 7a"
        )
    if len(data) < sizes[control]:
        raise PayloadError("malformed", f"expected a header of {sizes[control]} bytes, got {len(data)}")
    if control == _FIXED:
        meter = {"id": _digits(data[:4]), "access": str(data[4]), "status": str(data[5])}
        meter["medium"] = str(data[6] >> 6 | data[7] >> 6 << 2)
        return Frame(meter, True, data[5:16])
    header = data[: sizes[control]]
    if control == _LONG_HEADER:
        meter = _address(header[:4], header[4:6], header[6], header[7])
    if header:
        meter = {**meter, "access": str(header[-4]), "status": str(header[-3])}
        mode = header[-1] & 0x1F
        if mode:
            raise PayloadError("malformed", f"the records are encrypted (mode {mode}); have the gateway decrypt them")
    return Frame(meter, False, data[len(header) :])


def _address(serial: bytes, manufacturer: bytes, version: int, medium: int) -> dict[str, str]:
    number = int.from_bytes(manufacturer, "little")
    letters = "".join(chr((number >> shift & 31) + 64) for shift in (10, 5, 0))
    return {"id": _digits(serial), "manufacturer": letters, "version": str(version), "medium": str(medium)}


def _digits(serial: bytes) -> str:
    return serial[::-1].hex()


def write_frame(records: bytes) -> bytes:
    """Return the answer of a meter by wire with these records.

    Raises:
        ValueError: they are too long for a frame.
    """
    if len(records) > RECORDS_BYTES_MAX:
        raise ValueError(f"a frame holds {RECORDS_BYTES_MAX} bytes of records, got {len(records)}")
    header = bytes.fromhex("000000009a0e01000000") + b"\x00\x00"
    content = bytes((_SENDS, 0, _LONG_HEADER)) + header + records
    length = len(content)
    return bytes((_START, length, length, _START)) + content + bytes((sum(content) & 0xFF, _STOP))
