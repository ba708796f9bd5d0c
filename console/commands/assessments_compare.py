"""`cityvitals assessments compare`: two years, or two cities, side by side, on the terminal, as a workbook and as PDF.

Knows options and rendering; what is comparable, and what a change means, is `assessment`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.commands.frozen import standing_results
from console.commands.kpi_scores import SQUARE, STYLES
from console.commands.results import JsonOption
from console.errors import MisuseError
from console.output import Col, print_json, print_table, stdout
from console.text import counted

if TYPE_CHECKING:
    from assessment.compare import Comparison, Line, Side, Standing
    from console.context import Context
    from engine.kpi import Pack

YEAR = re.compile(r"\d{4}")
COLOURS = {"better": "green", "worse": "red", "same": "dim", "": ""}
MARKS = {"better": "▲ better", "worse": "▼ worse", "same": "= same", "": ""}
Row = dict[str, object]

BeforeArgument = Annotated[
    str,
    typer.Argument(metavar="BEFORE", help="Folder or archive of an assessment, its results.json, or a frozen YEAR."),
]
AfterArgument = Annotated[str, typer.Argument(metavar="AFTER", help="The same of the other one.")]


def compare(
    context: typer.Context,
    before: BeforeArgument,
    after: AfterArgument,
    xlsx: Annotated[
        Path | None, typer.Option("--xlsx", metavar="FILE", help="Also as a workbook.", show_default=False)
    ] = None,
    pdf: Annotated[Path | None, typer.Option("--pdf", metavar="FILE", help="Also as PDF.", show_default=False)] = None,
    language: Annotated[str, typer.Option("--language", metavar="en|ko", help="Of the PDF.")] = "en",
    as_json: JsonOption = False,
) -> None:
    """Put two annual assessments side by side: two years of a city, or two cities.

    Each is the folder or the archive that `cityvitals assess --out` wrote, its `results.json`, or a year that was
    frozen in the database of the city. Nothing is computed again; `cityvitals verify` says whether a bundle is sound.

    Two figures have a difference where both are reported and the same was computed: where a formula, a unit or an input
    is defined in another way both are shown, with the reason and without a difference. What is not reported is never
    zero. Better and worse go by the direction of each KPI; bands against different targets are marked with `*`.

    **Examples**

    - `cityvitals assessments compare seoul-2024 seoul-2025`
    - `cityvitals assessments compare seoul-2025.zip busan-2025.zip --pdf side-by-side.pdf --language ko`
    - `cityvitals --city cities/seoul assessments compare 2024 2025 --xlsx change.xlsx`
    """
    from assessment.compare import compare as side_by_side
    from assessment.report import LANGUAGES

    if language not in LANGUAGES:
        raise MisuseError(f"no report is written in {language!r}", f"there are: {', '.join(LANGUAGES)}")
    pack = _pack(context.obj)
    found = side_by_side(_side(context.obj, before, pack), _side(context.obj, after, pack))
    _write(found, xlsx, pdf, language)
    if as_json:
        print_json(compared_rows(found))
        return
    _print(found)
    for path in (xlsx, pdf):
        if path is not None:
            stdout().print(f"wrote {path}", markup=False)


def compared_rows(found: Comparison) -> Iterator[Row]:
    """Return a row for each data point, for programs; keys are stable and figures exact."""
    for line in found.lines:
        yield {
            "data_point": line.key,
            "before": _standing(line.left),
            "after": _standing(line.right),
            "comparable": not line.hindrance,
            "why_not": str(line.hindrance) or None,
            "change": None if line.change is None else str(line.change),
            "change_percent": None if line.percent is None else str(line.percent),
            "trend": str(line.trend) or None,
            "targets_differ": line.other_target,
        }


def _standing(one: Standing | None) -> Row | None:
    from engine.kpi import NotReported

    if one is None:
        return None
    return {
        "value": None if isinstance(one.value, NotReported) else str(one.value),
        "not_reported": str(one.value) if isinstance(one.value, NotReported) else None,
        "band": one.band or None,
        "received": one.received,
        "expected": one.expected,
        "quality": one.quality or None,
        "basis": one.basis,
        "definition": one.definition,
    }


def _pack(context: Context) -> Pack:
    """Return the catalogue of the city that was named, for its own KPIs; without one the shipped one."""
    from engine.kpi import shipped

    return shipped() if context.named_city() is None else context.kpi_pack()


def _side(context: Context, name: str, pack: Pack) -> Side:
    """Return one side.

    Raises:
        MisuseError: nothing of that name, or no exact results.
    """
    from assessment.sides import SideError, parse_side, read_side

    path = Path(name)
    try:
        if YEAR.fullmatch(name) and not path.exists():
            return parse_side(_frozen(context, int(name)), pack, f"the frozen assessment of {name}")
        return read_side(path, pack)
    except SideError as error:
        raise MisuseError(str(error), "see `cityvitals assess --out DIR` and `cityvitals assessments`") from None
    except OSError as error:
        raise MisuseError(f"{name} cannot be read: {error.strerror}") from None


def _frozen(context: Context, year: int) -> bytes:
    """Return the exact results of the submission of a year that stands.

    Raises:
        MisuseError: there is none.
    """
    found = standing_results(context, year)
    if found is None:
        raise MisuseError(f"no assessment of {year} is frozen", "see `cityvitals assessments`, or name its folder")
    return found


def _write(found: Comparison, xlsx: Path | None, pdf: Path | None, language: str) -> None:
    from assessment.compare_book import write_comparison_book
    from assessment.report import write_comparison

    try:
        if xlsx is not None:
            write_comparison_book(found, xlsx)
        if pdf is not None:
            write_comparison(found, pdf, language)
    except OSError as error:
        raise MisuseError(f"{error.filename or xlsx or pdf} cannot be written: {error.strerror}") from None


def _print(found: Comparison) -> None:
    from assessment.compare import Trend
    from assessment.compare_book import side_name

    left, right = side_name(found.left), side_name(found.right)
    told = [line for line in found.lines if _reported(line.left) or _reported(line.right)]
    open_ones = [name for name, side in ((left, found.left), (right, found.right)) if not side.closed]
    trends = ", ".join(
        f"{found.count(trend)} {trend if trend is not Trend.SAME else 'unchanged'}"
        for trend in (Trend.BETTER, Trend.WORSE, Trend.SAME)
    )
    print_table(
        f"{left} and {right}: {counted(found.compared, 'data point')} compared, {trends}",
        [Col("code"), Col("name"), Col(left, right=True), Col(right, right=True), Col("change", right=True),
         Col("%", right=True), Col("trend"), Col("coverage"), Col("data quality")],
        (_cells(line) for line in told),
        note=f"{len(found.lines) - len(told)} data points are reported by neither"
        + "".join(f"; {name} is preliminary" for name in open_ones),
    )  # fmt: skip


def _cells(line: Line) -> tuple[str | Text, ...]:
    from assessment.compare_book import WHY
    from assessment.report.numbers import share, signed

    counted_out = line.change is None or line.point.yes_no
    sides = (line.left, line.right)
    covers = [share(one.received, one.expected) if one is not None else "" for one in sides]
    qualities = [one.quality if one is not None and _reported(one) else "" for one in sides]
    trend = str(line.trend)
    return (
        line.key,
        line.point.title,
        _figure(line.left, line.other_target),
        _figure(line.right, line.other_target),
        "" if counted_out or line.change is None else signed(line.change),
        "" if counted_out or line.percent is None else signed(line.percent, 3),
        Text(MARKS[trend], style=COLOURS[trend]) if not line.hindrance else Text(WHY[line.hindrance], style="dim"),
        _both(covers),
        _both(qualities),
    )


def _figure(one: Standing | None, other_target: bool) -> Text:
    from assessment.report.changes import figure
    from assessment.report.texts import texts

    if one is None:
        return Text("")
    shown = figure(one, texts("en"))
    if not one.band:
        return Text(shown)
    return Text.assemble(shown, (f" {SQUARE}", STYLES[one.band]), f"{one.band}{'*' if other_target else ''}")


def _both(texts: list[str]) -> str:
    left, right = texts
    return left if left == right else f"{left or '–'} → {right or '–'}"


def _reported(one: Standing | None) -> bool:
    from engine.kpi import NotReported

    return one is not None and not isinstance(one.value, NotReported)
