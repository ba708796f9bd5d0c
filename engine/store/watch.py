"""What the engine knows of silence, in and out of the store: heartbeat, every device's standing, silences.

Knows the three tables; decides nothing. All of a write is one transaction, and absolute, so that it may be done again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.series import TIME_MAX_US, TIME_MIN_US
from engine.store import binary
from engine.store.binary import Timestamp
from engine.store.session import Session
from engine.store.texts import fit_text

NOTHING = -(2**63)
"""In a column of times, or of offsets: there is none. Null in the database."""
_SILENCE_TYPES = (
    "int4", "text", "text", "timestamptz", "timestamptz", "timestamptz", "int8", "int8", "int4", "text", "bool",
)  # fmt: skip


class SilenceRow(NamedTuple):
    """A silence as it is to stand in the table; kind, who and start are its key."""

    kind: str
    who: str
    started_us: int
    ended_us: int
    """TIME_MAX_US while it lasts."""
    reading_us: int = TIME_MIN_US
    interval_us: int = 0
    allowed_us: int = 0
    devices: int = 0
    detail: str = ""
    absorbed: bool = False
    """It is to leave the table: a gateway's silence stands for it."""


@dataclass(frozen=True, slots=True)
class HealthRows:
    """How it stands with some devices; columns of one length. NOTHING where there is no time or offset.

    Attributes:
        device_id: int32.
        heard_us, reading_us, counted_us, interval_us, jitter_us, offset_us: int64; intervals are 0 where not learned.
        state: int16: never, ok, late, silent, not in service.
        clock: int16: 0 unknown, 1 ok, 2 fast, 3 slow.
    """

    device_id: NDArray[np.int32]
    heard_us: NDArray[np.int64]
    reading_us: NDArray[np.int64]
    counted_us: NDArray[np.int64]
    interval_us: NDArray[np.int64]
    jitter_us: NDArray[np.int64]
    offset_us: NDArray[np.int64]
    state: NDArray[np.int16]
    clock: NDArray[np.int16]

    def __len__(self) -> int:
        return int(self.device_id.size)


@dataclass(frozen=True, slots=True)
class Watched:
    """What the engine writes of silence in one transaction.

    Attributes:
        heard_to_us, listened_us: where the listening clock stands.
        stopped: whether the process ends now.
        silences: to be added or brought up to date, in order.
        health: of devices of which something new is known.
        noticed_us: when the silences were noticed.
        forget_us: silences that ended before this time leave.
        partition: whose series these are.
    """

    heard_to_us: int
    listened_us: int
    stopped: bool
    silences: Sequence[SilenceRow]
    health: HealthRows | None
    noticed_us: int
    forget_us: int
    partition: int = 0


class HealthFacts(NamedTuple):
    """What is stored of one device; None where nothing is."""

    device_id: int
    heard_us: int | None
    reading_us: int | None
    counted_us: int | None
    interval_us: int | None
    jitter_us: int | None
    offset_us: int | None
    state: int | None


class WatchState(NamedTuple):
    """What the last run left."""

    heard_to_us: int | None
    """None: there was none."""
    listened_us: int
    stopped: bool
    trimmed: int
    devices: Mapping[str, HealthFacts]
    lasting: Sequence[tuple[str, str, int]]
    """Kind, who and start of the silences that last."""


def write_watch(session: Session, watched: Watched, rows_max: int, chars_max: int) -> int:
    """Write all of it in one transaction; return how many old silences left.

    Raises:
        StoreUnavailable, StoreError
    """
    session.stage("stage_silence")
    health, key = watched.health, {"partition": watched.partition}
    with session.transaction():
        trimmed = 0
        if watched.silences:
            rows = [_silence(i, row, chars_max) for i, row in enumerate(watched.silences)]
            session.copy_rows("copy_stage_silence", _SILENCE_TYPES, rows)
            session.run("watch_absorb")
            session.run("watch_silence", {**key, "noticed": Timestamp(watched.noticed_us)})
            trimmed = session.run("watch_trim", {"before": Timestamp(watched.forget_us), "rows_max": rows_max})
        session.step("silences written")
        if health is not None and len(health):
            given = {
                "heard": binary.Times(health.heard_us),
                "reading": binary.Times(health.reading_us),
                "counted": binary.Longs(health.counted_us),
                "interval": binary.Longs(health.interval_us),
                "jitter": binary.Longs(health.jitter_us),
                "offset": binary.Longs(health.offset_us),
                "device": binary.Ints(health.device_id),
                "state": binary.Ints(health.state.astype(np.int32)),
                "clock": binary.Ints(health.clock.astype(np.int32)),
            }
            session.run("watch_health", given)
        session.run(
            "watch_heartbeat",
            {
                **key, "heard_to": Timestamp(watched.heard_to_us), "listened_us": watched.listened_us,
                "stopped": watched.stopped, "trimmed": trimmed,
            },
        )  # fmt: skip
        session.step("watch written")
    return trimmed


def _silence(position: int, row: SilenceRow, chars_max: int) -> tuple[object, ...]:
    return (
        position, row.kind, row.who, Timestamp(row.started_us),
        None if row.ended_us >= TIME_MAX_US else Timestamp(row.ended_us),
        None if row.reading_us <= TIME_MIN_US else Timestamp(row.reading_us),
        row.interval_us or None, row.allowed_us or None, row.devices, fit_text(row.detail, chars_max), row.absorbed,
    )  # fmt: skip


def read_watch(session: Session, partition: int, now_us: int) -> WatchState:
    """Return what the last run left, after ending what no run will find again.

    Raises:
        StoreUnavailable, StoreError
    """
    key = {"partition": partition}
    with session.transaction():
        session.run("watch_tidy", {**key, "now": Timestamp(now_us)})
        beat = session.rows("watch_listening", key)
        devices = {code: HealthFacts(*facts) for code, *facts in session.rows("watch_devices")}
        lasting = session.rows("watch_open", key)
    heard_to_us, listened_us, stopped, trimmed = beat[0] if beat else (None, 0, True, 0)
    return WatchState(heard_to_us, listened_us, stopped, trimmed, devices, lasting)
