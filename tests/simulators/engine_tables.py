"""The canonical tables as the engine computes them, without a store: windows, evaluator, and a dict of results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devices import ObservationBatch, Registry
from engine import Calendar, Cells, Grid, LastReadings, Windows
from engine.calendar import expected as owed
from engine.indicators import INDICATORS, Evaluator
from engine.kernels import DIP, RESET, ROLLOVER

KINDS = {ROLLOVER: "rollover", RESET: "reset", DIP: "dip"}
GRIDS = {Grid.MINUTE: "bucket_minute", Grid.HOUR: "window_hour", Grid.DAY: "window_day"}

Tables = dict[str, list[str]]


class Engine:
    """Feeds windows and an evaluator with portions whose counters and states are in order; keeps every result."""

    def __init__(self, registry: Registry, year_first: int, year_last: int) -> None:
        self.registry, self.series = registry, registry.series()
        self.calendar = Calendar(registry.city.zone_info, year_first, year_last)
        measurands = registry.catalogue.measurands
        self.windows = Windows(self.series, self.calendar, measurands)
        self.windows.resume(LastReadings.none(len(self.series)))
        traffic = np.array([d.attributes.get("site") == "traffic" for d in registry.devices], np.bool_)
        self.evaluator = Evaluator(
            self.series, measurands, zone_count=len(registry.city.zones), device_count=len(registry.devices),
            calendar=self.calendar, traffic=traffic,
        )  # fmt: skip
        self.given: list[ObservationBatch] = []
        self.falls: list[tuple[bytes, bytes, int, str, int, int]] = []
        self.figures: dict[tuple[bytes, bytes, bytes, bytes, int], str] = {}
        self.names = [
            (device.code, field.name) for device in registry.devices for field in registry.model_of(device).fields
        ]
        city = registry.city
        self.scopes = [
            ("city", city.code), *(("zone", zone.code) for zone in city.zones),
            *(("station", device.code) for device in registry.devices),
        ]  # fmt: skip

    def feed(self, batch: ObservationBatch) -> None:
        self.given.append(batch)
        done = self.windows.absorb(batch)
        assert not len(done.late), "this small engine has no store to look back into"
        for i in range(len(done.decisions)):
            d = done.decisions
            device, field = self.names[int(d.slot[i])]
            self.falls.append(
                (device.encode(), field.encode(), int(d.time_us[i]), KINDS[int(d.kind[i])], int(d.before[i]),
                 int(d.after[i]))
            )  # fmt: skip
        changed = self.windows.dirty(Grid.HOUR)
        latest_us = int(self.calendar.start_of(Grid.HOUR, self.windows.last().time_us.max(keepdims=True))[0])
        results = self.evaluator.evaluate(
            self.evaluator.affected(changed.slot, changed.start_us, latest_us=latest_us), self.windows
        )
        self.windows.settle(Grid.HOUR, changed)
        for i in range(len(results)):
            definition = INDICATORS[int(results.indicator[i])]
            kind, code = self.scopes[int(results.scope[i])]
            key = (definition.code, definition.window.name.lower(), kind, code)
            known, driver = bool(results.known[i]), int(results.driver[i])
            value = (
                str(int(results.ticks[i])) if known else "\\N",
                str(int(results.band[i])) if results.band[i] else "\\N",
                self.registry.catalogue.measurands[driver].code if driver >= 0 else "\\N",
                str(int(results.received[i])), str(int(results.expected[i])),
            )  # fmt: skip
            start_us = int(results.start_us[i])
            line = "\t".join((*key, str(start_us), *value)) + "\n"
            self.figures[(*(part.encode() for part in key), start_us)] = line  # type: ignore[index]

    def tables(self) -> Tables:
        batch = ObservationBatch.concat(self.given)
        observations = sorted(
            (self.names[slot][0].encode(), self.names[slot][1].encode(), time_us, ticks, flags)
            for slot, time_us, ticks, flags in zip(
                batch.slot.tolist(), batch.time_us.tolist(), batch.ticks.tolist(), batch.flags.tolist(), strict=True
            )
        )
        found = {"observation": [_line(row) for row in observations]}
        for grid, table in GRIDS.items():
            found[table] = self._cells(grid, self.windows.held(grid))
        found["counter_event"] = [_line(row) for row in sorted(self.falls)]
        found["indicator_value"] = [self.figures[key] for key in sorted(self.figures)]
        return found

    def _cells(self, grid: Grid, cells: Cells) -> list[str]:
        due = owed(self.series, cells.slot, cells.start_us, self.calendar.end_of(grid, cells.start_us))
        rows = []
        for i in range(len(cells)):
            figures = (int(cells.count[i]), int(cells.low[i]), int(cells.high[i]), *cells.sums[i].tolist())
            if any((figures[0], *figures[3:])):
                device, field = self.names[int(cells.slot[i])]
                rows.append((device.encode(), field.encode(), int(cells.start_us[i]), *figures, int(due[i])))
        return [_line(row) for row in sorted(rows)]


def _line(row: Sequence[bytes | str | int]) -> str:
    return "\t".join(part.decode() if isinstance(part, bytes) else str(part) for part in row) + "\n"


def assert_equal(found: Tables, wanted: Tables) -> None:
    """Compare every table; a difference is shown by its first lines."""
    for table, lines in wanted.items():
        missing, extra = sorted(set(lines) - set(found[table])), sorted(set(found[table]) - set(lines))
        shown = "".join([*(f"  missing {line}" for line in missing[:6]), *(f"  extra   {line}" for line in extra[:6])])
        assert found[table] == lines, f"{table}: {len(missing)} missing, {len(extra)} extra\n{shown}"
