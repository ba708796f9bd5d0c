"""`cityvitals decode`: one payload through the same codecs as the gateway's, without broker and database.

Knows how a decoded message is printed; how it is decoded is the devices' room.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.context import Context
from console.errors import EXIT_FAILED, MisuseError
from console.output import print_json

if TYPE_CHECKING:
    from devices import DeviceModel

STDIN = "-"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("decode")(decode)


def decode(
    context: typer.Context,
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="Code of the device model; see `models`.")],
    topic: Annotated[
        str | None, typer.Option("--topic", metavar="TOPIC", help="Topic of the message; it names the device.")
    ] = None,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The payload; stdin where left out.")] = Path(STDIN),
) -> None:
    """Decode one message and print one JSON object per observation.

    Keys: `device` (from the topic; null without one), `measurand`, `time` (RFC 3339, UTC), `value` (decimal text in the
    measurand's unit) and `unit`. What cannot be used is said on stderr with its reason, and the exit code is 1.
    A message without a time of its own takes this moment.

    **Examples**

    - `cityvitals decode --model air_station message.json`
    - `mosquitto_sub -C 1 -t 'cityvitals/+/+/telemetry' | cityvitals decode --model air_station`
    """
    from devices import PayloadError, codec, load_measurands, rfc3339, text_from_ticks

    found = _model(context.obj, model)
    device = None if topic is None else _device(context.obj, found, topic)
    payload = _payload(file)
    try:
        decoded = codec(found.codec).decode(payload, found, time.time_ns() // 1000)
    except PayloadError as error:
        sys.stderr.write(f"{error.reason}: {error.detail}\n")
        raise typer.Exit(EXIT_FAILED) from None
    measurands = load_measurands().by_code
    print_json(
        {
            "device": device,
            "measurand": field.measurand,
            "time": rfc3339(reading.time_us),
            "value": text_from_ticks(reading.ticks, field.decimals),
            "unit": measurands[field.measurand].unit,
        }
        for reading in decoded.readings
        for field in (found.fields[reading.field],)
    )
    for fault in decoded.faults:
        sys.stderr.write(f"{fault.reason}: {fault.detail}\n")
    if decoded.faults:
        raise typer.Exit(EXIT_FAILED)


def _model(context: Context, code: str) -> DeviceModel:
    from devices import ConfigError, load_models, nearest

    # A city's own models stand in its folder; without a city those of the package are enough.
    own = context.city_option / "models" if context.city_option is not None else None
    try:
        models = load_models(own if own is not None and own.is_dir() else None)
    except ConfigError as error:
        raise MisuseError(str(error)) from None
    if code not in models:
        raise MisuseError(
            f"no device model is called {code!r}{nearest(code, models)}", "list them with `cityvitals models`"
        )
    return models[code]


def _device(context: Context, model: DeviceModel, topic: str) -> str:
    if context.city_option is not None:
        registry = context.registry()
        for device in registry.devices:
            if device.topic == topic:
                return device.code
        raise MisuseError(
            f"no device of {registry.city.name} publishes to {topic}", "list them with `cityvitals devices`"
        )
    parts = re.split(r"\{([^{}]*)\}", model.topic)
    pattern = "".join(
        re.escape(part) if i % 2 == 0 else f"(?P<{part}>[^/]+)" if part not in parts[1:i:2] else f"(?P={part})"
        for i, part in enumerate(parts)
    )
    match = re.fullmatch(pattern, topic)
    if match is None:
        raise MisuseError(f"--topic {topic} does not follow the model's pattern {model.topic}")
    named = match.groupdict()
    if "device" not in named:
        raise MisuseError(f"the pattern {model.topic} does not name the device", "give --city, whose devices.csv does")
    return named["device"]


def _payload(file: Path) -> bytes:
    from devices import PAYLOAD_BYTES_MAX

    try:
        if str(file) == STDIN:
            return sys.stdin.buffer.read(PAYLOAD_BYTES_MAX + 1)
        with file.open("rb") as stream:
            return stream.read(PAYLOAD_BYTES_MAX + 1)
    except OSError as error:
        raise MisuseError(f"cannot read {file}: {error.strerror}") from None
