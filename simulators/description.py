"""What a recording is: the TOML file that maps the columns of a CSV file to devices and their fields.

Knows the keys of that file; knows no device model, opens no CSV and sends nothing. Every fault is reported at once,
with file, line, key and what was expected.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simulators.clock import ABSENT, FORMATS, REPEATED, StampRule
from simulators.errors import RecordingError

ORDERS = ("file", "time", "column")
DEVICE_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What may stand between the slashes of a topic without surprises."""


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column of the file and the field of the device model that it fills.

    Attributes:
        column: header text in the file.
        field: field of the device model.
        unit: the unit the file's numbers are in; converted exactly where the model sends another.
        missing: cell texts that mean "no value".
        values: cell text → number text, for columns that hold words (compass points, states); empty means numbers.
        line: line in the description, for messages.
    """

    column: str
    field: str
    unit: str
    missing: frozenset[str]
    values: Mapping[str, str]
    line: int


@dataclass(frozen=True, slots=True)
class RecordingSpec:
    """A recording as described.

    Attributes:
        path: the description itself.
        name: how it is called in messages: folder and file stem.
        title: what a person calls it.
        file: the data file.
        delimiter: one character.
        model: device model of every device in the file.
        zone: the clock people live by where it was recorded.
        time_column, stamps: the time of the reading, and how to read it.
        order, order_column: `file`: each device sends its rows as the file has them; `time`: by time of the reading;
            `column`: by the stamp in `order_column`, the time it was really sent.
        device_column, codes, prefix: the device code is `codes[text]` where codes are given, else `prefix + text`;
            with no device column it is `prefix` alone.
        columns: the fields.
    """

    path: Path
    name: str
    title: str
    file: Path
    delimiter: str
    model: str
    zone: ZoneInfo
    time_column: str
    stamps: StampRule
    order: str
    order_column: str
    device_column: str
    codes: Mapping[str, str]
    prefix: str
    columns: tuple[ColumnSpec, ...]


class _Reader:
    """Reads keys of one TOML document, collecting faults with their lines."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.lines, self.faults = path, text.splitlines(), list[str]()

    def line(self, section: str, key: str, nth: int = 0) -> int:
        """Return the line of a key in the nth section of that name, or of the section's head; 1 where neither is."""
        at, head, seen = "", 1, -1
        for number, line in enumerate(self.lines, 1):
            match = re.match(r"\s*\[\[?\s*([\w.-]+)\s*\]?\]", line)
            if match:
                at = match[1]
                seen += at == section
                if at == section and seen == nth:
                    head = number
            elif key and at == section and (not section or seen == nth):
                name, sign, _ = line.partition("=")
                if sign and name.strip(" \t\"'") == key:
                    return number
        return head

    def fault(self, section: str, key: str, said: str, nth: int = 0) -> None:
        name = f"{section}.{key}" if section else key
        self.faults.append(f"{self.path}:{self.line(section, key, nth)}: {name}: {said}")

    def known(self, table: Mapping[str, object], keys: tuple[str, ...], section: str, nth: int = 0) -> None:
        for key in table:
            if key not in keys:
                near = difflib.get_close_matches(key, keys, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(keys)}"
                self.fault(section, key, f"unknown key; {hint}", nth)

    def text(
        self, table: Mapping[str, object], key: str, section: str, default: str | None = None, nth: int = 0
    ) -> str:
        value = table.get(key, default)
        if value is None:
            self.fault(section, key, "missing; expected a text", nth)
            return ""
        if not isinstance(value, str) or (not value and default is None):
            self.fault(section, key, f"expected a text, not {value!r}", nth)
            return ""
        return value

    def choice(self, table: Mapping[str, object], key: str, section: str, known: tuple[str, ...]) -> str:
        value = self.text(table, key, section, known[0])
        if value not in known:
            self.fault(section, key, f"{value!r} is none of {', '.join(known)}")
            return known[0]
        return value

    def zone(self, table: Mapping[str, object], key: str, section: str, default: str) -> ZoneInfo:
        name = self.text(table, key, section, default)
        try:
            return ZoneInfo(name or default)
        except (ZoneInfoNotFoundError, ValueError):
            self.fault(section, key, f"{name!r} is no time zone; expected a name such as 'Asia/Seoul' or 'UTC'")
            return ZoneInfo("UTC")

    def table(self, document: Mapping[str, object], section: str) -> Mapping[str, object]:
        value = document.get(section, {})
        if not isinstance(value, dict):
            self.fault("", section, f"expected a table [{section}]")
            return {}
        return value

    def words(self, table: Mapping[str, object], key: str, section: str, nth: int = 0) -> dict[str, str]:
        value = table.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            self.fault(section, key, 'expected a table of texts, e.g. { N = "0", E = "90" }', nth)
            return {}
        return dict(value)


