"""Assessments that were submitted, on a real database: kept as they were, whatever comes later."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from assessment import assessed, exact_results, results_bytes
from assessment.difference import differences
from assessment.gather import gather
from devices import ObservationBatch
from engine.store import AuditEntry, Froze, FrozenRow, Store, SubmissionBook
from tests.databases import Furnish
from tests.engine.store.conftest import Query
from tests.engine.store.kpi_kept import Kept, year_kept, year_over
from tests.engine.store.kpi_town import HOUR_US, REPORTER, YEAR, midnights

ENTRY = AuditEntry("the office", "admin", "command", "here", f"assess {YEAR} --freeze", 200)
ELECTRICITY, SAIFI = "EN: E: E: 2C", "EC: I: ES: 1C"
PAGE = (Path(__file__).parents[3] / "docs" / "assessors.md").read_text(encoding="utf-8")
NOW_US = 1_800_000_000_000_000


@pytest.fixture
def furnish() -> Furnish:
    return year_over


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    return year_kept(store, tmp_path)


@pytest.fixture
def book(url: str) -> Iterator[SubmissionBook]:
    with SubmissionBook.connect(url) as opened:
        yield opened


def results(kept: Kept) -> bytes:
    """Return the exact results of what is stored now."""
    kept.store.register(kept.registry)
    material = gather(kept.store, kept.registry, kept.pack, kept.declared, (), YEAR, closed=True)
    return results_bytes(exact_results(assessed(material)))


def freeze(book: SubmissionBook, content: bytes, at_us: int = NOW_US, manifest: str | None = None) -> Froze:
    digest = hashlib.sha256(content).hexdigest()
    return book.freeze(FrozenRow(YEAR, at_us, "the office", manifest, digest, content.decode()), ENTRY)


def late(kept: Kept) -> None:
    """Let an interruption come that was told of after the year had closed: 100 customers."""
    at_us = midnights(kept.registry)[20] + HOUR_US
    slot = kept.registry.slot(REPORTER, "interrupted")
    kept.take(ObservationBatch.of(np.array([slot]), np.array([at_us]), np.array([100])))


def test_later_observations_change_the_live_figures_and_never_what_was_submitted(
    kept: Kept, book: SubmissionBook
) -> None:
    before = results(kept)
    assert freeze(book, before) == Froze(1, True)
    live = kept.year(SAIFI)
    late(kept)
    assert kept.year(SAIFI).revision == live.revision + 1
    stored = book.results(YEAR, 1)
    assert stored is not None
    assert stored.encode() == before
    after = results(kept)
    found = {one.data_point: one for one in differences(json.loads(stored), json.loads(after))}
    assert (found[SAIFI].before, found[SAIFI].after) == (live.ratio, kept.year(SAIFI).ratio)
    assert (found[SAIFI].by, found[SAIFI].why[0]) == (Fraction(100, 2000), "customer_interruptions 1000 became 1100")
    shown = re.findall(r"<!-- difference -->\n```\n(.*?)\n```", PAGE, re.DOTALL)[0]
    assert shown == f"{SAIFI}  {live.ratio}  {found[SAIFI].after}  +{found[SAIFI].by}  {found[SAIFI].why[0]}"
    assert differences(json.loads(after), json.loads(results(kept))) == ()


def test_the_same_again_is_no_other_submission_and_another_is_the_next(kept: Kept, book: SubmissionBook) -> None:
    content = results(kept)
    assert freeze(book, content) == Froze(1, True)
    assert freeze(book, content, NOW_US + 1) == Froze(1, False)
    assert freeze(book, content + b" ", NOW_US + 2) == Froze(2, True)
    assert freeze(book, content, NOW_US + 3) == Froze(3, True), "back to the first is a submission of its own"
    assert freeze(book, content, NOW_US + 4, "ab") == Froze(4, True), "with other evidence"
    rows = book.frozen()
    assert [(one.submission, one.stands, one.manifest) for one in rows] == [
        (4, True, "ab"), (3, False, None), (2, False, None), (1, False, None),
    ]  # fmt: skip
    assert [one.frozen_us - NOW_US for one in rows] == [4, 3, 2, 0]


def test_freezing_is_noted_once_each_time_it_does_something(kept: Kept, book: SubmissionBook, query: Query) -> None:
    content = results(kept)
    for _ in range(3):
        freeze(book, content)
    assert query("SELECT who, action FROM v_audit") == [("the office", f"assess {YEAR} --freeze")]


def test_every_data_point_of_a_submission_can_be_read_with_sql(kept: Kept, book: SubmissionBook, query: Query) -> None:
    content = results(kept)
    freeze(book, content)
    rows = query('SELECT data_point, ratio, basis, received, band FROM v_assessment_result WHERE "year" = %s', YEAR)
    wanted = json.loads(content)["results"]
    assert rows == [
        (one["data_point"], one["value"], one["basis"], one["received"], one["score"]["points"] or None)
        for one in wanted
    ]
    assert (ELECTRICITY, "31/50", "measured", 62, None) in rows
    (example,) = (text for text in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL) if "v_assessment_result" in text)
    found = query(example)
    assert len(found) == sum(one["value"] is not None for one in wanted)
    assert (ELECTRICITY, "31/50") in [row[:2] for row in found]


def test_of_a_year_that_was_not_submitted_there_is_nothing(book: SubmissionBook) -> None:
    assert book.frozen() == []
    assert book.results(YEAR, 1) is None
