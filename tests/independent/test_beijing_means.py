"""The independent means are independent, and right where a person can check them."""

from __future__ import annotations

import ast
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest

from tests.independent import air_annual_means, beijing_means, meter_registers, noise_levels, outage_indices


@pytest.mark.parametrize(
    "module", [beijing_means, air_annual_means, meter_registers, noise_levels, outage_indices], ids=lambda m: m.__name__
)
def test_it_imports_nothing_of_this_project(module: ModuleType) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text())
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip
    assert imported <= {
        "__future__",
        "collections",
        "csv",
        "datetime",
        "decimal",
        "fractions",
        "gzip",
        "itertools",
        "pathlib",
        "sys",
        "typing",
        "zoneinfo",
    }


def test_rounding_is_half_to_even() -> None:
    cases = {
        "1/2000": "0.000",
        "3/2000": "0.002",
        "5/2000": "0.002",
        "10001/20000": "0.500",
        "2/3": "0.667",
        "-3/2000": "-0.002",
    }
    assert {text: beijing_means.rounded(Fraction(text)) for text in cases} == cases


def test_the_means_are_those_of_the_recording() -> None:
    found = beijing_means.means()
    by = {(m.station, m.pollutant, m.window, f"{m.start:%Y-%m-%dT%H}"): m for m in found}
    # The first hour of the file: 209 ug/m3 of PM2.5 at Aotizhongxin at local midnight.
    assert by["beijing-aotizhongxin", "pm2_5", "hour", "2015-12-31T16"].mean == "209.000"
    period = [m for m in found if m.window == "period"]
    assert len(period) == 24
    assert sum(m.readings for m in period if m.pollutant == "pm2_5") == 35_136 - 995
    day = [m for m in found if m.window == "day" and m.pollutant == "pm2_5"]
    assert max(m.readings for m in day) == 24
    assert sum(m.readings for m in day) == 35_136 - 995
