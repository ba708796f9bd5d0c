"""The shipped pack says what its source says, row by row, and nothing in it is idle."""

from __future__ import annotations

import csv
import pickle
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import load_columns, load_measurands, load_models
from engine.kpi import (
    Assets,
    Derived,
    Direction,
    Live,
    NotReported,
    Telemetry,
    data_point_key,
    evaluate,
    evaluate_points,
    explain,
    normalise_code,
    parse_unit,
    shipped,
)
from tests.examples import examples

with (Path(__file__).parent / "data" / "u4ssc_kpis.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
DIRECTIONS = {"higher_better": "higher", "lower_better": "lower", "target 1.0": "target", "": "none"}
PACK = shipped()


def test_the_pack_has_every_data_point_of_its_source_and_no_other() -> None:
    wanted = [data_point_key(row["kpi_id"], row["sub_id"]) for row in ROWS]
    assert sorted(point.key for point in PACK.data_points) == sorted(wanted)
    assert len({kpi.code for kpi in PACK.kpis}) == len({normalise_code(row["kpi_id"]) for row in ROWS})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: data_point_key(row["kpi_id"], row["sub_id"]))
def test_a_data_point_says_what_its_row_says(row: dict[str, str]) -> None:
    point = PACK.data_point(data_point_key(row["kpi_id"], row["sub_id"]))
    assert {
        "kpi_id": point.code,
        "sub_id": point.id,
        "name": point.name,
        "sub_name": point.id_name,
        "dimension": point.dimension,
        "sub_dimension": point.sub_dimension,
        "category": point.category,
        "core_or_advanced": point.level.capitalize(),
        "type": point.type.capitalize(),
        "definition": point.definition,
        "numerator": point.numerator,
        "denominator": point.denominator,
        "unit": point.unit_label,
        "direction": str(point.direction),
        "reporting_interval": point.interval,
        "formula_basis": point.formula_basis,
        "sdg_targets": ";".join(point.sdg),
        "sdg_basis": point.sdg_basis,
        "benchmark_threshold": point.benchmark,
        "verifier_check": point.check,
        "live_computable": str(point.live),
        "sensor_inputs": point.sensors,
        "source": point.source,
        "confidence": point.confidence,
        "note": point.note,
    } == {
        **{key: value for key, value in row.items() if key != "formula"},
        "kpi_id": normalise_code(row["kpi_id"]),
        "direction": DIRECTIONS[row["direction"]],
    }


def test_codes_are_found_however_they_are_spaced() -> None:
    assert PACK.kpi("SC:EH:H:3C").code == PACK.kpi("sc: eh: h: 3c").code == "SC: EH: H: 3C"
    with pytest.raises(KeyError, match="did you mean 'EN: EN: AQ: 1C/pm10'"):
        PACK.data_point("EN: EN: AQ: 1C/pm01")


def test_every_input_serves_a_data_point_and_every_column_an_input() -> None:
    used = {one.code for point in PACK.data_points for one in PACK.inputs_of(point)}
    assert used == set(PACK.inputs)
    hows = [one.how for one in PACK.inputs.values()]
    columns = {how.column for how in hows if isinstance(how, Assets) and how.column}
    columns |= {key for how in hows if isinstance(how, Assets | Telemetry) for key, _ in how.where}
    # Only the indicators ask for `site`, and only bounds for the accuracy of a device.
    assert columns - {"measures"} == set(load_columns()) - {"site", "accuracy", "accuracy_percent"}
    assert PACK.columns == load_columns()


def test_points_on_an_input_are_those_that_name_it_among_theirs() -> None:
    for name in (*PACK.inputs, *(point.key for point in PACK.data_points)):
        naming = [p for p in PACK.data_points if name == p.key or name in {one.code for one in PACK.inputs_of(p)}]
        assert list(PACK.points_on(name)) == naming
    assert list(PACK.points_on("no such input")) == []


def test_what_sensors_cannot_know_asks_no_sensor() -> None:
    for point in PACK.data_points:
        kinds = {one.kind for one in PACK.inputs_of(point)}
        if point.live is Live.NO:
            assert not kinds & {"telemetry", "assets"}, point.key
        if point.live is Live.YES:
            assert kinds & {"telemetry", "assets"}, point.key


def test_measurands_that_were_made_for_a_kpi_are_used_by_it() -> None:
    """The catalogue of measurands names its KPIs in `source`; the pack must not forget what it was made for."""
    used = {m for one in PACK.inputs.values() if isinstance(one.how, Telemetry) for m in one.how.measurands}
    forgotten = [
        m.code
        for m in load_measurands().measurands
        if m.source.startswith(("IEEE 1366: ", "U4SSC EN: EN: WA", "U4SSC EN: EN: WS: 4C", "U4SSC EC: I: ES"))
        and m.code not in used
    ]
    assert forgotten == []


