"""Observations for an archive, of all series that ever were, and how they leave the database.

Knows the observation table and the record of what left; knows neither files nor the calendar.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.store import binary
from engine.store.binary import Ints, Times, Timestamp
from engine.store.session import Session


class StoredSeries(NamedTuple):
    """A series, and what its ticks mean."""

    series_id: int
    device: str
    field: str
    measurand: str
    unit: str
    decimals: int
    states: tuple[str, ...]


class Left(NamedTuple):
    """What left the database for an archive.

    Attributes:
        until_us: figures of earlier days cannot be computed again from the observations here.
        dropped_us: observations before it are in the archive alone.
        folder: the archive, as it was given.
    """

    until_us: int
    dropped_us: int
    folder: str


class Packed(NamedTuple):
    """Observations as columns of one length, sorted by the order of the series asked for, then by time."""

    at: NDArray[np.int32]
    """Position among the series asked for."""
    time_us: NDArray[np.int64]
    ticks: NDArray[np.int64]
    flags: NDArray[np.int16]


class ArchiveDesk:
    """Reading for an archive, and leaving for it; every method raises StoreUnavailable and StoreError."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def series(self) -> list[StoredSeries]:
        """Return every series there ever was, by device, field and measurand."""
        return [
            StoredSeries(series_id, device, field, measurand, unit, decimals, tuple(states))
            for series_id, device, field, measurand, unit, decimals, states in self._session.rows("archive_series")
        ]

    def chunks(self) -> list[tuple[int, int]]:
        """Return the stretches of time into which observations are cut, oldest first."""
        return [(int(low), int(high)) for low, high in self._session.rows("chunks")]

    def counts(self, edges_us: Sequence[int]) -> list[int]:
        """Return how many observations lie between each edge and the next one."""
        found = [0] * (len(edges_us) - 1)
        limits = {"low": Timestamp(edges_us[0]), "high": Timestamp(edges_us[-1])}
        edges = Times(np.array(edges_us, np.int64))
        for number, count in self._session.rows("archive_days", {"edges": edges, **limits}):
            found[number - 1] = int(count)
        return found

    def computed_days(self, from_us: int, to_us: int) -> list[int]:
        """Return where civil days start of which figures of observations are stored, wherever those are now."""
        limits = {"low": Timestamp(from_us), "high": Timestamp(to_us)}
        return [int(start_us) for (start_us,) in self._session.rows("archive_computed", limits)]

    def series_counts(self, from_us: int, to_us: int) -> dict[int, int]:
        """Return by series_id how many observations a stretch of time has; those without any are left out."""
        limits = {"low": Timestamp(from_us), "high": Timestamp(to_us)}
        return {int(series_id): int(count) for series_id, count in self._session.rows("archive_counts", limits)}

    def observations(self, series_ids: Sequence[int], from_us: int, to_us: int) -> Packed:
        """Return the observations of some series in a stretch of time."""
        ids = np.array(series_ids, np.int32)
        limits = {"series": Ints(ids), "low": Timestamp(from_us), "high": Timestamp(to_us)}
        found = dict(self._session.rows("archive_observations", limits))
        parts = [found.get(series_id, b"") for series_id in ids.tolist()]
        sizes = [len(part) // binary.OBSERVATION_BYTES for part in parts]
        return Packed(
            np.repeat(np.arange(ids.size, dtype=np.int32), sizes), *binary.unpack_observations(b"".join(parts))
        )

    def left(self) -> Left | None:
        """Return what left; None where all observations are here."""
        return next((Left(*row) for row in self._session.rows("archive_state")), None)

    def unsettled(self, before_us: int) -> int:
        """Return how many hours before a time wait to be computed from the observations."""
        ((count,),) = self._session.rows("archive_unsettled", {"before": Timestamp(before_us)})
        return int(count)

    def leave(self, left: Left) -> int:
        """Drop the chunks that end at or before a time, in one transaction with the record of it; return how many."""
        before = {"before": Timestamp(left.dropped_us)}
        with self._session.transaction():
            self._session.run("archive_kept_last", before)
            self._session.run("archive_left", {**before, "until": Timestamp(left.until_us), "folder": left.folder})
            self._session.step("left")
            self._session.run("lock_at_once")
            ((dropped,),) = self._session.rows("archive_drop", before)
        return int(dropped)
