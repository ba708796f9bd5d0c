"""Where the tables lie that everything rests on: units, measurands, columns and device models.

Knows one folder and what was read from it; knows nothing of what the tables say. They come with the package. Who
computes somebody else's figures again reads theirs instead, within `definitions_of(folder)`: the edition of another
year stands beside the installed one, and neither sees anything of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

FILES: Final = ("units.toml", "measurands.toml", "columns.toml")
MODELS: Final = "models"
"""Folder of device models beside these files."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Edition:
    """A folder of tables, and what was made of them so far."""

    folder: Traversable
    made: dict[Hashable, Any] = field(default_factory=dict)


_PACKAGED: Final = _Edition(resources.files("devices"))
_EDITION: ContextVar[_Edition] = ContextVar("edition", default=_PACKAGED)


def definitions_folder() -> Traversable:
    """Return the folder that holds FILES and MODELS."""
    return _EDITION.get().folder


def another_edition() -> bool:
    """Return whether the tables are those of somebody else, within `definitions_of`, and not the package's."""
    return _EDITION.get() is not _PACKAGED


@contextmanager
def definitions_of(folder: Path) -> Iterator[None]:
    """Within the block everything rests on the tables of a folder; outside it, and in other threads, nothing changes.

    What was made within the block (a registry, a catalogue) stays what it is, but is to be computed with in there only.
    """
    token = _EDITION.set(_Edition(folder))
    try:
        yield
    finally:
        _EDITION.reset(token)


def once_an_edition(make: Callable[P, T]) -> Callable[P, T]:
    """Have a function's results remembered, as `functools.cache` does, apart for each edition of the tables."""

    @wraps(make)
    def remembered(*args: P.args, **kwargs: P.kwargs) -> T:
        made = _EDITION.get().made
        key = (make, args, *sorted(kwargs.items()))
        if key not in made:
            made[key] = make(*args, **kwargs)
        found: T = made[key]
        return found

    return remembered
