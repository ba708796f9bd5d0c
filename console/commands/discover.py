"""`cityvitals devices discover`: whose messages are in the quarantine because nobody registered the device.

Knows options and rendering; which model reads what is `devices.discovery`, and messages come from the store.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.results import JsonOption, city_clock, open_store, rfc_local, time_range
from console.context import Context
from console.output import Col, print_json, print_table, stdout
from console.text import counted, printable

if TYPE_CHECKING:
    from datetime import tzinfo

    from devices import Registry
    from devices.discovery import Candidate, Sample
    from ingest.kept import KeptMessage

STRANGERS = ("unknown_device", "unknown_topic")
TOPICS_MAX = 10_000
"""Topics that are looked at; there can be as many as there are messages."""
PARTS_MAX = 100
"""Topics of one device that are looked at."""
CANDIDATES_SHOWN = 3
KEYS_SHOWN = 5


@dataclass(slots=True)
class Stranger:
    """Messages of one topic that nobody registered.

    Attributes:
        topic: by which the device would be registered.
        messages, cut: how many, and how many of them were not kept whole.
        first_us, last_us: arrivals.
        newest: the newest whole ones of each topic by which it comes.
        births: of Sparkplug B, the newest.
    """

    topic: str
    messages: int = 0
    cut: int = 0
    first_us: int = 0
    last_us: int = 0
    newest: dict[str, deque[Sample]] = field(default_factory=dict)
    births: dict[str, Sample] = field(default_factory=dict)

    def add(self, message: KeptMessage) -> None:
        """Count a message, and keep it where there is none newer."""
        from devices.discovery import SAMPLES_MAX, Sample
        from devices.topics import sparkplug_topic

        self.first_us = self.first_us or message.received_us
        self.last_us = message.received_us
        self.messages += max(row.readings for row in message.rows)
        if not message.whole:
            self.cut += 1
            return
        sample = Sample(message.payload, message.received_us, message.topic)
        sparkplug = sparkplug_topic(message.topic)
        if sparkplug is not None:
            if sparkplug.kind.endswith("BIRTH"):
                self.births[self.topic] = sample._replace(topic=self.topic)
            if sparkplug.kind.endswith("DEATH"):
                return
            sample = sample._replace(topic=self.topic)
        if message.topic in self.newest or len(self.newest) < PARTS_MAX:
            self.newest.setdefault(sample.topic, deque(maxlen=SAMPLES_MAX)).append(sample)

    def join(self, other: Stranger) -> None:
        """Count messages of another topic of the same device."""
        self.messages, self.cut = self.messages + other.messages, self.cut + other.cut
        self.first_us, self.last_us = min(self.first_us, other.first_us), max(self.last_us, other.last_us)
        self.newest |= other.newest

    @property
    def metrics(self) -> list[str]:
        """Names that the newest birth states; none where there is no birth."""
        from devices.discovery import metrics

        return [name for birth in self.births.values() for name in metrics(birth.payload)]

    @property
    def samples(self) -> list[Sample]:
        """Messages to try models on: births where there are any, for data may name their metrics by numbers only."""
        return list(self.births.values()) or [sample for some in self.newest.values() for sample in some]


def discover(
    context: typer.Context,
    topic: Annotated[
        str, typer.Option("--topic", metavar="FILTER", help="Only topics that this filter takes; `+` is a level.")
    ] = "",
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only what arrived at this date or time, or later.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=TOPICS_MAX, help="At most so many topics.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List topics of the quarantine that are no registered device's, and the models that can read their messages.

    Topics of a device that publishes every field by one of its own stand together. Of a feed it says how many devices
    it names and which column of `devices.csv` their keys go to; of Sparkplug B, which metrics the birth names.

    Each model is tried on the newest messages of a topic and ranked: by how much of them it reads right, by how many of
    its fields it finds, and by whether the topic follows its pattern. What it would yield is shown; nothing is changed.
    `cityvitals devices accept` registers the device and takes its messages up again.

    The gateway hears only topics of registered devices and of their models' patterns. To hear others, name filters
    (`discover = "v3/+/devices/+/up zigbee2mqtt/+"` under `[mqtt]`), and start it again.

    **Examples**

    - `cityvitals devices discover`
    - `cityvitals devices discover --topic 'v3/+/devices/+/up' --since 2026-11-01 --json`
    """
    given: Context = context.obj
    registry = given.registry()
    zone = city_clock(given)
    from_us, _ = time_range(since, None, zone)
    strangers = strangers_of(given, topic, from_us)
    chosen = _beside(sorted(strangers.values(), key=lambda one: (-one.messages, one.topic)))[:limit]
    found = [(one, candidates_of(one, registry)) for one in chosen]
    if as_json:
        print_json(_entry(one, models, registry) for one, models in found)
        return
    if not found:
        stdout().print("no messages of unknown devices in the quarantine")
        return
    _print(found, zone, len(strangers), registry)


