"""Local time as arrays, the form in which the compiled functions read it.

Knows arrays only; needs no compiler, so that a calendar can be made without one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Clock(NamedTuple):
    """Local time as arrays.

    change_us (n + 1,): starts of the spans of one offset, then the end; offset_us (n,): the offset of each span;
    day_us: starts of the civil days, then the end. First and last of change_us and day_us are equal.
    """

    change_us: NDArray[np.int64]
    offset_us: NDArray[np.int64]
    day_us: NDArray[np.int64]
