"""Chaos: a seeded fleet through gateway, database and broker while a seeded script kills, pauses, cuts and fills them;
then every table is compared with the truth.

Knows runs and their verdicts; what can be struck is `rig`, what is struck and when `script`, what must come out
`expectation`.

What is guaranteed, and how it is compared:

- Every observation is counted once and none is lost, whoever is killed: all tables of figures equal the truth to the
  last byte.
- A broker that is killed loses what it had acknowledged to a device and not written yet; Mosquitto writes every few
  seconds. Nobody behind it can know of that. Devices with a buffer make up for it: after a lost connection they send
  again what was acknowledged within the last `RESEND_S`, and leave only when nothing is younger: whatever a broker
  loses is lost while they are there.
- Between COMMIT and PUBACK a kill leaves a stored message unacknowledged, and it comes again: a good one is then a
  duplicate and changes no figure, a bad one is quarantined a second time. So quarantined messages are compared as a set
  of (device, reason, payload), and of ledgers what repetition cannot change: that they balance, what was accepted, and
  that nothing is missing. In runs without kills counts are compared exactly (`exact`).
- A server that is away when the gateway starts ends it, with an error that says so; a service manager would start it
  again, and here the rig does.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import deploy
from simulators.bench.errors import BenchError
from simulators.bench.expectation import Expected
from simulators.bench.rig import Rig
from simulators.bench.script import ACTS, Act, script
from simulators.bench.sender import Order, Sender
from simulators.bench.waiting import wait_until
from simulators.errors import SimulatorError
from simulators.fleet import WAYS, Fleet, build, leave_retained, load_fleet
from simulators.fleet.order import has_faults

RESEND_S: Final = 8.0
"""The broker saves every 5 s."""
SENDING_S = 10.0
"""Sending is slowed so that it takes about this long: there has to be something to disturb."""
CONNECTIONS = 8
DRAIN_S_MAX = 240.0
DRAIN_POLL_S = 0.3


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one seed.

    Attributes:
        seed: of fleet, order of sending and script.
        way: how the fleet was sent.
        acts: what was done.
        deaths: how often the gateway ended by itself, because a server was away when it started.
        resent: messages that devices sent again.
        seconds: from the first start to the verdict.
        accepted, received: observations stored, and readings that arrived.
        differences: from the truth; empty when every table is right.
        logs: folder with what everything said; "" where nothing was wrong.
    """

    seed: int
    way: str
    acts: tuple[Act, ...]
    deaths: int = 0
    resent: int = 0
    seconds: float = 0.0
    accepted: int = 0
    received: int = 0
    differences: tuple[str, ...] = ()
    logs: str = ""


@contextmanager
def bench() -> Iterator[deploy.LimitedDatabase]:
    """A database server for many runs, unpacked first where that was not done yet."""
    deploy.unpack_servers(lambda _: None)
    with (
        tempfile.TemporaryDirectory(prefix="cityvitals-chaos-") as folder,
        deploy.LimitedDatabase(Path(folder)) as server,
    ):
        yield server


def run(
    fleet_file: Path, seed: int, database: deploy.LimitedDatabase, *, acts: int = ACTS, sending_s: float = SENDING_S
) -> Run:
    """Do one run and compare every table.

    Args:
        fleet_file: its seed is replaced.
        seed: of everything.
        database: a running server, see `bench`.
        acts: how many disturbances.
        sending_s: sending is slowed so that it takes about so long.
    """
    planned = script(seed, acts)
    folder = Path(tempfile.mkdtemp(prefix=f"cityvitals-chaos-{seed}-"))
    began = time.monotonic()
    known = Run(seed, "", planned, logs=str(folder))
    try:
        fleet = build(replace(load_fleet(fleet_file), seed=seed), folder / "city")
        known = replace(known, way=_way(fleet, seed))
        known = _disturbed(known, fleet, folder, database, sending_s)
    except (SimulatorError, deploy.StackError) as error:
        known = replace(known, differences=(*known.differences, f"the run broke down: {error}"))
    known = replace(known, seconds=round(time.monotonic() - began, 1))
    if known.differences:
        return known
    shutil.rmtree(folder, ignore_errors=True)
    return replace(known, logs="")


def _way(fleet: Fleet, seed: int) -> str:
    """Return how a seed sends; where the fleet has faults, more than half of the seeds send them."""
    plain, faulty = ([way for way in WAYS if has_faults(way) is with_faults] for with_faults in (False, True))
    bag = [*plain, *faulty, *faulty] if fleet.spec.faults else plain
    return bag[int(random.Random(f"way {seed}").random() * len(bag))]  # noqa: S311  repeatable, not secret


def _disturbed(known: Run, fleet: Fleet, folder: Path, database: deploy.LimitedDatabase, sending_s: float) -> Run:
    way, seed = known.way, known.seed
    expected = Expected(fleet, way, folder / "truth")
    bytes_all = sum(len(message.payload) + len(message.topic) for message in fleet.messages(way, seed))

    def leave(broker_url: str) -> None:
        if has_faults(way):
            leave_retained(fleet, broker_url)

    bytes_s = max(1, int(bytes_all / CONNECTIONS / sending_s))
    with Rig(fleet.city, database, folder, bytes_s=bytes_s, before=leave) as rig:
        order = Order(
            str(fleet.spec.path), seed, str(fleet.city), rig.devices_url, way, seed, CONNECTIONS,
            RESEND_S if any("broker" in act.whom and act.verb == "kill" for act in known.acts) else 0.0,
        )  # fmt: skip
        with Sender(order) as sender:
            sender.under_way()
            for act in known.acts:
                rig.act(act)
            rig.set_right()
            summary = sender.done()
        rig.back()
        differences = _settled(rig, expected)
        ledger = rig.pipeline.ledger()
        return replace(
            known, deaths=rig.deaths, resent=int(summary["resent"]), accepted=ledger["accepted"],
            received=ledger["received"], differences=tuple(differences),
        )  # fmt: skip


def _settled(rig: Rig, expected: Expected) -> list[str]:
    """Wait until everything is stored and computed; return the differences from the truth."""

    pipeline = rig.pipeline

    def here() -> bool:
        rig.rest(0.0)
        return pipeline.reached(expected.accepted, counted="accepted") and not expected.unlike_quarantine(pipeline)

    try:
        wait_until(here, DRAIN_S_MAX, "every observation and every refused message", poll_s=DRAIN_POLL_S)
    except BenchError as error:
        return [str(error), *expected.differences_after_kills(pipeline)]
    return expected.differences_after_kills(pipeline)
