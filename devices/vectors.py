"""Test vectors of device models: a message as the hardware sends it, and what it must be understood as.

Knows how a model writes them; knows no payload format (`devices.codecs.trial` runs them).
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from devices.errors import ValueRefusedError
from devices.payloads import PORT_MAX, enveloped
from devices.reasons import REASONS
from devices.tables import Table
from devices.times import time_us_from_rfc3339

RECEIVED: Final = "2024-03-09T16:00:00Z"
"""When a message of a vector arrives that does not say so."""
_VALUE: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?|[a-z][a-z0-9_]*")
_FORMS: Final = ("text", "hex", "base64")


@dataclass(frozen=True, slots=True)
class Expected:
    """One reading that a message holds.

    Attributes:
        field: its name.
        value: decimal text in the canonical unit of the measurand, or the name of a state.
        time_us: None where the vector states none: any time will do.
    """

    field: str
    value: str
    time_us: int | None


@dataclass(frozen=True, slots=True)
class Vector:
    """One message of a device, and what it says.

    Attributes:
        payload: its bytes.
        received_us: when it arrives.
        expected: every reading, those of one field in the order of decoding; none missing, none more.
        refused: the reasons of every fault, in order.
        topic: pattern of the topic it comes by, where the fields of the model have their own; see `Field.topic`.
        source: where the message comes from.
        where: place in the file, for messages.
    """

    payload: bytes
    received_us: int
    expected: tuple[Expected, ...]
    refused: tuple[str, ...]
    source: str
    where: str
    topic: str = ""


def read_vectors(root: Table) -> tuple[Vector, ...]:
    """Return the vectors of a model's `[[test]]` tables; faults go to its problems."""
    return tuple(_vector(table) for table in root.tables("test"))


def _vector(table: Table) -> Vector:
    payload = _payload(table)
    expected = tuple(_expected(inner) for inner in table.tables("expect"))
    refused = table.texts("refused")
    for reason in refused:
        if reason not in REASONS:
            table.fault("refused", f"unknown reason {reason!r}; known: {', '.join(REASONS)}")
    if not expected and not refused:
        table.fault("expect", "is missing; say what the message is understood as, or why it is `refused`")
    vector = Vector(
        payload=payload,
        received_us=_time(table, "received", RECEIVED) or 0,
        expected=expected,
        refused=refused,
        source=table.text("source", ""),
        where=table.where,
        topic=table.text("topic", ""),
    )
    table.done()
    return vector


def _payload(table: Table) -> bytes:
    """Return the bytes of a message; of what a LoRaWAN device sends on a port, those of a message that carries it."""
    data = _bytes(table)
    f_port = table.whole("f_port", 0, low=1, high=PORT_MAX)
    return enveloped(data, f_port) if f_port else data


def _bytes(table: Table) -> bytes:
    """Return the bytes of a message, of which one form is given."""
    given = [form for form in _FORMS if table.has(form)]
    texts = {form: table.text(form, "") for form in _FORMS}
    if len(given) != 1:
        table.fault("", f"expected one of {', '.join(_FORMS)}: the message, got {' and '.join(given) or 'none'}")
        return b""
    form = given[0]
    try:
        if form == "hex":
            return bytes.fromhex(texts[form])
        if form == "base64":
            return base64.b64decode(texts[form], validate=True)
    except (ValueError, binascii.Error) as error:
        table.fault(form, f"expected {form}: {error}")
        return b""
    return texts[form].encode("utf-8")


def _expected(table: Table) -> Expected:
    value = table.text("value")
    if value and not _VALUE.fullmatch(value):
        table.fault("value", f'expected a decimal text such as "35.2", or the name of a state, got {value!r}')
    expected = Expected(table.text("field"), value, _time(table, "time", ""))
    table.done()
    return expected


def _time(table: Table, key: str, default: str) -> int | None:
    text = table.text(key, default)
    if not text:
        return None
    try:
        return time_us_from_rfc3339(text)
    except ValueRefusedError as error:
        table.fault(key, error.detail)
        return None
