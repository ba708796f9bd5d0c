"""Sparkplug B metrics whose names and types are known, to readings of one device.

Knows metrics, models and documents; knows neither topics nor births: who a metric is was found out before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from devices.codecs.base import READINGS_MAX, TIME_MAX_US, TIME_MIN_US, Decoded
from devices.codecs.documents import Document, decode_item
from devices.codecs.members import Known, known_members, tell_unknown
from devices.codecs.sparkplug.schema import Metric, parse
from devices.codecs.sparkplug.values import value_of
from devices.errors import PayloadError, ValueRefusedError, quoted
from devices.models import DeviceModel
from devices.paths import parse_path

CODEC: Final = "sparkplug-b"
MS_US = 1_000
OF_THE_FORMAT = tuple(map(parse_path, ("bdSeq", '["Node Control/*"]', '["Device Control/*"]')))
"""Metrics that Sparkplug B itself gives to nodes and devices."""


class Named(NamedTuple):
    """A metric that is known."""

    name: str
    datatype: int
    """0 where the value says by itself what it is."""
    metric: Metric


def wanted(model: DeviceModel) -> Counter[str]:
    """Return the names of the metrics that a model's fields name, with the number of fields of each."""
    paths = (field.path for field in model.fields if field.path is not None)
    return Counter(str(path.steps[0]) for path in paths if path.steps)


def known_metrics(model: DeviceModel) -> Known | None:
    """Return the metrics that a model's devices are known to send; None where any may come."""
    if CODEC not in model.worked_out:
        model.worked_out[CODEC] = known_members(model, _shown(model), OF_THE_FORMAT)
    found: Known | None = model.worked_out[CODEC]
    return found


def _shown(model: DeviceModel) -> Iterator[dict[str, object]]:
    """Give the metrics of a model's test messages, but of those that show what is not known."""
    for vector in model.vectors:
        if "unknown_field" in vector.refused:
            continue
        try:
            metrics = parse(vector.payload).metrics
        except PayloadError:
            continue
        for metric in metrics:
            try:
                yield {metric.name: value_of(metric.kind, metric.value, metric.datatype)} if metric.name else {}
            except ValueRefusedError:
                yield {metric.name: None}  # it is there, and of any type


def read(
    named: Iterable[Named], time_ms: int | None, model: DeviceModel, of: Counter[str], received_us: int
) -> Decoded:
    """Return what metrics say to a model: those that it names, each at its own time, else the payload's, else now.

    Metrics of one time that stand together are one document, so that a field can look at its neighbours. A null says
    that there is no value, and a transient metric asks not to be kept: neither is a reading, or a fault. A metric that
    the model's devices are not known to send is one.

    Args:
        named: metrics in order of the payload.
        time_ms: the payload's time.
        model: of the device.
        of: what `wanted` says of the model.
        received_us: the gateway's clock at arrival.

    Raises:
        PayloadError: `too_many`.
    """
    decoded = Decoded()
    document: dict[str, object] = {}
    documents = [document]
    at_us: int | None = None
    count = 0
    for name, datatype, metric in named:
        if metric.is_null or metric.is_transient:
            continue
        count += of[name]
        if count > READINGS_MAX:
            raise PayloadError("too_many", f"expected at most {READINGS_MAX} readings in a message")
        try:
            time_us = _time_us(metric.time_ms if metric.time_ms is not None else time_ms)
            value = value_of(metric.kind, metric.value, datatype)
        except ValueRefusedError as error:
            if of[name]:
                decoded.refuse(error.reason, f"{quoted(name)}: {error.detail}", of[name])
            continue
        if document and (time_us != at_us or name in document):
            _take(document, at_us, model, of, received_us, decoded)
            document = {}
            documents.append(document)
        at_us = time_us
        document[name] = value
    _take(document, at_us, model, of, received_us, decoded)
    tell_unknown(known_metrics(model), documents, decoded)
    return decoded


def _take(
    document: dict[str, object], at_us: int | None, model: DeviceModel, of: Counter[str], received_us: int,
    decoded: Decoded,
) -> None:  # fmt: skip
    if any(of[name] for name in document):
        decode_item(document, Document(document, document, at_us), model, received_us, "", decoded)


def _time_us(time_ms: int | None) -> int | None:
    if time_ms is None:
        return None
    if not TIME_MIN_US <= time_ms * MS_US <= TIME_MAX_US:
        raise ValueRefusedError("bad_time", f"{time_ms} ms is outside the years 1 to 9999")
    return time_ms * MS_US
