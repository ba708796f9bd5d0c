"""Device models: what a type of hardware sends, one TOML file each.

Knows fields, units, times and topics of a model; knows no installed device and no payload bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as member
from fractions import Fraction
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

from devices.definitions import MODELS, another_edition, definitions_folder, once_an_edition
from devices.errors import UnitError, nearest
from devices.formats import FORMATS, FormatRules
from devices.measurands import Kind, Measurand, MeasurandCatalogue, load_measurands
from devices.paths import JsonPath, parse_path
from devices.tables import Problems, Table, parse_toml
from devices.ticks import Scale, divide_half_even
from devices.timeformats import format_faults
from devices.topics import DEFAULT_TOPIC, pattern_faults
from devices.units import conversion
from devices.vectors import Vector, read_vectors

INTERVAL_S_MAX = 31 * 86_400
"""Slowest reporting interval: a month."""
FIELDS_MAX = 256
CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
"""Codes of models, cities and zones."""
# RFC 8428, section 4.5.1, without the separators that end a base name.
_SENML_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


class Condition(NamedTuple):
    """What a message, or an object of it, must say for a field to be sent in it."""

    path: JsonPath
    values: tuple[str, ...]
    """Any of these, as `devices.paths.said` writes them."""


class Feed(NamedTuple):
    """How one message speaks of many devices."""

    path: JsonPath
    """The array of their objects."""
    key: JsonPath
    """In each of them, which device it is."""
    column: str
    """Column of `devices.csv` where a device's key stands; empty: it is the device's code."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a model's payload: canonical = value * factor + offset.

    Attributes:
        name: unique in the model; for SenML the name of the record after its last `/` or `:`.
        measurand: code of the measurand.
        kind, decimals: of the measurand.
        unit: the unit as sent; a SenML record that states another is `bad_unit`. Empty where the model states none.
        factor, offset: exact way from the value as sent to the canonical unit.
        scale: the same way to ticks, in integers.
        convention: where factor and offset come from when the model states them, else empty.
        path: where the value stands, for formats with paths; None for SenML.
        also: for formats with paths: where else the same value may stand, in the order in which it is looked for.
        states: value as sent (text) to state, for kind STATE and devices that send words or codes; else empty.
        modulus_ticks: a counter rolls over to 0 at this value; 0 where it never does.
        rate_ticks_max: largest plausible rise of a counter in an hour; 0 where unknown.
        resolution: step of what the device reports, in the canonical unit; 0 where unknown.
        when: for formats with paths: the field is there only where this holds.
        missing: values as sent that are no reading, such as `-`; as `devices.paths.said` writes them.
        topic: pattern of the topic that this field alone is published to; empty where it comes by the device's.
        suffix: what stands behind the number in a text, such as `mm`; a text with another is `bad_unit`.
        required: for formats with paths: a message, or an object of it, that goes without is a fault at once.
        sum_of: for SenML, the name of the records whose sum (`s`) this field is; else empty.
        accuracy, accuracy_percent: how far a reading may be off, in the canonical unit and in per cent of the reading;
            both count where both are stated, 0 where unknown.
    """

    name: str
    measurand: str
    kind: Kind
    decimals: int
    unit: str
    factor: Fraction
    offset: Fraction
    scale: Scale
    convention: str
    path: JsonPath | None
    states: Mapping[str, int] = member(hash=False)  # a plain dict, so that models travel between processes
    modulus_ticks: int
    rate_ticks_max: int
    resolution: Fraction = Fraction(0)
    accuracy: Fraction = Fraction(0)
    accuracy_percent: Fraction = Fraction(0)
    sum_of: str = ""
    when: Condition | None = None
    missing: tuple[str, ...] = ()
    suffix: str = ""
    topic: str = ""
    required: bool = False
    also: tuple[JsonPath, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeSpec:
    """Where a message carries its time.

    Attributes:
        path: as in `Field`.
        format: a name or a pattern of `devices.timeformats`.
        required: a message without it is `bad_time`; else its arrival stands in, also for a clock that was never set.
        zone: of civil times without an offset; empty for the others.
        clock_path: where date and time of day stand apart, the place of the latter; a blank joins them.
        period_us: what is stated is the end of so long a period, and its begin is the reading's time; 0: it is an
            instant, or a begin.
    """

    path: JsonPath
    format: str
    required: bool
    zone: str = ""
    clock_path: JsonPath | None = None
    period_us: int = 0


@dataclass(frozen=True, slots=True)
class DeviceModel:
    """One type of hardware.

    Attributes:
        code: the file's name without `.toml`.
        title: what a person calls it.
        codec: name of its payload format.
        topic: pattern of its MQTT topic, with placeholders in braces (see `devices.topics`).
        interval_s: reporting interval, unless a device states its own.
        fields: in the order of the file; a position here is `Reading.field`.
        time: for formats with paths; None where the model names none, and for SenML.
        each: for formats with paths, an array of objects that each carry the fields; None for one object.
        columns: columns of `devices.csv` that only devices of this model fill.
        source: where the description comes from.
        options: what the format's own table says; of the type its `FormatRules.options` returns.
        vectors: messages of the hardware and what they say; see `devices.codecs.trial`.
        feed: for formats with paths: the devices of this model share a topic, and a message speaks of many of them.
        ignore: for formats with paths: members that may come and go, or be of any type; a `*` that ends one stands for
            every name that begins so.
        worked_out: by codec, what it worked out of the model, to be asked for every message; no part of the model.
    """

    code: str
    title: str
    codec: str
    topic: str
    interval_s: int
    fields: tuple[Field, ...]
    time: TimeSpec | None
    each: JsonPath | None
    columns: tuple[str, ...]
    source: str
    options: object = None
    vectors: tuple[Vector, ...] = ()
    feed: Feed | None = None
    ignore: tuple[JsonPath, ...] = ()
    worked_out: dict[str, Any] = member(default_factory=dict, init=False, compare=False, repr=False)

    def part(self, topic: str) -> tuple[DeviceModel, tuple[int, ...]]:
        """Return the model of the messages with one topic of fields (see `Field.topic`), and where its fields stand in
        this one."""
        positions = tuple(position for position, field in enumerate(self.fields) if field.topic == topic)
        fields = tuple(self.fields[position] for position in positions)
        vectors = tuple(vector for vector in self.vectors if vector.topic == topic)
        return replace(self, fields=fields, vectors=vectors), positions

    def field_index(self, name: str) -> int:
        """Return the position of a field.

        Raises:
            KeyError: no such field; the message names the nearest.
        """
        for position, field in enumerate(self.fields):
            if field.name == name:
                return position
        raise KeyError(f"model {self.code!r} has no field {name!r}{nearest(name, [f.name for f in self.fields])}")


def load_models(extra: Path | None = None) -> Mapping[str, DeviceModel]:
    """Return the models that come with the package, and those of a folder of TOML files, by code.

    Raises:
        ConfigError: naming every fault of every file; a code that stands twice among them.
    """
    problems = Problems()
    models = dict(_packaged())
    if extra is not None:
        models.update(read_models(extra, problems, models))
    problems.raise_if_any()
    return models


@once_an_edition
def _packaged() -> Mapping[str, DeviceModel]:
    problems = Problems()
    models = read_models(definitions_folder().joinpath(MODELS), problems, {})
    problems.raise_if_any()
    return models


def read_models(
    folder: Path | Traversable, problems: Problems, known: Mapping[str, DeviceModel]
) -> dict[str, DeviceModel]:
    """Return the models of a folder; faults go to `problems`, and a code of `known` is one."""
    models: dict[str, DeviceModel] = {}
    if not folder.is_dir():
        problems.add(str(folder), "", "expected a folder of device models (*.toml)")
        return models
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        model = read_model(entry, problems, known) if entry.name.endswith(".toml") else None
        if model is not None:
            models[model.code] = model
    return models


def read_model(file: Path | Traversable, problems: Problems, known: Mapping[str, DeviceModel]) -> DeviceModel | None:
    """Return the model of a file; faults go to `problems`, and a code of `known` is one."""
    code = file.name.removesuffix(".toml")
    if code in known:
        problems.add(str(file), "", f"a model {code!r} comes with the package; give this file another name")
    return parse_model(file.read_bytes(), code, str(file), problems)


def parse_model(content: bytes, code: str, file: str, problems: Problems) -> DeviceModel | None:
    """Return the model one TOML file writes; faults go to `problems`, and None is returned if it is not TOML."""
    root = parse_toml(content, file, problems)
    if root is None:
        return None
    if not CODE.match(code):
        problems.add(file, "", f"expected a file name of small letters, digits, `_` and `-`, got {code!r}")
    codec = root.text("codec", among=FORMATS)
    rules = FORMATS.get(codec, FormatRules())
    topic = root.text("topic", DEFAULT_TOPIC)
    for fault in filter(None, (*pattern_faults(topic), rules.topic(topic) if rules.topic is not None else "")):
        root.fault("topic", fault)
    catalogue = load_measurands()
    missing = root.words("missing") if rules.paths else ()
    fields = tuple(_field(table, rules, catalogue, missing) for table in root.tables("field", required=True))
    if len(fields) > FIELDS_MAX:
        root.fault("field", f"expected at most {FIELDS_MAX} fields, got {len(fields)}")
    for name in _twice(f.name for f in fields):
        root.fault("field", f"two fields are named {name!r}")
    for name in _twice(f.sum_of for f in fields if f.sum_of):
        root.fault("field", f"two fields are the sum of {name!r}")
    time, each = root.table("time"), root.text("each", "")
    for key, present in (("time", time is not None), ("each", bool(each))):
        if present and (not rules.paths or rules.path):
            root.fault(key, f"{codec} carries its own times and records; only formats with paths have this key")
    if each and rules.each:
        root.fault("each", f"a message of {codec} is one array; leave it out")
    columns, feed = root.texts("columns"), _feed(root, rules)
    if feed is not None and each:
        root.fault("each", "a feed has its own `path` to the objects; leave it out")
    for field in fields:
        for fault in pattern_faults(field.topic, ("topic", *columns)) if field.topic else ():
            root.fault("field", f"topic of {field.name}: {fault}")
    if rules.topic is not None and (feed is not None or any(field.topic for field in fields)):
        root.fault("topic", f"{codec} has topics of its own; expected neither a feed nor a topic of a field")
    if feed is not None and any(field.topic for field in fields):
        root.fault("feed", "the devices of a feed share a topic; expected none of a field")
    if feed is not None and feed.column and feed.column not in columns:
        root.fault(
            "feed.column", f"expected one of the model's `columns`, got {feed.column!r}{nearest(feed.column, columns)}"
        )
    each = each or ("" if feed is not None else rules.each)
    model = DeviceModel(
        code=code,
        title=root.text("title"),
        codec=codec,
        topic=topic,
        interval_s=root.whole("interval_s", low=1, high=INTERVAL_S_MAX),
        fields=fields,
        time=None if time is None else _time(time),
        each=_path(root, "each", each, wild=True) if each else None,
        columns=columns,
        source=root.text("source", ""),
        options=rules.options(root) if rules.options is not None else None,
        vectors=read_vectors(root),
        feed=feed,
        ignore=_ignored(root) if rules.paths else (),
    )
    _check_vectors(root, model)
    root.done()
    return model


def _check_vectors(root: Table, model: DeviceModel) -> None:
    """Note what is wrong with a model's vectors beside the model, and that there is none."""
    if not root.raw().get("test", []) and not another_edition():
        # What somebody computed with before vectors were asked for is computed again with what they had.
        root.fault(
            "test", "expected at least one [[test]], a message of the device and its readings; see docs/devices.md"
        )
    topics, names = {field.topic for field in model.fields}, {field.name for field in model.fields}
    for vector in model.vectors:
        if vector.topic not in topics:
            what = (
                f"no field has the topic {vector.topic!r}" if vector.topic else "is missing; the fields have their own"
            )
            root.problems.add(root.file, f"{vector.where}.topic", what)
        for name in sorted({e.field for e in vector.expected} - names):
            root.problems.add(root.file, f"{vector.where}.expect", f"model {model.code!r} has no field {name!r}")


