"""The truth of small scenes worked out by hand: cells, counters, states, coverage, zones and the text of the tables."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from devices import ObservationBatch, Registry
from simulators import truth
from simulators.truth import counters
from simulators.truth.series import Line
from tests.simulators.small_city import HOUR_US, MINUTE_US, first_us, registry

SEOUL, MADRID = "Asia/Seoul", "Europe/Madrid"
BEGIN_US = first_us(SEOUL) + 15 * HOUR_US  # midnight in Seoul: an hour of the city begins where one of UTC does

Reading = tuple[str, str, int, int]
"""Device, field, µs from the beginning, ticks."""


def tables(*readings: Reading, city: Registry | None = None, begin_us: int = BEGIN_US) -> dict[str, list[list[str]]]:
    """Return the rows of every table, times counted from the beginning."""
    city = city or registry(SEOUL)
    batch = ObservationBatch.of(
        [city.slot(device, field) for device, field, _, _ in readings],
        [begin_us + at for _, _, at, _ in readings],
        [ticks for *_, ticks in readings],
    )
    found = truth.expected(city, batch)
    assert all(line.endswith("\n") for lines in found.values() for line in lines)
    return {table: [line[:-1].split("\t") for line in lines] for table, lines in found.items()}


def cells(rows: list[list[str]], begin_us: int = BEGIN_US) -> list[tuple[int, ...]]:
    """Return (start from the beginning, count, low, high, four sums, expected) of each row."""
    return [(int(row[2]) - begin_us, *map(int, row[3:])) for row in rows]


def figures(rows: list[list[str]], code: str, kind: str, scope: str) -> list[tuple[str | int, ...]]:
    """Return (start from the beginning, ticks, band, driver, received, expected) of one scope's hours."""
    chosen = [row for row in rows if row[:4] == [code, "hour", kind, scope]]
    return [(int(row[4]) - BEGIN_US, *row[5:]) for row in chosen]


class TestKinds:
    def test_a_gauge_has_count_limits_and_sum(self) -> None:
        found = tables(("w1", "temperature", 0, 500), ("w1", "temperature", 59 * MINUTE_US, -200))
        assert cells(found["bucket_minute"]) == [
            (0, 1, 500, 500, 500, 0, 0, 0, 1), (59 * MINUTE_US, 1, -200, -200, -200, 0, 0, 0, 1),
        ]  # fmt: skip
        assert cells(found["window_hour"]) == [(0, 2, -200, 500, 300, 0, 0, 0, 1)]
        assert figures(found["indicator_value"], "temperature_mean", "station", "w1") == [
            (0, "150", "\\N", "\\N", "2", "1")
        ]

    def test_a_mean_that_lies_in_the_middle_goes_to_the_even_tick(self) -> None:
        found = tables(
            ("w1", "speed", 0, 3), ("w1", "speed", 1, 4), ("w1", "speed", HOUR_US, 4), ("w1", "speed", 1 + HOUR_US, 5)
        )
        assert [row[1] for row in figures(found["indicator_value"], "wind_speed_mean", "station", "w1")] == ["4", "4"]

    def test_levels_add_energies(self) -> None:
        # 8 * 10^6 and 8 * 10^7; 10 lg(5.5 * 10^6) = 67.403 dB.
        found = tables(("w1", "noise", 0, 6000), ("w1", "noise", 1, 7000))
        assert cells(found["window_hour"]) == [(0, 2, 6000, 7000, 88_000_000, 0, 0, 0, 1)]
        assert figures(found["indicator_value"], "laeq", "station", "w1")[0][1] == "674"

    def test_directions_add_vectors(self) -> None:
        # 350 and 10 degrees: twice cos(10) = 0.984807753 of 2^30, and nothing to the side.
        found = tables(("w1", "wind", 0, 3500), ("w1", "wind", 1, 100))
        assert cells(found["window_hour"]) == [(0, 2, 100, 3500, 2_114_858_546, 0, 0, 0, 1)]
        assert figures(found["indicator_value"], "wind_direction", "station", "w1")[0][1] == "0"

    def test_a_direction_in_the_middle_between_two_degrees_goes_to_the_even_one(self) -> None:
        found = tables(("w1", "wind", 0, 105), ("w2", "wind", 0, 115), ("w3", "wind", 0, 3595))["indicator_value"]
        stations = {row[3]: row[5] for row in found if row[:3] == ["wind_direction", "hour", "station"]}
        assert stations == {"w1": "10", "w2": "12", "w3": "0"}

    def test_directions_that_cancel_out_leave_a_window_without_a_figure(self) -> None:
        found = tables(("w1", "wind", 0, 900), ("w1", "wind", 1, 2700))
        for scope in (("station", "w1"), ("zone", "North"), ("city", "town")):
            assert figures(found["indicator_value"], "wind_direction", *scope)[0][:3] == (0, "\\N", "\\N")

    def test_events_add_weights(self) -> None:
        found = tables(("r1", "cars", 0, 12), ("r1", "cars", HOUR_US - 1, 30))
        assert cells(found["window_hour"]) == [(0, 2, 12, 30, 42, 0, 0, 0, 6)]
        assert figures(found["indicator_value"], "vehicle_count", "city", "town")[0][1] == "42"


