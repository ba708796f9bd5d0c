"""Runs the test vectors of a device model through its codec.

Knows codecs and vectors; knows no file and no command.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import NamedTuple

from devices.codecs.base import Codec, Decoded, Reading
from devices.errors import PayloadError
from devices.measurands import Kind, MeasurandCatalogue, load_measurands
from devices.models import DeviceModel
from devices.ticks import Scale, parse_number, scale_number, text_from_ticks
from devices.times import rfc3339
from devices.vectors import Expected, Vector


def try_vectors(model: DeviceModel, codec: Callable[[str], Codec]) -> list[tuple[str, str]]:
    """Return what differs, as (place in the file, what was expected and found); empty when all vectors hold.

    Args:
        model: any model.
        codec: finds the codec of a name.
    """
    return [(tried.vector.where, difference) for tried in trials(model, codec) for difference in tried.differences]


class Trial(NamedTuple):
    """What became of one vector."""

    vector: Vector
    understood: tuple[str, ...]
    """Every reading and every fault, as a person reads them."""
    differences: tuple[str, ...]
    """What was expected and found otherwise; empty where the vector holds."""


def trials(model: DeviceModel, codec: Callable[[str], Codec]) -> Iterator[Trial]:
    """Give what becomes of each vector of a model; arguments as of `try_vectors`."""
    catalogue, chosen = load_measurands(), codec(model.codec)
    for vector in model.vectors:
        part, _ = model.part(vector.topic)
        try:
            decoded = chosen.decode(vector.payload, part, vector.received_us)
        except PayloadError as error:
            decoded = Decoded()
            decoded.refuse(error.reason, error.detail)
        readings = (_said(reading, part, catalogue) for reading in decoded.readings)
        faults = (f"refused, {fault.reason}: {fault.detail}" for fault in decoded.faults)
        yield Trial(vector, (*readings, *faults), tuple(_differences(part, vector, decoded, catalogue)))


def _differences(model: DeviceModel, vector: Vector, decoded: Decoded, catalogue: MeasurandCatalogue) -> Iterator[str]:
    # Why something was refused explains most of what is missing, so it is told first.
    for refused, fault in zip_longest(vector.refused, decoded.faults):
        if fault is None:
            yield f"expected to be refused as {refused}, and was not"
        elif refused != fault.reason:
            yield f"expected {refused or 'no fault'}, got {fault.reason}: {fault.detail}"
    if not decoded.readings and decoded.faults and vector.expected:
        yield f"none of {len(vector.expected)} expected readings"
        return
    found: dict[str, deque[Reading]] = defaultdict(deque)
    for reading in decoded.readings:
        found[model.fields[reading.field].name].append(reading)
    for number, wanted in enumerate(vector.expected, 1):
        if not found[wanted.field]:
            yield f"reading {number}: expected {_told(wanted)}, got none{_place(model, wanted.field)}"
            continue
        reading = found[wanted.field].popleft()
        if not _equal(wanted, reading, model, catalogue):
            yield f"reading {number}: expected {_told(wanted)}, got {_said(reading, model, catalogue)}"
    for reading in (left for of_field in found.values() for left in of_field):
        yield f"expected no other reading, got {_said(reading, model, catalogue)}"


def _place(model: DeviceModel, name: str) -> str:
    """Return where a field was looked for, where that can be said."""
    paths = next(((field.path, *field.also) for field in model.fields if field.name == name), ())
    texts = [path.text for path in paths if path is not None]
    return f" at {' nor '.join(texts)}" if texts else ""


def _equal(wanted: Expected, found: Reading, model: DeviceModel, catalogue: MeasurandCatalogue) -> bool:
    field = model.fields[found.field]
    measurand = catalogue.by_code[field.measurand]
    if field.kind is Kind.STATE:
        same = measurand.states[found.ticks] == wanted.value if found.ticks < len(measurand.states) else False
    else:
        same = scale_number(parse_number(wanted.value), Scale(10**field.decimals, 1, 0)) == found.ticks
    return same and wanted.time_us in (None, found.time_us)


def _said(found: Reading, model: DeviceModel, catalogue: MeasurandCatalogue) -> str:
    field = model.fields[found.field]
    measurand = catalogue.by_code[field.measurand]
    if field.kind is Kind.STATE and found.ticks < len(measurand.states):
        value = measurand.states[found.ticks]
    else:
        value = f"{text_from_ticks(found.ticks, field.decimals)} {measurand.unit}"
    return f"{field.name} = {value} at {rfc3339(found.time_us)}"


def _told(wanted: Expected) -> str:
    at = "" if wanted.time_us is None else f" at {rfc3339(wanted.time_us)}"
    return f"{wanted.field} = {wanted.value}{at}"
