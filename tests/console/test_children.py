"""Children of the command: tied to their parent's life, and heard while they are waited for."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from console import children
from console.children import Child, wait_ready
from console.errors import FailureError
from tests.console.command import ROOT, environment


def module(folder: Path, body: str) -> dict[str, str]:
    """Write the module `work` and return an environment that finds it."""
    (folder / "work.py").write_text(body)
    return environment(PYTHONPATH=f"{ROOT}{os.pathsep}{folder}")


def test_a_child_ends_with_its_parent_at_once(tmp_path: Path) -> None:
    """Also where it reads nothing, holds on to nothing and never looks."""
    environ = module(tmp_path, "import signal, sys; print('up', flush=True, file=sys.stderr); signal.pause()")
    parent = (
        "import os, sys; from console.children import Child; child = Child('work', ['work'], os.environ);\n"
        "while not child.said: pass\n"
        "print(child.process.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        handle = os.pidfd_open(int(process.stdout.readline()))
        process.kill()
    assert select.select([handle], [], [], 60)[0], "the child outlived its parent"
    os.close(handle)


def test_a_child_of_a_parent_that_is_gone_does_not_begin(tmp_path: Path) -> None:
    environ = module(tmp_path, "raise SystemExit(7)")
    line = [sys.executable, "-m", "console.leash"]
    nobody = subprocess.run([*line, "1", "work"], env=environ, check=False).returncode
    ours = subprocess.run([*line, str(os.getpid()), "work"], env=environ, check=False).returncode
    assert (nobody, ours) == (1, 7)


def test_a_child_is_of_our_own_code_wherever_it_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "console").mkdir()
    (tmp_path / "console" / "__init__.py").write_text("raise SystemExit(7)")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    child = Child("work", ["work"], module(elsewhere, "raise SystemExit(3)"))
    assert child.wait_output() == ""
    child.stop()
    assert child.process.returncode == 3


def test_who_waits_hears_what_the_child_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "TELL_S", 0.05)
    logged = "2026-11-27 01:27:24,213 INFO console: the broker is away"
    body = f"import sys, signal; print({logged!r}, file=sys.stderr, flush=True); signal.pause()"
    child = Child("work", ["work"], module(tmp_path, body))
    heard: list[str] = []
    stop = threading.Event()

    def waiting(said: str) -> None:
        heard.append(said)
        if said != "it says nothing yet":
            stop.set()

    try:
        assert wait_ready(child, tmp_path / "never.json", stop, 60.0, waiting) is None
    finally:
        child.stop()
    assert heard[-1] == "the broker is away"


def test_a_child_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    child = Child("work", ["work"], module(tmp_path, "import sys; sys.exit('no room')"))
    with pytest.raises(FailureError, match=r"the work ended with exit code 1:\n  no room"):
        wait_ready(child, tmp_path / "never.json", threading.Event(), 60.0)
    child.stop()


def test_a_child_that_is_not_ready_in_time_is_told_with_its_last_words_and_what_to_do(tmp_path: Path) -> None:
    body = "import sys, signal; print('still compiling', file=sys.stderr, flush=True); signal.pause()"
    child = Child("work", ["work"], module(tmp_path, body))
    try:
        while not child.said:
            pass
        with pytest.raises(FailureError, match=r"not ready within 0 s:\n  still compiling") as failed:
            wait_ready(child, tmp_path / "never.json", threading.Event(), 0.05)
    finally:
        child.stop()
    assert failed.value.remedy == "start it again: what it had compiled by then is kept"
