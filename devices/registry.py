"""The registry: which devices are installed where, since when, and the series they make.

Knows models, the city and `devices.csv`; knows neither payload bytes nor the store.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.calibrations import FILE as CALIBRATIONS
from devices.calibrations import Calibration, Lines, Target, lines_of, read_calibrations
from devices.city import City, read_city, read_file
from devices.columns import OPTIONAL, REQUIRED, Column, load_columns
from devices.errors import nearest
from devices.formats import FORMATS
from devices.measurands import MeasurandCatalogue, load_measurands
from devices.models import INTERVAL_S_MAX, DeviceModel, Field, load_models, read_models
from devices.quality import check_models
from devices.series import TIME_MAX_US, TIME_MIN_US, SeriesTable
from devices.succession import Line, Succession
from devices.tables import Problems
from devices.times import time_us_from_civil
from devices.topics import fill, placeholders, subscriptions, topic_faults, widened

DEVICES_MAX = 1_000_000
DIRECT = "direct"
"""Gateway of devices whose row names none: they speak to the broker themselves."""
_NO_ATTRIBUTES: Final[Mapping[str, str]] = {}
_NO_TOPICS: Final[Mapping[str, Sequence[str]]] = {}
# Part of topics, URLs, metric labels and SenML names: nothing that means something in one of them.
_DEVICE_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class Device:
    """One installed device.

    Attributes:
        code: unique, as in its topic.
        model: code of its model.
        zone: code of its zone.
        latitude, longitude: degrees, WGS 84; None where not stated.
        service_from_us, service_to_us: in service from (included) to (excluded); see `devices.series` for open ends.
        interval_us: reporting interval; coverage counts against it.
        gateway: whose watermark it moves; DIRECT where none is named.
        title: what a person calls it.
        topic: its MQTT topic.
        attributes: what stands in the columns that any device may have, and in those of its model.
    """

    code: str
    model: str
    zone: str
    latitude: float | None
    longitude: float | None
    service_from_us: int
    service_to_us: int
    interval_us: int
    gateway: str
    title: str
    topic: str
    attributes: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True)
class Registry:
    """Everything configured about a city's devices.

    A slot is one series: devices in the file's order, each with its model's fields in order.
    """

    city: City
    catalogue: MeasurandCatalogue
    models: Mapping[str, DeviceModel]
    devices: tuple[Device, ...]
    gateways: tuple[str, ...]
    calibrations: tuple[Calibration, ...] = ()

    @cached_property
    def _index(self) -> dict[str, int]:
        return {device.code: position for position, device in enumerate(self.devices)}

    @cached_property
    def _first(self) -> list[int]:
        """Return the first slot of every device, and at the end the number of slots."""
        return list(accumulate((len(self.models[device.model].fields) for device in self.devices), initial=0))

    def device_index(self, code: str) -> int:
        """Return the position of a device.

        Raises:
            KeyError: no such device; the message names the nearest.
        """
        if code not in self._index:
            raise KeyError(f"unknown device {code!r}{nearest(code, self._index)}")
        return self._index[code]

    def model_of(self, device: Device) -> DeviceModel:
        """Return the model of a device."""
        return self.models[device.model]

    def slots(self, device_index: int) -> range:
        """Return the slots of a device, by its position; slot i of them is the model's field i."""
        return range(self._first[device_index], self._first[device_index + 1])

    def slot(self, device_code: str, field_name: str) -> int:
        """Return the slot of one field of one device.

        Raises:
            KeyError: no such device or field; the message names the nearest.
        """
        position = self.device_index(device_code)
        return self.slots(position)[self.model_of(self.devices[position]).field_index(field_name)]

    def slot_count(self) -> int:
        """Return the number of series."""
        return self._first[-1]

    def field_of(self, slot: int, device_index: int) -> Field:
        """Return the field of a slot of a device."""
        return self.model_of(self.devices[device_index]).fields[slot - self.slots(device_index).start]

    def topic(self, device: Device) -> str:
        """Return the topic a device publishes to."""
        return device.topic

    def field_topics(self, device: Device) -> tuple[str, ...]:
        """Return the topic that each field of a device is published to; empty where the device has no such field."""
        return _field_topics(self.city, device, self.model_of(device))

    def pattern(self, device: Device) -> str:
        """Return the pattern of a device's topic, filled as far as all devices of its model share it; the topic itself
        where its row names another."""
        model = self.model_of(device)
        own = device.topic == fill(model.topic, _values(self.city, device))
        return widened(model.topic, {"city": self.city.code}) if own else device.topic

    def subscriptions(
        self,
        carried: Collection[int] = (),
        carriers: Mapping[str, Sequence[str]] = _NO_TOPICS,
        wider: Collection[str] = (),
    ) -> tuple[str, ...]:
        """Return MQTT filters that take every device's topic, none of them twice.

        Args:
            carried: positions of devices whose own topics nobody reads, because a carrier brings their messages. Those
                that another follows are none of them: their models' patterns are heard on.
            carriers: the carriers' filters, each with the topics that it is there for.
            wider: filters that are to be heard beside, whoever is there.
        """
        by_filter = {wide: list(topics) for wide, topics in carriers.items()}
        for position, device in enumerate(self.devices):
            if position in carried:
                continue
            by_filter.setdefault(self.pattern(device), []).append(device.topic)
        return subscriptions(by_filter, wider)

    @cached_property
    def succession(self) -> Succession | None:
        """Who follows whom at an address; None where nobody does."""
        if all(device.service_to_us == TIME_MAX_US for device in self.devices):
            return None  # who never ends is followed by nobody
        shared: dict[_Address, list[int]] = {}
        for position, device in enumerate(self.devices):
            shared.setdefault(_address(self.city, device, self.model_of(device)), []).append(position)
        before: dict[int, tuple[int, int]] = {}
        for positions in shared.values():
            positions.sort(key=lambda at: self.devices[at].service_from_us)
            before |= {b: (a, self.devices[b].service_from_us) for a, b in pairwise(positions)}
        if not before:
            return None
        slots = {
            slot: (earlier, from_us)
            for at, (other, from_us) in before.items()
            for slot, earlier in zip(self.slots(at), self.slots(other), strict=True)
        }
        earlier = frozenset(other for other, _ in before.values())
        return Succession(earlier, Line(len(self.devices), before), Line(self.slot_count(), slots))

    @property
    def earlier(self) -> frozenset[int]:
        """Return the positions of devices that another follows at their address, which stands for all of them."""
        return self.succession.earlier if self.succession is not None else frozenset()

    def calibration_lines(self) -> Lines | None:
        """Return what corrects readings, by slot; None where nothing does."""
        wanted = {(one.device, one.field) for one in self.calibrations}
        slots = {
            (code, name): (slot, self.field_of(slot, self.device_index(code)).decimals)
            for code, name, slot in ((code, name, self.slot(code, name)) for code, name in sorted(wanted))
        }
        return lines_of(self.calibrations, slots, self.slot_count())

    def series(self) -> SeriesTable:
        """Return what each slot is, as arrays; always the same ones, which nobody may write to."""
        return self._series

    @cached_property
    def _series(self) -> SeriesTable:
        zones = {zone.code: i for i, zone in enumerate(self.city.zones)}
        gateways = {gateway: i for i, gateway in enumerate(self.gateways)}
        used = {code: i for i, code in enumerate(dict.fromkeys(device.model for device in self.devices))}
        fields = [_field_rows(self.models[code], self.catalogue) for code in used]
        device = np.repeat(np.arange(len(self.devices), dtype=np.int32), np.diff(self._first))
        model = np.fromiter((used[one.model] for one in self.devices), np.intp, len(self.devices))
        # Where each slot's field stands among those of all models: its model's first, and the fields before it.
        begin = np.cumsum([0, *map(len, fields)])[model]
        row = np.arange(device.size) + (begin - np.array(self._first[:-1], np.intp))[device]
        measurand, kind, low, high, modulus, rate = np.concatenate([*fields, np.empty((0, 6), np.int64)]).T

        def of_device(values: Iterable[int], dtype: type[np.generic]) -> NDArray[Any]:
            return np.fromiter(values, dtype, len(self.devices))[device]

        return SeriesTable(
            device=device,
            zone=of_device((zones[one.zone] for one in self.devices), np.int32),
            gateway=of_device((gateways[one.gateway] for one in self.devices), np.int32),
            measurand=measurand[row].astype(np.int32),
            kind=kind[row].astype(np.int8),
            interval_us=of_device((one.interval_us for one in self.devices), np.int64),
            service_from_us=of_device((one.service_from_us for one in self.devices), np.int64),
            service_to_us=of_device((one.service_to_us for one in self.devices), np.int64),
            low_ticks=low[row],
            high_ticks=high[row],
            modulus_ticks=modulus[row],
            rate_ticks_max=rate[row],
        )


