"""One value of a document: whether it is a reading of a field, which ticks it is, and how a device writes it.

Knows fields of a model and values of documents; knows neither paths into them nor times.
"""

from __future__ import annotations

import re

from devices.codecs.base import state_text, ticks_from_text
from devices.codecs.cbor import Opaque
from devices.codecs.jsontext import NumberText
from devices.errors import ValueRefusedError, quoted
from devices.models import Condition, Field
from devices.paths import meant, said
from devices.ticks import number_from_ticks, text_from_number

# A number and what stands behind it; that it is a number is checked later.
_WITH_UNIT = re.compile(r"([+-]?[0-9.]++(?:[eE][+-]?[0-9]++)?+) *(\S.*)\Z", re.DOTALL)


def meets(condition: Condition, item: object, root: object) -> bool:
    """Return whether a message, or an object of it, is one in which a field is sent."""
    return said(condition.path.find(item, root)) in condition.values


def is_missing(field: Field, value: object) -> bool:
    """Return whether a value is a mark for "no reading"."""
    return said(value) in field.missing


def ticks_of(field: Field, value: object) -> int:
    """Return the ticks of a value: a number, a text that holds one, or a state.

    Raises:
        ValueRefusedError: `not_a_number`, `out_of_range` or `bad_unit`.
    """
    if field.states:
        text = said(value)
        if text is not None:
            return ticks_from_text(text, field)
    elif isinstance(value, NumberText):
        return ticks_from_text(value, field)
    elif isinstance(value, str):
        return ticks_from_text(_number_of(field, value.strip(" ")), field)
    raise ValueRefusedError("not_a_number", f"{field.name}: expected a number, got {kind_of(value)}")


def _number_of(field: Field, text: str) -> str:
    """Return the number of a text that may end in the field's suffix."""
    match = _WITH_UNIT.match(text) if field.suffix else None
    if match is None:
        return text
    number, suffix = match.groups()
    if suffix != field.suffix:
        raise ValueRefusedError("bad_unit", f"{field.name}: expected {quoted(field.suffix)}, got {quoted(suffix)}")
    return number


def kind_of(value: object) -> str:
    """Return what a message calls a value that is neither number nor text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Opaque):
        return value.kind
    if isinstance(value, bytes):
        return "a byte string"
    return "an array" if isinstance(value, list) else "an object"


def value_of(field: Field, ticks: int) -> object:
    """Return a value as the model's devices send it.

    Raises:
        ValueError: the field names no such state.
    """
    if field.states:
        return meant(state_text(field, ticks))
    text = text_from_number(number_from_ticks(ticks, field.scale))
    return f"{text} {field.suffix}" if field.suffix else NumberText(text)
