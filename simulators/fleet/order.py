"""In which order messages are sent: by their time, shuffled, or each of them twice.

Knows messages as numbers; knows no bytes and no connection. Whatever the way, messages that contradict each other (one
device, one series, one time, two values) keep the order in which they came to be: the first of them is what counts,
and on the device's one connection it arrives first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.fleet.chance import below, key, shuffled, words_at
from simulators.fleet.errors import FleetError
from simulators.fleet.plan import Dress
from simulators.fleet.verdict import Verdicts

WAYS: Final = ("in-order", "shuffled", "twice", "faults", "faults-shuffled")
"""How a fleet may be sent. The first three send everything as it was meant; the others what the faults made of it."""
AGAIN_WITHIN_MESSAGES = 64
"""With `twice` a message comes again after at most so many others."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """Messages in the order of sending.

    Attributes:
        message: int64, numbers of messages of the plan. due_us: int64, when each is sent, on the clock of the readings;
            never falls.
        storms: positions before which the whole fleet loses its connections.
    """

    message: NDArray[np.int64]
    due_us: NDArray[np.int64]
    storms: tuple[int, ...]

    def __len__(self) -> int:
        return int(self.message.size)


def has_faults(way: str) -> bool:
    """Return whether a way of sending includes the faults.

    Raises:
        FleetError: no such way.
    """
    if way not in WAYS:
        raise FleetError(f"unknown way {way!r}; known: {', '.join(WAYS)}")
    return way.startswith("faults")


def sequence_of(verdicts: Verdicts, way: str, seed: int) -> Sequence:
    """Return the messages of a plan in one of `WAYS`; retained ones are not among them."""
    plan = verdicts.plan
    live = np.flatnonzero(plan.dress != Dress.RETAINED).astype(np.int64)
    sequence = live[np.argsort(plan.send_us[live], kind="stable")]
    due_us = plan.send_us[sequence]
    storms = tuple(int(np.searchsorted(due_us, at)) for at in plan.storms_us)
    if way.endswith("shuffled"):
        sequence = sequence[shuffled(key(seed, "shuffle"), sequence.size)]
    if way == "twice":
        place = np.arange(sequence.size, dtype=np.int64)
        later = 1 + below(words_at(key(seed, "twice"), place), AGAIN_WITHIN_MESSAGES)
        order = np.lexsort((np.repeat([0, 1], sequence.size), np.concatenate([place, place + later])))
        sequence, due_us = np.concatenate([sequence, sequence])[order], np.sort(np.concatenate([due_us, due_us]))
    return Sequence(_in_turn(sequence, verdicts), due_us, storms)


def _in_turn(sequence: NDArray[np.int64], verdicts: Verdicts) -> NDArray[np.int64]:
    """Return the sequence with each device's contested messages put into the order in which they came to be."""
    at = np.flatnonzero(verdicts.contested[sequence])
    device = verdicts.plan.device[sequence[at]]
    places = at[np.argsort(device, kind="stable")]
    in_turn = sequence[at][np.lexsort((sequence[at], device))]
    turned = sequence.copy()
    turned[places] = in_turn
    return turned
