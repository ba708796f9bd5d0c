"""Running the command as a user would: started anew, or in a process forked from one that has imported it already."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import forks

ROOT = forks.ROOT


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
    done = forks.run(
        "console.cli", ["cityvitals", *arguments], environment(**environ), cwd=cwd or ROOT, stdin=stdin,
        timeout_s=timeout_s,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)
