"""Sparkplug B on the wire: protobuf messages of the published schema, to plain records and back.

Knows the schema's numbers and types; knows neither topics nor what a value means. Of the schema (`sparkplug_b.proto`,
proto2) it has the parts that are read; everything else a payload may hold is skipped by the library. Texts are declared
as bytes, which look the same on the wire, so that one that is not UTF-8 is found here; a template is never taken apart,
so that nothing nests deeper than a data set.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from devices.codecs.base import PAYLOAD_BYTES_MAX, READINGS_MAX
from devices.errors import PayloadError

_PACKAGE: Final = "org.eclipse.tahu.protobuf"
# Name and number of each field, and its type; `*` where it is repeated, `|` where it is one of the possible values.
_SCHEMA: Final = {
    "Payload": "timestamp 1 uint64, metrics 2 Metric*, seq 3 uint64",
    "Metric": (
        "name 1 bytes, alias 2 uint64, timestamp 3 uint64, datatype 4 uint32, is_historical 5 bool,"
        " is_transient 6 bool, is_null 7 bool, int_value 10 uint32|, long_value 11 uint64|, float_value 12 float|,"
        " double_value 13 double|, boolean_value 14 bool|, string_value 15 bytes|, bytes_value 16 bytes|,"
        " dataset_value 17 DataSet|, template_value 18 bytes|, extension_value 19 bytes|"
    ),
    "DataSet": "num_of_columns 1 uint64, columns 2 bytes*, types 3 uint32*, rows 4 Row*",
    "Row": "elements 1 Element*",
    "Element": (
        "int_value 1 uint32|, long_value 2 uint64|, float_value 3 float|, double_value 4 double|,"
        " boolean_value 5 bool|, string_value 6 bytes|, extension_value 7 bytes|"
    ),
}


class Table(NamedTuple):
    """A data set: every row has an element for each column, as (kind, value)."""

    columns: tuple[str, ...]
    types: tuple[int, ...]
    rows: tuple[tuple[tuple[str, object], ...], ...]


class Metric(NamedTuple):
    """One metric of a payload, as it was sent."""

    name: str = ""
    """Empty where it has only an alias."""
    alias: int | None = None
    time_ms: int | None = None
    datatype: int = 0
    """0 where it is not stated."""
    is_historical: bool = False
    is_transient: bool = False
    is_null: bool = False
    kind: str = ""
    """Which of the schema's values it has, such as `int_value`; empty where it has none."""
    value: object = None
    """An int, float, bool or Table; bytes for all other kinds."""


class Payload(NamedTuple):
    """One payload."""

    time_ms: int | None
    seq: int | None
    metrics: tuple[Metric, ...]


def _field(text: str, number_of_values: int) -> descriptor_pb2.FieldDescriptorProto:
    """Return the descriptor that a part of `_SCHEMA` writes."""
    name, number, kind = text.split()
    made = descriptor_pb2.FieldDescriptorProto(name=name, number=int(number))
    made.label = made.LABEL_REPEATED if kind.endswith("*") else made.LABEL_OPTIONAL
    if kind.endswith("|"):
        made.oneof_index = number_of_values
    kind = kind.rstrip("*|")
    if kind in _SCHEMA:
        made.type, made.type_name = made.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    else:
        made.type = getattr(made, f"TYPE_{kind.upper()}")
    return made


def _compiled() -> Any:  # made at run time: the library gives it no type
    """Return the class of payloads, in a pool of its own: another part of a process may know the whole schema."""
    file = descriptor_pb2.FileDescriptorProto(name="sparkplug_b.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        if "|" in fields:
            message.oneof_decl.add(name="value")
        message.field.extend(_field(text, 0) for text in fields.split(", "))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


_PAYLOAD: Final = _compiled()


def parse(payload: bytes) -> Payload:
    """Return what a payload's bytes say.

    Raises:
        PayloadError: `oversized`, `too_many` or `malformed`.
    """
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise PayloadError("oversized", f"expected at most {PAYLOAD_BYTES_MAX} bytes, got {len(payload)}")
    try:
        found = _PAYLOAD.FromString(payload)
    except (DecodeError, RecursionError) as error:
        raise PayloadError(
            "malformed", "expected a Sparkplug B payload: the bytes are no such protobuf message"
        ) from error
    if len(found.metrics) > READINGS_MAX:
        raise PayloadError("too_many", f"expected at most {READINGS_MAX} metrics, got {len(found.metrics)}")
    return Payload(
        found.timestamp if found.HasField("timestamp") else None,
        found.seq if found.HasField("seq") else None,
        tuple(_metric(metric) for metric in found.metrics),
    )


def _metric(found: Any) -> Metric:
    kind = found.WhichOneof("value") or ""
    value = getattr(found, kind) if kind else None
    return Metric(
        name=_text(found.name, "the name of a metric"),
        alias=found.alias if found.HasField("alias") else None,
        time_ms=found.timestamp if found.HasField("timestamp") else None,
        datatype=found.datatype,
        is_historical=found.is_historical,
        is_transient=found.is_transient,
        is_null=found.is_null,
        kind=kind,
        value=_table(value) if kind == "dataset_value" else value,
    )


def _table(found: Any) -> Table:
    cells = sum(len(row.elements) for row in found.rows)
    if cells > READINGS_MAX or len(found.rows) > READINGS_MAX or len(found.columns) > READINGS_MAX:
        raise PayloadError("too_many", f"expected a data set of at most {READINGS_MAX} elements, got {cells}")
    columns = tuple(_text(name, "the name of a column") for name in found.columns)
    rows = []
    for row in found.rows:
        if len(row.elements) != len(columns) or len(found.types) != len(columns):
            raise PayloadError("malformed", f"expected a data set with {len(columns)} types, and elements in each row")
        kinds = [element.WhichOneof("value") or "" for element in row.elements]
        values = (getattr(e, kind) if kind else None for e, kind in zip(row.elements, kinds, strict=True))
        rows.append(tuple(zip(kinds, values, strict=True)))
    return Table(columns, tuple(found.types), tuple(rows))


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PayloadError("malformed", f"expected UTF-8 in {what}") from error


def serialize(time_ms: int | None, seq: int | None, metrics: Iterable[Metric]) -> bytes:
    """Return the bytes of a payload; of values all but data sets and templates can be written."""
    made = _PAYLOAD()
    if time_ms is not None:
        made.timestamp = time_ms
    if seq is not None:
        made.seq = seq
    for metric in metrics:
        added = made.metrics.add()
        if metric.name:
            added.name = metric.name.encode("utf-8")
        if metric.alias is not None:
            added.alias = metric.alias
        if metric.time_ms is not None:
            added.timestamp = metric.time_ms
        if metric.datatype:
            added.datatype = metric.datatype
        for mark in ("is_historical", "is_transient", "is_null"):
            if getattr(metric, mark):
                setattr(added, mark, True)
        if metric.kind:
            setattr(added, metric.kind, metric.value)
    return bytes(made.SerializeToString(deterministic=True))
