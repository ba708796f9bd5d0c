"""Where everything stands in a worksheet: sheets, headings, and which of them is which column of `declared.csv`.

Knows names; the template and its reader both take them from here. A worksheet is read by its headings and keys, so rows
and columns may be moved, hidden or sorted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from assessment.outputs import Col

FORMAT: Final = "cityvitals worksheet 1"
START, POINTS, INPUTS, QUESTIONS, LISTS = "Start", "Data points", "Inputs", "Questions", "Lists"

START_COLUMNS: Final = (Col("What", 22), Col("Says", 110))
MARKS: Final = ("Format", "City", "Year")
"""Rows of the first sheet by which a worksheet is known."""

KEY: Final = "Key"
SO_FAR: Final = "Declared so far"
_FILLED: Final = (
    Col("Unit", 18, True), Col("Data quality", 26, True), Col("Data origin", 26, True, True),
    Col("Data source", 26, True, True), Col("Note", 34, True, True), Col("Evidence", 20, True, True),
)  # fmt: skip
POINT_COLUMNS: Final = (
    Col(KEY, 22), Col("Name", 36), Col("Known value", 16), Col("Known numerator", 16), Col("Known denominator", 16),
    Col("Known from", 40), Col(SO_FAR, 20), Col("Value", 16, True), Col("Numerator", 16, True),
    Col("Denominator", 16, True), *_FILLED,
)  # fmt: skip
INPUT_COLUMNS: Final = (
    Col(KEY, 34), Col("Name", 40), Col("Known value", 16), Col("Known from", 40), Col(SO_FAR, 20),
    Col("Value", 16, True), *_FILLED,
)  # fmt: skip
FIELDS: Final[Mapping[str, str]] = {
    "Value": "value", "Numerator": "numerator", "Denominator": "denominator", "Unit": "unit",
    "Data quality": "quality", "Data origin": "origin", "Data source": "source", "Note": "note",
    "Evidence": "evidence",
}  # fmt: skip
"""Heading → column of `declared.csv`."""
NUMBERS: Final = ("value", "numerator", "denominator")

RULE, ABOUT, ANSWER, BY, ANSWERED = "Rule", "Data points", "Answer", "Answered by", "Answered so far"
QUESTION_COLUMNS: Final = (
    Col("Severity", 10), Col(RULE, 20), Col(ABOUT, 34), Col("Question", 70), Col(ANSWERED, 12),
    Col(ANSWER, 60, True, True), Col(BY, 24, True, True),
)  # fmt: skip
SUBJECT_SEPARATOR: Final = "; "
ROWS_MAX: Final = 5_000
"""Rows of a sheet: ten times as many as the catalogue has data points and inputs."""
COLUMNS_MAX: Final = 60
TEXT_CHARS_MAX: Final = 2_000
"""Of a text that is filled in; a list of data points may be longer."""
