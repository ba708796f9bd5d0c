"""What every payload format has in common: its results, its limits, and how a value becomes ticks.

Knows fields of device models; knows no format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from devices.errors import PayloadError, ValueRefusedError, quoted
from devices.measurands import Kind
from devices.models import DeviceModel, Field
from devices.ticks import Number, parse_number, scale_number, text_from_number

PAYLOAD_BYTES_MAX = 262_144
"""Bytes of one payload; a longer one is refused as `oversized` before it is parsed."""
READINGS_MAX = 10_000
"""Readings and faults of one payload; more are refused as `too_many`."""
NESTING_MAX = 32
"""Levels of arrays and objects; deeper ones are refused as `malformed`."""
FAULTS_TOLD_MAX = 32
"""Faults of one payload that are told one by one; the rest are added up by reason, so that no message can fill the
quarantine by itself."""
TIME_MIN_US = -62_135_596_800_000_000  # 0001-01-01
TIME_MAX_US = 253_402_300_799_999_999  # 9999-12-31: what a timestamp of any database can hold
"""Times outside cannot be written as a date; they are `bad_time`."""


class Reading(NamedTuple):
    """One value of one field."""

    field: int
    """Position in the model's fields."""
    time_us: int
    """Phenomenon time, microseconds UTC."""
    ticks: int
    """The value in the measurand's resolution."""
    flags: int
    """A sum of `FLAG_*` values."""


class Fault(NamedTuple):
    """Readings of a message that cannot be used."""

    reason: str
    """One of `devices.REASONS`."""
    detail: str
    """What was expected and found; ASCII, bounded."""
    readings: int
    """How many readings are lost by it, at least 1: the ledger counts them as quarantined."""


class Frame(NamedTuple):
    """What one radio transmission is known by when it comes again: forwarded once more, or sent once more."""

    session: str
    """Changes when the device joins anew and counts from 0 again; empty where that is not told."""
    counter: int
    digest: bytes
    """Of what was sent."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a message says; at least one reading or fault."""

    readings: list[Reading] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    frame: Frame | None = None
    """Of a message that may come again with another time; None for all that do not."""

    def refuse(self, reason: str, detail: str, readings: int = 1) -> None:
        """Add a fault; beyond FAULTS_TOLD_MAX to the one that adds up its reason."""
        if len(self.faults) < FAULTS_TOLD_MAX:
            self.faults.append(Fault(reason, detail, readings))
            return
        for position in range(FAULTS_TOLD_MAX, len(self.faults)):
            told = self.faults[position]
            if told.reason == reason:
                self.faults[position] = told._replace(readings=told.readings + readings)
                return
        self.faults.append(Fault(reason, f"more of the same message, the first: {detail}", readings))

    def is_full(self) -> bool:
        """Return whether further faults are only counted, so that nobody need explain them."""
        return len(self.faults) > FAULTS_TOLD_MAX


class Codec(Protocol):
    """One payload format."""

    @property
    def name(self) -> str:
        """The name device models use."""

    def decode(self, payload: bytes, model: DeviceModel, received_us: int) -> Decoded:
        """Return the readings of one payload, in its order.

        Args:
            payload: any bytes.
            model: the sending device's model, of this codec.
            received_us: the gateway's clock at arrival, for messages without a time of their own.

        Raises:
            PayloadError: nothing of the message can be used. Nothing else is ever raised.
        """

    def encode(self, model: DeviceModel, readings: Sequence[tuple[str, int, int]]) -> bytes:
        """Return one payload that decodes to these (field name, time_us, ticks), in this order.

        Raises:
            ValueError: a field is unknown, or the format cannot carry these readings in one message.
        """


def text_of(payload: bytes) -> str:
    """Return a payload as the text in UTF-8 that it is.

    Raises:
        PayloadError: `oversized` beyond PAYLOAD_BYTES_MAX, `malformed` for other bytes.
    """
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise PayloadError("oversized", f"expected at most {PAYLOAD_BYTES_MAX} bytes, got {len(payload)}")
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PayloadError(
            "malformed", f"expected UTF-8, got byte {payload[error.start]:#04x} at {error.start}"
        ) from error


def ticks_from_text(text: str, field: Field) -> int:
    """Return the ticks of a value written as text: a number, or a state the field names.

    Raises:
        ValueRefusedError: `not_a_number` or `out_of_range`.
    """
    if field.states:
        state = field.states.get(text)
        if state is not None:
            return state
        raise ValueRefusedError(
            "not_a_number", f"{field.name}: expected one of {', '.join(map(quoted, field.states))}, got {quoted(text)}"
        )
    return ticks_of_number(parse_number(text), field)


def ticks_of_number(number: Number, field: Field) -> int:
    """Return the ticks of a number of a field that names no states.

    Raises:
        ValueRefusedError: `out_of_range`; `not_a_number` for a fraction where a state's number is sent: rounded, it
            would be a state that nobody said.
    """
    if field.kind is Kind.STATE and number.exponent < 0 and number.mantissa % 10**-number.exponent:
        raise ValueRefusedError(
            "not_a_number", f"{field.name}: expected the number of a state, got {quoted(text_from_number(number))}"
        )
    return scale_number(number, field.scale)


def state_text(field: Field, ticks: int) -> str:
    """Return what the device sends for a state.

    Raises:
        ValueError: the field names no such state.
    """
    for text, state in field.states.items():
        if state == ticks:
            return text
    raise ValueError(f"field {field.name!r} names no state {ticks}")
