"""How cells live in memory: what is missing, dirty, settled, evicted, refused."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from devices.batch import ObservationBatch
from devices.measurands import Kind
from devices.series import TIME_MIN_US
from engine import Calendar, CellsFullError, Grid, Keys, LastReadings, Spans, UnfitSeriesError, WindowLimits, Windows
from tests.engine.desk import Desk, batch_of, cells_from, measurands_of, rows, series_of, windows_of
from tests.oracle import HOUR_US, MINUTE_US, Fact

CALENDAR = Calendar(ZoneInfo("Asia/Kathmandu"), 2020, 2025)
BEGIN = int(CALENDAR.starts(Grid.DAY, CALENDAR.from_us, CALENDAR.from_us + 1)[0]) + 48 * HOUR_US
GAUGE = Fact(Kind.GAUGE, low=-100, high=100)
METER = Fact(Kind.COUNTER, high=1000, interval_us=HOUR_US)
ZERO = np.zeros(1, np.int32)


def at(hours: float) -> int:
    return BEGIN + int(hours * HOUR_US)


def test_a_reading_counts_in_its_minute_hour_and_day() -> None:
    windows = windows_of([GAUGE] * 3, CALENDAR)
    windows.absorb(batch_of([(2, at(5.5), -7), (0, at(5.5), 3), (2, at(5.5) + 1, 9)]))
    one, two = (1, 3, 3, 3, 0, 0, 0), (2, -7, 9, 2, 0, 0, 0)
    assert rows(windows.dirty(Grid.MINUTE)) == {(0, at(5.5)): one, (2, at(5.5)): two}
    assert rows(windows.dirty(Grid.HOUR)) == {(0, at(5)): one, (2, at(5)): two}
    assert rows(windows.dirty(Grid.DAY)) == {(0, at(0)): one, (2, at(0)): two}


def test_hours_are_those_of_the_city_even_at_three_quarters() -> None:
    windows = windows_of([GAUGE], CALENDAR)
    windows.absorb(batch_of([(0, at(1) - 1, 1), (0, at(1), 2)]))
    assert (BEGIN // MINUTE_US) % 60 == 15
    assert windows.dirty(Grid.HOUR).start_us.tolist() == [at(0), at(1)]


def test_gather_is_aligned_with_the_slots_asked_for_and_zero_where_nothing_is_known() -> None:
    windows = windows_of([GAUGE] * 4, CALENDAR)
    windows.absorb(batch_of([(1, at(0), 5), (3, at(0), -6), (3, at(1), 8)]))
    cells = windows.gather(Grid.HOUR, np.array([3, 0, 1, 3], np.int32), at(0))
    assert cells.slot.tolist() == [3, 0, 1, 3]
    assert cells.count.tolist() == [1, 0, 1, 1]
    assert cells.sums[:, 0].tolist() == [-6, 0, 5, -6]
    assert cells.start_us.tolist() == [at(0)] * 4
    each = windows.gather(Grid.HOUR, np.array([3, 3, 3], np.int32), np.array([at(1), at(0), at(2)]))
    assert each.high.tolist() == [8, -6, 0]


def test_settled_cells_are_clean_unless_they_changed_meanwhile() -> None:
    windows = windows_of([GAUGE] * 2, CALENDAR)
    windows.absorb(batch_of([(0, at(0), 5), (1, at(0), 6)]))
    written = windows.dirty(Grid.HOUR)
    windows.absorb(batch_of([(1, at(0.5), 7)]))
    assert windows.settle(Grid.HOUR, written) == 1
    assert rows(windows.dirty(Grid.HOUR)) == {(1, at(0)): (2, 6, 7, 13, 0, 0, 0)}
    assert windows.dirty_cells(Grid.DAY) == 2


def test_eviction_takes_clean_cells_before_the_time_and_leaves_dirty_ones() -> None:
    desk = Desk([GAUGE], CALENDAR)
    desk.feed([(0, at(h), h) for h in range(5)])
    desk.flush()
    desk.feed([(0, at(1.5), 50)])
    assert desk.windows.evict(Grid.HOUR, at(3)) == 2
    assert sorted(rows(desk.windows.held(Grid.HOUR))) == [(0, at(1)), (0, at(3)), (0, at(4))]
    assert desk.windows.cells(Grid.HOUR) == 3
    assert desk.windows.counts.evicted == 2


def test_a_series_may_keep_its_cells_longer_than_others() -> None:
    desk = Desk([GAUGE] * 2, CALENDAR)
    desk.feed([(slot, at(h), h) for h in range(6) for slot in (0, 1)])
    desk.flush()
    assert desk.windows.evict(Grid.HOUR, at(4), np.array([0, 2 * HOUR_US])) == 4 + 2
    held = sorted(rows(desk.windows.held(Grid.HOUR)))
    assert held == [(0, at(4)), (0, at(5)), (1, at(2)), (1, at(3)), (1, at(4)), (1, at(5))]


def test_lacking_are_the_cells_that_only_the_store_may_know() -> None:
    desk = Desk([GAUGE] * 2, CALENDAR)
    desk.feed([(0, at(h), h) for h in range(6)])
    desk.flush()
    desk.windows.resume(desk.windows.last(), floor_us=at(5))
    desk.windows.evict(Grid.HOUR, at(3))
    wanted = Keys(np.array([0, 0, 0, 0, 0, 1], np.int32), np.array([at(h) for h in (1, 3, 4.25, 5.25, 9, 1)]))
    lacking = desk.windows.lacking(Grid.HOUR, wanted)
    assert list(zip(lacking.slot.tolist(), lacking.start_us.tolist(), strict=True)) == [(0, at(1)), (0, at(4.25))]


def test_of_a_series_that_had_no_reading_the_store_is_asked_for_nothing_before_its_first() -> None:
    desk = Desk([GAUGE], CALENDAR)
    desk.windows.resume(LastReadings.none(1))
    desk.feed([(0, at(h), h) for h in range(10, 14)])
    desk.flush()
    desk.windows.evict(Grid.HOUR, at(13))
    wanted = Keys(np.zeros(14, np.int32), np.array([at(h) for h in range(14)]))
    asked = desk.windows.lacking(Grid.HOUR, wanted).start_us.tolist()
    assert [at(10), at(11), at(12)] == [start for start in asked if start >= at(10)]
    assert min(asked) > at(7)
    desk.feed([(0, at(2), 1)])
    desk.flush()
    desk.windows.evict(Grid.HOUR, at(13))
    assert at(2) in desk.windows.lacking(Grid.HOUR, wanted).start_us.tolist()


def test_a_late_gauge_finds_its_evicted_cell_again() -> None:
    desk = Desk([GAUGE], CALENDAR)
    desk.feed([(0, at(h), h) for h in range(50)])
    desk.flush()
    desk.evict(at(60))
    assert sum(desk.windows.cells(grid) for grid in Grid) == 0
    desk.feed([(0, at(3) + 1, 90)])
    assert desk.loads == 3
    assert desk.result()[Grid.HOUR][0, at(3)] == (2, 3, 90, 93, 0, 0, 0)
    assert desk.result()[Grid.DAY][0, at(0)][:2] == (25, 0)


def test_in_order_readings_never_ask_the_store() -> None:
    desk = Desk([GAUGE, METER], CALENDAR)
    for h in range(30):
        missing = desk.windows.missing(batch_of([(0, at(h), 1), (1, at(h), h)]))
        wanted = [start for keys in missing.values() for start in keys.start_us.tolist()]
        assert wanted == []
        desk.feed([(0, at(h), 1), (1, at(h), h)])


def test_only_what_lies_below_the_floor_and_not_after_the_last_reading_is_missing() -> None:
    windows = windows_of([GAUGE], CALENDAR)
    last = LastReadings(np.array([at(30)]), np.array([1]))
    windows.resume(last, floor_us={Grid.MINUTE: at(20), Grid.HOUR: at(10), Grid.DAY: at(0)})
    batch = batch_of([(0, at(5) + 1, 1), (0, at(12) + 1, 1), (0, at(12) + 2, 1), (0, at(40), 1)])
    missing = windows.missing(batch)
    assert missing[Grid.MINUTE].start_us.tolist() == [at(5), at(12)]
    assert missing[Grid.HOUR].start_us.tolist() == [at(5)]
    assert missing[Grid.DAY].start_us.tolist() == []
    windows.put(Grid.HOUR, cells_from({(0, at(5)): (0, 0, 0, 0, 0, 0, 0)}), dirty=False)
    assert windows.missing(batch)[Grid.HOUR].start_us.tolist() == []


def test_what_memory_knows_is_newer_than_what_the_store_knows() -> None:
    windows = windows_of([GAUGE], CALENDAR)
    windows.absorb(batch_of([(0, at(0), 5)]))
    old = cells_from({(0, at(0)): (1, 1, 1, 1, 0, 0, 0), (0, at(1)): (2, 1, 3, 4, 0, 0, 0)})
    windows.put(Grid.HOUR, old, dirty=False)
    assert rows(windows.held(Grid.HOUR)) == {(0, at(0)): (1, 5, 5, 5, 0, 0, 0), (0, at(1)): (2, 1, 3, 4, 0, 0, 0)}
    assert list(rows(windows.dirty(Grid.HOUR))) == [(0, at(0))]
    windows.put(Grid.HOUR, old, dirty=True)
    assert rows(windows.dirty(Grid.HOUR))[0, at(0)] == (1, 1, 1, 1, 0, 0, 0)


def test_readings_outside_range_or_calendar_count_nowhere_and_are_counted() -> None:
    windows = windows_of([GAUGE, METER], CALENDAR)
    done = windows.absorb(
        batch_of([(0, at(0), 101), (0, at(0), -101), (0, 0, 1), (1, at(0), -1), (1, at(0), 1001), (1, 2**61, 5)])
    )
    assert done.outside == windows.counts.outside == 6
    assert sum(windows.cells(grid) for grid in Grid) == 0
    assert windows.last().time_us.tolist() == [TIME_MIN_US] * 2
    assert not any(len(keys) for keys in windows.missing(batch_of([(0, at(0), 101), (1, 2**61, 5)])).values())


def test_an_unknown_slot_is_refused() -> None:
    windows = windows_of([GAUGE], CALENDAR)
    for slot in (-1, 1):
        with pytest.raises(IndexError, match="there are 1 series"):
            windows.absorb(batch_of([(slot, at(0), 1)]))
        with pytest.raises(IndexError):
            windows.missing(batch_of([(slot, at(0), 1)]))
        with pytest.raises(IndexError):
            windows.gather(Grid.HOUR, np.array([slot], np.int32), at(0))


def test_an_empty_batch_changes_nothing() -> None:
    windows = windows_of([GAUGE, METER], CALENDAR)
    done = windows.absorb(ObservationBatch.empty())
    assert (len(done.late), len(done.decisions), done.outside) == (0, 0, 0)
    assert len(windows.missing(ObservationBatch.empty())[Grid.HOUR]) == 0


def test_the_last_reading_is_the_newest_in_time_not_in_arrival() -> None:
    windows = windows_of([GAUGE, METER], CALENDAR)
    windows.absorb(batch_of([(0, at(2), 5), (0, at(1), 6), (1, at(2), 7), (1, at(1), 6)]))
    windows.absorb(batch_of([(0, at(1.5), 4)]))
    assert windows.last().time_us.tolist() == [at(2), at(2)]
    assert windows.last().ticks.tolist() == [5, 7]


def test_tables_grow_as_cells_come_and_give_memory_back() -> None:
    windows = windows_of([GAUGE] * 1000, CALENDAR)
    slots = np.arange(1000, dtype=np.int32)
    for minute in range(60):
        windows.absorb(ObservationBatch.of(slots, np.full(1000, at(0) + minute * MINUTE_US), slots % 100))
    assert windows.cells(Grid.MINUTE) == 60_000
    assert windows.gather(Grid.HOUR, slots, at(0)).count.tolist() == [60] * 1000
    large = windows.nbytes
    windows.settle(Grid.MINUTE, windows.dirty(Grid.MINUTE))
    windows.evict(Grid.MINUTE, at(1))
    assert windows.cells(Grid.MINUTE) == 0
    assert windows.nbytes < large / 2
    assert windows.gather(Grid.DAY, slots, at(0)).sums[:, 0].tolist() == (60 * (slots % 100)).tolist()


def test_a_batch_beyond_the_limit_is_refused_and_changes_nothing() -> None:
    limits = WindowLimits(minutes_max=10, hours_max=10, days_max=10)
    windows = windows_of([GAUGE, METER], CALENDAR, limits)
    windows.absorb(batch_of([(0, at(h), h) for h in range(8)]))
    before = rows(windows.held(Grid.HOUR))
    with pytest.raises(CellsFullError, match="write the dirty cells down") as refusal:
        windows.absorb(batch_of([(0, at(h) + 1, h) for h in range(6, 12)]))
    assert (refusal.value.grid, refusal.value.needed, refusal.value.limit) == ("minute", 12, 10)
    assert rows(windows.held(Grid.HOUR)) == before
    assert windows.last().time_us[0] == at(7)
    windows.absorb(batch_of([(0, at(h) + 1, h) for h in range(6, 10)]))  # two of the four hours are known
    assert windows.cells(Grid.HOUR) == 10
    with pytest.raises(CellsFullError):
        windows.put(Grid.HOUR, cells_from({(0, at(20)): (1, 1, 1, 1, 0, 0, 0)}), dirty=False)


def test_a_long_gap_of_a_meter_beyond_the_limit_is_refused_and_changes_nothing() -> None:
    windows = windows_of([METER], CALENDAR, WindowLimits(minutes_max=100, hours_max=100, days_max=100))
    windows.absorb(batch_of([(0, at(0), 1)]))
    with pytest.raises(CellsFullError):
        windows.absorb(batch_of([(0, at(101), 9)]))
    assert windows.cells(Grid.HOUR) == 1
    assert windows.last().time_us[0] == at(0)
    windows.absorb(batch_of([(0, at(95), 9)]))
    assert windows.cells(Grid.HOUR) == 96


def test_a_recompute_beyond_the_limit_is_refused_and_changes_nothing() -> None:
    windows = windows_of([GAUGE], CALENDAR, WindowLimits(minutes_max=2000, hours_max=2000, days_max=20))
    readings = batch_of([(0, at(0) + k * MINUTE_US, 1) for k in range(2500)])
    with pytest.raises(CellsFullError):
        windows.recompute(Spans.of([0], [at(0)], [at(48)]), readings, cells_from({}))
    assert sum(windows.cells(grid) for grid in Grid) == 0


def test_recomputing_marks_dirty_only_what_differs() -> None:
    desk = Desk([GAUGE], CALENDAR)
    desk.feed([(0, at(h) + k, h) for h in range(5) for k in range(3)])
    desk.flush()
    desk.recompute(Spans.of([0], [at(0)], [at(5)]))
    assert [desk.windows.dirty_cells(grid) for grid in Grid] == [0, 0, 0]
    desk.lines[0].remove((at(2) + 1, 2))
    desk.lines[0].remove((at(3), 3))
    del desk.lines[0][0:3]
    desk.recompute(Spans.of([0], [at(0)], [at(5)]))
    assert rows(desk.windows.dirty(Grid.HOUR)) == {
        (0, at(0)): (0, 0, 0, 0, 0, 0, 0),
        (0, at(2)): (2, 2, 2, 4, 0, 0, 0),
        (0, at(3)): (2, 3, 3, 6, 0, 0, 0),
    }
    assert rows(desk.windows.dirty(Grid.DAY)) == {(0, at(0)): (10, 1, 4, 3 + 4 + 6 + 12, 0, 0, 0)}


def test_a_span_of_broken_hours_or_a_twin_observation_is_refused() -> None:
    windows = windows_of([GAUGE], CALENDAR)
    none = cells_from({})
    for begin, end in ((at(0) + 1, at(1)), (at(0), at(1) - 1), (at(0.25), at(1.25))):
        with pytest.raises(ValueError, match="an hour of the city"):
            windows.recompute(Spans.of([0], [begin], [end]), ObservationBatch.empty(), none)
    with pytest.raises(ValueError, match="empty"):
        windows.recompute(Spans.of([0], [at(1)], [at(1)]), ObservationBatch.empty(), none)
    with pytest.raises(ValueError, match="twice"):
        windows.recompute(Spans.of([0], [at(0)], [at(1)]), batch_of([(0, at(0), 1), (0, at(0), 2)]), none)


def test_closed_names_the_cells_whose_end_and_lateness_are_past() -> None:
    windows = windows_of([GAUGE], CALENDAR)
    windows.absorb(batch_of([(0, at(0), 1), (0, at(1), 1)]))
    assert windows.closed(Grid.HOUR, at(1) + 5, 5).start_us.tolist() == [at(0)]
    assert windows.closed(Grid.HOUR, at(1) + 4, 5).start_us.tolist() == []
    assert windows.closed(Grid.DAY, at(24), 0).start_us.tolist() == [at(0)]
    assert windows.closed(Grid.MINUTE, at(0) + MINUTE_US, 0).start_us.tolist() == [at(0)]


def test_resume_wants_one_reading_per_slot() -> None:
    windows = windows_of([GAUGE] * 2, CALENDAR)
    with pytest.raises(ValueError, match="one per slot"):
        windows.resume(LastReadings.none(3))


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        (Fact(Kind.GAUGE, low=0, high=10**14), "sums could overflow"),
        (Fact(Kind.EVENT, low=-(2**63), high=0), "sums could overflow"),
        (Fact(Kind.GAUGE, low=5, high=4), "range is empty"),
        (Fact(Kind.LEVEL, high=1310), "energies could overflow"),
        (Fact(Kind.LEVEL, high=10**8, decimals=7), "ticks"),
        (Fact(Kind.ANGLE, high=3600, decimals=9), "decimals"),
        (Fact(Kind.STATE, high=4), "states must be 0 to 3"),
        (Fact(Kind.STATE, high=3, interval_us=0), "reporting interval"),
        (Fact(Kind.COUNTER, modulus=-1), "modulus"),
        (Fact(Kind.COUNTER, interval_us=2**62), "9,000 years"),
    ],
)
def test_a_series_that_could_overflow_or_lacks_a_fact_is_refused_at_start(fact: Fact, why: str) -> None:
    facts = [GAUGE, fact]
    with pytest.raises(UnfitSeriesError, match="series 1") as refusal:
        Windows(series_of(facts), CALENDAR, measurands_of(facts))
    assert why in str(refusal.value)


def test_sums_at_the_end_of_the_range_are_exact() -> None:
    most = (2**63 - 1) // 100_000
    windows = windows_of([Fact(Kind.GAUGE, low=-most, high=most), Fact(Kind.LEVEL, high=1300)], CALENDAR)
    count = 86_400
    seconds = at(0) + np.arange(count) * 1_000_000
    for slot, ticks in ((0, most), (1, 1300)):
        windows.absorb(ObservationBatch.of(np.full(count, slot), seconds, np.full(count, ticks)))
    assert windows.gather(Grid.DAY, ZERO, at(0)).sums[0, 0] == most * count
    assert windows.gather(Grid.DAY, ZERO + 1, at(0)).sums[0, 0] == 8 * 10**13 * count
    assert windows.counts.crowded == 0


def test_a_cell_too_crowded_for_its_sum_is_reported() -> None:
    most = (2**63 - 1) // 100_000
    windows = windows_of([Fact(Kind.GAUGE, low=0, high=most)], CALENDAR)
    count = 100_002
    done = windows.absorb(ObservationBatch.of(np.zeros(count), at(0) + np.arange(count), np.zeros(count)))
    assert done.crowded == windows.counts.as_dict()["crowded"] == 2


def test_seconds_between_cells_of_every_slot_stay_apart() -> None:
    """A hash that confused slots and times would show here: many slots, many starts, each cell with its own value."""
    windows = windows_of([GAUGE] * 97, CALENDAR)
    slot, hour = (axis.ravel() for axis in np.meshgrid(np.arange(97), np.arange(200), indexing="ij"))
    windows.absorb(ObservationBatch.of(slot, at(0) + hour * HOUR_US, (slot * 7 + hour * 13) % 100))
    for h in (0, 1, 77, 199):
        cells = windows.gather(Grid.HOUR, np.arange(97, dtype=np.int32), at(h))
        assert cells.high.tolist() == [(s * 7 + h * 13) % 100 for s in range(97)]
