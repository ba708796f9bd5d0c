"""What people ask: exact decimals, newest first, and an account that stays whole."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices import Kind
from devices.series import TIME_MIN_US
from engine.calendar import expected
from engine.cells import SUM_COUNT, Cells, Grid
from engine.store import NO_TICKS, CellRows, Flush, Registered, Store
from tests.engine.store.conftest import Query
from tests.engine.store.town import HOUR_US, INDICATORS, T0, append, cells, refused, town, values
from tests.examples import examples

DAY_US = 86_400_000_000


@pytest.mark.usefixtures("registered")
def test_observations_are_exact_decimals_in_the_unit(store: Store, query: Query) -> None:
    registry = town()
    slot = registry.slot("d1", "pm10")
    store.append(append([slot, slot], [T0, T0 + 1], [35_200, -1]))
    measurand = registry.catalogue.by_code["pm10"]
    rows = store.observation_rows(device="d1")
    step = Decimal(1).scaleb(-measurand.decimals)
    assert [(r.time_us, r.value, r.unit) for r in rows] == [
        (T0 + 1, -step, measurand.unit),
        (T0, 35_200 * step, measurand.unit),
    ]
    assert query("SELECT value::text FROM v_observation ORDER BY time") == [(str(35_200 * step),), (str(-step),)]


def test_a_state_is_told_by_its_name(store: Store, query: Query) -> None:
    registry = town(("traffic_segment",))
    slot = registry.series().kind.tolist().index(Kind.STATE)
    store.register(registry)
    store.own()
    store.append(append([slot], [T0], [1]))
    (row,) = store.observation_rows()
    names = registry.catalogue.by_code[row.measurand].states
    assert row.state == names[1]
    assert query("SELECT state FROM v_observation") == [(names[1],)]


ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 25)), min_size=1, max_size=20, unique=True)


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, limit=st.integers(0, 6), low=st.integers(0, 10), high=st.integers(8, 30))
def test_the_newest_observations_are_the_newest_of_all_series(
    store: Store, registered: Registered, rows: list[tuple[int, int]], limit: int, low: int, high: int
) -> None:
    store.append(append([r[0] for r in rows], [T0 + r[1] * DAY_US for r in rows], [0] * len(rows)))
    everything = store.observations_between(TIME_MIN_US, 2**62)
    times = sorted(t for t in everything.time_us.tolist() if T0 + low * DAY_US <= t < T0 + high * DAY_US)[::-1]
    found = store.observation_rows(T0 + low * DAY_US, T0 + high * DAY_US, limit=limit)
    assert [row.time_us for row in found] == times[:limit]


def test_the_newest_result_of_each_scope_is_told_with_its_names(store: Store, registered: Registered) -> None:
    cai, laeq = registered.indicator_id.tolist()
    driver = int(registered.measurand_id[1])
    north = registered.zone_scope[0]
    store.flush(
        Flush(
            computed_us=T0 + 5,
            values=values([cai, cai, laeq], [north] * 3, [T0, T0 + HOUR_US, T0], [90, 120, 553], band=[1, 2, 0],
                          driver=[-1, driver, -1], closed=[True, False, False]),
        )
    )  # fmt: skip
    first, second = store.latest_indicators()
    assert first._asdict() == {
        "indicator": "cai", "window": "hour", "scope_kind": "zone", "scope": "north", "start_us": T0 + HOUR_US,
        "value": Decimal(120), "unit": "1", "band": 2, "band_name": "bad",
        "driver": town().catalogue.measurands[1].code, "received": 10, "expected": 12, "revision": 0,
        "computed_us": T0 + 5,
    }  # fmt: skip
    assert (second.indicator, second.value, second.band, second.band_name, second.driver) == (
        "laeq", Decimal("55.3"), 0, "", "",
    )  # fmt: skip
    assert store.latest_indicators(("city", "station")) == []
    assert [r.start_us for r in store.latest_indicators(since_us=T0 + 1)] == [T0 + HOUR_US]


def test_a_history_is_filtered_and_in_order(store: Store, registered: Registered) -> None:
    cai = registered.indicator_id[0]
    for scope in (registered.city_scope, *registered.zone_scope.tolist()):
        starts = [T0, T0 + HOUR_US, T0 + 2 * HOUR_US]
        store.flush(Flush(computed_us=T0, values=values(cai, scope, starts, [1, NO_TICKS, 3])))
    found = store.indicator_history(indicator="cai", window="hour", scope_kind="zone", scope="south")
    assert [(r.start_us, r.value) for r in found] == [(T0, 1), (T0 + HOUR_US, None), (T0 + 2 * HOUR_US, 3)]
    assert len(store.indicator_history()) == 9
    assert len(store.indicator_history(T0 + HOUR_US, T0 + 2 * HOUR_US)) == 3
    assert store.indicator_history(indicator="laeq") == store.indicator_history(window="day") == []


def test_replaced_results_are_told_with_reason_and_with_what_stands_now(store: Store, registered: Registered) -> None:
    cai, laeq = registered.indicator_id.tolist()
    north = registered.zone_scope[0]

    def compute(at: int, ticks: list[int], reason: str, closed: bool) -> None:
        shown = values([cai, laeq], [north] * 2, [T0, T0], ticks, band=[1, 0], closed=closed)
        store.flush(Flush(computed_us=T0 + at, values=shown, reason=reason))

    compute(1, [70, 550], "late data", False)  # open: replaced without a trace
    compute(2, [80, 551], "late data", True)
    compute(3, [90, 551], "late data", True)
    compute(4, [100, 551], "recomputed", True)
    first, second = store.indicator_revisions(T0, T0 + 1)
    for one, value, revision, reason in ((first, 80, 1, "late data"), (second, 90, 2, "recomputed")):
        old = one.replaced
        assert (old.indicator, old.scope_kind, old.scope, old.start_us) == ("cai", "zone", "north", T0)
        assert (old.value, old.revision, old.computed_us) == (Decimal(value), revision, T0 + 1 + revision)
        assert (one.superseded_us, one.reason) == (T0 + 2 + revision, reason)
        assert (one.value_now, one.revision_now) == (Decimal(100), 3)
    assert store.indicator_revisions(T0 + 1) == []
    assert store.indicator_revisions(indicator="laeq") == []
    assert store.indicator_revisions(scope_kind="city") == []
    assert len(store.indicator_revisions(window="hour", scope_kind="zone", scope="north")) == 2


@pytest.mark.usefixtures("registered")
def test_the_quarantine_is_told_newest_first_and_counted_by_reason(store: Store) -> None:
    rows = [refused("a", reason="bad_unit", readings=2), refused("b"), refused("c", reason="bad_unit", payload=b"\xff")]
    store.append(append([], [], [], refused=rows))
    assert [e.detail for e in store.quarantine_rows()] == ["c", "b", "a"]
    assert [e.detail for e in store.quarantine_rows(reason="bad_unit", limit=1)] == ["c"]
    assert store.quarantine_rows(device="nobody") == []
    assert dict(store.quarantine_counts()) == {"bad_unit": 3, "malformed": 1}
    assert store.quarantine_rows(limit=1)[0].payload == b"\xff"


@pytest.mark.usefixtures("registered")
def test_folding_the_ledger_keeps_the_account(store: Store, query: Query) -> None:
    for k in range(6):
        store.append(append([0, 0, 1], [T0 + k, T0 + k, T0], [k, 9, 5], refused=[refused()], messages=2))
    query("UPDATE ledger SET committed_at = committed_at - interval '3 days' WHERE commit_id <= 2")
    query("UPDATE ledger SET committed_at = committed_at - interval '2 days' WHERE commit_id BETWEEN 3 AND 4")
    before = store.ledger_summary()
    assert (before.commits, before.messages, before.received, before.balance) == (6, 12, 24, 0)
    cut = query("SELECT (extract(epoch FROM max(committed_at) - interval '1 day') * 1000000)::bigint FROM ledger")[0][0]
    assert store.fold_ledger(cut) == 4
    assert store.fold_ledger(cut) == 0
    assert store.ledger_summary() == before
    assert [row.commit_id for row in store.ledger_rows()] == [6, 5]
    assert query("SELECT count(*), sum(commits) FROM ledger_day") == [(2, 4)]
    last = query("SELECT received_total, balance FROM v_ledger ORDER BY commit_id DESC LIMIT 1")
    assert last == [(before.received, 0)]
    query("UPDATE ledger SET committed_at = committed_at - interval '2 days'")
    store.fold_ledger(cut)
    assert store.ledger_summary()[:9] == before[:9]


def test_an_empty_ledger_is_all_zero(store: Store) -> None:
    assert store.ledger_summary() == (*[0] * 10, TIME_MIN_US)
    assert store.ledger_rows() == []


@pytest.mark.usefixtures("registered")
def test_devices_are_told_with_their_newest_reading(store: Store) -> None:
    store.append(append([0, 1, 2], [T0 + 9, T0, T0 + 3], [1, 1, 1]))
    store.flush(Flush(computed_us=T0, cells={Grid.DAY: cells([0, 1, 2], [T0] * 3, [4, 5, 6])}))
    rows = {row.device: row for row in store.device_rows()}
    assert [(name, r.model, r.zone, r.observations, r.last_us) for name, r in rows.items()] == [
        ("d0", "water_meter", "north", 4, T0 + 9),
        ("d1", "air_station", "north", 11, T0 + 3),
        ("d2", "noise_monitor", "north", 0, TIME_MIN_US),
    ]
    assert rows["d1"].series == len(town().models["air_station"].fields)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("grid", list(Grid))
def test_a_period_is_merged_exactly_even_beyond_64_bits(store: Store, grid: Grid) -> None:
    registry = town()
    slot, huge = registry.slot("d1", "pm10"), 2**62
    counts = np.array([3, 0, 4], np.int64)
    sums = np.full((3, SUM_COUNT), huge, np.int64)
    starts = T0 + np.arange(3) * HOUR_US
    found = Cells(np.full(3, slot, np.int32), starts, counts, np.array([-5, 0, 2]), np.array([9, 0, 11]), sums)
    store.flush(Flush(computed_us=T0, cells={grid: CellRows(found, np.array([4, 4, 4]), np.ones(3, np.bool_))}))
    (figure,) = store.period(grid)
    assert (figure.device, figure.measurand, figure.windows, figure.count, figure.expected) == ("d1", "pm10", 3, 7, 12)
    assert (figure.low_ticks, figure.high_ticks, figure.sums) == (-5, 11, (3 * huge,) * 4)
    assert figure.mean == Fraction(3 * huge, 7 * 10**figure.decimals)
    assert store.period(grid, T0 + HOUR_US, T0 + 2 * HOUR_US)[0].mean is None
    every_us = figure.interval_us
    assert every_us == registry.devices[registry.device_index("d1")].interval_us
    for from_us, to_us, due in ((0, 1, 1), (0, every_us, 1), (0, every_us + 1, 2), (5, 5, 0), (9, 5, 0)):
        assert figure.due(T0 + from_us, T0 + to_us) == due
        assert expected(registry.series(), found.slot[:1], T0 + from_us, T0 + to_us).tolist() == [due]


@pytest.mark.usefixtures("registered")
def test_old_minutes_are_dropped_by_whole_chunks_and_nothing_else(store: Store, query: Query) -> None:
    both = cells([0, 0], [T0, T0 + 30 * DAY_US], [1, 1])
    store.flush(Flush(computed_us=T0, cells={Grid.MINUTE: both, Grid.HOUR: both}))
    assert store.forget_minutes(T0 + 20 * DAY_US) == 1
    assert query("SELECT (SELECT count(*) FROM bucket_minute), (SELECT count(*) FROM window_hour)") == [(1, 2)]


def test_reading_needs_no_registry(store: Store, registered: Registered, url: str) -> None:
    store.append(append([0], [T0], [1]))
    with Store.connect(url) as reader:
        assert len(reader.observation_rows()) == 1
        assert reader.ledger_summary().accepted == 1
        assert len(reader.device_rows()) == 3
        assert reader.latest_indicators() == []
    assert len(INDICATORS) == len(registered.indicator_id)
