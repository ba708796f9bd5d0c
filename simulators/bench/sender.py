"""A fleet sent by a process of its own, so that it neither waits for what is tested nor slows it.

Knows how to start `python -m simulators.bench.sender '{...}'` and what it prints: a line once it is under way, and one
JSON object at the end, the summary.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from simulators.bench.errors import BenchError
from simulators.fleet import Fleet, load_fleet, send
from simulators.fleet.send import SendProgress

UNDER_WAY = "under way\n"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be sent.

    Attributes:
        fleet: the fleet file. fleet_seed: instead of the file's. city: folder of its city, which is written already.
        broker_url: where to.
        way, seed, connections, resend_s: as in `simulators.fleet.send`.
    """

    fleet: str
    fleet_seed: int
    city: str
    broker_url: str
    way: str
    seed: int = 0
    connections: int = 8
    resend_s: float = 0.0


class Sender:
    """The process. Use as a context manager: it is always ended.

    Args:
        order: what is to be sent.
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        self.process = subprocess.Popen(  # noqa: S603  (our own program, arguments as a list)
            [sys.executable, "-P", "-m", "simulators.bench.sender", json.dumps(asdict(order))],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        if self.going_on:
            self.process.kill()
        self.process.communicate()

    @property
    def going_on(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def under_way(self) -> None:
        """Wait until every device is connected and the first messages are out; only then can a broker be missed."""
        if self.process.stdout is not None:
            self.process.stdout.readline()  # empty where it failed, which `done` tells

    def done(self) -> dict[str, Any]:
        """Wait for its end; return the summary of `simulators.fleet.send` as a mapping.

        Raises:
            BenchError: it failed; with what it said.
        """
        out, err = self.process.communicate()
        if self.process.returncode:
            raise BenchError(f"the devices could not send:\n{err[-3000:]}")
        summary: dict[str, Any] = json.loads(out.removeprefix(UNDER_WAY))
        return summary


def main() -> None:
    """Send what the argument says."""
    order = Order(**json.loads(sys.argv[1]))
    spec = replace(load_fleet(Path(order.fleet)), seed=order.fleet_seed)
    begun = False

    def tell(_: SendProgress) -> None:
        nonlocal begun
        if not begun:
            begun = True
            sys.stdout.write(UNDER_WAY)
            sys.stdout.flush()

    summary = send(
        Fleet(spec, Path(order.city)),
        order.broker_url,
        way=order.way,
        seed=order.seed,
        connections=order.connections,
        resend_s=order.resend_s,
        progress=tell,
    )
    sys.stdout.write(json.dumps(asdict(summary)) + "\n")


if __name__ == "__main__":
    main()
