"""CBOR (RFC 8949) with its numbers as the decimal text they mean.

Knows heads of items and our limits; knows no payload format. It reads the heads itself: libraries give every float as
a double, so that nobody can tell what a float of 32 bits meant by 0.10000000149011612, and let the last of two members
with one name win. A test holds it together with `cbor2`.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from devices.codecs.base import NESTING_MAX, PAYLOAD_BYTES_MAX
from devices.codecs.jsontext import NumberText
from devices.errors import PayloadError, ValueRefusedError, quoted
from devices.ticks import parse_number, text_from_float, text_from_number

BIGNUM_BYTES_MAX = 32
"""Bytes of one integer beyond 64 bits; it has 77 digits, more than any number may."""

_BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = 2, 3, 4, 5, 6, 7
_INDEFINITE = 31
_BREAK = 0xFF
# Tags that only say what the content is for: times as text and count, texts of a kind, bytes to be shown in some way,
# and the one that says "this is CBOR".
_PLAIN_TAGS = frozenset({0, 1, 21, 22, 23, 32, 33, 34, 35, 36, 55799})
_BIGNUM, _BIGNUM_NEGATIVE, _DECIMAL_FRACTION = 2, 3, 4
_FLOATS: Final = ((25, ">e", 16), (26, ">f", 32), (27, ">d", 64))
"""Low bits of the head, layout and width of each float, the shortest first."""
_INTEGER = re.compile(r"(?:0|-?[1-9][0-9]{0,17})\Z")


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something that stands in a document and is neither text, number, true, false, null, array nor object."""

    kind: str
    """What a message calls it."""


def parse_cbor(payload: bytes) -> object:
    """Return what one CBOR item says: numbers as NumberText, byte strings as bytes, what we know not as Opaque.

    A name that is an integer is the NumberText of its digits, so that a path may name it. NaN and infinities are
    NumberText too, which is no number when somebody asks for one.

    Raises:
        PayloadError: `oversized` beyond PAYLOAD_BYTES_MAX; `malformed` for anything that is not one whole item, names
            a member twice, or is nested deeper than NESTING_MAX (tags count as levels).
    """
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise PayloadError("oversized", f"expected at most {PAYLOAD_BYTES_MAX} bytes, got {len(payload)}")
    reader = _Reader(payload)
    value = reader.item(NESTING_MAX)
    reader.finish()
    return value