def strangers_of(given: Context, topic: str, since_us: int) -> dict[str, Stranger]:
    """Return what is in the quarantine of nobody, by the topic of the device."""
    from devices.discovery import device_topic
    from ingest.kept import Choice, kept_messages

    registry = given.registry()
    split = [model for model in registry.models.values() if any(one.topic for one in model.fields)]
    choice = Choice(STRANGERS, since_us, topic)
    found: dict[str, Stranger] = {}
    names: dict[str, str] = {}
    with open_store(given) as store:
        for page in kept_messages(store):
            for message in page:
                if not choice.takes(message):
                    continue
                name = names.get(message.topic) or device_topic(message.topic, split, registry.city.code)
                if name in found or len(found) < TOPICS_MAX:
                    names[message.topic] = name
                    found.setdefault(name, Stranger(name)).add(message)
    return _families(found)


def _families(found: dict[str, Stranger]) -> dict[str, Stranger]:
    """Return the same with the topics below a device's that no field of its model has joined to that device."""
    heads = [name for name, one in found.items() if any(topic.startswith(f"{name}/") for topic in one.newest)]
    for head in heads:
        for name in [name for name in found if name.startswith(f"{head}/")]:
            found[head].join(found.pop(name))
    return found


def _beside(strangers: list[Stranger]) -> list[Stranger]:
    """Return the same with devices of one Sparkplug B edge node beside one another, where the first of them stands."""
    from devices.topics import sparkplug_topic

    first: dict[tuple[str, str], int] = {}

    def place(item: tuple[int, Stranger]) -> int:
        parts = sparkplug_topic(item[1].topic)
        return item[0] if parts is None else first.setdefault((parts.group, parts.node), item[0])

    return [one for _, one in sorted(enumerate(strangers), key=place)]


def candidates_of(stranger: Stranger, registry: Registry) -> list[Candidate]:
    """Return the models that read anything of a stranger's messages; see `devices.discovery`."""
    from devices.discovery import candidates

    return candidates(
        stranger.topic, stranger.samples, registry.models.values(), registry.catalogue, registry.city.code
    )


def new_keys(candidate: Candidate, topic: str, registry: Registry) -> list[str]:
    """Return the keys of a feed that no registered device has."""
    from devices.registry import feed_key

    model = registry.models[candidate.model]
    known = {feed_key(d, model) for d in registry.devices if (d.model, d.topic) == (model.code, topic)}
    return [key for key in candidate.keys if key not in known]


def key_column(candidate: Candidate, registry: Registry) -> str:
    """Return the column of `devices.csv` that the key of a feed's device goes to; its code where there is no other."""
    feed = registry.models[candidate.model].feed
    return (feed.column if feed is not None else "") or "device"


