"""Messages as bytes: each as the device that sends it writes them, and as its faults leave them.

Knows plans, device models and their codecs. SenML of plain decimal fields, which is nearly everything, is written here
in a quarter of the time that the codec takes; the tests compare the two byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np

from devices import Device, DeviceModel, Field, Registry, codec
from devices.carriers.feeds import encode as encode_feed
from devices.registry import feed_key
from devices.topics import fill
from simulators.clock import SECOND_US
from simulators.fleet.chance import key, words_at
from simulators.fleet.plan import NOT_REFUSED, Dress, Plan
from simulators.fleet.senders import senders_of

MS_US: Final = 1_000
GPS_EPOCH_US: Final = 315_964_800 * SECOND_US
"""1980-01-06, where receivers begin that have not heard a satellite. SenML has no times before 1978."""
UNSET_US: Final = MappingProxyType({"senml-json": GPS_EPOCH_US, "senml-cbor": GPS_EPOCH_US})
"""What a clock shows that was never set, by format; 0 in all others."""
GARBAGE_WORDS_MAX = 25
STRANGER_SUFFIX = "-unlisted"
_OTHER_UNITS: Final = MappingProxyType(
    {"l": "m3", "Wh": "kWh", "kWh": "Wh", "Cel": "K", "ug/m3": "mg/m3", "hPa": "Pa", "m/s": "km/h", "mm": "m"}
)

# Looked up for every message: a member of an enumeration costs more than a number.
_GARBAGE, _HALF, _WRONG_UNIT, _STRANGER = (
    int(dress) for dress in (Dress.GARBAGE, Dress.HALF, Dress.WRONG_UNIT, Dress.STRANGER)
)
_FUTURE, _UNSET = int(Dress.FUTURE), int(Dress.UNSET)


class Writer:
    """Writes the messages of one plan. Used by one thread at a time."""

    def __init__(self, plan: Plan, registry: Registry) -> None:
        self.plan = plan
        self._registry = registry
        self._first = plan.first_rows()
        self._models = [registry.model_of(device) for device in registry.devices]
        self._slot_first = [registry.slots(at).start for at in range(len(registry.devices))]
        self._write = {code: _writers_of(model) for code, model in registry.models.items()}
        self._senders = senders_of(registry)
        self._topics = [_topics(registry, device) for device in registry.devices]

    def readings(self, message: int) -> int:
        """Return how many readings a message holds."""
        return int(self._first[message + 1] - self._first[message])

    def topic(self, message: int) -> str:
        """Return where a message is published."""
        device = int(self.plan.device[message])
        part = int(self._senders.part[self.plan.slot[self._first[message]]])
        if self.plan.dress[message] != _STRANGER or self._senders.feed[device]:
            return self._topics[device][part]
        return _topics(self._registry, _stranger(self._registry, self._registry.devices[device]))[part]

    def payload(self, message: int, now_us: int) -> bytes:
        """Return a message's bytes.

        Args:
            message: its number.
            now_us: the clock of whoever sends it, from which a fast clock is ahead.
        """
        plan = self.plan
        first, last = int(self._first[message]), int(self._first[message + 1])
        device, dress = int(plan.device[message]), int(plan.dress[message])
        if dress == _GARBAGE:
            return _garbage(message)
        slots = plan.slot[first:last].tolist()
        times, ticks = plan.time_us[first:last].tolist(), plan.ticks[first:last].tolist()
        model = self._models[device]
        if dress == _WRONG_UNIT:
            wrong = [refused != NOT_REFUSED for refused in plan.refused[first:last].tolist()]
            return _senml(_labels(model, wrong=True), _labels(model), self._fields(device, slots), times, ticks, wrong)
        if dress in (_FUTURE, _UNSET):
            # Whole milliseconds, which every format can carry.
            ahead_us = (now_us + int(plan.argument[message])) // MS_US * MS_US
            begin_us = ahead_us if dress == _FUTURE else UNSET_US.get(model.codec, 0)
            times = [begin_us + time_us - times[0] for time_us in times]
        if model.feed is not None:
            payload = self._feed(model, slots, times, ticks, STRANGER_SUFFIX if dress == _STRANGER else "")
        else:
            write = self._write[model.code][int(self._senders.part[slots[0]])]
            payload = write(self._fields(device, slots), times, ticks)
        return payload[: len(payload) // 2] if dress == _HALF else payload

    def _fields(self, device: int, slots: list[int]) -> list[int]:
        first = self._slot_first[device]
        return [slot - first for slot in slots]

    def _feed(self, model: DeviceModel, slots: list[int], times: list[int], ticks: list[int], suffix: str) -> bytes:
        """Return a message with the readings of several devices, each under its key."""
        stations: dict[str, list[tuple[str, int, int]]] = {}
        for slot, time_us, value in zip(slots, times, ticks, strict=True):
            at = int(self._senders.device[slot])
            name = model.fields[slot - self._slot_first[at]].name
            known_as = feed_key(self._registry.devices[at], model) + suffix
            stations.setdefault(known_as, []).append((name, time_us, value))
        return encode_feed(model, stations)


def plain_decimals(field: Field) -> int | None:
    """Return k where a field's value is written as ticks / 10**k, None where it is not so simple."""
    power = len(str(field.scale.num)) - 1
    return power if not field.states and tuple(field.scale) == (10**power, 1, 0) else None


