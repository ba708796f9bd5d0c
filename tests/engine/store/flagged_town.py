"""Five stations in one zone whose figures a person can work out by hand, each of whose faults a rule flags.

They report PM2.5 every ten minutes of five days of November, by turns 20 and 22 µg/m3, so that a whole hour or day has
the mean 21. But: `stuck` says 25 from 6:00 to 8:50 of the second day; `spiking` says 300 once, at 12:30 of that day;
`drifting` is 19 higher on the second, third and fourth day. `calm` and `other` have no fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from itertools import count

import numpy as np

from devices import Drift, ObservationBatch, QualityRule, Rate, Registry, Rule, Spike, Stuck
from engine.calendar import Calendar
from engine.quality_book import QualityBook
from engine.store import Store
from tests.engine.store.live import Live
from tests.engine.store.town import town

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
STEP_US = 10 * MINUTE_US
PER_DAY = 144
DAYS = 5
YEAR = 2023
CODES = ("stuck", "spiking", "drifting", "calm", "other")
STUCK, SPIKING, DRIFTING, CALM, OTHER = range(5)
PM = ("pm2_5",)
RULES = (
    QualityRule(Rule.STUCK, PM, (), True, Stuck(Fraction(0), 2 * HOUR_US, 6, None)),
    QualityRule(Rule.SPIKE, PM, (), True, Spike(Fraction(50), 0)),
    QualityRule(Rule.RATE, PM, (), False, Rate(Fraction(1000), HOUR_US, HOUR_US)),
    QualityRule(Rule.DRIFT, PM, (), True, Drift(Fraction(10), 3, 3, False)),
)


def flagged_town(rules: Sequence[QualityRule] = RULES) -> Registry:
    """Return the town, with these rules."""
    plain = town(("air_station",), count=len(CODES))
    first, last = (begin_us(plain, day) for day in (0, DAYS))
    devices = tuple(
        replace(
            one, code=code, zone="north", interval_us=STEP_US, topic=f"cityvitals/town/{code}/telemetry",
            service_from_us=first, service_to_us=last,
        )
        for one, code in zip(plain.devices, CODES, strict=True)
    )  # fmt: skip
    return replace(plain, devices=devices, city=replace(plain.city, quality=tuple(rules)))


def begin_us(registry: Registry, day: int = 0) -> int:
    """Return when a day begins; the first is number 0."""
    return Calendar(registry.city.zone_info, YEAR, YEAR).day_bounds(date(YEAR, 11, 6 + day))[0]


def slot_of(registry: Registry, code: str) -> int:
    return registry.slot(code, "pm2_5")


def readings(registry: Registry) -> ObservationBatch:
    """Return all readings, by device and time."""
    start = begin_us(registry)
    at = np.arange(DAYS * PER_DAY)
    values = np.tile(20 + 2 * (at % 2), (len(CODES), 1))
    second = PER_DAY
    values[STUCK, second + 36 : second + 54] = 25
    values[SPIKING, second + 75] = 300
    values[DRIFTING, second : second + 3 * PER_DAY] += 19
    slots = np.repeat([slot_of(registry, code) for code in CODES], at.size)
    return ObservationBatch.of(slots, np.tile(start + at * STEP_US, len(CODES)), values.ravel() * 1000)


@dataclass
class Judged:
    """An engine and the keeper's book of flags on one store, working in turns.

    Attributes:
        live: the engine.
        book: the flags.
        rounds: looks that found something due.
    """

    live: Live
    book: QualityBook
    rounds: int = field(default=0)

    @classmethod
    def on(cls, store: Store, registry: Registry, now_us: int) -> Judged:
        """Begin on a store that owns both duties."""
        live = Live(store, registry, now_us)
        book = QualityBook(store, registry)
        book.begin()
        return cls(live, book)

    def take(self, batch: ObservationBatch) -> None:
        """Store a commit, compute, flag, and compute what follows from the flags."""
        self.live.take(batch)
        self.judge()

    def judge(self) -> None:
        """Bring flags and figures up to date."""
        for _ in count():
            if not self.book.look().hours:
                break
            self.rounds += 1
        self.live.reweigh()
