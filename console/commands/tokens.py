"""`tokens`: who may use the console: makes, lists and revokes its bearer tokens.

Knows the command's words; what a token is `console.web.guard.tokens` knows.
"""

from __future__ import annotations

import getpass
import time
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.results import city_clock
from console.context import Context
from console.errors import FailureError, MisuseError
from console.output import Col, print_json, print_table, stderr, stdout
from console.settings import ROLES

if TYPE_CHECKING:
    from engine.store import AuditEntry, TokenRow

NAME_CHARS_MAX = 100
DAYS_MAX = 3_650

app = typer.Typer(no_args_is_help=True, help="Who may use the console: bearer tokens with a role.")


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="tokens")


@app.command("new")
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Whom or what it is for; unique among those that hold.")],
    role: Annotated[str, typer.Option(help=f"What it allows: {', '.join(ROLES)}.")] = "viewer",
    days: Annotated[int | None, typer.Option(help="It holds for so many days; without it until it is revoked.")] = None,
) -> None:
    """Make a token and print it: this once, for only its hash is kept.

    As soon as there is a token, everybody has to sign in, also on this machine. A **viewer** reads; an **operator**
    also handles alerts; an **assessor** also works on assessments; an **admin** may do everything.

    **Examples**

    - `cityvitals tokens new wall-3rd-floor`
    - `cityvitals tokens new ana --role operator --days 365`
    """
    if role not in ROLES:
        raise MisuseError(f"--role {role}: expected one of {', '.join(ROLES)}")
    if not 1 <= len(name) <= NAME_CHARS_MAX or not name.isprintable():
        raise MisuseError(f"expected a name of 1 to {NAME_CHARS_MAX} printable characters")
    if days is not None and not 1 <= days <= DAYS_MAX:
        raise MisuseError(f"--days {days}: expected 1 to {DAYS_MAX}")
    from console.web.guard import tokens
    from engine.store import AccessBook

    token, row = tokens.make(name, role, time.time_ns() // 1000, days)
    with AccessBook.connect(_database(context)) as book:
        if not book.add_token(row, _entry(f"tokens new {name} --role {role}", row.token_id)):
            raise FailureError(
                f"there is a token of the name {name!r}", f"revoke it: `cityvitals tokens revoke {name}`"
            )
    stdout().print(token, markup=False, soft_wrap=True)
    stderr().print("keep it now: it is shown this once, and only its hash is stored", style="dim")


@app.command("list")
def list_(
    context: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Also those that hold no more.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """List the tokens: for whom, what they allow, since when, and when they were used last."""
    from devices import rfc3339
    from engine.store import AccessBook

    clock = city_clock(context.obj)
    with AccessBook.connect(_database(context)) as book:
        rows = book.tokens(valid_only=not all_)
    if as_json:
        fields = ("created_us", "expires_us", "revoked_us", "used_us")
        print_json(
            {
                "token_id": row.token_id, "name": row.name, "role": row.role, "holds": _holds(row),
                **{f.removesuffix("_us"): None if (t := getattr(row, f)) is None else rfc3339(t) for f in fields},
            }
            for row in rows
        )  # fmt: skip
        return
    from console.text import local_time

    def shown(time_us: int | None) -> str:
        return "" if time_us is None else local_time(time_us, clock)

    columns = [Col("id"), Col("name"), Col("role"), Col("made"), Col("until"), Col("revoked"), Col("last used")]
    print_table(
        "Tokens",
        columns,
        [
            (r.token_id, r.name, r.role, *(shown(t) for t in (r.created_us, r.expires_us, r.revoked_us, r.used_us)))
            for r in rows
        ],
        note="" if rows else "no token: on its own machine the console lets everybody in",
    )


@app.command("revoke")
def revoke(
    context: typer.Context, which: Annotated[str, typer.Argument(metavar="NAME|ID", help="As `tokens list` shows it.")]
) -> None:
    """Let a token hold no more, and with it every page that was signed in by it, within seconds."""
    from engine.store import AccessBook

    with AccessBook.connect(_database(context)) as book:
        revoked = book.revoke_token(which, _entry(f"tokens revoke {which}"))
        left = book.tokens()
    if not revoked:
        raise MisuseError(f"no token that holds is called {which!r}", "see `cityvitals tokens list`")
    for one in revoked:
        stdout().print(f"revoked {one.token_id} {one.name} ({one.role})", markup=False, soft_wrap=True)
    if not left:
        stderr().print("no token is left: on its own machine the console lets everybody in", style="dim")


def _database(context: typer.Context) -> str:
    given: Context = context.obj
    return given.database_url()


def _holds(row: TokenRow) -> bool:
    from console.web.guard.tokens import holds

    return holds(row, time.time_ns() // 1000)


def _entry(action: str, detail: str = "") -> AuditEntry:
    """Return what is noted: whoever can write to the database may do everything."""
    from engine.store import AuditEntry

    return AuditEntry("", "admin", "command", getpass.getuser(), action, 200, detail)