class TestStates:
    def test_a_state_holds_until_the_next_report_three_intervals_at_most(self) -> None:
        # r1 reports every 10 minutes: congested for 15 of its minutes, then free for 30, then nothing is known.
        found = tables(
            ("r1", "load", 50 * MINUTE_US, 2), ("r1", "load", 65 * MINUTE_US, 0), ("r1", "load", 300 * MINUTE_US, 1)
        )
        minute = MINUTE_US
        assert cells(found["window_hour"]) == [
            (0, 1, 2, 2, 0, 0, 10 * minute, 0, 6),
            (HOUR_US, 1, 0, 0, 30 * minute, 0, 5 * minute, 0, 6),
            (5 * HOUR_US, 1, 1, 1, 0, 0, 0, 0, 6),
        ]
        assert cells(found["bucket_minute"])[0] == (50 * minute, 1, 2, 2, 0, 0, 0, 0, 1)
        share = figures(found["indicator_value"], "traffic_congestion", "station", "r1")
        assert [(start, ticks) for start, ticks, *_ in share] == [(0, "1000"), (HOUR_US, "143"), (5 * HOUR_US, "\\N")]


class TestCounters:
    def test_a_rise_is_shared_out_by_time_and_hours_add_up_to_the_day(self) -> None:
        # 5 ticks from 0:30 to 2:30: the register shows 1.25 at 1:00 and 3.75 at 2:00, that is 1 and 4.
        found = tables(("m1", "energy", 30 * MINUTE_US, 100), ("m1", "energy", 150 * MINUTE_US, 105))
        assert [(row[0], row[1], row[4]) for row in cells(found["window_hour"])] == [
            (0, 1, 1), (HOUR_US, 0, 3), (2 * HOUR_US, 1, 1),
        ]  # fmt: skip
        assert [(row[0], row[1], row[4]) for row in cells(found["window_day"])] == [(0, 2, 5)]
        # The minute of the later reading has all of it.
        assert [(row[0], row[4]) for row in cells(found["bucket_minute"])] == [
            (30 * MINUTE_US, 0),
            (150 * MINUTE_US, 5),
        ]

    def test_a_register_in_the_middle_between_two_ticks_shows_the_even_one(self) -> None:
        found = tables(("m1", "energy", 0, 0), ("m1", "energy", 2 * HOUR_US, 5))
        assert [row[4] for row in cells(found["window_hour"])] == [2, 3, 0]
        found = tables(("m1", "energy", 0, 0), ("m1", "energy", 2 * HOUR_US, 7))
        assert [row[4] for row in cells(found["window_hour"])] == [4, 3, 0]

    def test_a_large_rise_over_a_long_time_is_shared_out_exactly(self) -> None:
        total, hours = 4_000_000_000_001, 3 * 24
        rise, _ = counters.rises(_line([0, hours * HOUR_US], [0, total]), 0, 0)
        edges = [hour * HOUR_US for hour in range(hours + 1)]
        shown = counters.register(*_columns([0, hours * HOUR_US]), rise, *_columns(edges)).tolist()
        assert shown == [round(total * hour / hours) for hour in range(hours + 1)]

    def test_hours_passed_through_without_rising_have_no_cell_and_no_figure_but_a_row(self) -> None:
        found = tables(("m1", "energy", 30 * MINUTE_US, 100), ("m1", "energy", 200 * MINUTE_US, 100))
        assert [(row[0], row[1]) for row in cells(found["window_hour"])] == [(0, 1), (3 * HOUR_US, 1)]
        for scope in (("station", "m1"), ("zone", "south"), ("city", "town")):
            rows = figures(found["indicator_value"], "electricity", *scope)
            assert [(start, ticks) for start, ticks, *_ in rows] == [
                (0, "0"), (HOUR_US, "\\N"), (2 * HOUR_US, "\\N"), (3 * HOUR_US, "0"),
            ]  # fmt: skip

    def test_a_day_of_twenty_five_hours_has_twenty_five(self) -> None:
        begin_us = first_us(MADRID) + 22 * HOUR_US  # midnight of 30 October 2016 in Madrid
        found = tables(
            ("m1", "energy", 0, 0), ("m1", "energy", 25 * HOUR_US, 2500), city=registry(MADRID), begin_us=begin_us
        )
        assert [row[4] for row in cells(found["window_hour"], begin_us)] == [100] * 25 + [0]
        assert [(row[0], row[4]) for row in cells(found["window_day"], begin_us)] == [(0, 2500), (25 * HOUR_US, 0)]

    @pytest.mark.parametrize(
        ("before", "after", "modulus", "most", "taken_for", "counted"),
        [
            (995, 5, 1000, 10, "rollover", 10),  # through the end, as fast as it can
            (995, 6, 1000, 10, "reset", 6),  # too fast for that, and what it shows now is not
            (950, 50, 1000, None, "rollover", 100),  # a tenth of the register where no rate is known
            (950, 51, 1000, None, "reset", 51),
            (100, 51, 0, None, "dip", -49),  # more than half is left: it ran backwards
            (100, 50, 0, None, "reset", 50),
            (100, 50, 0, 49, "reset", 0),  # not even from zero can it have risen so much
            (300, 250, 400, 1000, "dip", -50),  # through the end would be a longer way than back
        ],
    )
    def test_a_fall_is_a_rollover_a_dip_or_a_reset(
        self, before: int, after: int, modulus: int, most: int | None, taken_for: str, counted: int
    ) -> None:
        assert counters.fall(before, after, modulus, most) == (taken_for, counted)

    def test_a_rate_counts_for_every_hour_begun(self) -> None:
        # 40 kWh an hour: 999.900 to 60.000 through 1000 are 60.1 kWh, too much within an hour but not after it.
        short = tables(("m1", "energy", 0, 999_900), ("m1", "energy", HOUR_US, 60_000))
        long = tables(("m1", "energy", 0, 999_900), ("m1", "energy", HOUR_US + 1, 60_000))
        assert short["counter_event"] == [["m1", "energy", str(BEGIN_US + HOUR_US), "reset", "999900", "60000"]]
        assert long["counter_event"][0][3] == "rollover"
        assert [row[4] for row in cells(short["window_day"])] == [0]
        assert [row[4] for row in cells(long["window_day"])] == [60_100]


