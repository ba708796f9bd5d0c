"""The README's two commands do what it says."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCREEN_LINES = 50


def commands() -> list[str]:
    """The commands of the README's first code block."""
    block = README.split("```")[1]
    return [line.split("#")[0].strip() for line in block.splitlines() if line.strip()]


def test_the_readme_fits_one_screen_and_has_two_commands() -> None:
    assert README.count("\n") <= SCREEN_LINES
    assert commands() == ["make demo", "make test"]


def test_make_test_checks_then_runs_every_test() -> None:
    # Run as a whole it would run itself; what it would do is asked of make.
    shown = subprocess.run(
        [*commands()[1].split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    steps = [line for line in shown.splitlines() if ".venv" in line]
    *checks, kernels, tests = [re.split(r"[/ ]", step)[2] for step in steps]
    assert (checks, kernels, tests) == (["ruff", "ruff", "mypy", "lint-imports"], "python", "python")
    # Nothing is selected or left out; what follows says only how many run at a time.
    assert re.search(r"python -m pytest -n \d+ --dist loadfile --no-loadscope-reorder$", steps[-1])


def test_make_demo_prints_live_indicators_and_a_ledger_that_balances() -> None:
    done = subprocess.run(
        commands()[0].split(),
        cwd=ROOT, env={**os.environ, "COLUMNS": "160"}, capture_output=True, text=True, timeout=580,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for shown in re.findall(r"^(?:Kerbside|Homes)\S* .*?   +(\S[^0-9]*?)  ", README, re.MULTILINE):
        assert shown.strip() in done.stdout
    counted = re.search(
        r"received ([\d,]+) = accepted ([\d,]+) \+ duplicate ([\d,]+) \+ quarantined ([\d,]+)", done.stdout
    )
    assert counted is not None
    received, accepted, duplicate, quarantined = (int(number.replace(",", "")) for number in counted.groups())
    assert received == accepted + duplicate + quarantined
    assert accepted > 20_000
    assert re.search(r"US Air Quality Index, NowCast +\d+.*(Good|Moderate|Unhealthy|Hazardous)", done.stdout)
