"""Where the values of a binary message stand: the tables `[[layout]]` of a device model.

Knows parts, groups and channels as a model writes them; knows no bytes of a message (`devices.codecs.payloads` does).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Final, NamedTuple

from devices.tables import Table
from devices.ticks import ZERO, Number

ENDIANS: Final = ("big", "little", "swapped")
"""Orders of bytes; `swapped`: 16-bit words of big-endian bytes, the least significant word first, as Modbus devices."""
PARTS_MAX: Final = 256
NESTING_MAX: Final = 3
BYTES_MAX: Final = 255
"""Bytes of one text, of one constant, and of a message's trailer."""
DECIMALS_MAX: Final = 18

UPLINK: Final = "uplink"
"""Instead of a part: the time at which the message was heard."""

_TYPE: Final = re.compile(r"(?:([uis])(8|16|24|32|40|48|56|64)|f(16|32|64)|(bcd|ascii|hex|skip))\Z")
_TYPES: Final = "u8 to u64, i8 to i64, s8 to s64, f16, f32, f64, bcd, ascii, hex or skip"
_ONE: Final = Number(1, 0)


class Scalar(NamedTuple):
    """One value: what it is called, and how the number that was sent becomes it: sent * scale + add."""

    name: str
    """Empty: nobody asks for it."""
    scale: Number = _ONE
    add: Number = ZERO
    missing: tuple[int, ...] = ()
    """Numbers as sent that mean "no reading"."""
    names: tuple[tuple[int, str], ...] = ()
    """Words for numbers as sent."""
    default: int = 0
    """What `encode` sends where nobody says a value."""


class Bits(NamedTuple):
    """Some bits of a part."""

    value: Scalar
    at: int
    """The lowest, counted from the least significant bit of the part."""
    size: int
    signed: bool


class When(NamedTuple):
    """A part that is there only where an earlier one says so: has a bit set, or is one of some numbers."""

    part: str
    bit: int
    """-1: `equals` decides."""
    equals: tuple[int, ...]


class Part(NamedTuple):
    """Some bytes."""

    kind: str
    """u, i, s (a sign and a magnitude), f, bcd, ascii, hex, skip; const for bytes that are always the same."""
    size: int
    """Bytes; 0 for all that are left."""
    endian: str
    value: Scalar
    bits: tuple[Bits, ...] = ()
    at: int | None = None
    """From the start of the message, group or channel, from the end where negative; None: after the part before."""
    when: When | None = None
    const: bytes = b""
    optional: bool = False
    """A message may end before it."""


class Group(NamedTuple):
    """Parts that come several times and make the objects of an array."""

    into: str
    parts: tuple[Part | Group, ...]
    times: int
    """-1: as often as the part `counted` says; 0: to the end."""
    counted: str
    time: str
    """Member that holds the time of an object; empty where none is made."""
    start: str
    """Part with the time of the first object; UPLINK for that of the message; empty: from 0."""
    step_s: int
    when: When | None = None


class Channel(NamedTuple):
    """Parts that follow their head wherever it comes."""

    head: bytes
    parts: tuple[Part | Group, ...]
    into: str
    """Array to which they are an object of their own; empty: they are members of the message."""


class Layout(NamedTuple):
    """One form of a device's messages, and which messages have it."""

    ports: tuple[int, ...]
    starts: bytes
    """What such a message begins with; its parts follow."""
    lengths: tuple[int, ...]
    parts: tuple[Part | Group, ...]
    channels: tuple[Channel, ...]
    length_byte: str
    """Where a channel says its length: `none`, `after` its head, or `before` it, head counted."""
    trailer: int
    """Bytes at the end that are no channel's."""
    items: str
    """Array of which the message's own members are the first object; empty: they are the document."""
    rest_ignored: bool

    def takes(self, data: bytes, f_port: int | None) -> bool:
        """Return whether a message has this form."""
        port_fits = not self.ports or f_port is None or f_port in self.ports
        return port_fits and data.startswith(self.starts) and (not self.lengths or len(data) in self.lengths)


def scalars(parts: tuple[Part | Group, ...]) -> Iterator[Scalar]:
    """Return the values of parts, those of their bits too, not those of groups."""
    for part in parts:
        if isinstance(part, Part):
            yield part.value
            yield from (bits.value for bits in part.bits)


