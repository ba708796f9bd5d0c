"""`cityvitals devices drift`: where devices say something else than their models expect.

Knows options and rendering; what is a finding the store knows.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.results import JsonOption, city_clock, open_store, rfc_local
from console.context import Context
from console.output import Col, print_json, print_table, stdout
from console.text import counted

if TYPE_CHECKING:
    from engine.store.drift import DriftRow

DAYS_DEFAULT = 7
_DAY_US = 86_400_000_000


def drift(
    context: typer.Context,
    days: Annotated[
        int, typer.Option("--days", min=1, max=3_650, help="Look at messages of the quarantine of so many days.")
    ] = DAYS_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """List where devices say something else than their models expect, as they do after a change of their firmware.

    `vanished` is a field of which nothing came for ten of its intervals, and of its own rhythm, while the device sent
    others. The other findings are reasons of the quarantine: a field or a member of a message that the model does not
    know (`field` is its place), a unit or a value that is another than before, a message of another form. `example` is
    the newest message that shows it, with its bytes: correct the model, then `cityvitals quarantine replay --model
    MODEL` reads them all.

    **Examples**

    - `cityvitals devices drift`
    - `cityvitals devices drift --days 1 --json`
    """
    given: Context = context.obj
    zone = city_clock(given)
    with open_store(given) as store:
        rows = store.drift_rows(time.time_ns() // 1000 - days * _DAY_US)
    if as_json:
        print_json(_entry(row) for row in rows)
        return
    if not rows:
        stdout().print("every device says what its model expects")
        return
    print_table(
        counted(len(rows), "finding"),
        [
            Col("device"), Col("finding"), Col("field"), Col("since", fold=False), Col("newest", fold=False),
            Col("readings", right=True), Col("example", right=True),
        ],
        (
            (
                row.device,
                row.kind,
                row.field,
                rfc_local(row.since_us, zone),
                rfc_local(row.last_us, zone),
                f"{row.readings:,}" if row.readings else "",
                "" if row.example is None else str(row.example),
            )
            for row in rows
        ),
    )  # fmt: skip


def _entry(row: DriftRow) -> dict[str, object]:
    from devices import rfc3339

    return {
        "device": row.device,
        "finding": row.kind,
        "field": row.field or None,
        "since": rfc3339(row.since_us),
        "newest": rfc3339(row.last_us),
        "readings": row.readings,
        "example": row.example,
    }
