"""The newest hours as columns: against cells asked for one by one, and what is asked for at all."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.cells import SUM_COUNT, Cells, Grid
from engine.indicators.recent import RECENT_HOURS, RecentHours
from tests.engine.indicators.oracle_indicators import HOUR_US

FIRST_US = 500_000 * HOUR_US
SLOTS = 7


class Hours:
    """Cells that change, and a note of which were asked for."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], tuple[int, int]] = {}
        self.asked: list[tuple[int, int]] = []

    def gather(self, grid: Grid, slots: NDArray[np.int32], start_us: NDArray[np.int64]) -> Cells:
        assert grid is Grid.HOUR
        keys = list(zip(slots.tolist(), start_us.tolist(), strict=True))
        self.asked += keys
        found = np.array([self.cells.get(key, (0, 0)) for key in keys], np.int64).reshape(-1, 2)
        sums = np.zeros((slots.size, SUM_COUNT), np.int64)
        sums[:, 0] = found[:, 1]
        none = np.zeros(slots.size, np.int64)
        return Cells(slots, start_us, found[:, 0], none, none, sums)

    def become(self, recent: RecentHours, cells: dict[tuple[int, int], tuple[int, int]]) -> None:
        self.cells.update(cells)
        slots = np.array([slot for slot, _ in cells], np.int32)
        hours = np.array([start for _, start in cells], np.int64)
        recent.changed(slots, hours, max(start for _, start in self.cells))


def read(recent: RecentHours, hours: Hours, slots: list[int], starts: list[int]) -> list[list[tuple[int, int]]]:
    count, total = recent.read(hours, np.array(slots, np.int32), np.array(starts, np.int64))
    assert count.shape == total.shape == (len(slots), len(starts))
    return [list(zip(*row, strict=True)) for row in zip(count.tolist(), total.tolist(), strict=True)]


@pytest.mark.parametrize("seed", range(20))
def test_it_reads_what_stands_whatever_changed_and_was_read_before(seed: int) -> None:
    random, recent, hours = Random(seed), RecentHours(SLOTS), Hours()  # noqa: S311
    for step in range(120):
        newest = FIRST_US + step // 2 * HOUR_US
        back = random.choice([1, 3, RECENT_HOURS + 5])
        hours.become(
            recent,
            {
                (random.randrange(SLOTS), newest - random.randrange(back) * HOUR_US): (
                    random.randrange(60), random.randrange(-5, 10**15),
                )
                for _ in range(random.randint(1, 5))
            },
        )  # fmt: skip
        slots = sorted(random.sample(range(SLOTS), random.randint(1, SLOTS)))
        first = newest - random.randrange(RECENT_HOURS + 10) * HOUR_US
        starts = [first + hour * HOUR_US for hour in range(random.randint(1, 30))]
        wanted = [[hours.cells.get((slot, start), (0, 0)) for start in starts] for slot in slots]
        assert read(recent, hours, slots, starts) == wanted


def test_only_what_changed_is_asked_for_again() -> None:
    recent, hours = RecentHours(SLOTS), Hours()
    starts = [FIRST_US + hour * HOUR_US for hour in range(3)]
    hours.become(recent, {(slot, start): (1, 10 * slot) for slot in range(SLOTS) for start in starts})
    read(recent, hours, [1, 2, 3], starts)
    assert sorted(hours.asked) == sorted((slot, start) for slot in (1, 2, 3) for start in starts)
    hours.asked.clear()
    hours.become(recent, {(2, starts[1]): (2, 90), (5, starts[1]): (2, 90)})
    lacking = recent.lacking(np.array([1, 2, 3], np.int32), np.array(starts))
    assert [(start, some.tolist()) for start, some in lacking] == [(starts[1], [2])]
    assert read(recent, hours, [1, 2, 3], starts)[1] == [(1, 20), (2, 90), (1, 20)]
    assert hours.asked == [(2, starts[1])]


def test_hours_after_the_newest_reading_hold_nothing_and_are_not_asked_for() -> None:
    recent, hours = RecentHours(SLOTS), Hours()
    hours.become(recent, {(0, FIRST_US): (1, 5)})
    assert read(recent, hours, [0], [FIRST_US, FIRST_US + HOUR_US]) == [[(1, 5), (0, 0)]]
    assert hours.asked == [(0, FIRST_US)]


def test_old_hours_are_asked_for_each_time() -> None:
    recent, hours = RecentHours(SLOTS), Hours()
    hours.become(recent, {(0, FIRST_US): (1, 5)})
    read(recent, hours, [0], [FIRST_US])
    hours.become(recent, {(0, FIRST_US + RECENT_HOURS * HOUR_US): (1, 6)})
    hours.asked.clear()
    for _ in range(2):
        assert read(recent, hours, [0], [FIRST_US]) == [[(1, 5)]]
    assert hours.asked == [(0, FIRST_US)] * 2


def test_what_is_forgotten_is_asked_for_again() -> None:
    recent, hours = RecentHours(SLOTS), Hours()
    hours.become(recent, {(0, FIRST_US): (1, 5)})
    read(recent, hours, [0], [FIRST_US])
    hours.cells[0, FIRST_US] = (7, 7)
    recent.forget()
    hours.become(recent, {(1, FIRST_US): (1, 1)})
    assert read(recent, hours, [0], [FIRST_US]) == [[(7, 7)]]
