"""Packs: every fault with its file and line, all at once; and what a city may change."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.kpi import Assets, Capture, Fault, PackError, Pool, Telemetry, load_catalogue, load_pack, shipped
from engine.kpi.faults import Lines

HEAD = '[pack]\ncode = "own"\ntitle = "A pack"\nedition = "1"\nsource = "a test"\n'
INPUTS = """
[[input]]
code = "population"
title = "inhabitants"
unit = "{inhabitant}"
kind = "register"

[[input]]
code = "water_used"
title = "water used"
unit = "m3"
kind = "telemetry"
measurands = ["water_volume"]
statistic = "increase"
pool = "sum"
"""


def kpi(code: str = "EN: EN: WS: 2C", **more: str) -> str:
    keys = {
        "name": '"Water"', "dimension": '"Environment"', "sub_dimension": '"Environment"', "category": '"Water"',
        "level": '"core"', "definition": '"water used per head"', "formula": '"1000 * water_used / population"',
        "unit": '"L/{inhabitant}"', "direction": '"lower"', "formula_basis": '"method_text"', "live": '"yes"',
        "source": '"a test"', "confidence": '"high"', **more,
    }  # fmt: skip
    return (
        "\n".join([f'\n[[kpi]]\ncode = "{code}"', *(f"{key} = {value}" for key, value in keys.items() if value)]) + "\n"
    )


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def faults(folder: Path) -> tuple[Fault, ...]:
    with pytest.raises(PackError) as refused:
        load_pack(folder)
    return refused.value.faults


def test_a_pack_by_itself_loads(tmp_path: Path) -> None:
    pack = load_pack(write(tmp_path, pack=HEAD, inputs=INPUTS, water=kpi()))
    assert (pack.code, len(pack.data_points), sorted(pack.inputs)) == ("own", 1, ["population", "water_used"])


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        (kpi(formula='"1000 * water_usd / population"'), "formula", "'water_usd'; did you mean 'water_used'"),
        (kpi(formula='"water_used / population"'), "formula", "its formula gives 1000 of it"),
        (kpi(formula='"1000 * population / water_used"'), "formula", "where 1/1000.m3.{inhabitant}-1 is expected"),
        (kpi(formula='"1000 * water_used ^ 2"'), "formula", "unexpected character '^'"),
        (kpi(unit='"L/{inhabitan"'), "unit", "expected a unit"),
        (kpi(direction='"up"'), "direction", "expected one of higher, lower, target, none, got 'up'"),
        (kpi(direction='"target"'), "kpi[1]", "expected a number for the direction `target`"),
        (kpi(dirction='"lower"'), "dirction", "unknown key; did you mean 'direction'?"),
        (kpi(live='"maybe"'), "live", "expected one of yes, partly, no"),
        (kpi(definition=""), "kpi[1]", "is missing"),
        (kpi(sdg='["goal 6"]'), "sdg", "11.6.2"),
        (kpi(code="water"), "code", "expected a code such as"),
        (kpi(formula='\'1000 * water_used / kpi("EN: EN: WS: 3C")\''), "formula", "unknown data point"),
    ],
)  # fmt: skip
def test_a_fault_of_a_kpi_stands_with_its_line(tmp_path: Path, text: str, key: str, said: str) -> None:
    found = faults(write(tmp_path, pack=HEAD, inputs=INPUTS, water=text))
    assert any(said in fault.what for fault in found), found
    fault = next(fault for fault in found if said in fault.what)
    assert fault.file == str(tmp_path / "water.toml")
    line = text.splitlines()[fault.line - 1]
    assert line.startswith((f"{key} =", "[[kpi]]" if key == "kpi[1]" else f"{key} ="))
    assert str(fault).startswith(f"{fault.file}:{fault.line}: ")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["water_volume"]', '["water_volum"]', "unknown measurand 'water_volum'; did you mean 'water_volume'"),
        ('["water_volume"]', '["water_volume", "heat_energy"]', "one kind and unit"),
        ('["water_volume"]', "[]", "expected 1 to 16 codes"),
        ('"increase"', '"mean"', "water_volume is of kind counter: expected increase"),
        ('"sum"', '"total"', "expected one of sum, mean"),
        ('unit = "m3"', 'unit = "kW.h"', "cannot convert 'm3' to 'kW.h'"),
        ('pool = "sum"', 'pool = "sum"\nfactor = 2', "say where `factor` comes from"),
        ('pool = "sum"', 'pool = "sum"\nconvention = "x"', "there is no `factor`"),
        ('pool = "sum"', 'pool = "sum"\nstates = ["x"]', "for the statistic `share`"),
        ('pool = "sum"', 'pool = "sum"\nlimit = 3', "for `count_at_most`"),
        ('pool = "sum"', 'pool = "count_at_most"', "expected a number for `count_at_most`"),
        ('pool = "sum"', 'pool = "sum"\nhours = [[7, 7]]', "pairs of hours"),
        ('pool = "sum"', 'pool = "sum"\nweekdays = [0]', "from 1 (Monday) to 7"),
        ('pool = "sum"', 'pool = "sum"\nwhere = { purpse = "home" }', "unknown key"),
        ('pool = "sum"', 'pool = "sum"\nwhere = { measures = "watr" }', "unknown measures 'watr'"),
        ('pool = "sum"', 'pool = "sum"\nwhere = { model = "water_metre" }', "did you mean 'water_meter'"),
        ('pool = "sum"', 'pool = "sum"\nregister = "x"', "unknown key"),
        ('kind = "register"', 'kind = "registr"', "expected one of register, assets"),
        ('kind = "register"', 'kind = "register"\nat = "begin"', "expected one of end, start, mean"),
        ('kind = "register"', 'kind = "assets"\ncolumn = "km"', "unknown column 'km'"),
        ('kind = "register"', 'kind = "period"', "expected a unit of time"),
        ('unit = "{inhabitant}"', 'unit = "inhabitants"', "unknown unit"),
        ('code = "population"', 'code = "Population"', "small letters"),
        ('code = "population"', 'code = "water_used"', "stands in"),
    ],
)  # fmt: skip
def test_a_fault_of_an_input_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in INPUTS
    found = faults(write(tmp_path, pack=HEAD, inputs=INPUTS.replace(old, new, 1), water=kpi()))
    fault = next((fault for fault in found if said in fault.what), None)
    assert fault is not None, found
    assert fault.line > 1


def test_every_fault_is_told_at_once_in_reading_order(tmp_path: Path) -> None:
    text = kpi(direction='"up"') + kpi(live='"maybe"') + kpi("EN: EN: WS: 9C", unit='"%"')
    found = faults(write(tmp_path, pack=HEAD, inputs=INPUTS, water=text, zoo="[[kpi]\n"))
    assert len(found) >= 4
    assert list(found) == sorted(found)
    assert {Path(fault.file).name for fault in found} == {"water.toml", "zoo.toml"}
    assert any("stands in" in fault.what and fault.line == text.split("[[kpi]]")[1].count("\n") + 3 for fault in found)
    assert next(fault for fault in found if fault.file.endswith("zoo.toml")).line == 1


def test_circles_are_told_once_with_their_way(tmp_path: Path) -> None:
    round_and_round = "".join(
        f'\n[[input]]\ncode = "{code}"\ntitle = "t"\nunit = "m3"\nkind = "derived"\nformula = "{other}"\n'
        for code, other in (("a", "b"), ("b", "c"), ("c", "a"))
    )
    found = faults(write(tmp_path, pack=HEAD, inputs=INPUTS + round_and_round, water=kpi()))
    assert [fault.what for fault in found] == ["goes in a circle: a -> b -> c -> a"]


def test_data_points_that_use_each_other_in_a_circle_are_refused(tmp_path: Path) -> None:
    text = kpi(formula="'kpi(\"EN: EN: WS: 3C\")'") + kpi("EN: EN: WS: 3C", formula="'kpi(\"EN: EN: WS: 2C\")'")
    found = faults(write(tmp_path, pack=HEAD, inputs=INPUTS, water=text))
    assert [f.what for f in found] == ["goes in a circle: EN: EN: WS: 2C -> EN: EN: WS: 3C -> EN: EN: WS: 2C"]


def test_a_long_chain_of_formulas_is_no_circle(tmp_path: Path) -> None:
    chain = "".join(
        f'\n[[input]]\ncode = "x{n}"\ntitle = "t"\nunit = "m3"\nkind = "derived"\nformula = "{after}"\n'
        for n, after in ((n, f"x{n + 1}" if n < 1500 else "water_used") for n in range(1501))
    )
    pack = load_pack(write(tmp_path, pack=HEAD, inputs=INPUTS + chain, water=kpi(formula='"1000 * x0 / population"')))
    assert len(pack.inputs_of(pack.data_points[0])) == 1503


def test_an_empty_folder_and_a_pack_without_a_head_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "expected 1 to" in str(faults(tmp_path / "empty")[0])
    assert "expected a table [pack]" in str(faults(write(tmp_path / "headless", inputs=INPUTS, water=kpi())))


# --- A city's own definitions -----------------------------------------------------------------------------------------


def city(tmp_path: Path, **files: str) -> Path:
    write(tmp_path / "kpis", **files)
    return tmp_path


def city_faults(folder: Path) -> tuple[Fault, ...]:
    with pytest.raises(PackError) as refused:
        load_catalogue(folder)
    return refused.value.faults


def test_a_city_without_definitions_has_the_shipped_catalogue(tmp_path: Path) -> None:
    assert load_catalogue(tmp_path) is shipped()
    assert load_catalogue() is shipped()


def test_a_city_states_only_what_differs_and_why(tmp_path: Path) -> None:
    own = """
