"""Registering a city: its catalogue, models, devices, series, scopes, indicators and registers, with ids that last.

Knows the registry and the catalogue's tables. Never changes the meaning of what is stored: a measurand keeps its unit,
kind and resolution, a field that is given another measurand becomes another series, and nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from devices import Registry
from devices.series import TIME_MAX_US, TIME_MIN_US
from engine.cells import Grid
from engine.store.binary import Timestamp
from engine.store.calibrations import register_calibrations
from engine.store.decimals import exact
from engine.store.errors import CatalogueRefused
from engine.store.records import Registered
from engine.store.session import Session


class _Band(Protocol):
    @property
    def name(self) -> str: ...


class IndicatorLike(Protocol):
    """What the store keeps of an indicator's definition; see `engine.indicators.Indicator`."""

    @property
    def code(self) -> str:
        """Stable identifier."""

    @property
    def window(self) -> Grid:
        """Its window; unique together with the code."""

    @property
    def title(self) -> str:
        """Name for people."""

    @property
    def unit(self) -> str:
        """UCUM code."""

    @property
    def decimals(self) -> int:
        """One tick is 10**-decimals of the unit."""

    @property
    def bands(self) -> Sequence[_Band]:
        """Bands from the lowest up."""

    @property
    def source(self) -> str:
        """Where the definition comes from."""


def register(
    session: Session, registry: Registry, indicators: Sequence[IndicatorLike], *, keep: bool = True
) -> Registered:
    """Make the database know a city, and return the lasting ids; doing it again changes nothing and keeps them.

    Args:
        session: where to write.
        registry, indicators: what to write.
        keep: without it nothing is changed, and what the database does not know yet has ids that mean nothing.

    Raises:
        CatalogueRefused: the database holds another city, or a measurand or indicator whose stored ticks would change
            their meaning; or calibrations other than those that stored readings were corrected by.
        StoreUnavailable, StoreError
    """
    for name in ("stage_device", "stage_series"):
        session.stage(name)
    with session.transaction(keep=keep):
        session.rows("register_lock")
        _city(session, registry)
        measurand_id = _measurands(session, registry)
        indicator_id = _indicators(session, indicators)
        _devices(session, registry)
        series_id = _series(session, registry, measurand_id)
        register_calibrations(session, registry, series_id)
        city, zones, stations = _scopes(session, registry)
        _registers(session, registry, city, zones)
        session.step("registered")
    return Registered(series_id, measurand_id, indicator_id, city, zones, stations)


def _city(session: Session, registry: Registry) -> None:
    city = registry.city
    session.run("register_city", {"code": city.code, "title": city.name, "time_zone": city.time_zone})
    ((code, time_zone),) = session.rows("city_stored")
    if code != city.code:
        raise CatalogueRefused(
            (f"this database holds city {code!r}, not {city.code!r}: give every city a database of its own",)
        )
    if time_zone != city.time_zone:
        raise CatalogueRefused(
            (
                f"the stored days of city {code!r} are cut by {time_zone}, not {city.time_zone}: "
                "correct time_zone in city.toml, or begin a new database",
            )
        )


def _measurands(session: Session, registry: Registry) -> NDArray[np.int32]:
    known = {code: facts for code, *facts in session.rows("measurand_facts")}
    wanted = registry.catalogue.measurands
    faults = []
    for m in wanted:
        if m.code not in known:
            continue
        *stored, states = known[m.code]
        new = [m.unit, m.kind.name.lower(), m.decimals]
        if stored != new or list(m.states[: len(states)]) != states:
            faults.append(
                f"measurand {m.code!r} is stored as unit, kind, decimals, states = {known[m.code]} and is now "
                f"{[*new, list(m.states)]}: stored values would change their meaning, so give the new one another code"
            )
    if faults:
        raise CatalogueRefused(tuple(faults))
    rows = [
        (m.code, m.title, m.unit, m.kind.name.lower(), m.decimals, m.low_ticks, m.high_ticks, list(m.states), m.source)
        for m in wanted
    ]
    for row in rows:
        session.run("register_measurand", dict(zip(_MEASURAND, row, strict=True)))
    ids = dict(session.rows("measurand_ids"))
    return np.array([ids[m.code] for m in wanted], np.int32)


_MEASURAND = ("code", "title", "unit", "kind", "decimals", "low_ticks", "high_ticks", "states", "source")


