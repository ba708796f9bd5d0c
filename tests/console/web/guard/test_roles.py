"""What each role may do; what nobody thought of needs the highest right."""

from __future__ import annotations

import pytest

from console.settings import ROLES
from console.web.guard.roles import ALLOWED, Right, Role, may, needed, who_may


def test_the_settings_name_the_same_roles() -> None:
    assert tuple(Role) == ROLES
    assert set(ALLOWED) == set(Role)


def test_everybody_may_read_and_only_an_admin_may_do_everything() -> None:
    assert all(may([role], Right.READ) for role in Role)
    assert [role for role in Role if ALLOWED[role] == frozenset(Right)] == [Role.ADMIN]
    assert ALLOWED[Role.VIEWER] == {Right.READ}


def test_nobody_without_a_role_may_anything() -> None:
    assert not any(may([], right) for right in Right)


def test_several_roles_allow_what_any_of_them_does() -> None:
    both = [Role.OPERATOR, Role.ASSESSOR]
    assert may(both, Right.HANDLE_ALERTS)
    assert may(both, Right.ASSESS)
    assert not may(both, Right.ADMINISTER)


@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        ("GET", "/api/v1/city", Right.READ),
        ("HEAD", "/", Right.READ),
        ("GET", "/api/v1/audit", Right.ADMINISTER),
        ("HEAD", "/api/v1/audit", Right.ADMINISTER),
        ("TRACE", "/api/v1/audit", Right.READ),
        ("POST", "/api/v1/alerts/7/acknowledge", Right.HANDLE_ALERTS),
        ("POST", "/api/v1/assessments", Right.ASSESS),
        ("DELETE", "/api/v1/session", Right.READ),
        ("POST", "/api/v1/alerts", Right.ADMINISTER),
        ("POST", "/", Right.ADMINISTER),
        ("PUT", "/api/v1/anything", Right.ADMINISTER),
        ("BREW", "/api/v1/city", Right.ADMINISTER),
    ],
)
def test_a_request_needs(method: str, path: str, right: Right) -> None:
    assert needed(method, path) is right


def test_people_are_told_who_may() -> None:
    assert who_may(Right.HANDLE_ALERTS) == "operator or admin"
