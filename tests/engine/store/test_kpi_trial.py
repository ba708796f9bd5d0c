"""Definitions tried on past years, on a real database: figures by hand, faults with their lines, nothing written."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from engine.kpi import Horizon, NotReported, PackError, load_trial, reference_year
from engine.kpi_book import KpiBook
from engine.kpi_trial import Tried, compare, differing, unsensed, years
from engine.store import Store
from tests.databases import Furnish
from tests.engine.store.kpi_kept import LATENESS_US, Kept, year_kept, year_over
from tests.engine.store.kpi_town import HOUR_US, YEAR

ELECTRICITY, ADDED = "EN: E: E: 2C", "EN: EN: AQ: 1C/water"
TRIAL = """
[[input]]
code = "population"
changes = "those of the first of January"
at = "start"

[[kpi]]
code = "EN: EN: AQ: 1C"
changes = "to see what an addition would have been"

[[kpi.data_point]]
id = "water"
name = "Water"
definition = "Water used per inhabitant."
formula = "water_used / population"
unit = "m3/{inhabitant}"
live = "yes"
"""


@pytest.fixture
def furnish() -> Furnish:
    return year_over


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    """The town by hand, its year over and closed."""
    return year_kept(store, tmp_path)


def tried(kept: Kept, folder: Path, year: int = YEAR) -> dict[str, Tried]:
    file = folder / "trial.toml"
    file.write_text(TRIAL, encoding="utf-8")
    pack = load_trial(folder, file)
    registered = kept.store.register(kept.registry, keep=False)
    book = KpiBook(kept.store, kept.registry, registered, pack, LATENESS_US)
    keys = differing(kept.pack, pack)
    assert unsensed(pack, keys), "figures per inhabitant that only the city can state"
    return {one.data_point: one for one in compare(kept.book, book, keys, [reference_year(book.calendar, year)])}


def test_the_past_is_computed_under_both_definitions(kept: Kept, tmp_path: Path) -> None:
    found = tried(kept, tmp_path)
    one = found[ELECTRICITY]
    assert one.old is not None
    assert one.new is not None
    assert (one.old.value, one.new.value) == (Fraction(31 * 30, 1500), Fraction(31 * 30, 1000))
    assert one.difference == Fraction(31 * 30, 3000)
    assert (one.new.received, one.new.expected, one.new.validity) == (
        one.old.received, one.old.expected, one.old.validity,
    )  # fmt: skip
    added = found[ADDED]
    assert added.old is None
    assert added.difference is None
    assert added.new is not None
    assert added.new.value == Fraction(31 * 800, 1000)
    assert "EC: I: ES: 1C" not in found, "what is computed as before is not shown"


def test_a_year_without_readings_has_reasons_and_no_difference(kept: Kept, tmp_path: Path) -> None:
    one = tried(kept, tmp_path, YEAR - 1)[ELECTRICITY]
    assert one.new is not None
    assert isinstance(one.new.value, NotReported)
    assert one.difference is None


def test_the_year_that_is_not_over_is_taken_up_to_its_last_whole_hour(kept: Kept) -> None:
    calendar = kept.book.calendar
    begin_us, _ = calendar.year_bounds(YEAR)
    newest_us = calendar.year_bounds(YEAR + 1)[0] + 5 * HOUR_US + 1
    over, so_far = years(calendar, YEAR, YEAR + 1, begin_us, newest_us)
    assert over == reference_year(calendar, YEAR)
    assert (so_far.horizon, so_far.end_us) == (Horizon.TO_DATE, newest_us - 1)


def test_trying_writes_nothing(kept: Kept, tmp_path: Path, query: Callable[..., list[tuple[object, ...]]]) -> None:
    names = [str(name) for (name,) in query(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'cityvitals'::regnamespace ORDER BY 1"
    )]  # fmt: skip

    def state() -> list[list[tuple[object, ...]]]:
        return [
            query(f'SELECT count(*), max(xmin::text::bigint), sum(xmin::text::bigint) FROM "{name}"') for name in names
        ]

    before = state()
    assert tried(kept, tmp_path)
    assert state() == before


def test_a_trial_changes_what_the_city_has_changed_already_and_its_faults_have_lines(tmp_path: Path) -> None:
    (tmp_path / "kpis").mkdir()
    (tmp_path / "kpis" / "ours.toml").write_text(
        '[[input]]\ncode = "population"\nchanges = "the mean of the year"\nat = "mean"\n', encoding="utf-8"
    )
    file = tmp_path / "trial.toml"
    file.write_text(TRIAL, encoding="utf-8")
    assert load_trial(tmp_path, file).inputs["population"].changed == "those of the first of January"
    file.write_text(TRIAL.replace('"start"', '"begin"').replace("water_used /", "water_usd /"), encoding="utf-8")
    with pytest.raises(PackError) as refused:
        load_trial(tmp_path, file)
    told = [str(fault) for fault in refused.value.faults]
    assert told[0].startswith(f"{file}:5: input[1].at: expected one of")
    assert told[1].startswith(f"{file}:15: kpi[1].formula: unknown input 'water_usd'") or "water_usd" in told[1]
