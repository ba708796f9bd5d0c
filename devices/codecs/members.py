"""Which members a model's devices are known to send, and what of a message is none of them.

Knows paths of a model and documents; knows no bytes. What its fields, times and conditions name is known, what its test
messages hold, and what it says to `ignore`. Everything else came with another firmware: it may be a value under a new
name. Arrays are looked through: their elements are as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import NoneType
from typing import Any, Final, NamedTuple

from devices.codecs.base import FAULTS_TOLD_MAX, Decoded
from devices.codecs.cbor import Opaque
from devices.codecs.measured import Measured
from devices.errors import quoted
from devices.models import DeviceModel
from devices.paths import ABSENT, JsonPath, Select, said
from devices.ticks import NumberText

WILD: Final = "*"
"""What ends the name of an ignored member when all are meant whose names begin so."""
UNKNOWN_MAX: Final = 1_000
"""Unknown members of one message that are looked at; each of several objects counts."""
UNKNOWN_TOLD_MAX: Final = FAULTS_TOLD_MAX // 4
"""Unknown members of one message that are told one by one: each that is told keeps the whole message once more."""
_KINDS: Final[Mapping[type, str]] = {
    NumberText: "a number", str: "a text", bool: "true or false", dict: "an object", list: "an array",
    NoneType: "null", Measured: "a reading", bytes: "a byte string", Opaque: "an opaque value",
}  # fmt: skip
_PLAIN = re.compile(r"[A-Za-z0-9_:/%-]{1,40}\Z")


class Known(NamedTuple):
    """What may stand in one object, or in the objects of one array."""

    pairs: frozenset[tuple[str, type]]
    """Every member with every type that it may have: nearly all messages are found to be known by this alone."""
    kinds: Mapping[str, frozenset[type]]
    """Types of each member; empty where it may be anything."""
    inner: Mapping[str, Known]
    """Members that are looked into."""
    prefixes: tuple[str, ...]
    """Members whose names begin so may come and go."""
    chosen: Mapping[str, frozenset[str]]
    """Members by whose value paths select among objects, so that these values are names too."""


class _Place:
    """A `Known` in the making."""

    def __init__(self) -> None:
        self.free = False
        self.kinds: set[type] = set()
        self.members: dict[str, _Place] = {}
        self.prefixes: set[str] = set()
        self.chosen: dict[str, set[str]] = {}

    def lead(self, path: JsonPath, *, ignored: bool = False) -> None:
        """Take what a path leads to: whatever it is, somebody else judges it, or nobody wants to."""
        at = self
        for position, step in enumerate(path.steps):
            if isinstance(step, Select):
                at.chosen.setdefault(step.name, set()).add(step.text)
                at.members.setdefault(step.name, _Place()).free = True
            elif isinstance(step, str):
                if ignored and step.endswith(WILD) and step != WILD and position == len(path.steps) - 1:
                    at.prefixes.add(step.removesuffix(WILD))
                    return
                if ignored and step == WILD:
                    break
                at = at.members.setdefault(step, _Place())
        if not path.steps or not isinstance(path.steps[-1], Select):
            at.free = True

    def show(self, value: object) -> None:
        """Take what a test message has here."""
        self.kinds.add(type(value))
        self._look_into(value)

    def _look_into(self, value: object) -> None:
        if type(value) is list:
            for each in value:
                self._look_into(each)
        elif type(value) is dict:
            for name, texts in self.chosen.items():
                text = said(value.get(name))
                if name in value and text is not None:
                    texts.add(text)
            for name, inner in value.items():
                self.members.setdefault(name, _Place()).show(inner)

    def known(self) -> Known:
        """Return what is known, in a form that is quick to ask."""
        kinds = {name: place.types() for name, place in self.members.items()}
        return Known(
            frozenset((name, kind) for name, some in kinds.items() for kind in some or _KINDS),
            kinds,
            {name: place.known() for name, place in self.members.items() if place.is_looked_into()},
            tuple(sorted(self.prefixes)),
            {name: frozenset(texts) for name, texts in self.chosen.items()},
        )

    def types(self) -> frozenset[type]:
        """Return the types that it may have; null says that there is no value, and a reading carries its own unit."""
        if self.free or not self.kinds - {NoneType}:
            return frozenset()
        return frozenset(self.kinds | {NoneType, Measured})

    def is_looked_into(self) -> bool:
        """Return whether it may hold members of which some are known."""
        return not self.free and bool(self.members or self.prefixes or self.chosen or self.kinds & {dict, list})


def known_members(model: DeviceModel, items: Iterable[object], ignore: Iterable[JsonPath] = ()) -> Known | None:
    """Return what a model's devices are known to send; None where anything may come.

    Where none of a model's test messages can be read, nobody said what its devices send.

    Args:
        model: of documents.
        items: the objects of its test messages that carry fields; see `DeviceModel.each`.
        ignore: what may come and go beside what the model says, because the format has it.
    """
    top = _Place()
    for path in _paths(model):
        top.lead(path)
    for path in (*model.ignore, *ignore):
        top.lead(path, ignored=True)
    shown = False
    for item in items:
        top.show(item)
        shown = True
    return top.known() if shown and not top.free else None


def _paths(model: DeviceModel) -> Iterator[JsonPath]:
    """Give every path of a model that begins at an object with its fields."""
    found = [path for field in model.fields for path in (field.path, *field.also)]
    found += [field.when.path for field in model.fields if field.when is not None]
    if model.time is not None:
        found += [model.time.path, model.time.clock_path]
    if model.feed is not None:
        found.append(model.feed.key)
    through = model.each is not None or model.feed is not None
    return (path for path in found if path is not None and not (path.rooted and through))


def is_known(known: Known, value: Any) -> bool:
    """Return whether a document holds nothing but known members; quick, so it may say no for a member that is known
    by a prefix alone, or for a value that paths select by and that is no text."""
    if type(value) is dict:
        if not known.pairs.issuperset(zip(value, map(type, value.values()), strict=True)):
            return False
        for name, inner in known.inner.items():
            if name in value and not is_known(inner, value[name]):
                return False
        for name, texts in known.chosen.items():
            text = value.get(name, ABSENT)
            if text is not ABSENT and (not isinstance(text, str) or text not in texts):
                return False
    elif type(value) is list:
        for each in value:
            if not is_known(known, each):
                return False
    return True


def unknown_members(known: Known, value: object, place: str = "") -> Iterator[tuple[str, str]]:
    """Give (place, what is the matter with it) of all that is not known, the topmost of each subtree."""
    if type(value) is list:
        for each in value:
            yield from unknown_members(known, each, place)
    elif type(value) is dict:
        for name, inner in value.items():
            step = _shown(name)
            where = f"{place}.{step}" if place and step[0] != "[" else place + step
            kinds = known.kinds.get(name)
            if kinds is None:
                if not name.startswith(known.prefixes):
                    yield where, "neither a field nor a test message of the model has it"
            elif kinds and type(inner) not in kinds:
                told = " or ".join(sorted(_KINDS.get(kind, "another") for kind in kinds - {NoneType, Measured}))
                yield (
                    where,
                    f"expected {told}, as in the test messages of the model, got {_KINDS.get(type(inner), 'another')}",
                )
            elif name in known.inner:
                yield from unknown_members(known.inner[name], inner, where)
        yield from _unchosen(known, value, place)


def _unchosen(known: Known, item: Mapping[str, object], place: str) -> Iterator[tuple[str, str]]:
    """Give what an object is called among those that paths select, where no path and no test message calls one so."""
    for name, texts in known.chosen.items():
        text = said(item[name]) if name in item else None
        if text is not None and text not in texts:
            yield f"{place}[{_shown(name)}={_shown(text)}]", "neither a field nor a test message of the model has it"


def _shown(name: str) -> str:
    """Return a name as the step of a path, bounded; without the `: ` that ends the place in a detail."""
    return name if _PLAIN.match(name) else f"[{quoted(name).replace(': ', ':')}]"


def tell_unknown(known: Known | None, items: Iterable[object], decoded: Decoded) -> None:
    """Add a fault for each member of a message that is not known; in several objects it is one."""
    if known is None:
        return
    strange = [item for item in items if not is_known(known, item)]
    if not strange:
        return
    found = dict(islice((told for item in strange for told in unknown_members(known, item)), UNKNOWN_MAX))
    for place, what in islice(found.items(), UNKNOWN_TOLD_MAX):
        decoded.refuse("unknown_field", f"{place}: {what}")
    more = len(found) - UNKNOWN_TOLD_MAX
    if more > 0:
        decoded.refuse("unknown_field", f"and {more} more members of the same message", more)
