"""Sparkplug B, one payload by itself: `sparkplug-b`.

Knows payloads and models; knows no births: a payload by itself says what its metrics are, as births and named data do.
Whoever needs to remember aliases is `devices.carriers.sparkplug`.
"""

from __future__ import annotations

from collections.abc import Sequence

from devices.codecs.base import Decoded, state_text
from devices.codecs.jsontext import NumberText
from devices.codecs.sparkplug.reading import CODEC, MS_US, Named, read, wanted
from devices.codecs.sparkplug.schema import Metric, parse, serialize
from devices.codecs.sparkplug.values import BOOLEAN, DOUBLE, INT64, STRING, needs_type
from devices.models import DeviceModel, Field
from devices.ticks import TICKS_MAX, TICKS_MIN, number_from_ticks, parse_number, text_from_number


class SparkplugB:
    """The codec; it keeps no state."""

    name = CODEC

    def decode(self, payload: bytes, model: DeviceModel, received_us: int) -> Decoded:
        """Return the readings of metrics with a name; see `Codec.decode`. Those with an alias alone are `no_birth`."""
        message = parse(payload)
        known = [Named(m.name, m.datatype, m) for m in message.metrics if m.name and (m.datatype or not needs_type(m))]
        decoded = read(known, message.time_ms, model, wanted(model), received_us)
        unknown = len(message.metrics) - len(known)
        if unknown:
            decoded.refuse(
                "no_birth", f"{unknown} metrics without name or type: only a birth says what they are", unknown
            )
        if not decoded.readings and not decoded.faults:
            decoded.refuse("empty", "the message holds none of the model's metrics")
        return decoded

    def encode(self, model: DeviceModel, readings: Sequence[tuple[str, int, int]]) -> bytes:
        """Return one payload of named metrics; see `Codec.encode`.

        Raises:
            ValueError: a time is no whole millisecond, or a field stands inside a metric.
        """
        metrics = metrics_of(model, readings)
        return serialize(metrics[-1].time_ms if metrics else None, None, metrics)


def metrics_of(model: DeviceModel, readings: Sequence[tuple[str, int, int]]) -> list[Metric]:
    """Return metrics with name, type and time that read as these (field name, time_us, ticks).

    Raises:
        ValueError: a field is unknown or stands inside a metric, or a time is no whole millisecond.
    """
    made = []
    for field_name, time_us, ticks in readings:
        try:
            field = model.fields[model.field_index(field_name)]
        except KeyError as error:
            raise ValueError(error.args[0]) from error
        if time_us % MS_US:
            raise ValueError(f"Sparkplug B carries whole milliseconds, got {time_us} us")
        if field.path is None or len(field.path.steps) != 1:
            raise ValueError(f"field {field.name!r} stands inside a metric, and only whole metrics are written")
        datatype, kind, value = _sent(field, ticks)
        name, time_ms = str(field.path.steps[0]), time_us // MS_US
        made.append(Metric(name, time_ms=time_ms, datatype=datatype, kind=kind, value=value))
    return made


def _sent(field: Field, ticks: int) -> tuple[int, str, object]:
    """Return data type, kind and value that read as these ticks: a whole number, a double, else a text."""
    if field.states:
        text = state_text(field, ticks)
        if text in ("true", "false"):
            return BOOLEAN, "boolean_value", text == "true"
        return STRING, "string_value", text.encode("utf-8")
    number = number_from_ticks(ticks, field.scale)
    text = text_from_number(number)
    if "." not in text and TICKS_MIN <= int(text) <= TICKS_MAX:
        return INT64, "long_value", int(text) % (1 << 64)
    double = float(text)
    if text_from_number(parse_number(NumberText(repr(double)))) == text:
        return DOUBLE, "double_value", double
    return STRING, "string_value", text.encode("utf-8")


SPARKPLUG_B = SparkplugB()
