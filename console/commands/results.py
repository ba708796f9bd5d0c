"""`indicators`, `observations` and `ledger`: what the store holds, as tables and as JSON lines.

Knows options and rendering; every figure comes from the store as it stands.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.context import DATABASE_VARIABLE, Context
from console.errors import EXIT_FAILED, FailureError, MisuseError
from console.output import Col, print_json, print_table, stderr, stdout
from console.text import counted, local_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.store import DeviceAccount, LedgerSummary, Left, ObservationRow, Store

ROWS_DEFAULT = 50
ROWS_MAX = 1_000_000

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="From this date or time on; without offset, by the city's clock."),
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Before this date or time.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=ROWS_MAX, help="At most so many rows, the newest.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    from console.commands.indicators import indicators

    app.command("indicators")(indicators)
    app.command("observations")(observations)
    app.command("ledger")(ledger)


def observations(
    context: typer.Context,
    device: Annotated[str | None, typer.Option("--device", metavar="CODE", help="Only of this device.")] = None,
    measurand: Annotated[
        str | None, typer.Option("--measurand", metavar="CODE", help="Only of this measurand.")
    ] = None,
    since: FromOption = None,
    until: ToOption = None,
    limit: LimitOption = ROWS_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """List stored observations, the newest first. Values are exact decimals in the measurand's unit.

    A note says which of the city's rules of quality flag an observation, and whether figures leave it out.

    **Examples**

    - `cityvitals observations --device dublin-navan-road --limit 5`
    - `cityvitals observations --measurand pm2_5 --from 2026-01-31 --to 2026-02-01 --limit 100000 --json`
    """
    from devices import FLAG_TIME_FROM_ARRIVAL, Rule, load_measurands, nearest, rfc3339

    codes = load_measurands().by_code
    if measurand is not None and measurand not in codes:
        raise MisuseError(f"no measurand is called {measurand!r}{nearest(measurand, codes)}")
    zone = city_clock(context.obj)
    from_us, to_us = time_range(since, until, zone)
    with open_store(context.obj) as store:
        rows = store.observation_rows(from_us, to_us, device=device, measurand=measurand, limit=limit)
        left = store.archive.left()
        if not rows and device is not None:
            require_device(store, device)
    if left is not None and from_us < left.dropped_us and len(rows) < limit:
        stderr().print(archived_note(left, zone), markup=False, soft_wrap=True)
    if as_json:
        print_json(
            {
                "device": r.device,
                "field": r.field,
                "measurand": r.measurand,
                "time": rfc3339(r.time_us),
                "value": f"{r.value:f}",
                "unit": r.unit,
                "state": r.state or None,
                "time_from_arrival": bool(r.flags & FLAG_TIME_FROM_ARRIVAL),
                "flags": [Rule(rule).name.lower() for rule in r.rules],
                "excluded": r.excluded,
            }
            for r in rows
        )
        return
    print_table(
        "",
        [Col(clock_title(zone)), Col("device"), Col("measurand"), Col("value", right=True), Col("unit"), Col("note")],
        (
            (
                rfc_local(r.time_us, zone),
                r.device,
                r.measurand if r.field == r.measurand else f"{r.measurand} ({r.field})",
                r.state or f"{r.value:f}",
                r.unit,
                _note(r),
            )
            for r in rows
        ),
        shown_note(len(rows), limit, "observation"),
    )


def _note(row: ObservationRow) -> str:
    from devices import FLAG_TIME_FROM_ARRIVAL, Rule

    parts = ["time of arrival"] if row.flags & FLAG_TIME_FROM_ARRIVAL else []
    parts += [Rule(rule).name.lower() for rule in row.rules]
    return ", ".join([*parts, "left out"] if row.excluded else parts)


def ledger(
    context: typer.Context,
    commits: Annotated[
        int, typer.Option("--commits", min=0, max=ROWS_MAX, help="Also the newest so many commits.")
    ] = 0,
    devices: Annotated[bool, typer.Option("--devices", help="Also the account of every device.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Account for every reading ever received: accepted, duplicate or quarantined. Exit code 1 if it does not balance.

    With `--json` the first line is the total (`"row": "total"`), commits (`"row": "commit"`) and devices (`"row":
    "device"`) follow. Accepted readings of a device are those that its day windows count, which the engine writes some
    seconds after the commit: while it is behind, `in_windows` is less than the total's `accepted`.

    **Examples**

    - `cityvitals ledger`
    - `cityvitals ledger --commits 20`
    - `cityvitals ledger --devices --json`
    """
    zone = city_clock(context.obj)
    with open_store(context.obj) as store:
        # Devices first: what is committed meanwhile is then missing in them, and never too much.
        accounts = store.ledger_devices() if devices else None
        total = store.ledger_summary()
        rows = store.ledger_rows(commits) if commits else []
    if as_json:
        seen = {} if accounts is None else {"in_windows": sum(a.accepted for a in accounts)}
        print_json([{**_total(total), **seen}])
        from devices import rfc3339

        print_json(
            {"row": "commit", "commit": r.commit_id, "committed": rfc3339(r.committed_us), "client": r.client,
             "partition": r.partition, "messages": r.messages, "received": r.received, "accepted": r.accepted,
             "duplicate": r.duplicate, "quarantined": r.quarantined, "restated": r.restated,
             "replayed": r.replayed}
            for r in rows
        )  # fmt: skip
        print_json(
            {"row": "device", "device": a.device or None, "received": a.received, "accepted": a.accepted,
             "duplicate": a.duplicate, "quarantined": a.quarantined}
            for a in accounts or ()
        )  # fmt: skip
    else:
        _print_total(total)
        if accounts is not None:
            _print_accounts(accounts, total)
        if rows:
            names = ("messages", "received", "accepted", "duplicate", "quarantined", "restated")
            print_table(
                "newest commits",
                [Col("commit", right=True), Col(clock_title(zone)), *(Col(name, right=True) for name in names)],
                (
                    (str(r.commit_id), rfc_local(r.committed_us, zone), *(f"{getattr(r, n):,}" for n in names))
                    for r in rows
                ),
            )
    if total.balance:
        raise typer.Exit(EXIT_FAILED)


