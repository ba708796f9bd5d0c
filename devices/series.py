"""What each slot of a worker is: one row per series, as arrays.

Knows the registry's facts about series; knows nothing of the store's ids or of values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TIME_MIN_US = -(2**62)
"""Before every time: `service_from_us` of a device without a start."""
TIME_MAX_US = 2**62
"""After every time: `service_to_us` of a device still in service."""


@dataclass(frozen=True, slots=True)
class SeriesTable:
    """Arrays of one length; index i is slot i. Order: devices as registered, fields as in the device model.

    Attributes:
        device: int32, index into the registry's devices.
        measurand: int32, index into the catalogue's measurands.
        kind: int8, the measurand's `Kind`.
        zone: int32, index into the city's zones.
        gateway: int32, index into the registry's gateways (whose watermark the series moves).
        interval_us: int64, the reporting interval; coverage counts against it.
        service_from_us, service_to_us: int64, in service from (included) to (excluded).
        low_ticks, high_ticks: int64, plausible range, both included.
        modulus_ticks: int64, a counter rolls over to 0 at this value; 0 where it never does.
        rate_ticks_max: int64, largest plausible rise of a counter in one hour; 0 where unknown.
    """

    device: NDArray[np.int32]
    measurand: NDArray[np.int32]
    kind: NDArray[np.int8]
    zone: NDArray[np.int32]
    gateway: NDArray[np.int32]
    interval_us: NDArray[np.int64]
    service_from_us: NDArray[np.int64]
    service_to_us: NDArray[np.int64]
    low_ticks: NDArray[np.int64]
    high_ticks: NDArray[np.int64]
    modulus_ticks: NDArray[np.int64]
    rate_ticks_max: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.device.size)
