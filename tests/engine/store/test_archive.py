"""Closed days go to an archive, come back the same, and leave the database without a figure that changes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from devices import REASONS, TIME_MAX_US, TIME_MIN_US, ObservationBatch, Registry
from engine.archive import (
    RECORD,
    Archive,
    ArchiveError,
    DayDigests,
    Keeping,
    StoredDays,
    leave,
    leaving,
    series_of,
    verify_day,
    year_digests,
)
from engine.calendar import Calendar
from engine.indicators import INDICATORS
from engine.recompute import Recomputation
from engine.store import Difference, Store
from engine.stretch import Stretches
from ingest.admission import ADMITTED, AdmissionLimits, admit
from tests import oracle
from tests.databases import Furnish
from tests.engine.store.conftest import Query, owned
from tests.engine.store.live import AUTUMN_US, HOUR_US, Live, all_kinds, readings

DAY_US = 24 * HOUR_US
DAYS = 24
NOW_US = AUTUMN_US + 60 * DAY_US
FIRST = date(2023, 10, 28)
BEFORE = date(2023, 11, 13)
"""From here on days must stay such that they can be computed again."""
DERIVED = ("bucket_minute", "window_hour", "window_day", "counter_event", "indicator_value")


def lived(url: str) -> None:
    """Let an engine take some weeks of random readings of all kinds, and close them."""
    with tempfile.TemporaryDirectory() as folder, owned(url) as store:
        town = all_kinds(Path(folder))
        running = Live(store, town, NOW_US)
        running.take(readings(town, seed=1, days=DAYS, count=120))
        running.now_us += DAY_US
        running.work()
        running.conclude()


@pytest.fixture
def furnish() -> Furnish:
    return lived


@dataclass(frozen=True)
class Kept:
    """A town, its store, and a folder for its days."""

    store: Store
    town: Registry
    calendar: Calendar
    keeping: Keeping

    @property
    def archive(self) -> Archive:
        return self.keeping.archive

    def keep(self) -> list[str]:
        """Archive every closed day; say what became of each."""
        days = self.keeping.stored.days(TIME_MIN_US, self.keeping.stored.closed_to_us())
        return [self.keeping.keep(day).outcome for day in days]

    def drop(self) -> int:
        """Let go what is older than BEFORE; return how many chunks went."""
        before_us = self.calendar.day_bounds(BEFORE)[0]
        what = leaving(self.store, self.calendar, self.keeping, self.town, before_us, "somewhere")
        return 0 if what is None else leave(self.store, self.keeping, what)

    def differences(self, *, mend: bool = False) -> list[tuple[str, Difference]]:
        """What a recomputation finds."""
        stretches = Stretches(self.store, self.calendar)
        registered = self.store.register(self.town, INDICATORS)
        work = Recomputation(self.store, self.town, registered, stretches, now_us=NOW_US, mend=mend)
        span = stretches.whole(TIME_MIN_US, TIME_MAX_US)
        assert span is not None
        return [one for step in work.run(*span, lambda _: None) for one in step.differences]


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    (tmp_path / "models").mkdir()
    town = all_kinds(tmp_path / "models")
    store.register(town, INDICATORS)
    calendar = Calendar(town.city.zone_info)
    archive = Archive(tmp_path / "archive", town.city.code)
    return Kept(store, town, calendar, Keeping(StoredDays(store, calendar), calendar, archive))


def tables(store: Store) -> dict[str, list[bytes]]:
    return {name: list(store.table_lines(name)) for name in DERIVED}


def test_what_is_archived_is_what_the_database_has(kept: Kept) -> None:
    outcomes = kept.keep()
    assert set(outcomes) == {"written"}
    assert [kept.archive.days()[0], len(outcomes)] == [FIRST, DAYS]
    lines = []
    for day in kept.archive.days():
        for part in kept.archive.portions(day):
            rows = zip(part.at.tolist(), part.time_us.tolist(), part.ticks.tolist(), part.flags.tolist(), strict=True)
            lines += [(*part.series[at][:2], time_us, ticks, flags) for at, time_us, ticks, flags in rows]
    wanted = [line.decode().rstrip().split("\t") for line in kept.store.table_lines("observation")]
    assert sorted(lines) == sorted((a, b, int(c), int(d), int(e)) for a, b, c, d, e in wanted)
    assert set(kept.keep()) == {"there"}
    assert all(not kept.keeping.faults(day) for day in kept.keeping.stored.days(TIME_MIN_US, TIME_MAX_US))


def test_small_portions_give_the_same_bytes_of_digests(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (day, *_) = kept.keeping.stored.days(TIME_MIN_US, TIME_MAX_US)
    kept.keeping.keep(day)
    monkeypatch.setattr("engine.archive.stored.READINGS_MAX", 10)
    other = Keeping(kept.keeping.stored, kept.calendar, Archive(tmp_path / "other", kept.town.city.code))
    other.keep(day)
    assert len(list(other.archive.portions(day.day))) > 5
    assert series_of(other.archive, day.day) == series_of(kept.archive, day.day)
    assert other.archive.record(day.day).content == kept.archive.record(day.day).content
    assert verify_day(other.archive, day.day) == []


def test_a_day_with_late_readings_is_written_anew(kept: Kept) -> None:
    kept.keep()
    running = Live(kept.store, kept.town, NOW_US + DAY_US)
    running.take(ObservationBatch.of([0], [AUTUMN_US + 3 * DAY_US + 7], [5]))
    (day,) = [one for one in kept.keeping.stored.days(TIME_MIN_US, TIME_MAX_US) if kept.keeping.faults(one)]
    done = kept.keeping.keep(day)
    assert (done.outcome, done.added, done.record.revision) == ("rewritten", 1, 2)
    assert set(kept.keep()) == {"there"}


def test_an_archive_that_has_more_than_the_database_is_not_written_over(kept: Kept, query: Query) -> None:
    kept.keep()
    query("DELETE FROM observation WHERE time < '2023-10-28T12:00:00Z'")
    with pytest.raises(ArchiveError, match="is not written over"):
        kept.keep()


def test_a_day_that_is_not_closed_is_not_archived(kept: Kept, query: Query) -> None:
    query("UPDATE checkpoint SET mark = '2023-11-01T22:59:00Z'")
    days = kept.keeping.stored.days(TIME_MIN_US, kept.keeping.stored.closed_to_us())
    assert days[-1].day == date(2023, 10, 31)


def test_what_left_is_as_if_it_were_here(kept: Kept, query: Query) -> None:
    kept.keep()
    before = tables(kept.store)
    newest = kept.store.last_readings().ticks.copy()
    assert kept.drop() == 2
    assert query("SELECT min(time) >= '2023-11-09T00:00:00Z' FROM observation") == [(True,)]
    left = kept.store.archive.left()
    assert left is not None
    assert kept.calendar.local(left.until_us).date() <= BEFORE
    assert tables(kept.store) == before
    assert np.array_equal(kept.store.last_readings().ticks, newest)
    # What can be proved is: from the first day on whose observations, and all that figures look back to, are here.
    assert kept.differences() == []
    assert kept.differences(mend=True) == []
    assert tables(kept.store) == before
    # And another run of the archive leaves what is there.
    assert set(kept.keep()) == {"there"}
    assert len(kept.archive.days()) == DAYS


def test_a_reading_that_comes_late_for_archived_days_is_refused_and_named(kept: Kept) -> None:
    kept.keep()
    assert kept.store.kept_from_us() is None
    kept.drop()
    from_us = kept.store.kept_from_us()
    left = kept.store.archive.left()
    assert from_us is not None
    assert left is not None
    assert from_us.min() == left.until_us
    series = kept.town.series()
    time_us = np.array([left.until_us - 1, int(from_us[0])], np.int64)
    slot, ticks = np.zeros(2, np.int32), np.full(2, series.low_ticks[0])
    verdict = admit(slot, time_us, ticks, np.full(2, NOW_US), series, AdmissionLimits(), from_us)
    assert (REASONS[verdict[0]], verdict[1]) == ("archived", ADMITTED)


def test_a_series_whose_pair_lies_across_the_edge_is_kept_from_its_later_reading_on(kept: Kept, query: Query) -> None:
    query(
        "DELETE FROM observation WHERE series_id = 1 AND time BETWEEN '2023-11-08T00:00:00Z' AND '2023-11-16T00:00:00Z'"
    )
    kept.keep()
    kept.drop()
    from_us = kept.store.kept_from_us()
    assert from_us is not None
    ((wanted,),) = query(
        "SELECT (extract(epoch FROM min(time)) * 1000000)::bigint FROM observation WHERE series_id = 1"
    )
    assert (from_us[0], from_us[1] < wanted) == (wanted, True)


def test_nothing_leaves_that_is_not_archived_and_equal(kept: Kept, query: Query) -> None:
    ((count,),) = query("SELECT count(*) FROM observation")
    with pytest.raises(ArchiveError, match=r"nothing was dropped.*\n.*day=2023-10-28"):
        kept.drop()
    kept.keep()
    query("UPDATE observation SET ticks = ticks + 1 WHERE time = (SELECT min(time) FROM observation)")
    with pytest.raises(ArchiveError, match="not what the database has"):
        kept.drop()
    assert query("SELECT count(*) FROM observation") == [(count,)]
    assert kept.store.archive.left() is None


def test_nothing_leaves_that_waits_to_be_computed(kept: Kept, query: Query) -> None:
    kept.keep()
    query("INSERT INTO pending_restatement VALUES (1, 1, '2023-11-01T00:00:00Z', 0)")
    with pytest.raises(ArchiveError, match=r"1 hours before .* wait to be computed"):
        kept.drop()


def test_digests_of_a_year_are_the_same_from_anywhere(kept: Kept) -> None:
    told: list[float] = []
    wanted = year_digests(kept.store, None, kept.town, 2023, told.append)
    assert told == sorted(told)
    slots = {(d, f): i for i, (d, f) in enumerate(wanted.series)}
    rows: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for line in kept.store.table_lines("observation"):
        device, field, time_us, ticks, _ = line.decode().rstrip().split("\t")
        day = (kept.calendar.local(int(time_us)).date() - date(1970, 1, 1)) // timedelta(days=1)
        rows.setdefault((slots[device, field], day), []).append((int(time_us), int(ticks)))
    found = zip(wanted.at.tolist(), wanted.day.tolist(), wanted.count.tolist(), wanted.sha256, strict=True)
    assert {(at, day): (count, bytes(sha256)) for at, day, count, sha256 in found} == {
        key: (len(pairs), oracle.day_digest(pairs)) for key, pairs in rows.items()
    }
    kept.keep()
    for store, archive in ((kept.store, kept.archive), (None, kept.archive)):
        same_year(year_digests(store, archive, kept.town, 2023), wanted)
    kept.drop()
    same_year(year_digests(kept.store, kept.archive, kept.town, 2023), wanted)
    with pytest.raises(ArchiveError, match="left the database: give the archive"):
        year_digests(kept.store, None, kept.town, 2023)
    lost = [kept.archive.path(FIRST + timedelta(days=at), RECORD) for at in (2, 5)]
    for record in lost:
        record.unlink()
    with pytest.raises(ArchiveError, match=r"of 2023-10-30, 2023-11-02 left the database and are not in this archive"):
        year_digests(kept.store, kept.archive, kept.town, 2023)


def test_digests_are_not_taken_from_a_day_that_lacks_late_readings(kept: Kept) -> None:
    kept.keep()
    running = Live(kept.store, kept.town, NOW_US + DAY_US)
    running.take(ObservationBatch.of([0], [AUTUMN_US + 3 * DAY_US + 7], [5]))
    with pytest.raises(ArchiveError, match="run `cityvitals archive` first"):
        year_digests(kept.store, kept.archive, kept.town, 2023)


def same_year(found: DayDigests, wanted: DayDigests) -> None:
    for name in ("at", "day", "count", "sha256"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name)), name
    assert found.series == wanted.series
