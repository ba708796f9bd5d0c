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
CANDIDATES_SHOWN = 3


@dataclass(slots=True)
class Stranger:
    """Messages of one topic that nobody registered.

    Attributes:
        topic: by which the device would be registered.
        messages, cut: how many, and how many of them were not kept whole.
        first_us, last_us: arrivals.
        samples: the newest whole ones.
    """

    topic: str
    messages: int = 0
    cut: int = 0
    first_us: int = 0
    last_us: int = 0
    samples: deque[Sample] = field(default_factory=deque)

    def add(self, message: KeptMessage) -> None:
        """Count a message, and keep it where there is none newer."""
        from devices.discovery import SAMPLES_MAX, Sample

        self.first_us = self.first_us or message.received_us
        self.last_us = message.received_us
        self.messages += max(row.readings for row in message.rows)
        if not message.whole:
            self.cut += 1
            return
        self.samples.append(Sample(message.payload, message.received_us))
        if len(self.samples) > SAMPLES_MAX:
            self.samples.popleft()


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

    Each model is tried on the newest messages of a topic and ranked: by how much of them it reads right, by how many of
    its fields it finds, and by whether the topic follows its pattern. What it would yield is shown; nothing is changed.
    `cityvitals devices accept` registers the device and takes its messages up again.

    The gateway hears only topics of registered devices and of their models' patterns. To hear others, name filters
    (`discover = ["v3/+/devices/+/up"]` under `[mqtt]`), and start it again.

    **Examples**

    - `cityvitals devices discover`
    - `cityvitals devices discover --topic 'v3/+/devices/+/up' --since 2026-11-01 --json`
    """
    given: Context = context.obj
    registry = given.registry()
    zone = city_clock(given)
    from_us, _ = time_range(since, None, zone)
    strangers = _strangers(given, topic, from_us)
    chosen = sorted(strangers.values(), key=lambda one: (-one.messages, one.topic))[:limit]
    found = [(one, _candidates(one, registry)) for one in chosen]
    if as_json:
        print_json(_entry(one, models) for one, models in found)
        return
    if not found:
        stdout().print("no messages of unknown devices in the quarantine")
        return
    _print(found, zone, len(strangers))


def _strangers(given: Context, topic: str, since_us: int) -> dict[str, Stranger]:
    """Return what is in the quarantine of nobody, by topic."""
    from devices.discovery import canonical_topic
    from ingest.kept import Choice, kept_messages

    choice = Choice(STRANGERS, since_us, topic)
    found: dict[str, Stranger] = {}
    with open_store(given) as store:
        for page in kept_messages(store):
            for message in page:
                if not choice.takes(message):
                    continue
                name = canonical_topic(message.topic)
                if name in found or len(found) < TOPICS_MAX:
                    found.setdefault(name, Stranger(name)).add(message)
    return found


def _candidates(stranger: Stranger, registry: Registry) -> list[Candidate]:
    from devices.discovery import candidates

    return candidates(
        stranger.topic, list(stranger.samples), registry.models.values(), registry.catalogue, registry.city.code
    )


def _entry(stranger: Stranger, models: list[Candidate]) -> dict[str, object]:
    from devices import rfc3339
    from devices.discovery import likely_code

    return {
        "topic": stranger.topic,
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
            }
            for one in models
        ],
    }


def _print(found: list[tuple[Stranger, list[Candidate]]], zone: tzinfo, total: int) -> None:
    from devices.discovery import likely_code

    console = stdout()
    for stranger, models in found:
        console.print(stranger.topic, style="bold", markup=False, soft_wrap=True)
        console.print(
            f"  {counted(stranger.messages, 'message')}, the newest {rfc_local(stranger.last_us, zone)}; "
            f"perhaps {likely_code(stranger.topic) or 'without a name'}",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
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
