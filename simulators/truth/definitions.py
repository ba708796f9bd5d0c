"""What each indicator is, written from its published description and from nothing else.

Knows the words of a definition; computes nothing. A test holds this list against the one of the program that it judges.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class What(Enum):
    """What a station's figure is made of."""

    MEAN = "mean of the readings"
    TOTAL = "rise of a counter, or sum of the weights of events"
    LEVEL = "level of the mean energy"
    DIRECTION = "direction of the sum of unit vectors"
    SHARE = "share of the time in a state of the time in any"
    INDEX = "formula over hours of several pollutants"
    NIGHT_NOISE = "level of the hours of the night that ends in the day"
    WHOLE_NOISE = "level of day, evening and that night, each with its weight"
    NIGHT_FLOW = "mean rise per hour of the hours from 02 to 04"
    NIGHT_FLOW_LEAST = "rise of the hour from 02 to 04 with the least"
    LOAD = "mean rise of the day's hours as a share of the greatest"


class Pool(Enum):
    """How figures of stations become those of a zone and the city."""

    MEAN = "mean"
    SUM = "sum"
    WORST = "highest, with the driver of the first station that has it"
    ENERGY = "level of the mean energy"
    VECTOR = "direction of the sum of unit vectors"


@dataclass(frozen=True, slots=True)
class Definition:
    """One indicator of one kind of window.

    Attributes:
        code, window: as published; the window is `hour` or `day`.
        inputs: measurand codes; of equal sub-indices the first decides.
        what, pool: see there.
        decimals: a figure is a count of 10^-decimals.
        state: for a share, the state whose time counts.
        requires: a station must measure one of each, and have a reading of one of each in the window.
        requires_traffic: the same at traffic.
        band_ends: highest figure of every band but the last; empty where there are no bands.
    """

    code: str
    window: str
    inputs: tuple[str, ...]
    what: What
    pool: Pool
    decimals: int
    state: str = ""
    requires: tuple[tuple[str, ...], ...] = ()
    requires_traffic: tuple[tuple[str, ...], ...] = ()
    band_ends: tuple[int, ...] = ()

    @property
    def can_vanish(self) -> bool:
        """Whether windows that were computed may have no figure; they then stand there without one."""
        return self.what in (What.TOTAL, What.SHARE, What.DIRECTION, What.LOAD)

    def needed(self, at_traffic: bool) -> tuple[tuple[str, ...], ...]:
        """Return the alternatives that a station must have."""
        return (self.requires_traffic if at_traffic else self.requires) or (self.inputs,)


BOTH = ("hour", "day")
HOUR = ("hour",)
DAY = ("day",)
AIR = ("pm2_5", "pm10", "no2", "so2", "o3", "co")
WEATHER = ("temperature", "humidity", "pressure", "wind_speed")
US_INPUTS = ("pm2_5", "pm10", "o3", "no2", "so2", "co")
US_BANDS = (50, 100, 150, 200, 300)
PARTICLES = ("pm2_5", "pm10")


def _each(
    code: str, measurand: str, what: What, pool: Pool, decimals: int, windows: tuple[str, ...] = BOTH, state: str = ""
) -> list[Definition]:
    return [Definition(code, window, (measurand,), what, pool, decimals, state) for window in windows]


DEFINITIONS: tuple[Definition, ...] = (
    *(one for code in AIR for one in _each(f"{code}_mean", code, What.MEAN, Pool.MEAN, 3)),
    Definition(
        "cai", "hour", ("pm10", "pm2_5", "no2", "o3", "so2", "co"), What.INDEX, Pool.WORST, 0,
        requires=(("pm10",), ("pm2_5",), ("no2",), ("o3",)),
        requires_traffic=(("pm10",), ("pm2_5",), ("no2",), ("o3",)), band_ends=(50, 100, 250),
    ),
    Definition("us_aqi_nowcast", "hour", US_INPUTS, What.INDEX, Pool.WORST, 0, band_ends=US_BANDS),
    Definition("us_aqi", "day", US_INPUTS, What.INDEX, Pool.WORST, 0, band_ends=US_BANDS),
    Definition(
        "eaqi", "hour", ("pm2_5", "pm10", "no2", "o3", "so2"), What.INDEX, Pool.WORST, 0,
        requires=(("no2",), ("o3",), PARTICLES), requires_traffic=(("no2",), PARTICLES), band_ends=(1, 2, 3, 4, 5),
    ),
    *_each("laeq", "sound_level", What.LEVEL, Pool.ENERGY, 1),
    *_each("lden", "sound_level", What.WHOLE_NOISE, Pool.ENERGY, 1, DAY),
    *_each("lnight", "sound_level", What.NIGHT_NOISE, Pool.ENERGY, 1, DAY),
    *_each("electricity", "electricity_import", What.TOTAL, Pool.SUM, 3),
    *_each("water", "water_volume", What.TOTAL, Pool.SUM, 6),
    *_each("heat", "heat_energy", What.TOTAL, Pool.SUM, 3),
    *_each("night_flow", "water_supplied", What.NIGHT_FLOW, Pool.SUM, 3, DAY),
    *_each("night_flow_lowest", "water_supplied", What.NIGHT_FLOW_LEAST, Pool.SUM, 3, DAY),
    *_each("night_use", "water_volume", What.NIGHT_FLOW, Pool.SUM, 6, DAY),
    *_each("load_factor", "electricity_import", What.LOAD, Pool.MEAN, 1, DAY),
    *_each("vehicle_count", "vehicle_count", What.TOTAL, Pool.SUM, 0),
    *_each("parking_occupancy", "parking_occupancy", What.MEAN, Pool.MEAN, 1, HOUR),
    *_each("traffic_congestion", "traffic_load", What.SHARE, Pool.MEAN, 1, HOUR, "congested"),
    *(one for code in WEATHER for one in _each(f"{code}_mean", code, What.MEAN, Pool.MEAN, 3)),
    *_each("wind_direction", "wind_direction", What.DIRECTION, Pool.VECTOR, 0, HOUR),
)  # fmt: skip
