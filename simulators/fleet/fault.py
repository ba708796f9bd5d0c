"""What goes wrong, as a specification: the keys of one `[[fault]]` table.

Knows the kinds of faults, the keys each takes and what the truth says of each; changes no message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from devices.tables import Table
from simulators.clock import HOUR_US, duration_us, instant_us
from simulators.fleet.chance import PARTS

FUTURE_US_MIN: Final = HOUR_US
"""A fast clock is at least so far ahead: well beyond any gateway's tolerance, and still so when a message waited."""
AGAIN_MAX = 100


class KindOfFault(NamedTuple):
    """One kind of fault."""

    keys: tuple[str, ...]
    """Keys beside those that every fault takes; the ones in capitals of `REQUIRED` must be given."""
    truth: str
    """What becomes of a reading that it befalls."""


WHO: Final = ("models", "zones", "gateways", "devices", "share")
WHEN: Final = ("from", "to")
KINDS: Final[Mapping[str, KindOfFault]] = MappingProxyType(
    {
        "lost": KindOfFault(("rate",), "missing"),
        "duplicated": KindOfFault(("rate", "within"), "counted once; the repeat is a duplicate"),
        "reordered": KindOfFault(("rate", "within"), "counted"),
        "delayed": KindOfFault(("rate", "at_least", "at_most"), "counted, however late"),
        "skew": KindOfFault(("by",), "counted at the time the wrong clock showed"),
        "clock_drift": KindOfFault(("per_day",), "counted at the time the wrong clock showed"),
        "future_clock": KindOfFault(("rate", "by", "copy"), "quarantined: future_clock"),
        "unset_clock": KindOfFault(("rate", "copy"), "quarantined: bad_time"),
        "stuck": KindOfFault(("fields",), "counted at the value it stuck at"),
        "drift": KindOfFault(("fields", "amount"), "counted at the drifted value"),
        "spike": KindOfFault(("rate", "fields", "amount"), "counted at the spike's value"),
        "out_of_range": KindOfFault(("rate", "fields", "copy"), "quarantined: out_of_range"),
        "conflict": KindOfFault(("rate", "within"), "the first is counted; the other quarantined: conflict"),
        "garbage": KindOfFault(("rate", "copy"), "quarantined: malformed, one for the message"),
        "half": KindOfFault(("rate", "copy"), "quarantined: malformed, one for the message"),
        "wrong_unit": KindOfFault(("rate", "copy"), "quarantined: bad_unit"),
        "unknown_device": KindOfFault(("rate",), "quarantined: unknown_device, one for the message"),
        "silent": KindOfFault((), "missing"),
        "gateway_silent": KindOfFault(("buffered",), "missing; counted late when buffered"),
        "storm": KindOfFault(("at", "again"), "counted once; the repeats are duplicates"),
        "retained": KindOfFault((), "quarantined: retained, one for the message"),
    }
)
"""Every kind by name, in the order of `docs/integrators.md`."""
_REQUIRED: Final = frozenset({"rate", "at", "amount"})
_DEFAULT_US: Final = MappingProxyType(
    {"within": 300_000_000, "at_least": 30_000_000, "at_most": 14 * 86_400_000_000, "future_clock": 26 * HOUR_US}
)


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """One fault.

    Attributes:
        kind: one of `KINDS`.
        models, zones, gateways: whom it befalls; empty for all. devices: patterns of codes such as `air-*-001`.
        share_parts: of those devices, how many, as parts of `PARTS`.
        from_us, to_us: only readings from (included) to (excluded); None for open.
        rate_parts: probability for a message (of values: for a reading), as parts of `PARTS`.
        fields: names of fields; empty for all.
        by_us: how far a clock is off; of `clock_drift` per day.
        at_least_us, at_most_us: reach of a delay.
        at_us: the moment of a storm. again: messages that each device repeats after it.
        amount: in the field's unit: a spike's height, a drift's rise in a day.
        copy: it befalls a copy; the message itself arrives as well.
        buffered: what a silent gateway could not pass on arrives when it is back.
    """

    kind: str
    models: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    share_parts: int = PARTS
    from_us: int | None = None
    to_us: int | None = None
    rate_parts: int = PARTS
    fields: tuple[str, ...] = ()
    by_us: int = 0
    at_least_us: int = 0
    at_most_us: int = 0
    at_us: int = 0
    again: int = 1
    amount: Fraction = Fraction(0)
    copy: bool = False
    buffered: bool = False