def _twice(names: Iterator[str]) -> list[str]:
    """Return the names that occur more than once."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    return [name for name, count in seen.items() if count > 1]


def _path(table: Table, key: str, text: str, *, wild: bool = False, selected: bool = False) -> JsonPath | None:
    """Return the parsed path of a key, or None and a fault."""
    try:
        path = parse_path(text, selected=selected)
    except ValueError as error:
        table.fault(key, str(error))
        return None
    if path.wild and not wild:
        table.fault(key, f"a wildcard stands in `each`, so that every object has a time of its own, got {text!r}")
        return None
    return path


def _ignored(root: Table) -> tuple[JsonPath, ...]:
    """Return the members that a model's `ignore` names."""
    found = []
    for text in root.texts("ignore"):
        path = _path(root, "ignore", text, wild=True)
        if path is None:
            continue
        if any(isinstance(step, str) and "*" in step[:-1] for step in path.steps) or any(
            isinstance(step, str) and step.endswith("*") for step in path.steps[:-1]
        ):
            root.fault("ignore", f"a `*` stands at the end, as in `Wifi.*` or `phase_*`, got {text!r}")
        found.append(path)
    return tuple(found)


def _time(table: Table) -> TimeSpec | None:
    """Return the time a `[time]` table describes."""
    path = _path(table, "path", table.text("path"))
    name, zone, clock = table.text("format"), table.text("zone", ""), table.text("clock", "")
    for fault in format_faults(name, zone) if name else ():
        table.fault("format", fault)
    required = table.flag("required", True)
    clock_path = _path(table, "clock", clock) if clock else None
    period_s = table.whole("period_s", 0, low=1, high=INTERVAL_S_MAX)
    if period_s and not required:
        table.fault("period_s", "the arrival would stand in for an end; expected a time that is `required`")
    table.done()
    return None if path is None else TimeSpec(path, name, required, zone, clock_path, period_s * 1_000_000)


