"""Roles and what each may do: one small table, and which right a request needs.

Knows methods and paths; knows neither tokens nor people.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum


class Role(StrEnum):
    """What somebody is to the console."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ASSESSOR = "assessor"
    ADMIN = "admin"


class Right(StrEnum):
    """What somebody may do; each is told to people in these words."""

    READ = "read"
    HANDLE_ALERTS = "handle alerts"
    ASSESS = "work on assessments"
    ADMINISTER = "administer"


ALLOWED: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.OPERATOR: frozenset({Right.READ, Right.HANDLE_ALERTS}),
    Role.ASSESSOR: frozenset({Right.READ, Right.ASSESS}),
    Role.ADMIN: frozenset(Right),
}

SESSION_PATH = "/api/v1/session"
"""Signing in and out of a page; everybody may do that for himself."""
CHANGES: tuple[tuple[str, Right], ...] = (
    ("/api/v1/alerts/", Right.HANDLE_ALERTS),
    ("/api/v1/assessments", Right.ASSESS),
)
"""Beginnings of paths and the right that a change below them needs; any other change needs `ADMINISTER`."""
READS: tuple[tuple[str, Right], ...] = (("/api/v1/audit", Right.ADMINISTER),)
"""The same for what not everybody may read."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def needed(method: str, path: str) -> Right:
    """Return the right that a request needs. What nobody thought of needs the highest."""
    if path == SESSION_PATH or method in SAFE_METHODS - {"GET", "HEAD"}:
        return Right.READ
    table, otherwise = (READS, Right.READ) if method in SAFE_METHODS else (CHANGES, Right.ADMINISTER)
    return next((right for beginning, right in table if path.startswith(beginning)), otherwise)


def may(roles: Collection[Role], right: Right) -> bool:
    """Say whether one of the roles allows it."""
    return any(right in ALLOWED[role] for role in roles)


def who_may(right: Right) -> str:
    """Return the roles that allow it, for people: `operator or admin`."""
    return " or ".join(role for role, rights in ALLOWED.items() if right in rights)
