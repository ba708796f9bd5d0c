"""Every message of the corpus is read, and says what its source says."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

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
    decoded = dict(corpus._decoded(entry))
    assert len(corpus._message(name, entry, decoded[name]).differences) == 1


def entry_of(name: str) -> dict[str, Any]:
    (entry,) = (entry for entry in corpus.listed()["model"] if name in entry["messages"])
    return dict(entry)


def again(name: str, entry: dict[str, Any]) -> corpus.Found:
    return corpus._message(name, entry, dict(corpus._decoded(entry))[name])


def test_a_message_without_a_reading_needs_a_reason_and_its_faults_are_those_that_are_listed() -> None:
    name = "lorawan-codec/dragino-wsc1-l-1"
    entry = entry_of(name)
    assert again(name, entry).faults == []
    (said,) = entry["refused"]
    assert "refused for ['malformed']" in again(name, {**entry, "refused": [{**said, "reasons": ["empty"]}]}).faults[0]
    assert again(name, {**entry, "refused": []}).faults[-1] == "gives no reading, and nobody says why"


def test_fewer_digits_are_equal_only_where_they_are_listed_and_up_to_the_last_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "lorawan-codec/pepperl-fuchs-wilsen-2"
    entry = entry_of(name)
    assert again(name, entry).shown == ("temp",)
    said = corpus.recorded(name)
    value = next(value for value in said["expected"] if value["quantity"] == "temp")
    monkeypatch.setattr(corpus, "recorded", lambda _: said)
    for text, differs in (("25.0", False), ("25.1", False), ("25.2", True), ("24.9", True)):
        value["value"] = text
        assert bool(again(name, entry).differences) == differs, text
    unlisted = {**corpus.listed(), "shown": []}
    monkeypatch.setattr(corpus, "listed", lambda: unlisted)
    value["value"] = "25.1"
    assert len(again(name, entry).differences) == 1


def test_a_kind_of_quantities_that_no_source_has_is_noticed() -> None:
    found = list(results().values())
    assert corpus._idle(found) == []
    assert "*/lora_rssi" not in corpus._idle(found)
    assert "*/rssi" in corpus._idle([one for one in found if one.name != "tts-v3/netvox-r718n3-tti"])
