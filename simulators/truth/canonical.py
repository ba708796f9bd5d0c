"""Canonical tables: text that two programs agree on to the last byte.

Knows columns and text; computes nothing. A line ends with a line feed, columns are separated by tabs, null is `\\N`;
lines are ordered by their key columns, text by its UTF-8 bytes and numbers by value.
"""

from __future__ import annotations

import numpy as np

from simulators.truth.cells import Cells
from simulators.truth.counters import Falls
from simulators.truth.figures import Published
from simulators.truth.series import Line, Series

NULL = "\\N"
TABLES = ("observation", "bucket_minute", "window_hour", "window_day", "counter_event", "indicator_value")


def observations(series: Series, line: Line) -> list[str]:
    """Return device, field, time | ticks, flags."""
    head = f"{series.device}\t{series.field}\t"
    columns = zip(line.time_us.tolist(), line.ticks.tolist(), line.flags.tolist(), strict=True)
    return [f"{head}{time_us}\t{ticks}\t{flags}\n" for time_us, ticks, flags in columns]


def cells(series: Series, found: Cells) -> list[str]:
    """Return device, field, start | count, low, high, four sums, expected, of the windows that hold anything."""
    head = f"{series.device}\t{series.field}\t"
    some = found if found.hold.all() else found.take(found.hold)
    columns = (some.start_us, some.count, some.low, some.high, *some.sums.T, series.due(some.start_us, some.end_us))
    return [
        f"{head}{a}\t{b}\t{c}\t{d}\t{e}\t{f}\t{g}\t{h}\t{i}\n"
        for a, b, c, d, e, f, g, h, i in zip(*(column.tolist() for column in columns), strict=True)
    ]


def falls(series: Series, found: Falls) -> list[str]:
    """Return device, field, time | kind, before, after."""
    head = f"{series.device}\t{series.field}\t"
    columns = zip(found.time_us, found.kind, found.before, found.after, strict=True)
    return [f"{head}{time_us}\t{kind}\t{before}\t{after}\n" for time_us, kind, before, after in columns]


def figures(found: Published) -> list[str]:
    """Return indicator, window, kind of scope, scope, start | ticks, band, driver, received, expected."""
    definition = found.definition
    head = f"{definition.code}\t{definition.window}\t{found.kind}\t{found.scope}\t"
    bands = np.searchsorted(np.array(definition.band_ends, np.int64), found.ticks, "left") + 1
    lines = []
    columns = (found.start_us, found.known, found.ticks, bands, found.driver, found.received, found.expected)
    for start_us, known, ticks, band, driver, received, expected in zip(*(c.tolist() for c in columns), strict=True):
        value = str(ticks) if known else NULL
        number = str(band) if known and definition.band_ends else NULL
        decided = definition.inputs[driver] if known and driver >= 0 else NULL
        lines.append(f"{head}{start_us}\t{value}\t{number}\t{decided}\t{received}\t{expected}\n")
    return lines