def _entry(stranger: Stranger, models: list[Candidate], registry: Registry) -> dict[str, object]:
    from devices import rfc3339
    from devices.discovery import likely_code

    return {
        "topic": stranger.topic,
        "topics": sorted(stranger.newest),
        "metrics": stranger.metrics,
        "device": likely_code(stranger.topic),
        "messages": stranger.messages,
        "cut": stranger.cut,
        "first": rfc3339(stranger.first_us),
        "last": rfc3339(stranger.last_us),
        "payload": printable(stranger.samples[-1].payload, 200) if stranger.samples else None,
        "models": [
            {
                "model": one.model,
                "topic_fits": one.fits,
                "readings": one.readings,
                "refused": dict(one.refused),
                "fields": sorted(one.fields),
                "of_fields": one.of_fields,
                "examples": [{**each._asdict(), "time": rfc3339(each.time_us)} for each in one.examples],
                "cells": one.cells,
                "keys": list(one.keys),
                "new_keys": new_keys(one, stranger.topic, registry),
                "key_column": key_column(one, registry) if one.keys else None,
            }
            for one in models
        ],
    }


def _print(found: list[tuple[Stranger, list[Candidate]]], zone: tzinfo, total: int, registry: Registry) -> None:
    from devices.discovery import likely_code

    console = stdout()
    for stranger, models in found:
        name = "of many devices" if any(one.keys for one in models[:1]) else likely_code(stranger.topic)
        console.print(stranger.topic, style="bold", markup=False, soft_wrap=True)
        console.print(
            f"  {counted(stranger.messages, 'message')}, the newest {rfc_local(stranger.last_us, zone)}; "
            f"perhaps {name or 'without a name'}",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
        for note in _notes(stranger, models, registry):
            console.print(f"  {note}", markup=False, highlight=False, soft_wrap=True)
        if not models:
            sample = printable(stranger.samples[-1].payload, 100) if stranger.samples else "cut at the limit"
            console.print(f"  no model reads it: {sample}", markup=False, highlight=False, soft_wrap=True)
            continue
        print_table(
            "",
            [Col("model"), Col("fields", right=True), Col("refused", right=True), Col("would yield")],
            (
                (
                    one.model,
                    f"{len(one.fields)} of {one.of_fields}",
                    ", ".join(f"{reason} {count}" for reason, count in one.refused.items()),
                    ", ".join(f"{each.field} {each.value} {each.unit}".strip() for each in one.examples),
                )
                for one in models[:CANDIDATES_SHOWN]
            ),
        )
    if total > len(found):
        console.print(f"{len(found)} of {counted(total, 'topic')}; more with --limit", style="dim", markup=False)
    console.print(
        "register one with `cityvitals devices accept TOPIC --model MODEL --zone ZONE`", style="dim", markup=False
    )


def _notes(stranger: Stranger, models: list[Candidate], registry: Registry) -> list[str]:
    """Return what is to be known of a stranger beside what models make of it."""
    notes = []
    above = [d.code for d in registry.devices if stranger.topic.startswith(f"{d.topic}/")]
    if above:
        notes.append(f"below the topic of {', '.join(above)}, which is registered: its model has no field for it")
    if len(stranger.newest) > 1:
        notes.append(f"{len(stranger.newest)} topics of one device: {_some(sorted(stranger.newest))}")
    if stranger.metrics:
        notes.append(f"its birth names {counted(len(stranger.metrics), 'metric')}: {_some(stranger.metrics)}")
    for one in models[:CANDIDATES_SHOWN]:
        if one.keys:
            new = new_keys(one, stranger.topic, registry)
            notes.append(
                f"a feed, by {one.model}: names {counted(len(one.keys), 'device')}, {len(new)} of them new; column "
                f"{key_column(one, registry)}: {_some(new)}; register some with --key KEY, or --all"
            )
        notes += [f"by {one.model}, {column}={text} is in its topic" for column, text in one.cells.items()]
    return notes


def _some(words: list[str]) -> str:
    more = f" and {len(words) - KEYS_SHOWN} more" if len(words) > KEYS_SHOWN else ""
    shown = ", ".join(words[:KEYS_SHOWN])
    return printable(shown.encode("utf-8", "surrogateescape"), 300) + more
