"""What a chaos run does and when, all of it from one seed: the same seed, the same script, on every machine.

Knows names of things and lengths of time; does nothing itself (that is `rig`), and knows no server.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

PROCESSES: Final = ("gateway", "database", "broker")
LINES: Final = ("gateway-broker", "gateway-database", "devices-broker")
VERBS: Final = {
    # verb: whom it befalls, and how likely it is beside the others
    "kill": (PROCESSES, 6),
    "restart": (PROCESSES, 2),
    "pause": (PROCESSES, 3),
    "fill": (("database",), 2),
    "cut": (LINES, 3),
    "refuse": (LINES, 1),
    "slow": (LINES, 2),
    "stall": (LINES, 2),
}
ACTS = 6
REST_S_MAX = 1.5
"""Longest peace between two acts."""
HOLD_S_MAX = 1.5
"""Longest time that something stays down, paused, slow or full."""


@dataclass(frozen=True, slots=True)
class Act:
    """One disturbance.

    Attributes:
        rest_s: peace before it.
        verb: one of `VERBS`.
        whom: processes or lines, in the order in which they are struck. order: in which they are started again.
        hold_s: how long it lasts.
    """

    rest_s: float
    verb: str
    whom: tuple[str, ...]
    order: tuple[str, ...]
    hold_s: float

    def __str__(self) -> str:
        again = f", then {', '.join(self.order)}" if self.order not in (self.whom, self.whom[:1]) else ""
        return f"after {self.rest_s:.2f} s {self.verb} {', '.join(self.whom)} for {self.hold_s:.2f} s{again}"


def script(seed: int, acts: int = ACTS) -> tuple[Act, ...]:
    """Return the acts of a seed. Numbers come from `random.Random`, whose `random()` never changes."""
    dice = random.Random(f"chaos {seed}")  # noqa: S311  repeatable, not secret
    bag = [verb for verb, (_, weight) in VERBS.items() for _ in range(weight)]
    return tuple(_act(dice, bag[int(dice.random() * len(bag))]) for _ in range(acts))


def _act(dice: random.Random, verb: str) -> Act:
    among = _shuffled(dice, VERBS[verb][0])
    # Mostly one at a time; a restart is of everything, and a kill may take several at once.
    count = len(among) if verb == "restart" else 1
    if verb == "kill" and dice.random() < 1 / 3:
        count = 2 + int(dice.random() * (len(among) - 1))
    whom = among[:count]
    rest_s, hold_s = (round(dice.random() * longest, 3) for longest in (REST_S_MAX, HOLD_S_MAX))
    return Act(rest_s, verb, whom, _shuffled(dice, whom), hold_s)


def _shuffled(dice: random.Random, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda _: dice.random()))
