"""The statements of the store, one `.sql` file each, and the one way to open them.

Knows files; knows nothing of what they do. A file is opened once and kept.
"""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def query(name: str) -> bytes:
    """Return the statement of a file `name`.sql of this folder.

    Bytes, because that is what the driver sends, and because it takes no text that a program put together.

    Raises:
        FileNotFoundError: there is no such statement.
    """
    return (resources.files(__name__) / f"{name}.sql").read_bytes()
