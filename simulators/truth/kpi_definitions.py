"""What each data point is that sensors can know, written from the method's description and from nothing else.

Knows codes, devices' columns and formulas; knows no reading and no period. A test holds the list of data points against
the pack's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

Numbers = Mapping[str, Fraction]


@dataclass(frozen=True, slots=True)
class Metered:
    """What counters rose by, in all.

    Attributes:
        measurands: added up.
        where: column of the device and the values that mean it.
        zero: nothing where the city has no such device.
    """

    measurands: tuple[str, ...]
    where: tuple[str, tuple[str, ...]] | None = None
    zero: bool = False


@dataclass(frozen=True, slots=True)
class Events:
    """Weights of events, or with `number` how many there were."""

    measurands: tuple[str, ...]
    number: bool = False


@dataclass(frozen=True, slots=True)
class Mean:
    """Mean of a station's readings: of stations the mean, or with `added` the sum; at some hours of some weekdays."""

    measurand: str
    added: bool = False
    hours: tuple[int, ...] = tuple(range(24))
    weekdays: tuple[int, ...] = tuple(range(1, 8))


@dataclass(frozen=True, slots=True)
class Held:
    """Share of the known time that a state held, added up over stations."""

    measurand: str
    state: str


@dataclass(frozen=True, slots=True)
class Within:
    """Stations whose highest reading is not above a limit."""

    measurand: str
    limit: Fraction


@dataclass(frozen=True, slots=True)
class Installed:
    """Devices in service at the end: with a column's value, or a measurand, counted, or another column added up."""

    column: str = ""
    value: str = ""
    measurand: str = ""
    added: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """A register at the end of the period, or with `mean` over its days."""

    mean: bool = False


Source = Metered | Events | Mean | Held | Within | Installed | Stated

PEAK = (7, 8, 17, 18)
FREE = (22, 23, 0, 1, 2, 3, 4)
WORKDAYS = (1, 2, 3, 4, 5)
ROUTES = ("landfill", "burnt_openly", "incinerated", "open_dump", "recycled", "other")
PUBLIC = ("purpose", ("public_building",))
RF_LIMIT = Fraction(2)
"""W/m2: ICNIRP reference level for 10 to 400 MHz, the strictest."""

SOURCES: dict[str, Source] = {
    "wifi": Installed("purpose", "public_wifi"),
    "smart_water_meters": Installed(measurand="water_volume"),
    "smart_electricity_meters": Installed(measurand="electricity_import"),
    "water_km": Installed("network", "water", added="monitored_km"),
    "drainage_km_seen": Installed("network", "drainage", added="monitored_km"),
    "grid_km_seen": Installed("network", "electricity", added="monitored_km"),
    "road_km_seen": Installed("network", "road_major", added="monitored_km"),
    "flexible": Installed("demand_response", "yes"),
    "managed_area": Installed("purpose", "building_management", added="floor_area_m2"),
    "live_stops": Held("stop_prediction", "current"),
    "adaptive": Held("signal_mode", "adaptive"),
    "supplied": Metered(("water_supplied",)),
    "exported": Metered(("water_exported",), zero=True),
    "fresh": Metered(("water_supplied",), ("water_source", ("ground", "surface"))),
    "drawn": Metered(
        ("water_supplied",), ("water_source", ("ground", "surface", "reuse", "desalination", "import"))
    ),
    "water": Metered(("water_volume",)),
    "electricity": Metered(("electricity_import",)),
    "heat": Metered(("heat_energy",)),
    "gas": Metered(("gas_volume",)),
    "renewable": Metered(("electricity_renewable",)),
    "home_heat": Metered(("heat_energy",), ("purpose", ("residential",))),
    "public_electricity": Metered(("electricity_import",), PUBLIC),
    "public_heat": Metered(("heat_energy",), PUBLIC, zero=True),
    "public_gas": Metered(("gas_volume",), PUBLIC, zero=True),
    "sewage": Metered(("wastewater_volume",)),
    "bypass": Metered(("wastewater_bypass",), zero=True),
    **{stage: Metered((f"wastewater_{stage}",)) for stage in ("primary", "secondary", "tertiary")},
    "interruptions": Events(("interruption", "interruption_planned")),
    "interrupted_minutes": Events(("interruption_time", "interruption_planned_time")),
    "road_km_driven": Events(("vehicle_distance",)),
    **{route: Events((f"waste_{route}",)) for route in ROUTES},
    "response_s": Events(("response_time",)),
    "responses": Events(("response_time",), number=True),
    "crimes": Events(("violent_crime",)),
    "deaths": Events(("traffic_death",)),
    "peak_s": Mean("travel_time", True, PEAK, WORKDAYS),
    "free_s": Mean("travel_time", True, FREE),
    "bicycles": Mean("bicycles_available", True),
    "vehicles": Mean("vehicles_available", True),
    **{code: Mean(code) for code in ("pm2_5", "pm10", "no2", "so2", "o3")},
    "quiet_sites": Within("power_density", RF_LIMIT),
    **{
        code: Stated()
        for code in (
            "water_meters", "water_network_km", "drainage_km", "electricity_meters", "grid_km", "stops_total",
            "road_km_major", "signalised_intersections", "population", "public_floor_area_m2", "antenna_sites",
        )
    },
    **{
        code: Stated(mean=True)
        for code in (
            "electricity_customers", "gas_heating_value", "ghg_factor_electricity", "ghg_factor_heat", "ghg_factor_gas",
            "ghg_factor_road",
        )
    },
}  # fmt: skip


