"""Canonical tables: the lines of what is stored, in the same order and form wherever they come from."""

from __future__ import annotations

import psycopg
import pytest

from engine.cells import Grid
from engine.store import FORMS, NO_TICKS, CounterEvent, Flush, Registered, Store
from tests.engine.store.conftest import Query
from tests.engine.store.town import HOUR_US, T0, append, cells, refused, town, values


def lines(store: Store, table: str, *limits: int) -> list[list[str]]:
    return [line.decode().rstrip("\n").split("\t") for line in store.table_lines(table, *limits)]


@pytest.mark.usefixtures("registered")
def test_observations_are_in_the_order_of_bytes_and_of_time(store: Store, query: Query) -> None:
    # Capitals before small letters, and d10 before d2: what no language would do, and every machine.
    query("UPDATE device SET code = CASE code WHEN 'd0' THEN 'e' WHEN 'd1' THEN 'E10' ELSE 'E2' END")
    slots = [town().slot("d1", "pm10"), town().slot("d1", "no2"), town().slot("d2", "sound_level"), 0]
    store.append(append([*slots, slots[0]], [T0, T0 + 1, T0 - 10**15, -5, -1], [1, 2, 3, 4, -5]))
    assert lines(store, "observation") == [
        ["E10", "no2", str(T0 + 1), "2", "0"],
        ["E10", "pm10", "-1", "-5", "0"],
        ["E10", "pm10", str(T0), "1", "0"],
        ["E2", "sound_level", str(T0 - 10**15), "3", "0"],
        ["e", town().field_of(0, 0).name, "-5", "4", "0"],
    ]


@pytest.mark.usefixtures("registered")
def test_a_stretch_of_time_includes_its_start_and_not_its_end(store: Store) -> None:
    slot = town().slot("d1", "pm10")
    store.append(append([slot] * 3, [T0, T0 + 1, T0 + 2], [7, 8, 9]))
    assert [row[2] for row in lines(store, "observation", T0, T0 + 2)] == [str(T0), str(T0 + 1)]
    assert lines(store, "observation", T0 + 3) == []


def test_cells_results_and_decisions_are_figures_with_codes_for_ids(store: Store, registered: Registered) -> None:
    slot = town().slot("d1", "pm10")
    station = int(registered.station_scope[1])
    result = values(registered.indicator_id[0], [station, station], [T0, T0 + HOUR_US], [31, NO_TICKS])
    result.band[1] = 0
    result.driver[0] = registered.measurand_id[town().catalogue.index("pm10")]
    store.flush(
        Flush(
            computed_us=T0, cells={Grid.HOUR: cells([slot, slot], [T0 + HOUR_US, T0], [3, 10])}, values=result,
            events=(CounterEvent(0, T0, "reset", 5, 1),),
        )
    )  # fmt: skip
    assert lines(store, "window_hour") == [
        ["d1", "pm10", str(T0), "10", "5", "15", "10", "20", "30", "40", "60"],
        ["d1", "pm10", str(T0 + HOUR_US), "3", "-2", "8", "3", "6", "9", "12", "60"],
    ]
    assert lines(store, "indicator_value") == [
        ["cai", "hour", "station", "d1", str(T0), "31", "1", "pm10", "10", "12"],
        ["cai", "hour", "station", "d1", str(T0 + HOUR_US), r"\N", r"\N", r"\N", "10", "12"],
    ]
    assert [row[2:] for row in lines(store, "counter_event")] == [[str(T0), "reset", "5", "1"]]


@pytest.mark.usefixtures("registered")
def test_a_cell_of_nothing_is_no_line(store: Store) -> None:
    store.flush(Flush(computed_us=T0, cells={Grid.MINUTE: cells([0, 0], [T0, T0 + 60_000_000], [0, 1])}))
    assert len(lines(store, "bucket_minute")) == 1


@pytest.mark.usefixtures("registered")
def test_refused_readings_are_summed_by_device_and_reason(store: Store) -> None:
    rows = [refused(readings=2), refused(readings=3), refused(reason="conflict")]
    store.append(append([], [], [], refused=rows))
    assert lines(store, "quarantine") == [["d0", "conflict", "1"], ["d0", "malformed", "5"]]


@pytest.mark.usefixtures("registered")
def test_every_table_has_its_form(store: Store) -> None:
    for name, form in FORMS.items():
        assert lines(store, name) == []
        assert form.key < len(form.columns)


@pytest.mark.usefixtures("registered")
def test_all_tables_of_one_moment_are_as_they_were_then(store: Store, url: str) -> None:
    slot = town().slot("d1", "pm10")
    store.append(append([slot], [T0], [7]))
    with Store.connect(url) as reader, reader.one_moment():
        before = lines(reader, "observation")
        store.append(append([slot], [T0 + 1], [8]))
        assert lines(reader, "observation") == before
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM cityvitals.observation").fetchone() == (2,)
