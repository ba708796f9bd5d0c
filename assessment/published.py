"""Which files the report of an assessment is: tables for the verifier and for programs, and what is printed.

Knows their names and who writes each; knows no form and no figure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from assessment.bundle import Output
from assessment.compare import Side
from assessment.outputs import write_csv, write_json, write_jsonld, write_workbook
from assessment.report import write_factsheet, write_report
from assessment.result import Assessment

TABLES: Final[Mapping[str, Callable[[Assessment, Path], None]]] = {
    "assessment.xlsx": write_workbook,
    "assessment.csv": write_csv,
    "assessment.json": write_json,
    "assessment.jsonld": write_jsonld,
}


def outputs_of(
    assessment: Assessment, languages: Iterable[str], earlier: Assessment | Side | None = None
) -> tuple[Output, ...]:
    """Return the files of a report.

    Args:
        assessment: what is reported.
        languages: of what is printed, of `assessment.report.LANGUAGES`.
        earlier: the year before, as it is or as it was submitted, for what has changed since; None where nothing is
            known of it.
    """
    found = [Output(name, partial(write, assessment)) for name, write in TABLES.items()]
    for language in languages:
        report = partial(write_report, assessment, language=language, earlier=earlier)
        found.append(Output(f"report-{language}.pdf", report))
        found.append(Output(f"factsheet-{language}.pdf", partial(write_factsheet, assessment, language=language)))
    return tuple(found)
