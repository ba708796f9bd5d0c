"""Reading observations back, as columns: for a restart, for late data, for the newest of every series.

Knows the observation table and how it is cut into chunks; knows nothing of windows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from devices.batch import ObservationBatch
from engine.spans import LastReadings, Spans
from engine.store import binary
from engine.store.archive import ArchiveDesk
from engine.store.binary import Timestamp
from engine.store.newest import newest
from engine.store.session import Session
from engine.store.slots import Slots
from engine.store.windows import spans_asked

FETCH_SERIES = 2_000
"""Series whose observations are fetched at a time: bounds the memory beside the result itself."""


def observations_between(session: Session, slots: Slots, from_us: int, to_us: int) -> ObservationBatch:
    """Return all observations of a stretch of time, sorted by slot and time.

    Raises:
        StoreUnavailable, StoreError
    """
    limits = {"low": Timestamp(from_us), "high": Timestamp(to_us)}
    series, packed = [], []
    for series_id, part in session.stream("observations", limits, FETCH_SERIES):
        series.append(series_id)
        packed.append(part)
    return _batch(slots.of(np.array(series, np.int32)), packed)


def observations_of(session: Session, slots: Slots, spans: Spans, neighbours: bool) -> ObservationBatch:
    """Return the observations of spans, sorted by slot and time, none of them twice.

    With `neighbours` also, for each span, the last observation before it and the first at or after its end.

    Raises:
        StoreUnavailable, StoreError
    """
    if not len(spans):
        return ObservationBatch.empty()
    limits = {"low": Timestamp(int(spans.from_us.min())), "high": Timestamp(int(spans.to_us.max()))}
    slot, packed = [], []
    for one, part in session.rows("observations_of", {**limits, **spans_asked(slots, spans)}):
        slot.append(one)
        packed.append(part)
    inside = _batch(np.array(slot, np.int32), packed)
    if not neighbours and np.unique(spans.slot).size == len(spans):
        return inside
    parts = [inside]
    if neighbours:
        parts += [_nearest(session, slots, spans, later=False), _nearest(session, slots, spans, later=True)]
    found = ObservationBatch.concat(parts).sorted()
    twice = (found.slot[1:] == found.slot[:-1]) & (found.time_us[1:] == found.time_us[:-1])
    return found.take(np.concatenate(([True], ~twice))) if len(found) else found


def last_readings(session: Session, slots: Slots) -> LastReadings:
    """Return by slot the time and the ticks of the newest observation.

    Raises:
        StoreUnavailable, StoreError
    """
    last = LastReadings.none(len(slots))
    seen = slots.of(np.array([series_id for (series_id,) in session.rows("series_seen")], np.int32))
    found = newest_before(session, slots, binary.TIME_HIGH_US, np.sort(seen[seen >= 0]))
    last.time_us[found.slot], last.ticks[found.slot] = found.time_us, found.ticks
    return last


def kept_beside(session: Session, slots: Slots) -> LastReadings:
    """Return by slot the time and the ticks of the newest observation, as `newest` keeps them beside the log.

    Raises:
        StoreUnavailable, StoreError
    """
    last, kept = LastReadings.none(len(slots)), newest(session, slots.series_id.tolist())
    slot = slots.of(kept.series_id)
    last.time_us[slot], last.ticks[slot] = kept.time_us, kept.ticks
    return last


def newest_before(
    session: Session, slots: Slots, time_us: int, among: NDArray[np.int32] | None = None
) -> ObservationBatch:
    """Return the last observation before a time of every slot, or of those of `among`; slots without one have no row.

    Raises:
        StoreUnavailable, StoreError
    """
    wanted = np.arange(len(slots), dtype=np.int32) if among is None else among
    edge = np.full(wanted.size, min(time_us, binary.TIME_HIGH_US), np.int64)
    return _nearest(session, slots, Spans(wanted, edge, edge), later=False)


def kept_from_us(session: Session, slots: Slots) -> NDArray[np.int64] | None:
    """Return by slot from when on figures can be computed again from the observations here; None: all of them can.

    What a counter rose by is shared out from one reading to the next. Where the one before is in an archive, a reading
    between the two would change hours whose other observations are there as well; so such a series is kept from the
    one after on.

    Raises:
        StoreUnavailable, StoreError
    """
    left = ArchiveDesk(session).left()
    if left is None:
        return None
    kept = np.full(len(slots), left.until_us, np.int64)
    before = newest_before(session, slots, left.until_us)
    across = before.slot[before.time_us < left.dropped_us]
    edge = np.full(across.size, left.until_us, np.int64)
    after = _nearest(session, slots, Spans(across, edge, edge), later=True)
    kept[after.slot] = after.time_us
    return kept


def first_time_us(session: Session) -> int | None:
    """Return the time of the oldest observation, or None when there is none.

    Raises:
        StoreUnavailable, StoreError
    """
    for low, high in session.rows("chunks"):
        ((time_us,),) = session.rows("first_time", {"low": Timestamp(low), "high": Timestamp(high)})
        if time_us is not None:
            return int(time_us)
    return None


def _nearest(session: Session, slots: Slots, spans: Spans, later: bool) -> ObservationBatch:
    """Return the last observation before each span, or the first at or after its end; spans without one have no row.

    Where observations left for an archive, the newest of them still counts as one before.

    Walks the chunks from the span outwards, each time for the series not yet found: one look into an index per series
    and chunk. One query over all chunks would open them all for every series.
    """
    if not len(spans):
        return ObservationBatch.empty()
    name = "first_from" if later else "last_before"
    found: list[ObservationBatch] = []
    edge = spans.to_us if later else spans.from_us
    missing = np.arange(len(spans))
    with session.transaction():
        chunks = session.rows("chunks")
        for low, high in chunks if later else reversed(chunks):
            near = edge[missing] < high if later else edge[missing] > low
            asked = missing[near]
            if not asked.size:
                continue
            near_spans = Spans(spans.slot[asked], edge[asked], edge[asked])
            limits = {"low": Timestamp(low), "high": Timestamp(high)}
            ((packed,),) = session.rows(name, {**limits, **spans_asked(slots, near_spans, asked.astype(np.int32))})
            batch, position = _labelled(spans, packed)
            found.append(batch)
            missing = np.setdiff1d(missing, position, assume_unique=True)
            if not missing.size:
                break
        if missing.size and not later:
            asked_spans = Spans(spans.slot[missing], edge[missing], edge[missing])
            ((packed,),) = session.rows("archive_last", spans_asked(slots, asked_spans, missing.astype(np.int32)))
            found.append(_labelled(spans, packed)[0])
    return ObservationBatch.concat(found)


def _labelled(spans: Spans, packed: bytes | None) -> tuple[ObservationBatch, NDArray[np.int32]]:
    """Return one observation each of some spans, and which spans those are."""
    position, time_us, ticks, flags = binary.unpack_columns(packed or b"", ("i4", "time", "i8", "i4"))
    return ObservationBatch(spans.slot[position], time_us, ticks, flags.astype(np.int16)), position


def _batch(slot: NDArray[np.int32], packed: list[bytes]) -> ObservationBatch:
    """Join packed observations, one part per slot, by slot; parts of slots that are not registered are left out."""
    order = [int(i) for i in np.argsort(slot, kind="stable") if slot[i] >= 0]
    if not order:
        return ObservationBatch.empty()
    counts = [len(packed[i]) // binary.OBSERVATION_BYTES for i in order]
    time_us, ticks, flags = binary.unpack_observations(b"".join([packed[i] for i in order]))
    return ObservationBatch(np.repeat(slot[order], counts), time_us, ticks, flags)
