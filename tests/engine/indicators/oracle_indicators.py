"""The slow twin of `engine.indicators`: fractions and dicts, straight from the tables, sharing no code with it.

Only the tables' files are read from the engine; every rule, factor and name is written again.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import engine.indicators

TABLES = Path(engine.indicators.__file__).parent / "tables"
HOUR_US = 3_600_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Hours = Mapping[str, Sequence[Fraction | None]]
"""Per pollutant the hourly means in µg/m3, oldest first, None where there is none."""

PPB = {
    "no2": Fraction(2445, 100) / Fraction(46005, 1000),
    "so2": Fraction(2445, 100) / Fraction(64058, 1000),
    "o3": Fraction(2445, 100) / Fraction(47997, 1000),
    "co": Fraction(2445, 100) / Fraction(28010, 1000),
}


def read(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


CAI = [row for row in read("cai_korea.csv") if row["index"] == "cai_korea"]
AQI = read("aqi_us_epa.csv")
EAQI = [row for row in read("eaqi.csv") if row["index"] == "eaqi_2024"]

CAI_STEP = {"pm10": Fraction(1), "pm2_5": Fraction(1), "co": Fraction(1, 100)} | {
    gas: Fraction(1, 1000) for gas in ("so2", "no2", "o3")
}
"""Precision of the CAI table, read off the gaps between its segments by hand."""


def to_unit(pollutant: str, unit: str, ug_m3: Fraction) -> Fraction:
    if unit == "ug/m3":
        return ug_m3
    ppb = ug_m3 * PPB[pollutant]
    return ppb if unit == "ppb" else ppb / 1000


def from_unit(pollutant: str, unit: str, value: Fraction) -> Fraction:
    if unit == "ug/m3":
        return value
    return (value if unit == "ppb" else value * 1000) / PPB[pollutant]


def half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def segment_value(row: Mapping[str, str], concentration: Fraction) -> int:
    c_low, c_high = Fraction(row["c_low"]), Fraction(row["c_high"])
    i_low, i_high = int(row["i_low"]), int(row["i_high"])
    return half_up((i_high - i_low) / (c_high - c_low) * (concentration - c_low) + i_low)


def looked_up(rows: Sequence[Mapping[str, str]], concentration: Fraction) -> int | None:
    if concentration < Fraction(rows[0]["c_low"]):
        return None
    for row in rows:
        if Fraction(row["c_low"]) <= concentration <= Fraction(row["c_high"]):
            return segment_value(row, concentration)
    assert concentration > Fraction(rows[-1]["c_high"]), "a gap in the table"
    return int(rows[-1]["i_high"])


def cai_sub_index(pollutant: str, ug_m3: Fraction) -> int:
    rows = [row for row in CAI if row["pollutant"] == pollutant]
    step = CAI_STEP[pollutant]
    rounded = round(to_unit(pollutant, rows[0]["unit"], ug_m3) / step) * step  # Fraction rounds half to even
    found = looked_up(rows, rounded)
    assert found is not None
    return found


def aqi_sub_index(pollutant: str, averaging: str, ug_m3: Fraction) -> int | None:
    rows = [row for row in AQI if (row["pollutant"], row["averaging"]) == (pollutant, averaging)]
    step = Fraction(rows[0]["truncate_to"])
    return looked_up(rows, math.floor(to_unit(pollutant, rows[0]["unit"], ug_m3) / step) * step)


def positive(values: Sequence[Fraction | None]) -> list[Fraction | None]:
    return [None if value is None else max(value, Fraction(0)) for value in values]


def average(values: Sequence[Fraction | None]) -> Fraction | None:
    """Return the mean where at least three quarters are there."""
    present = [value for value in values if value is not None]
    if not present or Fraction(len(present), len(values)) < Fraction(3, 4):
        return None
    return sum(present, Fraction(0)) / len(present)


def newest(values: Sequence[Fraction | None], count: int) -> list[Fraction | None]:
    return ([None] * count + list(values))[-count:]


def c24e(pollutant: str, values: Sequence[Fraction | None]) -> Fraction | None:
    twelve = newest(values, 12)
    c12 = average(twelve)
    if c12 is None:
        return None
    limit = {"pm10": 70, "pm2_5": 30}[pollutant]
    adjusted: list[Fraction | None] = []
    for value in twelve[-4:]:
        if value is None:
            adjusted.append(None)
        elif value < limit or value / c12 < Fraction(9, 10) or value / c12 > Fraction(17, 10):
            adjusted.append(value)
        else:
            adjusted.append(value * Fraction(3, 4))
    c4 = average(adjusted)
    return None if c4 is None else (12 * c12 + 12 * c4) / 24


def nowcast(values: Sequence[Fraction | None]) -> Fraction | None:
    by_age = newest(values, 12)[::-1]
    if sum(value is not None for value in by_age[:3]) < 2:
        return None
    present = [value for value in by_age if value is not None]
    weight = Fraction(1) if max(present) == 0 else max(min(present) / max(present), Fraction(1, 2))
    above = sum((weight**age * value for age, value in enumerate(by_age) if value is not None), Fraction(0))
    below = sum((weight**age for age, value in enumerate(by_age) if value is not None), Fraction(0))
    return above / below


Result = tuple[int, str]
"""Value and driving pollutant."""


def worst(found: Mapping[str, int | None]) -> Result | None:
    best: Result | None = None
    for pollutant, value in found.items():
        if value is not None and (best is None or value > best[0]):
            best = value, pollutant
    return best


def cai(hours: Hours) -> Result | None:
    found: dict[str, int | None] = {}
    for pollutant in ("pm10", "pm2_5", "no2", "o3", "so2", "co"):
        values = positive(hours.get(pollutant, [None]))
        value = c24e(pollutant, values) if pollutant in ("pm10", "pm2_5") else values[-1]
        found[pollutant] = None if value is None else cai_sub_index(pollutant, value)
    if any(found[pollutant] is None for pollutant in ("pm10", "pm2_5", "no2", "o3")):
        return None
    best = worst(found)
    assert best is not None
    bad = sum(value is not None and value > 100 for value in found.values())
    return best[0] + (75 if bad >= 3 else 50 if bad == 2 else 0), best[1]


def maximum(*values: int | None) -> int | None:
    return max((value for value in values if value is not None), default=None)


def us_aqi_nowcast(hours: Hours) -> Result | None:
    found: dict[str, int | None] = {}
    for pollutant in ("pm2_5", "pm10", "o3", "no2", "so2", "co"):
        values = positive(hours.get(pollutant, [None]))
        eight = average(newest(values, 8))
        last = values[-1]
        if pollutant in ("pm2_5", "pm10"):
            cast = nowcast(values)
            found[pollutant] = None if cast is None else aqi_sub_index(pollutant, "24h", cast)
        elif pollutant == "o3":
            if eight is not None:  # the hour counts in addition to eight hours, never in their place
                by_hour = None if last is None else aqi_sub_index("o3", "1h", last)
                found[pollutant] = maximum(aqi_sub_index("o3", "8h", eight), by_hour)
        elif pollutant == "co":
            found[pollutant] = None if eight is None else aqi_sub_index("co", "8h", eight)
        else:
            found[pollutant] = None if last is None else aqi_sub_index(pollutant, "1h", last)
    return worst(found)


def us_aqi_day(hours: Hours, own: int) -> Result | None:
    found: dict[str, int | None] = {}
    for pollutant in ("pm2_5", "pm10", "o3", "no2", "so2", "co"):
        if pollutant not in hours:
            continue
        values = positive(hours[pollutant])
        day = newest(values, own)
        whole = average(day)
        highest = None if whole is None else max(value for value in day if value is not None)
        padded = [None] * 8 + list(values)
        running = [average(padded[end - 8 : end]) for end in range(len(padded) - own + 1, len(padded) + 1)]
        running_mean = average(running)
        best = None if running_mean is None else max(value for value in running if value is not None)
        if pollutant in ("pm2_5", "pm10"):
            found[pollutant] = None if whole is None else aqi_sub_index(pollutant, "24h", whole)
        elif pollutant == "o3":
            if best is not None:
                by_hour = None if highest is None else aqi_sub_index("o3", "1h", highest)
                found[pollutant] = maximum(aqi_sub_index("o3", "8h", best), by_hour)
        elif pollutant == "co":
            found[pollutant] = None if best is None else aqi_sub_index("co", "8h", best)
        elif pollutant == "no2":
            found[pollutant] = None if highest is None else aqi_sub_index("no2", "1h", highest)
        elif highest is not None and whole is not None:
            one = aqi_sub_index("so2", "1h", highest)
            if to_unit("so2", "ppb", highest) >= 305 and to_unit("so2", "ppb", whole) >= 305:
                one = aqi_sub_index("so2", "24h", whole)
            found[pollutant] = one
    return worst(found)


def eaqi(hours: Hours, traffic: bool) -> Result | None:
    has = {p: hours.get(p, [None])[-1] is not None for p in ("pm2_5", "pm10", "no2", "o3", "so2")}
    if not has["no2"] or not (has["pm2_5"] or has["pm10"]) or not (traffic or has["o3"]):
        return None
    found: dict[str, int | None] = {}
    for pollutant in has:
        value = positive(hours.get(pollutant, [None]))[-1]
        if value is not None:
            for row in [row for row in EAQI if row["pollutant"] == pollutant]:
                if not row["c_high_inclusive"] or value <= Fraction(row["c_high_inclusive"]):
                    found[pollutant] = int(row["band"])
                    break
    return worst(found)


def level(energy: Fraction, decimals: int) -> int:
    """Return 10 lg(energy) in ticks, computed with 50 digits."""
    if energy <= 0:
        return 0
    with localcontext() as context:
        context.prec = 50
        decibels = 10 * (Decimal(energy.numerator) / Decimal(energy.denominator)).log10()
        return max(0, int((decibels * 10**decimals).to_integral_value()))


@dataclass(frozen=True)
class Series:
    """One series of the small city: its slot is its place in the list."""

    device: int
    measurand: str
    zone: int
    interval_us: int
    from_us: int
    to_us: int


@dataclass
class City:
    """A small city, its hour cells, and every figure that follows from them."""

    zone_info: ZoneInfo
    zones: int
    series: list[Series]
    traffic: set[int] = field(default_factory=set)
    cells: dict[tuple[int, int], tuple[int, list[int]]] = field(default_factory=dict)
    """(slot, hour start) to count and sums, for all kinds."""

    def day(self, time_us: int) -> tuple[int, int]:
        local = (EPOCH + timedelta(microseconds=time_us)).astimezone(self.zone_info).date()
        return self.midnight(local), self.midnight(local + timedelta(days=1))

    def midnight(self, day: date) -> int:
        local = datetime(day.year, day.month, day.day, tzinfo=self.zone_info)
        return (local.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)

    def window(self, slot: int, start: int, end: int) -> tuple[int, list[int]]:
        """Return count and sums of all hours inside."""
        count, sums = 0, [0, 0, 0, 0]
        for hour in range(start, end, HOUR_US):
            cell = self.cells.get((slot, hour), (0, [0, 0, 0, 0]))
            count += cell[0]
            sums = [a + b for a, b in zip(sums, cell[1], strict=True)]
        return count, sums

    def due(self, slot: int, start: int, end: int) -> int:
        one = self.series[slot]
        span = min(end, one.to_us) - max(start, one.from_us)
        return max(0, math.ceil(Fraction(span, one.interval_us)))

    def slots(self, device: int, codes: Sequence[str]) -> list[int]:
        return [i for i, s in enumerate(self.series) if s.device == device and s.measurand in codes]

    def devices(self) -> list[int]:
        return sorted({one.device for one in self.series})

    def zone(self, device: int) -> int:
        return next(one.zone for one in self.series if one.device == device)

    def hours(self, device: int, codes: Sequence[str], start: int, end: int) -> dict[str, list[Fraction | None]]:
        """Return the hourly means in µg/m3; every air measurand has 3 decimals."""
        found: dict[str, list[Fraction | None]] = {}
        for code in codes:
            slots = self.slots(device, [code])
            if not slots:
                continue
            found[code] = []
            for hour in range(start, end, HOUR_US):
                count = sum(self.window(slot, hour, hour + HOUR_US)[0] for slot in slots)
                total = sum(self.window(slot, hour, hour + HOUR_US)[1][0] for slot in slots)
                found[code].append(Fraction(total, count * 1000) if count else None)
        return found


HOUR, DAY = "hour", "day"
AIR = ("pm2_5", "pm10", "no2", "so2", "o3", "co")
BOTH = (HOUR, DAY)

STATISTICS: dict[str, tuple[str, str, int, int, str, tuple[str, ...]]] = {
    **{f"{code}_mean": (code, "mean", 3, 3, "mean", BOTH) for code in AIR},
    "laeq": ("sound_level", "level", 2, 1, "energy", BOTH),
    "electricity": ("electricity_import", "total", 3, 3, "sum", BOTH),
    "water": ("water_volume", "total", 6, 6, "sum", BOTH),
    "heat": ("heat_energy", "total", 3, 3, "sum", BOTH),
    "vehicle_count": ("vehicle_count", "total", 0, 0, "sum", BOTH),
    "parking_occupancy": ("parking_occupancy", "mean", 0, 1, "mean", (HOUR,)),
    "traffic_congestion": ("traffic_load", "share", 0, 1, "mean", (HOUR,)),
    **{
        f"{code}_mean": (code, "mean", 3, 3, "mean", BOTH)
        for code in ("temperature", "humidity", "pressure", "wind_speed")
    },
}
"""code: measurand, what, decimals in, decimals out, pool, windows. Wind direction has tests of its own."""

PROFILES = {
    "lden": ("sound_level", 2, 1, "energy"),
    "lnight": ("sound_level", 2, 1, "energy"),
    "night_flow": ("water_supplied", 3, 3, "sum"),
    "night_flow_lowest": ("water_supplied", 3, 3, "sum"),
    "night_use": ("water_volume", 6, 6, "sum"),
    "load_factor": ("electricity_import", 3, 1, "mean"),
}
"""code of what is made of a day's hours: measurand, decimals in, decimals out, pool."""

