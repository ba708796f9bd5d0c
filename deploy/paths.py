"""Knows where things lie on this machine; must not know what is in them."""

from __future__ import annotations

import os
from pathlib import Path

LOCAL = "CITYVITALS_LOCAL"
"""Names another folder for what is unpacked and made here, where the checkout cannot be written."""
SETTINGS = Path(__file__).resolve().parent
"""The folder with the servers' settings files, shipped with the package."""


def checkout() -> Path | None:
    """Return the root of the project's checkout, or None when the package runs from an installed wheel."""
    root = SETTINGS.parent
    return root if (root / "pyproject.toml").is_file() and (root / "requirements.lock").is_file() else None


def local() -> Path:
    """Return the folder for everything that is unpacked or made.

    The one that `CITYVITALS_LOCAL` names, else `.local` of the checkout, else in the user's cache.
    """
    named = os.environ.get(LOCAL)
    if named:
        return Path(named).absolute()
    root = checkout()
    if root is not None:
        return root / ".local"
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache.startswith("/") else Path.home() / ".cache") / "cityvitals"


def stack() -> Path:
    """Return the directory of the stack that is meant when none is named."""
    return local() / "stack"
