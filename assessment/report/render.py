"""From rows to a PDF: a template, its data and the font that comes with this package.

Knows the typesetter; knows nothing of what is printed. No clock, no font of the machine and no network take part, so
the same rows give the same bytes everywhere.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

import typst

FONTS: Final = "fonts"
"""Pretendard: Latin, Greek, Cyrillic, Kana and every syllable of Hangul. For what it lacks, Noto Sans CJK KR: Chinese
characters of Korean, Japanese and simplified Chinese texts. Both under the SIL Open Font License."""
TEMPLATES: Final = "templates"
STANDARDS: Final[tuple[typst.PDFStandard, ...]] = ("a-2a", "ua-1")
"""PDF/A-2a: to be kept for decades, with all that it shows inside. PDF/UA-1: to be read aloud."""


def render(template: str, rows: Mapping[str, object], made_s: int) -> bytes:
    """Return a PDF.

    Args:
        template: its name.
        rows: what it prints.
        made_s: what the PDF says about when it was made, seconds since 1970.
    """
    home = _home()
    made: bytes = typst.compile(
        home / TEMPLATES / f"{template}.typ",
        root=home / TEMPLATES,
        font_paths=_fonts(),
        sys_inputs={"rows": json.dumps(rows, ensure_ascii=False, sort_keys=True)},
        timestamp=made_s,
        pdf_standards=list(STANDARDS),
        # No package is used; where one crept in, it is looked for in a folder without any and not fetched.
        package_path=home / TEMPLATES,
        package_cache_path=home / TEMPLATES,
    )
    return made


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[_home() / FONTS])


@cache
def _home() -> Path:
    """Return this package's folder: the typesetter reads files and not resources."""
    return Path(str(resources.files("assessment.report")))