POOLS = {code: (spec[4], spec[3]) for code, spec in STATISTICS.items()} | {
    code: (spec[3], spec[2]) for code, spec in PROFILES.items()
}
"""code: pool and decimals of what is no index."""

INDICES = {"cai": (HOUR, 11), "us_aqi_nowcast": (HOUR, 11), "us_aqi": (DAY, 7), "eaqi": (HOUR, 0)}
"""code: window, hours looked back."""

INDEX_INPUTS = dict.fromkeys(INDICES, AIR) | {"eaqi": ("pm2_5", "pm10", "no2", "o3", "so2")}
ENERGY_ONE = 8
"""Energy of 0 dB in the cells."""

BAND_ENDS = {
    "cai": (50, 100, 250),
    "us_aqi": (50, 100, 150, 200, 300),
    "us_aqi_nowcast": (50, 100, 150, 200, 300),
    "eaqi": (1, 2, 3, 4, 5),
}

Row = tuple[int, int, str | None, int, int]
"""ticks, band, driver, received, expected."""


def statistic(code: str, count: int, sums: Sequence[int]) -> int | None:
    _, what, decimals_in, decimals_out, _, _ = STATISTICS[code]
    if what == "mean":
        return round(Fraction(sums[0] * 10**decimals_out, count * 10**decimals_in)) if count else None
    if what == "total":
        return round(Fraction(sums[0] * 10**decimals_out, 10**decimals_in)) if count or sums[0] else None
    if what == "level":
        return level(Fraction(sums[0], count * ENERGY_ONE), decimals_out) if count else None
    known = sum(sums[:3])  # free, dense, congested
    return round(Fraction(100 * 10**decimals_out * sums[2], known)) if known else None