class TestCoverage:
    def test_intervals_begun_while_in_service_are_due(self) -> None:
        # w2, every 90 minutes, leaves one µs after 15:00 in Seoul; the hour before owes one, that one owes one more.
        last = 15 * HOUR_US
        found = tables(("w2", "noise", last - HOUR_US, 0), ("w2", "noise", last, 1))
        assert [row[-1] for row in cells(found["window_hour"])] == [1, 1]
        assert [row[-1] for row in cells(found["window_day"])] == [11]  # 15 hours and 1 µs: ten times 90 min, and one
        assert [row[-1] for row in cells(found["bucket_minute"])] == [1, 1]

    def test_a_silent_station_lowers_the_coverage_of_its_zone(self) -> None:
        # w2 and w1 stand in North, w3 in the south; w1 alone speaks. They owe 1, 1 and 9 an hour.
        found = tables(("w1", "temperature", 0, 500))["indicator_value"]
        due = {row[3]: row[8:] for row in found if row[:2] == ["temperature_mean", "hour"]}
        assert due == {"w1": ["1", "1"], "North": ["1", "2"], "town": ["1", "11"]}


class TestZones:
    def test_means_and_levels_and_directions_and_sums_of_stations(self) -> None:
        found = tables(
            ("w1", "temperature", 0, 10), ("w2", "temperature", 0, 15), ("w3", "temperature", 0, 40),
            ("w1", "noise", 0, 6000), ("w2", "noise", 0, 7000),
            ("w1", "wind", 0, 100), ("w2", "wind", 0, 200),
            ("r0", "cars", 0, 3), ("r1", "cars", 0, 4),
        )["indicator_value"]  # fmt: skip
        value = {(row[0], row[3]): row[5] for row in found if row[1] == "hour"}
        assert value["temperature_mean", "North"] == "12"  # 12.5
        assert value["temperature_mean", "town"] == "22"  # 21.67
        assert value["laeq", "North"] == "674"
        assert value["wind_direction", "North"] == "15"
        assert value["vehicle_count", "town"] == "7"
        assert ("vehicle_count", "North") not in value

    def test_the_worst_station_decides_an_index_and_the_first_of_equals_names_the_driver(self) -> None:
        # b comes first in the registry: its NO2 of 180 µg/m³ and the PM2.5 of a.1 both are in the last band.
        air = [("b", "no2", 180_000), ("b", "o3", 1000), ("b", "pm10", 1000)]
        air += [("a.1", "no2", 1000), ("a.1", "o3", 1000), ("a.1", "pm2_5", 200_000)]
        found = tables(*((device, field, 0, ticks) for device, field, ticks in air))["indicator_value"]
        rows = {row[3]: row[5:8] for row in found if row[0] == "eaqi"}
        assert rows == {
            "town": ["6", "6", "no2"], "b": ["6", "6", "no2"], "a.1": ["6", "6", "pm2_5"],
            "south": ["6", "6", "no2"], "North": ["6", "6", "pm2_5"],
        }  # fmt: skip


