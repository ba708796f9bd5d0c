"""Calibrations: the line by which a device's readings are corrected, from a date on, with its certificate.

Knows `calibrations.csv` and arithmetic on ticks; knows neither payloads nor the store.
"""

from __future__ import annotations

import csv
import io
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from devices.errors import ValueRefusedError, nearest
from devices.measurands import Kind
from devices.tables import Problems
from devices.ticks import TICKS_MAX, TICKS_MIN, Scale, divide_half_even, parse_number
from devices.times import time_us_from_civil

FILE: Final = "calibrations.csv"
COLUMNS: Final = ("device", "field", "valid_from", "gain", "offset", "certificate", "source")
REQUIRED: Final = ("device", "field", "valid_from")
KINDS: Final = (Kind.GAUGE, Kind.LEVEL)
"""Kinds that a line corrects. A counter would jump where one begins, an angle goes round, a state is no number."""
DECIMALS_MAX: Final = 18
"""Decimals of a gain or an offset."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What corrects a field of a device: calibrated = reading * gain + offset.

    Attributes:
        device, field: codes.
        valid_from_us: phenomenon times from here on, until the next one of the same field.
        gain, offset: exact; the offset in the measurand's unit.
        certificate, source: what says so.
    """

    device: str
    field: str
    valid_from_us: int
    gain: Fraction
    offset: Fraction
    certificate: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What a field that may be calibrated is: the kind and the decimals of its measurand."""

    kind: Kind
    decimals: int


class Lines:
    """Calibrations by slot, as they are applied.

    Args:
        slots: number of slots there are.
        by_slot: of a slot, when each line begins, in order, and the line from ticks to ticks.
    """

    def __init__(self, slots: int, by_slot: Mapping[int, tuple[tuple[int, ...], tuple[Scale, ...]]]) -> None:
        self._by_slot = by_slot
        self._calibrated = np.zeros(slots, np.bool_)
        self._calibrated[list(by_slot)] = True

    def apply(self, slot: NDArray[np.int32], time_us: NDArray[np.int64], ticks: NDArray[np.int64]) -> None:
        """Correct ticks in their place; columns of one length. Others than calibrated slots cost nothing each."""
        for at in np.flatnonzero(self._calibrated[slot]).tolist():
            ticks[at] = self.corrected(int(slot[at]), int(time_us[at]), int(ticks[at]))

    def corrected(self, slot: int, time_us: int, ticks: int) -> int:
        """Return the corrected ticks of one reading, rounded half to even from the exact value.

        What 64 bits do not hold stays at their edge: it is outside of every measurand's range, and refused as such.
        """
        starts, lines = self._by_slot[slot]
        at = bisect_right(starts, time_us) - 1
        if at < 0:
            return ticks
        line = lines[at]
        return min(max(divide_half_even(ticks * line.num + line.shift, line.den), TICKS_MIN), TICKS_MAX)


def line_of(calibration: Calibration, decimals: int) -> Scale:
    """Return the exact line from ticks to calibrated ticks."""
    whole = Scale.of(calibration.gain, calibration.offset, decimals)
    return Scale(whole.num, whole.den * 10**decimals, whole.shift * 10**decimals)


def read_calibrations(
    file: Path, zone: ZoneInfo, targets: Mapping[tuple[str, str], Target], problems: Problems
) -> tuple[Calibration, ...]:
    """Return the calibrations of a file; faults go to `problems`."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        problems.add(str(file), "", f"expected CSV in UTF-8: {error}")
        return ()
    header = [name.strip() for name in lines[0]] if lines else []
    missing = [name for name in REQUIRED if name not in header]
    for name in [*missing, *(name for name in header if name not in COLUMNS)]:
        what = "is missing" if name in missing else f"unknown column{nearest(name, COLUMNS)}"
        problems.add(str(file), f"line 1, column {name}", f"{what}; expected {','.join(COLUMNS)}")
    if missing or len(set(header)) != len(header):
        return ()
    found: dict[tuple[str, str, int], Calibration] = {}
    for number, cells in enumerate(lines[1:], 2):
        if not any(cells):
            continue
        if len(cells) != len(header):
            problems.add(str(file), f"line {number}", f"expected {len(header)} columns, got {len(cells)}")
            continue
        row = _Row(dict(zip(header, map(str.strip, cells), strict=True)), f"line {number}", str(file), problems)
        one = row.calibration(zone, targets)
        if one is not None and found.setdefault((one.device, one.field, one.valid_from_us), one) is not one:
            row.fault("valid_from", f"{one.device} {one.field} has another calibration from the same moment")
    return tuple(found[key] for key in sorted(found))


def lines_of(
    calibrations: Iterable[Calibration], slots: Mapping[tuple[str, str], tuple[int, int]], count: int
) -> Lines | None:
    """Return calibrations as they are applied; None where there are none.

    Args:
        calibrations: in order of device, field and time.
        slots: slot and decimals of each field of each device.
        count: number of slots.
    """
    found: dict[int, tuple[list[int], list[Scale]]] = {}
    for one in calibrations:
        slot, decimals = slots[one.device, one.field]
        starts, lines = found.setdefault(slot, ([], []))
        starts.append(one.valid_from_us)
        lines.append(line_of(one, decimals))
    return Lines(count, {slot: (tuple(a), tuple(b)) for slot, (a, b) in found.items()}) if found else None


class _Row:
    """One line of the file."""

    def __init__(self, cells: Mapping[str, str], where: str, file: str, problems: Problems) -> None:
        self._cells, self._where, self._file, self._problems = cells, where, file, problems

    def fault(self, column: str, what: str) -> None:
        """Note a fault of one column."""
        self._problems.add(self._file, f"{self._where}, column {column}", what)

    def calibration(self, zone: ZoneInfo, targets: Mapping[tuple[str, str], Target]) -> Calibration | None:
        """Return what the line says; None where it has a fault."""
        before = len(self._problems.found)
        device, field = self._cells["device"], self._cells["field"]
        target = targets.get((device, field))
        if target is None:
            known = sorted({of for of, _ in targets})
            if device in known:
                fields = [name for of, name in targets if of == device]
                self.fault("field", f"{device} has no field {field!r}{nearest(field, fields)}")
            else:
                self.fault("device", f"unknown device {device!r}{nearest(device, known)}")
        elif target.kind not in KINDS:
            kinds = " or ".join(kind.name.lower() for kind in KINDS)
            self.fault("field", f"expected a {kinds}, {field!r} is a {target.kind.name.lower()}")
        valid_from_us = 0
        try:
            valid_from_us = time_us_from_civil(self._cells["valid_from"], zone)
        except ValueError as error:
            self.fault("valid_from", str(error))
        gain, offset = self._number("gain", Fraction(1)), self._number("offset", Fraction(0))
        if gain <= 0:
            self.fault("gain", f"expected a number above 0, got {gain}")
        if len(self._problems.found) > before:
            return None
        return Calibration(
            device,
            field,
            valid_from_us,
            gain,
            offset,
            self._cells.get("certificate", ""),
            self._cells.get("source", ""),
        )

    def _number(self, column: str, default: Fraction) -> Fraction:
        text = self._cells.get(column, "")
        if not text:
            return default
        try:
            number = parse_number(text)
        except ValueRefusedError as error:
            self.fault(column, error.detail)
            return default
        if not -DECIMALS_MAX <= number.exponent <= DECIMALS_MAX:
            self.fault(column, f"expected at most {DECIMALS_MAX} decimals, got {text}")
            return default
        return number.mantissa * Fraction(10) ** number.exponent
