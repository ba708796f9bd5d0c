"""A recording in memory: the rows of a CSV file as columns of ticks, and every place that could not be read.

Knows CSV, the description, and the device model's fields; knows no topic, no order of sending between recordings and
no broker.
"""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import devices
from devices import DeviceModel, Field
from devices.units import conversion
from simulators.description import DEVICE_CODE, ColumnSpec, RecordingSpec, load_description
from simulators.errors import Problem, RecordingError

ROWS_MAX = 5_000_000
"""Rows of one recording; they are held in memory, some 100 bytes each. A longer file is split by its owner."""
PROBLEMS_MAX = 100
"""Problems kept with their place; all are counted."""
TEXTS_KEPT_MAX = 65_536
"""Cell texts remembered per column: recordings repeat themselves, and a number costs more to read than to find."""
QUOTED_CHARS_MAX = 60


@dataclass(frozen=True, slots=True)
class Rows:
    """The readable rows, as columns of one length in the order of the file.

    Attributes:
        device: int32, index into the recording's devices.
        time_us: int64, time of the reading, µs UTC.
        send_us: int64, time its device sent it, µs UTC; what replay is paced and merged by.
        line: int64, line in the file.
        ticks: int64, rows x fields; count of the measurand's resolution; 0 where absent.
        present: bool, rows x fields; whether the row has a value for the field.
    """

    device: NDArray[np.int32]
    time_us: NDArray[np.int64]
    send_us: NDArray[np.int64]
    line: NDArray[np.int64]
    ticks: NDArray[np.int64]
    present: NDArray[np.bool_]

    def __len__(self) -> int:
        return int(self.time_us.size)


@dataclass(frozen=True, slots=True)
class Recording:
    """A loaded recording.

    Attributes:
        spec: its description.
        model: the device model of its devices.
        fields: names of the model's fields that the columns of `rows.ticks` stand for.
        devices: device codes, in order of first appearance.
        rows: rows with at least one value.
        empty_rows: rows without any readable value: nothing is sent for them.
        refused_rows, refused_values: what could not be read; a refused row's values are not counted again.
        problems: the first PROBLEMS_MAX of these, with their places.
    """

    spec: RecordingSpec
    model: DeviceModel
    fields: tuple[str, ...]
    devices: tuple[str, ...]
    rows: Rows
    empty_rows: int
    refused_rows: int
    refused_values: int
    problems: tuple[Problem, ...]


def load_recording(path: Path, models: Mapping[str, DeviceModel] | None = None) -> Recording:
    """Read one recording.

    Args:
        path: its TOML description, or a folder that holds exactly one.
        models: device models by code; those of the `devices` room when left out.

    Raises:
        RecordingError: the description is faulty, names columns the file lacks or fields the model lacks, or the
            file cannot be read at all. A row or a value that cannot be read is no error; see `Recording.problems`.
    """
    found = descriptions(path)
    if len(found) != 1:
        names = ", ".join(p.name for p in found)
        raise RecordingError([f"{path}: holds {len(found)} recordings ({names}); name one of the files"])
    spec = load_description(found[0])
    known = devices.load_models() if models is None else models
    model = known.get(spec.model)
    if model is None:
        hint = devices.nearest(spec.model, known)
        raise RecordingError([f"{spec.path}: model: {spec.model!r} is no device model{hint}"])
    return _read(spec, model, _sent_fields(spec, model))


def descriptions(path: Path) -> list[Path]:
    """Return the descriptions meant by a path: itself, or every TOML file of a folder.

    Raises RecordingError for a folder without any.
    """
    if path.is_dir():
        found = sorted(path.glob("*.toml"))
        if not found:
            raise RecordingError([f"{path}: no recording here; expected a .toml file that describes one"])
        return found
    return [path]


@dataclass(slots=True)
class _Column:
    """How one column becomes ticks."""

    index: int
    spec: ColumnSpec
    sent: Field
    seen: dict[str, int | None] = field(default_factory=dict)

    def ticks(self, text: str) -> int | None:
        """Read a text and remember it; return ticks, or None for no value. Raises ValueError with what was expected."""
        ticks = self._read(text)
        if len(self.seen) < TEXTS_KEPT_MAX:
            self.seen[text] = ticks
        return ticks

    def _read(self, text: str) -> int | None:
        trimmed = text.strip()
        if text in self.spec.missing or trimmed in self.spec.missing:
            return None
        if self.spec.values:
            if trimmed not in self.spec.values:
                raise ValueError(f"is not among the values described{devices.nearest(trimmed, self.spec.values)}")
            trimmed = self.spec.values[trimmed]
        try:
            return devices.ticks_from_text(trimmed, self.sent)
        except devices.ValueRefusedError as error:
            raise ValueError(error.detail) from error