def _feed(root: Table, rules: FormatRules) -> Feed | None:
    """Return the feed a `[feed]` table describes."""
    table = root.table("feed")
    if table is None:
        return None
    if not rules.paths or rules.path:
        table.fault("", "only formats with paths have feeds")
    path = _path(table, "path", table.text("path", rules.each or None), wild=True)
    key = _path(table, "key", table.text("key"))
    column = table.text("column", "")
    table.done()
    return None if path is None or key is None else Feed(path, key, column)


def _condition(table: Table | None) -> Condition | None:
    """Return the condition a `when` table describes."""
    if table is None:
        return None
    path = _path(table, "path", table.text("path"))
    values = table.words("equals") + table.words("in")
    if not values:
        table.fault(
            "equals", "is missing; say what stands at the path when the field is sent, or which values `in` a list"
        )
    table.done()
    return Condition(path, values) if path is not None and values else None


def _field(table: Table, rules: FormatRules, catalogue: MeasurandCatalogue, missing: tuple[str, ...]) -> Field:
    """Return the field of one `[[field]]`; faults go to the table's problems."""
    name = table.text("name")
    path, sum_of, when, suffix, required = None, "", None, "", False
    also: tuple[JsonPath, ...] = ()
    if rules.paths:
        path = _path(table, "path", table.text("path", rules.path or name), selected=rules.measured)
        if rules.measured and path is not None and path.steps[-1:] == ("value",) and path.steps[-2:-1] != ("value",):
            # Its value alone would be read at the time of the whole message, and in any unit.
            table.fault("path", f"expected the reading, with its unit and time, and not its `value`, got {path.text!r}")
        when, suffix = _condition(table.table("when")), table.text("suffix", "")
        missing = table.words("missing") or missing
        required = table.flag("required", False)
        if required and rules.topic is not None:
            table.fault("required", "devices of this format send what changed, and no message holds everything")
        also = _also(table, rules)
    else:
        sum_of = table.text("sum_of", "")
        for key, text in (("name", name), ("sum_of", sum_of or "none")):
            if not _SENML_NAME.match(text):
                table.fault(key, f"expected a SenML name of letters, digits, `.`, `_` and `-`, got {text!r}")
    code = table.text("measurand")
    if code and code not in catalogue.by_code:
        table.fault("measurand", f"unknown measurand {code!r}{nearest(code, catalogue.by_code)}")
    measurand = catalogue.by_code.get(code, catalogue.measurands[0])
    # What rests on a faulty key is not judged by a value we made up: one mistake, one message.
    count = len(table.problems.found)
    unit, factor, offset, convention = _conversion(table if code in catalogue.by_code else table.muted(), measurand)
    sound = code in catalogue.by_code and len(table.problems.found) == count
    rest = table if sound else table.muted()
    scale = Scale.of(factor, offset, measurand.decimals)
    modulus = _counter_ticks(rest, "modulus", measurand, factor)
    rate = _counter_ticks(rest, "rate_max", measurand, factor)
    if measurand.kind is Kind.COUNTER and offset:
        rest.fault("offset", "a counter has no offset: its zero is the register's")
    states = _states(rest, measurand)
    field = Field(
        name, measurand.code, measurand.kind, measurand.decimals, unit, factor, offset, scale, convention, path, states,
        modulus, rate, _error(rest, "resolution", factor), _error(rest, "accuracy", factor),
        _error(rest, "accuracy_percent", Fraction(1)), sum_of, when, missing, suffix,
        table.text("topic", ""), required, also,
    )  # fmt: skip
    table.done()
    return field


