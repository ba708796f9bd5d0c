"""The examples of `docs/kpis.md` do what the page says, and it names every key and word."""

from __future__ import annotations

import json
import re
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from engine.kpi import Direction, Live, PackError, Pool, Rule, Statistic, evaluate, explain, load_catalogue, score_all
from engine.kpi.definition import KINDS, Pack
from engine.kpi.formula import CHARS_MAX, FUNCTIONS
from engine.kpi.inputs import (
    ANY_DEVICE_KEYS,
    COMMON_KEYS,
    COVERAGE_PERCENT_MIN,
    HEARD_DAYS_DEFAULT,
    KIND_KEYS,
)
from engine.kpi.reading import CONFIDENCES, FORMULA_BASES, POINT_KEYS
from engine.kpi.targets import TARGET_KEYS

PAGE = (Path(__file__).parents[3] / "docs" / "kpis.md").read_text(encoding="utf-8")
BLOCKS = {
    kind: (more, text)
    for kind, more, text in re.findall(r"<!-- (\w+)(?:: (\w+))? -->\n```\w*\n(.*?)```", PAGE, re.DOTALL)
}
VALUES = {code: Fraction(text) for code, text in json.loads(BLOCKS["values"][1]).items()}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("city")
    (folder / "kpis").mkdir()
    (folder / "kpis" / "ours.toml").write_text(BLOCKS["city"][1], encoding="utf-8")
    return load_catalogue(folder)


def test_the_figures_of_the_page_follow_from_its_values(catalogue: Pack) -> None:
    wanted = BLOCKS["figures"][1]
    assert _told(catalogue, wanted, VALUES) == wanted.splitlines()


def test_a_declared_value_makes_the_figure(catalogue: Pack) -> None:
    code, wanted = BLOCKS["declared"]
    assert _told(catalogue, wanted, {**VALUES, code: Fraction(0)}) == wanted.splitlines()


def _told(catalogue: Pack, wanted: str, values: dict[str, Fraction]) -> list[str]:
    """Return the explanations of the data points that begin a line of the page."""
    points = [p for line in wanted.splitlines() for p in catalogue.data_points if line.startswith(f"{p.key}: ")]
    assert points
    return [line for point in points for line in explain(catalogue, point, values)]


def test_the_target_of_the_page_holds_from_its_day(catalogue: Pack) -> None:
    figures = evaluate(catalogue, VALUES)
    by_year = {}
    for year in (2025, 2026):
        scores = {one.data_point: one for one in score_all(catalogue, figures, date(year, 12, 31))}
        by_year[year] = scores["EN: EN: AQ: 1C/pm2_5"]
    assert [(s.percent, s.points) for s in by_year.values()] == [(80, 3), (40, 2)]


def test_the_faults_of_the_page_are_told_as_it_says(tmp_path: Path) -> None:
    (tmp_path / "kpis").mkdir()
    file = tmp_path / "kpis" / "ours.toml"
    file.write_text(BLOCKS["faulty"][1], encoding="utf-8")
    with pytest.raises(PackError) as refused:
        load_catalogue(tmp_path)
    told = [str(fault).replace(str(file), "ours.toml") for fault in refused.value.faults]
    assert told == BLOCKS["faults"][1].splitlines()


def test_the_page_names_every_key_and_word() -> None:
    words = [
        *POINT_KEYS, *COMMON_KEYS, *TARGET_KEYS, *(k for keys in KIND_KEYS.values() for k in keys),
        *ANY_DEVICE_KEYS, *KINDS, *Statistic, *Pool, *Rule, *Live, *Direction, *FUNCTIONS, *FORMULA_BASES, *CONFIDENCES,
    ]  # fmt: skip
    assert sorted({str(word) for word in words if f"`{word}`" not in PAGE}) == []
    assert f"at most {CHARS_MAX} characters" in PAGE
    assert f"`heard_days` ({HEARD_DAYS_DEFAULT})" in PAGE
    assert f"`coverage_percent_min` ({COVERAGE_PERCENT_MIN})" in PAGE
