"""The words of a report in its language, from `texts/<language>.toml`, and what the catalogue's terms are called in it.

Knows words; knows no figure. A term without a name in the language stays as the catalogue has it: a city's own KPI is
never left out for want of a translation.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from engine.kpi import DataPoint, NotReported, Pack

LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "ko": "한국어"}
"""Languages of reports, by their code."""
REASONS_MAX: Final = 3
"""Reasons of one data point that are printed; the others are counted."""
_CODED: Final = re.compile(r"([a-z][a-z0-9_]*): ")


@dataclass(frozen=True)
class Texts:
    """Everything that is said in one language.

    Attributes:
        language: its code.
        words: tables of words by section; those with places for figures in braces are for `say`.
        names: what terms of the catalogue are called, by kind (`kpi`, `part`, `group`, `unit`).
        reasons: patterns of reasons why something is not reported, with what they are in the language.
    """

    language: str
    words: Mapping[str, Mapping[str, str]]
    names: Mapping[str, Mapping[str, str]]
    reasons: tuple[tuple[re.Pattern[str], str], ...]

    def say(self, section: str, key: str, **figures: object) -> str:
        """Return a sentence with its figures filled in."""
        return self.words[section][key].format(**figures)

    def term(self, kind: str, english: str) -> str:
        """Return what a term of the catalogue is called."""
        return self.names.get(kind, {}).get(english, english)

    def kpi(self, point: DataPoint) -> str:
        """Return the name of a data point's KPI."""
        return (self.language == "ko" and point.name_ko) or point.name

    def part(self, point: DataPoint) -> str:
        """Return the name of a data point among those of its KPI; empty where there is one only."""
        return (self.language == "ko" and point.id_name_ko) or point.id_name

    def title(self, point: DataPoint) -> str:
        """Return the name of a data point: `Air Pollution, PM10`."""
        return f"{self.kpi(point)}, {self.part(point)}" if point.id_name else self.kpi(point)

    def reason(self, pack: Pack, value: NotReported) -> str:
        """Return why something is not reported, with inputs by their title and not by their code."""
        told = [self._reason(pack, reason) for reason in value.reasons[:REASONS_MAX]]
        more = len(value.reasons) - len(told)
        return "; ".join([*told, *([self.say("note", "more", count=more)] if more else [])])

    def _reason(self, pack: Pack, reason: str) -> str:
        coded = _CODED.match(reason)
        if coded is not None and coded[1] in pack.inputs:
            reason = f"{pack.inputs[coded[1]].title}: {reason[coded.end() :]}"
        for pattern, text in self.reasons:
            if found := pattern.fullmatch(reason):
                return text.format(*found.groups())
        return reason


@cache
def texts(language: str) -> Texts:
    """Return the words of a language.

    Raises:
        KeyError: not one of LANGUAGES.
    """
    if language not in LANGUAGES:
        raise KeyError(f"no report is written in {language!r}; there are {', '.join(LANGUAGES)}")
    names = _toml(f"names-{language}.toml")
    reasons = tuple((re.compile(one["pattern"]), one["text"]) for one in names.pop("reason", ()))
    return Texts(language, _toml(f"{language}.toml"), names, reasons)


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("assessment.report") / "texts" / name).read_text("utf-8"))
