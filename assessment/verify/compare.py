"""What is stated beside what came out, fact by fact.

Knows the form of exact results; knows no file. Sentences are not compared: another version may word them otherwise, and
the figures that they speak of stand beside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from assessment.exact import FORMAT, exact_results
from assessment.result import Assessment, Basis
from assessment.verify.verdict import Checked, Difference, Line, Standing

DIFFERENCES_MAX: Final = 20
"""Shown of one thing; the others are counted."""
TEXT_CHARS_MAX: Final = 400
FACTS: Final = (
    "unit", "value", "numerator", "denominator", "basis", "quality", "received", "expected", "validity", "bounds",
    "measured", "inputs", "score", "evidence", "definition",
)  # fmt: skip
"""Of a data point."""
_SENTENCES: Final = ("reasons", "why_not", "text")
_ABSENT: Final = "nothing"
_STANDING: Final = {Basis.DECLARED: Standing.DECLARED, Basis.NOTHING: Standing.NOT_REPORTED}


def compared(stated: Mapping[str, Any], assessment: Assessment) -> tuple[tuple[Line, ...], tuple[Checked, ...]]:
    """Return what is to be said of each data point, and of the rest.

    Args:
        stated: exact results as a bundle holds them.
        assessment: as it came out.
    """
    computed = exact_results(assessment)
    rows = _by(stated.get("results"), "data_point")
    known = [one.point.key for one in assessment.results]
    found = [
        _line(one, rows.get(one["data_point"]), _STANDING.get(result.basis, Standing.AGREES))
        for one, result in zip(computed["results"], assessment.results, strict=True)
    ]
    for key in sorted(set(rows) - set(known)):
        no_such = Difference("data point", "stated", "there is none in the definitions")
        found.append(Line(key, Standing.DIFFERS, _text(rows[key].get("value")), "", (no_such,)))
    head = [
        Difference(key, _text(stated.get(key)), _text(computed[key]))
        for key in ("format", "city", "year", "closed")
        if stated.get(key) != computed[key]
    ]
    return tuple(found), (
        checked("head of the results", 4, head),
        _listed("scores of categories and dimensions", stated.get("rollups"), computed["rollups"], ("path",)),
        _listed("findings and their answers", stated.get("questions"), computed["questions"], ("rule", "data_points")),
    )


def checked(name: str, of: int, differences: Iterable[Difference]) -> Checked:
    """Return what was compared, with the first of the differences."""
    every = tuple(differences)
    return Checked(name, of, every[:DIFFERENCES_MAX], len(every))


def results_of(content: bytes, name: str) -> dict[str, Any]:
    """Return exact results from the bytes of their file.

    Raises:
        ValueError: they are none.
    """
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name}: not valid JSON: {str(error)[:80]}") from None
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ValueError(f"{name}: expected results of the format {FORMAT}")
    return values


def _line(computed: Mapping[str, Any], stated: Mapping[str, Any] | None, standing: Standing) -> Line:
    key, value = computed["data_point"], computed["value"] or ""
    if stated is None:
        return Line(key, Standing.DIFFERS, "", value, (Difference("data point", "is missing", value or "NR"),))
    differences = tuple(
        difference
        for fact in FACTS
        if _plain(stated.get(fact, _ABSENT)) != _plain(computed[fact])
        for difference in _differences(fact, stated.get(fact, _ABSENT), computed[fact])
    )
    stands = Standing.DIFFERS if differences else standing
    return Line(key, stands, _text(stated.get("value")) if stated.get("value") is not None else "", value, differences)


def _differences(fact: str, stated: Any, computed: Any) -> Iterator[Difference]:
    """Give where two facts differ, by the name within them where they are lists of inputs or objects."""
    if fact == "inputs" and isinstance(stated, list):
        mine, theirs = _by(computed, "input"), _by(stated, "input")
        for code in sorted({*mine, *theirs}):
            if _plain(mine.get(code)) != _plain(theirs.get(code)):
                yield from _differences(f"input {code}", theirs.get(code, _ABSENT), mine.get(code, _ABSENT))
    elif isinstance(stated, dict) and isinstance(computed, dict):
        for key in sorted({*stated, *computed} - set(_SENTENCES)):
            if stated.get(key) != computed.get(key):
                yield Difference(f"{fact}, {key}", _text(stated.get(key)), _text(computed.get(key)))
    else:
        yield Difference(fact, _text(stated), _text(computed))


def _listed(name: str, stated: object, computed: Sequence[Mapping[str, Any]], keys: tuple[str, ...]) -> Checked:
    """Return how two lists of objects agree, each known by some of its keys."""

    def known_by(rows: object) -> dict[str, Any]:
        objects = (row for row in rows if isinstance(row, dict)) if isinstance(rows, Sequence) else ()
        return {json.dumps([row.get(key) for key in keys], ensure_ascii=False): row for row in objects}

    theirs, mine = known_by(stated), known_by(computed)
    found = [
        Difference(key, _text(_plain(theirs.get(key))), _text(_plain(mine.get(key))))
        for key in sorted({*theirs, *mine})
        if _plain(theirs.get(key)) != _plain(mine.get(key))
    ]
    if isinstance(stated, Sequence) and len(stated) != len(computed):
        found.append(Difference("number", str(len(stated)), str(len(computed))))
    return checked(name, len(mine), found)


def _by(rows: object, key: str) -> dict[str, dict[str, Any]]:
    """Return the objects of a list by one of their keys; one that stands twice cannot be told, and is left out."""
    found: dict[str, dict[str, Any]] = {}
    twice = set()
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(name := row.get(key), str):
            twice.update({name} & found.keys())
            found[name] = row
    return {name: row for name, row in found.items() if name not in twice}


def _plain(value: Any) -> Any:
    """Return a fact without its sentences."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items() if key not in _SENTENCES}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _text(value: object) -> str:
    text = "NR" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= TEXT_CHARS_MAX else f"{text[:TEXT_CHARS_MAX]}…"
