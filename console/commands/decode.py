"""`cityvitals decode`: messages through the same codecs as the gateway's, without database.

Knows how a decoded message is printed; how it is decoded is the devices' room.
"""

from __future__ import annotations

import base64
import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.context import Context
from console.errors import EXIT_FAILED, MisuseError
from console.listening import heard
from console.output import print_json

if TYPE_CHECKING:
    from devices import Decoded, DeviceModel, Registry
    from devices.calibrations import Lines
    from ingest.settings import BrokerSettings

STDIN = "-"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("decode")(decode)


def decode(
    context: typer.Context,
    model: Annotated[
        str | None, typer.Option("--model", metavar="MODEL", help="Code of the device model; else the topic says it.")
    ] = None,
    topic: Annotated[
        str | None, typer.Option("--topic", metavar="TOPIC", help="Topic of the message; it names the device.")
    ] = None,
    hexadecimal: Annotated[str | None, typer.Option("--hex", metavar="TEXT", help="The payload, in hex.")] = None,
    base64_text: Annotated[str | None, typer.Option("--base64", metavar="TEXT", help="The payload, in base64.")] = None,
    f_port: Annotated[
        int | None,
        typer.Option(
            "--f-port",
            metavar="PORT",
            min=1,
            max=255,
            help="The payload is what a LoRaWAN device sends on this port, without its network's message.",
        ),
    ] = None,
    live: Annotated[
        str | None, typer.Option("--live", metavar="FILTER", help="Messages from the broker, of these topics.")
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="With --live: so many messages.")] = 1,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The payload; stdin where left out.")] = Path(STDIN),
) -> None:
    """Decode a message and print one JSON object per observation.

    Keys: `device` (from the topic; null without one), `measurand`, `time` (RFC 3339, UTC), `value` (decimal text in the
    measurand's unit) and `unit`. What cannot be used is said on stderr with its reason, and the exit code is 1.
    A message without a time of its own takes this moment.

    Without `--model` the topic says whose message it is, by the city's `devices.csv`; so messages of many devices, and
    of Sparkplug B nodes, are decoded as the gateway does. With `--live` they come from the broker.

    **Examples**

    - `cityvitals decode --model air_station message.json`
    - `cityvitals decode --model elsys_ers_co2 --f-port 5 --hex 0100e202290400270506060308`
    - `cityvitals --city cities/seoul decode --live 'cityvitals/+/+/telemetry' --count 5`
    - `mosquitto_sub -C 1 -t 'cityvitals/+/+/telemetry' | cityvitals decode --model air_station`
    """
    from devices.payloads import enveloped

    given: Context = context.obj
    if sum(one is not None for one in (hexadecimal, base64_text, live)) > 1:
        raise MisuseError("--hex, --base64 and --live: give one of them")
    if f_port is not None and live is not None:
        raise MisuseError("--f-port: what comes from the broker is in its network's message")
    reader = _reader(given, model, topic, live is not None)
    if live is not None:
        good = [_told(reader, name, payload) for name, payload in heard(_broker(given), live, count)]
        if len(good) < count or not all(good):
            raise typer.Exit(EXIT_FAILED)
        return
    payload = _payload(file) if hexadecimal is None and base64_text is None else _written(hexadecimal, base64_text)
    if f_port is not None:
        payload = enveloped(payload, f_port)
    if not _told(reader, topic or "", payload):
        raise typer.Exit(EXIT_FAILED)


Said = tuple[str | None, "DeviceModel", "Decoded"]
"""Whose it is, how it is read, and what it says."""
Read = Callable[[str, bytes, int], list[Said]]
"""From topic, payload and arrival to what a message says of each device; raises PayloadError."""


