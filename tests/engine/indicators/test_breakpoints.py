"""Every breakpoint of the three indices, one step of precision to either side of it, and the gaps between them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest

from engine.indicators import Hours, air, breakpoints
from tests.engine.indicators import oracle_indicators as oracle

STEPS = oracle.CAI_STEP
HAIR = Fraction(1, 10**9)


def hours(values: list[Fraction | None]) -> Hours:
    """Return hours with exactly these means in µg/m3, whatever fractions they are."""
    down = 1
    for value in values:
        down *= value.denominator if value is not None else 1
    sums = [0 if value is None else int(value * down) for value in values]
    return Hours(sums, [0 if value is None else 1 for value in values], 1, down)


def steady(value: Fraction, count: int) -> Hours:
    """Return `count` hours of one mean."""
    return Hours([value.numerator] * count, [1] * count, 1, value.denominator)


def c24e_input(pollutant: str, wanted: Fraction) -> Fraction:
    """Return the steady hourly mean whose C24E is the wanted one.

    Below M nothing is adjusted; from M on the newest 4 hours count 0.75 times: (c + 0.75 c) / 2 = 0.875 c.
    """
    limit = {"pm10": 70, "pm2_5": 30}[pollutant]
    return wanted if wanted < limit else wanted / Fraction(7, 8)


def cai_of(pollutant: str, value: Fraction) -> int:
    """Return the CAI of a station whose other pollutants are all zero."""
    found = {code: steady(Fraction(0), 12) for code in air.CAI_INPUTS}
    if pollutant in ("pm10", "pm2_5"):
        found[pollutant] = steady(c24e_input(pollutant, value), 12)
    else:
        found[pollutant] = steady(oracle.from_unit(pollutant, "ppm", value), 12)
    figure = air.cai(found, 1)
    assert figure is not None
    assert value == 0 or figure.ticks == 0 or air.CAI_INPUTS[figure.driver] == pollutant
    return figure.ticks


def aqi_of(pollutant: str, averaging: str, unit: str, value: Fraction) -> int:
    """Return the daily US AQI of a station that measures this one pollutant, the same all day."""
    del averaging
    figure = air.us_aqi_day({pollutant: steady(oracle.from_unit(pollutant, unit, value), 31)}, 24)
    assert figure is not None
    return figure.ticks


def cai_cases() -> Iterator[tuple[str, str, str, int]]:
    for row in oracle.CAI:
        yield row["pollutant"], row["c_low"], "low", int(row["i_low"])
        yield row["pollutant"], row["c_high"], "high", int(row["i_high"])


@pytest.mark.parametrize(("pollutant", "limit", "end", "index"), list(cai_cases()))
def test_the_cai_at_every_breakpoint_and_beside_it(pollutant: str, limit: str, end: str, index: int) -> None:
    at, step = Fraction(limit), STEPS[pollutant]
    assert cai_of(pollutant, at) == index
    # Within half a step it is still the breakpoint, whichever side; a tie goes to the even count of steps.
    if at > 0:
        assert cai_of(pollutant, at - step / 2 + HAIR) == index
    assert cai_of(pollutant, at + step / 2 - HAIR) == index
    for beside in (at - step, at + step):
        if beside >= 0:
            rows = [row for row in oracle.CAI if row["pollutant"] == pollutant]
            assert cai_of(pollutant, beside) == oracle.looked_up(rows, beside)
    assert end in ("low", "high")


def aqi_cases() -> Iterator[tuple[str, str, str, str, str, int]]:
    for row in oracle.AQI:
        for end in ("low", "high"):
            table = row["pollutant"], row["averaging"], row["unit"], row["truncate_to"]
            yield *table, row[f"c_{end}"], int(row[f"i_{end}"])


@pytest.mark.parametrize(("pollutant", "averaging", "unit", "precision", "limit", "index"), list(aqi_cases()))
def test_the_us_sub_indices_at_every_breakpoint_and_beside_it(
    pollutant: str, averaging: str, unit: str, precision: str, limit: str, index: int
) -> None:
    def sub_index(value: Fraction) -> int | None:
        ug_m3 = oracle.from_unit(pollutant, unit, value)
        return air.sub_index(pollutant, averaging, (ug_m3.numerator, ug_m3.denominator))

    at, step = Fraction(limit), Fraction(precision)
    rows = [row for row in oracle.AQI if (row["pollutant"], row["averaging"]) == (pollutant, averaging)]
    assert sub_index(at) == index
    assert sub_index(at + step - HAIR) == index  # truncated, not rounded
    assert sub_index(at + step) == oracle.looked_up(rows, at + step)
    if at > 0:
        assert sub_index(at - HAIR) == oracle.looked_up(rows, at - step)
        assert sub_index(at - step) == oracle.looked_up(rows, at - step)


# Worked by hand from EPA-454/B-24-002, Table 6 and Equation 1.
US_BY_HAND = [
    ("pm2_5", "24h", "ug/m3", "9.0", 50),
    ("pm2_5", "24h", "ug/m3", "9.1", 51),
    ("pm2_5", "24h", "ug/m3", "35.4", 100),
    ("pm2_5", "24h", "ug/m3", "35.49", 100),  # cut to 35.4
    ("pm2_5", "24h", "ug/m3", "35.5", 101),
    ("pm2_5", "24h", "ug/m3", "12.0", 56),  # 49 / 26.3 * 2.9 + 51 = 56.40
    ("pm2_5", "24h", "ug/m3", "35.9", 102),  # 49 / 19.9 * 0.4 + 101 = 101.98
    ("pm2_5", "24h", "ug/m3", "225.4", 300),
    ("pm2_5", "24h", "ug/m3", "225.5", 301),
    ("pm2_5", "24h", "ug/m3", "275.4", 400),  # 199 / 99.9 * 49.9 + 301 = 400.4
    ("pm2_5", "24h", "ug/m3", "325.4", 500),
    ("pm2_5", "24h", "ug/m3", "400", 500),  # above the table
    ("pm10", "24h", "ug/m3", "54", 50),
    ("pm10", "24h", "ug/m3", "54.999", 50),
    ("pm10", "24h", "ug/m3", "100", 73),  # 49 / 99 * 45 + 51 = 73.27
    ("o3", "8h", "ppm", "0.07853333", 126),  # cut to 0.078: 49 / 0.014 * 0.007 + 101 = 125.5, the half goes up
    ("o3", "8h", "ppm", "0.200", 300),
    ("o3", "8h", "ppm", "0.201", 300),  # the 8-hour table ends; the 1-hour one takes over
    ("o3", "1h", "ppm", "0.124", None),  # the 1-hour table has not begun
    ("o3", "1h", "ppm", "0.125", 101),
    ("o3", "1h", "ppm", "0.162", 147),  # 49 / 0.039 * 0.037 + 101 = 147.49
    ("co", "8h", "ppm", "8.4", 90),  # 49 / 4.9 * 3.9 + 51 = 90.0
    ("co", "8h", "ppm", "4.49", 50),
    ("so2", "1h", "ppb", "35.9", 50),
    ("so2", "1h", "ppb", "304", 200),
    ("so2", "1h", "ppb", "900", 200),
    ("so2", "24h", "ppb", "304", None),
    ("so2", "24h", "ppb", "305", 201),
    ("no2", "1h", "ppb", "53", 50),
    ("no2", "1h", "ppb", "53.999", 50),
    ("no2", "1h", "ppb", "54", 51),
    ("no2", "1h", "ppb", "2050", 500),
]


@pytest.mark.parametrize(("pollutant", "averaging", "unit", "value", "index"), US_BY_HAND)
def test_the_us_sub_indices_worked_by_hand(
    pollutant: str, averaging: str, unit: str, value: str, index: int | None
) -> None:
    ug_m3 = oracle.from_unit(pollutant, unit, Fraction(value))
    assert air.sub_index(pollutant, averaging, (ug_m3.numerator, ug_m3.denominator)) == index


# Worked by hand from the breakpoint table of AirKorea.
CAI_BY_HAND = [
    ("pm2_5", "15", 50),
    ("pm2_5", "15.5", 51),  # a tie: to the even 16
    ("pm2_5", "16", 51),
    ("pm2_5", "35", 100),
    ("pm2_5", "36", 101),
    ("pm10", "30", 50),
    ("pm10", "30.4", 50),  # the gap from 30 to 31 is closed by rounding
    ("pm10", "30.5", 50),  # a tie: to the even 30
    ("pm10", "30.6", 51),
    ("pm10", "31", 51),
    ("pm10", "80", 100),
    ("pm10", "81", 101),
    ("pm10", "50", 70),  # 49 / 49 * 19 + 51
    ("pm10", "600", 500),
    ("pm10", "601", 500),
    ("o3", "0.030", 50),
    ("o3", "0.0304", 50),
    ("o3", "0.031", 51),
    ("o3", "0.0600", 75),  # 49 / 0.059 * 0.029 + 51 = 75.08
    ("no2", "0.06", 100),
    ("no2", "0.061", 101),
    ("so2", "0.001", 3),  # 50 / 0.02 * 0.001 = 2.5, the half goes up
    ("so2", "0.15", 250),
    ("so2", "0.151", 251),
    ("co", "2.00", 50),
    ("co", "2.004", 50),
    ("co", "2.01", 51),
    ("co", "50.1", 500),
]


@pytest.mark.parametrize(("pollutant", "value", "index"), CAI_BY_HAND)
def test_the_cai_worked_by_hand(pollutant: str, value: str, index: int) -> None:
    assert cai_of(pollutant, Fraction(value)) == index


@pytest.mark.parametrize("row", oracle.EAQI, ids=lambda row: f"{row['pollutant']}-{row['band']}")
def test_the_european_band_includes_its_upper_limit(row: dict[str, str]) -> None:
    def band(value: Fraction) -> int:
        figure = air.eaqi({row["pollutant"]: steady(value, 1)}, 1)
        assert figure is not None
        return figure.ticks

    number = int(row["band"])
    low = Fraction(row["c_low_exclusive"])
    assert band(low) == max(1, number - 1)
    assert band(low + HAIR) == number
    if row["c_high_inclusive"]:
        high = Fraction(row["c_high_inclusive"])
        assert band(high - HAIR) == band(high) == number
        assert band(high + HAIR) == number + 1
    else:
        assert band(low + 10**6) == number


@pytest.mark.parametrize(
    ("pollutant", "value", "band"),
    [
        ("pm2_5", "5", 1),
        ("pm2_5", "5.001", 2),
        ("pm10", "120", 3),
        ("no2", "150.001", 6),
        ("o3", "60", 1),
        ("so2", "0", 1),
    ],
)
def test_the_european_bands_worked_by_hand(pollutant: str, value: str, band: int) -> None:
    figure = air.eaqi({pollutant: steady(Fraction(value), 1)}, 1)
    assert figure is not None
    assert figure.ticks == band


def test_the_daily_index_of_a_steady_pollutant_is_its_sub_index() -> None:
    for pollutant, averaging, unit, _, limit, index in aqi_cases():
        if (pollutant, averaging) in (("o3", "1h"), ("so2", "24h")) or (pollutant == "o3" and Fraction(limit) > 0.1):
            continue  # ozone takes the higher of two tables, sulphur dioxide changes tables: tested in test_us_aqi
        assert aqi_of(pollutant, averaging, unit, Fraction(limit)) == index


def test_an_index_above_its_table_may_be_continued_instead() -> None:
    # 199 / 99.9 * (425.4 - 225.5) + 301 = 699.2
    value = Fraction("425.4")
    assert air.sub_index("pm2_5", "24h", (value.numerator, value.denominator)) == 500
    assert air.sub_index("pm2_5", "24h", (value.numerator, value.denominator), extrapolate=True) == 699
    day = {"pm2_5": steady(value, 31)}
    found = air.us_aqi_day(day, 24, extrapolate=True), air.us_aqi_nowcast(day, 1, extrapolate=True)
    assert [figure.ticks for figure in found if figure is not None] == [699, 699]


def test_the_copies_of_the_tables_have_every_row() -> None:
    assert (len(oracle.CAI), len(oracle.AQI), len(oracle.EAQI)) == (24, 39, 30)


def test_a_table_with_a_gap_or_two_names_for_a_category_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = list(breakpoints.rows("cai_korea.csv"))
    holed = [dict(row, c_low="0.022") if row["c_low"] == "0.021" else row for row in rows]
    monkeypatch.setattr(breakpoints, "rows", lambda name: iter(holed))
    with pytest.raises(breakpoints.TableError, match="so2 1h goes from 20 to 22"):
        breakpoints.load("cai_korea.csv")
    renamed = [dict(row, i_high="49") if row["c_high"] == "0.02" else row for row in rows]
    monkeypatch.setattr(breakpoints, "rows", lambda name: iter(renamed))
    with pytest.raises(breakpoints.TableError, match="Good is"):
        breakpoints.index_bands("cai_korea.csv")
