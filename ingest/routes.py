"""The registry as the kernels of this room read it: topics hashed, names, units and scales in flat tables.

Knows the registry and the kernels' tables; knows no message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices import Carrier, DeviceModel, Field, Kind, Registry, carriers
from devices.calibrations import Lines
from devices.succession import Succession
from devices.topics import matches
from ingest.kernels import frames, senml

KERNEL_CODEC = "senml-json"
"""The codec that `ingest.kernels.senml` stands in for; models of any other take the reference codec."""
_NEVER = -1


@dataclass(frozen=True, slots=True)
class Routing:
    """Tables made once from a registry; kernels read them and nothing writes them. Arrays are C-contiguous.

    Device d is a position in `devices`, the registry's order:
        devices: codes. models: the model of each.
        topics, topic_at: uint8 and int64; device d's topic is topics[topic_at[d]:topic_at[d + 1]], in UTF-8, and empty
            where a carrier brings its messages, or another device follows it there.
        table: int32, topics as `frames.route` finds them: open addressing, -1 where free, at most half full.
        slot_first: int32, the slot of its field 0; field f is slot slot_first[d] + f.
        kernel_model: int32, position of its model among those the kernel knows, -1 where it knows it not.

    Behind the devices stand the carriers' topics, and behind them one number for each carrier: the topics that its
    filters take and that are nobody's. They are in topics, topic_at, table and kernel_model.
        carriers: their state is theirs; whoever decodes is their thread.
        carrier_at: position of the carrier of number len(devices) + i.
        lines: what corrects readings of calibrated devices; None where there are none.
        succession: who follows whom at a topic; `table` finds the last, and times tell the others. None where nobody.

    Fields of the models that the kernel knows, one model after the other:
        field_at: int32; model m's fields are rows field_at[m]:field_at[m + 1].
        names, name_at: a SenML record's name after its last `/` or `:` equals one of these.
        units, unit_at: the unit a record must state if it states one; empty: any unit will do.
        scale: int64, one row per field: num, den, shift, mantissa_max, power_max as `senml.ticks_of` takes them.

    And for messages of nobody:
        subscriptions: MQTT filters that cover every topic.
        patterns: matches any topic that a registered model's pattern could make.
    """

    devices: tuple[str, ...]
    models: tuple[DeviceModel, ...]
    subscriptions: tuple[str, ...]
    topics: NDArray[np.uint8]
    topic_at: NDArray[np.int64]
    table: NDArray[np.int32]
    slot_first: NDArray[np.int32]
    kernel_model: NDArray[np.int32]
    field_at: NDArray[np.int32]
    names: NDArray[np.uint8]
    name_at: NDArray[np.int64]
    units: NDArray[np.uint8]
    unit_at: NDArray[np.int64]
    scale: NDArray[np.int64]
    patterns: re.Pattern[str]
    carriers: tuple[Carrier, ...] = ()
    carrier_at: tuple[int, ...] = ()
    lines: Lines | None = None
    succession: Succession | None = None

    def carrier(self, number: int) -> Carrier | None:
        """Return the carrier of what `frames.route` found, None where that is a device or nobody."""
        return self.carriers[self.carrier_at[number - len(self.devices)]] if number >= len(self.devices) else None

    def taken_by(self, topic: str) -> int:
        """Return the number of the carrier whose filters take a topic that is in no table; -1 where none does."""
        for position, carrier in enumerate(self.carriers):
            if any(matches(wide, topic) for wide in carrier.filters):
                return len(self.devices) + len(self.carrier_at) - len(self.carriers) + position
        return -1

    def expected(self, topic: str) -> bool:
        """Say whether a topic follows a registered model's pattern, whoever the device may be."""
        return self.patterns.fullmatch(topic) is not None


def build_routing(registry: Registry, wider: Sequence[str] = ()) -> Routing:
    """Make the tables of a registry.

    Args:
        registry: the city and its devices.
        wider: filters that are to be heard beside; what no device has of them is of an unknown one.

    Raises:
        ValueError: two devices have one topic, so that a message could be of either.
    """
    devices, brought = registry.devices, carriers(registry)
    carried = frozenset(position for carrier in brought for position in carrier.devices)
    silent = carried | registry.earlier
    topics = ["" if position in silent else registry.topic(device) for position, device in enumerate(devices)]
    own = len(topics)
    topics += [topic for carrier in brought for topic in carrier.topics]
    _refuse_twins(topics, [device.code for device in devices])
    models = tuple(registry.models[device.model] for device in devices)
    return _tables(
        [device.code for device in devices],
        models,
        topics,
        [registry.slots(position).start for position in range(own)],
        registry.subscriptions(carried, _filters(brought), wider),
        registry.city.code,
        brought,
        registry.calibration_lines(),
        registry.succession,
    )


