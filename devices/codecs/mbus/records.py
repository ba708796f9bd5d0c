"""Records of an M-Bus frame: each a value with what it is, from which time and tariff, and of which part of the meter.

Knows the heads of records and the two counters of the fixed structure; knows no frames.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from devices.codecs.mbus.quantities import TIME_CODES, Quantity, quantity
from devices.codecs.mbus.values import BYTES_OF, VARIABLE, Clock, clock, scaled, variable
from devices.errors import PayloadError

EXTENSIONS_MAX = 10
"""DIFEs and VIFEs of one record, as the standard has it."""
FUNCTIONS: Final = ("instantaneous", "max", "min", "error")
_FILLER, _REST, _REST_MORE = 0x2F, 0x0F, 0x1F
_TEXT = 0x7C
# Units of the fixed structure, ten times the one before: the first code of each and what it counts.
_FIXED: Final = (
    (0x02, 9, Quantity("energy", "W.h")),
    (0x0B, 9, Quantity("energy", "J", 3)),
    (0x14, 9, Quantity("power", "W")),
    (0x1D, 9, Quantity("power", "J/h", 3)),
    (0x26, 9, Quantity("volume", "m3", -6)),
    (0x2F, 9, Quantity("volume_flow", "m3/h", -6)),
    (0x38, 1, Quantity("temperature", "Cel", -3)),
    (0x39, 1, Quantity("heat_cost", "")),
)
_HISTORIC, _FIXED_BINARY, _FIXED_STORED = 0x3E, 0x01, 0x02


class Record(NamedTuple):
    """One record."""

    quantity: Quantity
    qualifiers: list[str]
    value: str | None
    """NumberText, or the text of what is no number; None where the record has no value."""
    clock: Clock | None
    """What the value is where it is a date or a time."""
    function: str
    storage: int
    tariff: int
    subunit: int

    def key(self) -> str:
        """Return the name by which a model finds the record."""
        parts = [self.quantity.name, *self.qualifiers]
        parts += [self.function] if self.function != FUNCTIONS[0] else []
        for name, number in (("unit", self.subunit), ("tariff", self.tariff), ("storage", self.storage)):
            parts += [f"{name}_{number}"] if number else []
        return re.sub(r"[^a-z0-9]+", "_", "_".join(parts).lower()).strip("_") or "nameless"


def read_records(data: bytes) -> tuple[list[Record], str, bool]:
    """Return the records, the digits of what is the manufacturer's own, and whether more come in another frame.

    Raises:
        PayloadError: a record is cut, or is none.
    """
    found: list[Record] = []
    at = 0
    while at < len(data):
        if data[at] == _FILLER:
            at += 1
        elif data[at] in (_REST, _REST_MORE):
            return found, data[at + 1 :].hex(), data[at] == _REST_MORE
        else:
            record, at = _record(data, at)
            found.append(record)
    return found, "", False


def _chain(data: bytes, at: int) -> tuple[list[int], int]:
    """Return a byte and those that it says follow, and where they end."""
    codes: list[int] = []
    while at < len(data) and len(codes) <= EXTENSIONS_MAX:
        codes.append(data[at])
        at += 1
        if codes[-1] < 0x80:
            return codes, at
    raise PayloadError("malformed", f"expected the end of a record's head by byte {at} of the records")


def _record(data: bytes, start: int) -> tuple[Record, int]:
    difs, at = _chain(data, start)
    kind = difs[0] & 0x0F
    if kind not in BYTES_OF and kind != VARIABLE:
        raise PayloadError("malformed", f"data information {difs[0]:02x} at byte {start} of the records is reserved")
    storage, tariff, subunit = difs[0] >> 6 & 1, 0, 0
    for position, dife in enumerate(difs[1:]):
        storage |= (dife & 0x0F) << (1 + 4 * position)
        tariff |= (dife >> 4 & 3) << (2 * position)
        subunit |= (dife >> 6 & 1) << position
    if data[at : at + 1] and data[at] & 0x7F == _TEXT:
        vifs, text, at = _text_chain(data, at)
    else:
        vifs, at = _chain(data, at)
        text = ""
    codes = [vif & 0x7F for vif in vifs]
    what, qualifiers = quantity(codes, text)
    value, moment, at = _value(data, at, kind, codes, what)
    function = FUNCTIONS[difs[0] >> 4 & 3]
    return Record(what, qualifiers, value, moment, function, storage, tariff, subunit), at


def _text_chain(data: bytes, at: int) -> tuple[list[int], str, int]:
    """Return the codes of a value whose quantity the meter writes in letters, the letters, and where they end."""
    end = at + 2 + (data[at + 1] if at + 1 < len(data) else 0)
    if end > len(data) or end == at + 2:
        raise PayloadError("malformed", f"expected the name of a quantity at byte {at + 1} of the records")
    text = data[at + 2 : end][::-1].decode("latin-1").strip(" \x00")
    if data[at] == _TEXT:
        return [_TEXT], text, end
    codes, end = _chain(data, end)
    return [_TEXT, *codes], text, end


def _value(data: bytes, at: int, kind: int, codes: list[int], what: Quantity) -> tuple[str | None, Clock | None, int]:
    if kind == VARIABLE:
        text, end = variable(data, at, what.factor, what.exponent)
        return text, None, end
    end = at + BYTES_OF[kind]
    if end > len(data):
        raise PayloadError("malformed", f"expected {BYTES_OF[kind]} bytes at byte {at} of the records")
    body = data[at:end]
    if not body:
        return None, None, end
    if codes[0] in TIME_CODES and kind < 0x8 and len(body) in (2, 3, 4, 6):
        moment = clock(body)
        return moment.text, moment, end
    return scaled(body, kind, bool(what.unit), what.factor, what.exponent), None, end


def read_counters(data: bytes) -> list[Record]:
    """Return the two counters of the fixed structure.

    Args:
        data: status, the two units, and two counters of four bytes.

    Raises:
        PayloadError: both counters are of no known unit.
    """
    status = data[0]
    units = [data[1] & 0x3F, data[2] & 0x3F]
    stored = bool(status & _FIXED_STORED)
    found = []
    for position, unit in enumerate(units):
        historic = unit == _HISTORIC  # the same as the other counter, at the fixed date
        what = _fixed(units[1 - position] if historic else unit)
        if what is None:
            continue
        body = data[3 + 4 * position : 7 + 4 * position]
        value = scaled(body, 0x4 if status & _FIXED_BINARY else 0xC, True, what.factor, what.exponent)
        found.append(Record(what, [], value, None, FUNCTIONS[0], int(stored or historic), 0, 0))
    if not found:
        raise PayloadError("malformed", f"units {units[0]:02x} and {units[1]:02x} of the fixed structure are not known")
    return found


def _fixed(unit: int) -> Quantity | None:
    for first, count, what in _FIXED:
        if first <= unit < first + count:
            return what._replace(exponent=what.exponent + unit - first)
    return None
