"""`/assessments`: annual assessments that were made. None is made by this version, so the list is empty.

Knows the shape of the list.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.web.formats import Page, listed

router = APIRouter(tags=["assessments"])


@dataclass(frozen=True, slots=True)
class AssessmentItem:
    """An annual assessment.

    Attributes:
        id: stable.
        year: reference year.
        made: when.
    """

    id: str
    year: int
    made: str


@router.get("/assessments", response_model=Page[AssessmentItem])
def get_assessments(request: Request) -> Response:
    """Assessments that were made, the newest first."""
    return listed(request, AssessmentItem, (), None)