def _told(read: Read, topic: str, payload: bytes) -> bool:
    """Print what a message says; return whether there was nothing wrong with it."""
    from devices import PayloadError, load_measurands, rfc3339, text_from_ticks

    try:
        said = read(topic, payload, time.time_ns() // 1000)
    except PayloadError as error:
        sys.stderr.write(f"{error.reason}: {error.detail}\n")
        return False
    measurands = load_measurands().by_code
    print_json(
        {
            "device": device,
            "measurand": field.measurand,
            "time": rfc3339(reading.time_us),
            "value": text_from_ticks(reading.ticks, field.decimals),
            "unit": measurands[field.measurand].unit,
        }
        for device, model, decoded in said
        for reading in decoded.readings
        for field in (model.fields[reading.field],)
    )
    faults = [fault for _, _, decoded in said for fault in decoded.faults]
    for fault in faults:
        sys.stderr.write(f"{fault.reason}: {fault.detail}\n")
    return not faults


def _reader(context: Context, code: str | None, topic: str | None, live: bool) -> Read:
    """Return what decodes: the model that is named, or whatever the city has for a topic."""
    if code is None:
        if topic is None and not live:
            raise MisuseError("nothing says how the message is read", "give --model, or --city and --topic")
        return _by_topic(context.registry())
    from devices import codec

    model = _model(context, code)
    device = None if topic is None else _device(context, model, topic)

    def read(_topic: str, payload: bytes, received_us: int) -> list[Said]:
        return [(device, model, codec(model.codec).decode(payload, model, received_us))]

    return read


def _by_topic(registry: Registry) -> Read:
    """Return what decodes as the gateway does: a device's messages by its model, others by the carrier they are of, and
    each reading corrected by the device's calibration."""
    from devices import PayloadError, carriers, codec
    from devices.errors import quoted
    from devices.topics import matches

    brought = carriers(registry)
    carried = {position for carrier in brought for position in carrier.devices}
    passed = registry.earlier.union(carried)
    own = {device.topic: at for at, device in enumerate(registry.devices) if at not in passed}
    lines = registry.calibration_lines()
    answers = {topic: carrier for carrier in brought for topic in carrier.topics}

    def read(topic: str, payload: bytes, received_us: int) -> list[Said]:
        at = own.get(topic)
        if at is not None:
            model = registry.model_of(registry.devices[at])
            decoded = codec(model.codec).decode(payload, model, received_us)
            return [said(*one) for one in _by_time(registry, at, decoded, received_us)]
        carrier = answers.get(topic) or next(
            (one for one in brought if any(matches(wide, topic) for wide in one.filters)), None
        )
        if carrier is None:
            raise PayloadError("unknown_device", f"no device of {registry.city.name} publishes to {quoted(topic)}")
        found = carrier.decode(topic, payload, received_us)
        return [said(*part) for one in found for part in _by_time(registry, *one, received_us)]

    def said(at: int, decoded: Decoded) -> Said:
        device = registry.devices[at]
        corrected = decoded if lines is None else _corrected(decoded, registry.slots(at).start, lines)
        return device.code, registry.model_of(device), corrected

    return read


def _by_time(registry: Registry, at: int, decoded: Decoded, received_us: int) -> list[tuple[int, Decoded]]:
    """Return what a message says, by the devices that followed one another at its topic; faults are of its arrival."""
    succession = registry.succession
    if succession is None:
        return [(at, decoded)]
    of: dict[int, Decoded] = {}
    for reading in decoded.readings:
        owner = succession.devices.settled(at, reading.time_us)
        of.setdefault(owner, replace(decoded, readings=[], faults=[])).readings.append(reading)
    if decoded.faults:
        owner = succession.devices.settled(at, received_us)
        of.setdefault(owner, replace(decoded, readings=[], faults=[])).faults.extend(decoded.faults)
    return list(of.items())


def _corrected(decoded: Decoded, slot_first: int, lines: Lines) -> Decoded:
    """Return what a device's message says, corrected as it is before it is stored."""
    import numpy as np

    readings = decoded.readings
    ticks = np.array([one.ticks for one in readings], np.int64)
    slots = np.array([slot_first + one.field for one in readings], np.int32)
    lines.apply(slots, np.array([one.time_us for one in readings], np.int64), ticks)
    return replace(decoded, readings=[one._replace(ticks=at) for one, at in zip(readings, ticks.tolist(), strict=True)])


def _broker(context: Context) -> BrokerSettings:
    return replace(context.settings.mqtt, url=context.endpoints().mqtt_url)


def _written(hexadecimal: str | None, base64_text: str | None) -> bytes:
    """Return a payload that is written on the command line.

    Raises:
        MisuseError: it is neither.
    """
    try:
        if hexadecimal is not None:
            return bytes.fromhex(hexadecimal.replace(":", " "))
        return base64.b64decode(base64_text or "", validate=True)
    except ValueError as error:
        raise MisuseError(f"{'--base64' if hexadecimal is None else '--hex'}: {error}") from None


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
        for at, device in enumerate(registry.devices):
            if device.topic == topic and at not in registry.earlier:
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