def _sent_fields(spec: RecordingSpec, model: DeviceModel) -> list[Field]:
    """Return each column's field, with the exact way from the column's unit to ticks.

    Raises RecordingError naming every column that has none.
    """
    faults, found = [], []
    fields = {f.name: f for f in model.fields}
    for column in spec.columns:
        place = f"{spec.path}:{column.line}: field {column.field!r}"
        sent = fields.get(column.field)
        if sent is None:
            hint = devices.nearest(column.field, fields)
            faults.append(f"{place}: device model {model.code} has no such field{hint}")
        elif column.unit == sent.unit:
            found.append(sent)
        elif not column.unit:
            faults.append(f"{place}: unit: missing; device model {model.code} sends it in {sent.unit!r}")
        else:
            try:
                factor, offset = conversion(column.unit, sent.unit)
            except devices.UnitError as error:
                faults.append(f"{place}: unit: {error}; device model {model.code} sends it in {sent.unit!r}")
                continue
            factor, offset = factor * sent.factor, offset * sent.factor + sent.offset
            found.append(dataclasses.replace(sent, scale=devices.Scale.of(factor, offset, sent.decimals)))
    if faults:
        raise RecordingError(faults)
    return found


@contextmanager
def _opened(path: Path) -> Iterator[io.TextIOBase]:
    """Open a CSV file, plain or gzip. Raises RecordingError for what the file system or the packing says."""
    try:
        opener: Callable[..., io.TextIOWrapper] = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    except (OSError, EOFError, zlib.error) as error:
        raise RecordingError([f"{path}: {error}; expected a CSV file, plain or gzip"]) from error
    except UnicodeDecodeError as error:
        raise RecordingError([f"{path}: byte {error.start} is no UTF-8; save the file as UTF-8"]) from error


def _read(spec: RecordingSpec, model: DeviceModel, sent: Sequence[Field]) -> Recording:
    with _opened(spec.file) as file:
        rows = csv.reader(file, delimiter=spec.delimiter)
        try:
            header = next(rows, None)
            if header is None:
                raise RecordingError([f"{spec.file}:1: empty; expected a header line"])
            table = _Table(spec, header, sent)
            for cells in rows:
                if cells:
                    table.add(rows.line_num, cells)
        except csv.Error as error:
            said = f"{spec.file}:{rows.line_num}: {error}; expected CSV with {spec.delimiter!r}"
            raise RecordingError([said]) from error
    return table.recording(model)


