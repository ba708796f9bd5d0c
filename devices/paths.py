"""Paths into JSON objects, as device models write them: `data.pm25`, `sensors[0].value`, `$.time`.

Knows steps of names and positions; knows nothing of values.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

STEPS_MAX = 16
POSITION_MAX = 9_999
ABSENT: Final = object()
"""What `JsonPath.find` returns where the path leads nowhere."""

_STEP = re.compile(r'([^.\[\]"\s]+)|\["([^"]+)"\]|\[(\d{1,4})\]')


class JsonPath(NamedTuple):
    """A parsed path.

    Attributes:
        steps: names of members and positions in arrays.
        rooted: starts at the message's root (`$.`) even where the model goes through an array with `each`.
        text: as written.
    """

    steps: tuple[str | int, ...]
    rooted: bool
    text: str

    def find(self, item: object, root: object) -> object:
        """Return what stands at the path, or ABSENT."""
        at = root if self.rooted else item
        for step in self.steps:
            if isinstance(step, str):
                if not isinstance(at, dict) or step not in at:
                    return ABSENT
                at = at[step]
            else:
                if not isinstance(at, list) or step >= len(at):
                    return ABSENT
                at = at[step]
        return at

    def put(self, item: object, root: object, value: object) -> None:
        """Write a value at the path, making objects and arrays on the way.

        Raises:
            ValueError: something else stands in the way.
        """
        at = root if self.rooted else item
        for position, step in enumerate(self.steps):
            last = position == len(self.steps) - 1
            fresh: object = value if last else ([] if isinstance(self.steps[position + 1], int) else {})
            if isinstance(step, str) and isinstance(at, dict):
                if last and at.get(step, value) != value:
                    raise ValueError(f"two values for {self.text!r} in one message")
                at = at.setdefault(step, fresh)
            elif isinstance(step, int) and isinstance(at, list):
                at.extend([None] * (step + 1 - len(at)))
                if last and at[step] not in (None, value):
                    raise ValueError(f"two values for {self.text!r} in one message")
                if at[step] is None:
                    at[step] = fresh
                at = at[step]
            else:
                raise ValueError(f"path {self.text!r} crosses another path of the model")  # noqa: TRY004


def parse_path(text: str) -> JsonPath:
    """Return the path a text writes: names joined by dots, positions in brackets, odd names as `["a b"]`, the
    whole message as `$`.

    Raises:
        ValueError: naming what was expected.
    """
    if text == "$":
        return JsonPath((), True, text)
    message = f"expected a path such as data.pm25, sensors[0].value or $.time, got {text!r}"
    rooted = text.startswith(("$.", "$["))
    rest = text[1:].removeprefix(".") if rooted else text
    steps: list[str | int] = []
    at = 0
    while at < len(rest):
        match = _STEP.match(rest, at)
        if match is None:
            raise ValueError(message)
        name, odd, position = match.groups()
        if name is not None and steps and rest[at - 1] != ".":
            raise ValueError(message)
        steps.append(name or odd if position is None else int(position))
        at = match.end()
        if at < len(rest) and rest[at] == ".":
            at += 1
            if at == len(rest) or rest[at] == "[":
                raise ValueError(message)
    if not steps or len(steps) > STEPS_MAX:
        raise ValueError(message)
    return JsonPath(tuple(steps), rooted, text)
