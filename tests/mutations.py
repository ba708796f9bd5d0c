"""Messages changed so that a decoder reads on: what is damaged lies inside what still holds together.

Knows what messages are made of (JSON, CBOR, lines, protobuf, the sums of frames and telegrams, a device's bytes as text
within JSON); knows no decoder. Bytes flipped anywhere end nearly always at the first brace, length or checksum: of a
hundred such messages one or two reached what reads values. Every change is drawn from the dice it is given.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from random import Random
from typing import Any, Final, NamedTuple

import cbor2

from devices.codecs.dsmr import crc16
from devices.codecs.jsontext import NumberText, dump_json
from tests.devices.test_total import TOKENS

EDITS_MAX = 8
_EDITS = (1, 1, 2, 3, EDITS_MAX)
WELL_FORMED: Final = 6
"""Of so many messages one is damaged anywhere once it is whole again."""

_PACKED = ("frm_payload", "data", "payload_hex", "payload")
"""Members that carry a device's bytes as text."""
_TEXTS = (
    "", " ", "\x00", "\ud800", "é" * 400, "NaN", "12,5", "0x1f", "1e5", "-", "2024-02-30T00:00:00Z",
    "2024-03-31T02:30:00", "2024-03-09T16:00:00.123456789+09:00", "2016-12-31T23:59:60Z", "0000-00-00T00:00:00Z",
    "urn:ngsi-ld:null", "GQ", "CEL", "ug/m3", "[degF]", "free", "[0]", "AAAA", "ffff", "1/2",
)  # fmt: skip
_NUMBERS = (
    "0", "-0", "-0.0", "1", "-1", "3.14", "0.1e1", "255", "256", "65535", "2147483648", "9007199254740993", "9" * 30,
    "1" * 5000, "1e308", "1e999999999", "-1e-400", "1e-9999", "1709997600", "1709997600123", "1709997600123456789",
    "-62135596801",
)  # fmt: skip
_BINARY_NUMBERS = (0, -1, 23, 24, 255, 65536, 2**63, 2**64, -(2**64), 2**255, 1e308, 5e-324, float("nan"), float("inf"))
_TELEGRAM = (
    "0-0:1.0.0", "0-1:24.1.0", "0-2:24.2.1", "1-0:1.8.1", "1-3:0.2.8", "0-1:24.3.0", "003", "50", "39", "240331023000S",
    "241027023000", "241027023000W", "000000000000W", "991231235959S", "240230120000W", "1.5", "-0", "9" * 40, "", "m3",
    "kWh", "Wh", ")(", "(", ")", "*", "!", "/", "é",
)  # fmt: skip
_CELLS = (
    "", " ", ",", ";", '"', '""', '"a,b"', "12,5", "1.5", "2024-03-09T16:00:00Z", "1709997600", "-", "NaN", "#",
    "9" * 40,
)  # fmt: skip


class Words(NamedTuple):
    """What the messages of a format say, to be said in another place."""

    names: tuple[str, ...]
    values: tuple[object, ...]


def damaged(dice: Random, data: bytes, tokens: tuple[bytes, ...] = tuple(TOKENS)) -> bytes:
    """Return a message with bytes cut, doubled, flipped and inserted."""
    for _ in range(dice.randint(1, EDITS_MAX)):
        at = dice.randint(0, len(data))
        end = min(len(data), at + dice.randint(0, 12))
        put = (
            dice.choice(tokens),
            dice.randbytes(dice.randint(0, 4)),
            data[at:end] * 2,
            bytes(b ^ 1 << dice.randint(0, 7) for b in data[at:end]),
        )
        data = data[:at] + dice.choice(put) + data[end:]
    return data


def words(messages: tuple[bytes, ...]) -> Words:
    """Return the names and values of those messages that are JSON or CBOR."""
    names: dict[str, None] = {}
    values: dict[object, None] = {}
    for message in messages:
        for container, key in _slots([_cbor(_json(message, message))]):
            names.setdefault(key if isinstance(key, str) else "")
            value = container[key]
            if isinstance(value, str | bool):
                values.setdefault(value)
    return Words(tuple(names), tuple(values))


# --- trees


