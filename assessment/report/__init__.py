"""Reports of an assessment as PDF, in English and Korean: the report, a factsheet of one page, a comparison.

The face of the package. Each is a pure function of what it tells of: no clock, and the same inputs give the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from assessment.compare import Comparison, Side, compare, side_of
from assessment.report.changes import change_rows, group_rows, summary
from assessment.report.render import render, write
from assessment.report.sections import HIGHEST_BAND, LOWEST_BANDS, Row, Sections, whose
from assessment.report.texts import LANGUAGES, Texts, texts
from assessment.report.wheel import wheel
from assessment.result import Assessment

LISTED_MAX: Final = 8
"""Results that a list of the factsheet names; the others are counted, so that it stays one page."""

__all__ = ["LANGUAGES", "write_comparison", "write_factsheet", "write_report"]


def write_report(assessment: Assessment, path: Path, language: str, earlier: Assessment | Side | None = None) -> None:
    """Write the report of an assessment.

    Args:
        assessment: what is reported.
        path: of the PDF; its folder is made.
        language: one of LANGUAGES.
        earlier: of an earlier year, or the exact results of one as a side, for what has changed since; None leaves that
            section out.

    Raises:
        KeyError: no such language.
        OSError: the file cannot be written.
    """
    sections = Sections(assessment, texts(language))
    rows: Row = {
        **_top(sections),
        "notes": {"wheel": sections.texts.say("note", "wheel", points=len(assessment.results))},
        "dimensions": sections.dimensions(),
        "unreported": sections.unreported(),
        "questions": sections.questions(),
        "change": None if earlier is None else _change(sections, earlier),
        "method": sections.method(),
        "definitions": sections.definitions(),
        "sources": sections.sources(),
    }
    write(path, render("report", rows, _made_s(assessment)))


def write_factsheet(assessment: Assessment, path: Path, language: str) -> None:
    """Write the factsheet of an assessment: one page; see `write_report`."""
    sections = Sections(assessment, texts(language))
    groups = [group for group in sections.groups() if group["depth"] in (1, 3)]
    used = [one.score.target for one in assessment.results if one.score.points and one.score.target]
    rows: Row = {
        **_top(sections),
        "columns": _columns(groups),
        "strong": _listed(sections, (HIGHEST_BAND,)),
        "advice": _listed(sections, LOWEST_BANDS),
        "targets": sections.texts.say("method", "targets", **whose(used)),
    }
    write(path, render("factsheet", rows, _made_s(assessment)))


def write_comparison(comparison: Comparison, path: Path, language: str, made_s: int = 0) -> None:
    """Write two assessments side by side; see `write_report`.

    Args:
        comparison: of two sides.
        path: of the PDF.
        language: one of LANGUAGES.
        made_s: what the PDF says about when it was made, seconds since 1970.
    """
    words = texts(language)
    left, right = named(comparison, words)
    rows: Row = {
        "language": language,
        "words": words.words,
        "title": f"{comparison.left.city} {comparison.left.year} – {comparison.right.city} {comparison.right.year}",
        "status": [
            f"{name}: {words.words['cover']['final' if side.closed else 'preliminary']}"
            for name, side in ((left, comparison.left), (right, comparison.right))
        ],
        "before": left,
        "after": right,
        "summary": summary(comparison, words),
        "groups": group_rows(comparison, words),
        "rows": change_rows(comparison, words),
    }
    write(path, render("comparison", rows, made_s))


def named(comparison: Comparison, words: Texts) -> tuple[str, str]:
    """Return what the two sides are called: by their years where they are of one city."""
    one_city = comparison.left.city == comparison.right.city

    def name(side: Side) -> str:
        return words.say("head", "before", year=side.year) if one_city else f"{side.city} {side.year}"

    return name(comparison.left), name(comparison.right)


def _top(sections: Sections) -> Row:
    """Return what every document of one assessment begins with."""
    assessment, words = sections.assessment, sections.texts
    cover = words.words["cover"]
    return {
        "language": words.language,
        "words": words.words,
        "title": f"{assessment.city.name} · {words.say('cover', 'year', year=assessment.year)}",
        "city": assessment.city.name,
        "year": words.say("cover", "year", year=assessment.year),
        "closed": assessment.closed,
        "status": cover["final" if assessment.closed else "preliminary"],
        "status_word": "" if assessment.closed else cover["draft"],
        "snapshot": sections.snapshot(),
        "groups": sections.groups(),
        "wheel": wheel(assessment, words),
    }


def _change(sections: Sections, earlier: Assessment | Side) -> Row:
    before = side_of(earlier) if isinstance(earlier, Assessment) else earlier
    comparison = compare(before, side_of(sections.assessment))
    left, right = (sections.texts.say("head", "before", year=one.year) for one in (before, comparison.right))
    return {
        "title": sections.texts.say("title", "change", year=earlier.year),
        "before": left,
        "after": right,
        "summary": summary(comparison, sections.texts),
        "rows": change_rows(comparison, sections.texts),
    }


def _listed(sections: Sections, bands: tuple[int, ...]) -> Row:
    found = sections.standing_in(bands)
    more = len(found) - LISTED_MAX
    told = sections.texts.say("note", "more", count=more) if more > 0 else ""
    return {"rows": found[:LISTED_MAX], "more": told}


def _columns(groups: list[Row]) -> list[list[Row]]:
    """Return dimensions and their categories in two columns of about the same length; a dimension may go on."""
    half = -(-len(groups) // 2)
    return [groups[:half], groups[half:]]


def _made_s(assessment: Assessment) -> int:
    """Return when the PDF says it was made: the end of the year, whoever makes it and when."""
    return assessment.period.end_us // 1_000_000