def _also(table: Table, rules: FormatRules) -> tuple[JsonPath, ...]:
    """Return the other places of a field's value."""
    texts = table.texts("also")
    if texts and rules.topic is not None:
        table.fault("also", "a metric of this format has one name; give the other one a field of its own")
    return tuple(path for text in texts if (path := _path(table, "also", text, selected=rules.measured)) is not None)


def _error(table: Table, key: str, factor: Fraction) -> Fraction:
    """Return how far a reading may be off, stated in the unit sent, in the canonical unit; 0 where absent."""
    value = table.number(key)
    if value is not None and value <= 0:
        table.fault(key, f"expected a number above 0, got {value}")
    return value * abs(factor) if value is not None and value > 0 else Fraction(0)


def _conversion(table: Table, measurand: Measurand) -> tuple[str, Fraction, Fraction, str]:
    """Return (unit, factor, offset, convention): from the table of units, or as the model states it."""
    unit = table.text("unit", "")
    factor = table.number("factor")
    offset = table.number("offset")
    convention = table.text("convention", "")
    if measurand.kind is Kind.STATE and (factor is not None or offset is not None):
        table.fault("factor", "a state has none; map what is sent with `states`")
        factor = offset = None
    if factor is not None or offset is not None:
        if not convention:
            table.fault("convention", 'is missing; say where `factor` comes from, e.g. "25 degC, 1013.25 hPa"')
        if factor is not None and (factor == 0 or (factor < 0 and measurand.kind is not Kind.GAUGE)):
            # Below 0 it turns a gauge round: a distance becomes a level. What is summed or rolls over has one way only.
            what = "other than 0" if measurand.kind is Kind.GAUGE else "above 0"
            table.fault("factor", f"expected a number {what}, got {factor}")
            factor = None
        return unit, factor or Fraction(1), offset or Fraction(0), convention
    if convention:
        table.fault("convention", "says how `factor` was chosen, and there is no `factor`")
    if measurand.kind is Kind.STATE:
        return unit, Fraction(1), Fraction(0), ""
    if not unit:
        table.fault("unit", f"is missing; expected a unit such as {measurand.unit!r}")
        return unit, Fraction(1), Fraction(0), ""
    try:
        factor, offset = conversion(unit, measurand.unit)
    except UnitError as error:
        table.fault("unit", f"{measurand.code}: {error}")
        return unit, Fraction(1), Fraction(0), ""
    return unit, factor, offset, ""


