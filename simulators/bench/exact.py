"""Exactness shown: one seeded day in five ways, and the same figures every time, which are those of the truth.

Knows the ways and what is compared; must not know how the pipeline does it. The ways:

- `in-order`, `shuffled`, `twice`: everything as it was meant, by time, in random order, every message two times.
- `faults`: what the fleet file's faults make of it. What they change is listed in the truth of this way, and nothing
  else differs from the others.
- `kills`: in order, while gateway, database and broker are killed (`kill -9`) at least `KILLS_MIN` times.

Tables of figures must have the digests of the truth, so all ways but `faults` have the same. Counts (who sent how
often) must be those of the truth too; after kills, what `chaos` says of repeats holds.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import deploy
from simulators.bench.chaos import RESEND_S
from simulators.bench.expectation import COUNTS, Expected
from simulators.bench.rig import Rig
from simulators.bench.sender import Order, Sender
from simulators.bench.waiting import wait_until
from simulators.fleet import Fleet, build, leave_retained
from simulators.fleet.order import has_faults

WAYS: Final = ("in-order", "shuffled", "twice", "faults", "kills")
KILLS_MIN = 20
VICTIMS: Final = ("gateway", "gateway", "database", "broker")
"""Whom a kill befalls, each with the same probability."""
REST_S_MIN = 0.3
DRAIN_S_MAX = 3_600.0
POLL_S = 1.0
CONNECTIONS = 16
SETTINGS: Final[Mapping[str, str]] = {
    # Many late readings at a time are cheaper than few: a shuffled day is late throughout.
    "CITYVITALS_ENGINE_CYCLE_S": "1",
    "CITYVITALS_ENGINE_SETTLE_S": "10",
    "CITYVITALS_ENGINE_ABSORB_MAX": "500000",
    "CITYVITALS_RESULTS_PUBLISH": "false",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one way.

    Attributes:
        way: one of `WAYS`.
        digest: SHA-256 over the digests of all tables of figures, as found.
        expected: the same of the truth.
        seconds: from the first message until everything was stored and computed.
        observations, received: stored, and readings that arrived.
        kills: how many.
        differences: from the truth; empty when every table is right.
    """

    way: str
    digest: str
    expected: str
    seconds: float
    observations: int
    received: int
    kills: int
    differences: tuple[str, ...]


def exact(
    fleet_file: Path, *, ways: tuple[str, ...] = WAYS, kills: int = KILLS_MIN, seed: int = 0
) -> Iterator[Verdict]:
    """Run the ways one after the other and yield what came of each.

    Args:
        fleet_file: what is sent; without faults of its own the way `faults` is left out.
        ways: which.
        kills: how many at least.
        seed: of the random order and of the kills.

    Raises:
        BenchError, deploy.StackError, FleetError: the bench itself does not work.
    """
    deploy.unpack_servers(lambda _: None)
    folder = Path(tempfile.mkdtemp(prefix="cityvitals-exact-"))
    try:
        fleet = build(fleet_file, folder / "city")
        known: dict[str, Expected] = {}
        usual_s = 0.0
        with deploy.temporary(folder / "stack") as stack:
            for way in ways:
                sent = "in-order" if way == "kills" else way
                if has_faults(sent) and not fleet.spec.faults:
                    continue
                # Three ways have the same figures, and the truth about three million observations takes a while.
                expected = known.get(sent) or Expected(fleet, sent, folder / "truth" / sent)
                known[sent] = expected
                one = _Way(fleet, expected, stack.database, folder / way, seed)
                verdict = one.killed(kills, usual_s) if way == "kills" else one.undisturbed()
                usual_s = usual_s or verdict.seconds
                yield verdict
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Way:
    """One way on servers of its own: the expected, and how it comes about."""

    def __init__(self, fleet: Fleet, expected: Expected, database: deploy.Database, folder: Path, seed: int) -> None:
        self.fleet, self.expected, self.database, self.folder, self.seed = fleet, expected, database, folder, seed

    def undisturbed(self) -> Verdict:
        """Send, and wait until exactly as many readings arrived as were sent."""
        with self._rig() as rig:
            began = time.monotonic()
            with self._sender(rig, 0.0) as sender:
                sender.done()
            rig.pipeline.poll_s = POLL_S
            rig.pipeline.drained(self.expected.received, DRAIN_S_MAX)
            took_s = time.monotonic() - began
            return self._verdict(rig, took_s, 0, self.expected.differences(rig.pipeline))

    def killed(self, kills_min: int, usual_s: float) -> Verdict:
        """Send, kill at random instants spread over the time that it usually takes, and wait until all is there."""
        dice = random.Random(f"exact {self.seed}")  # noqa: S311  repeatable, not secret
        kills = 0
        with self._rig() as rig:
            pipeline = rig.pipeline
            began = time.monotonic()
            with self._sender(rig, RESEND_S) as sender:
                sender.under_way()
                while kills < kills_min:
                    rig.rest(REST_S_MIN + dice.random() * 2 * usual_s / kills_min)
                    victim = VICTIMS[int(dice.random() * len(VICTIMS))]
                    rig.kill(victim)
                    kills += 1
                    rig.rest(dice.random())
                    rig.start(victim)
                rig.set_right()
                sender.done()

            def here() -> bool:
                rig.rest(0.0)
                return pipeline.reached(self.expected.accepted, counted="accepted")

            wait_until(
                here, DRAIN_S_MAX, lambda: f"every observation; the ledger says {pipeline.ledger()}", poll_s=POLL_S
            )
            took_s = time.monotonic() - began
            return self._verdict(rig, took_s, kills, self.expected.differences_after_kills(pipeline))

    @contextmanager
    def _rig(self) -> Iterator[Rig]:
        def leave(broker_url: str) -> None:
            if has_faults(self.expected.way):
                leave_retained(self.fleet, broker_url)

        with Rig(self.fleet.city, self.database, self.folder, lines=False, before=leave, settings=SETTINGS) as rig:
            yield rig

    def _sender(self, rig: Rig, resend_s: float) -> Sender:
        spec = self.fleet.spec
        return Sender(
            Order(
                str(spec.path), spec.seed, str(self.fleet.city), rig.devices_url, self.expected.way, self.seed,
                CONNECTIONS, resend_s,
            )
        )  # fmt: skip

    def _verdict(self, rig: Rig, took_s: float, kills: int, differences: list[str]) -> Verdict:
        ledger = rig.pipeline.ledger()
        return Verdict(
            way="kills" if kills else self.expected.way,
            digest=_together(self.expected.found()),
            expected=_together(self.expected.digests),
            seconds=round(took_s, 1),
            observations=ledger["accepted"],
            received=ledger["received"],
            kills=kills,
            differences=tuple(differences),
        )


def _together(digests: Mapping[str, str]) -> str:
    """Return one digest for all tables of figures: SHA-256 over lines `table digest`, sorted."""
    lines = [f"{table} {digest}\n" for table, digest in sorted(digests.items()) if table not in COUNTS]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
