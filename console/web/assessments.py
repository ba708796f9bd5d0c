"""`/assessments`: the annual assessments that were submitted and are frozen.

Knows the shape of the list; they are frozen by `cityvitals assess --freeze`.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.web.formats import Page, listed
from console.web.site import SiteOf
from devices import rfc3339
from engine.store import FrozenReading
from engine.store.assessments import frozen

router = APIRouter(tags=["assessments"])


@dataclass(frozen=True, slots=True)
class AssessmentItem:
    """An annual assessment that was submitted.

    Attributes:
        id: stable: the year and which submission of it.
        year: reference year.
        submission: 1 for the first of its year.
        stands: whether no later one of its year was submitted.
        made: when it was frozen.
        by: who froze it.
        digest: SHA-256 of its exact results.
        manifest: SHA-256 of the manifest of its bundle; null where none was written.
    """

    id: str
    year: int
    submission: int
    stands: bool
    made: str
    by: str
    digest: str
    manifest: str | None


@router.get("/assessments", response_model=Page[AssessmentItem])
def get_assessments(request: Request, site: SiteOf) -> Response:
    """Assessments that were submitted, the newest first. They never change; the live figures of their year may."""
    rows = site.stores.ask(lambda store: frozen(store.session))
    return listed(request, AssessmentItem, tuple(_item(row) for row in rows), None)


def _item(row: FrozenReading) -> AssessmentItem:
    return AssessmentItem(
        id=f"{row.year}-{row.submission}",
        year=row.year,
        submission=row.submission,
        stands=row.stands,
        made=rfc3339(row.frozen_us),
        by=row.by,
        digest=row.digest,
        manifest=row.manifest,
    )