def pooled(how: str, ticks: Sequence[int], decimals: int) -> int:
    if how == "sum":
        return sum(ticks)
    if how == "mean":
        return round(Fraction(sum(ticks), len(ticks)))
    with localcontext() as context:
        context.prec = 50
        energy = sum((Decimal(10) ** (Decimal(t) / 10 ** (decimals + 1)) for t in ticks), Decimal(0)) / len(ticks)
        return int((10 * energy.log10() * 10**decimals).to_integral_value())


def profile_of(city: City, code: str, device: int, start: int, end: int) -> int | None:
    """Return a day's figure from the hours in which something was read; the zones here change by whole hours."""
    measurand, decimals_in, decimals_out, _ = PROFILES[code]
    slots = city.slots(device, [measurand])
    hours: list[tuple[int, Fraction | None]] = []
    for hour in range(start - HOUR_US, end, HOUR_US):
        cells = [city.window(slot, hour, hour + HOUR_US) for slot in slots]
        count, total = sum(cell[0] for cell in cells), sum(cell[1][0] for cell in cells)
        shown = (EPOCH + timedelta(microseconds=hour)).astimezone(city.zone_info).hour
        value = Fraction(total, count if measurand == "sound_level" else 1) if count else None
        hours.append((shown, value))
    own = hours[1:]
    if all(value is None for _, value in own):
        return None
    night = [value for shown, value in hours[:-1] if shown == 23 or shown < 7]
    if code == "lnight":
        found = average(night)
        return None if found is None else level(found / ENERGY_ONE, decimals_out)
    if code == "lden":
        parts = [night, [v for s, v in own if 7 <= s < 19], [v for s, v in own if 19 <= s < 23]]
        means = [average(part) for part in parts]
        if any(mean is None for mean in means):
            return None
        with localcontext() as context:
            context.prec = 50
            weights = (Decimal(10), Decimal(1), Decimal(10).sqrt())
            total_energy = sum(
                weight * len(part) * Decimal(mean.numerator) / Decimal(mean.denominator)
                for weight, part, mean in zip(weights, parts, means, strict=True)
                if mean is not None
            )
            energy = total_energy / sum(len(part) for part in parts) / ENERGY_ONE
            return max(0, int((10 * energy.log10() * 10**decimals_out).to_integral_value())) if energy > 0 else 0
    chosen = [value for shown, value in own if code == "load_factor" or 2 <= shown < 4]
    mean, there = average(chosen), [value for value in chosen if value is not None]
    if mean is None:
        return None
    if code == "load_factor":
        return round(100 * 10**decimals_out * mean / max(there)) if max(there) > 0 else None
    return round((min(there) if code == "night_flow_lowest" else mean) * 10**decimals_out / 10**decimals_in)


