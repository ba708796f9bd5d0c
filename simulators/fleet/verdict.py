"""What must become of every reading of a plan: counted, a duplicate, or quarantined with a reason.

Knows the rules a gateway states in its documentation, written down a second time; asks no gateway and no codec.

Of readings with one series and time the first counts. Messages whose readings contradict each other are always sent in
the order in which they came to be (`simulators.fleet.order`), so "the first" is the first row of the plan in every way
of sending: nothing here depends on the order of messages.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from devices import REASON_CODES, REASONS, ObservationBatch, Registry
from simulators.fleet.plan import NOT_REFUSED, Dress, Plan
from simulators.fleet.senders import senders_of

TIME_US_MIN = 946_684_800_000_000
"""Before 2000 no clock was ever set."""
COUNTED, DUPLICATE = -1, -2
"""Verdicts beside positions in `REASONS`."""
_IN_ONE = {Dress.GARBAGE: "malformed", Dress.HALF: "malformed", Dress.STRANGER: "unknown_device"}
"""Dresses of messages nobody can read: one reading each, for nobody knows how many they hold."""


@dataclass(slots=True)
class Tally:
    """What one device's readings come to.

    Attributes:
        received: accepted + duplicate + quarantined. by_reason: the quarantined ones.
    """

    accepted: int = 0
    duplicate: int = 0
    by_reason: Counter[str] = field(default_factory=Counter)

    @property
    def quarantined(self) -> int:
        """Return how many are quarantined."""
        return self.by_reason.total()

    @property
    def received(self) -> int:
        """Return how many there are in all."""
        return self.accepted + self.duplicate + self.quarantined


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What becomes of each reading, and which messages must keep their order.

    Attributes:
        plan: the plan judged.
        reading: int16, per reading COUNTED, DUPLICATE or a position in `REASONS`; of messages that nobody can read
            (`in_one`) and retained ones meaningless.
        in_one: int8, per message NOT_REFUSED or the reason it counts under, as one reading.
        contested: bool, per message: another says something else for one of its series and times.
        blamed: int32, per message, the device that it counts for where it counts in one; -1 where nobody knows whose
            it is.
    """

    plan: Plan
    reading: NDArray[np.int16]
    in_one: NDArray[np.int8]
    contested: NDArray[np.bool_]
    blamed: NDArray[np.int32]

    def accepted(self) -> ObservationBatch:
        """Return every observation that must be stored, by slot and time."""
        plan = self.plan
        rows = np.flatnonzero((self.reading == COUNTED) & (self.in_one[plan.message] == NOT_REFUSED))
        order = rows[np.lexsort((plan.time_us[rows], plan.slot[rows]))]
        return ObservationBatch.of(plan.slot[order], plan.time_us[order], plan.ticks[order])

    def tally(self, registry: Registry, *, times: int = 1) -> dict[str, Tally]:
        """Return the tally of each device with anything received, by code; '' is of messages of nobody.

        Args:
            registry: of the devices.
            times: how often each message is sent. What is retained arrives once all the same.
        """
        plan = self.plan
        codes = [device.code for device in registry.devices]
        found: dict[str, Tally] = {}
        device = registry.series().device[plan.slot]
        readable = self.in_one[plan.message] == NOT_REFUSED
        for verdict in np.unique(self.reading[readable]).tolist():
            counts = np.bincount(device[readable & (self.reading == verdict)], minlength=len(codes))
            for at in np.flatnonzero(counts).tolist():
                tally, count = found.setdefault(codes[at], Tally()), int(counts[at])
                if verdict == COUNTED:
                    tally.accepted += count
                    tally.duplicate += count * (times - 1)
                elif verdict == DUPLICATE:
                    tally.duplicate += count * times
                else:
                    tally.by_reason[REASONS[verdict]] += count * times
        for at in np.flatnonzero(self.in_one != NOT_REFUSED).tolist():
            reason = REASONS[self.in_one[at]]
            code = codes[self.blamed[at]] if self.blamed[at] >= 0 else ""
            found.setdefault(code, Tally()).by_reason[reason] += 1 if reason == "retained" else times
        return {code: found[code] for code in sorted(found)}


def judge(plan: Plan, registry: Registry) -> Verdicts:
    """Return what must become of everything in a plan."""
    in_one = np.full(plan.message_count, NOT_REFUSED, np.int8)
    for dress, reason in _IN_ONE.items():
        in_one[plan.dress == dress] = REASON_CODES[reason]
    in_one[plan.dress == Dress.RETAINED] = REASON_CODES["retained"]
    reading = _admission(plan, registry)
    rows = np.flatnonzero((reading == COUNTED) & (in_one[plan.message] == NOT_REFUSED))
    slot, time_us, ticks = plan.slot[rows], plan.time_us[rows], plan.ticks[rows]
    order = np.lexsort((time_us, slot))  # stable: of one key the first row stays first
    slot, time_us, ticks = slot[order], time_us[order], ticks[order]
    contested = np.zeros(plan.message_count, np.bool_)
    if rows.size:
        fresh = np.append(True, (slot[1:] != slot[:-1]) | (time_us[1:] != time_us[:-1]))
        heads = np.flatnonzero(fresh)
        sizes = np.diff(np.append(heads, rows.size))
        other = ticks != np.repeat(ticks[heads], sizes)
        reading[rows[order]] = np.where(fresh, COUNTED, np.where(other, REASON_CODES["conflict"], DUPLICATE))
        disputed = np.repeat(np.bitwise_or.reduceat(other, heads), sizes)
        contested[plan.message[rows[order[disputed]]]] = True
    senders = senders_of(registry)
    nobodys = (plan.dress == Dress.STRANGER) | senders.feed[plan.device]
    nobodys |= (plan.dress == Dress.RETAINED) & senders.carried[plan.device]
    return Verdicts(plan, reading, in_one, contested, np.where(nobodys, -1, plan.device).astype(np.int32))


def _admission(plan: Plan, registry: Registry) -> NDArray[np.int16]:
    """Return per reading COUNTED, or what stands against it by itself: clock before service, service before value."""
    series = registry.series()
    dress = plan.dress[plan.message]
    verdict = np.full(plan.reading_count, COUNTED, np.int16)
    outside = (plan.ticks < series.low_ticks[plan.slot]) | (plan.ticks > series.high_ticks[plan.slot])
    verdict[outside] = REASON_CODES["out_of_range"]
    verdict[plan.time_us >= series.service_to_us[plan.slot]] = REASON_CODES["after_service"]
    verdict[plan.time_us < series.service_from_us[plan.slot]] = REASON_CODES["before_service"]
    verdict[dress == Dress.FUTURE] = REASON_CODES["future_clock"]
    verdict[(dress == Dress.UNSET) | (plan.time_us < TIME_US_MIN)] = REASON_CODES["bad_time"]
    refused = plan.refused != NOT_REFUSED
    verdict[refused] = plan.refused[refused]
    return verdict
