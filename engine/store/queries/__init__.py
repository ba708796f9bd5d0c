"""The statements of the store, one `.sql` file each, and the one way to open them.

Knows files; knows nothing of what they do. A file is opened once and kept.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

_ROWS = re.compile(rb":(rows_[a-z]+)\b")


@cache
def query(name: str) -> bytes:
    """Return the statement of a file `name`.sql of this folder.

    `:rows_…` in it stands for the file of that name: the rows that a program gives, one array a column. They do not
    come by a temporary table: at every commit of a transaction that used one, the server empties all of a session's,
    which took it longer (26 ms) than all the rest of a late reading's.

    Bytes, because that is what the driver sends, and because it takes no text that a program put together.

    Raises:
        FileNotFoundError: there is no such statement.
    """
    text = (resources.files(__name__) / f"{name}.sql").read_bytes()
    return _ROWS.sub(lambda found: query(found[1].decode()).rstrip(), text)
