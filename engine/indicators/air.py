"""The air quality indices: Korea's CAI, the US AQI (hourly by NowCast, daily) and the European AQI.

Pure functions of one station's hours. Each returns None where its standard gives no index.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from engine.indicators import breakpoints
from engine.indicators.concentrations import RUNNING_HOURS, Day, Lookup, Ratio, at, mean, nowcast, predicted
from engine.indicators.definition import Figure, Hours

CAI_INPUTS = ("pm10", "pm2_5", "no2", "o3", "so2", "co")
CAI_REQUIRED = ("pm10", "pm2_5", "no2", "o3")
CAI_UNHEALTHY = 101
"""Sub-indices from here on are unhealthy or worse."""
CAI_BONUS = {2: 50, 3: 75}
"""Added to the highest sub-index with two, and with three or more, pollutants at unhealthy or worse."""

AQI_INPUTS = ("pm2_5", "pm10", "o3", "no2", "so2", "co")
AQI_SO2_1H_MAX = 304
"""ppb; above it the 1-hour sulphur dioxide defines no index, the 24-hour mean does."""

EAQI_INPUTS = ("pm2_5", "pm10", "no2", "o3", "so2")
EAQI_REQUIRED = (("no2",), ("o3",), ("pm2_5", "pm10"))
EAQI_REQUIRED_TRAFFIC = (("no2",), ("pm2_5", "pm10"))

CAI_TABLES = {code: Lookup(table) for (code, _), table in breakpoints.load("cai_korea.csv").items()}
AQI_TABLES = {key: Lookup(table) for key, table in breakpoints.load("aqi_us_epa.csv").items()}
EAQI_LIMITS, EAQI_BANDS = breakpoints.load_ordinal("eaqi.csv", "eaqi_2024")
CAI_BANDS = breakpoints.index_bands("cai_korea.csv")
AQI_BANDS = breakpoints.index_bands("aqi_us_epa.csv")


def cai(hours: Mapping[str, Hours], own: int) -> Figure | None:
    """Return Korea's Comprehensive Air-quality Index of the newest hour.

    Gases by the hour's mean in ppm at 25 °C, particles by C24E; each rounded to its table's precision, sub-indices to
    the nearest integer, ties upwards. None unless PM10, PM2.5, NO2 and O3 all have one.
    """
    del own
    found: list[int | None] = []
    for code in CAI_INPUTS:
        series = hours.get(code)
        value = None
        if series is not None:
            value = predicted(series, code) if code in ("pm10", "pm2_5") else at(series, -1)
        if value is None and code in CAI_REQUIRED:
            return None
        lookup = CAI_TABLES[code]
        found.append(None if value is None else lookup.table.index(lookup.rounded(value)))
    worst = _worst(found)
    if worst is None:
        return None
    unhealthy = sum(value is not None and value >= CAI_UNHEALTHY for value in found)
    return Figure(worst.ticks + CAI_BONUS.get(min(unhealthy, 3), 0), worst.driver)


def us_aqi_nowcast(hours: Mapping[str, Hours], own: int, *, extrapolate: bool = False) -> Figure | None:
    """Return the US AQI of the newest hour: the highest sub-index of the pollutants that have one.

    PM by NowCast; ozone by the running 8-hour mean in place of its NowCast (whose regression is fitted per site), and
    beside it by the newest hour from 0.125 ppm where that is higher; CO by the running 8-hour mean; NO2 and SO2 by the
    newest hour. Above a table the index stays at its last value, or `extrapolate` continues the last segment (PM, NO2
    and CO only: the others' tables end where another average takes over).
    """
    del own
    end = len(next(iter(hours.values())).counts)
    found: list[int | None] = []
    for code in AQI_INPUTS:
        series = hours.get(code)
        if series is None:
            found.append(None)
        elif code in ("pm2_5", "pm10"):
            found.append(_aqi(code, "24h", nowcast(series), extrapolate))
        elif code == "o3":
            running = mean(series, end - RUNNING_HOURS, end)
            found.append(_in_addition(_aqi(code, "8h", running), _aqi(code, "1h", at(series, -1))))
        elif code == "co":
            found.append(_aqi(code, "8h", mean(series, end - RUNNING_HOURS, end), extrapolate))
        else:
            found.append(_aqi(code, "1h", at(series, -1), extrapolate and code == "no2"))
    return _worst(found)


def us_aqi_day(hours: Mapping[str, Hours], own: int, *, extrapolate: bool = False) -> Figure | None:
    """Return the US AQI of a civil day of `own` hours: the highest sub-index of the pollutants that have one.

    PM by the mean of the day's hours; ozone by the highest running 8-hour mean, and beside it by the highest hour where
    that gives more; CO by the highest running 8-hour mean; NO2 and SO2 by the highest hour, SO2 above 304 ppb by the
    day's mean. A running mean belongs to the day in which it ends and needs 6 of its 8 hours. Each sub-index needs 75 %
    of the day's hours (of its running means). `extrapolate`: as for the hourly index.
    """
    found: list[int | None] = []
    for code in AQI_INPUTS:
        if code not in hours:
            found.append(None)
            continue
        day = Day.of(hours[code], own)
        if code in ("pm2_5", "pm10"):
            found.append(_aqi(code, "24h", day.mean(), extrapolate))
        elif code == "o3":
            found.append(_in_addition(_aqi(code, "8h", day.highest_running()), _aqi(code, "1h", day.highest_hour())))
        elif code == "co":
            found.append(_aqi(code, "8h", day.highest_running(), extrapolate))
        elif code == "no2":
            found.append(_aqi(code, "1h", day.highest_hour(), extrapolate))
        else:
            found.append(_so2_day(day))
    return _worst(found)


def eaqi(hours: Mapping[str, Hours], own: int) -> Figure | None:
    """Return the European AQI of the newest hour: the number, 1 to 6, of the worst pollutant's band.

    Upper limits belong to the band below; nothing is rounded. Which pollutants a station must have is the definition's
    `requires`; here at least one.
    """
    del own
    found: list[int | None] = []
    for code in EAQI_INPUTS:
        series = hours.get(code)
        value = None if series is None else at(series, -1)
        if value is None:
            found.append(None)
            continue
        # A limit is a whole number of steps, so a value is within it exactly when its next whole number is.
        steps = -(-value[0] * 10 ** EAQI_LIMITS[code].decimals // value[1])
        found.append(1 + bisect_left(EAQI_LIMITS[code].limits, steps))
    return _worst(found)


def sub_index(code: str, averaging: str, concentration: Ratio, *, extrapolate: bool = False) -> int | None:
    """Return the US AQI sub-index of a concentration in µg/m3, truncated as its table says.

    `extrapolate` continues the last segment above the table; otherwise the index stays at the table's last value.
    """
    lookup = AQI_TABLES[code, averaging]
    return lookup.table.index(lookup.truncated(concentration), extrapolate=extrapolate)


def _aqi(code: str, averaging: str, concentration: Ratio | None, extrapolate: bool = False) -> int | None:
    return None if concentration is None else sub_index(code, averaging, concentration, extrapolate=extrapolate)


def _so2_day(day: Day) -> int | None:
    """Return the day's sub-index of sulphur dioxide: the table's note on values above 304 ppb."""
    highest = day.highest_hour()
    if highest is None:
        return None
    if AQI_TABLES["so2", "1h"].truncated(highest) > AQI_SO2_1H_MAX:
        above = _aqi("so2", "24h", day.mean())
        if above is not None:
            return above
    return _aqi("so2", "1h", highest)


def _in_addition(eight_hours: int | None, hour: int | None) -> int | None:
    """Return the index of ozone: by eight hours, and in addition to it by one where that is higher (Table 6, note).

    An hour alone makes no index: its table begins at 0.125 ppm, so a later reading could take the index away again.
    """
    return None if eight_hours is None else _highest(eight_hours, hour)


def _highest(*values: int | None) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _worst(values: list[int | None]) -> Figure | None:
    """Return the highest value with its position; the first wins a tie."""
    best = _highest(*values)
    return None if best is None else Figure(best, values.index(best))
