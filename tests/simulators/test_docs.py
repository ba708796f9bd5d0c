"""`docs/integrators.md` does what it says: its files are written, its commands run, its output compared."""

from __future__ import annotations

import dataclasses
import re
import shlex
import subprocess
import sys
from pathlib import Path

import deploy
from simulators.fleet import KINDS
from simulators.fleet.shapes import PROFILES
from simulators.fleet.signal import Signal
from simulators.fleet.spec import GroupSpec
from tests.simulators.material import ROOT, Listener, environment

PAGE = (ROOT / "docs" / "integrators.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- ([a-z]+)(?:: (\S+))? -->\n```[a-z]+\n(.*?)```", re.DOTALL)
TIMED = re.compile(r"\d+ bytes\) in \d+\.\d s, \d+ messages/s")
"""What differs from machine to machine; the bytes are checked elsewhere."""


def blocks(kind: str) -> list[tuple[str, str]]:
    return [(name, text) for found, name, text in BLOCK.findall(PAGE) if found == kind]


def write_files(folder: Path) -> None:
    for name, text in blocks("file"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_the_commands_of_the_page_print_what_it_shows(broker: deploy.Broker, tmp_path: Path) -> None:
    write_files(tmp_path)
    commands = blocks("run")
    assert len(commands) == 4
    for _, text in commands:
        prompt, _, shown = text.partition("\n")
        program, *arguments = shlex.split(prompt.removeprefix("$ ").replace("$BROKER", broker.url))
        assert program == "python"
        ran = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
        )
        printed = ran.stdout + ran.stderr
        if "replay" in arguments:
            # The page shows the problem once, under `check`.
            shown += "cellar/readings.csv:8:gallons: '12o6': expected a decimal number, got \"12o6\"\n"
        assert TIMED.sub("…", printed) == TIMED.sub("…", shown)


def test_the_rows_of_the_page_are_read_as_it_says(tmp_path: Path, broker: deploy.Broker) -> None:
    write_files(tmp_path)
    ((_, code),) = blocks("python")
    with Listener(broker.url) as listener:
        ran = subprocess.run(
            [sys.executable, "-c", f"broker = {broker.url!r}\n{code}"],
            cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert len(listener.everything()) == 12, "six messages, and the same again"
    lines = [line.split(" ", 3) for line in ran.stdout.splitlines()]
    assert [(device, int(time_us) // 60_000_000 % 1440) for device, _, time_us, _ in lines] == [
        ("cellar-east", 330), ("cellar-west", 330),
        ("cellar-east", 390), ("cellar-east", 390),  # 01:30, the first passage, 06:30 UTC
        ("cellar-east", 430),  # 01:10, the second, 07:10 UTC
        ("cellar-east", 630),
    ]  # fmt: skip


def test_the_page_names_every_option_and_no_other() -> None:
    known: set[str] = set()
    for command in ("replay", "fleet"):
        help_text = subprocess.run(
            [sys.executable, "-m", "simulators", command, "--help"],
            cwd=ROOT, env=environment(NO_COLOR="1", TERM="dumb"), capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        known |= set(re.findall(r"--[a-z-]+", help_text)) - {"--help", "--truth"}
    named = set(re.findall(r"--[a-z][a-z-]+", PAGE.replace("<!--", "").replace("-->", "")))
    assert named == known


def test_the_fleet_of_the_page_is_as_it_says(tmp_path: Path, broker: deploy.Broker) -> None:
    write_files(tmp_path)
    ((_, code),) = blocks("fleet")
    subprocess.run(
        [sys.executable, "-c", f"broker = {broker.url!r}\n{code}"], cwd=tmp_path, env=environment(), check=True
    )


def test_the_page_lists_every_fault_with_its_keys_and_its_truth() -> None:
    table = PAGE.split("<!-- faults -->")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]]
    assert rows == [
        [f"`{kind}`", ", ".join(f"`{key}`" for key in keys), truth] for kind, (keys, truth) in KINDS.items()
    ]


def test_the_page_names_every_key_of_a_group_and_its_signals() -> None:
    keys = {field.name.removesuffix("_ticks").removesuffix("_percent") for field in dataclasses.fields(Signal)}
    keys |= {field.name for field in dataclasses.fields(GroupSpec)} - {"signals"}
    named = set(re.findall(r"`(?:signal\.FIELD\.)?([a-z_]+)`", PAGE.split("### Keys of a group")[1].split("### ")[0]))
    assert keys <= named
    assert set(PROFILES) <= named
