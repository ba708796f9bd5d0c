"""What comes with the program: small, licensed, attributed, with the real faults left in, and in the wheel."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hatchling.builders.wheel import WheelBuilder

import devices
import simulators
from engine.kpi import Registered, register_factor, shipped
from simulators import Recording, load_recording
from simulators.cities import CITIES, RECORDINGS
from simulators.clock import HOUR_US, from_us, to_us
from simulators.recording import descriptions
from tests.simulators.material import ROOT

BYTES_MAX = 2_000_000
FOLDERS = sorted(p for p in RECORDINGS.iterdir() if p.is_dir())
LICENCES = ("CC BY 4.0", "CC BY 3.0", "Open Government Licence", "Apache-2.0")


def recording(name: str) -> Recording:
    return load_recording(RECORDINGS / name)


def cells(folder: str) -> list[dict[str, str]]:
    """Return the rows of a folder's file, read by nothing of ours."""
    (file,) = (RECORDINGS / folder).glob("*.csv.gz")
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def test_all_recordings_together_are_small() -> None:
    assert sum(p.stat().st_size for p in RECORDINGS.rglob("*") if p.is_file()) < BYTES_MAX


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_each_recording_states_source_licence_attribution_and_changes(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    for word in ("**Source**", "**Licence**", "**Attribution**", "**Changes**"):
        assert word in text
    assert any(licence in text.split("**Licence**")[1] for licence in LICENCES)
    assert f"({folder.name}/README.md)" in (RECORDINGS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_each_recording_reads_without_a_problem_and_its_demo_devices_exist(folder: Path) -> None:
    known = {d.code: d.model for d in devices.load_registry(simulators.demo_city()).devices}
    for path in descriptions(folder):
        loaded = load_recording(path)
        assert loaded.problems == ()
        assert len(loaded.rows) > 1_000
        assert {known[code] for code in loaded.devices} == {loaded.model.code}


def test_everything_is_in_the_wheel() -> None:
    packed = {f.distribution_path for f in WheelBuilder(str(ROOT)).recurse_included_files()}
    for path in (*RECORDINGS.rglob("*"), *CITIES.rglob("*")):
        if path.is_file():
            assert str(path.relative_to(ROOT)) in packed


def test_the_demo_city_is_only_devices_that_some_recording_has() -> None:
    listed = {d.code for d in devices.load_registry(simulators.demo_city()).devices}
    sending = {code for r in simulators.prepare(["demo"]).recordings for code in r.devices}
    assert listed == sending


def test_beijing_is_the_csv_to_the_last_cell() -> None:
    loaded, rows = recording("air-beijing"), cells("air-beijing")
    assert len(loaded.rows) == len(rows) == 35_136
    columns = {c.field: c.column for c in loaded.spec.columns}
    for number, field in enumerate(loaded.fields):
        if field == "wind_direction":
            continue
        texts = [row[columns[field]] for row in rows]
        assert loaded.rows.present[:, number].tolist() == [text != "" for text in texts]
        # Some weather values were interpolated by the publisher and have more decimals than the resolution's three.
        expected = [int((Decimal(t) * 1000).to_integral_value(ROUND_HALF_EVEN)) for t in texts if t]
        assert loaded.rows.ticks[loaded.rows.present[:, number], number].tolist() == expected


def test_compass_points_become_degrees() -> None:
    loaded, rows = recording("air-beijing"), cells("air-beijing")
    at = loaded.fields.index("wind_direction")
    seen = {
        (r["wd"], int(t))
        for r, t, p in zip(rows, loaded.rows.ticks[:, at], loaded.rows.present[:, at], strict=True)
        if p
    }
    points = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")
    assert seen == {(point, number * 225) for number, point in enumerate(points)}


def test_the_repeated_hour_of_the_motorway_is_one_hour_with_a_duplicate() -> None:
    rows = recording("traffic-i94").rows
    hour = to_us(datetime.fromisoformat("2016-11-06T06:00:00+00:00"))
    assert rows.ticks[rows.time_us == hour, 0].tolist() == [539, 539]
    assert not (rows.time_us == hour + HOUR_US).any(), "the second passage is not in the source"
    assert (rows.time_us == hour + 2 * HOUR_US).sum() == 1
    assert len(rows) - len(np.unique(rows.time_us)) == 847


def test_both_hours_of_dublins_clock_changes_are_gaps_and_nothing_is_invented() -> None:
    loaded = recording("noise-dublin")
    chancery = loaded.rows.time_us[loaded.rows.device == loaded.devices.index("dublin-chancery-park")]
    dublin = ZoneInfo("Europe/Dublin")
    for day, hours in (("2019-03-31", 23), ("2019-10-27", 23)):
        shown = [from_us(t, dublin) for t in chancery.tolist() if f"{from_us(t, dublin):%Y-%m-%d}" == day]
        assert len(shown) == hours
        assert 1 not in {stamp.hour for stamp in shown}
    autumn = to_us(datetime.fromisoformat("2019-10-27T00:00:00+01:00"))
    near = sorted(t - autumn for t in chancery.tolist() if abs(t - autumn) <= 3 * HOUR_US)
    assert [t // HOUR_US for t in near] == [-3, -2, -1, 0, 3], "the first and the second 01:00 are missing"


def test_the_rows_of_bull_island_stay_out_of_order_and_come_late() -> None:
    loaded = recording("noise-dublin")
    mine = loaded.rows.device == loaded.devices.index("dublin-bull-island")
    times, sent = loaded.rows.time_us[mine], loaded.rows.send_us[mine]
    assert (np.diff(times) < 0).sum() == 11
    assert (np.diff(sent) >= 0).all()
    assert int((sent - times).max()) // HOUR_US // 24 == 345


def test_the_car_parks_are_late_and_the_absent_hour_is_winter_time() -> None:
    loaded = recording("parking-bath")
    delay = (loaded.rows.send_us - loaded.rows.time_us) // 1_000_000
    assert int((delay > 600).sum()) == 224
    assert int((delay < 0).sum()) == 50
    assert int(delay.max()) == 739
    podium = loaded.rows.device == loaded.devices.index("bath-podium")
    times = np.sort(loaded.rows.time_us[podium])
    change = to_us(datetime.fromisoformat("2016-03-27T01:00:00+00:00"))
    inside = times[(times >= change - HOUR_US) & (times < change + 2 * HOUR_US)]
    assert int(np.diff(inside).max()) < 600_000_000, "no hour is missing and none is doubled"
    assert (np.diff(inside) > 0).all()


def test_code_16_is_silence() -> None:
    loaded, rows = recording("traffic-cologne"), cells("traffic-cologne")
    codes = Counter(row["auslastung"] for row in rows)
    assert loaded.empty_rows == codes["16"] == 1_042
    assert len(loaded.rows) == len(rows) - 1_042
    assert set(loaded.rows.ticks[:, 0].tolist()) == {0, 1, 2}
    silent = loaded.devices.index("cologne-ST010")
    assert not (loaded.rows.device == silent).any()


def test_gases_in_ppb_become_ug_per_m3_by_the_models_convention() -> None:
    loaded, rows = recording("air-london-marylebone"), cells("air-london-marylebone")
    at = loaded.fields.index("no2")
    first = next(n for n, row in enumerate(rows) if row["no2"])
    factor = next(f.factor for f in loaded.model.fields if f.name == "no2")
    assert factor != 1
    assert loaded.rows.ticks[first, at] == round(int(rows[first]["no2"]) * factor * 1000)


def test_the_demo_states_the_registers_that_kpis_ask_for_in_units_that_fit() -> None:
    city = devices.load_registry(simulators.demo_city()).city
    today = date(2026, 7, 1)
    asked = {one.how.register: one.unit for one in shipped().inputs.values() if isinstance(one.how, Registered)}
    stated = {code: city.register(code, today) for code in asked}
    assert {code for code, entry in stated.items() if entry is None} == {"city_gdp"}, "no sensor knows money"
    for code, entry in stated.items():
        if entry is not None:
            assert register_factor(entry.unit, asked[code]) == 1, code
            assert entry.value > 0
            assert entry.source.startswith(("stand-in", "UK Government")), code
    edition = city.register("ghg_factor_electricity", date(2023, 7, 1))
    assert edition is not None
    assert "2023 edition" in edition.source
    assert city.register("population", today, "homes") != city.register("population", today)


def test_a_dead_street_segment_of_the_demo_has_a_length_that_is_not_monitored() -> None:
    registry = devices.load_registry(simulators.demo_city())
    length = {d.code: Decimal(d.attributes["monitored_km"]) for d in registry.devices if "network" in d.attributes}
    assert length["cologne-ST010"] > 0
    road = registry.city.register("road_km_major", date(2026, 7, 1))
    assert road is not None
    assert sum(length.values()) < road.value
