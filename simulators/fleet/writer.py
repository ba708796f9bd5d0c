"""Messages as bytes: each as the device that sends it writes them, and as its faults leave them.

Knows plans, device models and their codecs. SenML of plain decimal fields, which is nearly everything, is written here
in a quarter of the time that the codec takes; the tests compare the two byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np

from devices import Device, DeviceModel, Field, Registry, codec
from devices.topics import fill
from simulators.clock import SECOND_US
from simulators.fleet.chance import key, words_at
from simulators.fleet.plan import NOT_REFUSED, Dress, Plan

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
        self._write = {code: _writer_of(model) for code, model in registry.models.items()}
        self.topics = [registry.topic(device) for device in registry.devices]

    def readings(self, message: int) -> int:
        """Return how many readings a message holds."""
        return int(self._first[message + 1] - self._first[message])

    def topic(self, message: int) -> str:
        """Return where a message is published."""
        device = int(self.plan.device[message])
        if self.plan.dress[message] != _STRANGER:
            return self.topics[device]
        return _stranger_topic(self._registry, self._registry.devices[device])

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
        slot_first = self._slot_first[device]
        fields = [slot - slot_first for slot in plan.slot[first:last].tolist()]
        times, ticks = plan.time_us[first:last].tolist(), plan.ticks[first:last].tolist()
        model = self._models[device]
        if dress == _WRONG_UNIT:
            wrong = [refused != NOT_REFUSED for refused in plan.refused[first:last].tolist()]
            return _senml(_labels(model, wrong=True), _labels(model), fields, times, ticks, wrong)
        if dress in (_FUTURE, _UNSET):
            # Whole milliseconds, which every format can carry.
            ahead_us = (now_us + int(plan.argument[message])) // MS_US * MS_US
            begin_us = ahead_us if dress == _FUTURE else UNSET_US.get(model.codec, 0)
            times = [begin_us + time_us - times[0] for time_us in times]
        payload = self._write[model.code](fields, times, ticks)
        return payload[: len(payload) // 2] if dress == _HALF else payload


def plain_decimals(field: Field) -> int | None:
    """Return k where a field's value is written as ticks / 10**k, None where it is not so simple."""
    power = len(str(field.scale.num)) - 1
    return power if not field.states and tuple(field.scale) == (10**power, 1, 0) else None


def _writer_of(model: DeviceModel) -> Callable[[list[int], list[int], list[int]], bytes]:
    if model.codec == "senml-json" and all(plain_decimals(field) is not None for field in model.fields):
        labels = _labels(model)
        return lambda fields, times, ticks: _senml(labels, labels, fields, times, ticks, None)
    encode, names = codec(model.codec).encode, [field.name for field in model.fields]
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


def _stranger_topic(registry: Registry, device: Device) -> str:
    """Return the topic of a device like this one that nobody registered."""
    return fill(
        registry.model_of(device).topic,
        {
            "city": registry.city.code,
            "device": f"{device.code[: 64 - len(STRANGER_SUFFIX)]}{STRANGER_SUFFIX}",
            "gateway": device.gateway,
            "model": device.model,
            "zone": device.zone,
        },
    )
