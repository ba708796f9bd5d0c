"""JSON with its numbers left as the text they were written in.

Knows RFC 8259 and our limits; knows no payload format. A library that makes floats of numbers (the usual ones, and the
fast ones without exception) would lose the digits before anyone could round them.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from devices.codecs.base import NESTING_MAX, text_of
from devices.errors import PayloadError, quoted
from devices.ticks import NumberText

__all__ = ["NumberText", "dump_json", "parse_json"]


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # RFC 8259 leaves the meaning open. One figure must follow from one payload, so two meanings are none.
        raise ValueError("an object names one member twice")
    return members


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=NumberText, parse_int=NumberText, parse_constant=_refuse_constant
)


def parse_json(payload: bytes) -> object:
    """Return the value of a JSON text in UTF-8, every number as NumberText.

    Raises:
        PayloadError: `oversized` beyond PAYLOAD_BYTES_MAX; `malformed` for anything that is not JSON, names a member
            of an object twice, or is nested deeper than NESTING_MAX.
    """
    text = text_of(payload)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise PayloadError("malformed", f"expected JSON: {error.msg} at character {error.pos}") from error
    except ValueError as error:
        raise PayloadError("malformed", f"expected JSON: {quoted(str(error))}") from error
    except RecursionError as error:
        raise PayloadError("malformed", f"expected at most {NESTING_MAX} levels of arrays and objects") from error
    # Where the interpreter gives up depends on its stack; our own limit is the same for every caller.
    if _deeper_than(value, NESTING_MAX):
        raise PayloadError("malformed", f"expected at most {NESTING_MAX} levels of arrays and objects")
    return value


def _deeper_than(value: object, levels: int) -> bool:
    """Return whether arrays and objects nest deeper than so many levels."""
    layer = [value]
    for _ in range(levels):
        inner: list[object] = []
        for item in layer:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        layer = [item for item in inner if isinstance(item, dict | list)]
        if not layer:
            return False
    return True


def dump_json(value: object) -> bytes:
    """Return compact JSON; NumberText is written as the number it is."""
    return _dump(value).encode("utf-8")


def _dump(value: object) -> str:
    if isinstance(value, NumberText):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_dump(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_dump(item) for item in value) + "]"
    return json.dumps(value)
