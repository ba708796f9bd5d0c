"""Every message of the corpus is read, and says what its source says."""

from __future__ import annotations

import json
from functools import cache

import pytest

from tests.corpus import run as corpus
from tests.corpus.table import PAGE, table, written

COPIED = ("Apache-2.0", "MIT", "BSD-3-Clause", "CC BY 4.0", "CC BY 3.0", "IETF Trust")
"""Licences that allow a copy."""


@cache
def results() -> dict[str, corpus.Found]:
    return {one.name: one for one in corpus.run()}


def test_every_message_is_read_as_its_source_says() -> None:
    assert {name: one.faults for name, one in results().items() if one.faults} == {}


def test_every_message_is_there_once_with_its_source_under_a_licence_that_allows_it() -> None:
    files = {f"{path.parent.name}/{path.stem}": path for path in corpus.MESSAGES.glob("*/*.json")}
    named = [name for entry in corpus.listed()["model"] for name in entry["messages"]]
    named += [entry["message"] for entry in corpus.listed()["unread"]]
    assert sorted(named) == sorted(files)
    for path in files.values():
        said = json.loads(path.read_text(encoding="utf-8"))
        assert said["source"]
        assert said["licence"].startswith(COPIED), path


def test_the_page_shows_the_coverage_of_today() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert written(page, list(results().values())) == page, "python -m tests.corpus --docs"
    assert table(list(results().values())) in page


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("lorawan-codec/talkpool-oy1210-1", {"value": 1}),
        ("dsmr-p1/v5", {"time": "2017-01-02T18:20:03Z"}),
        ("mbus/kamstrup_multical_601", {"unit": "MWh"}),
    ],
)
def test_a_value_that_the_source_did_not_say_is_noticed(
    monkeypatch: pytest.MonkeyPatch, name: str, change: dict[str, object]
) -> None:
    said = corpus.recorded(name)
    (entry,) = (entry for entry in corpus.listed()["model"] if name in entry["messages"])
    mapped = {quantity.removesuffix("#1") for quantity in entry["fields"]}
    at = next(at for at, value in enumerate(said["expected"]) if value["quantity"] in mapped)
    said["expected"][at] |= change
    monkeypatch.setattr(corpus, "recorded", lambda _: said)
    assert len(corpus._message(name, entry).differences) == 1
