"""What excluded observations add to an hour is what the kernels add for them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from devices import ObservationBatch
from engine.calendar import Calendar
from engine.cells import Grid
from engine.quality.weighing import Weighing, aligned, differ, less, unique
from engine.spans import Keys
from engine.windows import Windows
from tests.engine.store.town import HOUR_US, T0, town

TOWN = town(("air_station", "noise_monitor"))
SERIES = TOWN.series()
SLOTS = [TOWN.slot("d0", "pm2_5"), TOWN.slot("d0", "temperature"), TOWN.slot("d1", "sound_level")]
CALENDAR = Calendar(TOWN.city.zone_info, 2023, 2023)
WEIGHING = Weighing(SERIES, TOWN.catalogue.measurands)

rows_of = st.lists(
    st.tuples(
        st.sampled_from(SLOTS), st.integers(0, 3 * 60 - 1), st.integers(-60, 1300), st.booleans()
    ),
    max_size=60, unique_by=lambda row: row[:2],
)  # fmt: skip


def hours(batch: ObservationBatch) -> tuple[Keys, np.ndarray]:
    starts = CALENDAR.start_of(Grid.HOUR, batch.time_us)
    return unique(Keys(batch.slot, starts)), starts


@given(rows_of)
def test_parts_are_the_cells_of_the_excluded_readings_and_what_is_left_those_of_the_others(
    rows: list[tuple[int, int, int, bool]],
) -> None:
    batch = ObservationBatch.of(
        [slot for slot, *_ in rows], [T0 + minute * HOUR_US // 60 for _, minute, *_ in rows],
        [ticks for *_, ticks, _ in rows],
    )  # fmt: skip
    order = np.lexsort((batch.time_us, batch.slot))
    batch, out = batch.take(order), np.array([row[3] for row in rows], np.bool_)[order]
    keys, starts = hours(batch)
    parts = WEIGHING.parts(keys, batch, starts, out)

    def cells_of(some: np.ndarray) -> Windows:
        windows = Windows(SERIES, CALENDAR, TOWN.catalogue.measurands)
        windows.absorb(batch.take(some))
        return windows

    whole, excluded, rest = (
        aligned(keys, cells_of(some).gather(Grid.HOUR, keys.slot, keys.start_us))
        for some in (np.ones(len(batch), np.bool_), out, ~out)
    )
    assert parts.count.tolist() == excluded.count.tolist()
    assert parts.sums.tolist() == excluded.sums.tolist()
    touched = parts.count > 0
    assert parts.low[touched].tolist() == rest.low[touched].tolist()
    assert parts.high[touched].tolist() == rest.high[touched].tolist()
    assert not differ(less(whole, parts), rest).any()