def index_of(city: City, code: str, device: int, start: int, end: int) -> Result | None:
    codes, back = INDEX_INPUTS[code], INDICES[code][1]
    hours = city.hours(device, codes, start - back * HOUR_US, end)
    own = (end - start) // HOUR_US
    if not any(value is not None for values in hours.values() for value in values[-own:]):
        return None
    if code == "cai":
        return cai(hours) if all(hours[p][-1] is not None for p in ("pm10", "pm2_5", "no2", "o3")) else None
    if code == "eaqi":
        return eaqi(hours, device in city.traffic)
    return us_aqi_nowcast(hours) if code == "us_aqi_nowcast" else us_aqi_day(hours, own)


def possible(city: City, code: str, device: int) -> bool:
    has = {one.measurand for one in city.series if one.device == device}
    if code == "cai":
        return {"pm10", "pm2_5", "no2", "o3"} <= has
    if code == "eaqi":
        return "no2" in has and bool({"pm2_5", "pm10"} & has) and (device in city.traffic or "o3" in has)
    if code in INDICES:
        return bool(set(INDEX_INPUTS[code]) & has)
    return (PROFILES[code] if code in PROFILES else STATISTICS[code])[0] in has


def figures(city: City) -> dict[tuple[str, str, int, int], Row]:
    """Return every figure by (code, window, scope, start): all windows from the first to the last cell."""
    times = [start for _, start in city.cells]
    if not times:
        return {}
    hours = [(t, t + HOUR_US) for t in range(min(times), max(times) + 1, HOUR_US)]
    days = sorted({city.day(start) for start, _ in hours})
    found: dict[tuple[str, str, int, int], Row] = {}
    names = [(code, window) for code, spec in STATISTICS.items() for window in spec[5]]
    names += [(code, DAY) for code in PROFILES]
    for code, window in names + [(code, spec[0]) for code, spec in INDICES.items()]:
        for start, end in hours if window == HOUR else days:
            _one_window(city, code, window, start, end, found)
    return found


