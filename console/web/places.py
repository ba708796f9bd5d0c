"""Where zones and the city lie on a map: outlines as GeoJSON, and a point to write a name at.

Arithmetic over degrees; knows no request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from devices import City, Device, Zone

Position = tuple[float, float]
"""Longitude and latitude, in degrees, WGS 84."""
Described = tuple[float, ...]
"""The same in answers: the description of the API cannot say how long an array is."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """A GeoJSON geometry (RFC 7946).

    Attributes:
        type: always `MultiPolygon`: a zone may have several parts.
        coordinates: polygons of rings of [longitude, latitude]; the first ring is the outside, others are holes.
    """

    type: str
    coordinates: tuple[tuple[tuple[Described, ...], ...], ...]


def geometry(zone: Zone) -> Geometry | None:
    """Return the outline of a zone; None where it has none."""
    return Geometry("MultiPolygon", zone.polygons) if zone.polygons else None


def centre(zone: Zone, devices: Iterable[Device]) -> Position | None:
    """Return where a zone's name stands: in its largest part, else amid its devices; None where nothing is known."""
    outsides = [polygon[0] for polygon in zone.polygons]
    if outsides:
        return _rounded(max((_centroid(ring) for ring in outsides), key=lambda found: found[0])[1])
    return _amid([_position(one) for one in devices if one.zone == zone.code])


def city_centre(city: City, devices: Sequence[Device]) -> Position | None:
    """Return the point amid the zones of a city; None where nothing is known of any."""
    return _amid([centre(zone, devices) for zone in city.zones])


def _position(device: Device) -> Position | None:
    if device.longitude is None or device.latitude is None:
        return None
    return device.longitude, device.latitude


def _amid(positions: Iterable[Position | None]) -> Position | None:
    known = [one for one in positions if one is not None]
    if not known:
        return None
    return _rounded((sum(one[0] for one in known) / len(known), sum(one[1] for one in known) / len(known)))


def _centroid(ring: Sequence[Position]) -> tuple[float, Position]:
    """Return area and centre of gravity of a closed ring, in degrees; a ring without area lies at its first corner."""
    origin_x, origin_y = ring[0]
    twice = moment_x = moment_y = 0.0
    for (x0, y0), (x1, y1) in pairwise(ring):
        # From the first corner: differences of large numbers would lose digits.
        cross = (x0 - origin_x) * (y1 - origin_y) - (x1 - origin_x) * (y0 - origin_y)
        twice += cross
        moment_x += (x0 + x1 - 2 * origin_x) * cross
        moment_y += (y0 + y1 - 2 * origin_y) * cross
    if not twice:
        return 0.0, ring[0]
    return abs(twice) / 2, (origin_x + moment_x / (3 * twice), origin_y + moment_y / (3 * twice))


def _rounded(position: Position) -> Position:
    """Return a position to the decimetre."""
    return round(position[0], 6), round(position[1], 6)
