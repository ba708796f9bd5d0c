"""What must be in the tables after a fleet was sent, and how a gateway's tables differ from it.

Knows the fleet's verdicts, the truth computed from them, and the `cityvitals` command that reads tables; must not know
how tables came to be.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from devices import REASONS
from simulators import truth
from simulators.bench.errors import BenchError
from simulators.bench.pipeline import Pipeline
from simulators.fleet import Dress, Fleet, Tally
from simulators.fleet.plan import NOT_REFUSED
from simulators.fleet.senders import NO_NODE, senders_of
from simulators.fleet.tables import ledger_lines, quarantine_lines

PAYLOAD_BYTES_KEPT = 32_768
"""Of a quarantined payload a gateway keeps so much, where it is told nothing else."""
ROWS_MAX = 1_000_000
SHOWN = 5
PAYLOAD_SHOWN = 200
FOUND = "found"
"""Beside the truth, the tables as they were found by the last comparison."""
COUNTS = ("quarantine", "ledger_device")
"""Tables that count arrivals; the others hold figures, which no repetition changes."""


class Refused(NamedTuple):
    """A message that must be in quarantine, as far as it can be told from others."""

    device: str
    reason: str
    payload: bytes | None
    """None where it depends on the moment of sending, as a fast clock is ahead of the sender's: then such messages are
    counted instead of their readings."""


class Expected:
    """The truth about one way of sending a fleet.

    Args:
        fleet: what is sent.
        way: one of `simulators.fleet.WAYS`.
        directory: for the canonical tables; made when it is not there.

    Attributes:
        digests: SHA-256 of every canonical table, by its name.
        tally: what becomes of each device's readings.
    """

    def __init__(self, fleet: Fleet, way: str, directory: Path) -> None:
        self.fleet, self.way, self.directory = fleet, way, directory
        self.tally: dict[str, Tally] = fleet.tally(way)
        self.digests = truth.write(fleet.registry, fleet.accepted(way), directory)
        for table, lines in (("quarantine", quarantine_lines(self.tally)), ("ledger_device", ledger_lines(self.tally))):
            content = "".join(f"{line}\n" for line in lines).encode()
            (directory / f"{table}.tsv").write_bytes(content)
            self.digests[table] = hashlib.sha256(content).hexdigest()
        (directory / truth.DIGESTS_FILE).write_text(json.dumps(self.digests, indent=1) + "\n", encoding="utf-8")

    @property
    def received(self) -> int:
        """Readings that arrive when every message does so as often as it is sent."""
        return sum(tally.received for tally in self.tally.values())

    @property
    def accepted(self) -> int:
        """Observations that must be stored."""
        return sum(tally.accepted for tally in self.tally.values())

    # ---- comparing -------------------------------------------------------------------------------------------

    def differences(self, pipeline: Pipeline) -> list[str]:
        """Return how every table differs from the truth, counts of arrivals included; empty when none does."""
        return self._compared(pipeline, tuple(self.digests))

    def verify(self, pipeline: Pipeline, *, killed: bool = False) -> None:
        """Compare every table with the truth.

        Args:
            pipeline: whose tables.
            killed: something was killed on the way, so that messages may have come again; see below.

        Raises:
            BenchError: naming every table that differs, with the first rows that do.
        """
        found = self.differences_after_kills(pipeline) if killed else self.differences(pipeline)
        if found:
            raise BenchError("the tables differ from the truth:\n" + "\n".join(found))

    def differences_after_kills(self, pipeline: Pipeline) -> list[str]:
        """Return how the figures differ from the truth, and the counts from what it allows.

        Whoever is killed between a commit and its acknowledgement gets the message again: a good one is a duplicate,
        a bad one is quarantined a second time. So quarantined messages are compared as a set, and ledgers by what
        repetition cannot change.
        """
        figures = tuple(table for table in self.digests if table not in COUNTS)
        found = self._compared(pipeline, figures)
        return [*found, *self.unlike_quarantine(pipeline), *self._unlike_ledger()]

    def found(self) -> dict[str, str]:
        """Return the digests of the tables as they were found by the last comparison."""
        digests: dict[str, str] = json.loads((self.directory / FOUND / truth.DIGESTS_FILE).read_text(encoding="utf-8"))
        return digests

    def _compared(self, pipeline: Pipeline, tables: tuple[str, ...]) -> list[str]:
        told = {
            row["table"]: row
            for row in pipeline.command(
                "tables", "--out", str(self.directory / FOUND), "--against", str(self.directory),
                "--differences", str(SHOWN), may_differ=True,
            )
        }  # fmt: skip
        found = []
        for table in tables:
            row = told.get(table)
            # The digest is what counts: lines that compare equal, in a file that is not, would be a fault as well.
            if row is None or row["sha256"] != self.digests[table]:
                found.append(f"{table}: {_in_words(row)}")
        return found

    def refused(self) -> Counter[Refused]:
        """Return what must be in quarantine, with how many readings (or, without a payload, messages) of it."""
        plan, verdicts = self.fleet.plan(self.way), self.fleet.verdicts(self.way)
        writer = self.fleet.writer(self.way)
        codes = [*(device.code for device in self.fleet.registry.devices), ""]  # -1 is nobody
        senders = senders_of(self.fleet.registry)
        owner, behind_node = senders.device, senders.node != NO_NODE
        counts: Counter[tuple[int, int, str]] = Counter()
        for message in (verdicts.in_one != NOT_REFUSED).nonzero()[0].tolist():
            counts[message, int(verdicts.blamed[message]), REASONS[verdicts.in_one[message]]] = 1
        readable = verdicts.in_one[plan.message] == NOT_REFUSED
        for row in (readable & (verdicts.reading >= 0)).nonzero()[0].tolist():
            counts[int(plan.message[row]), int(owner[plan.slot[row]]), REASONS[verdicts.reading[row]]] += 1
        found: Counter[Refused] = Counter()
        for (message, device, reason), readings in counts.items():
            moving = plan.dress[message] == Dress.FUTURE or (
                # What a node says bears a number, which depends on what it said before.
                behind_node[plan.device[message]] and plan.dress[message] not in (Dress.GARBAGE, Dress.RETAINED)
            )
            payload = None if moving else writer.payload(message, 0)[:PAYLOAD_BYTES_KEPT]
            found[Refused(codes[device], reason, payload)] += 1 if moving else readings
        return found

    def unlike_quarantine(self, pipeline: Pipeline) -> list[str]:
        """Return which messages the quarantine lacks, and which should not be there; repeats are allowed."""
        wanted = self.refused()
        moving = {(one.device, one.reason) for one in wanted if one.payload is None}
        senders = senders_of(self.fleet.registry)
        devices = self.fleet.registry.devices
        behind_nodes = {devices[at].code for at in (senders.node != NO_NODE).nonzero()[0].tolist()}
        found: Counter[Refused] = Counter()
        moments: set[Refused] = set()
        for row in pipeline.command("quarantine", "--limit", str(ROWS_MAX)):
            one = Refused(row["device"] or "", row["reason"], base64.b64decode(row["payload_base64"]))
            if one.reason == "no_birth" and one.device in behind_nodes:
                continue  # a gateway that starts again knows no births, and stores what they explain beside this
            if one in wanted or one[:2] not in moving:
                found[one] += row["readings"]
            else:
                moments.add(one)
        found.update(one._replace(payload=None) for one in moments)
        lacking = [f"quarantine lacks {_named(one)}" for one in wanted if found[one] < wanted[one]]
        extra = [f"quarantine should not hold {_named(one)}" for one in found if one not in wanted]
        several = (one for one in wanted if one.payload is None and found[one] > wanted[one])
        extra += [f"quarantine holds {found[one]} instead of {wanted[one]} {_named(one)}" for one in several]
        return [*lacking[:SHOWN], *extra[:SHOWN]]

    def _unlike_ledger(self) -> list[str]:
        """Return which ledgers, as last compared, do not balance, lack something or hold what is not in quarantine."""
        folder = self.directory / FOUND
        kept: Counter[str] = Counter()
        for line in (folder / "quarantine.tsv").read_text(encoding="utf-8").splitlines():
            device, _, readings = line.split("\t")
            kept[device] += int(readings)
        rows = (line.split("\t") for line in (folder / "ledger_device.tsv").read_text(encoding="utf-8").splitlines())
        ledger = {device: tuple(map(int, counts)) for device, *counts in rows}
        found = []
        for device in sorted(ledger.keys() | self.tally.keys() | kept.keys()):
            received, accepted, duplicate, quarantined = ledger.get(device, (0, 0, 0, 0))
            wanted = self.tally.get(device, Tally())
            if received != accepted + duplicate + quarantined:
                found.append(f"ledger of {device!r} does not balance: {ledger[device]}")
            if accepted != wanted.accepted or received < wanted.received or quarantined < wanted.quarantined:
                least = (wanted.received, wanted.accepted, wanted.duplicate, wanted.quarantined)
                found.append(f"ledger of {device!r}: {ledger.get(device)}, and without repeats {least}")
            if kept[device] != quarantined:
                found.append(f"ledger of {device!r}: {quarantined} quarantined, and {kept[device]} are in quarantine")
        return found[:SHOWN]


def _in_words(row: dict[str, Any] | None) -> str:
    """Return a table's differences as `cityvitals tables --json` tells them."""
    if row is None:
        return "is not there"
    lines = [f"{row.get('missing', 0)} missing, {row.get('extra', 0)} extra, {row.get('differs', 0)} differ"]
    lines += [f"    {one['kind']:8} found {one['found']!r}, wanted {one['wanted']!r}" for one in row.get("first", [])]
    return "\n".join(lines)


def _named(one: Refused) -> str:
    return f"{one.reason} of {one.device!r}: {'any time' if one.payload is None else repr(one.payload)[:PAYLOAD_SHOWN]}"
