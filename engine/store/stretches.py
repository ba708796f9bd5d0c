"""Cutting lookups by time, so that each of them meets few chunks.

Knows only times. A lookup by staged keys asks every chunk between its limits for every key: over a year in any order
that is fifty questions a reading. Cut into stretches of the length of a chunk, it is one or two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.cells import Grid
from engine.store.binary import Timestamp

DAY_US: Final = 86_400_000_000
OBSERVATION_US: Final = 7 * DAY_US
VALUE_US: Final = 28 * DAY_US
CELL_US: Final[Mapping[Grid, int]] = {Grid.MINUTE: 7 * DAY_US, Grid.HOUR: 28 * DAY_US, Grid.DAY: 364 * DAY_US}
"""How long the chunks are that the migrations make; a table whose chunks were made shorter since only takes longer."""
STRETCHES_MAX = 64
"""Each stretch reads all that is staged once more, so there are not more of them than this, however long it all is."""


def stretches(time_us: NDArray[np.int64], chunk_us: int) -> Iterator[dict[str, Timestamp]]:
    """Give the limits, `low` and `high`, both included, of stretches that together hold all the times.

    Args:
        time_us: int64, microseconds UTC, in any order.
        chunk_us: how long the chunks of the table are; they begin at multiples of it, and so do the stretches.
    """
    chunks = np.unique(time_us // chunk_us)
    if not chunks.size:
        return
    first_us, last_us = int(time_us.min()), int(time_us.max())
    for some in np.array_split(chunks, min(chunks.size, STRETCHES_MAX)):
        low_us, high_us = int(some[0]) * chunk_us, (int(some[-1]) + 1) * chunk_us - 1
        yield {"low": Timestamp(max(low_us, first_us)), "high": Timestamp(min(high_us, last_us))}
