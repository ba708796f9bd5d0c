"""The annual assessment: what a city submits for a reference year, and the proof of it.

The face of the room; the console imports from here.
"""

from __future__ import annotations

from assessment.answers import load_answers
from assessment.compute import Answer, assess
from assessment.exact import exact_results, results_bytes
from assessment.material import Material, assessed
from assessment.result import Assessment, Basis, Question, Result

__all__ = [
    "Answer",
    "Assessment",
    "Basis",
    "Material",
    "Question",
    "Result",
    "assess",
    "assessed",
    "exact_results",
    "load_answers",
    "results_bytes",
]
