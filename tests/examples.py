"""How many examples of a property are tried: a part of them at each run, all of them by `make slow`.

Knows hypothesis; knows no property.
"""

from __future__ import annotations

from hypothesis import settings

FEW, MANY = "few", "many"
"""Profiles: `pytest --hypothesis-profile=many`."""
SHARE = 4
LEAST = 10

settings.register_profile(FEW, max_examples=50)
settings.register_profile(MANY)


def examples(count: int) -> int:
    """Return how many of so many examples are tried under the profile of this run."""
    if settings.get_current_profile_name() == MANY:
        return count
    return max(min(count, LEAST), count // SHARE)
