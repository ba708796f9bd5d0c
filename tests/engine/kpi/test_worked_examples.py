"""Every data point that sensors can know gives what a person works out by hand for one year, exactly.

Knows the examples in `data/worked_examples.toml`; their results were worked out on paper, never taken from the code.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from devices import Register, Registry
from devices.measurands import Kind
from devices.models import Field
from devices.ticks import parse_number, scale_number
from engine.kpi import (
    WHOLE,
    DataPoint,
    Declared,
    DeclaredValue,
    Derived,
    NotReported,
    Readings,
    Registered,
    Sensed,
    Sums,
    definition_digest,
    evaluate,
    figures,
    reference_year,
    sensed_points,
    shipped,
    submission_of,
)
from engine.kpi.sensed import Clock
from tests import oracle
from tests.engine.kpi.oracle_figures import Asked, local, wanted
from tests.engine.kpi.test_figures import CALENDAR, HOUR_US, ZONE, device, registry

YEAR = reference_year(CALENDAR, 2023)
PACK = shipped()
READ = ("method_text", "definition_explicit")
"""Formulas that were read in the method; any other follows from the definition by hand."""


@dataclass(frozen=True)
class Station:
    """One field of one device with its readings of the year as (time, text)."""

    device: str
    model: str
    field: str
    unit: str
    readings: list[tuple[int, str]]


@dataclass(frozen=True)
class Example:
    """One data point worked by hand; values with their units."""

    key: str
    inputs: Mapping[str, tuple[Fraction, str]]
    working: str
    result: tuple[Fraction, str]
    shown: str
    source: str
    stations: tuple[Station, ...]

    @property
    def point(self) -> DataPoint:
        return PACK.data_point(self.key)

    @property
    def values(self) -> dict[str, Fraction]:
        return {code: value for code, (value, _) in self.inputs.items()}


def measured(text: str) -> tuple[Fraction, str]:
    number, unit = text.split(" ")
    return Fraction(number), unit


def hourly(table: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Return readings of a station at the full hours of the year."""
    hours = range(YEAR.start_us, YEAR.end_us, HOUR_US)
    if "readings" in table:
        values = [value for count, value in table["readings"] for _ in range(count)]
        assert len(values) <= len(hours)
        return list(zip(hours, values, strict=False))
    clock = [(at, local(at, ZONE)) for at in hours]
    return [(at, table["weekday" if then.isoweekday() <= 5 else "weekend"][then.hour]) for at, then in clock]


def examples() -> list[Example]:
    with (Path(__file__).parent / "data" / "worked_examples.toml").open("rb") as file:
        tables = tomllib.load(file)
    return [
        Example(
            key=key,
            inputs={code: measured(text) for code, text in table["inputs"].items()},
            working=table["working"],
            result=measured(table["result"]),
            shown=table["result"].split(" ")[0],
            source=table["source"],
            stations=tuple(
                Station(one["device"], table["devices"][one["device"]], one["field"], one["unit"], hourly(one))
                for one in table.get("stations", [])
            ),
        )
        for key, table in tables.items()
    ]


EXAMPLES = examples()
BY_KEY = {example.key: example for example in EXAMPLES}
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.key)


def test_every_data_point_that_sensors_can_know_has_an_example_and_no_other_has() -> None:
    assert sorted(BY_KEY) == sorted(point.key for point in sensed_points(PACK))


@each_example
def test_an_example_states_what_its_figure_rests_on_in_the_units_of_the_pack(example: Example) -> None:
    leaves = {one.code: one.unit for one in PACK.inputs_of(example.point) if not isinstance(one.how, Derived)}
    assert {code: unit for code, (_, unit) in example.inputs.items()} == leaves
    assert example.result[1] == example.point.unit


@each_example
def test_an_example_ends_with_its_result_and_says_where_its_formula_was_read(example: Example) -> None:
    said = " ".join(example.working.split())
    assert said.endswith((f" = {example.shown}", f"a count: {example.shown}"))
    if example.point.formula_basis in READ:
        assert example.source.split(": ")[0] in example.point.source.split("; ")
    else:
        assert example.source.startswith("by hand")


@each_example
def test_a_formula_gives_what_was_worked_by_hand(example: Example) -> None:
    assert evaluate(PACK, example.values)[example.key] == example.result[0]


def test_shares_of_one_whole_add_up_and_stages_of_treatment_follow_each_other() -> None:
    def results(code: str) -> dict[str, Fraction]:
        return {point.id: BY_KEY[point.key].result[0] for point in PACK.kpi(code).data_points}

    assert sum(results("EC: I: T: 4A").values()) == sum(results("EN: EN: WA: 1C").values()) == 100
    stages = results("EN: EN: WS: 4C")
    assert stages["tertiary"] <= stages["secondary"] <= stages["primary"]