def read_layouts(payload: Table, root: Table) -> tuple[Layout, ...]:
    """Return the layouts of a model; faults go to its problems."""
    endian = payload.text("endian", "big", among=ENDIANS)
    return tuple(_layout(table, endian) for table in root.tables("layout", required=True))


def _layout(table: Table, endian: str) -> Layout:
    parts = _parts(table, "parts", endian, ())
    channels = tuple(_channel(inner, endian, parts) for inner in table.tables("channel"))
    if not parts and not channels and not table.has("parts"):
        table.fault(
            "parts", "is missing; expected parts = [...] or [[layout.channel]]; [] for messages without readings"
        )
    if len({len(channel.head) for channel in channels}) > 1:
        table.fault("channel", "expected heads of one length")
    if len({channel.head for channel in channels}) < len(channels):
        table.fault("channel", "two have the same head")
    own = parts + tuple(part for channel in channels if not channel.into for part in channel.parts)
    _check_names(table, own, {channel.into for channel in channels} | {table.text("items", "")})
    layout = Layout(
        ports=table.wholes("port", low=0, high=255),
        starts=_hex(table, "starts"),
        lengths=table.wholes("length", low=0, high=65_535),
        parts=parts,
        channels=channels,
        length_byte=table.text("length_byte", "none", among=("none", "after", "before")),
        trailer=table.whole("trailer", 0, low=0, high=BYTES_MAX),
        items=table.text("items", ""),
        rest_ignored=table.flag("rest_ignored", False),
    )
    table.done()
    return layout


def _check_names(table: Table, parts: tuple[Part | Group, ...], arrays: set[str]) -> None:
    """Note values that are named like an array of the same object."""
    arrays = arrays | {part.into for part in parts if isinstance(part, Group)}
    for name in sorted(arrays & {scalar.name for scalar in scalars(parts)} - {""}):
        table.fault("parts", f"{name!r} names an array, and cannot name a value")


def _channel(table: Table, endian: str, before: tuple[Part | Group, ...]) -> Channel:
    known = tuple(scalar.name for scalar in scalars(before))
    channel = Channel(_hex(table, "head", required=True), _parts(table, "parts", endian, known), table.text("into", ""))
    table.done()
    return channel


def _parts(table: Table, key: str, endian: str, known: tuple[str, ...], depth: int = 0) -> tuple[Part | Group, ...]:
    """Return the parts of a table; `known` are the values that stand before, which conditions may name."""
    parts: list[Part | Group] = []
    for inner in table.tables(key):
        if not inner.has("into"):
            parts.append(_part(inner, endian, known))
            known += tuple(scalar.name for scalar in scalars((parts[-1],)))
        elif depth == NESTING_MAX:
            inner.fault("into", f"groups stand in groups at most {NESTING_MAX} deep")
        else:
            parts.append(_group(inner, endian, known, depth))
        inner.done()
    _check_names(table, tuple(parts), set())
    names = [scalar.name for part in parts if part.when is None for scalar in scalars((part,)) if scalar.name]
    for name in sorted({name for name in names if names.count(name) > 1}):
        table.fault(key, f"two parts are named {name!r}")
    if len(parts) > PARTS_MAX:
        table.fault(key, f"expected at most {PARTS_MAX} parts, got {len(parts)}")
    return tuple(parts)


def _group(table: Table, endian: str, known: tuple[str, ...], depth: int) -> Group:
    repeat: int | str = 0
    if isinstance(table.raw().get("repeat", 0), str):
        repeat = table.text("repeat", "")
        if repeat not in known:
            table.fault("repeat", f"expected a number, or a part that stands before, got {repeat!r}")
    else:
        repeat = table.whole("repeat", 0, low=0, high=65_535)
    start = table.text("start", "")
    if start and start not in (*known, UPLINK):
        table.fault("start", f"expected {UPLINK!r} or a part that stands before, got {start!r}")
    parts = _parts(table, "parts", endian, known, depth + 1)
    if not parts:
        table.fault("parts", "is missing; expected what is repeated")
    return Group(
        into=table.text("into"),
        parts=parts,
        times=-1 if isinstance(repeat, str) else repeat,
        counted=repeat if isinstance(repeat, str) else "",
        time=table.text("time", ""),
        start=start,
        step_s=table.whole("step_s", 0, low=-86_400, high=86_400),
        when=_when(table, known),
    )


