"""`devices --health`: who is silent, since when, whose readings are flagged, and when we ourselves did not listen.

Knows rows of the store and their rendering; who counts as silent the engine decided.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING

from rich.text import Text

from console.commands.results import city_clock, open_store, rfc_local
from console.context import Context
from console.drift import DAYS, Findings, gathered
from console.errors import MisuseError
from console.output import Col, print_json, print_table, stdout
from console.text import age, counted

if TYPE_CHECKING:
    from decimal import Decimal

    from engine.store import FlagCount, HealthRow, ListeningRow, SilenceEntry

DOWNTIMES_SHOWN = 10
GATEWAYS_MAX = 10_000
STATES = {"silent": "bold red", "late": "yellow", "never": "magenta", "ok": "green", "not in service": "dim"}
"""States of a device and their styles, the worst first."""
STALE_S = 60
"""A standing older than this is said to be old: the engine does not run, or cannot hear."""
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Health:
    """What is shown.

    Attributes:
        rows: devices, the worst first.
        counts: devices by state, of all that were asked for.
        gateways: silences of gateways that last.
        downtimes: when we ourselves did not listen, the newest first.
        listening: until when we listened.
        flags: of the devices shown, by series and rule.
        drift: findings on all devices that were asked for; `devices drift` lists them.
    """

    rows: Sequence[HealthRow]
    counts: Mapping[str, int]
    gateways: Sequence[SilenceEntry]
    downtimes: Sequence[SilenceEntry]
    listening: ListeningRow
    flags: Sequence[FlagCount]
    drift: Findings


def show_health(context: Context, *, zone: str | None, model: str | None, silent: bool, as_json: bool) -> None:
    """Print how it stands with the devices of a zone or model, or of all; with `silent` only with those that are."""
    clock = city_clock(context)
    with open_store(context) as store:
        found = store.health_rows()
        gateways = store.silence_rows(kind="gateway", lasting=True, limit=GATEWAYS_MAX)
        downtimes = store.silence_rows(kind="system", limit=DOWNTIMES_SHOWN)
        listening = store.listening()
        flags = store.flag_counts()
        now_us = time.time_ns() // 1000
        drift = store.drift_rows(now_us - DAYS * _DAY_US)
    _require("zone", zone, {row.zone for row in found})
    _require("device model", model, {row.model for row in found})
    wanted = [row for row in found if zone in (None, row.zone) and model in (None, row.model)]
    counts = Counter(row.state for row in wanted)
    rows = [row for row in wanted if row.state == "silent"] if silent else wanted
    behind = {row.gateway for row in wanted}
    shown = {row.device for row in rows}
    flagged = [one for one in flags if one.device in shown]
    asked = {row.device for row in wanted}
    drifts = gathered([one for one in drift if one.device in asked], now_us)
    health = Health(rows, counts, [g for g in gateways if g.who in behind], downtimes, listening, flagged, drifts)
    if as_json:
        _print_json(health)
    else:
        _print_tables(health, clock)


def _require(noun: str, code: str | None, known: Collection[str]) -> None:
    """Raise unless some device has it.

    Raises:
        MisuseError: naming the nearest.
    """
    from devices import nearest

    if code is not None and code not in known:
        raise MisuseError(f"no device has {noun} {code!r}{nearest(code, sorted(known))}")


def _print_json(health: Health) -> None:
    print_json(_device(row) for row in health.rows)
    print_json(_flag(one) for one in health.flags)
    print_json({"row": "gateway", "gateway": g.who, **_silence(g)} for g in health.gateways)
    print_json({"row": "downtime", "away": d.who, **_silence(d)} for d in health.downtimes)
    print_json(
        [
            {
                "row": "total",
                "devices": sum(health.counts.values()),
                **{state.replace(" ", "_"): health.counts.get(state, 0) for state in STATES},
                "gateways_silent": len(health.gateways),
                "findings": health.drift.total,
                "devices_with_findings": health.drift.devices,
                "heard_to": _time(health.listening.heard_to_us),
                "stopped": health.listening.stopped,
                "silences_trimmed": health.listening.trimmed,
            }
        ]
    )


def _device(row: HealthRow) -> dict[str, object]:
    return {
        "row": "device",
        "device": row.device,
        "zone": row.zone,
        "model": row.model,
        "gateway": row.gateway,
        "state": row.state,
        "last_heard": _time(row.heard_us),
        "last_reading": _time(row.reading_us),
        "interval_s": _number(row.interval_s),
        "learned_interval_s": _number(row.learned_interval_s),
        "jitter_s": _number(row.jitter_s),
        "silent_since": _time(row.silent_since_us),
        "silence": row.silence or None,
        "clock": row.clock or None,
        "clock_offset_s": _number(row.clock_offset_s),
    }


def _flag(one: FlagCount) -> dict[str, object]:
    return {
        "row": "flag",
        "device": one.device,
        "field": one.field,
        "measurand": one.measurand,
        "rule": _rule(one),
        "flagged": one.flags,
        "excluded": one.excluded,
        "first": _time(one.first_us),
        "last": _time(one.last_us),
    }


def _rule(one: FlagCount) -> str:
    from devices import Rule

    return Rule(one.rule).name.lower()


def _silence(one: SilenceEntry) -> dict[str, object]:
    return {
        "started": _time(one.started_us),
        "ended": _time(one.ended_us),
        "noticed": _time(one.noticed_us),
        "devices": one.devices,
        "detail": one.detail,
    }


def _time(time_us: int | None) -> str | None:
    from devices import rfc3339

    return None if time_us is None else rfc3339(time_us)


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


# ---- for people ------------------------------------------------------------------------------------------------------


def _print_tables(health: Health, clock: tzinfo) -> None:
    now_us = time.time_ns() // 1000
    columns = [
        Col("state", fold=False), Col("device"), Col("zone"), Col("gateway"), Col("heard", right=True, fold=False),
        Col(f"last reading ({clock})", fold=False), Col("every", right=True, fold=False),
        Col("silent since", fold=False), Col("clock", fold=False),
    ]  # fmt: skip
    print_table("", columns, (_cells(row, clock, now_us) for row in health.rows))
    if health.flags:
        _print_flags(health.flags, clock)
    console = stdout()
    for gateway in health.gateways:
        console.print(
            Text.assemble(
                ("gateway silent", STATES["silent"]), f"  {gateway.who} since {rfc_local(gateway.started_us, clock)}",
                (f"  ({gateway.detail})", "dim"),
            )
        )  # fmt: skip
    for downtime in health.downtimes:
        until = "until now" if downtime.ended_us is None else f"to {rfc_local(downtime.ended_us, clock)}"
        console.print(
            Text.assemble(
                ("not listening", "yellow"), f"   {downtime.who} from {rfc_local(downtime.started_us, clock)} {until}",
                (f"  ({downtime.detail})" if downtime.detail else "", "dim"),
            )
        )  # fmt: skip
    parts = [(f"{health.counts[state]:,} {state}", STATES[state]) for state in STATES if health.counts.get(state)]
    console.print(Text("  ").join(Text(text, style=style) for text, style in parts) if parts else "no device")
    if health.drift.total:
        on = f"{counted(health.drift.total, 'finding')} of drift on {counted(health.drift.devices, 'device')}"
        console.print(Text.assemble((on, "yellow"), ": cityvitals devices drift"))
    console.print(Text(_as_of(health.listening, clock, now_us), style="dim"))


def _print_flags(flags: Sequence[FlagCount], clock: tzinfo) -> None:
    print_table(
        "flagged observations",
        [
            Col("device"), Col("measurand"), Col("rule", fold=False), Col("flagged", right=True),
            Col("left out", right=True), Col(f"newest ({clock})", fold=False),
        ],
        (
            (one.device, one.measurand, _rule(one), f"{one.flags:,}", f"{one.excluded:,}",
             rfc_local(one.last_us, clock))
            for one in flags
        ),
    )  # fmt: skip


def _cells(row: HealthRow, clock: tzinfo, now_us: int) -> list[str | Text]:
    since = "" if row.silent_since_us is None else rfc_local(row.silent_since_us, clock)
    return [
        Text(row.state, style=STATES[row.state]),
        row.device,
        row.zone,
        row.gateway,
        "never" if row.heard_us is None else f"{age((now_us - row.heard_us) / 1_000_000)} ago",
        "" if row.reading_us is None else rfc_local(row.reading_us, clock),
        _every(row),
        f"{since} (gateway)" if row.silence == "gateway" else since,
        _clock(row),
    ]


def _every(row: HealthRow) -> str:
    """Return the declared interval, and the learned one where a device reports less often."""
    if row.interval_s is None:
        return ""
    declared, learned = float(row.interval_s), float(row.learned_interval_s or 0)
    return age(declared) if learned <= 1.25 * declared else f"{age(declared)} (really {age(learned)})"


def _clock(row: HealthRow) -> Text:
    if row.clock not in ("fast", "slow") or row.clock_offset_s is None:
        return Text(row.clock, style="dim")
    return Text(f"{row.clock} by {age(abs(float(row.clock_offset_s)))}", style="yellow")


def _as_of(listening: ListeningRow, clock: tzinfo, now_us: int) -> str:
    if listening.heard_to_us is None:
        return "the engine never ran: nothing is known of any device"
    ago_s = (now_us - listening.heard_to_us) / 1_000_000
    text = f"as of {rfc_local(listening.heard_to_us, clock)}"
    if listening.stopped:
        return f"{text}; the gateway is stopped"
    return f"{text}, {age(ago_s)} ago: the gateway is away, or cannot hear" if ago_s > STALE_S else text
