"""Registering a city: ids last, nothing is lost, and nothing changes its meaning."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from devices import Kind, MeasurandCatalogue, Register, Registry
from devices.calibrations import Calibration
from engine.cells import Grid
from engine.store import CatalogueRefused, Store, StoreError
from tests.engine.store.conftest import Query
from tests.engine.store.town import INDICATORS, T0, Band, Indicator, append, town, without_device


def test_registering_again_keeps_every_id_and_uses_up_none(store: Store, query: Query) -> None:
    first = store.register(town(), INDICATORS)
    tops = "SELECT (SELECT max(series_id) FROM series), (SELECT max(scope_id) FROM scope), max(device_id) FROM device"
    before = query(tops)
    for _ in range(2):
        again = store.register(town(), INDICATORS)
    for name in ("series_id", "measurand_id", "indicator_id", "zone_scope", "station_scope"):
        assert np.array_equal(getattr(first, name), getattr(again, name)), name
    assert first.city_scope == again.city_scope
    store.register(town(count=2), INDICATORS)
    grown = query(tops)
    assert [b - a for a, b in zip(before[0], grown[0], strict=True)] == [first.series_id.size, 3, 3]


def test_slots_scopes_and_indicators_come_in_the_order_of_the_registry(store: Store, query: Query) -> None:
    registry = town(count=2)
    ids = store.register(registry, INDICATORS)
    names = dict(query("SELECT series_id, device || '/' || field FROM v_series"))
    expected = [f"{d.code}/{f.name}" for d in registry.devices for f in registry.models[d.model].fields]
    assert [names[i] for i in ids.series_id.tolist()] == expected
    scopes = {i: (kind, code) for i, kind, code in query("SELECT scope_id, kind, code FROM scope")}
    assert scopes[ids.city_scope] == ("city", "town")
    assert [scopes[i] for i in ids.zone_scope.tolist()] == [("zone", "north"), ("zone", "south")]
    assert [scopes[i][1] for i in ids.station_scope.tolist()] == [d.code for d in registry.devices]
    codes = dict(query("SELECT indicator_id, code FROM indicator"))
    assert [codes[i] for i in ids.indicator_id.tolist()] == ["cai", "laeq"]
    measured = dict(query("SELECT measurand_id, code FROM measurand"))
    assert [measured[i] for i in ids.measurand_id.tolist()] == [m.code for m in registry.catalogue.measurands]


def test_another_order_of_devices_keeps_ids_with_their_devices(store: Store) -> None:
    registry = town()
    first = store.register(registry)
    turned = store.register(replace(registry, devices=registry.devices[::-1]))
    assert sorted(first.series_id.tolist()) == sorted(turned.series_id.tolist())
    assert first.station_scope.tolist() == turned.station_scope.tolist()[::-1]
    assert first.series_id.tolist() != turned.series_id.tolist()


def test_a_device_that_leaves_is_unlisted_and_returns_under_its_old_ids(store: Store, query: Query) -> None:
    registry = town()
    first = store.register(registry)
    store.own()
    store.append(append([0], [T0], [1]))
    store.register(without_device(registry, 0))
    assert query("SELECT code, listed FROM device ORDER BY code") == [("d0", False), ("d1", True), ("d2", True)]
    assert query("SELECT count(*) FROM observation") == [(1,)]
    gone = query("SELECT DISTINCT device FROM v_series WHERE NOT listed")
    assert gone == [("d0",)]
    assert store.register(registry).series_id.tolist() == first.series_id.tolist()
    assert query("SELECT count(*) FROM series WHERE listed") == [(first.series_id.size,)]


def test_changed_facts_of_a_device_are_taken_over(store: Store, query: Query) -> None:
    registry = town()
    store.register(registry)
    moved = replace(registry.devices[0], zone="south", latitude=None, longitude=None, service_from_us=T0, interval_us=7)
    store.register(replace(registry, devices=(moved, *registry.devices[1:])))
    row = query(
        "SELECT zone, latitude, extract(epoch FROM in_service_from)::bigint * 1000000 FROM device WHERE code = 'd0'"
    )
    assert row == [("south", None, T0)]
    assert query("SELECT DISTINCT interval_us FROM series JOIN device USING (device_id) WHERE code = 'd0'") == [(7,)]


def test_a_field_that_gets_another_measurand_becomes_another_series(store: Store) -> None:
    registry = town(("water_meter",))
    first = store.register(registry)
    model = registry.models["water_meter"]
    changed = replace(model.fields[0], measurand="pm10")
    models = MappingProxyType({**registry.models, "water_meter": replace(model, fields=(changed, *model.fields[1:]))})
    assert first.series_id[0] not in store.register(replace(registry, models=models)).series_id


@pytest.mark.parametrize(
    ("change", "said"),
    [({"decimals": 9}, "decimals"), ({"unit": "kg"}, "unit"), ({"kind": Kind.EVENT}, "kind")],
)
def test_a_measurand_whose_ticks_would_change_their_meaning_is_refused(
    store: Store, query: Query, change: dict[str, object], said: str
) -> None:
    registry = town()
    store.register(registry)
    measurands = registry.catalogue.measurands
    changed = replace(measurands[0], **change)  # type: ignore[arg-type]
    with pytest.raises(CatalogueRefused, match=rf"{measurands[0].code}.*{said}.*another code"):
        store.register(with_measurands(registry, (changed, *measurands[1:])))
    found = query("SELECT unit, decimals FROM measurand WHERE code = %s", measurands[0].code)
    assert found == [(measurands[0].unit, measurands[0].decimals)]


def test_states_may_be_added_at_the_end_but_not_renamed(store: Store) -> None:
    registry = town()
    at = next(i for i, m in enumerate(registry.catalogue.measurands) if m.kind is Kind.STATE)
    state = registry.catalogue.measurands[at]

    def states(*names: str) -> Registry:
        changed = list(registry.catalogue.measurands)
        changed[at] = replace(state, states=names)
        return with_measurands(registry, tuple(changed))

    store.register(states("off", "on"))
    store.register(states("off", "on", "broken"))
    with pytest.raises(CatalogueRefused, match=state.code):
        store.register(states("on", "off", "broken"))


def test_a_second_city_and_another_time_zone_are_refused(store: Store) -> None:
    registry = town()
    store.register(registry)
    with pytest.raises(CatalogueRefused, match=r"'town', not 'other'.*database of its own"):
        store.register(town(code="other"))
    moved = replace(registry.city, time_zone="Asia/Seoul", zone_info=ZoneInfo("Asia/Seoul"))
    with pytest.raises(CatalogueRefused, match="Europe/Copenhagen, not Asia/Seoul"):
        store.register(replace(registry, city=moved))


def test_an_indicator_keeps_its_unit_and_may_change_its_bands(store: Store, query: Query) -> None:
    store.register(town(), INDICATORS)
    store.register(town(), [replace(INDICATORS[0], bands=(Band("a"), Band("b"), Band("c")))])
    assert query("SELECT code, bands, listed FROM indicator ORDER BY code") == [
        ("cai", ["a", "b", "c"], True),
        ("laeq", [], False),
    ]
    with pytest.raises(CatalogueRefused, match="another code"):
        store.register(town(), [replace(INDICATORS[0], decimals=2)])
    store.register(town(), [Indicator("cai", Grid.DAY, decimals=2)])


def test_registers_are_dated_and_exact(store: Store, query: Query) -> None:
    registry = town()
    store.register(registry)
    rows = query("SELECT register, scope, valid_from::text, valid_to, value::text FROM v_register")
    assert rows == [("population", "town", "2023-01-01", None, "1000.5")]


def test_registers_of_zones_are_true_of_their_zone(store: Store, query: Query) -> None:
    registry = town()
    south = Register("population", Fraction(300), "inhabitants", date(2023, 1, 1), "census tracts")
    zones = (registry.city.zones[0], replace(registry.city.zones[1], registers=(south,)))
    both = replace(registry, city=replace(registry.city, zones=zones))
    for _ in range(2):
        store.register(both)
    rows = query("SELECT register, scope_kind, scope, value::text, unit FROM v_register ORDER BY scope_kind")
    assert rows == [
        ("population", "city", "town", "1000.5", "1"),
        ("population", "zone", "south", "300", "inhabitants"),
    ]


def test_ids_of_another_registry_are_not_adopted(store: Store) -> None:
    ids = store.register(town())
    store.adopt(town(), ids)
    with pytest.raises(StoreError, match="register first"):
        store.adopt(town(count=2), ids)


def with_measurands(registry: Registry, measurands: tuple[object, ...]) -> Registry:
    """Return the same town with another catalogue."""
    return replace(registry, catalogue=MeasurandCatalogue.of(measurands))  # type: ignore[arg-type]


def test_a_calibration_that_readings_lie_under_never_changes(store: Store, query: Query) -> None:
    one = Calibration("d1", "pm10", T0, Fraction("1.02"), Fraction("-0.5"), "K-1", "lab")
    held = 'SELECT device, field, gain, "offset", certificate, valid_to IS NULL FROM v_calibration ORDER BY valid_from'
    calibrated = replace(town(), calibrations=(one,))
    store.register(calibrated)
    store.register(town())
    assert query(held) == [], "nothing was stored, so it may be taken back"
    store.register(calibrated)
    slot = town().slot("d1", "pm10")
    store.append(append([slot], [T0 + 5], [1]))
    with pytest.raises(CatalogueRefused, match="d1 pm10 from 2023-11-14"):
        store.register(replace(town(), calibrations=(replace(one, gain=Fraction(1)),)))
    with pytest.raises(CatalogueRefused, match="after the newest observation"):
        store.register(town())
    with pytest.raises(CatalogueRefused, match="leave that line"):
        store.register(replace(town(), calibrations=(one, replace(one, valid_from_us=T0 + 5))))
    later = replace(one, valid_from_us=T0 + 6, certificate="K-2")
    store.register(replace(town(), calibrations=(replace(one, certificate="K-1a"), later)))
    line = ("d1", "pm10", Decimal("1.02"), Decimal("-0.5"))
    assert query(held) == [(*line, "K-1a", False), (*line, "K-2", True)]