def empty_routing() -> Routing:
    """Return the tables of no devices, with the types of real ones."""
    return _tables([], (), [], [], (), "")


def _tables(
    devices: Sequence[str],
    models: tuple[DeviceModel, ...],
    topics: Sequence[str],
    slot_first: Sequence[int],
    subscriptions: tuple[str, ...],
    city: str,
    brought: tuple[Carrier, ...] = (),
    lines: Lines | None = None,
    succession: Succession | None = None,
) -> Routing:
    known = {model.code: model for model in models if model.codec == KERNEL_CODEC}
    position = {code: index for index, code in enumerate(known)}
    fields = [field for model in known.values() for field in model.fields]
    topic_bytes, topic_at = _packed(topics)
    names, name_at = _packed([field.name for field in fields])
    units, unit_at = _packed([field.unit for field in fields])
    carrier_at = (*(at for at, carrier in enumerate(brought) for _ in carrier.topics), *range(len(brought)))
    return Routing(
        devices=tuple(devices),
        models=models,
        subscriptions=subscriptions,
        topics=topic_bytes,
        topic_at=topic_at,
        table=_topic_table(topic_bytes, topic_at),
        slot_first=np.array(slot_first, np.int32),
        kernel_model=np.array(
            [*(position.get(model.code, -1) for model in models), *(-1 for _ in carrier_at)], np.int32
        ),
        field_at=np.cumsum([0, *(len(model.fields) for model in known.values())], dtype=np.int32),
        names=names,
        name_at=name_at,
        units=units,
        unit_at=unit_at,
        scale=np.array([kernel_scale(field) for field in fields], np.int64).reshape(-1, 5),
        patterns=_any_of(sorted({model.topic for model in models}), city),
        carriers=brought,
        carrier_at=carrier_at,
        lines=lines,
        succession=succession,
    )


def kernel_scale(field: Field) -> tuple[int, int, int, int, int]:
    """Return num, den and shift of a field's scale, the largest |mantissa| and the largest power of ten of a fraction.

    Within these limits both terms of mantissa * num + shift * 10**k, and den * 10**k, are at most `senml.VALUE_MAX`. A
    field that maps words or codes to states, is the sum of records, or whose scale is too large by itself, has a limit
    that no mantissa meets.
    """
    num, den, shift = field.scale
    if field.states or field.sum_of or max(abs(num), den, abs(shift)) > senml.VALUE_MAX:
        return 1, 1, 0, _NEVER, 0
    power = 0
    if field.kind is Kind.STATE:  # a fraction of a state is none, which is the codec's to say
        return num, den, shift, 10**senml.DIGITS_MAX, power
    while power < senml.POWER_MAX and max(den, abs(shift)) * 10 ** (power + 1) <= senml.VALUE_MAX:
        power += 1
    return num, den, shift, min(senml.VALUE_MAX // max(1, abs(num)), 10**senml.DIGITS_MAX), power


def _filters(brought: Sequence[Carrier]) -> dict[str, list[str]]:
    """Return the filters of carriers and the topics that each takes; a topic that none takes is a filter itself."""
    taken: dict[str, list[str]] = {wide: [] for carrier in brought for wide in carrier.filters}
    for carrier in brought:
        for topic in carrier.topics:
            wide = next((wide for wide in carrier.filters if matches(wide, topic)), topic)
            taken.setdefault(wide, []).append(topic)
    return taken


def _refuse_twins(topics: Sequence[str], devices: Sequence[str]) -> None:
    """Refuse a topic that stands twice; the first are the devices' (empty where a carrier has it), then carriers'."""
    owner: dict[str, str] = {}
    for position, topic in enumerate(topics):
        who = f"device {devices[position]}" if position < len(devices) else "a carrier of several devices"
        if topic and topic in owner:
            raise ValueError(f"{owner[topic]} and {who} have the same topic {topic}")
        owner[topic] = who


def _packed(texts: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return texts as one array of UTF-8 bytes, and where each begins (and the last ends)."""
    parts = [text.encode("utf-8") for text in texts]
    ends = np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64)
    # A copy, because an array over bytes is read-only, and for numba that is another type.
    return np.frombuffer(b"".join(parts), np.uint8).copy(), ends


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
