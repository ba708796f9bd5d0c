"""Lines of comma-separated values (RFC 4180), each an object of its cells: `csv-lines`.

Knows lines and cells; all the rest is `devices.codecs.documents`. A cell is a text, an empty one is absent.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

from devices.codecs.base import READINGS_MAX, text_of
from devices.codecs.documents import Document, DocumentCodec
from devices.csvlines import CsvOptions
from devices.errors import PayloadError, quoted
from devices.models import DeviceModel
from devices.paths import said

_COMMA_NUMBER = re.compile(r"[+-]?[0-9]+,[0-9]+\Z")
_POINT_NUMBER = re.compile(r"-?[0-9]+\.[0-9]+\Z")


class CsvLines:
    """The format."""

    name = "csv-lines"

    def read(self, payload: bytes, model: DeviceModel, _received_us: int) -> Document:
        """Return an array of the lines' objects; see `Format.read`."""
        options = _options(model)
        text = text_of(payload).removeprefix("\ufeff")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=options.separator, strict=True)
        columns: Sequence[str] = options.columns
        lines: list[object] = []
        try:
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if not columns:
                    columns = _header(cells)
                    continue
                if len(cells) != len(columns):
                    raise PayloadError(
                        "malformed", f"line {reader.line_num}: expected {len(columns)} cells, got {len(cells)}"
                    )
                if len(lines) == READINGS_MAX:
                    raise PayloadError("too_many", f"expected at most {READINGS_MAX} lines")
                lines.append(_object(columns, cells, options))
        except csv.Error as error:
            raise PayloadError("malformed", f"line {reader.line_num}: not CSV: {quoted(str(error))}") from error
        return Document(lines, lines)

    def write(self, document: Document, model: DeviceModel) -> bytes:
        """Return the lines, under a header where the model declares no columns; see `Format.write`."""
        options = _options(model)
        lines: list[Any] = document.body if isinstance(document.body, list) else [document.body]
        if not all(isinstance(line, dict) for line in lines):
            raise ValueError(f"the paths of model {model.code!r} name no columns")
        columns = options.columns or tuple(dict.fromkeys(name for line in lines for name in line))
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=options.separator, lineterminator="\n")
        if not options.columns:
            writer.writerow(columns)
        for line in lines:
            if unknown := [name for name in line if name not in columns]:
                raise ValueError(f"the lines of model {model.code!r} have no column {unknown[0]!r}")
            writer.writerow([_cell(line.get(name, ""), options) for name in columns])
        return out.getvalue().encode("utf-8")


def _options(model: DeviceModel) -> CsvOptions:
    return model.options if isinstance(model.options, CsvOptions) else CsvOptions()


def _header(cells: Sequence[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    if len(set(names)) != len(names):
        raise PayloadError("malformed", "the header names a column twice")
    return names


def _object(columns: Sequence[str], cells: Sequence[str], options: CsvOptions) -> dict[str, object]:
    line: dict[str, object] = {}
    for name, cell in zip(columns, cells, strict=True):
        text = cell.strip()
        if options.decimal == "," and _COMMA_NUMBER.match(text):
            text = text.replace(",", ".")
        if text:
            line[name] = text
    return line


def _cell(value: object, options: CsvOptions) -> str:
    """Return a cell as the device writes it.

    Raises:
        ValueError: it is an object or an array.
    """
    text = said(value)
    if text is None:
        raise ValueError("a cell of CSV holds a text, a number, true, false or null")
    return text.replace(".", ",") if options.decimal == "," and _POINT_NUMBER.match(text) else text


CSV_LINES = DocumentCodec(CsvLines(), says_all=lambda model: bool(_options(model).columns))