def json_edited(dice: Random, data: bytes, known: Words) -> bytes:
    """Return a JSON message with members and values changed; a device's bytes within it about half of the time."""
    tree = [_json(data, data.decode("latin-1"))]
    slots = list(_slots(tree))
    packed = [(c, k) for c, k in slots if k in _PACKED and isinstance(c[k], str)]
    if packed and dice.random() < 0.6:
        container, key = dice.choice(packed)
        container[key] = _repacked(dice, container[key])
    if not packed or dice.random() < 0.6:
        values = (*known.values, *_TEXTS, *map(NumberText, _NUMBERS), None, True, False, [], {})
        _edit(dice, slots, known.names, values)
    return dump_json(tree[0])


def cbor_edited(dice: Random, data: bytes, known: Words) -> bytes:
    """Return a CBOR message with members and values changed."""
    tree = [_cbor(data)]
    tags = (cbor2.CBORTag(4, [-2, 27315]), cbor2.CBORTag(1, 1709997600), cbor2.CBORTag(4, [2**70, 1]), cbor2.undefined)
    _edit(
        dice,
        list(_slots(tree)),
        (*known.names, *range(-6, 9)),
        (*_TEXTS, *_BINARY_NUMBERS, *tags, b"\xff", None, True, [], {}),
    )
    try:
        return bytes(cbor2.dumps(tree[0], canonical=dice.random() < 0.5))
    except UnicodeEncodeError:  # half a character came into a text: JSON can write it, CBOR cannot
        return damaged(dice, data)


def _json(data: bytes, otherwise: object) -> Any:
    try:
        return json.loads(data, parse_int=NumberText, parse_float=NumberText, parse_constant=NumberText)
    except ValueError:
        return otherwise


def _cbor(data: Any) -> Any:
    """Return what bytes say; what is no CBOR, and what is no bytes any more, as it is."""
    try:
        return cbor2.loads(data) if isinstance(data, bytes) else data
    except cbor2.CBORDecodeError:
        return data


