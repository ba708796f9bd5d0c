"""What an unknown topic's messages could be of: the models that can read them, and what each would yield.

Knows models, codecs and shapes of topics; knows neither where messages are kept nor how devices are registered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from devices.codecs import codec
from devices.errors import PayloadError
from devices.measurands import MeasurandCatalogue
from devices.models import DeviceModel
from devices.ticks import text_from_ticks
from devices.topics import PLACEHOLDERS, sparkplug_topic

SAMPLES_MAX: Final = 3
"""Messages of a topic that models are tried on, the newest: a decoder may take a millisecond, and there are many."""
EXAMPLES_MAX: Final = 8
"""Readings that are shown of what a model would yield."""
KNOWN_TOPICS: Final = (
    "v3/+/devices/{device}/up",
    "application/+/device/{device}/event/up",
    "application/+/device/{device}/rx",
    "zigbee2mqtt/{device}",
    "tele/{device}/SENSOR",
    "shellies/{device}/+",
    "{device}/status/+",
    "{device}/events/rpc",
    "spBv1.0/+/DDATA/+/{device}",
    "spBv1.0/+/NDATA/{device}",
    "cityvitals/+/{device}/telemetry",
)
"""Where the devices of widespread networks and firmwares stand in their topics."""

_NO_CODE: Final = re.compile(r"[^A-Za-z0-9._:-]+")
_CODE_CHARS_MAX: Final = 64


class Sample(NamedTuple):
    """A message of a topic."""

    payload: bytes
    received_us: int


class Example(NamedTuple):
    """One reading that a model would yield."""

    field: str
    value: str
    unit: str
    time_us: int


@dataclass(slots=True)
class Candidate:
    """What a model makes of some messages.

    Attributes:
        model: its code.
        fits: the topic follows its pattern.
        messages: those of which it reads anything.
        readings: that it reads, and that are plausible.
        refused: readings by reason, implausible ones among them.
        fields: that it found anything for.
        of_fields: how many it has.
        examples: some of the newest message.
    """

    model: str
    fits: bool
    of_fields: int
    messages: int = 0
    readings: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    fields: set[str] = field(default_factory=set)
    examples: list[Example] = field(default_factory=list)

    @property
    def rank(self) -> tuple[float, int, bool, float, str]:
        """Order among candidates, the likeliest first: what is read right, how much of it, and the topic."""
        right = self.readings / (self.readings + self.refused.total())
        return -right, -len(self.fields), not self.fits, -len(self.fields) / self.of_fields, self.model


def canonical_topic(topic: str) -> str:
    """Return the topic that a device is registered by, of any of its messages: births and deaths of Sparkplug B speak
    of the device whose data come by another topic."""
    parts = sparkplug_topic(topic)
    if parts is None:
        return topic
    kind = "DDATA" if parts.device else "NDATA"
    return topic.replace(f"/{parts.kind}/", f"/{kind}/", 1)


def likely_code(topic: str, pattern: str = "") -> str:
    """Return what a device of a topic could be called: what stands where a pattern, or a widespread network, has the
    device; else the level that tells topics apart, by its digits."""
    for known in (pattern, *KNOWN_TOPICS):
        found = _named(known, topic)
        if found:
            return _code(found)
    levels = [level for level in topic.split("/") if level]
    if not levels:
        return ""
    return _code(max(levels, key=lambda level: (sum(c.isdigit() for c in level), levels.index(level))))


def candidates(
    topic: str, samples: Sequence[Sample], models: Iterable[DeviceModel], catalogue: MeasurandCatalogue, city: str
) -> list[Candidate]:
    """Return the models that read anything of a topic's messages, the likeliest first.

    Models of feeds, and those whose fields have topics of their own, are not tried: a message of theirs is not one
    device's.

    Args:
        topic: of the messages.
        samples: some of them, the newest last.
        models: to try.
        catalogue: what is plausible.
        city: its code, for patterns.
    """
    ranges = {one.code: (one.low_ticks, one.high_ticks, one.unit) for one in catalogue.measurands}
    found = []
    for model in models:
        if model.feed is not None or any(one.topic for one in model.fields):
            continue
        fits = _pattern(model.topic, {"city": city}).fullmatch(topic) is not None
        candidate = Candidate(model.code, fits, len(model.fields))
        for sample in samples[-SAMPLES_MAX:]:
            _try(candidate, model, sample, ranges)
        if candidate.readings:
            found.append(candidate)
    return sorted(found, key=lambda one: one.rank)


def _try(candidate: Candidate, model: DeviceModel, sample: Sample, ranges: Mapping[str, tuple[int, int, str]]) -> None:
    try:
        decoded = codec(model.codec).decode(sample.payload, model, sample.received_us)
    except PayloadError as error:
        candidate.refused[error.reason] += 1
        return
    for fault in decoded.faults:
        candidate.refused[fault.reason] += fault.readings
    candidate.messages += bool(decoded.readings)
    examples = []
    for reading in decoded.readings:
        of = model.fields[reading.field]
        low, high, unit = ranges[of.measurand]
        if not low <= reading.ticks <= high:
            candidate.refused["out_of_range"] += 1
            continue
        candidate.readings += 1
        candidate.fields.add(of.name)
        examples.append(Example(of.name, text_from_ticks(reading.ticks, of.decimals), unit, reading.time_us))
    candidate.examples = examples[:EXAMPLES_MAX] or candidate.examples


def _named(pattern: str, topic: str) -> str:
    """Return what stands for the device in a topic that follows a pattern; empty where nothing does."""
    match = _pattern(pattern, {}).fullmatch(topic) if pattern else None
    return (match.groupdict().get("device") or "") if match is not None else ""


def _pattern(pattern: str, fixed: Mapping[str, str]) -> re.Pattern[str]:
    """Return the topics that a pattern could make, each placeholder and each `+` within one level."""
    parts = re.split(r"(\{[^{}]*\}|\+)", pattern)
    seen: set[str] = set()
    made = []
    for part in parts:
        name = part[1:-1] if part.startswith("{") else ""
        if name in fixed:
            made.append(re.escape(fixed[name]))
        elif name in PLACEHOLDERS and name not in seen:
            seen.add(name)
            made.append(f"(?P<{name}>[^/]+)")
        elif name and name in seen:
            made.append(f"(?P={name})")
        elif name or part == "+":
            made.append("[^/]+")
        else:
            made.append(re.escape(part))
    return re.compile("".join(made))


def _code(text: str) -> str:
    """Return a text with only what a device's code may hold."""
    return _NO_CODE.sub("-", text).strip("-._:")[:_CODE_CHARS_MAX]