[[input]]
code = "pm2_5_mean"
changes = "SDG 11.6.2 is reported as well"
pool = "population_mean"

[[kpi]]
code = "EC: ICT: ICT: 4C"
changes = "the provider states area, not people"

[[kpi.data_point]]
id = "3g"
formula = "100 * area_covered_3g / area_km2"

[[input]]
code = "area_covered_3g"
title = "area with 3G coverage"
unit = "km2"
kind = "declared"
"""
    pack = load_catalogue(city(tmp_path, ours=own))
    how = pack.inputs["pm2_5_mean"].how
    assert isinstance(how, Telemetry)
    assert (how.pool, how.measurands) == (Pool.POPULATION_MEAN, ("pm2_5",))
    changed, same = pack.kpi("EC: ICT: ICT: 4C").data_points
    assert changed.formula.text == "100 * area_covered_3g / area_km2"
    assert changed.changed == "the provider states area, not people"
    assert same == shipped().data_point("EC: ICT: ICT: 4C/4g")
    assert len(pack.data_points) == len(shipped().data_points)
    assert [p.key for p in pack.data_points] == [p.key for p in shipped().data_points]


def test_a_city_adds_a_data_point_of_its_own(tmp_path: Path) -> None:
    own = """
[[kpi]]
code = "EC: ICT: ICT: 4C"
changes = "5G is reported for ourselves"

