"""Every indicator, one definition after the other: the list to read, and the place to add one.

Knows definitions only. A definition's position in `INDICATORS` is local to one run; its code and window are stored.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.cells import Grid
from engine.indicators import air, air_columns, columns, profiles
from engine.indicators.concentrations import C24E_HOURS, NOWCAST_HOURS, RUNNING_HOURS
from engine.indicators.definition import Indicator, Pool, Statistic


class CatalogueError(ValueError):
    """Two definitions claim one name."""


def catalogue(definitions: Iterable[Indicator]) -> tuple[Indicator, ...]:
    """Return the definitions as a catalogue.

    Raises:
        CatalogueError: two definitions have the same code and window; the message names both.
    """
    found: dict[tuple[str, Grid], Indicator] = {}
    for definition in definitions:
        other = found.setdefault((definition.code, definition.window), definition)
        if other is not definition:
            raise CatalogueError(
                f"two definitions are called {definition.name}: {other.title!r} and {definition.title!r}; rename one"
            )
    return tuple(found.values())


def by_code(definitions: Iterable[Indicator]) -> dict[tuple[str, Grid], int]:
    """Return the position of each definition by code and window."""
    return {(definition.code, definition.window): i for i, definition in enumerate(definitions)}


def _each_window(
    code: str, what: str, what_ko: str, unit: str, symbol: str, decimals: int, measurand: str, pool: Pool,
    statistic: Statistic, source: str, note: str = "", windows: tuple[Grid, ...] = (Grid.HOUR, Grid.DAY),
) -> list[Indicator]:  # fmt: skip
    """Return one statistic of one measurand for each window."""
    return [
        Indicator(
            code=code, window=window, title=what, title_ko=what_ko, unit=unit, symbol=symbol, decimals=decimals,
            inputs=(measurand,), pool=pool, statistic=statistic, source=source, note=note,
        )
        for window in windows
    ]  # fmt: skip


_AVERAGES = "2008/50/EC Annex XI: averages of the readings in the window"
# A total has its measurand's resolution, so that published hours add up to the published day to the last digit.
_METERS = "U4SSC Collection Methodology 2017"
_UG = ("ug/m3", "µg/m³")

_MEANS = [
    *_each_window("pm2_5_mean", "PM2.5 mean", "초미세먼지 평균", *_UG, 3, "pm2_5", Pool.MEAN, columns.mean, _AVERAGES),
    *_each_window("pm10_mean", "PM10 mean", "미세먼지 평균", *_UG, 3, "pm10", Pool.MEAN, columns.mean, _AVERAGES),
    *_each_window(
        "no2_mean", "Nitrogen dioxide mean", "이산화질소 평균", *_UG, 3, "no2", Pool.MEAN, columns.mean, _AVERAGES
    ),
    *_each_window(
        "so2_mean", "Sulphur dioxide mean", "아황산가스 평균", *_UG, 3, "so2", Pool.MEAN, columns.mean, _AVERAGES
    ),
    *_each_window("o3_mean", "Ozone mean", "오존 평균", *_UG, 3, "o3", Pool.MEAN, columns.mean, _AVERAGES),
    *_each_window(
        "co_mean", "Carbon monoxide mean", "일산화탄소 평균", *_UG, 3, "co", Pool.MEAN, columns.mean, _AVERAGES
    ),
]

_INDICES = [
    Indicator(
        code="cai", window=Grid.HOUR, title="Comprehensive Air-quality Index (Korea)", title_ko="통합대기환경지수",
        unit="1", symbol="", decimals=0, inputs=air.CAI_INPUTS, requires=tuple((code,) for code in air.CAI_REQUIRED),
        pool=Pool.MAX, index=air.cai, columns=air_columns.cai, lookback_hours=C24E_HOURS - 1, bands=air.CAI_BANDS,
        source="AirKorea (Korea Environment Corporation), CAI, bands in force since 2018-03-27",
        note="PM by C24E with 9 of its 12 and 3 of its 4 hours; gases in ppm at 25 °C; concentrations rounded to the "
        "table's precision; +50 with two, +75 with three or more pollutants at unhealthy or worse; a sub-index stays "
        "at 500 above its table",
    ),
    Indicator(
        code="us_aqi_nowcast", window=Grid.HOUR, title="US Air Quality Index, NowCast",
        title_ko="미국 대기질지수 (NowCast)", unit="1", symbol="", decimals=0, inputs=air.AQI_INPUTS,
        pool=Pool.MAX, index=air.us_aqi_nowcast, columns=air_columns.us_aqi_nowcast,
        lookback_hours=NOWCAST_HOURS - 1, bands=air.AQI_BANDS,
        source="US EPA, EPA-454/B-24-002 (May 2024)",
        note="ozone by the running 8-hour mean in place of the site-fitted NowCast regression, and beside it by the "
        "newest hour from 0.125 ppm where higher; SO2 by the hour, so at most 200; concentrations truncated; stays at "
        "a table's last index above it",
    ),
    Indicator(
        code="us_aqi", window=Grid.DAY, title="US Air Quality Index", title_ko="미국 대기질지수",
        unit="1", symbol="", decimals=0, inputs=air.AQI_INPUTS, pool=Pool.MAX, index=air.us_aqi_day,
        columns=air_columns.us_aqi_day, lookback_hours=RUNNING_HOURS - 1, bands=air.AQI_BANDS,
        source="US EPA, EPA-454/B-24-002 (May 2024), Table 6",
        note="each pollutant needs 75 % of the day's hours; a running 8-hour mean belongs to the day in which it ends, "
        "so that a day is complete at its end",
    ),
    Indicator(
        code="eaqi", window=Grid.HOUR, title="European Air Quality Index", title_ko="유럽 대기질지수",
        unit="1", symbol="", decimals=0, inputs=air.EAQI_INPUTS, requires=air.EAQI_REQUIRED,
        requires_traffic=air.EAQI_REQUIRED_TRAFFIC, pool=Pool.MAX, index=air.eaqi, columns=air_columns.eaqi,
        bands=air.EAQI_BANDS,
        source="EEA European Air Quality Index, bands of ETC HE Report 2024/17, Table 5.2",
        note="the number of the worst pollutant's band, 1 to 6; hourly means, not rounded, upper limits included",
    ),
]  # fmt: skip

_END = "Directive 2002/49/EC, annex I"
_DB_A = ("dB[A]", "dB(A)")

_NOISE = [
    *_each_window(
        "laeq", "Equivalent sound level LAeq", "등가소음도", *_DB_A, 1, "sound_level", Pool.ENERGY_MEAN,
        columns.energy_mean, "ISO 1996-1: L = 10 lg(mean(10^(L_i/10)))",
        "energies of the readings in integers, the level found by comparison, so no logarithm is rounded; levels below "
        "0 dB count as 0",
    ),
    Indicator(
        code="lden", window=Grid.DAY, title="Day-evening-night level Lden", title_ko="낮·저녁·밤 소음도 Lden",
        unit=_DB_A[0], symbol=_DB_A[1], decimals=1, inputs=("sound_level",), pool=Pool.ENERGY_MEAN,
        profile=profiles.lden, lookback_hours=profiles.NIGHT_LOOKBACK_HOURS, source=_END,
        note="of one day, where the directive averages all days of a year; the night is the one of lnight; day, "
        "evening and night each need 75 % of their hours and count for as long as they lasted",
    ),
    Indicator(
        code="lnight", window=Grid.DAY, title="Night level Lnight", title_ko="야간 소음도 Lnight",
        unit=_DB_A[0], symbol=_DB_A[1], decimals=1, inputs=("sound_level",), pool=Pool.ENERGY_MEAN,
        profile=profiles.lnight, lookback_hours=profiles.NIGHT_LOOKBACK_HOURS, source=_END,
        note="of the night that ends in the day, from 23 on the day before to 07; needs 75 % of its hours",
    ),
]  # fmt: skip

_UTILITIES = [
    *_each_window("electricity", "Electricity drawn from the grid", "전력 사용량", "kW.h", "kWh", 3,
                  "electricity_import", Pool.SUM, columns.total, f"{_METERS}: EN: E: E: 2C"),
    *_each_window("water", "Water consumption", "물 사용량", "m3", "m³", 6, "water_volume",
                  Pool.SUM, columns.total, f"{_METERS}: EN: EN: WS: 2C"),
    *_each_window("heat", "Heat delivered", "열 사용량", "kW.h", "kWh", 3, "heat_energy",
                  Pool.SUM, columns.total, f"{_METERS}: EN: E: E: 3C"),
]  # fmt: skip

_IWA = "IWA Water Loss Task Force: minimum night flow, 02 to 04"
_OPERATION = [
    Indicator(
        code="night_flow", window=Grid.DAY, title="Night flow into the network", title_ko="야간 유입 유량",
        unit="m3/h", symbol="m³/h", decimals=3, inputs=("water_supplied",), pool=Pool.SUM,
        profile=profiles.night_flow, source=_IWA, note="mean of the hours from 02 to 04, of which 75 % are needed",
    ),
    Indicator(
        code="night_flow_lowest", window=Grid.DAY, title="Lowest night flow into the network",
        title_ko="야간 최소 유입 유량", unit="m3/h", symbol="m³/h", decimals=3, inputs=("water_supplied",),
        pool=Pool.SUM, profile=profiles.night_flow_lowest, source=_IWA,
        note="the hour from 02 to 04 with the least; the sum of inlets is at most the least hour of all together",
    ),
    Indicator(
        code="night_use", window=Grid.DAY, title="Night use of customers", title_ko="야간 물 사용 유량",
        unit="m3/h", symbol="m³/h", decimals=6, inputs=("water_volume",), pool=Pool.SUM,
        profile=profiles.night_flow, source=_IWA,
        note="as night_flow, at the meters of customers; what flows in at night and is not used is lost",
    ),
    Indicator(
        code="load_factor", window=Grid.DAY, title="Load factor of electricity", title_ko="전력 부하율",
        unit="%", symbol="%", decimals=1, inputs=("electricity_import",), pool=Pool.MEAN,
        profile=profiles.load_factor, source="IEC 60050-691 (691-10-02): mean power over greatest power",
        note="power of hours; 75 % of the day's are needed; a zone's is the mean of its meters', not that of their sum",
    ),
]  # fmt: skip

_TRAFFIC = [
    *_each_window("vehicle_count", "Vehicles counted", "통행 차량 수", "1", "vehicles", 0, "vehicle_count",
                  Pool.SUM, columns.total, "sum of the counts reported in the window"),
    *_each_window("parking_occupancy", "Cars in car parks, mean", "주차 대수 평균", "1", "cars", 1, "parking_occupancy",
                  Pool.MEAN, columns.mean, "mean of the readings in the window", windows=(Grid.HOUR,)),
    Indicator(
        code="traffic_congestion", window=Grid.HOUR, title="Time in congestion", title_ko="혼잡 시간 비율",
        unit="%", symbol="%", decimals=1, inputs=("traffic_load",), states=("congested",), pool=Pool.MEAN,
        statistic=columns.state_share,
        source="share of the time in a known state; a state holds until the next report, three intervals at most",
    ),
]  # fmt: skip

_WEATHER_SOURCE = "WMO-No. 8"
_WEATHER = [
    *_each_window("temperature_mean", "Air temperature mean", "기온 평균", "Cel", "°C", 3, "temperature",
                  Pool.MEAN, columns.mean, _WEATHER_SOURCE),
    *_each_window("humidity_mean", "Relative humidity mean", "상대습도 평균", "%", "%", 3, "humidity",
                  Pool.MEAN, columns.mean, _WEATHER_SOURCE),
    *_each_window("pressure_mean", "Air pressure mean", "기압 평균", "hPa", "hPa", 3, "pressure",
                  Pool.MEAN, columns.mean, _WEATHER_SOURCE),
    *_each_window("wind_speed_mean", "Wind speed mean", "풍속 평균", "m/s", "m/s", 3, "wind_speed",
                  Pool.MEAN, columns.mean, _WEATHER_SOURCE),
    *_each_window("wind_direction", "Wind direction, vector mean", "풍향", "deg", "°", 0, "wind_direction",
                  Pool.VECTOR_MEAN, columns.vector_mean, _WEATHER_SOURCE, windows=(Grid.HOUR,),
                  note="unit vectors, not weighted by speed; no figure where they cancel out"),
]  # fmt: skip

INDICATORS: tuple[Indicator, ...] = catalogue(
    [*_MEANS, *_INDICES, *_NOISE, *_UTILITIES, *_OPERATION, *_TRAFFIC, *_WEATHER]
)
"""The catalogue of this version."""