# ---- from readings -----------------------------------------------------------------------------------------------

WITH_READINGS = [example for example in EXAMPLES if example.stations]
CITY_STATES = [e for e in EXAMPLES if any(isinstance(PACK.inputs[code].how, Declared) for code in e.inputs)]


@pytest.mark.parametrize("example", WITH_READINGS, ids=lambda one: one.key)
def test_readings_give_the_inputs_and_the_figure_that_were_worked_by_hand(example: Example) -> None:
    sensed = Sensed(PACK, town_of(example), CALENDAR)
    inputs = sensed.at(YEAR, readings_of(example, sensed))
    found = {code: one.value for code, one in inputs.of().items()}
    stated = {code for code in example.inputs if isinstance(PACK.inputs[code].how, Declared)}
    assert {code: found[code] for code in example.inputs if code not in stated} == {
        code: value for code, value in example.values.items() if code not in stated
    }
    digests = {point.key: definition_digest(PACK, point) for point in PACK.data_points}
    figure = {one.key: one.value for one in figures(PACK, inputs, digests)}[example.key]
    if stated:
        assert isinstance(figure, NotReported)
    else:
        assert figure == example.result[0]


@pytest.mark.parametrize("example", CITY_STATES, ids=lambda one: one.key)
def test_what_no_sensor_gives_is_the_figure_worked_by_hand_once_the_city_declares_it(example: Example) -> None:
    town = town_of(example)
    sensed = Sensed(PACK, town, CALENDAR)
    known = {code: one.value for code, one in sensed.at(YEAR, readings_of(example, sensed)).of().items()}
    declared = {
        code: DeclaredValue(code, 2023, value, None, None, "", "", "", "", 1)
        for code, value in example.values.items()
        if isinstance(PACK.inputs[code].how, Declared)
    }
    bare = submission_of(PACK, town.city, known, YEAR.first, YEAR.last)
    whole = submission_of(PACK, town.city, known, YEAR.first, YEAR.last, declared)
    assert (bare.figure(example.key), whole.figure(example.key)) == (None, example.result[0])


def test_whatever_has_arithmetic_before_its_inputs_is_worked_from_readings() -> None:
    asked = {"EC: I: ES: 1C", "EC: I: ES: 2C", "EC: I: T: 5A", "EN: EN: EQ: 1C", "EN: EN: EQ: 2A", "SC: SH: SA: 5A"}
    asked |= {point.key for point in PACK.kpi("EN: EN: AQ: 1C").data_points}
    assert asked <= {example.key for example in WITH_READINGS}
    assert "EN: EN: WS: 1C" in {example.key for example in CITY_STATES}


def town_of(example: Example) -> Registry:
    """Return a city with the devices and the registers of an example."""
    models = {one.device: one.model for one in example.stations}
    hows = {code: PACK.inputs[code].how for code in example.inputs}
    registers = tuple(
        Register(how.register, *example.inputs[code], date(2000, 1, 1), "")
        for code, how in hows.items()
        if isinstance(how, Registered)
    )
    return registry(*(device(code, model) for code, model in models.items()), registers=registers)


def readings_of(example: Example, sensed: Sensed) -> Readings:
    """Return the cells of an example's readings, each reading through the conversion of its device model."""
    sums: dict[Clock, dict[int, Sums]] = {}
    for clock, slots in sensed.questions().items():
        for one in example.stations:
            slot = sensed.registry.slot(one.device, one.field)
            if slot in slots:
                chosen = Counter(text for at, text in one.readings if within(at, clock))
                sums.setdefault(clock, {})[slot] = cells(field_of(sensed.registry, one), chosen)
    return Readings(sums)


def field_of(town: Registry, station: Station) -> Field:
    model = town.models[station.model]
    found = model.fields[model.field_index(station.field)]
    assert found.unit == station.unit
    return found


def within(at: int, clock: Clock) -> bool:
    return clock == WHOLE or wanted(at, Asked("", "", clock.hours, clock.weekdays, 0, Fraction(0)), ZONE)


def cells(field: Field, chosen: Mapping[str, int]) -> Sums:
    """Return the merged cells of so many readings of each value."""
    whole = Sums.none()
    for text, count in chosen.items():
        ticks = scale_number(parse_number(text), field.scale)
        weight = oracle.energy(ticks, field.decimals) if field.kind is Kind.LEVEL else ticks
        whole = whole.merged(Sums(count, ticks, ticks, (count * weight, 0, 0, 0)))
    return whole