class _Table:
    """Collects rows; one per file being read."""

    def __init__(self, spec: RecordingSpec, header: Sequence[str], sent: Sequence[Field]) -> None:
        self.spec, self.width = spec, len(header)
        names = [name.strip() for name in header]
        wanted = [spec.time_column, spec.device_column, spec.order_column, *(c.column for c in spec.columns)]
        faults = []
        for name in dict.fromkeys(name for name in wanted if name):
            if names.count(name) != 1:
                times = names.count(name)
                hint = f"; it stands there {times} times" if times else devices.nearest(name, names)
                faults.append(f"{spec.file}:1: no one column {name!r}, which {spec.path.name} names{hint}")
        if faults:
            raise RecordingError(faults)
        self.time = names.index(spec.time_column)
        self.device = names.index(spec.device_column) if spec.device_column else -1
        self.order = names.index(spec.order_column) if spec.order_column else -1
        self.columns = [_Column(names.index(c.column), c, s) for c, s in zip(spec.columns, sent, strict=True)]
        self.stamp = spec.stamps.reader()
        self.codes: dict[str, int] = {}
        self.names: dict[str, int] = {}
        self.last: list[int | None] = []
        self.last_sent: list[int | None] = []
        self.out_device, self.out_time, self.out_send, self.out_line = array("i"), array("q"), array("q"), array("q")
        self.out_ticks, self.out_present = array("q"), bytearray()
        self.empty = self.refused_rows = self.refused_values = 0
        self.problems: list[Problem] = []

    def add(self, line: int, cells: Sequence[str]) -> None:
        """Take one row; what cannot be read is counted and leaves the rest alone."""
        if len(self.out_time) >= ROWS_MAX:
            raise RecordingError([f"{self.spec.file}:{line}: more than {ROWS_MAX} rows; split the file"])
        if len(cells) != self.width:
            self._refuse(line, "", ",".join(cells), f"{len(cells)} cells; the header has {self.width}", row=True)
            return
        device = self._device(line, cells)
        if device is None:
            return
        time_us = self._time(line, self.time, self.spec.time_column, cells, self.last, device)
        if time_us is None:
            return
        send_us = time_us
        if self.order >= 0:
            stamp = self._time(line, self.order, self.spec.order_column, cells, self.last_sent, device)
            if stamp is None:
                return
            send_us = stamp
        elif self.spec.order == "file":
            # A device sends its rows one after the other: a row that stands after a later one is late.
            before = self.last_sent[device]
            send_us = time_us if before is None or before < time_us else before
            self.last_sent[device] = send_us
        self._values(line, cells, device, time_us, send_us)

    def _values(self, line: int, cells: Sequence[str], device: int, time_us: int, send_us: int) -> None:
        found = 0
        ticks, present = [], []
        for column in self.columns:
            text = cells[column.index]
            # Most texts were seen before; looked up here, for it is done for every cell.
            if text in column.seen:
                value = column.seen[text]
            else:
                try:
                    value = column.ticks(text)
                except ValueError as error:
                    self._refuse(line, column.spec.column, text, str(error), row=False)
                    value = None
            ticks.append(value or 0)
            present.append(value is not None)
            found += value is not None
        if not found:
            self.empty += 1
            return
        self.out_device.append(device)
        self.out_time.append(time_us)
        self.out_send.append(send_us)
        self.out_line.append(line)
        self.out_ticks.extend(ticks)
        self.out_present.extend(present)

    def _device(self, line: int, cells: Sequence[str]) -> int | None:
        text = cells[self.device].strip() if self.device >= 0 else ""
        known = self.names.get(text)
        if known is not None:
            return known
        if self.spec.codes:
            code = self.spec.codes.get(text, "")
            hint = f"no device described{devices.nearest(text, self.spec.codes)}"
        else:
            code = self.spec.prefix + text
            code = code if DEVICE_CODE.fullmatch(code) else ""
            hint = "makes no device code (letters, digits, '.', '_', '-'); give its code under [device.codes]"
        if not code:
            self._refuse(line, self.spec.device_column, text, hint, row=True)
            return None
        index = self.names[text] = self.codes.setdefault(code, len(self.codes))
        if index == len(self.last):
            self.last.append(None)
            self.last_sent.append(None)
        return index

    def _time(
        self, line: int, at: int, name: str, cells: Sequence[str], last: list[int | None], device: int
    ) -> int | None:
        try:
            time_us = self.stamp(cells[at].strip(), last[device])
        except (ValueError, OverflowError) as error:
            self._refuse(line, name, cells[at], f"no time as described: {error}", row=True)
            return None
        last[device] = time_us
        return time_us

    def _refuse(self, line: int, column: str, text: str, reason: str, *, row: bool) -> None:
        if row:
            self.refused_rows += 1
        else:
            self.refused_values += 1
        if len(self.problems) < PROBLEMS_MAX:
            shown = text if len(text) <= QUOTED_CHARS_MAX else text[:QUOTED_CHARS_MAX] + "…"
            self.problems.append(Problem(str(self.spec.file), line, column, shown, reason, row))

    def recording(self, model: DeviceModel) -> Recording:
        """Return what was collected."""
        shape = (len(self.out_time), len(self.columns))
        return Recording(
            spec=self.spec,
            model=model,
            fields=tuple(c.spec.field for c in self.columns),
            devices=tuple(self.codes),
            rows=Rows(
                np.array(self.out_device, np.int32),
                np.array(self.out_time, np.int64),
                np.array(self.out_send, np.int64),
                np.array(self.out_line, np.int64),
                np.array(self.out_ticks, np.int64).reshape(shape),
                np.frombuffer(bytes(self.out_present), np.bool_).reshape(shape),
            ),
            empty_rows=self.empty,
            refused_rows=self.refused_rows,
            refused_values=self.refused_values,
            problems=tuple(self.problems),
        )
