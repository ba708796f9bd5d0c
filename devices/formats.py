"""What a device model may say in each payload format: which keys, and the format's own table.

Knows the formats' names and their tables in a model; knows no payload bytes (`devices.codecs` does).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from devices.csvlines import csv_options
from devices.meters import mbus_options
from devices.payloads import bytes_options, lorawan_options
from devices.tables import Table
from devices.topics import sparkplug_fault


@dataclass(frozen=True, slots=True)
class FormatRules:
    """The rules of one format.

    Attributes:
        paths: a model's fields name their values by paths, and it may have `[time]` and `each`; else a field's name is
            the name of a SenML record.
        options: reads the format's own tables and keys from a model's root; faults go to its problems. What it returns
            is `DeviceModel.options`: frozen, hashable, and able to travel between processes. None where it has none.
        measured: a path names a reading with its unit and time, so that none ends in its `value`.
        each: the array that a message always is, so that no model names one; empty: a model may.
        path: where the one value of a message stands, so that no model names an array or a time; empty: anywhere.
        topic: says what is wrong with the topic of a device, or with a model's pattern; empty where nothing is. None
            where a format has no rule of its own.
    """

    paths: bool = True
    options: Callable[[Table], object] | None = None
    measured: bool = False
    each: str = ""
    path: str = ""
    topic: Callable[[str], str] | None = None


def _without_each(root: Table) -> None:
    if root.has("each"):
        root.fault("each", "each metric of Sparkplug B has its own name and time; an array in one is reached by a path")


FORMATS: Final[Mapping[str, FormatRules]] = MappingProxyType(
    {
        "senml-json": FormatRules(paths=False),
        "senml-cbor": FormatRules(paths=False),
        "json-paths": FormatRules(),
        "cbor-paths": FormatRules(),
        "csv-lines": FormatRules(each="$", options=csv_options),
        "text": FormatRules(path="$"),
        "lorawan": FormatRules(options=lorawan_options),
        "bytes": FormatRules(options=bytes_options),
        "dsmr-p1": FormatRules(measured=True),
        "mbus": FormatRules(options=mbus_options, measured=True),
        "sparkplug-b": FormatRules(options=_without_each, topic=sparkplug_fault),
        "ngsi-ld": FormatRules(measured=True),
        "ngsi-v2": FormatRules(measured=True),
        "sensorthings": FormatRules(measured=True),
    }
)
"""Every format by the name that models use."""
