"""Figures of KPIs as they are told to others: what the store has of every scope and period, then what is declared.

Knows the store, the city's files and its clock; knows neither requests nor the form in which figures go out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from console.commands.kpi_period import local_day
from console.web.site import Site
from devices.times import time_us_from_civil
from engine.kpi import DataPoint, DeclaredValue, Horizon, Interval, NotReported, Value, score
from engine.kpi.entities import CITY, Named, Told
from engine.store import kpi_pages
from engine.store.kpi_pages import KpiFact, KpiKey
from engine.store.reader import Reader


def told(site: Site, named: Sequence[Named] | None, limit: int, offset: int) -> tuple[list[Told], int]:
    """Return some figures, and how many there are.

    Args:
        site: the city.
        named: only these; None for all.
        limit, offset: so many, after so many.

    Raises:
        StoreUnavailable, StoreError
        ProblemError: no connection is free.
    """
    points = {point.key: point for point in site.pack.data_points}
    city = site.registry.city.code
    keys = None if named is None else [_key(one) for one in named if one.city == city and not one.declared]

    def read(store: Reader) -> tuple[list[KpiFact], int]:
        return kpi_pages.facts(store.session, points, keys, limit=limit, offset=offset)

    facts, count = site.stores.ask(read)
    found = [_measured(site, points[one.data_point], one) for one in facts]
    declared = _declared(site, points, named)
    begin, left = max(0, offset - count), limit - len(found)
    found += [_stated(site, points[one.key], one) for one in declared[begin : begin + left]]
    return found, count + len(declared)


def _declared(site: Site, points: Collection[str], named: Sequence[Named] | None) -> list[DeclaredValue]:
    """Return what the city declares of data points, by data point and year."""
    wanted = None if named is None else set(named)
    return [
        one
        for one in sorted(site.declared, key=lambda each: (each.key, each.year))
        if one.key in points and (wanted is None or _name(site, one) in wanted)
    ]


def _key(named: Named) -> KpiKey:
    kind, _, code = named.scope.partition(":")
    return KpiKey(named.data_point, kind, code or named.city, named.horizon, named.year)


def _name(site: Site, one: DeclaredValue) -> Named:
    return Named(site.registry.city.code, one.key, CITY, Horizon.YEAR, one.year, declared=True)


def _measured(site: Site, point: DataPoint, fact: KpiFact) -> Told:
    city = site.registry.city
    titles = {zone.code: zone.title for zone in city.zones}
    zone = fact.scope if fact.scope_kind != CITY else None
    last = local_day(max(fact.end_us - 1, fact.start_us), city.zone_info)
    value: Value = NotReported((fact.reason,)) if fact.ratio is None else Fraction(fact.ratio)
    bounds = None
    if fact.low_ratio is not None and fact.high_ratio is not None:
        bounds = Interval(Fraction(fact.low_ratio), Fraction(fact.high_ratio))
    one = Told(
        named=Named(
            city.code, point.key, CITY if zone is None else f"zone:{zone}", fact.horizon, fact.year, declared=False
        ),
        point=point,
        city=city.name,
        area=city.name if zone is None else titles.get(zone, zone),
        first=local_day(fact.start_us, city.zone_info),
        last=last,
        end_us=fact.end_us,
        value=value,
        bounds=bounds,
        readings=fact.received,
        due=fact.expected,
        validity=fact.validity,
        revision=fact.revision,
        told_us=fact.computed_us,
    )
    return _scored(site, one)


def _stated(site: Site, point: DataPoint, stated: DeclaredValue) -> Told:
    city = site.registry.city
    one = Told(
        named=_name(site, stated),
        point=point,
        city=city.name,
        area=city.name,
        first=date(stated.year, 1, 1),
        last=date(stated.year, 12, 31),
        end_us=time_us_from_civil(f"{stated.year + 1}-01-01", city.zone_info),
        value=stated.value,
    )
    return _scored(site, one)


def _scored(site: Site, one: Told) -> Told:
    """Return a figure with its target, by the day on which its period ends, and its band."""
    target = site.pack.target(one.point.key, one.last)
    return replace(one, target=target, band=score(one.point, one.value, target).points)
