"""The figures of the verifier's workbook, as they stand in its cells.

Knows the sheet of figures and its headings; computes no formula: what a formula gave when it was written stands beside
it. A workbook is an archive too, and is measured before it is unpacked.
"""

from __future__ import annotations

import io
from typing import Any, Final
from zipfile import ZipFile

from openpyxl import load_workbook

from assessment.bundle.layout import LARGE_BYTES_MAX

SHEET: Final = "KPIs"
KEY: Final = "Data point"
COLUMNS: Final = {
    "Result": "value", "Numerator": "numerator", "Denominator": "denominator", "Measured instead": "measured",
}  # fmt: skip
ROWS_MAX: Final = 10_000


def workbook_rows(content: bytes) -> list[tuple[str, dict[str, object]]]:
    """Return by data point what its row says, in the order of the rows.

    Raises:
        ValueError: it is no such workbook.
    """
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            size = sum(one.file_size for one in archive.infolist())
        rows = [] if size > LARGE_BYTES_MAX else _rows(content)
    except Exception as error:  # the library has no class of its own for what is no workbook
        raise ValueError(f"no workbook with a sheet {SHEET}: {str(error)[:80]}") from None
    if size > LARGE_BYTES_MAX:
        raise ValueError(f"expected at most {LARGE_BYTES_MAX} bytes when unpacked, got {size}")
    return _figures(rows)


def _rows(content: bytes) -> list[tuple[Any, ...]]:
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    try:
        return list(book[SHEET].iter_rows(values_only=True, max_row=ROWS_MAX))
    finally:
        book.close()


def _figures(rows: list[tuple[Any, ...]]) -> list[tuple[str, dict[str, object]]]:
    head = next((at for at, row in enumerate(rows) if row and row[0] == KEY), None)
    if head is None:
        raise ValueError(f"the sheet {SHEET} has no heading {KEY!r}")
    at = {title: rows[head].index(title) for title in COLUMNS}
    return [
        (str(row[0]), {fact: row[at[title]] for title, fact in COLUMNS.items()}) for row in rows[head + 1 :] if row[0]
    ]
