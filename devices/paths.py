"""Paths into documents, as device models write them: `data.pm25`, `sensors[0].v`, `values[type=P1].value`, `$.time`.

Knows steps of names, positions, selections and wildcards; of values only the text that a selection compares.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from devices.errors import ValueRefusedError
from devices.ticks import TEXT_CHARS_MAX, NumberText, parse_number, text_from_number

STEPS_MAX = 16
SELECTED_MAX = 256
"""So many elements of an array a selection looks at; each field of each object of a message may have one."""
ABSENT: Final = object()
"""What `JsonPath.find` returns where the path leads nowhere."""

_STEP = re.compile(
    r'([^.\[\]"\s]+)|\["([^"]+)"\]|\[([0-9]{1,4})\]|\[(\*)\]|\[(?:"([^"]+)"|([^\[\]"=\s]+))=(?:"([^"]*)"|([^\[\]"]+))\]'
)


class Select(NamedTuple):
    """A step to the first object of an array that has a member with a value."""

    name: str
    """The member."""
    text: str
    """Its value, as `said` writes it."""


class Every(NamedTuple):
    """A step to every element of an array, or every member of an object."""


EVERY: Final = Every()


def said(value: object) -> str | None:
    """Return a value as the text that models compare with; None for arrays, objects and what else has none.

    Numbers are plain decimals without superfluous zeros, whatever their form; true, false and null are these words.
    """
    if isinstance(value, NumberText):
        return _plain(value) if len(value) <= TEXT_CHARS_MAX else str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    return value.strip(" ") if isinstance(value, str) else None


@lru_cache(maxsize=1024)  # a selection below the root asks for the same numbers for every object of a message
def _plain(number: str) -> str:
    try:
        return text_from_number(parse_number(number))
    except ValueRefusedError:
        return str(number)


def meant(text: str) -> object:
    """Return a value that `said` writes as this text: a number, true, false or null where it is one, else the text."""
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    number = NumberText(text)
    try:
        plain = text_from_number(parse_number(text)) == text
    except ValueRefusedError:
        plain = False
    return number if plain else text


class JsonPath(NamedTuple):
    """A parsed path.

    Attributes:
        steps: names of members, positions in arrays, selections, wildcards.
        rooted: starts at the message's root (`$.`) even where the model goes through an array with `each`.
        text: as written.
    """

    steps: tuple[str | int | Select | Every, ...]
    rooted: bool
    text: str

    @property
    def wild(self) -> bool:
        """Whether it may lead to several places."""
        return EVERY in self.steps

    def find(self, item: object, root: object) -> object:
        """Return what stands at the path, or ABSENT; of several places the first."""
        at = root if self.rooted else item
        for step in self.steps:
            if isinstance(step, str):  # nearly all are, and this is asked for every value of every message
                if not isinstance(at, dict) or step not in at:
                    return ABSENT
                at = at[step]
            else:
                at = _after(at, step)
                if at is ABSENT:
                    return ABSENT
        return at

    def find_all(self, item: object, root: object) -> list[object]:
        """Return what stands at every place the path leads to, in the order of the message."""
        places = [root if self.rooted else item]
        for step in self.steps:
            if isinstance(step, Every):
                places = [inner for at in places for inner in _inside(at)]
            else:
                places = [found for at in places if (found := _after(at, step)) is not ABSENT]
        return places

    def put(self, item: object, root: object, value: object) -> None:
        """Write a value at the path, making objects and arrays on the way; a wildcard stands for position 0.

        Raises:
            ValueError: something else stands in the way.
        """
        at = root if self.rooted else item
        for position, step in enumerate(self.steps):
            last = position == len(self.steps) - 1
            fresh: object = value if last else ({} if isinstance(self.steps[position + 1], str) else [])
            if isinstance(step, str) and isinstance(at, dict):
                if last and at.get(step, value) != value:
                    raise ValueError(f"two values for {self.text!r} in one message")
                at = at.setdefault(step, fresh)
            elif isinstance(step, Select) and isinstance(at, list):
                found = _selected(at, step)
                if found is ABSENT:
                    found = {step.name: meant(step.text)}
                    at.append(found)
                if last and isinstance(found, dict) and isinstance(value, dict):
                    if "value" in found:
                        raise ValueError(f"two values for {self.text!r} in one message")
                    found.update(value)
                at = found
            elif isinstance(step, int | Every) and isinstance(at, list):
                place = step if isinstance(step, int) else 0
                at.extend([None] * (place + 1 - len(at)))
                if last and at[place] not in (None, value):
                    raise ValueError(f"two values for {self.text!r} in one message")
                if at[place] is None:
                    at[place] = fresh
                at = at[place]
            else:
                raise ValueError(f"path {self.text!r} crosses another path of the model")  # noqa: TRY004


def _after(at: object, step: str | int | Select | Every) -> object:
    """Return what is one step further, or ABSENT; of several things the first."""
    if isinstance(step, str):
        return at.get(step, ABSENT) if isinstance(at, dict) else ABSENT
    if isinstance(step, Every):
        return next(iter(_inside(at)), ABSENT)
    if not isinstance(at, list):
        return ABSENT
    if isinstance(step, Select):
        return _selected(at, step)
    return at[step] if step < len(at) else ABSENT


def _selected(items: list[object], step: Select) -> object:
    for item in islice(items, SELECTED_MAX):
        if isinstance(item, dict) and step.name in item and said(item[step.name]) == step.text:
            return item
    return ABSENT


def _inside(at: object) -> list[object]:
    """Return what a wildcard goes through."""
    if isinstance(at, dict):
        return list(at.values())
    return at if isinstance(at, list) else []


def parse_path(text: str, *, selected: bool = False) -> JsonPath:
    """Return the path a text writes: names joined by dots, positions in brackets, odd names as `["a b"]`, the object
    with a member as `[name=value]`, everything in an array or object as `[*]`, the whole message as `$`.

    Args:
        text: the path.
        selected: it may end at an object that it selects, which then is a reading.

    Raises:
        ValueError: naming what was expected.
    """
    if text == "$":
        return JsonPath((), True, text)
    message = f"expected a path such as data.pm25, sensors[0].value, values[type=P1].value or $.time, got {text!r}"
    rooted = text.startswith(("$.", "$["))
    rest = text[1:].removeprefix(".") if rooted else text
    steps: list[str | int | Select | Every] = []
    at = 0
    while at < len(rest):
        match = _STEP.match(rest, at)
        if match is None:
            raise ValueError(message)
        if match.group(1) is not None and steps and rest[at - 1] != ".":
            raise ValueError(message)
        steps.append(_step(match))
        at = match.end()
        if at < len(rest) and rest[at] == ".":
            at += 1
            if at == len(rest) or rest[at] == "[":
                raise ValueError(message)
    if not steps or len(steps) > STEPS_MAX or (isinstance(steps[-1], Select) and not selected):
        raise ValueError(message)
    return JsonPath(tuple(steps), rooted, text)


def _step(match: re.Match[str]) -> str | int | Select | Every:
    name, odd, position, every, odd_member, member, odd_value, value = match.groups()
    if position is not None:
        return int(position)
    if every is not None:
        return EVERY
    if odd_member or member:
        return Select(odd_member or member, odd_value if value is None else value)
    return str(name or odd)
