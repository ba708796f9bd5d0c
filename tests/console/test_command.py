"""The command as a whole: help that teaches, wrong use that is told plainly, and no traceback for any of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from console.commands.stack import hidden_password
from console.paths import demo_city
from tests.console.command import ROOT, cityvitals, environment, program

COMMANDS = (
    "up", "down", "run", "demo", "migrate", "doctor", "decode", "devices", "models", "indicators", "observations",
    "quarantine", "ledger", "tables", "recompute", "backfill", "serve",
)  # fmt: skip
NOBODY = "postgresql://u:secret-word@127.0.0.1:1/n"


def test_help_names_every_command() -> None:
    done = program("--help")
    assert done == cityvitals("--help"), "started anew it is the command that the other tests fork"
    assert done.code == 0
    assert [name for name in COMMANDS if f" {name} " not in done.out] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_teaches_by_help(command: str) -> None:
    done = cityvitals(command, "--help")
    assert done.code == 0
    assert f"Usage: cityvitals {command}" in done.out
    assert len(done.out) > 300


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["decode", "--no-such-option"],
        ["demo", "--speed", "fast"],
        ["demo", "--speed", "0.0"],
        ["demo", "--last", "0h"],
    ],
)
def test_wrong_use_exits_2(arguments: list[str]) -> None:
    done = cityvitals(*arguments)
    assert done.code == 2
    assert done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "arguments", [["--help"], ["doctor"], ["models"], ["devices"], ["indicators"], ["ledger"], ["indicators", "--help"]]
)
def test_a_command_that_only_reads_does_not_wait_for_the_compiler(arguments: list[str]) -> None:
    program = (
        "import sys; from console.cli import main; main(sys.argv[1:]); "
        "sys.exit(' '.join(name for name in ('numba', 'llvmlite') if name in sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, env=environment(CITYVITALS_DATABASE_URL=NOBODY),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["devices", "doctor", "run", "up", "ledger", "migrate"])
def test_wrong_settings_are_all_said_by_any_command_that_needs_them(command: str, tmp_path: Path) -> None:
    (tmp_path / "cityvitals.toml").write_text("[metrics]\nprot = 1\n[engin]\n")
    done = cityvitals(command, cwd=tmp_path)
    assert done.code == (1 if command == "doctor" else 2)
    assert "metrics.prot: no such setting; did you mean metrics.port?" in done.out + done.err
    assert "engin: no such section; did you mean engine?" in done.out + done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", ["migrate", "ledger", "quarantine", "observations", "indicators"])
def test_a_database_that_is_away_is_told_with_what_to_do(command: str) -> None:
    done = cityvitals(command, CITYVITALS_DATABASE_URL=NOBODY)
    assert done.code == 1
    assert done.err.startswith("error: the database cannot be reached")
    assert "to do: " in done.err
    assert "secret-word" not in done.err
    assert "Traceback" not in done.err


def test_a_city_that_does_not_exist_is_said() -> None:
    done = cityvitals("--city", "/nowhere", "devices")
    assert done.code == 2
    assert "--city /nowhere: no such folder" in done.err


def test_every_fault_of_a_city_is_said(tmp_path: Path) -> None:
    city = demo_city()
    assert city is not None
    shutil.copytree(city, tmp_path / "city")
    (tmp_path / "city" / "devices.csv").write_text("device,model,zon\nx,air_station,air\n")
    (tmp_path / "city" / "city.toml").write_text('code = "x"\nname = "X"\ntime_zone = "Mars/Base"\n')
    done = cityvitals("--city", str(tmp_path / "city"), "devices")
    assert done.code == 2
    assert "Mars/Base" in done.err
    assert "did you mean 'zone'?" in done.err


def test_devices_lists_the_demo_city_and_says_that_it_was_taken() -> None:
    done = cityvitals("devices", "--json")
    assert done.code == 0
    assert "taking the demo city" in done.err
    assert {"device", "model", "zone", "interval_s", "topic", "measurands"} <= done.rows[0].keys()
    one = cityvitals("devices", "--json", "--zone", done.rows[0]["zone"])
    assert {row["zone"] for row in one.rows} == {done.rows[0]["zone"]}


def test_an_unknown_zone_names_the_nearest() -> None:
    done = cityvitals("devices", "--zone", "nois")
    assert done.code == 2
    assert "did you mean 'noise'?" in done.err


def test_models_tells_what_each_sends() -> None:
    rows = {row["model"]: row for row in cityvitals("models", "--json").rows}
    fields = {field["name"]: field for field in rows["air_station"]["fields"]}
    assert fields["pm2_5"] == {
        "name": "pm2_5", "measurand": "pm2_5", "kind": "gauge", "unit_sent": "ug/m3", "unit": "ug/m3",
    }  # fmt: skip
    table = cityvitals("models")
    assert "air_station" in table.out


def test_a_reader_that_has_enough_ends_the_command_quietly() -> None:
    line = f"{sys.executable} -m console models --json | head -n 1"
    done = subprocess.run(["sh", "-c", line], cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


def test_run_without_a_city_says_how_to_name_one(tmp_path: Path) -> None:
    done = cityvitals("run", cwd=tmp_path)
    assert done.code == 2
    assert "give --city DIR" in done.err


def test_without_the_programs_that_fetch_the_servers_up_says_what_to_install(tmp_path: Path) -> None:
    """A machine without apt: nothing is found on the path but Python."""
    root = _copied(tmp_path)
    done = program("up", cwd=root, PATH=str(tmp_path), XDG_CACHE_HOME=str(tmp_path), PYTHONPATH=str(root))
    assert done.code == 1
    assert "Traceback" not in done.err
    assert "CITYVITALS_DATABASE_URL" in done.err


def _copied(folder: Path) -> Path:
    """Return a copy of the program in another folder, where no servers are unpacked."""
    root = folder / "elsewhere"
    for room in ("console", "deploy", "devices", "engine", "ingest", "simulators"):
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__", "recordings"))
    return root


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p%40ss@h:1/n", "postgresql://u:***@h:1/n"),
        ("mqtt://127.0.0.1:1883", "mqtt://127.0.0.1:1883"),
    ],
)
def test_no_password_is_printed(url: str, shown: str) -> None:
    assert hidden_password(url) == shown
