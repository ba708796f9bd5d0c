"""Where nothing can be written, the command says which folder it is and how to name another; no traceback."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import paths
from deploy.places import unusable
from tests.console.command import ROOT, cityvitals, environment

FIXED = "/sys/cityvitals"
"""Nobody may make a folder there, not even root."""


@pytest.mark.parametrize("command", [["up"], ["up", "--detach"], ["demo", "--once"], ["demo"]])
@pytest.mark.parametrize("place", [FIXED, "a file"])
def test_a_place_that_cannot_be_written_is_named_with_what_to_do(
    command: list[str], place: str, tmp_path: Path
) -> None:
    if place == "a file":
        (tmp_path / "taken").write_text("")
        place = str(tmp_path / "taken")
    done = cityvitals(*command, CITYVITALS_LOCAL=place)
    assert done.code == 1
    assert f"error: {place}" in done.err
    assert "name another folder: CITYVITALS_LOCAL=DIR" in done.err.replace("\n", " ")
    assert "Traceback" not in done.err


def test_the_set_up_says_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy", "setup"], cwd=ROOT, env=environment(CITYVITALS_LOCAL=FIXED),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"error: {FIXED}" in done.stderr
    assert "Traceback" not in done.stderr


def test_commands_that_only_read_need_no_place() -> None:
    for command in (["models"], ["devices"], ["--help"]):
        assert cityvitals(*command, CITYVITALS_LOCAL=FIXED).code == 0


def fault(number: int, *names: str) -> OSError:
    return OSError(number, os.strerror(number), *names)


def test_other_places_have_their_own_advice_and_other_faults_none(tmp_path: Path) -> None:
    root = paths.checkout()
    assert root is not None
    assert "work in a copy of it" in str(unusable(fault(errno.EROFS, str(root / "engine/x"))))
    assert "room on its disk" in str(unusable(fault(errno.ENOSPC, str(tmp_path))))
    assert "make room" in str(unusable(fault(errno.ENOSPC)))
    assert "a file stands where a folder is needed" in str(unusable(fault(errno.EEXIST, str(root / "Makefile"))))
    assert unusable(fault(errno.ECONNREFUSED)) is None
    assert unusable(fault(errno.ENOENT, "x")) is None
