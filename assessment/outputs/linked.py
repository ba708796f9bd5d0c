"""An assessment as linked data: every data point an entity `KeyPerformanceIndicator` of Smart Data Models.

Knows which words of an assessment go into which of an entity; what an entity is, `engine.kpi.entities` knows, and the
API of the console writes the same ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from assessment.result import Assessment, Basis, Result
from engine.kpi import Horizon
from engine.kpi.entities import CITY, CONTEXT, Named, Told, normalised

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_INDENT = 1


def write_jsonld(assessment: Assessment, path: Path) -> None:
    """Write the data points as linked data."""
    path.write_bytes(jsonld_bytes(assessment))


def jsonld_bytes(assessment: Assessment) -> bytes:
    """Return the data points as one document of JSON-LD with its context inside: to read it takes no other file."""
    document = {"@context": CONTEXT, "@graph": [_entity(assessment, one) for one in assessment.results]}
    return msgspec.json.format(_ENCODER.encode(document), indent=_INDENT) + b"\n"


def _entity(assessment: Assessment, one: Result) -> dict[str, Any]:
    city, period = assessment.city, assessment.period
    found = normalised(
        Told(
            named=Named(
                city.code, one.point.key, CITY, Horizon.YEAR, assessment.year, declared=one.basis is Basis.DECLARED
            ),
            point=one.point,
            city=city.name,
            area=city.name,
            first=period.first,
            last=period.last,
            end_us=period.end_us,
            value=one.value,
            bounds=one.bounds,
            readings=one.received,
            due=one.expected,
            validity=one.validity,
            band=one.score.points,
            target=one.score.target,
        )
    )
    # Revisions count what a store holds; what is handed in once has none.
    found.pop("revision", None)
    return found
