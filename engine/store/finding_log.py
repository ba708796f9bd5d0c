"""The log of a verifier's questions: what was found of each period, since when, and until when.

Knows the table of findings; knows no check and no figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from engine.store.binary import Timestamp
from engine.store.session import Session

SUBJECT_MAX: Final = 8
"""Data points that make a finding another one; one that concerns more is known by its rule: the list comes and goes."""


class FindingRow(NamedTuple):
    """One finding to be kept."""

    rule: str
    severity: str
    data_points: tuple[str, ...]
    detail: str


class FindingReading(NamedTuple):
    """One finding as it is kept."""

    horizon: str
    year: int
    """0 for an estimate."""
    severity: str
    rule: str
    data_points: list[str]
    detail: str
    first_seen_us: int
    last_seen_us: int
    gone_us: int | None
    """None while it stands."""


def write(session: Session, horizon: str, year: int, found: Sequence[FindingRow], seen_us: int) -> None:
    """Make the findings of a period those that were found now; what is not among them is gone.

    Raises:
        StoreUnavailable, StoreError
    """
    period = {"horizon": horizon, "year": year, "seen": Timestamp(seen_us)}
    subjects = ["; ".join(one.data_points) if len(one.data_points) <= SUBJECT_MAX else "" for one in found]
    before: Counter[tuple[str, str]] = Counter()
    nth = []
    for one, subject in zip(found, subjects, strict=True):
        nth.append(before[one.rule, subject])
        before[one.rule, subject] += 1
    names = {"rule": [one.rule for one in found], "subject": subjects, "nth": nth}
    texts = {
        "severity": [one.severity for one in found],
        "data_points": ["\n".join(one.data_points) for one in found],
        "detail": [one.detail for one in found],
    }
    session.run("kpi_finding_gone", {**period, **names})
    session.run("kpi_finding_seen", {**period, **names, **texts})


def read(session: Session, horizon: str, year: int) -> list[FindingReading]:
    """Return the findings of a period: those that stand by severity, then those that are gone.

    Raises:
        StoreUnavailable, StoreError
    """
    return [FindingReading(*row) for row in session.rows("kpi_findings", {"horizon": horizon, "year": year})]
