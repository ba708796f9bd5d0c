"""What differs between two exact results of one year, such as those that were frozen and those of now, and why.

Knows exact results as plain data; computes no figure, and knows neither the store nor a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from assessment.exact import Plain

NR: Final = "NR"
_SAID: Final = ("quality", "origin", "source", "evidence", "note")
"""Texts about a figure; they may change without it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One data point that is not the same.

    Attributes:
        data_point: its key.
        before, after: its figures as exact text; NR where it is not reported, empty where it is not in the catalogue.
        by: after less before; None where one of them is no number.
        why: one sentence each, the reason that is nearest to the figure first.
    """

    data_point: str
    before: str
    after: str
    by: Fraction | None
    why: tuple[str, ...]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return every data point of which anything differs, in the order of the catalogue.

    Args:
        before, after: exact results of one year; see `assessment.exact`.
    """
    old, new = (_by_key(one) for one in (before, after))
    found = []
    for key in dict.fromkeys((*old, *new)):
        was, now = old.get(key), new.get(key)
        if was == now:
            continue
        found.append(Difference(key, _figure(was), _figure(now), _by(was, now), _reasons(was, now)))
    return tuple(found)


def _by_key(exact: Mapping[str, Any]) -> dict[str, Plain]:
    return {row["data_point"]: row for row in exact["results"]}


def _figure(row: Plain | None) -> str:
    return "" if row is None else row["value"] or NR


def _by(was: Plain | None, now: Plain | None) -> Fraction | None:
    if was is None or now is None or was["value"] is None or now["value"] is None:
        return None
    return Fraction(now["value"]) - Fraction(was["value"])


def _reasons(was: Plain | None, now: Plain | None) -> tuple[str, ...]:
    if was is None or now is None:
        return ("no longer in the catalogue",) if now is None else ("new in the catalogue",)
    named = tuple(_why(was, now))
    return named or (f"changed: {', '.join(key for key in now if was.get(key) != now[key])}",)


def _why(was: Plain, now: Plain) -> Iterator[str]:
    """Give what differs, from what a figure is made of to what is said about it."""
    if was["definition"] != now["definition"]:
        yield "its definition was changed"
    if was["basis"] != now["basis"]:
        yield f"it was {was['basis']} and is {now['basis']}"
    yield from _inputs(was, now)
    for side in ("numerator", "denominator"):
        if was[side] != now[side]:
            yield f"{side} {was[side] or NR} became {now[side] or NR}"
    if was["measured"] != now["measured"]:
        yield f"the measured figure beside it, {was['measured'] or NR}, became {now['measured'] or NR}"
    if was["reasons"] != now["reasons"] and now["reasons"]:
        yield f"not reported: {'; '.join(now['reasons'])}"
    if _target(was) != _target(now):
        yield f"its target {_target(was)} became {_target(now)}"
    elif was["score"]["points"] != now["score"]["points"]:
        yield f"its band {was['score']['points'] or 'none'} became {now['score']['points'] or 'none'}"
    if was["value"] == now["value"] and was["bounds"] != now["bounds"]:
        yield "its bounds changed"
    yield from (f"{said}: {was[said]!r} became {now[said]!r}" for said in _SAID if was[said] != now[said])


def _inputs(was: Plain, now: Plain) -> Iterator[str]:
    old, new = ({one["input"]: one for one in row["inputs"]} for row in (was, now))
    for code in dict.fromkeys((*old, *new)):
        one, other = old.get(code), new.get(code)
        if one is None or other is None:
            yield f"{code} is {'new' if one is None else 'no longer'} among what it rests on"
        elif one["value"] != other["value"]:
            yield f"{code} {one['value'] or NR} became {other['value'] or NR}"
        elif _counts(one) != _counts(other):
            yield f"{code}: {_counts(one)} became {_counts(other)}"


def _counts(one: Plain) -> str:
    devices = f"{one['counted']} of {one['stations']} devices"
    return f"{devices}, {one['received']} of {one['expected']} readings" if one["expected"] else devices


def _target(row: Plain) -> str:
    score = row["score"]
    return "none" if score["target"] is None else f"{score['target']} ({score['rule']}, from {score['target_from']})"