def load_description(path: Path) -> RecordingSpec:
    """Read one description. Raises RecordingError with every fault in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise RecordingError([f"{path}: {reason}; expected a recording's TOML description"]) from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecordingError([f"{path}: no TOML: {error}"]) from error
    reader = _Reader(path, text)
    spec = _spec(reader, path, document)
    if reader.faults:
        raise RecordingError(reader.faults)
    return spec


def _spec(reader: _Reader, path: Path, document: Mapping[str, object]) -> RecordingSpec:
    top = ("title", "file", "delimiter", "model", "zone", "time", "order", "device", "field")
    reader.known(document, top, "")
    time, order, device = (reader.table(document, name) for name in ("time", "order", "device"))
    reader.known(time, ("column", "format", "zone", "repeated", "absent"), "time")
    reader.known(order, ("by", "column"), "order")
    reader.known(device, ("column", "codes", "prefix", "code"), "device")

    file = path.parent / reader.text(document, "file", "")
    if not reader.faults and not file.is_file():
        reader.fault("", "file", f"{file} does not exist")
    delimiter = reader.text(document, "delimiter", "", ",")
    if len(delimiter) != 1:
        reader.fault("", "delimiter", f"expected one character, not {delimiter!r}")
    stamp_zone = reader.zone(time, "zone", "time", "UTC")
    by = reader.choice(order, "by", "order", ORDERS)
    order_column = reader.text(order, "column", "order", "")
    if (by == "column") != bool(order_column):
        reader.fault("order", "column", 'belongs to by = "column", and only to it')
    device_column, codes, prefix = _device(reader, device)
    return RecordingSpec(
        path=path,
        name=path.parent.name if path.stem == "recording" else f"{path.parent.name}/{path.stem}",
        title=reader.text(document, "title", ""),
        file=file,
        delimiter=delimiter,
        model=reader.text(document, "model", ""),
        zone=reader.zone(document, "zone", "", stamp_zone.key),
        time_column=reader.text(time, "column", "time"),
        stamps=StampRule(
            _format(reader, time),
            stamp_zone,
            reader.choice(time, "repeated", "time", REPEATED),
            reader.choice(time, "absent", "time", ABSENT),
        ),
        order=by,
        order_column=order_column,
        device_column=device_column,
        codes=codes,
        prefix=prefix,
        columns=_columns(reader, document),
    )


def _format(reader: _Reader, time: Mapping[str, object]) -> str:
    text = reader.text(time, "format", "time", "iso")
    if text not in FORMATS and "%" not in text:
        reader.fault("time", "format", f"{text!r} is none of {', '.join(FORMATS)} and no pattern as '%d.%m.%Y %H:%M'")
    return text


def _device(reader: _Reader, device: Mapping[str, object]) -> tuple[str, dict[str, str], str]:
    column = reader.text(device, "column", "device", "")
    codes = reader.words(device, "codes", "device.codes" if "[device.codes]" in "".join(reader.lines) else "device")
    prefix = reader.text(device, "prefix", "device", "")
    code = reader.text(device, "code", "device", "")
    if bool(column) == bool(code):
        reader.fault("device", "column", "expected either column (with codes or prefix) or code (one device)")
    if codes and prefix:
        reader.fault("device", "prefix", "expected either codes or prefix, not both")
    for given in (*codes.values(), *([code] if code else []), *([prefix] if prefix else [])):
        if not DEVICE_CODE.fullmatch(given):
            reader.fault("device", "codes", f"{given!r} is no device code; expected letters, digits, '.', '_' and '-'")
    twice = sorted({c for c in codes.values() if list(codes.values()).count(c) > 1})
    if twice:
        reader.fault("device", "codes", f"{', '.join(twice)} stands for more than one text")
    return column, codes, prefix or code


def _columns(reader: _Reader, document: Mapping[str, object]) -> tuple[ColumnSpec, ...]:
    tables = document.get("field", [])
    if not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        reader.fault("", "field", "expected at least one [[field]] with column, field and unit")
        return ()
    columns = []
    for nth, table in enumerate(tables):
        reader.known(table, ("column", "field", "unit", "missing", "values"), "field", nth)
        missing = table.get("missing", [""])
        if not isinstance(missing, list) or not all(isinstance(m, str) for m in missing):
            reader.fault("field", "missing", 'expected a list of texts, e.g. ["", "NA"]', nth)
            missing = []
        columns.append(
            ColumnSpec(
                column=reader.text(table, "column", "field", nth=nth),
                field=reader.text(table, "field", "field", nth=nth),
                unit=reader.text(table, "unit", "field", "", nth=nth),
                missing=frozenset(missing),
                values=reader.words(table, "values", "field", nth),
                line=reader.line("field", "", nth),
            )
        )
    for name in ("column", "field"):
        texts = [getattr(c, name) for c in columns]
        for nth, text in enumerate(texts):
            if text and text in texts[:nth] and name == "field":
                reader.fault("field", name, f"{text!r} is filled twice", nth)
    return tuple(columns)