class _Reader:
    """Reads items from bytes, from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def finish(self) -> None:
        """Refuse what follows the item."""
        if self._at < len(self._data):
            raise self._fault("the end of the message")

    def item(self, levels: int) -> object:
        """Return the next item, which may hold so many levels of arrays, maps and tags."""
        major, short = divmod(self._take(1)[0], 32)
        if major >= _ARRAY and major != _SIMPLE:
            if levels == 0:
                raise PayloadError("malformed", f"expected at most {NESTING_MAX} levels of arrays, maps and tags")
            levels -= 1
        if major == _SIMPLE:
            return self._simple(short)
        if short == _INDEFINITE and major in (_BYTES, _TEXT):
            return self._chunks(major)
        count = None if short == _INDEFINITE and major in (_ARRAY, _MAP) else self._argument(short)
        if major == _ARRAY:
            return [self.item(levels) for _ in self._turns(count, 1)]
        if major == _MAP:
            return self._map(count, levels)
        if major == _TAG:
            return self._tagged(count, levels)
        assert count is not None  # noqa: S101  # only arrays and maps go without
        if major == _BYTES:
            return self._take(count)
        if major == _TEXT:
            return self._text(self._take(count))
        return NumberText(-1 - count if major else count)

    def _fault(self, expected: str) -> PayloadError:
        return PayloadError("malformed", f"expected CBOR: {expected} at byte {self._at}")

    def _take(self, count: int) -> bytes:
        if count > len(self._data) - self._at:
            raise self._fault(f"{count} more bytes")
        self._at += count
        return self._data[self._at - count : self._at]

    def _argument(self, short: int) -> int:
        """Return the number in or after a head."""
        if short < 24:
            return short
        if short > 27:
            self._at -= 1
            raise self._fault("a head with a length")
        return int.from_bytes(self._take(1 << (short - 24)), "big")

    def _turns(self, count: int | None, items: int) -> Iterable[object]:
        """Return something with a turn for each element of so many items: a count that is known, or to the break."""
        if count is None:
            return iter(self._ended, True)
        # Each item has a byte at least, so a count that the message cannot hold costs nothing.
        if count * items > len(self._data) - self._at:
            raise self._fault(f"{count * items} more items")
        return range(count)

    def _ended(self) -> bool:
        """Return whether the break of an array or map is next, and go past it."""
        if self._at < len(self._data) and self._data[self._at] == _BREAK:
            self._at += 1
            return True
        return False

    def _map(self, count: int | None, levels: int) -> dict[str, object]:
        members: dict[str, object] = {}
        for _ in self._turns(count, 2):
            name = self.item(levels)
            if not isinstance(name, str) or (isinstance(name, NumberText) and not _INTEGER.match(name)):
                raise self._fault("a text or an integer as a name before what stands")
            if name in members:
                raise PayloadError("malformed", f"expected CBOR: an object names {quoted(name)} twice")
            members[name] = self.item(levels)
        return members

    def _text(self, data: bytes) -> str:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._fault("a text in UTF-8 before what stands") from error

    def _chunks(self, major: int) -> str | bytes:
        """Return a text or byte string that comes in pieces."""
        pieces = []
        while not self._ended():
            inner, short = divmod(self._take(1)[0], 32)
            if inner != major:
                raise self._fault("a piece of a string before what stands")
            piece = self._take(self._argument(short))
            pieces.append(piece)
            if major == _TEXT:
                self._text(piece)  # each piece is a text of its own
        whole = b"".join(pieces)
        return self._text(whole) if major == _TEXT else whole

    def _simple(self, short: int) -> object:
        """Return a float, or one of the values that need no bytes."""
        for low_bits, layout, bits in _FLOATS:
            if short == low_bits:
                (value,) = struct.unpack(layout, self._take(bits // 8))
                try:
                    return NumberText(text_from_float(value, bits))
                except ValueRefusedError:
                    return NumberText(repr(value))
        if short in (20, 21):
            return short == 21
        if short in (22, 23):
            return None
        number = self._argument(short)
        if short == 24 and number < 32:
            raise self._fault("no simple value in two bytes that has a place in one, before what stands")
        return Opaque(f"the simple value {number}")

    def _tagged(self, tag: int | None, levels: int) -> object:
        """Return what a tag makes of its content."""
        content = self.item(levels)
        if tag in _PLAIN_TAGS:
            return content
        if tag in (_BIGNUM, _BIGNUM_NEGATIVE):
            if not isinstance(content, bytes) or len(content) > BIGNUM_BYTES_MAX:
                raise self._fault(f"an integer of at most {BIGNUM_BYTES_MAX} bytes before what stands")
            number = int.from_bytes(content, "big")
            return NumberText(-1 - number if tag == _BIGNUM_NEGATIVE else number)
        if tag == _DECIMAL_FRACTION:
            if (
                not isinstance(content, list)
                or len(content) != 2
                or not all(isinstance(part, NumberText) and part.lstrip("-").isdigit() for part in content)
            ):
                raise self._fault("an exponent and a mantissa before what stands")
            exponent, mantissa = content
            return NumberText(f"{mantissa}e{exponent}")
        return Opaque(f"a value with the tag {tag}")


def dump_cbor(value: object) -> bytes:
    """Return a document as CBOR: names that are integers as integers, numbers as the shortest item that reads as the
    same decimal.

    Raises:
        ValueError: a number is none, or too long.
    """
    if isinstance(value, NumberText):
        return _number(value)
    if value is None or isinstance(value, bool):
        return bytes([0xE0 + (22 if value is None else 21 if value else 20)])
    if isinstance(value, str):
        data = value.encode("utf-8")
        return _head(_TEXT, len(data)) + data
    if isinstance(value, bytes):
        return _head(_BYTES, len(value)) + value
    if isinstance(value, list):
        return _head(_ARRAY, len(value)) + b"".join(map(dump_cbor, value))
    if isinstance(value, dict):
        pairs = (_name(name) + dump_cbor(item) for name, item in value.items())
        return _head(_MAP, len(value)) + b"".join(pairs)
    raise ValueError(f"CBOR of ours holds no {type(value).__name__}")


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major * 32 + number])
    power = next(power for power in range(4) if number < 1 << (8 << power))
    return bytes([major * 32 + 24 + power]) + number.to_bytes(1 << power, "big")


def _name(name: str) -> bytes:
    return _integer(int(name)) if _INTEGER.match(name) else dump_cbor(str(name))


def _integer(number: int) -> bytes:
    major, size = (0, number) if number >= 0 else (1, -1 - number)
    if size < 2**64:
        return _head(major, size)
    data = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return _head(_TAG, _BIGNUM_NEGATIVE if major else _BIGNUM) + dump_cbor(data)


def _number(text: str) -> bytes:
    """Return a number: as an integer, as the shortest float that is the double of it, or as a decimal fraction."""
    try:
        number = parse_number(text)
    except ValueRefusedError as error:
        raise ValueError(error.detail) from error
    plain = text_from_number(number)
    if _INTEGER.match(plain):
        return _integer(int(plain))
    wide = float(plain)
    for low_bits, layout, bits in _FLOATS if math.isfinite(wide) else ():
        try:
            data = struct.pack(layout, wide)
        except OverflowError:
            continue
        # Equal to the double: who reads it as a double reads the same. Equal as a decimal: so do we.
        same = struct.unpack(layout, data)[0] == wide
        if same and text_from_number(parse_number(text_from_float(wide, bits))) == plain:
            return bytes([_SIMPLE * 32 + low_bits]) + data
    return _head(_TAG, _DECIMAL_FRACTION) + _head(_ARRAY, 2) + _integer(number.exponent) + _integer(number.mantissa)