[[kpi.data_point]]
id = "5g"
name = "5G"
definition = "Share of the city that has 5G coverage."
numerator = "city served by 5G"
formula = "100 * population_covered_5g / population"

[[input]]
code = "population_covered_5g"
title = "inhabitants with 5G coverage"
unit = "{inhabitant}"
kind = "declared"
"""
    pack = load_catalogue(city(tmp_path, ours=own))
    assert [point.id for point in pack.kpi("EC: ICT: ICT: 4C").data_points] == ["3g", "4g", "5g"]
    assert pack.data_point("EC: ICT: ICT: 4C/5g").changed == "5G is reported for ourselves"
    assert pack.data_point("EC: ICT: ICT: 4C/5g").category == "ICT Infrastructure"


def test_what_a_city_adds_is_marked(tmp_path: Path) -> None:
    own = kpi("XX: OWN: W: 1A", formula='"water_used / population"', unit='"m3/{inhabitant}"')
    pack = load_catalogue(city(tmp_path, ours=own))
    assert pack.data_point("XX: OWN: W: 1A").changed == "added by the city"
    assert not any(point.changed for point in shipped().data_points)


def test_nothing_is_replaced_by_accident(tmp_path: Path) -> None:
    found = city_faults(city(tmp_path, ours=kpi("EN: EN: WS:2C")))
    assert "stands in" in found[0].what
    assert 'changes = "…"' in found[0].what


def test_a_change_of_something_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    found = city_faults(city(tmp_path, ours='[[input]]\ncode = "populaton"\nchanges = "a newer census"\n'))
    assert "there is no input 'populaton' to change; did you mean 'population'?" in found[0].what


def test_a_city_sets_its_targets(tmp_path: Path) -> None:
    own = """
