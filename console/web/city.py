"""`/city` and `/zones`: what the city is, where its parts lie, and up to when its data reach.

Knows the city's files, the store's word on listening, and the gateway's lag.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.web.formats import Page, listed, whole
from console.web.places import Described, Geometry, centre, city_centre, geometry
from console.web.site import Site, SiteOf
from devices import rfc3339

LANGUAGES = ("en", "ko")

router = APIRouter(tags=["city"])


@dataclass(frozen=True, slots=True)
class CityItem:
    """The city, and how current what is known of it is.

    Attributes:
        code: as in topics.
        name: as people write it.
        name_ko: its name in Korean; null where none is given.
        time_zone: IANA name; days and hours are its.
        population: newest stated number of inhabitants; null where not stated.
        households: the same of households.
        area_km2: the same of its area.
        centre: longitude and latitude amid its zones.
        zones: how many.
        devices: how many are listed.
        languages: in which titles are given.
        version: of this program.
        now: the time here.
        data_to: watermark of the gateway: times up to here are complete but for late readings; null where not known.
        heard_to: everything that arrived before this time is known; null before the first start of a gateway.
        stopped: whether the gateway was stopped in form.
    """

    code: str
    name: str
    name_ko: str | None
    time_zone: str
    population: int | None
    households: int | None
    area_km2: float | None
    centre: Described | None
    zones: int
    devices: int
    languages: tuple[str, ...]
    version: str
    now: str
    data_to: str | None
    heard_to: str | None
    stopped: bool


@dataclass(frozen=True, slots=True)
class ZoneItem:
    """A part of the city.

    Attributes:
        code, title: short and full name.
        title_ko: full name in Korean; null where none is given.
        geometry: outline; null where none is given.
        centre: longitude and latitude for its name; null where neither outline nor devices have a place.
        devices: how many are listed in it.
    """

    code: str
    title: str
    title_ko: str | None
    geometry: Geometry | None
    centre: Described | None
    devices: int


@dataclass(frozen=True, slots=True)
class ZoneProperties:
    """Properties of a feature."""

    code: str
    title: str
    devices: int


@dataclass(frozen=True, slots=True)
class Feature:
    """A GeoJSON feature."""

    type: str
    id: str
    geometry: Geometry | None
    properties: ZoneProperties


@dataclass(frozen=True, slots=True)
class FeatureCollection:
    """A GeoJSON document (RFC 7946)."""

    type: str
    features: tuple[Feature, ...]


@router.get("/city", response_model=CityItem)
def get_city(site: SiteOf) -> Response:
    """The city, and how current what is known of it is."""
    city, devices = site.registry.city, site.registry.devices
    listening = site.stores.ask(lambda store: store.listening())
    now_us = site.now_us()
    data_to_us = site.gateway.watermark_us(now_us)
    return whole(
        CityItem(
            code=city.code,
            name=city.name,
            name_ko=city.name_ko or None,
            time_zone=city.time_zone,
            population=city.population or None,
            households=city.households or None,
            area_km2=float(city.area_km2) or None,
            centre=city_centre(city, devices),
            zones=len(city.zones),
            devices=len(devices),
            languages=LANGUAGES,
            version=program_version(),
            now=rfc3339(now_us),
            data_to=None if data_to_us is None else rfc3339(data_to_us),
            heard_to=None if listening.heard_to_us is None else rfc3339(listening.heard_to_us),
            stopped=listening.stopped,
        )
    )


@router.get("/zones", response_model=Page[ZoneItem])
def get_zones(request: Request, site: SiteOf) -> Response:
    """Every zone with its outline, in the order of the city's file."""
    return listed(request, ZoneItem, zone_items(site), None)


@router.get("/zones.geojson", response_model=FeatureCollection)
def get_zones_geojson(site: SiteOf) -> Response:
    """Every zone as GeoJSON, for programs that draw maps."""
    features = tuple(
        Feature("Feature", zone.code, zone.geometry, ZoneProperties(zone.code, zone.title, zone.devices))
        for zone in zone_items(site)
    )
    return whole(FeatureCollection("FeatureCollection", features))


def zone_items(site: Site) -> list[ZoneItem]:
    """Return the zones in the order of the city's file."""
    devices = site.registry.devices
    return [
        ZoneItem(
            zone.code,
            zone.title,
            zone.title_ko or None,
            geometry(zone),
            centre(zone, devices),
            sum(device.zone == zone.code for device in devices),
        )
        for zone in site.registry.city.zones
    ]


def program_version() -> str:
    """Return which version this is."""
    try:
        return version("cityvitals")
    except PackageNotFoundError:
        return "not installed"