def _part(table: Table, endian: str, known: tuple[str, ...]) -> Part:
    endian = table.text("endian", endian, among=ENDIANS)
    at = table.whole("at", low=-65_535, high=65_535) if table.has("at") else None
    when, optional = _when(table, known), table.flag("optional", False)
    if table.has("equals"):
        const = _hex(table, "equals")
        return Part("const", len(const), endian, Scalar(""), at=at, when=when, const=const, optional=optional)
    kind, size = _kind(table)
    if endian == "swapped" and (kind not in "uis" or size % 2):
        table.fault("endian", "only whole 16-bit words are swapped: u16, u32, u64, i16, i32, i64")
    scalar = _scalar(table, "name")
    bits = tuple(_bits(inner, size * 8) for inner in table.tables("bits"))
    if bits and kind != "u":
        table.fault("bits", f"only of an unsigned type, got {kind}")
    return Part(kind, size, endian, scalar, bits, at, when, optional=optional)


def _kind(table: Table) -> tuple[str, int]:
    """Return (kind, bytes) of a part's type."""
    text = table.text("type")
    match = _TYPE.match(text)
    if match is None:
        if text:
            table.fault("type", f"expected {_TYPES}, got {text!r}")
        return "u", 1
    sign, width, float_width, sized = match.groups()
    if sized is None:
        return sign or "f", int(width or float_width) // 8
    low = 1 if sized == "bcd" else 0
    return sized, table.whole("size", None if low else 0, low=low, high=8 if sized == "bcd" else BYTES_MAX)


def _bits(table: Table, width: int) -> Bits:
    at = table.whole("at", low=0, high=width - 1)
    size = table.whole("size", 1, low=1, high=max(1, width - at))
    bits = Bits(_scalar(table, "name"), at, size, table.flag("signed", False))
    table.done()
    return bits


def _scalar(table: Table, key: str) -> Scalar:
    names = table.mapping("names")
    numbered: list[tuple[int, str]] = []
    for sent, word in names.items():
        try:
            numbered.append((int(sent, 0), word))
        except ValueError:
            table.fault(f"names.{sent}", f'expected a number as sent, such as 3 or "0x10", got {sent!r}')
    return Scalar(
        name=table.text(key, ""),
        scale=_decimal(table, "scale", _ONE),
        add=_decimal(table, "add", ZERO),
        missing=table.wholes("missing", low=-(2**63), high=2**64 - 1),
        names=tuple(numbered),
        default=table.whole("default", 0, low=-(2**63), high=2**64 - 1),
    )


def _when(table: Table, known: tuple[str, ...]) -> When | None:
    inner = table.table("when")
    if inner is None:
        return None
    part = inner.text("part")
    if part not in known:
        inner.fault("part", f"expected a part that stands before, got {part!r}")
    bit = inner.whole("bit", -1, low=0, high=63)
    equals = inner.wholes("equals", low=-(2**63), high=2**64 - 1)
    if (bit < 0) == (not equals):
        inner.fault("bit", "expected either a bit that must be set, or the numbers that `equals` lists")
    inner.done()
    return When(part, bit, equals)


def _hex(table: Table, key: str, *, required: bool = False) -> bytes:
    """Return bytes written as hex digits; none where absent."""
    text = table.text(key, None if required else "")
    try:
        data = bytes.fromhex(text)
    except ValueError:
        table.fault(key, f'expected hex digits such as "01ff", got {text!r}')
        return b""
    if len(data) > BYTES_MAX:
        table.fault(key, f"expected at most {BYTES_MAX} bytes, got {len(data)}")
    return data


def _decimal(table: Table, key: str, default: Number) -> Number:
    """Return an exact decimal; a quotient that is none belongs into the field's `factor`, where it is rounded once."""
    value = table.number(key)
    if value is None:
        return default
    for exponent in range(DECIMALS_MAX + 1):
        scaled = value * 10**exponent
        if scaled.denominator == 1:
            if key == "scale" and value == Fraction(0):
                break
            return Number(scaled.numerator, -exponent)
    table.fault(
        key,
        f"expected a decimal number of at most {DECIMALS_MAX} places (a scale is not 0), got {value}; a quotient such"
        " as 175/65535 goes into `factor` of the field",
    )
    return default
