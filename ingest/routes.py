"""The registry as the kernels of this room read it: topics hashed, scales with the limits of 64 bits.

Knows the registry's tables and the kernels'; knows no message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices import CODECS, FIELD_PLAIN, DeviceModel, Registry, Routes, build_routes
from ingest.kernels import frames, senml

KERNEL_CODEC = "senml-json"
"""The codec that `ingest.kernels.senml` stands in for; models of any other take the reference codec."""
_NEVER = -1


@dataclass(frozen=True, slots=True)
class Routing:
    """Tables made once from a registry; kernels read them and nothing writes them.

    Attributes:
        devices: codes in the registry's order; a position here is `Intake.device`.
        models: the model of each device.
        subscriptions: MQTT filters that cover every topic.
        tables: the registry's own flat tables.
        table: int32, topics as `frames.route` finds them: open addressing, -1 where free, at most half full.
        kernel_model: int32, per device the model whose fields the kernel knows, -1 for none.
        scale: int64, one row per field: num, den, shift, mantissa_max, power_max as `senml.ticks_of` takes them.
        patterns: matches any topic that a registered model's pattern could make.
    """

    devices: tuple[str, ...]
    models: tuple[DeviceModel, ...]
    subscriptions: tuple[str, ...]
    tables: Routes
    table: NDArray[np.int32]
    kernel_model: NDArray[np.int32]
    scale: NDArray[np.int64]
    patterns: re.Pattern[str]

    def expected(self, topic: str) -> bool:
        """Say whether a topic follows a registered model's pattern, whoever the device may be."""
        return self.patterns.fullmatch(topic) is not None


def build_routing(registry: Registry) -> Routing:
    """Make the tables of a registry.

    Raises:
        ValueError: two devices have one topic, so that a message could be of either.
    """
    tables = build_routes(registry)
    models = tuple(registry.models[device.model] for device in registry.devices)
    _refuse_twins([(registry.topic(device), device.code) for device in registry.devices])
    compiled = np.array([CODECS[codec].name == KERNEL_CODEC for codec in tables.model_codec], np.bool_)
    return Routing(
        devices=tuple(device.code for device in registry.devices),
        models=models,
        subscriptions=registry.subscriptions(),
        tables=tables,
        table=_topic_table(tables.topics, tables.topic_at),
        kernel_model=np.where(compiled[tables.device_model], tables.device_model, -1).astype(np.int32),
        scale=_scales(tables),
        patterns=_any_of(sorted({model.topic for model in models}), registry.city.code),
    )


def empty_routing() -> Routing:
    """Return the tables of no devices, with the types of real ones."""
    whole, places = np.zeros(0, np.int64), np.zeros(1, np.int64)
    narrow, narrow_places = np.zeros(0, np.int32), np.zeros(1, np.int32)
    text, small = np.zeros(0, np.uint8), np.zeros(0, np.int8)
    tables = Routes(
        text, places, narrow, narrow, (), small, narrow_places, text, places, text, places, whole, whole, whole, small
    )
    table = _topic_table(tables.topics, tables.topic_at)
    return Routing((), (), (), tables, table, narrow, _scales(tables), _any_of((), ""))


def kernel_limits(num: int, den: int, shift: int) -> tuple[int, int]:
    """Return the largest |mantissa| and the largest power of ten of a fraction that 64 bits hold with this scale.

    Within them both terms of mantissa * num + shift * 10**k, and den * 10**k, are at most `senml.VALUE_MAX`. The first
    is -1, which no mantissa meets, for a scale that is too large by itself.
    """
    if max(abs(num), den, abs(shift)) > senml.VALUE_MAX:
        return _NEVER, 0
    power = 0
    while power < senml.POWER_MAX and max(den, abs(shift)) * 10 ** (power + 1) <= senml.VALUE_MAX:
        power += 1
    return min(senml.VALUE_MAX // max(1, abs(num)), 10**senml.DIGITS_MAX), power


def _scales(tables: Routes) -> NDArray[np.int64]:
    rows = []
    for num, den, shift, mode in zip(
        tables.num.tolist(), tables.den.tolist(), tables.shift.tolist(), tables.field_mode.tolist(), strict=True
    ):
        limits = kernel_limits(num, den, shift) if mode == FIELD_PLAIN else (_NEVER, 0)
        rows.append((num, den, shift, *limits))
    return np.array(rows, np.int64).reshape(-1, 5)


def _refuse_twins(topics: Sequence[tuple[str, str]]) -> None:
    owner: dict[str, str] = {}
    for topic, device in topics:
        if topic in owner:
            raise ValueError(f"devices {owner[topic]} and {device} have the same topic {topic}")
        owner[topic] = device


def _topic_table(names: NDArray[np.uint8], name_at: NDArray[np.int64]) -> NDArray[np.int32]:
    count = name_at.size - 1
    table = np.full(2 << count.bit_length(), -1, np.int32)
    frames.fill_table(names, name_at, table)
    return table


def _any_of(patterns: Sequence[str], city: str) -> re.Pattern[str]:
    """Return a pattern for the topics that any of these could make, each placeholder within one level."""
    return re.compile("|".join(_pattern(pattern, city) for pattern in patterns) or r"(?!)")


def _pattern(pattern: str, city: str) -> str:
    parts = re.split(r"\{([^{}]*)\}", pattern)
    return "".join(
        re.escape(part) if index % 2 == 0 else (re.escape(city) if part == "city" else "[^/]+")
        for index, part in enumerate(parts)
    )