def _indicators(session: Session, indicators: Sequence[IndicatorLike]) -> NDArray[np.int32]:
    known = {(code, window): facts for code, window, *facts in session.rows("indicator_facts")}
    faults = []
    for i in indicators:
        name = (i.code, i.window.name.lower())
        if name in known and known[name] != [i.unit, i.decimals]:
            faults.append(
                f"indicator {name} is stored as unit, decimals = {known[name]} and is now {[i.unit, i.decimals]}: "
                "the stored values would change their meaning, so give the new one another code"
            )
    if faults:
        raise CatalogueRefused(tuple(faults))
    session.run("unlist_indicators")
    for i in indicators:
        session.run(
            "register_indicator",
            {
                "code": i.code, "window": i.window.name.lower(), "title": i.title, "unit": i.unit,
                "decimals": i.decimals, "bands": [band.name for band in i.bands], "source": i.source,
            },
        )  # fmt: skip
    ids = {(code, window): indicator_id for code, window, indicator_id in session.rows("indicator_ids")}
    return np.array([ids[i.code, i.window.name.lower()] for i in indicators], np.int32)


def _devices(session: Session, registry: Registry) -> None:
    used = dict.fromkeys(device.model for device in registry.devices)
    for code in used:
        model = registry.models[code]
        session.run("register_model", {"code": model.code, "title": model.title, "codec": model.codec})
    rows = [
        (
            position, d.code, d.model, d.title, d.zone, d.gateway, d.topic, _degrees(d.latitude), _degrees(d.longitude),
            None if d.service_from_us <= TIME_MIN_US else Timestamp(d.service_from_us),
            None if d.service_to_us >= TIME_MAX_US else Timestamp(d.service_to_us),
        )
        for position, d in enumerate(registry.devices)
    ]  # fmt: skip
    types = ("int4", *["text"] * 6, "numeric", "numeric", "timestamptz", "timestamptz")
    session.copy_rows("copy_stage_device", types, rows)
    for name in ("register_device_old", "register_device_new", "unlist_devices"):
        session.run(name)


def _series(session: Session, registry: Registry, measurand_id: NDArray[np.int32]) -> NDArray[np.int32]:
    position = {m.code: int(measurand_id[i]) for i, m in enumerate(registry.catalogue.measurands)}
    rows: list[tuple[Any, ...]] = []
    for device_position, device in enumerate(registry.devices):
        rows += [
            (len(rows) + k, device_position, f.name, position[f.measurand], device.interval_us)
            for k, f in enumerate(registry.models[device.model].fields)
        ]
    session.copy_rows("copy_stage_series", ("int4", "int4", "text", "int4", "int8"), rows)
    for name in ("register_series_old", "register_series_new", "unlist_series"):
        session.run(name)
    ids = session.rows("series_ids")
    return np.array([series_id for (series_id,) in ids], np.int32)


def _scopes(session: Session, registry: Registry) -> tuple[int, NDArray[np.int32], NDArray[np.int32]]:
    city = registry.city
    wanted = [("city", city.code, city.name)]
    wanted += [("zone", zone.code, zone.title) for zone in city.zones]
    wanted += [("station", device.code, device.title) for device in registry.devices]
    kinds, codes, titles = (list(column) for column in zip(*wanted, strict=True))
    params = {"kinds": kinds, "codes": codes, "titles": titles}
    for name in ("register_scope_old", "register_scope_new"):
        session.run(name, params)
    ids = np.array([scope_id for (scope_id,) in session.rows("scope_ids", params)], np.int32)
    zones = len(city.zones)
    return int(ids[0]), ids[1 : 1 + zones], ids[1 + zones :]


def _registers(session: Session, registry: Registry, city_scope: int, zone_scope: NDArray[np.int32]) -> None:
    city = registry.city
    of_zones = zip(zone_scope.tolist(), (zone.registers for zone in city.zones), strict=True)
    for scope_id, registers in ((city_scope, city.registers), *of_zones):
        for r in registers:
            session.run(
                "register_register",
                {
                    "code": r.code, "scope_id": scope_id, "valid_from": r.valid_from, "value": exact(r.value),
                    "unit": r.unit, "source": r.source, "quality": r.quality,
                },
            )  # fmt: skip


def _degrees(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(f"{value:.6f}")
