"""Writes an assessment into a folder, whole or not at all.

Knows files and which of them there are; computes nothing and asks no clock.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from assessment.exact import exact_results, results_bytes
from assessment.result import Assessment

RESULTS: Final = "results.json"


def write_folder(assessment: Assessment, out: Path) -> None:
    """Write a folder, in place of what lies there.

    Raises:
        OSError: it cannot be written; what lay there is still there.
    """
    part = out.with_name(f"{out.name}.part")
    if part.exists():
        shutil.rmtree(part)
    part.mkdir(parents=True)
    try:
        (part / RESULTS).write_bytes(results_bytes(exact_results(assessment)))
        if out.exists():
            shutil.rmtree(out)
        part.rename(out)
    finally:
        if part.exists():
            shutil.rmtree(part)
