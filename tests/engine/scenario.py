"""One fixed run of a worker with all kinds, late readings, evictions and a crash, written down as text."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from devices.measurands import Kind
from engine import Calendar
from tests.engine.desk import Desk
from tests.oracle import EPOCH, HOUR_US, MINUTE_US, Fact

FACTS = [
    Fact(Kind.GAUGE, low=-1000, high=1000),
    Fact(Kind.COUNTER, modulus=1000, rate=400),
    Fact(Kind.COUNTER, high=9 * 10**13, interval_us=HOUR_US),
    Fact(Kind.LEVEL, high=1300),
    Fact(Kind.ANGLE, high=3600),
    Fact(Kind.STATE, high=3, interval_us=20 * MINUTE_US),
    Fact(Kind.EVENT, high=500),
]


def figures() -> str:
    """Return every cell and decision of the run."""
    dice = random.Random(20161030)  # noqa: S311
    begin = (datetime(2016, 10, 29, 5, tzinfo=UTC) - EPOCH).total_seconds() * 1_000_000
    desk = Desk(FACTS, Calendar(ZoneInfo("Europe/Madrid"), 2016, 2017))
    readings = {
        (dice.randrange(len(FACTS)), int(begin) + dice.randrange(36 * 60) * MINUTE_US + dice.choice((0, 1, 30_000_000)))
        for _ in range(300)
    }
    line = [(slot, time_us, dice.randint(FACTS[slot].low, FACTS[slot].high)) for slot, time_us in sorted(readings)]
    dice.shuffle(line)
    for at in range(0, len(line), 20):
        desk.feed(line[at : at + 20])
        if at % 60 == 0:
            desk.flush()
            desk.evict(int(begin) + 20 * HOUR_US)
    desk.restart(crash=True)
    return repr([sorted(grid.items()) for grid in desk.result()]) + repr(sorted(desk.decisions.items()))
