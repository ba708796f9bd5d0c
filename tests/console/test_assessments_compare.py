"""`cityvitals assessments compare` as a user runs it, on two folders, and on years that were frozen in a database."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import pytest

from assessment import exact_results
from assessment.exact import results_bytes
from engine.store import AuditEntry, FrozenRow, SubmissionBook
from tests.assessment.paper_city import YEAR, paper_city
from tests.console.command import cityvitals
from tests.databases import Databases


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("assessed")
    for year, worse in ((YEAR - 1, 10), (YEAR, 0)):
        folder = home / f"town-{year}"
        folder.mkdir()
        (folder / "results.json").write_bytes(results_bytes(exact_results(paper_city(year, worse=worse))))
    return home


def test_two_years_are_told_with_change_trend_and_files(folders: Path) -> None:
    done = cityvitals(
        "assessments", "compare", "town-2024", "town-2025", "--xlsx", "two.xlsx", "--pdf", "two.pdf",
        "--language", "ko", cwd=folders,
    )  # fmt: skip
    assert done.code == 0, done.err
    first, *lines = done.out.splitlines()
    assert first.startswith(
        "haeundae 2024 and haeundae 2025: 84 data points compared, 24 better, 53 worse, 5 unchanged"
    )
    line = next(line for line in lines if "EN: EN: AQ: 1C/pm10" in line)
    told = " ".join(line.split())
    assert told == "EN: EN: AQ: 1C/pm10 Air Pollution, PM10 41.8 ■2 38 ■2 −3.8 −9.09 ▲ better 96 % measured"
    assert (folders / "two.xlsx").read_bytes()[:2] == b"PK"
    assert (folders / "two.pdf").read_bytes()[:5] == b"%PDF-"
    assert "wrote two.xlsx" in done.out


def test_programs_get_every_data_point_exactly(folders: Path) -> None:
    done = cityvitals("assessments", "compare", "town-2024", "town-2025", "--json", cwd=folders)
    assert done.code == 0, done.err
    rows = {row["data_point"]: row for row in done.rows}
    assert len(rows) == 112
    one = rows["EN: EN: AQ: 1C/pm10"]
    before, after = (Fraction(one[side]["value"]) for side in ("before", "after"))
    assert Fraction(one["change"]) == after - before
    assert (one["trend"], one["comparable"], one["after"]["quality"]) == ("better", True, "measured")
    assert rows["EN: EN: AQ: 1C/o3"]["why_not"] == "unreported"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("town-2024", "nowhere"), "nowhere: expected a folder or archive of an assessment"),
        (("town-2024", "town-2025", "--language", "fr"), "no report is written in 'fr'"),
        (("town-2024", "town-2025", "--pdf", "town-2024"), "cannot be written"),
    ],
)
def test_what_is_named_wrongly_is_said_and_ends_with_2(folders: Path, arguments: tuple[str, ...], told: str) -> None:
    done = cityvitals("assessments", "compare", *arguments, cwd=folders)
    assert done.code == 2
    assert told in done.err


def test_years_are_those_that_stand_as_submitted(folders: Path, databases: Databases) -> None:
    with databases.migrated() as url:
        with SubmissionBook.connect(url) as book:
            for year, of in ((YEAR, YEAR - 1), (YEAR - 1, YEAR - 1), (YEAR, YEAR)):  # the first is replaced by the last
                content = (folders / f"town-{of}" / "results.json").read_bytes()
                row = FrozenRow(
                    year,
                    1_800_000_000_000_000,
                    "the office",
                    None,
                    hashlib.sha256(content).hexdigest(),
                    content.decode(),
                )
                book.freeze(row, AuditEntry("the office", "admin", "command", "here", f"assess {year} --freeze", 200))
        found = cityvitals("assessments", "compare", "2024", "2025", "--json", CITYVITALS_DATABASE_URL=url)
        assert found.code == 0, found.err
        named = cityvitals("assessments", "compare", "town-2024", "town-2025", "--json", cwd=folders)
        assert found.rows == named.rows
        lacking = cityvitals("assessments", "compare", "2023", "2025", CITYVITALS_DATABASE_URL=url)
        assert (lacking.code, "no assessment of 2023 is frozen" in lacking.err) == (2, True)
