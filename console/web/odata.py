"""The words of a SensorThings query: `$filter`, `$orderby`, `$expand`, `$select`, `$top`, `$skip`, `$count`.

Reads texts into frozen records, or says at which character what was expected. Knows the grammar (OGC 18-088, 9.3,
the parts of it that are served here); knows neither entities nor the database: no text of a query goes any further.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from devices import ValueRefusedError, time_us_from_rfc3339

TEXT_CHARS_MAX = 2_000
DEPTH_MAX = 20
TOP_MAX = 1_000
TOP_DEFAULT = 100
SKIP_MAX = 1_000_000
OPERATORS = ("eq", "ne", "gt", "ge", "lt", "le")
OPTIONS = ("$filter", "$orderby", "$select", "$expand", "$top", "$skip", "$count")
FUNCTIONS = ("startswith", "endswith", "substringof")

_TOKEN = re.compile(
    r"\s*(?:(?P<time>\d{4}-\d{2}-\d{2}T[0-9:.]+(?:Z|[+-]\d{2}:\d{2}))"
    r"|(?P<number>-?\d{1,30}(?:\.\d{1,30})?)(?![\w.])"
    r"|(?P<text>'(?:[^']|'')*')"
    r"|(?P<name>[@$]?[A-Za-z_][\w.]*)"
    r"|(?P<sign>[(),;=/]))"
)

Value = str | Decimal | bool | int | None
"""Text, number, truth, time in microseconds (`int`), or null."""


class ODataError(Exception):
    """A query that cannot be read.

    Attributes:
        place: position of the character, from 1.
        expected: what should stand there.
    """

    def __init__(self, place: int, expected: str) -> None:
        super().__init__(place, expected)
        self.place, self.expected = place, expected

    def __str__(self) -> str:
        return f"expected {self.expected} at character {self.place}"


@dataclass(frozen=True, slots=True)
class Compare:
    """A property beside a value.

    Attributes:
        path: names from the entity to the property.
        operator: one of `OPERATORS`.
        value: what it is compared with.
        place: where it stands.
    """

    path: tuple[str, ...]
    operator: str
    value: Value
    place: int


@dataclass(frozen=True, slots=True)
class Contains:
    """A text in a property: at its start, at its end, or anywhere."""

    function: str
    path: tuple[str, ...]
    text: str
    place: int


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: Condition


@dataclass(frozen=True, slots=True)
class And:
    """All of some conditions."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of some conditions."""

    parts: tuple[Condition, ...]


Condition = Compare | Contains | Not | And | Or


@dataclass(frozen=True, slots=True)
class Order:
    """A property by which is sorted."""

    path: tuple[str, ...]
    descending: bool
    place: int


@dataclass(frozen=True, slots=True)
class Query:
    """What is wanted of a collection, or of one entity.

    Attributes:
        condition: which entities; None: all.
        order: by what they are sorted, the most important first.
        expand: related entities that are brought along, each with a query of its own.
        select: properties that are given; None: all.
        top, skip: how many, after how many.
        count: whether all that fit are counted.
    """

    condition: Condition | None = None
    order: tuple[Order, ...] = ()
    expand: tuple[Expand, ...] = ()
    select: tuple[str, ...] | None = None
    top: int = TOP_DEFAULT
    skip: int = 0
    count: bool = False


@dataclass(frozen=True, slots=True)
class Expand:
    """A related entity or collection.

    Attributes:
        name: of the relation.
        query: what is wanted of it.
        place: where it stands.
    """

    name: str
    query: Query
    place: int


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    place: int


def _tokens(text: str) -> Iterator[_Token]:
    if len(text) > TEXT_CHARS_MAX:
        raise ODataError(TEXT_CHARS_MAX + 1, f"at most {TEXT_CHARS_MAX} characters")
    end = len(text.rstrip())
    at = 0
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            place = at + len(text[at:]) - len(text[at:].lstrip())
            raise ODataError(place + 1, "a name, a number, a time, a text in quotes, or one of ( ) , ; = /")
        kind = match.lastgroup or ""
        yield _Token(kind, match[kind], match.start(kind) + 1)
        at = match.end()
    yield _Token("end", "", end + 1)


