"""Figures that leave something out are those of a city in which it was never measured, whatever the order."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.cells import SUM_COUNT, Grid
from engine.indicators import Evaluator
from engine.indicators.work import Part, Required
from tests.engine.indicators import oracle_indicators as oracle
from tests.engine.indicators.cities import Published, Reader, evaluator
from tests.engine.indicators.oracle_indicators import City
from tests.engine.indicators.test_evaluate import cells_of, cities
from tests.examples import examples

MEASURED = (*oracle.AIR, "sound_level")
Cell = tuple[int, list[int]]
Cells = dict[tuple[int, int], Cell]


class Excluded:
    """What is left out, by slot and hour."""

    def __init__(self, city: City) -> None:
        self.city, self.parts = city, Cells()

    def bring(self, required: Required) -> None:
        """Have everything at hand."""

    def at(self, grid: Grid, slots: NDArray[np.int32], start_us: NDArray[np.int64]) -> Part | None:
        number, sums = np.zeros(slots.size, np.int64), np.zeros((slots.size, SUM_COUNT), np.int64)
        for row, (slot, start) in enumerate(zip(slots.tolist(), start_us.tolist(), strict=True)):
            end = start + 1 if grid is Grid.HOUR else self.city.day(start)[1]
            for (of, hour), (count, total) in self.parts.items():
                if of == slot and start <= hour < end:
                    number[row] += count
                    sums[row] += total
        return Part(number, sums) if number.any() else None


class Rows(Published):
    """As a worker's table, with the rows that have no figure."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[tuple[str, str, int, int]] = set()

    def change(self, city: City, made: Evaluator, excluded: Excluded, keys: list[tuple[int, int]]) -> None:
        """Evaluate what follows from these cells."""
        slots, starts = (
            np.array(column, kind) for column, kind in zip(zip(*keys, strict=True), (np.int32, np.int64), strict=True)
        )
        work = made.affected(slots, starts, latest_us=max(start for _, start in city.cells))
        results = made.evaluate(work, Reader(city), excluded)
        self.store(results)
        for at in range(len(results)):
            definition = self.catalogue[int(results.indicator[at])]
            window = definition.window.name.lower()
            self.keys.add((definition.code, window, int(results.scope[at]), int(results.start_us[at])))


def part_of(cell: Cell, random: Random) -> Cell:
    """Some of a cell's readings, or all."""
    count, sums = cell
    out = random.randint(1, count)
    return (count, sums) if out == count else (out, [random.randint(0, max(sums[0], 0)), 0, 0, 0])


@settings(
    max_examples=examples(25), deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
@given(st.data())
def test_figures_are_those_of_what_is_left_and_rows_those_of_all_there_is(data: st.DataObject) -> None:
    drawn = data.draw(cities())
    series = [one for one in drawn.series if one.measurand in MEASURED]
    city = City(drawn.zone_info, drawn.zones, series, drawn.traffic & {one.device for one in series})
    assume(bool(city.series))
    cells = data.draw(cells_of(city))
    assume(bool(cells))
    random = Random(data.draw(st.integers(0, 2**32)))  # noqa: S311  # drawing each value would be too much data
    made, rows, excluded = evaluator(city, known_windows_max=random.choice([0, 3, 512])), Rows(), Excluded(city)
    for at in range(0, len(cells), 60):
        batch = dict(cells[at : at + 60])
        city.cells.update(batch)
        rows.change(city, made, excluded, list(batch))
        # Some time later flags come, and others go.
        some = [key for key in city.cells if random.random() < 0.1]
        for key in some:
            if excluded.parts.pop(key, None) is None:
                excluded.parts[key] = part_of(city.cells[key], random)
        if some:
            rows.change(city, made, excluded, some)
    every = set(oracle.figures(city))
    for key, (count, sums) in excluded.parts.items():
        whole, total = city.cells[key]
        city.cells[key] = (whole - count, [a - b for a, b in zip(total, sums, strict=True)])
    assert rows.rows == oracle.figures(city)
    assert rows.keys == every