def _counter_ticks(table: Table, key: str, measurand: Measurand, factor: Fraction) -> int:
    """Return a counter's figure, stated in the unit sent, as ticks; 0 where absent."""
    value = table.number(key)
    if value is None:
        return 0
    if measurand.kind is not Kind.COUNTER:
        table.fault(key, f"only a counter has one, and {measurand.code} is a {measurand.kind.name.lower()}")
        return 0
    ticks = value * factor * 10**measurand.decimals
    if ticks <= 0 or (key == "modulus" and ticks.denominator != 1) or ticks > measurand.high_ticks + 1:
        table.fault(
            key,
            f"expected more than 0, a whole number of 10^-{measurand.decimals} {measurand.unit} and within the range of"
            f" {measurand.code}, got {value}",
        )
        return 0
    return max(1, divide_half_even(ticks.numerator, ticks.denominator))


def _states(table: Table, measurand: Measurand) -> Mapping[str, int]:
    """Return what the device sends for each state; empty where it sends the state's number."""
    sent = table.mapping("states")
    if sent and measurand.kind is not Kind.STATE:
        table.fault("states", f"{measurand.code} has no states")
        return {}
    found: dict[str, int] = {}
    for text, state in sent.items():
        if state not in measurand.states:
            table.fault(f"states.{text}", f"unknown state {state!r}{nearest(state, measurand.states)}")
        else:
            found[text] = measurand.states.index(state)
    return found
