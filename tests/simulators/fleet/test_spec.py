"""The fleet file is read strictly: every fault at once, with its key and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices import ConfigError, Kind, load_measurands
from engine.kpi import Assets, Registered, Telemetry, shipped
from simulators.fleet import build, load_fleet
from simulators.fleet.command import bundled_fleets
from simulators.fleet.fault import KINDS
from simulators.fleet.signal import FORMS, usual_signals
from tests.simulators.fleet.make import GROUPS, TOWN, write_fleet


def faults_of(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load_fleet(path)
    return [f"{problem.where}: {problem.what}" for problem in error.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("seed = 7", "sead = 7", "seed: is missing; expected a whole number from 0"),
        ("seed = 7", "sead = 7", "sead: unknown key; did you mean 'seed'?"),
        ("days = 2", "days = 0", "days: expected a whole number from 1 to 3660, got 0"),
        ('"2025-03-29"', '"28.03.2026"', "start: expected a date such as 2025-03-29 between 2000 and 2100"),
        ("Europe/Berlin", "Europe/Berlim", "city.time_zone: expected an IANA time zone such as Europe/Berlin"),
        ('code = "town"', 'code = "Town!"', "city.code: expected small letters, digits"),
        ("[city]", "[town]", "city: is missing; expected a table [city]"),
        ('code = "west"', 'code = "east"', "zone[2].code: a second zone 'east'"),
        ('"air_station"', '"air_statoin"', "group[1].model: unknown device model 'air_statoin'; did you mean 'air_sta"),
        ("count = 1", "count = 1\nzones = ['wets']", "group[1].zones: unknown zone 'wets'; did you mean 'west'?"),
        ('"bike_dock"', '"bike_dock"\npack = 3', "group[5].pack: a message of model 'bike_dock' carries one time"),
        ('prefix = "sky"', 'prefix = "air"', "group[2].prefix: group[1] makes devices air-east-… already"),
        (
            "every_days = 1",
            "every_day = 1",
            "group[6].signal.interrupted.every_day: unknown key; did you mean",
        ),
        ("interrupted]", "interupted]", "group[6].signal.interupted: unknown key; did you mean 'interrupted'?"),
        ("count = 1", "count = 1\ncolumns = { purpos = 'x' }", "group[1].columns.purpos: unknown column; did you mean"),
        ("count = 1", "count = 1\ncolumns = { purpose = 'home' }", "group[1].columns.purpose: expected one of resid"),
        ("every_days = 1", "form = 'wave'", "group[6].signal.interrupted.form: expected one of count, each, outage"),
        ("every_days = 1", "form = 'count'", "group[6].signal.form: outage_time needs a field of form outage"),
        ("hours = 2", "hours = 24", "group[6].signal.interrupted.hours: expected less than every_days = 1"),
        ("hours = 2", "mean = 1e12", "group[6].signal.interrupted.mean: expected a number within the range"),
        ("hours = 2", "rest_of = 'alive'", "group[6].signal.interrupted.rest_of: names the other field"),
    ],
)
def test_a_fault_of_the_file_is_named_with_its_key(old: str, new: str, fault: str, tmp_path: Path) -> None:
    path = write_fleet(tmp_path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    found = faults_of(path)
    assert any(said.startswith(fault) for said in found), found


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ('kind = "lots"\nrate = 1', "fault[1].kind: expected one of lost, duplicated"),
        ('kind = "lost"', "fault[1].rate: is missing; expected a number"),
        ('kind = "lost"\nrate = 1.5', "fault[1].rate: expected a probability from 0 to 1, got 3/2"),
        ('kind = "lost"\nrate = 1\nfields = ["x"]', "fault[1].fields: unknown key"),
        ('kind = "silent"\nfrom = "noon"', "fault[1].from: 'noon' is no time; write 2016-01-31"),
        ('kind = "silent"\nfrom = "2025-03-30"\nto = "2025-03-29"', "fault[1].to: expected a time after from"),
        ('kind = "skew"', "fault[1].by: is missing; expected a text"),
        ('kind = "skew"\nby = "soon"', "fault[1].by: 'soon' is no length of time; write 90s"),
        ('kind = "future_clock"\nrate = 1\nby = "90s"', "fault[1].by: expected at least 1h"),
        ('kind = "delayed"\nrate = 1\nat_least = "2h"\nat_most = "1h"', "fault[1].at_most: expected a length of time"),
        ('kind = "storm"', "fault[1].at: is missing; expected a time such as 2025-03-30T06:00"),
        ('kind = "spike"\nrate = 1\namount = 3', "fault[1].fields: is missing; an amount is in the unit of the fields"),
    ],
)
def test_a_fault_of_a_fault_is_named_with_its_key(table: str, fault: str, tmp_path: Path) -> None:
    found = faults_of(write_fleet(tmp_path, f"\n[[fault]]\n{table}\n"))
    assert any(said.startswith(fault) for said in found), found


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = write_fleet(tmp_path, '\n[[fault]]\nkind = "skew"\n', town=TOWN.replace("seed", "sead"))
    found = faults_of(path)
    assert [said.partition(":")[0] for said in found] == ["seed", "fault[1].by", "sead"]
    assert faults_of(tmp_path / "none.toml") == [
        ": cannot be read (No such file or directory); expected a fleet file (TOML)"
    ]


def test_the_fleets_of_the_package_hold_what_they_promise(tmp_path: Path) -> None:
    fleets = bundled_fleets()
    assert set(fleets) == {"small", "kpis", "day2000", "mixed", "year"}
    catalogue = load_measurands().by_code
    for name, path in fleets.items():
        spec = load_fleet(path)
        kinds = {catalogue[f.measurand].kind for g in spec.groups for f in g.model.fields}
        assert kinds == set(Kind), name
    small, day, year = (load_fleet(fleets[name]) for name in ("small", "day2000", "year"))
    assert {fault.kind for fault in small.faults} == set(KINDS)
    fleet = build(day, tmp_path)
    assert len(fleet.registry.devices) >= 2000
    assert len(fleet.registry.city.zones) >= 3
    assert fleet.plan().reading_count >= 3_000_000
    assert (day.days, year.days) == (1, 366)


def test_what_is_usual_is_known_for_every_measurand_a_model_of_the_package_can_send() -> None:
    usual = usual_signals()
    for measurand in load_measurands().measurands:
        assert usual[measurand.code].form in FORMS[measurand.kind]


def test_models_beside_the_fleet_file_are_the_citys_too(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "bin.toml").write_text(
        'title = "A bin"\ncodec = "senml-json"\ninterval_s = 3600\n\n'
        '[[field]]\nname = "level"\nmeasurand = "fill_level"\nunit = "%"\n'
        '[[test]]\ntext = \'[{"n":"level","u":"%","v":41}]\'\nexpect = [{field = "level", value = "41"}]\n'
    )
    own = '\n[[group]]\nmodel = "bin"\ncount = 1\n[group.signal.level]\nmean = 40\nnoise = 30\nstep = 1\n'
    fleet = build(write_fleet(tmp_path, groups=GROUPS + own), tmp_path / "city")
    slot = fleet.registry.slot("bin-east-001", "level")
    batch = fleet.accepted()
    levels = batch.ticks[batch.slot == slot]
    assert levels.size == 47
    assert levels.min() >= 0
    assert set((levels % 100).tolist()) == {0}


@pytest.mark.parametrize("code", ["shelly_em3", "itron_cyble_gas"])
def test_a_fleet_sends_no_messages_whose_time_would_be_that_of_their_arrival(code: str, tmp_path: Path) -> None:
    found = faults_of(write_fleet(tmp_path, groups=GROUPS + f'\n[[group]]\nmodel = "{code}"\ncount = 1\n'))
    assert any(f"messages of '{code}' carry no time" in said for said in found), found


def test_the_fleet_of_the_kpis_has_everything_that_they_ask_sensors_and_registers_for(tmp_path: Path) -> None:
    registry = build(load_fleet(bundled_fleets()["kpis"]), tmp_path).registry
    hows = [one.how for one in shipped().inputs.values()]
    sent = {field.measurand for device in registry.devices for field in registry.model_of(device).fields}
    assert {m for how in hows if isinstance(how, Telemetry) for m in how.measurands} - sent == set()
    registers = {r.code for r in registry.city.registers}
    assert {how.register for how in hows if isinstance(how, Registered)} - registers == {"city_gdp"}
    said = {(column, text) for device in registry.devices for column, text in device.attributes.items()}
    for how in hows:
        if isinstance(how, Telemetry | Assets):
            for column, values in how.where:
                assert column == "measures" or any((column, value) in said for value in values), (column, values)
