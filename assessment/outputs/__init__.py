"""An assessment as files: a workbook for the verifier, a table, and two forms for programs.

The face of the package. Every file is a function of the assessment alone: the same figures give the same bytes.
"""

from __future__ import annotations

from assessment.outputs.formulas import Formula, ratio_formula
from assessment.outputs.linked import jsonld_bytes, write_jsonld
from assessment.outputs.sheets import Book, Cell, Col, Sheet
from assessment.outputs.tables import csv_bytes, json_bytes, write_csv, write_json
from assessment.outputs.workbook import workbook_bytes, write_workbook

__all__ = [
    "Book",
    "Cell",
    "Col",
    "Formula",
    "Sheet",
    "csv_bytes",
    "json_bytes",
    "jsonld_bytes",
    "ratio_formula",
    "workbook_bytes",
    "write_csv",
    "write_json",
    "write_jsonld",
    "write_workbook",
]
