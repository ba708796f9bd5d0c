"""What the value information of an M-Bus record says (EN 13757-3): which quantity, in which unit and power of ten.

Knows the standard's tables of VIF and VIFE; knows no bytes of a value. Units of one quantity are brought to one (MWh to
W.h, m3/s to m3/h) where that is a whole factor, so that a model of a meter holds whatever range the meter chose.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Quantity(NamedTuple):
    """What is measured: value = number as sent * factor * 10**exponent."""

    name: str
    unit: str
    """UCUM; empty where there is none."""
    exponent: int = 0
    factor: int = 1


class Row(NamedTuple):
    """Codes that follow each other, each ten times the one before."""

    first: int
    codes: int
    """How many."""
    quantity: Quantity


def _row(first: int, codes: int, name: str, unit: str, exponent: int = 0, factor: int = 1) -> Row:
    return Row(first, codes, Quantity(name, unit, exponent, factor))


def _durations(first: int, name: str) -> tuple[Row, ...]:
    """Return the rows of a duration in seconds, minutes, hours and days."""
    return tuple(_row(first + i, 1, name, "s", 0, factor) for i, factor in enumerate((1, 60, 3600, 86400)))


PRIMARY: Final = (
    _row(0x00, 8, "energy", "W.h", -3),
    _row(0x08, 8, "energy", "J"),
    _row(0x10, 8, "volume", "m3", -6),
    _row(0x18, 8, "mass", "kg", -3),
    *_durations(0x20, "on_time"),
    *_durations(0x24, "operating_time"),
    _row(0x28, 8, "power", "W", -3),
    _row(0x30, 8, "power", "J/h"),
    _row(0x38, 8, "volume_flow", "m3/h", -6),
    _row(0x40, 8, "volume_flow", "m3/h", -7, 60),
    _row(0x48, 8, "volume_flow", "m3/h", -9, 3600),
    _row(0x50, 8, "mass_flow", "kg/h", -3),
    _row(0x58, 4, "flow_temperature", "Cel", -3),
    _row(0x5C, 4, "return_temperature", "Cel", -3),
    _row(0x60, 4, "temperature_difference", "K", -3),
    _row(0x64, 4, "external_temperature", "Cel", -3),
    _row(0x68, 4, "pressure", "bar", -3),
    _row(0x6C, 1, "time_point", ""),
    _row(0x6D, 1, "time_point", ""),
    _row(0x6E, 1, "heat_cost", ""),
    *_durations(0x70, "averaging_duration"),
    *_durations(0x74, "actuality_duration"),
    _row(0x78, 1, "fabrication_number", ""),
    _row(0x79, 1, "identification", ""),
    _row(0x7A, 1, "bus_address", ""),
    _row(0x7E, 1, "any", ""),
    _row(0x7F, 1, "manufacturer_specific", ""),
)
TIME_CODES: Final = (0x6C, 0x6D)
"""Primary codes whose values are dates and times."""

EXTENSION_FB: Final = (
    _row(0x00, 2, "energy", "W.h", 5),
    _row(0x02, 2, "reactive_energy", "var.h", 3),
    _row(0x08, 2, "energy", "J", 8),
    _row(0x10, 2, "volume", "m3", 2),
    _row(0x14, 4, "reactive_power", "var"),
    _row(0x18, 2, "mass", "kg", 5),
    _row(0x1A, 2, "humidity", "%", -1),
    _row(0x28, 2, "power", "W", 5),
    _row(0x2C, 4, "frequency", "Hz", -3),
    _row(0x30, 2, "power", "J/h", 8),
    _row(0x34, 4, "apparent_power", "V.A"),
)

EXTENSION_FD: Final = (
    _row(0x08, 1, "access_number", ""),
    _row(0x09, 1, "medium", ""),
    _row(0x0A, 1, "manufacturer", ""),
    _row(0x0B, 1, "parameter_set", ""),
    _row(0x0C, 1, "model_version", ""),
    _row(0x0D, 1, "hardware_version", ""),
    _row(0x0E, 1, "firmware_version", ""),
    _row(0x0F, 1, "software_version", ""),
    _row(0x10, 1, "customer_location", ""),
    _row(0x11, 1, "customer", ""),
    _row(0x17, 1, "error_flags", ""),
    _row(0x18, 1, "error_mask", ""),
    _row(0x1A, 1, "digital_output", ""),
    _row(0x1B, 1, "digital_input", ""),
    *_durations(0x24, "storage_interval"),
    *_durations(0x2C, "since_readout"),
    _row(0x3A, 1, "dimensionless", ""),
    _row(0x40, 16, "voltage", "V", -9),
    _row(0x50, 16, "current", "A", -12),
    _row(0x60, 1, "resets", ""),
    _row(0x61, 1, "cumulations", ""),
    _row(0x6C, 1, "battery_operating_time", "s", 0, 3600),
    _row(0x6D, 1, "battery_operating_time", "s", 0, 86400),
    _row(0x71, 1, "received_level", "dB[mW]"),
)

UNITS: Final = sorted({row.quantity.unit for row in (*PRIMARY, *EXTENSION_FB, *EXTENSION_FD)} - {""})
"""Every unit of the tables."""

_MANUFACTURER, _EXTENSION = 0x7F, 0x7C
_QUALIFIERS: Final = {
    0x20: "per_second", 0x21: "per_minute", 0x22: "per_hour", 0x23: "per_day", 0x24: "per_week", 0x25: "per_month",
    0x26: "per_year", 0x28: "per_input_pulse_0", 0x29: "per_input_pulse_1", 0x2A: "per_output_pulse_0",
    0x2B: "per_output_pulse_1", 0x39: "start", 0x3A: "uncorrected", 0x3B: "positive", 0x3C: "negative",
    0x40: "lower_limit", 0x48: "upper_limit", 0x7E: "future",
}  # fmt: skip
_PHASES: Final = {1: "l1", 2: "l2", 3: "l3", 4: "n", 5: "l1_l2", 6: "l2_l3", 7: "l3_l1"}


def quantity(codes: list[int], text: str) -> tuple[Quantity, list[str]]:
    """Return what a chain of VIF and VIFEs says, and the qualifiers that make it another quantity.

    Args:
        codes: at least one, without their extension bits; of a manufacturer's own code all that follow are its own.
        text: the quantity's name where the VIF says that the meter writes it itself.
    """
    code, rest = codes[0], codes[1:]
    if code == 0x7C:
        return _qualified(Quantity(text, ""), rest)
    if code == _MANUFACTURER:
        return Quantity("manufacturer_specific", ""), [f"{own:02x}" for own in rest]
    if code in (0x7B, 0x7D) and rest:
        table, named = (EXTENSION_FB, "fb") if code == 0x7B else (EXTENSION_FD, "fd")
        return _qualified(_find(table, rest[0]) or Quantity(f"{named}_{rest[0]:02x}", ""), rest[1:])
    return _qualified(_find(PRIMARY, code) or Quantity(f"vif_{code:02x}", ""), rest)


def _find(table: tuple[Row, ...], code: int) -> Quantity | None:
    for row in table:
        if row.first <= code < row.first + row.codes:
            return row.quantity._replace(exponent=row.quantity.exponent + code - row.first)
    return None


def _qualified(found: Quantity, codes: list[int]) -> tuple[Quantity, list[str]]:
    """Return a quantity with its corrections made, and what else the codes say of it."""
    qualifiers: list[str] = []
    for position, code in enumerate(codes):
        if code == _MANUFACTURER:
            qualifiers.append("manufacturer")
            break  # what follows is the manufacturer's own
        if code == _EXTENSION:
            continue
        if position and codes[position - 1] == _EXTENSION:
            qualifiers.append(_PHASES.get(code, f"extension_{code:02x}"))
        elif 0x70 <= code <= 0x77:
            found = found._replace(exponent=found.exponent + code - 0x76)
        elif code == 0x7D:
            found = found._replace(exponent=found.exponent + 3)
        elif code:
            qualifiers.append(_QUALIFIERS.get(code, f"vife_{code:02x}"))
    return found, qualifiers


def codes_of(name: str, unit: str) -> list[tuple[Quantity, bytes]]:
    """Return the ways to write a quantity in a unit, the largest step first: what it says and its code."""
    ways = [
        (row.quantity._replace(exponent=row.quantity.exponent + step), prefix + bytes([row.first + step]))
        for table, prefix in ((PRIMARY, b""), (EXTENSION_FD, b"\xfd"), (EXTENSION_FB, b"\xfb"))
        for row in table
        if row.quantity.name == name and row.quantity.unit == unit and row.first not in TIME_CODES
        for step in range(row.codes)
    ]
    return sorted(ways, key=lambda way: way[0].factor * 10.0 ** way[0].exponent, reverse=True)
