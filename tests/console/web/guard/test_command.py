"""`cityvitals tokens`: a token is shown once, listed without its secret, and ended by its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from console.cli import main
from console.web.guard.tokens import found
from engine.store import AccessBook
from tests.databases import Databases
from tests.system.pipeline import DEMO

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    with databases.migrated() as made:
        yield made


@pytest.fixture
def run(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process; returns its exit code, what it printed and what it said."""
    monkeypatch.setenv("CITYVITALS_DATABASE_URL", url)

    def running(*arguments: str) -> tuple[int, str, str]:
        code = main(["--city", str(DEMO), "tokens", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return running


def test_a_token_is_made_listed_revoked_and_noted(run: Run, url: str) -> None:
    code, token, said = run("new", "wall", "--role", "operator", "--days", "2")
    assert code == 0
    assert "once" in said
    with AccessBook.connect(url) as book:
        (row,) = book.tokens()
    assert found(token.strip(), {row.token_id: row}, row.created_us) == row
    assert (row.name, row.role) == ("wall", "operator")
    assert row.expires_us == row.created_us + 2 * 86_400_000_000

    listed = run("list", "--json")[1]
    assert token.strip() not in listed
    assert row.digest.hex() not in listed
    shown = json.loads(listed)
    assert (shown["name"], shown["role"], shown["holds"], shown["used"]) == ("wall", "operator", True, None)
    assert "wall" in run("list")[1]

    code, _, said = run("new", "wall")
    assert code == 1
    assert "cityvitals tokens revoke wall" in said
    code, printed, said = run("revoke", "wall")
    assert (code, printed.split()[0]) == (0, "revoked")
    assert "lets everybody in" in said
    assert run("revoke", "wall")[0] == 2
    assert run("list", "--json")[1] == ""
    assert json.loads(run("list", "--all", "--json")[1])["holds"] is False
    with AccessBook.connect(url) as book:
        actions = [(row.entry.how, row.entry.action) for row in book.audit()]
    assert actions == [("command", "tokens revoke wall"), ("command", "tokens new wall --role operator")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("new", "wall", "--role", "king"), "viewer, operator, assessor, admin"),
        (("new", ""), "expected a name"),
        (("new", "a\nb"), "expected a name"),
        (("new", "wall", "--days", "0"), "--days 0"),
    ],
)
def test_what_is_wrong_is_told_with_what_was_expected(run: Run, arguments: tuple[str, ...], told: str) -> None:
    code, _, said = run(*arguments)
    assert code == 2
    assert told in said
