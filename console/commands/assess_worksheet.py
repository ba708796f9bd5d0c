"""The worksheet of `cityvitals assess`: written with what is known, read back into the city's files.

Knows options' files and what is said; what stands in a worksheet is `assessment.worksheet`'s.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from console.errors import FailureError, MisuseError
from console.output import Col, print_json, print_table, stdout
from console.text import counted

if TYPE_CHECKING:
    from assessment import Assessment
    from assessment.worksheet import Edit
    from console.context import Context

STYLES = {"withdrawn": "red", "answer withdrawn": "red", "changed": "yellow", "answer changed": "yellow"}


def require_new(file: Path) -> None:
    """Refuse a file that is there already, before anything is computed: somebody may have filled it in."""
    if file.exists():
        raise MisuseError(f"--template {file}: it is there already, and somebody may have filled it in", "name another")


def write_worksheet(context: Context, assessment: Assessment, file: Path) -> None:
    """Write the worksheet of a year, with what is known and declared so far.

    Raises:
        FailureError: it cannot be written.
    """
    from assessment.worksheet import declared_rows, write_template

    rows = declared_rows(context.city_dir(), assessment.pack, assessment.year)
    try:
        write_template(assessment, rows, file)
    except OSError as error:
        raise FailureError(f"--template {file} cannot be written: {error.strerror}") from None
    stdout().print(
        f"wrote {file}: fill it in, then `cityvitals assess {assessment.year} --worksheet {file}`", markup=False
    )


def take_worksheet(context: Context, year: int, file: Path, *, as_json: bool) -> None:
    """Read a worksheet back, write what it changes into the city's files, and say what that was.

    Raises:
        MisuseError: the worksheet, or a file of the city, has faults; all of them are said and nothing is changed.
        FailureError: the files cannot be written.
    """
    from assessment.worksheet import WorksheetError, read_worksheet, write_edit

    pack = context.kpi_pack()
    # Faults of the files themselves are told first: a worksheet changes what can be read.
    context.kpi_declared(pack)
    context.answers(pack)
    folder = context.city_dir()
    try:
        edit = read_worksheet(file, folder, pack, context.registry().city.code, year)
    except WorksheetError as error:
        faults = counted(len(error.faults), "fault")
        raise MisuseError(f"{file} has {faults}, and nothing was changed:\n{error}") from None
    try:
        write_edit(edit, folder)
    except OSError as error:
        raise FailureError(f"the files of {folder} cannot be written: {error.strerror}") from None
    if as_json:
        print_json(
            {"what": one.what, "about": one.about, "before": one.before or None, "after": one.after or None}
            for one in edit.changes
        )
        return
    _say(edit, file)


def _say(edit: Edit, file: Path) -> None:
    written = " and ".join(edit.files) or "nothing"
    kept = f"; {counted(len(edit.kept), 'row')} declared meanwhile left as they are" if edit.kept else ""
    print_table(
        f"{counted(len(edit.changes), 'change')} by {file.name}",
        [Col("what"), Col("of"), Col("before"), Col("after")],
        ((Text(one.what, style=STYLES.get(one.what, "green")), one.about, one.before, one.after)
         for one in edit.changes),
        note=f"written: {written}{kept}",
    )  # fmt: skip
