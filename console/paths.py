"""Where the console finds the demo city and the folders of its stacks; nothing is imported or started for it."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from deploy import paths

DATABASE_CHARS_MAX = 63
"""PostgreSQL cuts longer names without a word."""
DIGEST_CHARS = 8


def demo_city() -> Path | None:
    """Return the folder of the demo city, which comes with the simulators; None where they are not installed."""
    spec = find_spec("simulators")  # found, not imported: no room imports the simulators
    for root in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(root) / "cities" / "demo"
        if (folder / "city.toml").is_file():
            return folder
    return None


def local_stack() -> Path:
    """Return the folder of the stack that `cityvitals up` runs; each city has a database of its own there."""
    return paths.local() / "stack"


def demo_stack() -> Path:
    """Return the folder of the demo's own stack: its messages and tables never meet those of `cityvitals up`."""
    return paths.local() / "demo"


def city_database(code: str) -> str:
    """Return the name of a city's database on the local stack: one database holds one city."""
    name = f"city_{code}"
    if len(name) <= DATABASE_CHARS_MAX:
        return name
    digest = hashlib.sha256(code.encode()).hexdigest()[:DIGEST_CHARS]
    return f"{name[: DATABASE_CHARS_MAX - DIGEST_CHARS - 1]}_{digest}"
