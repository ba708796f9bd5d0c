"""`cityvitals alerts`: what stands and what stood, what people do with it, the rules, and rules tried on the past.

Knows options and rendering; alerts are the store's, and what follows from facts is decided by `console.alerts`.
"""

from __future__ import annotations

import getpass
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.commands.results import FromOption, JsonOption, LimitOption, ToOption, city_clock, open_store, time_range
from console.errors import FailureError, MisuseError
from console.output import Col, print_json, print_table, stdout
from console.text import age, counted, local_time, parse_span

if TYPE_CHECKING:
    from console.alerts import AlertRule
    from console.context import Context
    from engine.store import Store
    from engine.store.alerts import Alert, AlertEvent
    from engine.store.session import Session

STYLES = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
SHOWN_DEFAULT = 50
NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Of the alert, as the list shows it.")]
ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who does it; else who you are here.")]
CommentOption = Annotated[str, typer.Option("--comment", metavar="TEXT", help="What to say about it in its trail.")]
Row = dict[str, object]

app = typer.Typer(
    name="alerts",
    no_args_is_help=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    app.command("show")(show)
    app.command("acknowledge")(acknowledge)
    app.command("shelve")(shelve)
    app.command("unshelve")(unshelve)
    app.command("comment")(comment)
    app.command("rules")(rules)
    app.command("try")(try_out)
    parent.add_typer(app)


@app.callback(invoke_without_command=True)
def alerts(
    context: typer.Context,
    state: Annotated[
        str, typer.Option("--state", metavar="STATE", help="standing, open, acknowledged, shelved, cleared or all.")
    ] = "standing",
    severity: Annotated[
        str | None, typer.Option("--severity", metavar="NAME", help="Only info, warning or critical.")
    ] = None,
    limit: LimitOption = SHOWN_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """List the alerts that stand, the newest first: what the rules of the city raised, and who took note of it.

    The console raises them (`cityvitals serve`, which `up`, `run` and `demo` start), by the rules that
    `cityvitals alerts rules` lists. What people do with an alert, here or on the page, stands in its trail.

    **Examples**

    - `cityvitals alerts --state all --limit 20`
    - `cityvitals alerts acknowledge 12 --comment "on my way"`
    - `cityvitals alerts shelve 12 --for "2 h"`
    - `cityvitals --city cities/seoul alerts try stricter.toml --from 2026-01-01`
    """
    if context.invoked_subcommand is not None:
        return
    from devices import nearest
    from engine.store import alerts as stored

    states = (stored.STANDING, *stored.STATES, "all")
    for word, known, noun in ((state, states, "state"), (severity, tuple(STYLES), "severity")):
        if word is not None and word not in known:
            raise MisuseError(f"no {noun} is called {word!r}{nearest(word, known)}", f"there are {', '.join(known)}")
    now_us = _now_us()
    with _session(context.obj) as session:
        found = stored.read(
            session, now_us, state=None if state == "all" else state, severity=severity, limit=limit
        )  # fmt: skip
    if as_json:
        from console.alerts.notices import alert_record

        print_json(alert_record(one, now_us) for one in found)
        return
    _print(found, city_clock(context.obj), now_us)


def _print(found: Sequence[Alert], zone: tzinfo, now_us: int) -> None:
    print_table(
        "",
        [
            Col("no.", right=True), Col("severity", fold=False), Col("state", fold=False), Col("scope"), Col("alert"),
            Col(f"since ({zone})", fold=False), Col("for", right=True, fold=False),
        ],
        (
            (
                str(one.alert_id), Text(one.severity, style=STYLES[one.severity]), _state(one, now_us), one.scope,
                f"{one.title}: {one.detail}", local_time(one.opened_us, zone),
                age(((one.cleared_us or now_us) - one.opened_us) / 1_000_000),
            )
            for one in found
        ),
        counted(len(found), "alert") if found else "no alert",
    )  # fmt: skip


def _state(one: Alert, now_us: int) -> str:
    state = one.state(now_us)
    by = {"acknowledged": one.acknowledged_by, "shelved": one.shelved_by}.get(state, "")
    return f"{state} by {by}" if by else state


def show(context: typer.Context, number: NumberArgument, as_json: JsonOption = False) -> None:
    """Show one alert and everything that happened to it."""
    from engine.store import alerts as stored

    with _session(context.obj) as session:
        one = _required(stored.one(session, number), number)
        trail = stored.events(session, number)
    _print_one(context.obj, one, trail, as_json=as_json)


def _print_one(context: Context, one: Alert, trail: Sequence[AlertEvent], *, as_json: bool) -> None:
    from console.alerts.notices import alert_record, event_record

    now_us = _now_us()
    if as_json:
        print_json([{**alert_record(one, now_us), "events": [event_record(event) for event in trail]}])
        return
    zone = city_clock(context)
    _print([one], zone, now_us)
    print_table(
        "",
        [Col(f"when ({zone})", fold=False), Col("what"), Col("who"), Col("")],
        ((local_time(event.at_us, zone), event.event, event.who or "the system", event.detail) for event in trail),
    )


def acknowledge(
    context: typer.Context, number: NumberArgument, by: ByOption = None, comment: CommentOption = ""
) -> None:
    """Say that you have taken note of an alert: it is no longer escalated."""
    from engine.store import alerts as stored

    _done(context.obj, number, lambda session, who: stored.acknowledge(session, number, who, comment, _now_us()), by)


def shelve(
    context: typer.Context,
    number: NumberArgument,
    span: Annotated[str, typer.Option("--for", metavar="SPAN", help="How long, e.g. '2 h'; at most '30 d'.")],
    by: ByOption = None,
    comment: CommentOption = "",
) -> None:
    """Tell nobody of an alert's rule and scope for some time, also if it is cleared and raised again."""
    from console.alerts.people import shelf_us
    from engine.store import alerts as stored

    try:
        until_us = shelf_us(_now_us(), parse_span(span))
    except ValueError as error:
        raise MisuseError(f"--for: {error}") from None
    _done(
        context.obj, number,
        lambda session, who: stored.shelve(session, number, who, comment, until_us, _now_us()), by,
    )  # fmt: skip


def unshelve(context: typer.Context, number: NumberArgument, by: ByOption = None, comment: CommentOption = "") -> None:
    """End a shelf before its time."""
    from engine.store import alerts as stored

    _done(context.obj, number, lambda session, who: stored.unshelve(session, number, who, comment, _now_us()), by)


def comment(
    context: typer.Context,
    number: NumberArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say.")],
    by: ByOption = None,
) -> None:
    """Add a remark to an alert's trail."""
    from engine.store import alerts as stored

    if not text.strip():
        raise MisuseError("a comment has words")
    _done(context.obj, number, lambda session, who: stored.comment(session, number, who, text, _now_us()), by)


def _done(context: Context, number: int, change: Callable[[Session, str], Alert | None], by: str | None) -> None:
    """Do something with an alert, and show what has become of it."""
    from engine.store import alerts as stored

    with _session(context) as session:
        one = _required(change(session, by or _user()), number)
        trail = stored.events(session, number)
    _print_one(context, one, trail, as_json=False)


def _required(one: Alert | None, number: int) -> Alert:
    if one is None:
        raise MisuseError(f"there is no alert {number}", "see `cityvitals alerts --state all`")
    return one


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return "somebody"


# ---- rules -----------------------------------------------------------------------------------------------------------


def rules(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the city's rules: those that are shipped, and what its `alerts.toml` adds and changes.

    A file with faults is refused, and all of them are told; see `docs/alerts.md`.
    """
    given: Context = context.obj
    found = given.alert_rules(given.kpi_pack(fall_back=True), fall_back=True)
    rows = [_rule_row(one) for one in sorted(found, key=lambda one: one.code)]
    if as_json:
        print_json(rows)
        return
    print_table(
        "",
        [Col("rule"), Col("kind"), Col("severity", fold=False), Col("scope"), Col("alert"), Col("from")],
        (
            (
                str(row["rule"]), str(row["kind"]), Text(str(row["severity"]), style=STYLES[str(row["severity"])]),
                str(row["scope"]), str(row["title"]), str(row["changes"] or "shipped"),
            )
            for row in rows
        ),
        counted(len(rows), "rule"),
    )  # fmt: skip


def _rule_row(one: AlertRule) -> Row:
    watched = one.watched
    return {
        "rule": one.code,
        "kind": str(one.kind),
        "severity": str(one.severity),
        "scope": one.scope,
        "only": sorted(one.only),
        "indicator": None if watched is None else watched.indicator,
        "window": None if watched is None else watched.window,
        "title": one.title,
        "escalate_minutes": None if one.escalate_us is None else one.escalate_us // 60_000_000,
        "covered_by": list(one.covered_by),
        "changes": one.changed or None,
    }


def try_out(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Rules as they would stand in the city's alerts.toml.")],
    since: FromOption = None,
    until: ToOption = None,
    as_json: JsonOption = False,
) -> None:
    """Try rules on the past: which alerts FILE would have raised, when, and for how long. Nothing is written.

    The figures are those that stand today; what came late was not known then. Bands of KPIs and the gateway's own
    absences are not kept, so rules for them are left out. Nobody acknowledges anything here.

    **Example**: `cityvitals --city cities/seoul alerts try stricter.toml --from 2026-01-01 --to 2026-02-01`
    """
    from console.alerts.gathering import past
    from console.alerts.service import ready_rules
    from console.alerts.trial import TooLongError, tried, try_rules, untried

    given: Context = context.obj
    if not file.is_file():
        raise MisuseError(f"{file}: no such file", "give a TOML file with [[alert]] tables, see docs/alerts.md")
    found = given.alert_rules(given.kpi_pack(), file)
    zone = city_clock(given)
    ready = ready_rules(tuple(tried(found)), given.registry(), given.settings.alerts)
    with open_store(given, patient=True) as store:
        from_us, to_us = _stretch(store, *time_range(since, until, zone))
        stored = past(store, ready.asked(), from_us, to_us)
    try:
        raised = try_rules(ready, stored, from_us, to_us)
    except TooLongError as error:
        raise MisuseError(str(error), "give a shorter time with --from and --to") from None
    if as_json:
        from console.alerts.notices import alert_record

        print_json(alert_record(one, to_us) for one in raised)
        return
    _print(raised, zone, to_us)
    _print_sums(raised, to_us, untried(found))


def _stretch(store: Store, from_us: int, to_us: int) -> tuple[int, int]:
    """Return the part of a stretch of time in which anything is stored.

    Raises:
        FailureError: there is none.
    """
    extent = store.extent()
    if extent is None:
        raise FailureError("nothing is stored, so there is no past to try rules on", "see `cityvitals backfill`")
    return max(from_us, extent.from_us), min(to_us, max(extent.to_us, from_us + 1))


def _print_sums(raised: Sequence[Alert], to_us: int, left_out: Sequence[str]) -> None:
    console = stdout()
    times = Counter(one.rule for one in raised)
    for rule, count in sorted(times.items()):
        mine = [((one.cleared_us or to_us) - one.opened_us) / 1_000_000 for one in raised if one.rule == rule]
        console.print(f"{rule}: {counted(count, 'alert')}, {age(sum(mine))} in all, the longest {age(max(mine))}")
    if left_out:
        console.print(Text(f"not tried: {', '.join(left_out)}", style="dim"))


# ---- parts -----------------------------------------------------------------------------------------------------------


@contextmanager
def _session(context: Context) -> Iterator[Session]:
    """Give a session on the city's database."""
    url, named = context.database_url(), context.named_city()
    from engine.store import alerts as stored

    with stored.connected(url, "cityvitals console", named) as session:
        yield session


def _now_us() -> int:
    return time.time_ns() // 1000