class Reader:
    """Reads one text from left to right, one token ahead."""

    def __init__(self, text: str) -> None:
        self._tokens = tuple(_tokens(text))
        self._at = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        self._at += 1
        return token

    def _is(self, *texts: str) -> bool:
        return self._next.kind in ("name", "sign") and self._next.text in texts

    def _skip(self, text: str) -> bool:
        if self._is(text):
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise ODataError(self._next.place, text)

    def finish(self) -> None:
        """Refuse what is left.

        Raises:
            ODataError
        """
        if self._next.kind != "end":
            raise ODataError(self._next.place, "the end")

    def condition(self, depth: int = 0) -> Condition:
        """Read conditions joined by `or`, which binds least."""
        parts = [self._all(depth)]
        while self._skip("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all(self, depth: int) -> Condition:
        parts = [self._one(depth)]
        while self._skip("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _one(self, depth: int) -> Condition:
        if depth > DEPTH_MAX:
            raise ODataError(self._next.place, f"at most {DEPTH_MAX} parentheses and `not` within each other")
        if self._skip("not"):
            return Not(self._one(depth + 1))
        if self._skip("("):
            inner = self.condition(depth + 1)
            self._expect(")")
            return inner
        if self._is(*FUNCTIONS):
            return self._contains()
        return self._compare()

    def _contains(self) -> Contains:
        function = self._take()
        self._expect("(")
        # The standard has the text first in `substringof` and last in the others.
        if function.text == "substringof":
            text = self._text()
            self._expect(",")
            path = self._path()
        else:
            path = self._path()
            self._expect(",")
            text = self._text()
        self._expect(")")
        return Contains(function.text, path, text, function.place)

    def _text(self) -> str:
        token = self._take()
        if token.kind != "text":
            raise ODataError(token.place, "a text in single quotes")
        return token.text[1:-1].replace("''", "'")

    def _compare(self) -> Compare:
        place = self._next.place
        turned = self._next.kind != "name" or self._is("true", "false", "null")
        value = self._value() if turned else None
        path = () if turned else self._path()
        operator = self._take()
        if operator.text not in OPERATORS:
            raise ODataError(operator.place, f"one of {', '.join(OPERATORS)}")
        if turned:
            mirror = {"gt": "lt", "lt": "gt", "ge": "le", "le": "ge"}
            return Compare(self._path(), mirror.get(operator.text, operator.text), value, place)
        return Compare(path, operator.text, self._value(), place)

    def _value(self) -> Value:
        token = self._take()
        if token.kind == "text":
            return token.text[1:-1].replace("''", "'")
        if token.kind == "number":
            return Decimal(token.text)
        if token.kind == "time":
            try:
                return time_us_from_rfc3339(token.text)
            except ValueRefusedError as error:
                raise ODataError(token.place, "a time as RFC 3339 has it") from error
        known = {"true": True, "false": False, "null": None}
        if token.kind == "name" and token.text in known:
            return known[token.text]
        raise ODataError(token.place, "a number, a time, a text in single quotes, true, false or null")

    def _path(self) -> tuple[str, ...]:
        names = [self._name()]
        while self._skip("/"):
            names.append(self._name())
        return tuple(names)

    def _name(self) -> str:
        token = self._take()
        if token.kind != "name" or token.text.startswith("$"):
            raise ODataError(token.place, "a name")
        return token.text

    def order(self) -> tuple[Order, ...]:
        """Read what is sorted by, with commas."""
        found = []
        while True:
            place, path = self._next.place, self._path()
            descending = self._skip("desc")
            if not descending:
                self._skip("asc")
            found.append(Order(path, descending, place))
            if not self._skip(","):
                return tuple(found)

    def names(self) -> tuple[str, ...]:
        """Read names with commas."""
        found = [self._name()]
        while self._skip(","):
            found.append(self._name())
        return tuple(found)

    def expand(self, depth: int = 0) -> tuple[Expand, ...]:
        """Read relations with commas: `A`, `A/B`, `A($top=1;$expand=B)`."""
        found = [self._relation(depth)]
        while self._skip(","):
            found.append(self._relation(depth))
        return tuple(found)

    def _relation(self, depth: int) -> Expand:
        if depth > DEPTH_MAX:
            raise ODataError(self._next.place, f"at most {DEPTH_MAX} relations within each other")
        place, name, query = self._next.place, self._name(), Query()
        if self._skip("/"):
            return Expand(name, Query(expand=(self._relation(depth + 1),)), place)
        if self._skip("("):
            while True:
                query = self._option(query, depth)
                if not self._skip(";"):
                    break
            self._expect(")")
        return Expand(name, query, place)

    def _option(self, query: Query, depth: int) -> Query:
        token = self._take()
        if token.text not in OPTIONS:
            raise ODataError(token.place, f"one of {', '.join(OPTIONS)}")
        self._expect("=")
        return self.option(query, token.text, depth)

    def option(self, query: Query, name: str, depth: int = 0) -> Query:
        """Read what an option says, and return the query with it."""
        match name:
            case "$filter":
                return replace(query, condition=self.condition())
            case "$orderby":
                return replace(query, order=self.order())
            case "$select":
                return replace(query, select=self.names())
            case "$expand":
                return replace(query, expand=self.expand(depth + 1))
            case "$top":
                return replace(query, top=self.number(TOP_MAX))
            case "$skip":
                return replace(query, skip=self.number(SKIP_MAX))
        return replace(query, count=self.truth())

    def number(self, most: int) -> int:
        """Read a whole number from 0 to `most`."""
        token = self._take()
        if token.kind != "number" or not token.text.isdigit() or int(token.text) > most:
            raise ODataError(token.place, f"a whole number from 0 to {most}")
        return int(token.text)

    def truth(self) -> bool:
        """Read true or false."""
        token = self._take()
        if token.text not in ("true", "false"):
            raise ODataError(token.place, "true or false")
        return token.text == "true"


def read(options: Sequence[tuple[str, str]]) -> Query:
    """Return the query that options with their texts make.

    Raises:
        ODataError: with the name of the option in front of what was expected.
    """
    query = Query()
    for name, text in options:
        try:
            reader = Reader(text)
            query = reader.option(query, name)
            reader.finish()
        except ODataError as error:
            raise ODataError(error.place, f"in {name} {error.expected}") from None
    return query
