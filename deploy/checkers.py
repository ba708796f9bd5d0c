"""Knows the userland with promtool and amtool, which judge the rules of Prometheus and the routes of Alertmanager.

Must not know the rules. Nothing but tests unpacks it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from deploy import userland
from deploy.userland import Recipe

CHECKERS = Recipe(
    name="promtool and amtool",
    contents="what checks the files of Prometheus and Alertmanager",
    packages=("promtool", "prometheus-alertmanager", "bubblewrap", "dash", "libc-bin"),
    left_out=(
        r"adduser|passwd|debconf|login\.defs|libpam.*|libaudit.*|libsemanage.*|libcap-ng0|libcrypt1|base-passwd",
    ),
    proofs=(("promtool", "--version"), ("amtool", "--version")),
    command="checkers",
    remedy="or leave out the tests of monitoring: `pytest --ignore=tests/deploy/test_monitoring.py`",
)


def build(progress: Callable[[str], None] = lambda _: None) -> Path:
    """Unpack them unless they are there."""
    return userland.build(progress, recipe=CHECKERS)


def command(program: Sequence[str], folder: Path) -> list[str]:
    """Return the command line that runs one of them within a folder, which it only reads; unpacks them first."""
    build()
    options = ["--die-with-parent"]
    line = userland.command(userland.require(CHECKERS), (), settings=folder, options=options)
    return [*line, "--chdir", "/settings", *program]
