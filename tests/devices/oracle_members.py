"""The slow twin of `devices.codecs.members`: every member of a document as a row, and rows compared one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Place = tuple[str, ...]


def kind(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "truth", str: "text", dict: "object", list: "array"}
    return names.get(type(value), "number")


def rows(value: object, at: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every member at any depth, outer before inner; elements of arrays stand where their array does."""
    if isinstance(value, list):
        for each in value:
            yield from rows(each, at)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield (*at, name), kind(inner)
            yield from rows(inner, (*at, name))


def strange(shown: Iterable[object], named: Iterable[Place], ignored: Iterable[Place], message: object) -> set[Place]:
    """The topmost members of a message that are neither shown, named nor ignored, or of another type than shown."""
    seen: dict[Place, set[str]] = {}
    for document in shown:
        for place, what in rows(document):
            seen.setdefault(place, set()).add(what)
    named, ignored = set(named), list(ignored)
    # What leads to an ignored member is an object that somebody knows.
    ways = {place[:end] for place in [*named, *ignored] for end in range(1, len(place))} | named

    def free(place: Place) -> bool:
        if place in named or any(place == one for one in ignored):
            return True
        if place not in seen and place not in ways:
            return any(
                place[:-1] == one[:-1] and one[-1][-1] == "*" and place[-1].startswith(one[-1][:-1]) for one in ignored
            )
        return seen.get(place) == {"null"} and place not in ways

    found: set[Place] = set()
    for place, what in rows(message):
        above = [place[:end] for end in range(1, len(place))]
        if any(free(one) or one in found for one in above) or free(place):
            continue
        usual = seen.get(place, set()) - {"null"}
        if (place not in seen and place not in ways) or (usual and what not in usual | {"null"}):
            found.add(place)
    return found