def _slots(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Give every place of a tree that holds a value, as (container, index or name)."""
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from _slots(tree[key])


def _edit(dice: Random, slots: list[tuple[Any, Any]], names: tuple[Any, ...], values: tuple[Any, ...]) -> None:
    """Change some places. A value that is put in another place is none that holds others, so no tree holds itself."""
    for _ in range(dice.choice(_EDITS)):
        # What holds the whole message seldom goes: little of it would be left to read.
        container, key = slots[dice.randrange(1, len(slots)) if len(slots) > 1 and dice.random() < 0.95 else 0]
        if key not in container if isinstance(container, dict) else key >= len(container):
            continue  # it was taken out
        value, what = container[key], dice.randrange(8)
        if what <= 1:
            container[key] = dice.choice(values)
        elif what == 2:
            container[key] = [value] * dice.choice((1, 2) if isinstance(value, dict | list) else (1, 2, 40))
        elif what == 3:
            container[key] = {dice.choice(names): value}
        elif what == 4 and len(slots) > 1 and container is not slots[0][0]:
            del container[key]
        elif what == 5 and isinstance(container, dict):
            container[dice.choice(names)] = container.pop(key) if dice.random() < 0.7 else value
        elif what == 6 and isinstance(value, str):
            text = _characters(dice, value)
            container[key] = NumberText(text) if isinstance(value, NumberText) and _NUMBER.fullmatch(text) else text
        else:
            other, place = dice.choice(slots)
            held = other[place] if (place in other if isinstance(other, dict) else place < len(other)) else None
            container[key] = dice.choice(values) if isinstance(held, dict | list) else held


_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def _characters(dice: Random, text: str) -> str:
    at = dice.randint(0, len(text))
    put = dice.choice(("", text[at : at + 3] * 2, dice.choice("0123456789.-eE+:TZ/ "), dice.choice(_TEXTS)))
    return text[:at] + put + text[at + dice.randint(0, 3) :]


def _repacked(dice: Random, text: str) -> str:
    """Return a device's bytes changed, in the same digits or letters."""
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
        return binary(dice, bytes.fromhex(text)).hex()
    try:
        return base64.b64encode(binary(dice, base64.b64decode(text, validate=True))).decode()
    except binascii.Error:
        return _characters(dice, text)


# --- bytes


def binary(dice: Random, data: bytes, _known: Words | None = None) -> bytes:
    """Return bytes without text changed here and there, so that most of what they say still stands."""
    for _ in range(dice.choice((0, 1, 1, 2, 4))):
        at = dice.randint(0, len(data))
        put = (
            dice.randbytes(1),
            dice.choice((b"\x00", b"\xff", b"\x7f\xff", b"\x80\x00", b"\xff" * 4, b"")),
            data[at : at + dice.randint(1, 8)] * 2,
        )
        data = data[:at] + dice.choice(put) + data[at + dice.randint(0, 2) :]
    return data if dice.random() < 0.9 else data[: dice.randint(0, len(data))]


def frame(dice: Random, data: bytes, _known: Words) -> bytes:
    """Return an M-Bus frame with another content, its length and checksum put right; by wire, by radio or in digits."""
    with suppress(ValueError):
        data = bytes.fromhex(data.decode("ascii"))
    wired = data[:1] == b"\x68" and data[3:4] == b"\x68"
    content = data[4:-2] if wired else data[1:]
    head = 3 if wired else 10
    if dice.random() < 0.3:
        control, header = dice.choice(((0x72, 12), (0x7A, 4), (0x78, 0), (0x73, 16), (dice.randrange(256), 0)))
        body = bytes((control,)) + bytes(header) + b"".join(_record(dice) for _ in range(dice.randint(0, 6)))
    else:
        body = content[head - 1 :][:1] + binary(dice, content[head:])
    content = (content[: head - 1] + body)[: 252 if wired else 254]
    framed = bytes((len(content),)) + content
    if wired:
        framed = bytes((0x68, len(content), len(content), 0x68)) + content + bytes((sum(content) & 0xFF, 0x16))
    return framed.hex(" ").encode() if dice.random() < 0.1 else framed


def _record(dice: Random) -> bytes:
    """Return a record of M-Bus of any quantity and type, with as many bytes as it says."""
    sizes = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 4, 6: 6, 7: 8, 9: 1, 10: 2, 11: 3, 12: 4, 14: 6}
    kind = dice.choice((*sizes, 8, 13, 15))
    more = dice.choice((0, 0, 0, 1, 2, 11))
    vif = dice.choice((dice.randrange(128), 0x6C, 0x6D, 0x7B, 0x7C, 0x7D, 0x7E))
    dif = dice.randrange(8) << 4 & 0x70 | kind
    difs = bytes((dif,))
    if more:
        difs = bytes((dif | 0x80, *(each | 0x80 for each in dice.randbytes(more - 1)), dice.randrange(128)))
    vifs = bytes((vif | 0x80, dice.randrange(128))) if vif in (0x7B, 0x7D) or dice.random() < 0.2 else bytes((vif,))
    if vif == 0x7C:
        vifs = b"\x7c\x03mrw"
    value = dice.randbytes(sizes.get(kind, 0))
    if kind == 13:
        length = dice.choice((0, 3, 0xC4, 0xD2, 0xE8, 0xF5, dice.randrange(256)))
        value = bytes((length,)) + dice.randbytes(length & 0x0F if length >= 0xC0 else min(length, 40))
    elif sizes.get(kind) and dice.random() < 0.3:
        value = dice.choice((b"\x00", b"\xff", b"\x99", b"\x80")) * sizes[kind]
    return difs + vifs + value


def telegram(dice: Random, data: bytes, _known: Words) -> bytes:
    """Return a P1 telegram with other lines and values, its checksum mostly put right."""
    text = data.decode("latin-1").partition("!")[0]
    lines = _cells(dice, re.split(r"\r?\n", text), re.compile(r"([()*])"), _TELEGRAM)
    whole = dice.choice(("\r\n", "\r\n", "\r\n", "\n")).join(lines).encode("latin-1", "replace") + b"!"
    stated = dice.choice((f"{crc16(whole):04X}", f"{crc16(whole):04x}", f"{crc16(whole):04X}", "", "00G0"))
    return whole + stated.encode() + b"\r\n"


def lines(dice: Random, data: bytes, _known: Words) -> bytes:
    """Return lines of values with other lines and values."""
    text = data.decode("latin-1").split("\n")
    return "\n".join(_cells(dice, text, re.compile(r"([,;\t])"), _CELLS)).encode("latin-1", "replace")


