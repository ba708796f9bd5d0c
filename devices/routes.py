"""The registry as flat tables, for decoders that are compiled: topic to device, name to field, text to ticks.

Knows what a decoder must look up; knows nothing of how it does so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.codecs import CODECS
from devices.registry import Registry
from devices.ticks import TICKS_MAX

KERNEL_MULTIPLIER_MAX = 10**12
"""Largest num or den a compiled decoder is asked to multiply by; a field beyond it goes the slow way."""
FIELD_PLAIN = 0
"""ticks = (value * num + shift) / den is all there is to the field."""
FIELD_SLOW = 1
"""The field needs the codec itself: it maps words or codes to states, or its scale is too large for int64."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Flat tables; all arrays are C-contiguous.

    Device d (position in `registry.devices`):
        topics: uint8, every topic one after the other, in UTF-8; device d's is topics[topic_at[d]:topic_at[d + 1]].
        topic_at: int64, length devices + 1.
        device_model: int32, position in the order of `model_codes`.
        device_slot: int32, the slot of its field 0; field f is slot device_slot[d] + f.

    Model m:
        model_codes: the models that devices use, sorted.
        model_codec: int8, position in `devices.CODECS`; SenML JSON is 0.
        model_field_at: int32, length models + 1; model m's fields are rows model_field_at[m]:model_field_at[m + 1].

    Field row r (field f of model m is row model_field_at[m] + f):
        names, name_at: UTF-8 names like the topics; a SenML record's name after its last `/` or `:` equals one.
        units, unit_at: the unit a record must state if it states one; empty: any unit will do.
        num, den, shift: int64; ticks = round_half_even((value * num + shift) / den) of the exact decimal value. With
            value = mantissa * 10^e, multiply all of numerator (e > 0) or denominator and shift (e < 0) by the power
            of ten BEFORE dividing: rounding happens once. What does not fit 64 bits on the way is for the codec.
        field_mode: int8, FIELD_PLAIN or FIELD_SLOW.

    A compiled decoder gives the same result as the codec for every message or leaves the message to the codec,
    so it may leave whatever is rare: faults, escapes in names, sums of base values, exponents, versions.
    """

    topics: NDArray[np.uint8]
    topic_at: NDArray[np.int64]
    device_model: NDArray[np.int32]
    device_slot: NDArray[np.int32]
    model_codes: tuple[str, ...]
    model_codec: NDArray[np.int8]
    model_field_at: NDArray[np.int32]
    names: NDArray[np.uint8]
    name_at: NDArray[np.int64]
    units: NDArray[np.uint8]
    unit_at: NDArray[np.int64]
    num: NDArray[np.int64]
    den: NDArray[np.int64]
    shift: NDArray[np.int64]
    field_mode: NDArray[np.int8]


def build_routes(registry: Registry) -> Routes:
    """Return the tables of a registry."""
    codes = tuple(sorted({device.model for device in registry.devices}))
    models = [registry.models[code] for code in codes]
    positions = {code: i for i, code in enumerate(codes)}
    codecs = {codec.name: i for i, codec in enumerate(CODECS)}
    fields = [field for model in models for field in model.fields]
    slow = [
        bool(f.states)
        or max(abs(f.scale.num), f.scale.den) > KERNEL_MULTIPLIER_MAX
        or abs(f.scale.shift) > TICKS_MAX // KERNEL_MULTIPLIER_MAX
        for f in fields
    ]
    topics, topic_at = _packed([device.topic for device in registry.devices])
    names, name_at = _packed([f.name for f in fields])
    units, unit_at = _packed([f.unit for f in fields])
    return Routes(
        topics=topics,
        topic_at=topic_at,
        device_model=np.array([positions[device.model] for device in registry.devices], np.int32),
        device_slot=np.array([registry.slots(d).start for d in range(len(registry.devices))], np.int32),
        model_codes=codes,
        model_codec=np.array([codecs[model.codec] for model in models], np.int8),
        model_field_at=np.cumsum([0, *(len(model.fields) for model in models)], dtype=np.int32),
        names=names,
        name_at=name_at,
        units=units,
        unit_at=unit_at,
        # A slow field's scale may not fit; the kernel never reads it.
        num=np.array([0 if s else f.scale.num for f, s in zip(fields, slow, strict=True)], np.int64),
        den=np.array([1 if s else f.scale.den for f, s in zip(fields, slow, strict=True)], np.int64),
        shift=np.array([0 if s else f.scale.shift for f, s in zip(fields, slow, strict=True)], np.int64),
        field_mode=np.array([FIELD_SLOW if s else FIELD_PLAIN for s in slow], np.int8),
    )


def _packed(texts: list[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return texts as one array of UTF-8 bytes, and where each begins (and the last ends)."""
    parts = [text.encode("utf-8") for text in texts]
    at = np.zeros(len(parts) + 1, np.int64)
    at[1:] = np.cumsum([len(part) for part in parts])
    return np.frombuffer(b"".join(parts), np.uint8).copy(), at
