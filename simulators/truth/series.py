"""The series of a city, and the readings that count in them.

Knows the registry; knows no windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices import Kind, Measurand, ObservationBatch, Registry

HOLD_INTERVALS = 3
"""A state is believed for so many reporting intervals after its reading."""


@dataclass(frozen=True, slots=True)
class Series:
    """One measurand of one device.

    Attributes:
        slot: as batches number it.
        station: position of the device in the registry.
        device, field: codes.
        measurand: what is measured.
        interval_us: reporting interval.
        from_us, to_us: in service from (included) to (excluded).
        modulus: a counter begins again at 0 here; 0 where it never does.
        rate_max: most ticks a counter plausibly rises in an hour; 0 where unknown.
    """

    slot: int
    station: int
    device: str
    field: str
    measurand: Measurand
    interval_us: int
    from_us: int
    to_us: int
    modulus: int
    rate_max: int

    @property
    def hold_us(self) -> int:
        """How long a state is believed."""
        return HOLD_INTERVALS * self.interval_us

    @property
    def is_counter(self) -> bool:
        """Whether what counts is the rise between readings."""
        return self.measurand.kind is Kind.COUNTER

    def due(self, start_us: NDArray[np.int64], end_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the readings owed between starts and ends: the reporting intervals begun while in service."""
        return due(self.interval_us, self.from_us, self.to_us, start_us, end_us)


@dataclass(frozen=True, slots=True)
class Line:
    """Readings of one series in the order of time, each time once: int64 columns."""

    time_us: NDArray[np.int64]
    ticks: NDArray[np.int64]
    flags: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.time_us.size)

    def plausible(self, measurand: Measurand) -> Line:
        """Return the readings within the measurand's range; all others count nowhere."""
        inside = (self.ticks >= measurand.low_ticks) & (self.ticks <= measurand.high_ticks)
        return self if inside.all() else Line(self.time_us[inside], self.ticks[inside], self.flags[inside])


def due(
    interval_us: int, from_us: int, to_us: int, start_us: NDArray[np.int64], end_us: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return how many intervals begin in the part of each stretch that is in service, its own first one included."""
    served = np.minimum(end_us, to_us) - np.maximum(start_us, from_us)
    return np.asarray(np.maximum(served + interval_us - 1, 0) // interval_us)


def series_of(registry: Registry) -> list[Series]:
    """Return every series, ordered by the bytes of device and field."""
    found = []
    for station, device in enumerate(registry.devices):
        slots = registry.slots(station)
        for slot, sent in zip(slots, registry.model_of(device).fields, strict=True):
            found.append(
                Series(
                    slot, station, device.code, sent.name, registry.catalogue.by_code[sent.measurand],
                    device.interval_us, device.service_from_us, device.service_to_us,
                    sent.modulus_ticks, sent.rate_ticks_max,
                )
            )  # fmt: skip
    return sorted(found, key=lambda one: (one.device.encode(), one.field.encode()))


def lines_of(series: list[Series], batch: ObservationBatch) -> Iterator[tuple[Series, Line]]:
    """Yield each series with its readings, in the order given; those without readings are left out.

    Raises:
        IndexError: the batch names a slot that is no series.
        ValueError: a reading stands twice in the batch.
    """
    batch = batch.sorted()
    if len(batch) and not 0 <= int(batch.slot[0]) <= int(batch.slot[-1]) < len(series):
        raise IndexError(f"slots {batch.slot[0]} to {batch.slot[-1]}, but there are {len(series)} series")
    again = np.flatnonzero((np.diff(batch.slot) == 0) & (np.diff(batch.time_us) == 0))
    if again.size:
        at = int(again[0])
        raise ValueError(
            f"slot {batch.slot[at]} has {again.size} times twice, first {batch.time_us[at]} µs: give accepted ones only"
        )
    slots = np.arange(len(series) + 1)
    first = np.searchsorted(batch.slot, slots)
    for one in series:
        part = slice(int(first[one.slot]), int(first[one.slot + 1]))
        if part.start < part.stop:
            yield one, Line(batch.time_us[part], batch.ticks[part], batch.flags[part].astype(np.int64))