def _cells(dice: Random, text: list[str], cut: re.Pattern[str], tokens: tuple[str, ...]) -> list[str]:
    """Return lines of which some are doubled, dropped, moved, or have other parts."""
    for _ in range(dice.choice(_EDITS)):
        at, what = dice.randrange(len(text)), dice.randrange(8)
        if what == 0:
            text.insert(dice.randint(0, len(text)), text[at])
        elif what == 1 and len(text) > 2:
            del text[at]
        else:
            parts = cut.split(text[at])
            place = dice.randrange(len(parts)) if dice.random() < 0.2 else dice.randrange(0, len(parts), 2)
            parts[place] = dice.choice((*tokens, _characters(dice, parts[place]), parts[place] * 2))
            text[at] = "".join(parts)
    return text


def protobuf(dice: Random, data: bytes, _known: Words) -> bytes:
    """Return a protobuf message with fields changed, dropped, doubled and numbered anew, lengths put right."""
    fields = _fields(data)
    if fields is None:
        return binary(dice, data)
    for _ in range(dice.randint(1, 3)):
        if not fields:
            break
        at = dice.randrange(len(fields))
        number, wire, value = fields[at]
        what = dice.randrange(8)
        if what == 0:
            del fields[at]
        elif what == 1:
            fields.insert(dice.randint(0, len(fields)), fields[at])
        elif what == 2:
            fields[at] = (dice.choice((1, 2, 3, 4, 7, 10, 11, 12, 13, 14, 15, 16, 17, 18)), wire, value)
        elif wire == 0:
            fields[at] = (
                number,
                0,
                _varint(dice.choice((0, 1, 9, 21, 30, 255, 2**31, 2**63, 2**64 - 1, dice.randrange(40)))),
            )
        elif wire == 2:
            fields[at] = (
                number,
                2,
                protobuf(dice, value, Words((), ())) if dice.random() < 0.8 else binary(dice, value),
            )
        else:
            fields[at] = (
                number,
                wire,
                dice.choice((dice.randbytes(len(value)), b"\xff" * len(value), bytes(len(value)))),
            )
    said = b""
    for number, wire, value in fields:
        said += _varint(number << 3 | wire) + (_varint(len(value)) if wire == 2 else b"") + value
    return said


def _varint(value: int) -> bytes:
    said = b""
    while value > 127:
        said, value = said + bytes((value & 127 | 128,)), value >> 7
    return said + bytes((value,))


def _fields(data: bytes) -> list[tuple[int, int, bytes]] | None:
    """Return the fields of a protobuf message as (number, wire type, value); None where it is none."""
    found, at = [], 0
    while at < len(data):
        head, at = _number(data, at)
        wire, end = head & 7, {0: _number(data, at)[1], 1: at + 8, 5: at + 4}.get(head & 7, 0)
        if wire == 2:
            size, at = _number(data, at)
            end = at + size
        if not at < end <= len(data) and not (wire == 2 and end == at):
            return None
        found.append((head >> 3, wire, data[at:end]))
        at = end
    return found


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            break
    return value, at


Change = Callable[[Random, bytes, Words], bytes]
CHANGES: Final[Mapping[str, Change]] = {
    "senml-json": json_edited, "json-paths": json_edited, "lorawan": json_edited, "ngsi-ld": json_edited,
    "ngsi-v2": json_edited, "sensorthings": json_edited, "senml-cbor": cbor_edited, "cbor-paths": cbor_edited,
    "mbus": frame, "dsmr-p1": telegram, "csv-lines": lines, "text": lines, "sparkplug-b": protobuf, "bytes": binary,
}  # fmt: skip
"""By the name of a format, what keeps its messages together."""


def fits(codec: str, message: bytes) -> bool:
    """Return whether a message is one that the changes of a format keep together."""
    change = CHANGES[codec]
    said = _json(message, None)
    if change is json_edited:
        return isinstance(said, dict | list)
    if change is cbor_edited:
        return said is None and isinstance(_cbor(message), dict | list)
    if change is frame:
        return message[:1] == b"\x68" or message[:1] == bytes((len(message) - 1 & 0xFF,)) or message[:3] == b"68 "
    if change is telegram:
        return message[:1] == b"/"
    if change is protobuf:
        return not message.isascii() and _fields(message) is not None
    return said is None and message.isascii() != (change is binary)


def changed(dice: Random, codec: str, data: bytes, known: Words) -> bytes:
    """Return a message of a format with something else in it."""
    data = CHANGES[codec](dice, data, known)
    return damaged(dice, data) if dice.randrange(WELL_FORMED) == 0 else data