def _field_rows(model: DeviceModel, catalogue: MeasurandCatalogue) -> NDArray[np.int64]:
    """Return of each field of a model (measurand, kind, low, high, modulus, rate), one row a field."""
    measurands = {m.code: (i, m) for i, m in enumerate(catalogue.measurands)}
    rows = []
    for sent in model.fields:
        index, measurand = measurands[sent.measurand]
        rows.append(
            (index, int(measurand.kind), measurand.low_ticks, measurand.high_ticks, sent.modulus_ticks,
             sent.rate_ticks_max)
        )  # fmt: skip
    return np.array(rows, np.int64).reshape(-1, 6)


def load_registry(city_dir: Path) -> Registry:
    """Return the registry of a city's folder: `city.toml`, `zones.geojson`, `devices.csv`, models in `models/` and
    `calibrations.csv`.

    Raises:
        ConfigError: naming every fault of every file.
    """
    problems = Problems()
    city = read_city(city_dir, problems)
    models = dict(load_models())
    if (city_dir / "models").is_dir():
        models.update(read_models(city_dir / "models", problems, models))
    if city is not None:
        check_models(city.quality, models, str(city_dir / "city.toml"), problems)
    devices: tuple[Device, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    content = read_file(city_dir / "devices.csv", problems)
    if content is not None and city is not None:
        devices = parse_devices(content, str(city_dir / "devices.csv"), city, models, problems)
        if (city_dir / CALIBRATIONS).is_file():
            targets = _targets(devices, models)
            calibrations = read_calibrations(city_dir / CALIBRATIONS, city.zone_info, targets, problems)
    problems.raise_if_any()
    assert city is not None  # noqa: S101  # no fault was noted, so there is a city
    gateways = tuple(dict.fromkeys(device.gateway for device in devices))
    return Registry(city, load_measurands(), models, devices, gateways, calibrations)


def _targets(devices: Iterable[Device], models: Mapping[str, DeviceModel]) -> dict[tuple[str, str], Target]:
    """Return what may be calibrated: every field of every device."""
    return {
        (device.code, field.name): Target(field.kind, field.decimals)
        for device in devices
        for field in models[device.model].fields
    }


def parse_devices(
    content: bytes, file: str, city: City, models: Mapping[str, DeviceModel], problems: Problems
) -> tuple[Device, ...]:
    """Return the devices of a CSV file; faults go to `problems`."""
    try:
        text = content.decode("utf-8-sig")  # spreadsheets put a mark before UTF-8
    except UnicodeDecodeError as error:
        problems.add(file, f"byte {error.start}", "expected UTF-8 text")
        return ()
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    devices: dict[str, Device] = {}
    lines: dict[str, int] = {}
    zones = frozenset(zone.code for zone in city.zones)
    columns = {**load_columns(), **city.columns}
    try:
        header = next(reader, [])
        special = {*columns, *(column for model in models.values() for column in model.columns)}
        if not _header_is_good(header, special, file, problems):
            return ()
        for values in reader:
            if not any(values):
                continue
            if len(values) != len(header):
                problems.add(file, f"line {reader.line_num}", f"expected {len(header)} columns, got {len(values)}")
                continue
            row = _Row(dict(zip(header, map(str.strip, values), strict=True)), file, reader.line_num, problems)
            device = row.device(city, zones, models, columns)
            if device is None:
                continue
            if device.code in devices:
                row.fault("device", f"device {device.code!r} stands in line {lines[device.code]} already")
            devices.setdefault(device.code, device)
            lines.setdefault(device.code, reader.line_num)
            if len(devices) > DEVICES_MAX:
                problems.add(file, f"line {reader.line_num}", f"expected at most {DEVICES_MAX} devices")
                break
    except csv.Error as error:
        problems.add(file, f"line {reader.line_num}", f"not valid CSV: {error}")
    if not devices and not problems.found:
        problems.add(file, "", "expected at least one device")
    _check_addresses(tuple(devices.values()), city, models, lines, file, problems)
    return tuple(devices.values())


def feed_key(device: Device, model: DeviceModel) -> str:
    """Return what a device is called in the feed of its model; empty where its row does not say."""
    assert model.feed is not None  # noqa: S101  # only devices of feeds are asked for
    return device.attributes.get(model.feed.column, "") if model.feed.column else device.code


class _Address(NamedTuple):
    """By which messages are of a device."""

    topics: frozenset[str]
    key: str
    """In the feed of its model; empty where it has none."""


def _address(city: City, device: Device, model: DeviceModel) -> _Address:
    if any(field.topic for field in model.fields):
        return _Address(frozenset(_field_topics(city, device, model)) - {""}, "")
    return _Address(frozenset({device.topic}), "" if model.feed is None else feed_key(device, model))


def _field_topics(city: City, device: Device, model: DeviceModel) -> tuple[str, ...]:
    values = {**_values(city, device), **device.attributes, "topic": device.topic}
    return tuple(
        fill(pattern, values) if all(name in values for name in placeholders(pattern)) else ""
        for pattern in (field.topic or "{topic}" for field in model.fields)
    )


def _check_addresses(
    devices: tuple[Device, ...], city: City, models: Mapping[str, DeviceModel], lines: Mapping[str, int], file: str,
    problems: Problems,
) -> None:  # fmt: skip
    """Note a fault where a message could be of two devices, or a device has no message."""
    split = {code for code, model in models.items() if any(field.topic for field in model.fields)}
    first: dict[str, Device] = {}
    owners: dict[tuple[str, str], list[tuple[Device, _Address]]] = {}
    for device in devices:
        model, line = models[device.model], f"line {lines[device.code]}"
        address = _address(city, device, model)
        if model.feed is not None and not address.key:
            problems.add(
                file, f"{line}, column {model.feed.column}", "is missing; expected the device's key in its feed"
            )
        if not address.topics:
            problems.add(file, line, "no field has a topic; the columns that its topics are made of are all empty")
        for topic in sorted(address.topics):
            for fault in topic_faults(topic) if model.code in split else ():
                problems.add(file, line, fault)
            holder, others = first.setdefault(topic, device), owners.setdefault((topic, address.key), [])
            found = ((other, _clash(device, other, address == its)) for other, its in others)
            other, why = next(((other, why) for other, why in found if why), (holder, ""))
            if (models[holder.model].feed is None) != (model.feed is None):
                other, why = holder, "and only one of them is of a feed"
            if why:
                problems.add(
                    file, f"{line}, column topic",
                    f"{device.code!r} and {other.code!r} publish to the same topic {topic!r}, {why}",
                )  # fmt: skip
            others.append((device, address))


def _clash(device: Device, other: Device, whole: bool) -> str:
    """Return why two devices of one topic cannot follow one another there; empty where they can.

    Args:
        device, other: they have a topic in common.
        whole: all that their messages are told by is the same.
    """
    if device.service_from_us < other.service_to_us and other.service_from_us < device.service_to_us:
        return "in service at the same time; who follows another begins (in_service_from) where it ends (in_service_to)"
    if device.model != other.model:
        earlier = min(device, other, key=lambda one: one.service_from_us)
        return f"and are of two models; give {earlier.code!r} another topic, such as 'retired/{earlier.code}'"
    return "" if whole else "and not by the others of their fields"


def _header_is_good(header: list[str], special: set[str], file: str, problems: Problems) -> bool:
    """Return whether the rows can be read; faults of the header go to `problems`."""
    count = len(problems.found)
    known = {*REQUIRED, *OPTIONAL, *special}
    for column in REQUIRED:
        if column not in header:
            problems.add(file, "line 1", f"column {column} is missing; expected {','.join(REQUIRED + OPTIONAL)}")
    for column in header:
        if column not in known:
            problems.add(file, f"line 1, column {column}", f"unknown column{nearest(column, known)}")
    for column in {c for c in header if header.count(c) > 1}:
        problems.add(file, f"line 1, column {column}", "stands twice")
    return len(problems.found) == count


def _values(city: City, device: Device) -> dict[str, str]:
    """Return what the placeholders of a topic pattern stand for."""
    return {
        "city": city.code, "device": device.code, "gateway": device.gateway, "model": device.model, "zone": device.zone,
    }  # fmt: skip


@lru_cache(maxsize=1024)
def _microseconds(seconds: int) -> int:
    return seconds * 1_000_000


class _Row:
    """One line of `devices.csv`."""

    def __init__(self, values: dict[str, str], file: str, line: int, problems: Problems) -> None:
        self._values = values
        self._file = file
        self._line = line
        self._problems = problems

    def fault(self, column: str, what: str) -> None:
        """Note a fault of one column."""
        self._problems.add(self._file, f"line {self._line}, column {column}", what)

    def text(self, column: str) -> str:
        """Return a cell; empty where the file has no such column."""
        return self._values.get(column, "")

    def device(
        self,
        city: City,
        zones: frozenset[str],
        models: Mapping[str, DeviceModel],
        columns: Mapping[str, Column],
    ) -> Device | None:
        """Return the device of the line; None where it has no usable code or model."""
        count = len(self._problems.found)
        code = self.text("device")
        if not _DEVICE_CODE.match(code):
            self.fault(
                "device", f"expected letters, digits, `.`, `_`, `:` and `-` (it is part of topics), got {code!r}"
            )
        model = models.get(self.text("model"))
        if model is None:
            self.fault("model", f"unknown model {self.text('model')!r}{nearest(self.text('model'), models)}")
        zone = sys.intern(self.text("zone"))
        if zone not in zones:
            self.fault("zone", f"unknown zone {zone!r}{nearest(zone, zones)}")
        gateway = self.text("gateway") or DIRECT
        if not _DEVICE_CODE.match(gateway):
            self.fault("gateway", f"expected letters, digits, `.`, `_`, `:` and `-`, got {gateway!r}")
        start = self._time("in_service_from", TIME_MIN_US, city)
        end = self._time("in_service_to", TIME_MAX_US, city)
        if start >= end:
            self.fault("in_service_to", "expected a time after in_service_from")
        latitude, longitude = self._degrees("latitude", 90), self._degrees("longitude", 180)
        if (latitude is None) != (longitude is None) and len(self._problems.found) == count:
            self.fault("longitude", "expected both latitude and longitude, or neither")
        interval_s = self._interval(model)
        attributes = {c: v for c, v in self._values.items() if v and c not in REQUIRED + OPTIONAL}
        for column, text in attributes.items():
            if model is None or column in model.columns:
                continue  # what a model says of its own column is the model's affair
            fault = columns[column].fault(text) if column in columns else f"model {model.code!r} has no such column"
            if fault:
                self.fault(column, fault)
        if model is None or len(self._problems.found) > count:
            return None
        # What many devices share is held once: a large city has hundreds of thousands of them.
        device = Device(
            code, model.code, zone, latitude, longitude, start, end, _microseconds(interval_s), gateway,
            self.text("title") or code, "", attributes or _NO_ATTRIBUTES,
        )  # fmt: skip
        topic = self.text("topic") or fill(model.topic, _values(city, device))
        rule = FORMATS[model.codec].topic
        for fault in filter(None, (*topic_faults(topic), rule(topic) if rule is not None else "")):
            self.fault("topic", fault)
        return replace(device, topic=topic)

    def _time(self, column: str, default: int, city: City) -> int:
        text = self.text(column)
        if not text:
            return default
        try:
            return time_us_from_civil(text, city.zone_info)
        except ValueError as error:
            self.fault(column, str(error))
            return default

    def _degrees(self, column: str, reach: int) -> float | None:
        text = self.text(column)
        if not text:
            return None
        # Not float(): it would take "nan", "1e1" and the digits of every script.
        value = float(text) if re.fullmatch(r"[+-]?[0-9]{1,3}(\.[0-9]{1,20})?", text, re.ASCII) else None
        if value is None or abs(value) > reach:
            self.fault(column, f"expected degrees from -{reach} to {reach}, got {text!r}")
            return None
        return value

    def _interval(self, model: DeviceModel | None) -> int:
        text = self.text("interval_s")
        if not text:
            return model.interval_s if model is not None else 1
        if not re.fullmatch(r"[0-9]{1,8}", text, re.ASCII) or not 1 <= int(text) <= INTERVAL_S_MAX:
            self.fault("interval_s", f"expected whole seconds from 1 to {INTERVAL_S_MAX}, got {text!r}")
            return 1
        return int(text)