def _one_window(
    city: City, code: str, window: str, start: int, end: int, found: dict[tuple[str, str, int, int], Row]
) -> None:
    single = PROFILES if code in PROFILES else STATISTICS
    inputs = INDEX_INPUTS[code] if code in INDICES else (single[code][0],)
    members: dict[int, list[tuple[int | None, str | None, int, int]]] = {}
    for device in city.devices():
        if not possible(city, code, device):
            continue
        slots = city.slots(device, inputs)
        cells = [city.window(slot, start, end) for slot in slots]
        received = sum(cell[0] for cell in cells)
        due = sum(city.due(slot, start, end) for slot in slots)
        ticks: int | None
        driver: str | None = None
        if code in INDICES:
            result = index_of(city, code, device, start, end)
            ticks, driver = result if result is not None else (None, None)
        elif code in PROFILES:
            ticks = profile_of(city, code, device, start, end)
        else:
            ticks = statistic(code, received, [sum(cell[1][k] for cell in cells) for k in range(4)])
        for scope in (0, 1 + city.zone(device), 1 + city.zones + device):
            members.setdefault(scope, []).append((ticks, driver, received, due))
    for scope, rows in members.items():
        known = [(t, d) for t, d, _, _ in rows if t is not None]
        if not known:
            continue
        driver = None
        if code in INDICES:
            ticks = max(t for t, _ in known)
            driver = next(d for t, d in known if t == ticks)
        elif scope > city.zones:
            ticks = known[0][0]
        else:
            how, decimals = POOLS[code]
            ticks = pooled(how, [t for t, _ in known], decimals)
        ends = BAND_ENDS.get(code)
        band = 0 if ends is None else 1 + sum(ticks > end for end in ends)
        found[code, window, scope, start] = (ticks, band, driver, sum(r[2] for r in rows), sum(r[3] for r in rows))