def _total(total: LedgerSummary) -> dict[str, object]:
    from devices import TIME_MIN_US, rfc3339

    return {
        "row": "total",
        "commits": total.commits,
        "messages": total.messages,
        "received": total.received,
        "accepted": total.accepted,
        "duplicate": total.duplicate,
        "quarantined": total.quarantined,
        "balance": total.balance,
        "balances": total.balance == 0,
        "restated": total.restated,
        "quarantine_rows_trimmed": total.trimmed,
        "replayed": total.replayed,
        "last_commit": None if total.last_us == TIME_MIN_US else rfc3339(total.last_us),
    }


def _print_total(total: LedgerSummary) -> None:
    console = stdout()
    for name in ("received", "accepted", "duplicate", "quarantined"):
        sign = "" if name == "received" else "=" if name == "accepted" else "+"
        console.print(f"{sign:1} {name:12}{getattr(total, name):>16,}", markup=False)
    if total.balance:
        console.print(Text(f"✗ DOES NOT BALANCE: {total.balance:,} readings went nowhere", style="bold red"))
    else:
        console.print(Text("✓ balances", style="green"))
    console.print(
        Text(
            f"{counted(total.messages, 'message')} in {counted(total.commits, 'commit')}; "
            f"{counted(total.restated, 'hour')} restated after late readings",
            style="dim",
        )
    )
    if total.replayed:
        note = (
            f"{counted(total.replayed, 'reading')} taken up again from the quarantine: received, and counted, once more"
        )
        console.print(Text(note, style="dim"))


