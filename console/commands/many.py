"""Several devices that one command registers: those of a feed, and those of a Sparkplug B edge node.

Knows what the quarantine holds of them; whether the lines then make sense is the registry's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from console.commands.discover import candidates_of, new_keys, strangers_of
from console.context import Context
from console.errors import MisuseError

if TYPE_CHECKING:
    from devices import DeviceModel, Registry
    from devices.topics import SparkplugTopic


def made_topic(registry: Registry, model: DeviceModel, row: Mapping[str, str]) -> str:
    """Return the topic that a model's pattern makes for a device of these cells."""
    from devices.topics import fill

    return fill(model.topic, {"city": registry.city.code, "gateway": "direct", **{k: v for k, v in row.items() if v}})


def rows_meant(
    given: Context, topic: str, row: dict[str, str], code: str | None, keys: list[str], *, everything: bool
) -> list[dict[str, str]]:
    """Return the cells of each device that is meant: of a feed those with the keys, of a Sparkplug B node with
    `everything` those that the model reads, else the one.

    Raises:
        MisuseError: keys where there is no feed, or none where there is one.
    """
    from devices.discovery import feed_codes
    from devices.topics import sparkplug_topic

    registry = given.registry()
    model = registry.models[row["model"]]
    node = sparkplug_topic(topic)
    if model.feed is None:
        if everything and not keys and code is None and node is not None:
            return _of_node(given, node, row)
        if keys or everything:
            raise MisuseError(f"{model.code} is no feed: a message of it is one device's", "leave --key and --all out")
        return [row]
    column = model.feed.column
    if not keys and column in row:
        return [row]
    if everything == bool(keys):
        raise MisuseError(
            f"a message of {model.code} speaks of many devices",
            "say which with --key KEY, or take --all; `cityvitals devices discover` lists their keys",
        )
    wanted = keys or _named_keys(given, topic, model.code)
    if code is not None and len(wanted) > 1:
        raise MisuseError(
            f"--code {code} would be the name of {len(wanted)} devices", "leave it out, or give one --key"
        )
    codes = feed_codes(dict.fromkeys(wanted), model.code, {device.code for device in registry.devices})
    if code is not None:
        codes = dict.fromkeys(wanted, code)
    odd = [key for key, of in codes.items() if not column and key != of]
    if odd:
        raise MisuseError(
            f"the feed calls a device {odd[0]!r}, which is no code that is free, and {model.code} has no column for it",
            "give the model a `column` in its [feed]",
        )
    titles = {key: {} if key == of or row.get("title") else {"title": key} for key, of in codes.items()}
    return [{**row, **titles[key], "device": of, **({column: key} if column else {})} for key, of in codes.items()]


def _named_keys(given: Context, topic: str, model: str) -> list[str]:
    """Return the keys that messages of the quarantine name and no device has.

    Raises:
        MisuseError: there is none.
    """
    from devices import TIME_MIN_US

    stranger = strangers_of(given, topic, TIME_MIN_US).get(topic)
    found = [] if stranger is None else candidates_of(stranger, given.registry())
    keys = next((new_keys(one, topic, given.registry()) for one in found if one.model == model), [])
    if not keys:
        raise MisuseError(
            f"no message of {topic} in the quarantine names a device of {model} that is not registered",
            "name it with --key KEY",
        )
    return keys


def _of_node(given: Context, node: SparkplugTopic, row: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the cells of each device of an edge node of which the model reads anything.

    Raises:
        MisuseError: there is none.
    """
    from devices import TIME_MIN_US
    from devices.discovery import likely_code
    from devices.topics import sparkplug_topic

    registry, rows = given.registry(), []
    model = registry.models[row["model"]]
    for topic, stranger in sorted(strangers_of(given, "", TIME_MIN_US).items()):
        parts = sparkplug_topic(topic)
        if parts is None or (parts.group, parts.node) != (node.group, node.node):
            continue
        if any(one.model == model.code for one in candidates_of(stranger, registry)):
            made = {**row, "device": likely_code(topic)}
            rows.append({**made, "topic": "" if made_topic(registry, model, made) == topic else topic})
    if not rows:
        raise MisuseError(
            f"{model.code} reads nothing of the edge node {node.group}/{node.node} in the quarantine",
            "see `cityvitals devices discover`",
        )
    return rows
