"""Storing a commit of readings: all of it or nothing, once, with every reading accounted for.

Knows observations, quarantine and ledger; knows neither payloads nor windows. The high-water mark of a series is the
time of its newest stored observation: what lies after it is new without looking and goes the fast road (COPY); all
else is looked up and goes the slow road.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from devices.series import TIME_MIN_US
from engine.store import binary
from engine.store.accounts import Accountant
from engine.store.errors import StoreError
from engine.store.newest import Newest, NewestKeeper, latest
from engine.store.records import Append, Appended, Outcome, QuarantineRow, StoreLimits
from engine.store.session import Duty, Session
from engine.store.slots import Slots
from engine.store.sorting import Plan, late_hours, plan, settle
from engine.store.stretches import OBSERVATION_US, stretches
from engine.store.texts import fit_text
from engine.store.windows import SLICE_ROWS

_QUARANTINE_TYPES = ("int8", "timestamptz", "text", "text", "text", "text", "int4", "int8", "bytea")


class Appender:
    """Stores commits of one gateway, one after the other.

    Attributes:
        high_us: int64 by slot, the high-water marks; moved only when a commit is known to have taken place.
        redone: commits that had to be done again because a mark was behind its table.
    """

    def __init__(
        self, session: Session, slots: Slots, accountant: Accountant, limits: StoreLimits, high_us: NDArray[np.int64]
    ) -> None:
        self._session, self._slots, self._accountant, self._limits = session, slots, accountant, limits
        self._newest = NewestKeeper(session)
        self.high_us = high_us
        self.redone = 0
        # The last commit whose answer did not come: should it be asked for again, what it did is known.
        self._doubt: tuple[Append, Appended] | None = None

    def append(self, wanted: Append) -> Appended:
        """Store a commit, or find that it was stored already.

        When this raises StoreUnavailable, whether the commit took place may be unknown: connect and own again, and
        give the same record again. The owner's lock guarantees that by then the former attempt is settled.

        Raises:
            NotOwned: the partition is not owned with Duty.APPEND.
            StoreUnavailable: see above.
            StoreError: more rows than `StoreLimits.rows_max`, times the database cannot hold, columns of unequal
                length, or a key that was used for another commit.
        """
        self._session.require(wanted.partition, Duty.APPEND)
        self._check(wanted)
        found = self._settled(wanted)
        if found is not None:
            return found
        keys = plan(wanted.batch, self._slots.series_id, self.high_us)
        try:
            done = self._try(wanted, keys, redone=False)
        except psycopg.errors.UniqueViolation:
            # Another gateway wrote in between, or a mark was lost: what was sure is not, so look up everything.
            self.redone += 1
            careful = Plan(keys.leader, keys.key, np.zeros(keys.leader.size, np.bool_))
            done = self._try(wanted, careful, redone=True)
        self._committed(wanted)
        return done

    def _check(self, wanted: Append) -> None:
        batch = wanted.batch
        if not batch.slot.size == batch.time_us.size == batch.ticks.size == batch.flags.size:
            raise StoreError("the columns of a batch have unequal length")
        if len(batch) > self._limits.rows_max:
            raise StoreError(f"a commit of {len(batch)} readings; at most {self._limits.rows_max}: split it")
        if len(batch) and not (
            batch.time_us.min() >= binary.TIME_LOW_US and batch.time_us.max() <= binary.TIME_HIGH_US
        ):
            raise StoreError("a time that the database cannot hold: admission must refuse it")

    def _settled(self, wanted: Append) -> Appended | None:
        """Return what a former attempt at this commit did, if it took place."""
        if self._doubt is None:
            return None
        asked, remembered = self._doubt
        if asked.key != wanted.key:
            self._doubt = None
            return None
        rows = self._session.rows("ledger_find", {"key": wanted.key})
        self._doubt = None
        if not rows:
            return None
        self._committed(asked)
        return remembered

    def _committed(self, done: Append) -> None:
        """Move the marks: every reading of a commit is now in the table, by itself or by its twin."""
        self._doubt = None
        np.maximum.at(self.high_us, done.batch.slot, done.batch.time_us)

    def _try(self, wanted: Append, keys: Plan, redone: bool) -> Appended:
        """Do all of a commit in one transaction."""
        session, batch = self._session, wanted.batch
        with session.transaction():
            session.step("begun")
            stored, ticks = self._observations(wanted, keys)
            outcome = settle(batch, keys, stored, ticks)
            ((commit_id,),) = session.rows("ledger_number")
            conflicts = [
                wanted.conflict_row(row, int(ticks[keys.key[row]]))
                for row in np.flatnonzero(outcome == Outcome.CONFLICT).tolist()
            ]
            replayed = self._take_up(wanted.replayed)
            trimmed = self._quarantine(commit_id, [*wanted.refused, *conflicts])
            session.step("quarantined")
            accounts = self._accountant.count(batch.slot, outcome, wanted.refused)
            if accounts.devices:
                session.run("account_device", accounts._asdict())
            restated = self._restate(
                wanted, commit_id, batch.slot[keys.leader[stored]], batch.time_us[keys.leader[stored]]
            )
            counts = np.bincount(outcome, minlength=len(Outcome))
            done = Appended(
                commit_id=commit_id,
                outcome=outcome,
                accepted=int(counts[Outcome.ACCEPTED]),
                duplicate=int(counts[Outcome.DUPLICATE]),
                conflict=int(counts[Outcome.CONFLICT]),
                refused=sum(row.readings for row in wanted.refused),
                restated=restated,
                looked_up=int((~keys.fast).sum()),
                trimmed=trimmed,
                replayed=replayed,
                redone=redone,
            )
            self._account(wanted, done)
            # From here on the answer may get lost.
            self._doubt = (wanted, done)
            session.step("accounted")
        session.step("committed")
        return done

    def _observations(self, wanted: Append, keys: Plan) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Store what is new; return by key whether it was, and the ticks the table now holds."""
        session, batch = self._session, wanted.batch
        slot, time_us = batch.slot[keys.leader], batch.time_us[keys.leader]
        ticks, flags = batch.ticks[keys.leader], batch.flags[keys.leader]
        series = self._slots.series_id[slot]
        stored, held = keys.fast.copy(), ticks.copy()
        fast, slow = np.flatnonzero(keys.fast), np.flatnonzero(~keys.fast)
        if fast.size:
            body = binary.rows((binary.stamps(time_us[fast]), ticks[fast], series[fast], flags[fast]))
            session.copy("copy_observation", body)
            session.step("copied")
        for first in range(0, slow.size, SLICE_ROWS):
            some = slow[first : first + SLICE_ROWS]
            asked: dict[str, NDArray[Any]] = {
                "time": time_us[some],
                "series": series[some],
                "key": some.astype(np.int32),
            }
            ((packed,),) = session.rows(
                "append_slow",
                {
                    "ticks": binary.Longs(ticks[some]),
                    "flags": binary.Ints(flags[some].astype(np.int32)),
                    **_given(asked),
                },
            )
            (fresh,) = binary.unpack_columns(packed or b"", ("i4",))
            stored[fresh] = True
            session.step("tried")
            if fresh.size < some.size:
                self._known(asked, held)
            session.step("looked up")
        self._keep_newest(wanted.partition, stored, Newest(series, time_us, ticks), self.high_us[slot])
        unseen = np.unique(series[stored & (self.high_us[slot] <= TIME_MIN_US)])
        if unseen.size:
            session.run("append_seen", {"series": unseen.tolist()})
        return stored, held

    def _keep_newest(
        self, partition: int, stored: NDArray[np.bool_], readings: Newest, high_us: NDArray[np.int64]
    ) -> None:
        """Keep the newest reading of each series that this commit took further; marks that are behind only add some."""
        further = np.flatnonzero(stored & (readings.time_us > high_us))
        self._newest.add(partition, latest(Newest._make(column[further] for column in readings)))
        self._session.step("newest kept")

    def _known(self, asked: Mapping[str, NDArray[Any]], held: NDArray[np.int64]) -> None:
        """Put the ticks that the table holds for readings into `held`, by key."""
        time_us = asked["time"]
        for limits in stretches(time_us, OBSERVATION_US):
            between = (time_us >= limits["low"].us) & (time_us <= limits["high"].us)
            some = _given({name: column[between] for name, column in asked.items()})
            ((packed,),) = self._session.rows("append_known", {**limits, **some})
            known, ticks = binary.unpack_columns(packed or b"", ("i4", "i8"))
            held[known] = ticks

    def _take_up(self, quarantine_ids: Sequence[int]) -> int:
        """Let rows leave the quarantine whose messages this commit brings again; return their readings."""
        if not quarantine_ids:
            return 0
        ((rows, readings),) = self._session.rows("replay_taken", {"ids": list(quarantine_ids)})
        if rows != len(quarantine_ids):
            # Somebody else took some of these messages up already: stored by us too, they would count twice.
            raise StoreError(f"{len(quarantine_ids) - rows} rows to be replayed have left the quarantine: start again")
        return int(readings)

    def _quarantine(self, commit_id: int, refused: list[QuarantineRow]) -> int:
        """Store quarantine rows, and return how many old ones left to make room."""
        if not refused:
            return 0
        chars, size = self._limits.text_chars_max, self._limits.payload_bytes_max
        rows = [
            (
                commit_id, binary.Timestamp(row.received_us), row.reason, fit_text(row.topic, chars),
                fit_text(row.device, chars), fit_text(row.detail, chars), row.readings,
                len(row.payload) if row.payload_bytes < 0 else row.payload_bytes, row.payload[:size],
            )
            # More than the table holds would leave again at once; the ledger counts those below.
            for row in refused[-self._limits.quarantine_rows_max :]
        ]  # fmt: skip
        self._session.copy_rows("copy_quarantine", _QUARANTINE_TYPES, rows)
        left = self._session.run("trim_quarantine", {"rows_max": self._limits.quarantine_rows_max})
        return left + len(refused) - len(rows)

    def _restate(self, wanted: Append, commit_id: int, slot: NDArray[np.int32], time_us: NDArray[np.int64]) -> int:
        """Note the hours behind the engine's mark that this commit changes, and return how many."""
        series, hour_us = late_hours(self._slots.series_id[slot], time_us, wanted.mark_us)
        if series.size:
            commits = np.full(series.size, commit_id, np.int64)
            partitions = np.full(series.size, wanted.partition, np.int32)
            self._session.copy("copy_pending", binary.rows((binary.stamps(hour_us), commits, series, partitions)))
        return int(series.size)

    def _account(self, wanted: Append, done: Appended) -> None:
        self._session.run(
            "ledger_add",
            {
                "commit_id": done.commit_id,
                "key": wanted.key,
                "messages": wanted.messages,
                "received": len(wanted.batch) + done.refused,
                "accepted": done.accepted,
                "duplicate": done.duplicate,
                "quarantined": done.conflict + done.refused,
                "restated": done.restated,
                "looked_up": done.looked_up,
                "trimmed": done.trimmed,
                "replayed": done.replayed,
                "partition": wanted.partition,
                "client": fit_text(wanted.client, self._limits.text_chars_max),
            },
        )


def _given(asked: Mapping[str, NDArray[Any]]) -> dict[str, object]:
    """Return which readings are meant as parameters: `time`, `series` and `key`."""
    return {
        "time": binary.Times(asked["time"]),
        "series": binary.Ints(asked["series"]),
        "key": binary.Ints(asked["key"]),
    }
