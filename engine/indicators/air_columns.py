"""The air quality indices of all stations at once, with the bits of the formulas in `air`.

Knows the same tables and rules; defines nothing. Of each concentration only an integer decides, a count of its table's
precision, so it is enough to know between which two floats the exact one lies (see `concentration_columns`). No
sub-index falls when its concentration rises. So where all lower ends and all upper ends give one index and one driver,
everything between them does: that row is sure. The few other stations lie on a breakpoint or beside it, and are left to
the formulas.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from engine.indicators import air
from engine.indicators.concentration_columns import Between, Series, nowcast, predicted
from engine.indicators.concentrations import RUNNING_HOURS, Lookup
from engine.indicators.definition import HourColumns, IndexColumn

NONE = -1
"""Sub-index of a pollutant that has none; every other one is at least 0."""

Ends = NDArray[np.int64]
"""Shape (2, stations): the sub-index at the lower and at the upper end of a concentration, or `NONE`."""


def cai(of: HourColumns, own: int) -> IndexColumn:
    """Return `air.cai` of every station."""
    del own
    found = []
    for position, code in enumerate(air.CAI_INPUTS):
        lookup = air.CAI_TABLES[code]
        particles = code in ("pm10", "pm2_5")
        value = predicted(of, position, code) if particles else Series.of(of, position, 1).at_newest()
        found.append(_looked_up(lookup, value, np.rint(_steps(lookup, value))))
    required = np.array([code in air.CAI_REQUIRED for code in air.CAI_INPUTS])
    each = np.stack(found)
    unhealthy = np.minimum((each >= air.CAI_UNHEALTHY).sum(axis=0), 3)
    bonus = np.array([air.CAI_BONUS.get(number, 0) for number in range(4)], np.int64)
    return _worst(each, each[required, 0].min(axis=0) > NONE, bonus[unhealthy])


def us_aqi_nowcast(of: HourColumns, own: int) -> IndexColumn:
    """Return `air.us_aqi_nowcast` of every station, at a table's last index above it."""
    del own
    found = []
    for position, code in enumerate(air.AQI_INPUTS):
        if code in ("pm2_5", "pm10"):
            found.append(_aqi(code, "24h", nowcast(of, position)))
        elif code in ("no2", "so2"):
            found.append(_aqi(code, "1h", Series.of(of, position, 1).at_newest()))
        else:
            running = Series.of(of, position, RUNNING_HOURS)
            index = _aqi(code, "8h", running.mean())
            found.append(_in_addition(index, _aqi(code, "1h", running.at_newest())) if code == "o3" else index)
    each = np.stack(found)
    return _worst(each, each[:, 0].max(axis=0) > NONE)


def us_aqi_day(of: HourColumns, own: int) -> IndexColumn:
    """Return `air.us_aqi_day` of every station, at a table's last index above it."""
    found = []
    for position, code in enumerate(air.AQI_INPUTS):
        whole = Series.of(of, position, own + RUNNING_HOURS - 1)
        day = whole.newest(own)
        if code in ("pm2_5", "pm10"):
            found.append(_aqi(code, "24h", day.mean()))
        elif code == "no2":
            found.append(_aqi(code, "1h", day.highest()))
        elif code == "so2":
            found.append(_so2_day(day))
        else:
            index = _aqi(code, "8h", whole.highest_running())
            found.append(_in_addition(index, _aqi(code, "1h", day.highest())) if code == "o3" else index)
    each = np.stack(found)
    return _worst(each, each[:, 0].max(axis=0) > NONE)


def eaqi(of: HourColumns, own: int) -> IndexColumn:
    """Return `air.eaqi` of every station."""
    del own
    found = []
    for position, code in enumerate(air.EAQI_INPUTS):
        value = Series.of(of, position, 1).at_newest()
        limits = np.array(air.EAQI_LIMITS[code].limits, np.float64) / 10 ** air.EAQI_LIMITS[code].decimals
        found.append(np.where(value < 0, NONE, 1 + np.searchsorted(limits, value, "left")))
    each = np.stack(found)
    return _worst(each, each[:, 0].max(axis=0) > NONE)


def _aqi(code: str, averaging: str, value: Between) -> Ends:
    """Return the US AQI sub-index of concentrations."""
    lookup = air.AQI_TABLES[code, averaging]
    return _looked_up(lookup, value, np.floor(_steps(lookup, value)))


def _so2_day(day: Series) -> Ends:
    """Return the day's sub-index of sulphur dioxide: by the day's mean where the highest hour is above its table."""
    highest = day.highest()
    by_mean = _aqi("so2", "24h", day.mean())
    above = np.floor(_steps(air.AQI_TABLES["so2", "1h"], highest)) > air.AQI_SO2_1H_MAX
    return np.where(above & (by_mean > NONE), by_mean, _aqi("so2", "1h", highest))


def _in_addition(eight_hours: Ends, hour: Ends) -> Ends:
    """Return the index of ozone: by eight hours, and in addition to it by one where that is higher."""
    return np.where(eight_hours > NONE, np.maximum(eight_hours, hour), NONE)


def _worst(each: NDArray[np.int64], known: NDArray[np.bool_], bonus: NDArray[np.int64] | int = 0) -> IndexColumn:
    """Return the highest of sub-indices of shape (inputs, 2, stations) with its position; the first wins a tie.

    A sub-index is there or not by the readings alone, whatever their values, and so is the index.
    """
    ticks, driver = each.max(axis=0) + bonus, each.argmax(axis=0)
    sure = ~known | ((ticks[0] == ticks[1]) & (driver[0] == driver[1]))
    return IndexColumn(np.where(known, ticks[0], 0), np.where(known, driver[0], 0).astype(np.int8), known, sure)


def _steps(lookup: Lookup, value: Between) -> Between:
    """Return concentrations as counts of the table's precision, not yet whole."""
    return value * float(lookup.steps)


def _looked_up(lookup: Lookup, value: Between, count: NDArray[np.float64]) -> Ends:
    """Return the sub-index of whole counts of the table's precision, `NONE` where the value is missing."""
    indices = _indices(lookup)
    # Cut while still floats: a count that does not fit an integer is above the table like any other.
    return np.where(value < 0, NONE, indices[np.clip(count, 0, indices.size - 1).astype(np.intp)])


@cache
def _indices(lookup: Lookup) -> NDArray[np.int64]:
    """Return the sub-index of every count from 0 to the first above the table, of which the longest has 5,001."""
    each = (lookup.table.index(count) for count in range(lookup.table.c_high[-1] + 2))
    return np.array([NONE if index is None else index for index in each], np.int64)