[[target]]
kpi = "EN: EN: AQ: 1C"
data_point = "pm2_5"
value = 5
rule = "inverse"
from = "2026-01-01"
source = "WHO 2021"

[[target]]
kpi = "EN: EN: AQ: 1C"
data_point = "pm10"
value = 15
from = "2006-01-01"
changes = "we measure ourselves against WHO 2021 from the beginning"
"""
    pack = load_catalogue(city(tmp_path, ours=own))
    values = [(str(t.value), t.valid_from.year) for t in pack.targets if t.data_point == "EN: EN: AQ: 1C/pm2_5"]
    assert values == [("10", 2006), ("5", 2026)]
    assert [str(t.value) for t in pack.targets if t.data_point == "EN: EN: AQ: 1C/pm10"] == ["15"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kpi = "EN: E: E: 9C"\nvalue = 1\nrule = "share"', "unknown data point"),
        ('kpi = "EN: E: E: 2C"\nvalue = 1\nrule = "share"', "expected inverse or linear"),
        ('kpi = "EN: E: E: 2C"\nvalue = 0\nrule = "inverse"', "rule `linear`"),
        ('kpi = "EN: E: E: 2C"\nvalue = 0\nrule = "linear"', "expected a number for the rule"),
        ('kpi = "EN: E: E: 2C"\nvalue = 1\nrule = "inverse"\nofficial = "no"', "expected true or false"),
        ('kpi = "EN: EN: WA: 1C"\ndata_point = "other"\nvalue = 1\nrule = "share"', "has no direction"),
    ],
)  # fmt: skip
def test_a_target_that_cannot_be_is_refused(tmp_path: Path, text: str, said: str) -> None:
    target = f'[[target]]\n{text}\nsource = "a test"\nfrom = "2026-01-01"\n'
    assert any(said in fault.what for fault in city_faults(city(tmp_path, ours=target)))
    dateless = target.replace("2026-01-01", "today")
    assert any("expected a date" in fault.what for fault in city_faults(city(tmp_path, ours=dateless)))


def test_a_pack_may_not_change_a_pack(tmp_path: Path) -> None:
    found = faults(write(tmp_path, pack=HEAD, inputs=INPUTS, water=kpi(changes='"why not"')))
    assert "only a city's own folder" in found[0].what


def test_an_input_may_ask_for_a_column_of_the_citys_own(tmp_path: Path) -> None:
    asking = """
