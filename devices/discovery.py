"""What an unknown topic's messages could be of: the models that can read them, and what each would yield.

Knows models, codecs and shapes of topics; knows neither where messages are kept nor how devices are registered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from devices.carriers.feeds import listed
from devices.codecs import Decoded, codec
from devices.codecs.sparkplug.schema import parse
from devices.errors import PayloadError
from devices.measurands import MeasurandCatalogue
from devices.models import DeviceModel
from devices.ticks import text_from_ticks
from devices.topics import PLACEHOLDERS, sparkplug_topic

SAMPLES_MAX: Final = 3
"""Messages of a topic that models are tried on, the newest: a decoder may take a millisecond, and there are many."""
OBJECTS_MAX: Final = 50
"""Objects of a feed's message that are read to see whether a model fits; a country has thousands of stations."""
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
    topic: str = ""
    """By which it came, where a device has several."""


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
        keys: of the devices of a feed, in the order in which it names them; of any other model nothing.
        cells: what the topic says of the columns of `devices.csv`, where fields have topics made of them.
    """

    model: str
    fits: bool
    of_fields: int
    messages: int = 0
    readings: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    fields: set[str] = field(default_factory=set)
    examples: list[Example] = field(default_factory=list)
    keys: dict[str, None] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)

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


def device_topic(topic: str, models: Iterable[DeviceModel], city: str) -> str:
    """Return the topic of the device that publishes a field by a topic of its own; the same where none does, by its
    model's pattern."""
    topic = canonical_topic(topic)
    for model in models:
        for one in model.fields:
            found = _part(one.topic, topic) if "{topic}" in one.topic else None
            base = found["topic"] if found is not None else ""
            if base and _pattern(model.topic, {"city": city}).fullmatch(base):
                return base
    return topic


def cells_of(topic: str, model: DeviceModel) -> dict[str, str]:
    """Return what a topic of a field says of the columns that it is made of."""
    found: dict[str, str] = {}
    for one in model.fields:
        match = _part(one.topic, topic) if one.topic else None
        found |= {name: text for name, text in (match or {}).items() if name in model.columns}
    return found


def metrics(payload: bytes) -> list[str]:
    """Return the names of the metrics that a birth of Sparkplug B states; nothing where it is none."""
    try:
        return [metric.name for metric in parse(payload).metrics if metric.name]
    except PayloadError:
        return []


def feed_codes(keys: Iterable[str], model: str, taken: Collection[str]) -> dict[str, str]:
    """Return what the devices of a feed could be called: as there, else by their model and a number."""
    used, found = set(taken), {}
    for key in keys:
        # Of what no code may hold, too little would be left to tell devices by.
        code, number = _code(key) if key.isascii() else "", 1
        while not code or code in used:
            code, number = f"{model}-{number}", number + 1
        used.add(code)
        found[key] = code
    return found


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
    """Return the models that read anything of a device's messages, the likeliest first.

    Args:
        topic: of the device.
        samples: some of them, of each topic the newest last.
        models: to try.
        catalogue: what is plausible.
        city: its code, for patterns.
    """
    ranges = {one.code: (one.low_ticks, one.high_ticks, one.unit) for one in catalogue.measurands}
    found = []
    for model in models:
        fits = _pattern(model.topic, {"city": city}).fullmatch(topic) is not None
        candidate = Candidate(model.code, fits, len(model.fields))
        if any(one.topic for one in model.fields):
            for part, chosen, cells in _parts(topic, samples, model):
                candidate.cells |= cells
                _try(candidate, part, chosen, ranges)
        elif all(sample.topic in ("", topic) for sample in samples):
            for sample in samples[-SAMPLES_MAX:]:
                _try(candidate, model, sample, ranges)
        if candidate.readings:
            found.append(candidate)
    return sorted(found, key=lambda one: one.rank)


def _try(candidate: Candidate, model: DeviceModel, sample: Sample, ranges: Mapping[str, tuple[int, int, str]]) -> None:
    try:
        said = _decoded(candidate, model, sample)
    except PayloadError as error:
        candidate.refused[error.reason] += 1
        return
    for decoded in said:
        for fault in decoded.faults:
            candidate.refused[fault.reason] += fault.readings
    candidate.messages += any(decoded.readings for decoded in said)
    examples = []
    for reading in (reading for decoded in said for reading in decoded.readings):
        of = model.fields[reading.field]
        low, high, unit = ranges[of.measurand]
        if not low <= reading.ticks <= high:
            candidate.refused["out_of_range"] += 1
            continue
        candidate.readings += 1
        candidate.fields.add(of.name)
        examples.append(Example(of.name, text_from_ticks(reading.ticks, of.decimals), unit, reading.time_us))
    if any(one.topic for one in model.fields):
        kept = {one.field: one for one in (*candidate.examples, *examples)}
        candidate.examples = list(kept.values())[:EXAMPLES_MAX]
    else:
        candidate.examples = examples[:EXAMPLES_MAX] or candidate.examples


def _decoded(candidate: Candidate, model: DeviceModel, sample: Sample) -> list[Decoded]:
    """Return what a message says: of one device, or of the first of those that a feed names."""
    if model.feed is None:
        return [codec(model.codec).decode(sample.payload, model, sample.received_us)]
    objects = listed(model, sample.payload, sample.received_us, OBJECTS_MAX)
    candidate.keys |= dict.fromkeys(key for key, _ in objects)
    return [decoded for _, decoded in objects if decoded is not None]


def _parts(
    topic: str, samples: Sequence[Sample], model: DeviceModel
) -> Iterable[tuple[DeviceModel, Sample, dict[str, str]]]:
    """Give what a model sends by each topic of a device, with the newest messages of it."""
    for own in dict.fromkeys(one.topic for one in model.fields):
        pattern = (own or "{topic}").replace("{topic}", topic) if "{topic}" in own or not own else own
        by_topic: dict[str, list[Sample]] = {}
        for sample in samples:
            name = sample.topic or topic
            found = _part(pattern, name)
            if found is not None:
                by_topic.setdefault(name, []).append(sample)
        for name, some in by_topic.items():
            cells = {column: text for column, text in (_part(pattern, name) or {}).items() if column in model.columns}
            for sample in some[-SAMPLES_MAX:]:
                yield model.part(own)[0], sample, cells


def _part(pattern: str, topic: str) -> dict[str, str] | None:
    """Return what stands for each name in braces of a field's topic; None for another topic."""
    made, seen = "", set()
    for at, part in enumerate(re.split(r"\{([^{}]*)\}", pattern)):
        if at % 2 == 0:
            made += re.escape(part)
        elif part in seen:
            made += f"(?P={part})"
        else:
            seen.add(part)
            made += f"(?P<{part}>{'.+' if part == 'topic' else '[^/]+'})"
    match = re.fullmatch(made, topic)
    return match.groupdict() if match is not None else None


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