Write = Callable[[list[int], list[int], list[int]], bytes]
"""From fields, times and ticks to a message."""


def _writers_of(model: DeviceModel) -> list[Write]:
    """Return what writes the messages of each topic of a model's fields, in their order; most have one."""
    topics = list(dict.fromkeys(field.topic for field in model.fields))
    return [_writer_of(model, model.part(topic)[0] if topics != [""] else model) for topic in topics]


def _writer_of(whole: DeviceModel, model: DeviceModel) -> Write:
    """Return what writes messages with some of a model's fields, which are numbered as in the whole one."""
    if model.codec == "senml-json" and all(plain_decimals(field) is not None for field in model.fields):
        labels = _labels(whole)
        return lambda fields, times, ticks: _senml(labels, labels, fields, times, ticks, None)
    encode, names = codec(model.codec).encode, [field.name for field in whole.fields]
    return lambda fields, times, ticks: encode(
        model, list(zip((names[field] for field in fields), times, ticks, strict=True))
    )


Labels = list[tuple[str, int]]
"""Of each field, the text before its value, and the decimals of the value."""


def _labels(model: DeviceModel, *, wrong: bool = False) -> Labels:
    """Return what comes before the value of each field, with its unit or with a wrong one."""
    found = []
    for field in model.fields:
        unit = other_unit(field.unit) if wrong else field.unit
        stated = f',"u":"{unit}"' if field.unit else ""
        found.append((f'"n":"{field.name}"{stated},"v":', plain_decimals(field) or 0))
    return found


def other_unit(unit: str) -> str:
    """Return a unit that a careless device might state instead."""
    return _OTHER_UNITS.get(unit, "%" if unit != "%" else "1")


def _senml(
    wrong_labels: Labels, labels: Labels, fields: list[int], times: list[int], ticks: list[int],
    wrong: list[bool] | None,
) -> bytes:  # fmt: skip
    """Return a SenML pack, byte for byte as the codec writes it."""
    start = times[0]
    head = f'[{{"bt":{_decimal(start, 6)},'
    records = []
    for at, field in enumerate(fields):
        label, decimals = (wrong_labels if wrong is not None and wrong[at] else labels)[field]
        tail = "}" if times[at] == start else _elapsed(times[at] - start)
        records.append(f"{label}{_decimal(ticks[at], decimals)}{tail}")
    return (head + ",{".join(records) + "]").encode("ascii")


@lru_cache(100_000)
def _elapsed(time_us: int) -> str:
    """Return the end of a record so much after the pack's first."""
    return f',"t":{_decimal(time_us, 6)}}}'


def _decimal(ticks: int, decimals: int) -> str:
    """Return ticks / 10**decimals as short decimal text."""
    if not decimals:
        return str(ticks)
    text = str(ticks) if ticks >= 0 else str(-ticks)
    if len(text) <= decimals:
        text = text.rjust(decimals + 1, "0")
    text = f"{text[:-decimals]}.{text[-decimals:]}".rstrip("0").rstrip(".")
    return text if ticks >= 0 else f"-{text}"


def _garbage(message: int) -> bytes:
    """Return bytes that are no text at all: 0xFF is never part of UTF-8."""
    count = 1 + message % GARBAGE_WORDS_MAX
    return b"\xff" + words_at(key("garbage", message), np.arange(count, dtype=np.int64)).astype(">u8").tobytes()


def _topics(registry: Registry, device: Device) -> tuple[str, ...]:
    """Return the topics of a device, in the order in which its fields first name them."""
    model = registry.model_of(device)
    by_pattern = dict(zip((field.topic for field in model.fields), registry.field_topics(device), strict=True))
    return tuple(by_pattern.values())


def _stranger(registry: Registry, device: Device) -> Device:
    """Return a device like this one that nobody registered."""
    code = f"{device.code[: 64 - len(STRANGER_SUFFIX)]}{STRANGER_SUFFIX}"
    topic = fill(
        registry.model_of(device).topic,
        {
            "city": registry.city.code,
            "device": code,
            "gateway": device.gateway,
            "model": device.model,
            "zone": device.zone,
        },
    )
    others = {name: f"{text}{STRANGER_SUFFIX}" for name, text in device.attributes.items()}
    return replace(device, code=code, topic=topic, attributes=others)
