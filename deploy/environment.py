"""Knows how to make the project's `.venv` from the lock with whatever Python runs this; must not know the servers.

Debian's Python may come without `ensurepip` (the package python3-venv); pip is then taken out of Debian's own package
without installing it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from deploy import paths, userland
from deploy.errors import StackError
from deploy.packages import Packages, unpack

_STAMP = "installed"
_UNFINISHED = "unfinished"


def build(progress: Callable[[str], None], packages: Packages) -> None:
    """Make `.venv` hold exactly what the lock names, and the project itself; does nothing when that is so already."""
    root = paths.checkout()
    if root is None:
        raise StackError("there is no checkout here: an installed cityvitals needs no `.venv`")
    venv = root / ".venv"
    with userland.locked(paths.local() / "venv.lock"):
        wanted = _fingerprint(root)
        stamp = venv / _STAMP
        if stamp.is_file() and stamp.read_text() == wanted and _works(venv):
            return
        if not _works(venv) or (venv / _UNFINISHED).exists():
            _create(venv, progress)
        (venv / _UNFINISHED).touch()
        stamp.unlink(missing_ok=True)
        progress("installing the Python packages of requirements.lock")
        with tempfile.TemporaryDirectory(dir=paths.local()) as work:
            pip = _pip(venv, packages, Path(work))
            # Compiling every file in advance takes longer than all that is ever imported.
            line = ["install", "-qq", "--no-input", "--no-compile", "--disable-pip-version-check"]
            _run([*pip, *line, "--require-hashes", "-r", str(root / "requirements.lock")], "the packages of the lock")
            _run([*pip, *line, "--no-deps", "--no-build-isolation", "-e", str(root)], "the project")
        stamp.write_text(wanted)
        (venv / _UNFINISHED).unlink()
    progress("Python packages installed")


def _fingerprint(root: Path) -> str:
    """Return what the environment depends on: the lock, the project's own metadata, and where the checkout lies."""
    digest = hashlib.sha256(str(root).encode())
    for name in ("requirements.lock", "pyproject.toml"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def _works(venv: Path) -> bool:
    """Tell whether the environment's Python starts: its base may have been removed or upgraded."""
    python = venv / "bin/python"
    if not python.exists():
        return False
    line = [str(python), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    return subprocess.run(line, capture_output=True, check=False).returncode == 0


def _create(venv: Path, progress: Callable[[str], None]) -> None:
    base = getattr(sys, "_base_executable", None) or sys.executable
    progress(f"making .venv with Python {'.'.join(map(str, sys.version_info[:3]))}")
    shutil.rmtree(venv, ignore_errors=True)
    _run([base, "-m", "venv", "--without-pip", str(venv)], ".venv")


def _pip(venv: Path, packages: Packages, work: Path) -> list[str]:
    """Return a command line for a pip that installs into the environment, which itself needs to hold none."""
    python = str(venv / "bin/python")
    wheel = _bundled_wheel()
    if wheel is None:
        unpack(packages.fetch_only(["python3-pip-whl"], work / "archives"), work / "root")
        wheel = next((work / "root/usr/share/python-wheels").glob("pip-*.whl"))
    return [python, str(wheel / "pip")]


def _bundled_wheel() -> Path | None:
    """Return the pip that this Python, or Debian, keeps for new environments."""
    folders = [Path("/usr/share/python-wheels")]
    if (spec := importlib.util.find_spec("ensurepip")) is not None and spec.origin is not None:
        folders.insert(0, Path(spec.origin).parent / "_bundled")
    return next((wheel for folder in folders for wheel in sorted(folder.glob("pip-*.whl"))), None)


def _run(line: list[str], what: str) -> None:
    # A PYTHONPATH or an active environment of the caller's must not leak into ours.
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    done = subprocess.run(line, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        words = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-8:])
        raise StackError(f"{what} could not be installed:\n{words}\nmend that and run the same command again")
