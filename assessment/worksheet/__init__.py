"""The worksheet for declaring: a workbook in which a city's people fill in what only they know, and read back whole.

The face of the package. A worksheet is another way to write `declared.csv` and `answers.csv`, nothing more.
"""

from __future__ import annotations

from assessment.worksheet.edit import Change, Edit, declared_rows, read_worksheet, write_edit
from assessment.worksheet.faults import CellFault, WorksheetError
from assessment.worksheet.template import template_bytes, write_template

__all__ = [
    "CellFault",
    "Change",
    "Edit",
    "WorksheetError",
    "declared_rows",
    "read_worksheet",
    "template_bytes",
    "write_edit",
    "write_template",
]
