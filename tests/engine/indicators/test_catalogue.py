"""The catalogue as data: what it holds, what it refuses, and that the document shows it as it is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine.cells import Grid
from engine.indicators import INDICATORS, CatalogueError, Pool, by_code, catalogue, table
from tests.engine.indicators.write_table import DOCUMENT, shown

POSITION = by_code(INDICATORS)


def test_the_first_set_is_there() -> None:
    wanted = {(f"{p}_mean", w) for p in ("pm2_5", "pm10", "no2", "so2", "o3", "co") for w in (Grid.HOUR, Grid.DAY)}
    wanted |= {("cai", Grid.HOUR), ("us_aqi_nowcast", Grid.HOUR), ("us_aqi", Grid.DAY), ("eaqi", Grid.HOUR)}
    wanted |= {(code, w) for code in ("laeq", "electricity", "water", "heat") for w in (Grid.HOUR, Grid.DAY)}
    operation = ("lden", "lnight", "night_flow", "night_flow_lowest", "night_use", "load_factor")
    wanted |= {(code, Grid.DAY) for code in operation}
    wanted |= {(code, Grid.HOUR) for code in ("parking_occupancy", "traffic_congestion", "wind_direction")}
    assert wanted <= set(POSITION)


def test_two_definitions_of_one_name_are_refused_with_both_titles() -> None:
    twin = dataclasses.replace(INDICATORS[0], title="Another mean")
    with pytest.raises(CatalogueError, match=r"pm2_5_mean \(hour\): 'PM2.5 mean' and 'Another mean'"):
        catalogue([*INDICATORS, twin])


def test_a_definition_that_cannot_be_computed_is_refused() -> None:
    mean, cai = INDICATORS[0], INDICATORS[POSITION["cai", Grid.HOUR]]
    with pytest.raises(ValueError, match="either a statistic or a profile or an index"):
        dataclasses.replace(mean, statistic=None)
    with pytest.raises(ValueError, match="a profile has one input"):
        dataclasses.replace(INDICATORS[POSITION["lden", Grid.DAY]], inputs=("sound_level", "pm10"))
    with pytest.raises(ValueError, match="an hour or a day"):
        dataclasses.replace(mean, window=Grid.MINUTE)
    with pytest.raises(ValueError, match="make it an index"):
        dataclasses.replace(mean, lookback_hours=1)
    with pytest.raises(ValueError, match="does not begin where Good ends"):
        dataclasses.replace(cai, bands=(cai.bands[0], cai.bands[2]))
    with pytest.raises(ValueError, match="not all inputs"):
        dataclasses.replace(cai, requires=(("pm1",),))
    with pytest.raises(ValueError, match="give the index that they follow"):
        dataclasses.replace(mean, columns=cai.columns)


def test_every_definition_says_where_it_comes_from_in_two_languages() -> None:
    for definition in INDICATORS:
        assert definition.source
        assert definition.title
        assert definition.title_ko
        assert definition.coverage_percent_min == 75


def test_indices_have_bands_and_take_the_worst_station() -> None:
    counts = {"cai": 4, "us_aqi_nowcast": 6, "us_aqi": 6, "eaqi": 6}
    for definition in INDICATORS:
        assert len(definition.bands) == counts.get(definition.code, 0)
        assert (definition.pool is Pool.MAX) == (definition.code in counts)


def test_a_band_begins_where_the_one_below_ends() -> None:
    cai = INDICATORS[POSITION["cai", Grid.HOUR]]
    values = np.array([0, 50, 51, 100, 101, 250, 251, 500, 575], np.int64)
    assert cai.band_of(values).tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 4]
    assert [(band.name, band.name_ko, band.colour) for band in cai.bands] == [
        ("Good", "좋음", "blue"), ("Moderate", "보통", "green"), ("Unhealthy", "나쁨", "yellow"),
        ("Very Unhealthy", "매우나쁨", "red"),
    ]  # fmt: skip
    aqi = INDICATORS[POSITION["us_aqi", Grid.DAY]]
    assert aqi.band_of(np.array([0, 50, 51, 300, 301, 999], np.int64)).tolist() == [1, 1, 2, 5, 6, 6]
    eaqi = INDICATORS[POSITION["eaqi", Grid.HOUR]]
    assert eaqi.band_of(np.arange(1, 7)).tolist() == [1, 2, 3, 4, 5, 6]
    assert INDICATORS[0].band_of(np.array([5], np.int64)).tolist() == [0]


@pytest.mark.parametrize(
    ("received", "expected", "valid"), [(75, 100, True), (74, 100, False), (3, 4, True), (0, 0, False), (5, 4, True)]
)
def test_a_figure_is_valid_from_three_quarters_of_its_readings_on(received: int, expected: int, valid: bool) -> None:
    assert INDICATORS[0].valid(received, expected) is valid


def test_the_document_shows_the_catalogue_as_it_is() -> None:
    assert shown(DOCUMENT.read_text(encoding="utf-8")) == table(INDICATORS)