def parse_faults(tables: list[Table], zone: ZoneInfo) -> tuple[FaultSpec, ...]:
    """Return the faults of a file, in its order; what is wrong goes to the tables' problems."""
    return tuple(_fault(table, zone) for table in tables)


def _fault(table: Table, zone: ZoneInfo) -> FaultSpec:
    kind = table.text("kind", among=KINDS)
    keys = KINDS[kind].keys if kind in KINDS else ()
    from_us, to_us = (_instant(table, key, zone) for key in WHEN)
    if from_us is not None and to_us is not None and from_us >= to_us:
        table.fault("to", "expected a time after from")
    rate = _parts(table, "rate", keys)
    at_us = _instant(table, "at", zone) if "at" in keys else None
    if "at" in keys and at_us is None and not table.has("at"):
        table.fault("at", "is missing; expected a time such as 2025-03-30T06:00")
    least, most = (_length(table, key, keys) for key in ("at_least", "at_most"))
    if "at_least" in keys and not 0 < least <= most:
        table.fault("at_most", "expected a length of time from at_least on")
    spec = FaultSpec(
        kind=kind,
        **{name: table.texts(name) for name in ("models", "zones", "gateways", "devices")},
        share_parts=_parts(table, "share", WHO),
        from_us=from_us,
        to_us=to_us,
        rate_parts=rate,
        fields=table.texts("fields") if "fields" in keys else (),
        by_us=_clock(table, kind, keys),
        at_least_us=least,
        at_most_us=_length(table, "within", keys) if "within" in keys else most,
        at_us=at_us or 0,
        again=table.whole("again", 1, low=0, high=AGAIN_MAX) if "again" in keys else 1,
        amount=(table.number("amount", required=True) or Fraction(0)) if "amount" in keys else Fraction(0),
        copy=table.flag("copy", False) if "copy" in keys else False,
        buffered=table.flag("buffered", False) if "buffered" in keys else False,
    )
    if "amount" in keys and not spec.fields:
        table.fault("fields", "is missing; an amount is in the unit of the fields it names")
    table.done()
    return spec


def _parts(table: Table, key: str, keys: tuple[str, ...]) -> int:
    """Return a probability as parts of `PARTS`; all where the kind has no such key."""
    if key not in keys:
        return PARTS
    value = table.number(key, Fraction(1), required=key in _REQUIRED) or Fraction(0)
    if not 0 <= value <= 1:
        table.fault(key, f"expected a probability from 0 to 1, got {value}")
        return 0
    return int(value * PARTS)


def _instant(table: Table, key: str, zone: ZoneInfo) -> int | None:
    if not table.has(key):
        table.text(key, "")
        return None
    text = table.text(key)
    try:
        return instant_us(text, zone)
    except ValueError as error:
        table.fault(key, str(error))
        return None


def _length(table: Table, key: str, keys: tuple[str, ...]) -> int:
    if key not in keys:
        return 0
    return _duration(table, key, table.text(key, "")) or _DEFAULT_US[key]


def _duration(table: Table, key: str, text: str) -> int:
    """Return a length of time, negative with a minus sign; 0 where there is none or it cannot be read."""
    if not text:
        return 0
    try:
        size = duration_us(text.removeprefix("-"))
    except ValueError as error:
        table.fault(key, str(error))
        return 0
    return -size if text.startswith("-") else size


def _clock(table: Table, kind: str, keys: tuple[str, ...]) -> int:
    """Return how far a clock is off."""
    key = "per_day" if "per_day" in keys else "by"
    if key not in keys:
        return 0
    by_us = _duration(table, key, table.text(key, "" if kind == "future_clock" else None))
    if kind != "future_clock":
        return by_us
    by_us = by_us or _DEFAULT_US["future_clock"]
    if by_us < FUTURE_US_MIN:
        table.fault(key, "expected at least 1h: nearer than that a message that waited would no longer be ahead")
    return by_us