class TestIndices:
    def test_of_equal_pollutants_the_first_of_the_definition_decides(self) -> None:
        found = tables(("b", "no2", 0, 180_000), ("b", "o3", 0, 1000), ("b", "pm10", 0, 300_000))["indicator_value"]
        assert {tuple(row[5:8]) for row in found if row[0] == "eaqi"} == {("6", "6", "pm10")}

    def test_a_look_back_ends_where_the_readings_of_the_station_begin(self) -> None:
        # b is the device before a: its last hours of the day are no hours before the first one of a.
        late = [("b", "pm2_5", hour * HOUR_US, 20_000) for hour in (21, 22, 23)]
        found = tables(("a", "pm2_5", 0, 20_000), *late)["indicator_value"]
        rows = [row for row in found if row[0] == "us_aqi_nowcast" and row[2] == "station"]
        assert [(row[3], (int(row[4]) - BEGIN_US) // HOUR_US) for row in rows] == [("b", 22), ("b", 23)]


class TestText:
    def test_rows_are_ordered_by_the_bytes_of_their_codes(self) -> None:
        found = tables(*((device, "o3", 0, 1000) for device in ("b", "a", "Z", "a.1", "a-1")))
        assert [row[0] for row in found["observation"]] == ["Z", "a", "a-1", "a.1", "b"]
        means = [row for row in found["indicator_value"] if row[:2] == ["o3_mean", "hour"]]
        assert [row[3] for row in means] == ["town", "Z", "a", "a-1", "a.1", "b", "North", "south"]
        assert [row[:2] for row in found["indicator_value"]] == sorted(row[:2] for row in found["indicator_value"])

    def test_files_and_digests_hold_what_expected_returns(self, tmp_path: Path) -> None:
        city = registry(SEOUL)
        batch = ObservationBatch.of([city.slot("b", "o3")] * 2, [BEGIN_US + 1, BEGIN_US], [5, 6], [1, 0])
        digests = truth.write(city, batch, tmp_path / "new")
        lines = truth.expected(city, batch)
        assert lines["observation"] == [f"b\to3\t{BEGIN_US}\t6\t0\n", f"b\to3\t{BEGIN_US + 1}\t5\t1\n"]
        assert json.loads((tmp_path / "new" / truth.DIGESTS_FILE).read_text()) == digests
        assert set(digests) == set(truth.TABLES) == set(lines)
        for table, digest in digests.items():
            content = (tmp_path / "new" / f"{table}.tsv").read_bytes()
            assert content == "".join(lines[table]).encode()
            assert hashlib.sha256(content).hexdigest() == digest

    def test_no_reading_makes_empty_tables(self, tmp_path: Path) -> None:
        nothing = hashlib.sha256(b"").hexdigest()
        assert truth.write(registry(SEOUL), ObservationBatch.empty(), tmp_path) == dict.fromkeys(truth.TABLES, nothing)

    def test_a_reading_outside_its_range_is_an_observation_and_counts_nowhere(self) -> None:
        found = tables(("b", "o3", 0, 9_000_000), ("b", "o3", 1, 2_000))
        assert len(found["observation"]) == 2
        assert [row[:2] for row in cells(found["window_hour"])] == [(0, 1)]
        alone = tables(("b", "o3", 0, 9_000_000))
        assert {table for table, rows in alone.items() if rows} == {"observation"}

    def test_a_reading_that_comes_twice_is_refused(self) -> None:
        with pytest.raises(ValueError, match="2 times twice"):
            tables(*[("b", "o3", 0, 1)] * 3)

    def test_an_unknown_slot_is_refused(self) -> None:
        city = replace(registry(SEOUL), devices=registry(SEOUL).devices[:1])
        with pytest.raises(IndexError, match="there are 6 series"):
            truth.expected(city, ObservationBatch.of([6], [BEGIN_US], [0]))


def _columns(values: list[int]) -> list[NDArray[np.int64]]:
    return [np.array(values, np.int64)]


def _line(times: list[int], ticks: list[int]) -> Line:
    return Line(np.array(times, np.int64), np.array(ticks, np.int64), np.zeros(len(times), np.int64))
