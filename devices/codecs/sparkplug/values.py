"""What a Sparkplug B metric's value says, as a document: numbers as text, texts, booleans, arrays, rows of a table.

Knows the data types of the specification (6.4.16 of version 3.0.0) and how each is sent; knows no model.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Final

from devices.codecs.base import READINGS_MAX
from devices.codecs.jsontext import NumberText
from devices.codecs.sparkplug.schema import Metric, Table
from devices.errors import ValueRefusedError
from devices.ticks import text_from_float

INT64, UINT64, DOUBLE, BOOLEAN, STRING = 4, 8, 10, 11, 12
"""Numbers of data types that others need to know."""
_SIGNED: Final = {1: 8, 2: 16, 3: 32, 4: 64}
_UNSIGNED: Final = {5: 8, 6: 16, 7: 32, 8: 64, 13: 64}
_NAMES: Final = (
    "Unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double", "Boolean",
    "String", "DateTime", "Text", "UUID", "DataSet", "Bytes", "File", "Template", "PropertySet", "PropertySetList",
    "Int8Array", "Int16Array", "Int32Array", "Int64Array", "UInt8Array", "UInt16Array", "UInt32Array", "UInt64Array",
    "FloatArray", "DoubleArray", "BooleanArray", "StringArray", "DateTimeArray",
)  # fmt: skip
_INTS: Final = ("int_value", "long_value")
_FLOATS: Final = ("float_value", "double_value")
_SENT_AS: Final = {
    **dict.fromkeys((*_SIGNED, *_UNSIGNED), _INTS),
    **dict.fromkeys((9, 10), _FLOATS),
    11: ("boolean_value",),
    **dict.fromkeys((12, 14, 15), ("string_value",)),
    16: ("dataset_value",),
    19: ("template_value",),
    **dict.fromkeys((17, 18, *range(22, 35)), ("bytes_value",)),
}
# Elements of arrays stand one after the other, the lowest byte first.
_ELEMENTS: Final = {
    22: "b", 23: "h", 24: "i", 25: "q", 26: "B", 27: "H", 28: "I", 29: "Q", 30: "f", 31: "d", 34: "q",
}  # fmt: skip
_BOOLEANS, _STRINGS = 32, 33


def needs_type(metric: Metric) -> bool:
    """Return whether a value can be understood only by whoever knows the data type from the birth.

    -1 and 4294967295, a list of numbers and a picture are the same bytes.
    """
    return metric.kind in (*_INTS, "bytes_value")


def value_of(kind: str, value: object, datatype: int) -> object:
    """Return a value as documents have it.

    Args:
        kind, value: as in `Metric`.
        datatype: the metric's, or its birth's; 0 where none is known.

    Raises:
        ValueRefusedError: `not_a_number`, `out_of_range` or `too_many`.
    """
    name = _NAMES[datatype] if datatype < len(_NAMES) else f"data type {datatype}"
    if datatype and kind not in _SENT_AS.get(datatype, ()):
        raise ValueRefusedError("not_a_number", f"expected {name}, got {kind or 'no value'}")
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return NumberText(_whole(value, datatype, name))
    if isinstance(value, float):
        return NumberText(text_from_float(value, 32 if kind == "float_value" else 64))
    if isinstance(value, Table):
        return _rows(value)
    if isinstance(value, bytes) and kind == "string_value":
        return _utf8(value)
    if isinstance(value, bytes) and kind == "bytes_value":
        return _array(value, datatype, name)
    raise ValueRefusedError("not_a_number", f"expected a value, got {kind or 'none'}; templates are not taken apart")


def _whole(value: int, datatype: int, name: str) -> int:
    """Return a whole number: negative ones come as two's complement, of their own width or of the one they are sent in.

    Raises:
        ValueRefusedError: `out_of_range` where the type has no such number; `not_a_number` where no type is known.
    """
    bits = _SIGNED.get(datatype)
    if bits is not None:
        half = 1 << (bits - 1)
        if value < half:
            return value
        for width in (bits, 32, 64):
            if (1 << width) - half <= value < 1 << width:
                return value - (1 << width)
    elif datatype in _UNSIGNED:
        if value < 1 << _UNSIGNED[datatype]:
            return value
    else:
        raise ValueRefusedError("not_a_number", f"expected a data type beside {value}")
    raise ValueRefusedError("out_of_range", f"{value} is no {name}")


def _array(data: bytes, datatype: int, name: str) -> object:
    """Return the elements of an array; bytes and files stay what they are."""
    if datatype == _STRINGS:
        parts = data.split(b"\0")
        if parts.pop():
            raise ValueRefusedError("not_a_number", "expected a zero after the last text of a StringArray")
        return [_utf8(part) for part in _bounded(parts)]
    if datatype == _BOOLEANS:
        return list(_booleans(data))
    code = _ELEMENTS.get(datatype)
    if code is None:
        return data
    size = struct.calcsize(f"<{code}")
    if len(data) % size:
        raise ValueRefusedError("not_a_number", f"expected {name} of {size} bytes each, got {len(data)} bytes")
    if len(data) // size > READINGS_MAX:
        raise ValueRefusedError("too_many", f"expected at most {READINGS_MAX} elements, got {len(data) // size}")
    elements = struct.unpack(f"<{len(data) // size}{code}", data)
    if code in "fd":
        return [_finite(element, 32 if code == "f" else 64) for element in elements]
    return [NumberText(element) for element in elements]


def _finite(element: float, bits: int) -> NumberText | None:
    """Return an element as a number, None where it is none: the others are still good."""
    return NumberText(text_from_float(element, bits)) if math.isfinite(element) else None


def _booleans(data: bytes) -> Iterator[bool]:
    """Yield the elements of a BooleanArray: their number in four bytes, then a bit for each, the highest first."""
    count = int.from_bytes(data[:4], "little")
    if len(data) != 4 + (count + 7) // 8 or count > READINGS_MAX:
        raise ValueRefusedError(
            "not_a_number", f"expected a BooleanArray of at most {READINGS_MAX}, got {len(data)} bytes"
        )
    for at in range(count):
        yield bool(data[4 + at // 8] & 0x80 >> at % 8)


def _rows(table: Table) -> list[dict[str, object]]:
    """Return the rows of a data set, each with its values by column; an element without a value is left out."""
    return [
        {
            column: value_of(kind, value, datatype)
            for column, datatype, (kind, value) in zip(table.columns, table.types, row, strict=True)
            if kind
        }
        for row in table.rows
    ]


def _bounded(parts: list[bytes]) -> list[bytes]:
    if len(parts) > READINGS_MAX:
        raise ValueRefusedError("too_many", f"expected at most {READINGS_MAX} elements, got {len(parts)}")
    return parts


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueRefusedError("not_a_number", "expected a text in UTF-8") from error
