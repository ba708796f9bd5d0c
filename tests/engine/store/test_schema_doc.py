"""The examples of `docs/schema.md` run, and say what the text around them says."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from devices.series import TIME_MAX_US
from engine.cells import SUM_COUNT, Cells, Grid
from engine.store import CellRows, Flush, Registered, SilenceRow, Store, Watched
from tests.engine.store.conftest import Query
from tests.engine.store.town import HOUR_US, T0, append, refused, town, values

DOCUMENT = Path(__file__).parents[3] / "docs" / "schema.md"
EXAMPLES = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
DAY_US = 86_400_000_000


@pytest.fixture
def lived_in(store: Store, registered: Registered) -> None:
    """Two hours of PM10, their windows, an index that was corrected, and a reading in quarantine."""
    slot = town().slot("d1", "pm10")
    times = T0 + np.arange(8) * HOUR_US // 4
    ticks = np.arange(8) * 1000 + 1
    store.append(append([slot] * 8, times, ticks, refused=[refused("not JSON")]))
    for grid, starts, width in ((Grid.HOUR, [T0, T0 + HOUR_US], HOUR_US), (Grid.DAY, [T0 - T0 % DAY_US], DAY_US)):
        inside = [(times >= start) & (times < start + width) for start in starts]
        sums = np.zeros((len(starts), SUM_COUNT), np.int64)
        sums[:, 0] = [ticks[rows].sum() for rows in inside]
        found = Cells(
            np.full(len(starts), slot, np.int32), np.array(starts), np.array([rows.sum() for rows in inside]),
            np.array([ticks[rows].min() for rows in inside]), np.array([ticks[rows].max() for rows in inside]), sums,
        )  # fmt: skip
        rows = CellRows(found, np.full(len(starts), 4, np.int64), np.ones(len(starts), np.bool_))
        store.flush(Flush(computed_us=T0, cells={grid: rows}))
    since = [("device", "d0", T0, T0 + HOUR_US), ("device", "d0", T0 + 2 * HOUR_US, TIME_MAX_US)]
    store.write_watch(
        Watched(T0, 0, False, [SilenceRow(*row, interval_us=60_000_000, devices=1) for row in since], None, T0, 0)
    )
    for figure in (40, 60):
        found = values(registered.indicator_id[0], registered.zone_scope, [T0, T0], figure, closed=True)
        store.flush(Flush(computed_us=T0 + figure, values=found))


@pytest.mark.usefixtures("lived_in")
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_runs_and_finds_something(query: Query, number: int) -> None:
    assert query(EXAMPLES[number]) != []


@pytest.mark.usefixtures("lived_in")
def test_the_examples_say_what_the_text_says(query: Query) -> None:
    (
        newest, means, difference, period, zones, replaced, known, quarantined, lost, devices, silent, hours, _,
    ) = map(query, EXAMPLES)  # fmt: skip
    assert newest[0][1:] == ("pm10", Decimal("7.001"), "ug/m3")
    assert [(row[1], row[2], row[3], row[4], row[5]) for row in means] == [
        (Decimal("1.501"), Decimal("6.004"), 4, 1, True),
        (Decimal("5.501"), Decimal("22.004"), 4, 1, True),
    ]
    assert [row[1:] for row in difference] == [(0, 0), (0, 0)]
    assert [row[1:] for row in period] == [(Decimal("28.008"), 8, Decimal("3.501"))]
    assert [(row[2], row[4], row[5]) for row in zones] == [("north", 60, "good"), ("south", 60, "good")]
    assert {(row[3], row[4], row[5]) for row in replaced} == {(1, 40, "late data")}
    assert [(row[1], row[3], row[4]) for row in known] == [("north", 40, 1), ("south", 40, 1)]
    assert [row[1:] for row in quarantined] == [("malformed", "not JSON", "{")]
    assert lost == [(0, 0)]
    assert devices == [("d0", 1, 0, 0, 1), ("d1", 8, 8, 0, 0)]
    assert [(row[0], row[1], row[5]) for row in silent] == [("device", "d0", 60)]
    assert [row[:2] for row in hours] == [("d0", 2)]


def test_every_view_is_listed_in_the_document(query: Query) -> None:
    views = query("SELECT relname FROM pg_class WHERE relnamespace = 'cityvitals'::regnamespace AND relkind = 'v'")
    text = DOCUMENT.read_text()
    assert [view for (view,) in views if f"`{view}`" not in text] == []
