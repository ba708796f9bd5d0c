"""Running the command as a user would: started anew, or in a process forked from one that has imported it already."""

from __future__ import annotations

import atexit
import io
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
IMPORTED = (
    "console.cli", "console.commands.decode", "engine.indicators", "engine.store", "pydantic.json_schema",
    "pydantic.type_adapter", "rich.markdown", "rich.progress", "typer.rich_utils",
)  # fmt: skip
"""What most commands import, a second of work for each: done once, in the process that the commands are forked from."""


@dataclass(frozen=True)
class Done:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The objects of `--json`."""
        return [json.loads(line) for line in self.out.splitlines()]


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment with no setting of cityvitals but that gateways have no console, and `more`."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CITYVITALS_")}
    # Most gateways of the tests need no console beside them; `tests/console/web` has those that do.
    usual = {"PYTHONPATH": str(ROOT), "COLUMNS": "160", "NO_COLOR": "1", "CITYVITALS_WEB_SERVE": "false"}
    return {**clean, **usual, **more}


def program(
    *arguments: str, cwd: Path | None = None, stdin: bytes = b"", timeout_s: float = 300, **environ: str
) -> Done:
    """Run the command as a program started anew: where it is another copy, or Python itself is told something."""
    done = subprocess.run(
        [sys.executable, "-m", "console", *arguments],
        input=stdin,
        capture_output=True,
        cwd=cwd or ROOT,
        env=environment(**environ),
        timeout=timeout_s,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def cityvitals(
    *arguments: str, cwd: Path | None = None, stdin: bytes = b"", timeout_s: float = 300, **environ: str
) -> Done:
    """Run the command in a process of its own, with its own environment, folder and streams."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in ("in", "out", "err")]
        streams[0].write_bytes(stdin)
        child = _forks.Process(
            target=_command, args=(arguments, str(cwd or ROOT), environment(**environ), [str(s) for s in streams])
        )
        child.start()
        child.join(timeout_s)
        code = child.exitcode
        if code is None:
            child.kill()
            child.join()
        child.close()
        out, err = (stream.read_text() for stream in streams[1:])
        assert code is not None, f"{arguments} did not end within {timeout_s:.0f} s: {out[-2000:]}{err[-2000:]}"
        return Done(code, out, err)


def _command(arguments: Sequence[str], cwd: str, environ: dict[str, str], streams: Sequence[str]) -> None:
    """Become the command: everything that a program has from its start is made anew."""
    for number, path in enumerate(streams):
        made = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(made, number)
        os.close(made)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, "r", closefd=False), "utf-8")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "utf-8")
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), "utf-8", "backslashreplace", write_through=True)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    os.chdir(cwd)
    sys.argv = ["cityvitals", *arguments]
    from console.cli import main

    code = main()
    atexit._run_exitfuncs()
    sys.exit(code)


_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(list(IMPORTED))