def _percent(part: str, whole: str) -> Callable[[Numbers], Fraction]:
    return lambda of: 100 * of[part] / of[whole]


def _per_head(what: str, heads: int = 1) -> Callable[[Numbers], Fraction]:
    return lambda of: of[what] * heads / of["population"]


def _energy(of: Numbers) -> Fraction:
    return of["electricity"] + of["heat"] + of["gas"] * of["gas_heating_value"]


def _waste(route: str) -> Callable[[Numbers], Fraction]:
    return lambda of: 100 * of[route] / sum(of[each] for each in ROUTES)


def _treated(stage: str) -> Callable[[Numbers], Fraction]:
    return lambda of: 100 * of[stage] / (of["sewage"] + of["bypass"])


def _itself(what: str) -> Callable[[Numbers], Fraction]:
    return lambda of: of[what]


def _loss(of: Numbers) -> Fraction:
    supplied = of["supplied"] - of["exported"]
    return 100 * (supplied - of["water"]) / supplied


def _public_energy(of: Numbers) -> Fraction:
    used = of["public_electricity"] + of["public_heat"] + of["public_gas"] * of["gas_heating_value"]
    return used / of["public_floor_area_m2"]


def _gases(of: Numbers) -> Fraction:
    kilograms = (
        of["electricity"] * of["ghg_factor_electricity"]
        + of["heat"] * of["ghg_factor_heat"]
        + of["gas"] * of["gas_heating_value"] * of["ghg_factor_gas"]
        + of["road_km_driven"] * of["ghg_factor_road"]
    )
    return kilograms / 1000 / of["population"]


PER_100_000 = 100_000
GJ_PER_KWH = Fraction(36, 10_000)
DAYS = "days"
"""Length of the period."""

POINTS: dict[str, Callable[[Numbers], Fraction]] = {
    "EC: ICT: ICT: 5C": _itself("wifi"),
    "EC: ICT: WS: 1C": _percent("smart_water_meters", "water_meters"),
    "EC: ICT: WS: 2A": _percent("water_km", "water_network_km"),
    "EC: ICT: D: 1A": _percent("drainage_km_seen", "drainage_km"),
    "EC: ICT: ES: 1C": _percent("smart_electricity_meters", "electricity_meters"),
    "EC: ICT: ES: 2A": _percent("grid_km_seen", "grid_km"),
    "EC: ICT: ES: 3A": _percent("flexible", "electricity_customers"),
    "EC: ICT: T: 1C": _percent("live_stops", "stops_total"),
    "EC: ICT: T: 2C": _percent("road_km_seen", "road_km_major"),
    "EC: ICT: T: 3A": _percent("adaptive", "signalised_intersections"),
    "EC: I: WS: 3C": _loss,
    "EC: I: ES: 1C": lambda of: of["interruptions"] / of["electricity_customers"],
    "EC: I: ES: 2C": lambda of: of["interrupted_minutes"] / of["interruptions"],
    "EC: I: T: 5A": lambda of: of["peak_s"] / of["free_s"],
    "EC: I: T: 6A": _per_head("bicycles", PER_100_000),
    "EC: I: T: 7A": _per_head("vehicles", PER_100_000),
    "EC: I: B: 2A": _percent("managed_area", "public_floor_area_m2"),
    "EN: E: E: 1C": lambda of: 100 * of["renewable"] / _energy(of),
    "EN: E: E: 2C": _per_head("electricity"),
    "EN: E: E: 3C": lambda of: of["home_heat"] * GJ_PER_KWH / of["population"],
    "EN: E: E: 4A": _public_energy,
    **{f"EN: EN: AQ: 1C/{code}": _itself(code) for code in ("pm2_5", "pm10", "no2", "so2", "o3")},
    "EN: EN: AQ: 2C": _gases,
    "EN: EN: WS: 2C": lambda of: 1000 * of["water"] / of[DAYS] / of["population"],
    "EN: EN: WS: 3C": _percent("fresh", "drawn"),
    **{f"EN: EN: WS: 4C/{stage}": _treated(stage) for stage in ("primary", "secondary", "tertiary")},
    **{f"EN: EN: WA: 1C/{route.removesuffix('_openly')}": _waste(route) for route in ROUTES},
    "EN: EN: EQ: 1C": _percent("quiet_sites", "antenna_sites"),
    "SC: SH: SA: 5A": lambda of: of["response_s"] / 60 / of["responses"],
    "SC: SH: SA: 8C": _per_head("crimes", PER_100_000),
    "SC: SH: SA: 9C": _per_head("deaths", PER_100_000),
}
"""Of a city of which everything above is known."""

DECLARED = (
    "EC: ICT: PS: 1A/percent", "EC: ICT: PS: 1A/number", "EC: I: WA: 1C", "EN: EN: WS: 1C", "EN: EN: EQ: 2A",
    *(f"EC: I: T: 4A/{mode}" for mode in ("private", "public", "walking", "cycling", "para")),
)  # fmt: skip
"""Data points of which sensors know only a part: without what the city states they are not reported."""
