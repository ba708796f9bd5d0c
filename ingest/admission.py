"""Admission: which decoded readings may become observations, and why the others may not.

Arithmetic over columns. Knows the registry's facts about series; knows neither payloads nor the store.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices import REASONS, SeriesTable

ADMITTED = -1
"""The mark of a reading that passed; every other value is a position in `REASONS`."""

_BAD_TIME = REASONS.index("bad_time")
_OUT_OF_RANGE = REASONS.index("out_of_range")
_FUTURE_CLOCK = REASONS.index("future_clock")
_BEFORE_SERVICE = REASONS.index("before_service")
_AFTER_SERVICE = REASONS.index("after_service")
_ARCHIVED = REASONS.index("archived")


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """What the gateway believes of a device's clock.

    Attributes:
        future_us_max: a reading may be this far ahead of the gateway's clock. One clock that runs ahead must
            not push the watermark past everybody else's data.
        time_us_min: earlier times are clocks that were never set (1970, the GPS epoch of 1980).
    """

    future_us_max: int = 300_000_000
    time_us_min: int = 946_684_800_000_000  # 2000-01-01


def admit(
    slot: NDArray[np.int32],
    time_us: NDArray[np.int64],
    ticks: NDArray[np.int64],
    received_us: NDArray[np.int64],
    series: SeriesTable,
    limits: AdmissionLimits,
    kept_from_us: NDArray[np.int64] | None = None,
) -> NDArray[np.int8]:
    """Return, per reading, `ADMITTED` or the position in `REASONS` of what stands against it.

    All columns have one length. Where several reasons hold, a fault of the clock comes before one of the
    service dates, and both before the value: a reading at a wrong time says nothing about the value.

    Args:
        slot, time_us, ticks, received_us: the readings.
        series: by slot.
        limits: what is believed of clocks.
        kept_from_us: by slot from when on the store has the observations that figures are computed again from; None:
            it has all.
    """
    verdict = np.full(slot.size, ADMITTED, np.int8)
    verdict[(ticks < series.low_ticks[slot]) | (ticks > series.high_ticks[slot])] = _OUT_OF_RANGE
    if kept_from_us is not None:
        verdict[time_us < kept_from_us[slot]] = _ARCHIVED
    verdict[time_us >= series.service_to_us[slot]] = _AFTER_SERVICE
    verdict[time_us < series.service_from_us[slot]] = _BEFORE_SERVICE
    verdict[time_us > received_us + limits.future_us_max] = _FUTURE_CLOCK
    verdict[time_us < limits.time_us_min] = _BAD_TIME
    return verdict