def test_everything_the_pack_asks_sensors_for_is_sent_by_a_shipped_model() -> None:
    sent = {field.measurand for model in load_models().values() for field in model.fields}
    asked = {m for one in PACK.inputs.values() if isinstance(one.how, Telemetry) for m in one.how.measurands}
    assert asked - sent == set()


def test_every_data_point_has_a_figure_when_every_input_has_one() -> None:
    values = {code: Fraction(number + 1) for number, code in enumerate(PACK.inputs)}
    figures = evaluate(PACK, values)
    assert [key for key, value in figures.items() if isinstance(value, NotReported)] == []


@given(st.data())
@settings(max_examples=examples(60), deadline=None)
def test_points_evaluated_by_themselves_are_what_they_are_among_all(data: st.DataObject) -> None:
    known = data.draw(st.dictionaries(st.sampled_from(sorted(PACK.inputs)), st.fractions(0, 100), max_size=40))
    keys = data.draw(st.lists(st.sampled_from(PACK.data_points).map(lambda point: point.key), max_size=6))
    all_of_them = evaluate(PACK, known)
    alone = evaluate_points(PACK, keys, known)
    assert set(keys) | set(known) <= set(alone)
    assert alone.items() <= all_of_them.items()


def test_without_any_input_nothing_is_reported_and_nothing_is_zero() -> None:
    figures = evaluate(PACK, {})
    assert {type(value) for value in figures.values()} == {NotReported}


def test_a_figure_is_explained_with_its_numbers() -> None:
    values = {
        "water_put_into_network": Fraction(1000), "water_exported": Fraction(100), "water_used": Fraction("765.5"),
    }  # fmt: skip
    assert explain(PACK, PACK.data_point("EC: I: WS: 3C"), values) == (
        "EC: I: WS: 3C: 100 * (900 - 765.5) / 900 ≈ 14.9444444",
        "water_supplied: 1000 - 100 = 900",
    )
    assert "not reported" in explain(PACK, PACK.data_point("EN: E: E: 2C"), {})[0]


def test_published_figures_follow_from_the_formulas() -> None:
    """Daegu's case study: 313.76 L a day and head, 4.59 traffic deaths and 96.18 firefighters per 100 000."""
    people = Fraction(2_400_000)
    used_m3 = Fraction("313.76") * people * 365 / 1000
    figures = evaluate(
        PACK,
        {
            "population": people, "days": Fraction(365), "water_used": used_m3, "traffic_deaths": people / 100_000 * 4,
            "firefighters_fte": Fraction("96.18") * 24,
        },
    )  # fmt: skip
    assert figures["EN: EN: WS: 2C"] == Fraction("313.76")
    assert figures["SC: SH: SA: 9C"] == 4
    assert figures["SC: SH: SA: 7C"] == Fraction("96.18")


def test_a_target_needs_a_direction_and_none_that_is_shipped_is_official() -> None:
    assert PACK.targets
    assert not any(target.official for target in PACK.targets)
    for target in PACK.targets:
        assert PACK.data_point(target.data_point).direction is not Direction.NONE


@settings(deadline=None, max_examples=examples(30))
@given(st.randoms(use_true_random=False))
def test_no_figure_depends_on_the_units_its_inputs_are_measured_in(random: Random) -> None:
    """The independent check of the algebra: measure lengths, times, people … in other units, by numbers alone.

    Whatever the size of the base units, every figure must change exactly as its own unit does.
    """
    bases = sorted({base for one in PACK.inputs.values() for base, _ in parse_unit(one.unit).powers})
    sizes = {base: Fraction(random.randint(1, 50), random.randint(1, 50)) for base in bases}

    def resized(unit: str) -> Fraction:
        factor = Fraction(1)
        for base, power in parse_unit(unit).powers:
            factor *= sizes[base] ** power
        return factor

    derived = {code for code, one in PACK.inputs.items() if isinstance(one.how, Derived)}
    values = {code: Fraction(random.randint(1, 10**6), 7) for code in PACK.inputs if code not in derived}
    before = evaluate(PACK, values)
    after = evaluate(PACK, {code: value * resized(PACK.inputs[code].unit) for code, value in values.items()})
    for point in PACK.data_points:
        was, now = before[point.key], after[point.key]
        if isinstance(was, NotReported):  # two values that were drawn alike, and a division by their difference
            assert isinstance(now, NotReported)
        else:
            assert now == was * resized(point.unit), point.key


def test_a_pack_survives_the_trip_between_processes() -> None:
    assert pickle.loads(pickle.dumps(PACK)) == PACK  # noqa: S301  # our own bytes