[[input]]
code = "smart_water_meters"
changes = "those of the board are counted by the board"
where = { measures = "water_volume", owner = "city" }
"""
    write(tmp_path / "kpis", ours=asking)
    with pytest.raises(PackError, match="unknown key"):
        load_catalogue(tmp_path)
    column = '[[column]]\ncode = "owner"\ntitle = "who answers for it"\nvalues = ["city", "board"]\n'
    (tmp_path / "city.toml").write_text(column, encoding="utf-8")
    catalogue = load_catalogue(tmp_path)
    assert set(catalogue.columns) - set(shipped().columns) == {"owner"}
    write(tmp_path / "kpis", ours=asking.replace('"city"', '"citi"'))
    with pytest.raises(PackError, match="unknown owner 'citi'; did you mean 'city'"):
        load_catalogue(tmp_path)


def test_a_registered_length_counts_its_devices_column() -> None:
    how = shipped().inputs["drainage_km_monitored"].how
    assert isinstance(how, Assets)
    assert (how.column, how.where) == ("monitored_km", (("network", ("drainage",)),))


# --- Lines ------------------------------------------------------------------------------------------------------------


def _keys(values: object, path: str = "") -> list[str]:
    """Return the full names of a TOML document's keys, as the reader of tables writes them."""
    names: list[str] = []
    if isinstance(values, dict):
        for key, value in values.items():
            at = f"{path}.{key}" if path else key
            names.append(at)
            if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
                names.remove(at)
                for number, item in enumerate(value, 1):
                    names += [f"{at}[{number}]", *_keys(item, f"{at}[{number}]")]
    return names


@settings(deadline=None)
@given(st.lists(st.sampled_from(["kpi", "input", "kpi.data_point"]), min_size=1, max_size=12))
def test_every_key_is_found_in_its_line(headers: list[str]) -> None:
    lines = ['dimension = "D"', "[[kpi]]", "code = 0"]
    for number, header in enumerate(headers):
        lines += [
            f"  [[{header}]] # one more",
            f"code = {number}",
            'text = """',
            "code = 9",
            '"""',
            "list = [",
            "  [1],",
            "  [2]",
            "]",
            "tail = 1",
        ]
    text = "\n".join(lines)
    places = Lines(text)
    for name in _keys(tomllib.loads(text)):
        line = lines[places.line(name) - 1]
        key = name.rpartition(".")[2]
        assert key.partition("[")[0] in line
        if key == "code":
            values: object = tomllib.loads(text)
            for part in name.split("."):
                base, _, number = part.rstrip("]").partition("[")
                values = values[base][int(number) - 1] if number else values[base]  # type: ignore[index]
            assert line == f"code = {values}"


@pytest.mark.parametrize(
    ("capture", "said"),
    [
        ("{ seasons = 3 }", "capture.seasons: expected 1 (the year alone), 2 (half-years) or 4 (quarters)"),
        ("{ seasons = 4, percent_min = 101 }", "capture.percent_min: expected a whole number from 0 to 100"),
        ("{ seasons = 4, hours = 2 }", "capture.hours: unknown key"),
        ("{ hour_percent_min = 101 }", "capture.hour_percent_min: expected a whole number from 0 to 100"),
        ("{ percent_min = 75 }", "capture.seasons: is missing, and so is `hour_percent_min`: say one of them"),
    ],
)
def test_a_spread_over_the_year_that_means_nothing_is_told(tmp_path: Path, capture: str, said: str) -> None:
    text = '[[input]]\ncode = "pm2_5_mean"\nchanges = "no year without its winter"\ncapture = CAPTURE\n'
    write(tmp_path / "kpis", ours=text.replace("CAPTURE", "{ seasons = 4 }"))
    assert load_catalogue(tmp_path).inputs["pm2_5_mean"].how.capture == Capture(4, 75)  # type: ignore[union-attr]
    write(tmp_path / "kpis", ours=text.replace("CAPTURE", "{ hour_percent_min = 75 }"))
    assert load_catalogue(tmp_path).inputs["pm2_5_mean"].how.capture == Capture(1, 75, 75)  # type: ignore[union-attr]
    write(tmp_path / "kpis", ours=text.replace("CAPTURE", capture))
    with pytest.raises(PackError) as refused:
        load_catalogue(tmp_path)
    assert said in str(refused.value)


def test_a_share_of_an_hour_is_refused_where_every_hour_adds_to_the_figure(tmp_path: Path) -> None:
    text = '[[input]]\ncode = "water_used"\nchanges = "full hours"\ncapture = { hour_percent_min = 75 }\n'
    write(tmp_path / "kpis", ours=text)
    with pytest.raises(PackError) as refused:
        load_catalogue(tmp_path)
    assert "capture.hour_percent_min: is not for `increase`: what an hour adds would be missing" in str(refused.value)
