"""The road of an archive: written, verified, let go, and taken into a fresh database, which then says the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest

from assessment.bundle.layout import DIGESTS
from assessment.bundle.readings import read_digests
from devices import load_registry
from engine.calendar import Calendar
from simulators import export
from simulators.replay import prepare
from tests.console.command import Done, cityvitals
from tests.databases import Databases
from tests.system.pipeline import DEMO, assert_same, tables_of

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    with databases.migrated() as url:
        yield url


@pytest.fixture
def other(databases: Databases) -> Iterator[str]:
    with databases.migrated() as url:
        yield url


def command(url: str, *arguments: str) -> Done:
    # The recordings are of several years: at each start old minutes would be let go.
    settings = {"CITYVITALS_DATABASE_URL": url, "CITYVITALS_ENGINE_MINUTE_DAYS": "0"}
    return cityvitals("--city", str(DEMO), *arguments, timeout_s=300, **settings)


def _write(file: Path, rows: Sequence[export.Row]) -> None:
    with file.open("w", newline="") as opened:
        export._csv(iter(rows), opened)


def in_year(calendar: Calendar, line: str, year: str) -> bool:
    """Say whether an observation of the canonical table lies in a civil year."""
    return calendar.local(int(line.split("\t")[2])).year == int(year)


def test_an_archive_is_taken_into_a_fresh_database_and_outlives_the_first(
    database: str, other: str, tmp_path: Path
) -> None:
    history, last, folder = tmp_path / "history.csv", tmp_path / "last.csv", tmp_path / "archive"
    # Every fifth row keeps counters, states and repeated hours.
    rows = list(islice(export._rows(prepare([DEMO]).recordings), 0, 20_000, 5))
    _write(history, rows)
    assert command(database, "backfill", str(history), "--json").code == 0
    before = tables_of(database)

    *days, total = command(database, "archive", str(folder), "--verify", "--json").rows
    assert total["days"] == total["written"] == total["verified"] == len(days) > 3
    assert (total["faults"], total["dropped"]) == ([], None)
    # The last days are not closed: their rows come from the file.
    calendar, closed = Calendar(load_registry(DEMO).city.zone_info), {row["day"] for row in days}
    still_open = [row for row in rows if calendar.local(row.time_us).date().isoformat() not in closed]
    _write(last, still_open)
    assert total["observations"] + len(still_open) == len(before["observation"])
    assert [row["there"] for row in command(database, "archive", str(folder), "--json").rows] == [len(days)]

    taken = command(other, "backfill", str(folder), str(last), "--json")
    assert taken.code == 0, taken.err
    assert taken.rows[0]["accepted"] == len(before["observation"])
    assert_same(tables_of(other), before)

    # A year is proved by what was stored, and by what was archived.
    bundle = tmp_path / "bundle"
    written = ("--language", "en", "--out", str(bundle), "--archive", str(folder))
    made = command(other, "assess", days[0]["day"][:4], *written)
    assert made.code == 0, made.err
    for against in (("--database",), ("--observations", str(folder))):
        proved = command(other, "verify", str(bundle), *against, "--json")
        assert (proved.code, proved.rows[-1]["good"]) == (0, True), proved.out
    of_year = [line for line in before["observation"] if in_year(calendar, line, days[0]["day"][:4])]
    assert read_digests(bundle / DIGESTS).count.sum() == len(of_year) > 1000

    gone = command(database, "archive", str(folder), "--drop-older-than", "1", "--json")
    assert gone.code == 0, gone.err
    assert gone.rows[-1]["dropped"] > 0
    assert "are in the archive" in gone.err
    assert len(still_open) < len(tables_of(database)["observation"]) < len(before["observation"])
    checked = command(database, "recompute", "--check")
    assert (checked.code, "can no longer be computed again here" in checked.err) == (0, True)
    late = command(database, "backfill", str(history), "--again", "--json")
    assert late.rows[0]["quarantined_by_reason"]["archived"] > 0
    del before["observation"]
    assert_same(tables_of(database), before)

    damaged = next(folder.glob("*/*/observations.parquet"))
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    verified = command(database, "archive", str(folder), "--verify")
    assert (verified.code, "was changed" in verified.out) == (1, True)
    refused = command(other, "backfill", str(folder))
    assert refused.code == 1
    assert str(damaged) in refused.err
