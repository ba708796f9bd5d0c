"""`cityvitals quarantine`: what was received and not taken, and taking it up again.

Knows options and rendering; rows come from the store, and `ingest.replay` takes messages up again.
"""

from __future__ import annotations

import base64
import time
from datetime import tzinfo
from typing import TYPE_CHECKING, Annotated

import typer

from console.children import stopped_by_signals
from console.commands.results import (
    ROWS_DEFAULT,
    JsonOption,
    LimitOption,
    city_clock,
    clock_title,
    open_store,
    require_device,
    rfc_local,
    shown_note,
    time_range,
)
from console.context import Context
from console.errors import EXIT_FAILED, MisuseError
from console.output import Col, print_json, print_table, stderr, stdout
from console.progress import bar
from console.text import counted, printable

if TYPE_CHECKING:
    from engine.store import QuarantineEntry
    from ingest.kept import Choice
    from ingest.replay import Replayed

PREVIEW_CHARS = 60

app = typer.Typer(
    name="quarantine",
    no_args_is_help=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    app.command("replay")(replay_command)
    parent.add_typer(app)


@app.callback(invoke_without_command=True)
def quarantine(
    context: typer.Context,
    reason: Annotated[str | None, typer.Option("--reason", metavar="REASON", help="Only of this reason.")] = None,
    device: Annotated[str | None, typer.Option("--device", metavar="CODE", help="Only of this device.")] = None,
    summary: Annotated[bool, typer.Option("--summary", help="Only the counts by reason.")] = False,
    limit: LimitOption = ROWS_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """List what was received and not taken, and why: counts by reason, then the newest messages.

    Payloads are shown with control characters escaped, so that they cannot drive your terminal; with `--json` they come
    as base64, as kept (long ones are cut; `payload_bytes` is their full size).

    **Examples**

    - `cityvitals quarantine --summary`
    - `cityvitals quarantine --reason bad_unit --device house-water`
    - `cityvitals quarantine replay --dry-run`
    """
    if context.invoked_subcommand is not None:
        return
    from devices import REASON_TITLES

    require_reason(reason)
    zone = city_clock(context.obj)
    with open_store(context.obj) as store:
        counts = store.quarantine_counts()
        rows = [] if summary else store.quarantine_rows(reason=reason, device=device, limit=limit)
        if not rows and device is not None:
            require_device(store, device)
    if as_json and summary:
        print_json({"reason": r, "readings": n, "meaning": REASON_TITLES.get(r, "")} for r, n in counts.items())
    elif as_json:
        print_json(_entry(row) for row in rows)
    else:
        if not counts:
            stdout().print("the quarantine is empty")
            return
        columns = [Col("reason"), Col("readings", right=True), Col("meaning")]
        print_table("by reason", columns, ((r, f"{n:,}", REASON_TITLES.get(r, "")) for r, n in counts.items()))
        if not summary:
            _print_entries(rows, zone, limit)


def _entry(row: QuarantineEntry) -> dict[str, object]:
    from devices import rfc3339

    return {
        "id": row.quarantine_id,
        "received": rfc3339(row.received_us),
        "reason": row.reason,
        "device": row.device or None,
        "topic": row.topic,
        "detail": row.detail,
        "readings": row.readings,
        "payload_bytes": row.payload_bytes,
        "payload_base64": base64.b64encode(row.payload).decode(),
        "commit": row.commit_id,
    }


def _print_entries(rows: list[QuarantineEntry], zone: tzinfo, limit: int) -> None:
    print_table(
        "newest",
        [Col(clock_title(zone), fold=False), Col("reason", fold=False), Col("topic"), Col("detail"), Col("payload")],
        (
            (
                rfc_local(row.received_us, zone),
                row.reason,
                printable(row.topic.encode("utf-8", "surrogateescape"), 200),
                printable(row.detail.encode("utf-8", "surrogateescape"), 300),
                printable(row.payload, PREVIEW_CHARS),
            )
            for row in rows
        ),
        shown_note(len(rows), limit, "message"),
    )


def require_reason(reason: str | None) -> None:
    """Refuse a reason that there is not.

    Raises:
        MisuseError
    """
    from devices import REASON_TITLES, nearest

    if reason is not None and reason not in REASON_TITLES:
        raise MisuseError(
            f"no reason is called {reason!r}{nearest(reason, REASON_TITLES)}", f"one of {', '.join(REASON_TITLES)}"
        )


def replay_command(
    context: typer.Context,
    model: Annotated[
        str | None, typer.Option("--model", metavar="MODEL", help="Only messages that are now of this model's devices.")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="CODE", help="Only messages that are now of this device.")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="REASON", help="Only of this reason.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only what arrived at this date or time, or later.")
    ] = None,
    topic: Annotated[
        str | None,
        typer.Option("--topic", metavar="FILTER", help="Only of topics that this filter takes; `+` is a level."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of them, and change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Decode messages of the quarantine again, after a model was corrected or a device registered.

    They go the road of live ones, with the time at which they arrived: decoding, admission, ledger, windows and
    indicators. A message that is taken up leaves the quarantine in the commit that stores its readings; what is still
    refused comes back with its present reason. A message of which there is nothing new to say stays as it is. Nothing
    counts twice: stop it or kill it at any time, and start it again.

    A message longer than `intake.quarantine_bytes_max` was not kept whole and cannot be decoded; it is counted as cut.
    The gateway must be stopped meanwhile: the broker keeps what comes. `--dry-run` needs no stop.

    **Examples**

    - `cityvitals --city DIR quarantine replay --dry-run`
    - `cityvitals --city DIR quarantine replay --model acme_air --since 2026-11-01`
    - `cityvitals --city DIR quarantine replay --topic v3/+/devices/+/up`
    """
    given: Context = context.obj
    choice = _choice(given, model, device, reason, since, topic)
    done = replay_chosen(given, choice, dry_run=dry_run)
    if as_json:
        print_json([replayed_row(done, dry_run)])
    else:
        print_replayed(done, dry_run)
    if done.interrupted:
        stderr().print("stopped before the end: start it again to go on", style="bold")
        raise typer.Exit(EXIT_FAILED)


def replay_chosen(given: Context, choice: Choice, *, dry_run: bool = False) -> Replayed:
    """Take messages up again, or say what would become of them.

    Raises:
        OwnedByAnother: a gateway runs.
    """
    from ingest.replay import ReplaySettings, rehearse, replay

    registry, url = given.registry(), given.database_url()
    settings = ReplaySettings(given.settings.admission, given.settings.intake, given.settings.engine)
    if dry_run:
        with open_store(given) as store:
            return rehearse(registry, store, choice, settings)
    with stopped_by_signals() as stop, bar("replay") as progress:
        return replay(
            registry, url, choice, settings,
            progress=lambda share, at: progress.at(share, 1.0, at), stop=stop,
            clock_us=lambda: time.time_ns() // 1000,
        )  # fmt: skip


def _choice(
    given: Context, model: str | None, device: str | None, reason: str | None, since: str | None, topic: str | None
) -> Choice:
    """Return what is meant.

    Raises:
        MisuseError: an unknown model, device or reason, or a time or filter that cannot be read.
    """
    from devices import nearest
    from ingest.kept import Choice

    registry = given.registry()
    require_reason(reason)
    if model is not None and model not in registry.models:
        raise MisuseError(
            f"no device model is called {model!r}{nearest(model, registry.models)}",
            "list them with `cityvitals models`",
        )
    if device is not None:
        try:
            registry.device_index(device)
        except KeyError as error:
            raise MisuseError(str(error.args[0]), "register it in devices.csv first") from None
    if topic is not None and "#" in topic:
        raise MisuseError(f"--topic {topic}: `#` is not taken here", "write one `+` for each level")
    from_us, _ = time_range(since, None, registry.city.zone_info)
    return Choice((reason,) if reason else (), from_us, topic or "", device or "", model or "")


def replayed_row(done: Replayed, dry_run: bool) -> dict[str, object]:
    """Return what became of the messages, for `--json`."""
    counts = done.counts
    return {
        "dry_run": dry_run,
        "messages": done.looked_at,
        "taken_up": counts.messages,
        "received": counts.received,
        "accepted": counts.accepted,
        "duplicate": None if dry_run else counts.duplicate,  # only the store knows what is there already
        "quarantined": counts.quarantined,
        "quarantined_by_reason": dict(counts.quarantined_by_reason),
        "left_quarantine": done.left,
        "same": done.same,
        "nobody": done.nobody,
        "cut": done.cut,
        "retained": done.retained,
        "interrupted": done.interrupted,
    }


def print_replayed(done: Replayed, dry_run: bool = False) -> None:
    """Say what became of the messages."""
    counts = done.counts
    if dry_run:
        what = f"would be taken up, {counts.accepted:,} readings read (new ones are accepted, others are duplicates)"
    else:
        what = f"were taken up, {counts.accepted:,} readings accepted, {counts.duplicate:,} duplicate"
    lines = [f"{counted(done.looked_at, 'message')}: {counts.messages:,} {what}, {counts.quarantined:,} quarantined"]
    lines += [f"  {reason}: {count:,}" for reason, count in counts.quarantined_by_reason.most_common()]
    why = (
        (done.same, "have the same against them as before"),
        (done.nobody, "have a topic of no registered device; see `cityvitals devices discover`"),
        (done.cut, "were cut at the limit and cannot be decoded; see `intake.quarantine_bytes_max`"),
        (done.retained, "are copies that the broker kept: no news"),
    )
    lines += [f"  {count:,} {text}" for count, text in why if count]
    for line in lines:
        stdout().print(line, markup=False, soft_wrap=True)
