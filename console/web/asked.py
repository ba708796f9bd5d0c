"""What requests ask for: times, scopes and codes, read into what the store understands or refused by name.

Knows the texts that clients write; knows no answer.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Query, Request

from console.text import parse_time
from console.web.document import parameters
from console.web.problems import FieldFault, ProblemError, absent, wrong
from console.web.site import Site
from devices import nearest

TIME_LOW_US = -62_135_596_800_000_000
TIME_HIGH_US = 253_402_214_400_000_000
"""From year 1 to the last day of year 9999: what a date can be."""
CODE_CHARS_MAX = 200
_DAY_US = 86_400_000_000
SPAN_US = {"minute": _DAY_US, "hour": 7 * _DAY_US, "day": 365 * _DAY_US}
"""How much is answered where a request does not say from when on, by the length of the windows."""
SCOPE_KINDS = ("city", "zone", "station")

_HOW = "RFC 3339, or a date or time without offset, which is then by the city's clock"
_EXTRA = {"format": "date-time"}

ScopeText = Annotated[
    str, Query(description="`city`, `zone:CODE`, `station:CODE`; or `zone`, `station` for all of them.")
]
From = Annotated[
    str | None, Query(alias="from", description=f"From this time on, included; {_HOW}.", json_schema_extra=_EXTRA)
]
To = Annotated[
    str | None, Query(alias="to", description=f"Before this time; {_HOW}.", json_schema_extra=_EXTRA)
]  # fmt: skip
KnownAt = Annotated[
    str | None, Query(description=f"As it was known at this time; {_HOW}.", json_schema_extra=_EXTRA)
]  # fmt: skip


class WindowName(StrEnum):
    """Windows of indicators."""

    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a figure speaks of.

    Attributes:
        kind: city, zone or station.
        code: of the zone, or the station's device; None for the city, and for all of the kind.
    """

    kind: str
    code: str | None


def time_us(site: Site, field: str, text: str) -> int:
    """Return the time that a parameter writes.

    Raises:
        ProblemError: it writes none.
    """
    try:
        found = parse_time(text, site.registry.city.zone_info)
    except ValueError as error:
        hint = "; a + stands as %2B in an address" if " " in text else ""
        raise wrong(field, f"{error}{hint}") from None
    if not TIME_LOW_US <= found <= TIME_HIGH_US:
        raise wrong(
            field, f"expected a time from 0001-01-01 to 9999-12-31, the begin of that day in UTC, found {text!r}"
        )
    return found


def span_us(site: Site, since: str | None, until: str | None, length_us: int) -> tuple[int, int]:
    """Return from (included) and to (excluded) of a request; unless said, to now, and so much before.

    Args:
        site: for the clock, and the city's.
        since, until: as they were given.
        length_us: how much, where `since` is not given.

    Raises:
        ProblemError: one is no time, or nothing lies between.
    """
    to_us = site.now_us() if until is None else time_us(site, "to", until)
    from_us = to_us - length_us if since is None else time_us(site, "from", since)
    if from_us >= to_us:
        raise wrong("from", "expected a time before `to`")
    return from_us, to_us


def scope_of(site: Site, text: str) -> Scope:
    """Return the scope that a parameter names: `city`, `zone:CODE`, `station:CODE`, or all zones or stations.

    Raises:
        ProblemError: it names none, or one that does not exist.
    """
    kind, colon, code = text.partition(":")
    if kind in SCOPE_KINDS and not colon:
        return Scope(kind, None)
    if kind == "zone" and code:
        return Scope(kind, known("scope", "zone", code, [zone.code for zone in site.registry.city.zones]))
    if kind == "station" and code:
        return Scope(kind, known("scope", "station", code, [device.code for device in site.registry.devices]))
    raise wrong("scope", f"expected city, zone, station, zone:CODE or station:CODE, found {text[:CODE_CHARS_MAX]!r}")


def known(field: str, noun: str, code: str, codes: Collection[str]) -> str:
    """Return a code that exists.

    Raises:
        ProblemError: it does not; the reason names the nearest.
    """
    if code not in codes:
        shown = code[:CODE_CHARS_MAX]
        raise absent(field, f"no {noun} is called {shown!r}{nearest(shown, sorted(codes))}")
    return code


def listed_words(field: str, text: str, words: Collection[str]) -> tuple[str, ...]:
    """Return the words of a list with commas, each once.

    Raises:
        ProblemError: one of them is none of those that are allowed.
    """
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for one in found:
        if one not in words:
            raise wrong(field, f"expected some of {', '.join(words)}, found {one[:CODE_CHARS_MAX]!r}")
    return found


def only_known(request: Request) -> None:
    """Refuse parameters that an endpoint does not have, and those given twice: a typing error is said, not ignored.

    Raises:
        ProblemError: naming all of them.
    """
    names = parameters(request.app, request.scope["endpoint"])
    if names is None:
        return
    given = [name for name, _ in request.query_params.multi_items()]
    faults = [
        FieldFault(name[:CODE_CHARS_MAX], f"no such parameter{nearest(name[:CODE_CHARS_MAX], sorted(names))}")
        for name in dict.fromkeys(given)
        if name not in names
    ]
    faults += [FieldFault(name, "expected once") for name in sorted(names) if given.count(name) > 1]
    texts = [*request.path_params.items(), *request.query_params.items()]
    faults += [FieldFault(name, "expected no character of code 0") for name, text in texts if "\0" in text]
    if faults:
        detail = "; ".join(f"{fault.field}: {fault.reason}" for fault in faults)
        raise ProblemError(422, "wrong-input", detail, faults)
