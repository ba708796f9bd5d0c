"""MQTT topics: patterns of device models, and the subscriptions that cover them without overlapping.

Knows topic syntax; knows neither devices nor the session.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from itertools import combinations, product
from typing import Final, NamedTuple

DEFAULT_TOPIC = "cityvitals/{city}/{device}/telemetry"
"""The topic of native devices."""
PLACEHOLDERS = ("city", "device", "gateway", "model", "zone")
TOPIC_BYTES_MAX = 1_024
"""MQTT allows 65,535; no device needs them, and every topic is kept in the route table."""

LEVELS_MAX: Final = 9
"""A topic of so many levels is taken by 512 filters."""

SPARKPLUG: Final = "spBv1.0"
"""The first level of every topic of Sparkplug B."""

_SPARKPLUG = re.compile(
    rf"{re.escape(SPARKPLUG)}/([^/]+)/(?:(N(?:BIRTH|DATA|DEATH))/([^/]+)|(D(?:BIRTH|DATA|DEATH))/([^/]+)/([^/]+))"
)
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_FORBIDDEN = re.compile(r"[+#\x00-\x20\x7f]")


def topic_faults(topic: str) -> list[str]:
    """Return what is wrong with a concrete topic; empty when nothing is."""
    faults = []
    if not topic or len(topic.encode("utf-8", "surrogatepass")) > TOPIC_BYTES_MAX:
        faults.append(f"expected a topic of 1 to {TOPIC_BYTES_MAX} bytes")
    if _FORBIDDEN.search(topic):
        faults.append(f"a topic holds no wildcard (+ #), space or control character, got {topic!r}")
    if topic.startswith("$"):
        faults.append(f"topics that begin with $ belong to the broker, got {topic!r}")
    return faults


def pattern_faults(pattern: str, more: Iterable[str] = ()) -> list[str]:
    """Return what is wrong with a pattern; empty when nothing is. `more` are placeholders beside PLACEHOLDERS."""
    faults = topic_faults(_PLACEHOLDER.sub("x", pattern))
    known = (*PLACEHOLDERS, *more)
    for name in placeholders(pattern):
        if name not in known:
            faults.append(f"unknown placeholder {{{name}}}; known: {', '.join(known)}")
    if "{" in _PLACEHOLDER.sub("", pattern) or "}" in _PLACEHOLDER.sub("", pattern):
        faults.append(f"a brace without its pair in {pattern!r}")
    return faults


class SparkplugTopic(NamedTuple):
    """The parts of a topic that an edge node publishes to: `spBv1.0/group/DDATA/node/device`."""

    group: str
    kind: str
    node: str
    device: str
    """Empty for the node's own messages."""


def sparkplug_topic(topic: str) -> SparkplugTopic | None:
    """Return the parts of a topic of an edge node's birth, data or death; None for any other."""
    match = _SPARKPLUG.fullmatch(topic)
    if match is None:
        return None
    group, of_node, node, of_device, its_node, device = match.groups()
    return SparkplugTopic(group, of_node or of_device, node or its_node, device or "")


def sparkplug_fault(topic: str) -> str:
    """Return what is wrong with the topic, or the pattern of topics, of Sparkplug B devices; empty when nothing is."""
    parts = sparkplug_topic(topic)
    if parts is not None and parts.kind in ("NDATA", "DDATA"):
        return ""
    return f"expected {SPARKPLUG}/group/DDATA/node/device, or {SPARKPLUG}/group/NDATA/node for a node, got {topic!r}"


def placeholders(pattern: str) -> list[str]:
    """Return the names in braces of a pattern."""
    return _PLACEHOLDER.findall(pattern)


def fill(pattern: str, values: Mapping[str, str]) -> str:
    """Return the topic of a pattern; every placeholder has a value."""
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], pattern)


def widened(pattern: str, fixed: Mapping[str, str]) -> str:
    """Return the filter of a pattern: fixed placeholders filled, any level with another one a `+`."""
    levels = []
    for level in pattern.split("/"):
        names = _PLACEHOLDER.findall(level)
        levels.append(fill(level, fixed) if all(name in fixed for name in names) else "+")
    return "/".join(levels)


def matches(topic_filter: str, topic: str) -> bool:
    """Return whether a filter of plain and `+` levels takes a topic."""
    wanted, given = topic_filter.split("/"), topic.split("/")
    return len(wanted) == len(given) and all(w in ("+", g) for w, g in zip(wanted, given, strict=True))


def filters_of(topic: str) -> tuple[str, ...]:
    """Return every filter of plain and `+` levels that takes a topic; none where these would be too many."""
    levels = topic.split("/")
    if len(levels) > LEVELS_MAX:
        return ()
    return tuple("/".join(chosen) for chosen in product(*((level, "+") for level in levels)))


def covers(wide: str, narrow: str) -> bool:
    """Return whether every topic of one filter is one of the other."""
    a, b = wide.split("/"), narrow.split("/")
    return len(a) == len(b) and all(x in ("+", y) for x, y in zip(a, b, strict=True))


def overlap(one: str, other: str) -> bool:
    """Return whether some topic is in both filters."""
    a, b = one.split("/"), other.split("/")
    return len(a) == len(b) and all(x == y or "+" in (x, y) for x, y in zip(a, b, strict=True))


def subscriptions(topics_by_filter: Mapping[str, Iterable[str]], whole: Collection[str] = ()) -> tuple[str, ...]:
    """Return filters that take every topic, no topic twice, sorted.

    A broker delivers a message once for every subscription that matches it, so overlapping filters would double the
    traffic. A filter that another covers is dropped. Of two that overlap otherwise, the one with fewer topics is
    replaced by its topics themselves; those never overlap each other.

    Args:
        topics_by_filter: filter to the topics of the devices it was made for.
        whole: filters that are never taken apart, because nobody knows their topics; none of them overlaps another.
    """
    chosen = {wide: set(topics) for wide, topics in topics_by_filter.items()}

    def drop_covered() -> None:
        wild = [f for f in chosen if "+" in f.split("/")]
        for narrow in list(chosen):
            wide = next((f for f in wild if f != narrow and f in chosen and covers(f, narrow)), None)
            if wide is not None:
                # The wider filter answers for these topics now, also when it is itself taken apart later.
                chosen[wide] |= chosen.pop(narrow)

    for one in whole:
        # Itself one of what it takes, so that it stands again when a wider filter that took it over is taken apart.
        chosen.setdefault(one, set()).add(one)
    while True:
        drop_covered()
        wild = sorted(f for f in chosen if "+" in f.split("/"))
        clash = next(((a, b) for a, b in combinations(wild, 2) if overlap(a, b)), None)
        if clash is None:
            return tuple(sorted(chosen))
        fewer = min(clash, key=lambda f: (f in whole, len(chosen[f]), f))
        for topic in chosen.pop(fewer):
            chosen.setdefault(topic, {topic})
