"""A small town for the store's tests: made in memory, of the models that come with the package."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np

from devices import City, Device, ObservationBatch, Register, Registry, Zone, load_measurands, load_models
from devices.series import TIME_MAX_US, TIME_MIN_US
from engine.cells import SUM_COUNT, Cells, Grid
from engine.store import Append, CellRows, QuarantineRow, ValueRows

HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
T0 = 1_700_000_000_000_000 // HOUR_US * HOUR_US
"""A full hour in November 2023."""


@dataclass(frozen=True)
class Band:
    """A band of an indicator, as far as the store looks at it."""

    name: str


@dataclass(frozen=True)
class Indicator:
    """An indicator's definition, as far as the store looks at it."""

    code: str
    window: Grid
    title: str = "An index"
    unit: str = "1"
    decimals: int = 0
    bands: tuple[Band, ...] = (Band("good"), Band("bad"))
    source: str = "a test"


INDICATORS = (Indicator("cai", Grid.HOUR), Indicator("laeq", Grid.HOUR, unit="dB[SPL]", decimals=1, bands=()))


def town(
    models: Sequence[str] = ("water_meter", "air_station", "noise_monitor"),
    *,
    count: int = 1,
    code: str = "town",
    prefix: str = "d",
) -> Registry:
    """Return a town with `count` devices of each model, in two zones by turns."""
    zones = (Zone("north", "North", ()), Zone("south", "South", ()))
    city = City(
        code=code, name="Town", time_zone="Europe/Copenhagen", zone_info=ZoneInfo("Europe/Copenhagen"), population=1000,
        households=400, area_km2=Fraction(5, 2), zones=zones,
        registers=(Register("population", Fraction(10005, 10), "1", date(2023, 1, 1), "the town"),),
    )  # fmt: skip
    known = load_models()
    devices = []
    for i in range(count):
        for model in models:
            name = f"{prefix}{len(devices)}"
            devices.append(
                Device(
                    name, model, zones[i % 2].code, 55.5, 12.25, TIME_MIN_US, TIME_MAX_US,
                    known[model].interval_s * 1_000_000, "direct", name.upper(), f"cityvitals/{code}/{name}/telemetry",
                    MappingProxyType({}),
                )
            )  # fmt: skip
    return Registry(city, load_measurands(), known, tuple(devices), ("direct",))


def without_device(registry: Registry, position: int) -> Registry:
    """Return the same town less one device."""
    devices = registry.devices[:position] + registry.devices[position + 1 :]
    return replace(registry, devices=devices)


def refused(
    detail: str = "", *, reason: str = "malformed", readings: int = 1, payload: bytes = b"{", device: str = "d0"
) -> QuarantineRow:
    """Return a row for the quarantine."""
    return QuarantineRow(T0, reason, f"cityvitals/town/{device}/telemetry", device, detail, readings, payload)


def conflict_row(row: int, stands: int) -> QuarantineRow:
    """Return the row for a conflict, which says what the store said."""
    return refused(f"row {row}: {stands} stands", reason="conflict")


def append(
    slot: object,
    time_us: object,
    ticks: object,
    *,
    refused: Sequence[QuarantineRow] = (),
    mark_us: int = TIME_MIN_US,
    messages: int = 1,
    key: uuid.UUID | None = None,
    conflict_row: Callable[[int, int], QuarantineRow] = conflict_row,
) -> Append:
    """Return a commit of these readings."""
    batch = ObservationBatch.of(slot, time_us, ticks)
    return Append(key or uuid.uuid4(), batch, messages, refused, conflict_row, mark_us, "gateway-1")


def cells(slot: object, start_us: object, count: object, *, closed: object = False, scale: int = 1) -> CellRows:
    """Return cells whose other figures all follow from the count."""
    counts = np.asarray(count, np.int64)
    sums = np.stack([counts * scale * (k + 1) for k in range(SUM_COUNT)], axis=1)
    found = Cells(np.asarray(slot, np.int32), np.asarray(start_us, np.int64), counts, counts - 5, counts + 5, sums)
    return CellRows(
        found, np.full(counts.size, 60, np.int64), np.broadcast_to(np.asarray(closed, np.bool_), counts.shape)
    )


def values(
    indicator_id: object, scope_id: object, start_us: object, ticks: object, *, closed: object = False,
    band: object = 1, driver: object = -1, received: int = 10, expected: int = 12,
) -> ValueRows:  # fmt: skip
    """Return results of indicators."""
    starts = np.asarray(start_us, np.int64)

    def column(value: object, kind: type[np.generic]) -> np.ndarray:
        return np.broadcast_to(np.asarray(value, kind), starts.shape).copy()

    return ValueRows(
        column(indicator_id, np.int32), column(scope_id, np.int32), starts, column(ticks, np.int64),
        column(band, np.int16), column(driver, np.int32), column(received, np.int64), column(expected, np.int64),
        column(closed, np.bool_),
    )  # fmt: skip