def _print_accounts(accounts: Sequence[DeviceAccount], total: LedgerSummary) -> None:
    names = ("received", "accepted", "duplicate", "quarantined")
    behind = total.accepted - sum(a.accepted for a in accounts)
    print_table(
        "by device",
        [Col("device"), *(Col(name, right=True) for name in names)],
        ((a.device or "(no registered device)", *(f"{getattr(a, name):,}" for name in names)) for a in accounts),
        f"the engine has {counted(behind, 'accepted reading')} still to count"
        if behind
        else "the sum over the devices is the account above",
    )


def open_store(context: Context, *, patient: bool = False) -> Store:
    """Return a connection for reading.

    Args:
        context: where the database is.
        patient: a statement may take as long as it needs.

    Raises:
        MisuseError: the database holds another city than the one that is named.
        FailureError, StoreError: no database, or one of another version, with what to do.
    """
    url = context.database_url()
    named = context.named_city()
    from engine.store import STATEMENT_MS_MAX, Store

    timeout_ms = 0 if patient else STATEMENT_MS_MAX
    store = Store.connect(url, application_name="cityvitals console", statement_timeout_ms=timeout_ms)
    try:
        _require_city(store, named)
    except BaseException:
        store.close()
        raise
    return store


def _require_city(store: Store, named: str | None) -> None:
    stored = store.city()
    if named is not None and stored not in (None, named):
        raise MisuseError(
            f"the database holds city {stored!r}, not {named!r}",
            f"give --city the folder of {stored!r}, or {DATABASE_VARIABLE} the database of {named!r}",
        )


def require_device(store: Store, code: str) -> None:
    """Raise unless the store knows the device.

    Raises:
        MisuseError: naming the nearest.
    """
    from devices import nearest

    known = [row.device for row in store.device_rows()]
    if code not in known:
        raise MisuseError(f"no device is called {code!r}{nearest(code, known)}", "list them with `cityvitals devices`")


def city_clock(context: Context) -> tzinfo:
    """Return the time zone of the city that is named, else of the city whose figures are read, else UTC."""
    from zoneinfo import ZoneInfo

    from engine.store import StoreError

    try:
        return context.registry().city.zone_info
    except MisuseError:
        if context.city_option is not None:
            raise
    try:
        with open_store(context) as store:
            name = store.city_time_zone()
    except (FailureError, StoreError):
        return UTC
    return UTC if name is None else ZoneInfo(name)


def clock_title(zone: tzinfo) -> str:
    """Return the heading of a column of times."""
    return f"time ({zone})"


def rfc_local(time_us: int, zone: tzinfo) -> str:
    """Return a time by the city's clock to the second, with its offset where that is not UTC."""
    from datetime import timedelta

    from console.text import EPOCH

    return (
        (EPOCH + timedelta(microseconds=time_us))
        .astimezone(zone)
        .strftime("%Y-%m-%d %H:%M:%S" + ("" if zone is UTC else " %z"))
    )


def time_range(since: str | None, until: str | None, zone: tzinfo) -> tuple[int, int]:
    """Return from (included) and to (excluded) of the options; open ends reach everything.

    Raises:
        MisuseError: not a time, or nothing lies between.
    """
    from devices import TIME_MAX_US, TIME_MIN_US

    try:
        from_us = TIME_MIN_US if since is None else parse_time(since, zone)
        to_us = TIME_MAX_US if until is None else parse_time(until, zone)
    except ValueError as error:
        raise MisuseError(str(error)) from None
    if from_us >= to_us:
        raise MisuseError(
            f"--from {since} is not before --to {until}",
            f"from {local_time(from_us, zone)} is included, to {local_time(to_us, zone)} is not",
        )
    return from_us, to_us


def archived_note(left: Left, zone: tzinfo) -> str:
    """Return what is said where observations were asked for that are no longer here."""
    return (
        f"observations before {local_time(left.dropped_us, zone)} are in the archive {left.folder}, "
        f"and days before {local_time(left.until_us, zone)} can no longer be computed again here"
    )


def shown_note(count: int, limit: int, noun: str) -> str:
    """Return a line below a table that says whether there may be more."""
    if not count:
        return f"no {noun}"
    return f"the newest {count:,}; more with --limit" if count >= limit else counted(count, noun)
