"""Verifies the bundle of an assessment: without a database, by what is in the bundle and by nothing else.

`verify` is the face of it; what it found is a `Verdict`.
"""

from __future__ import annotations

from assessment.verify.verdict import (
    Checked,
    Difference,
    Fault,
    Line,
    Signature,
    Standing,
    Verdict,
)
from assessment.verify.verify import verify

__all__ = ["Checked", "Difference", "Fault", "Line", "Signature", "Standing", "Verdict", "verify"]
