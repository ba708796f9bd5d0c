"""NGSI-LD over the socket: the figures that the API's own paths give, in pages, in both forms, with their context."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit

import pytest

from console.web.told import told
from engine.kpi import DeclaredValue, NotReported
from engine.kpi.entities import entity_id
from tests.console.web.client import Answer, Client
from tests.console.web.conftest import Filled, site_on

pytestmark = pytest.mark.system

ROOT = "/ngsi-ld/v1"
LD = {"Accept": "application/ld+json"}
INTERNET = "EC: ICT: ICT: 1C"


def read(answer: Answer) -> Any:
    assert answer.status == 200, answer.body
    return json.loads(answer.body, parse_float=Decimal, parse_int=Decimal)


def links(answer: Answer) -> dict[str, str]:
    """The links of an answer by their relation."""
    return {relation: link for link, relation in re.findall(r'<([^>]*)>; rel="([^"]*)"', answer.headers["link"] or "")}


def entities(get: Client, **query: object) -> Iterator[dict[str, Any]]:
    """Every entity, page by page by their links."""
    answer = get(f"{ROOT}/entities", **query)
    yield from read(answer)
    while (link := links(answer).get("next")) is not None:
        parts = urlsplit(link)
        answer = get(f"{parts.path}?{parts.query}")
        yield from read(answer)


def test_every_stored_figure_is_an_entity_with_its_exact_value(get: Client) -> None:
    found = {one["id"]: one for one in entities(get, limit=50, options="keyValues")}
    due = {}
    for scope in ("city", "zone"):
        for row in get("kpis", scope=scope).items:
            for one in row["figures"]:
                due[row["key"], one["scope"], one["horizon"], one["year"]] = one
    assert len(found) == len(due) > 100
    for one in found.values():
        year = int(one["calculationPeriod"]["from"][:4]) if one["horizon"] == "year" else None
        scope = re.split(":(city|zone:[^:]*):", one["id"])[1]
        figure = due.pop((one["dataPoint"], scope, one["horizon"], year))
        assert one.get("exactValue") == figure["exact"]
        assert one.get("notReported") == figure["reason"]
        assert one["unit"] == figure["unit"]
        assert one["updatedAt"] == figure["computed"]
        if figure["value"] is not None:
            assert one["kpiValue"] == Decimal(figure["value"])
        if figure["band"] is not None:
            assert one["currentStanding"] == ("", "bad", "fair", "good", "veryGood")[figure["band"]]
    assert due == {}


def test_pages_lead_forth_and_back_and_say_how_many_there_are(get: Client) -> None:
    everything = list(entities(get, limit=1000))
    first = get(f"{ROOT}/entities", limit=2, count="true", type="KeyPerformanceIndicator")
    assert first.headers["ngsild-results-count"] == str(len(everything))
    assert read(first) == everything[:2]
    assert "prev" not in links(first)
    second = get(f"{ROOT}/entities", limit=2, offset=2)
    assert read(second) == everything[2:4]
    back = urlsplit(links(second)["prev"])
    assert read(get(f"{back.path}?{back.query}")) == everything[:2]
    last = get(f"{ROOT}/entities", limit=2, offset=len(everything) - 1)
    assert read(last) == everything[-1:]
    assert "next" not in links(last)
    none = get(f"{ROOT}/entities", limit=0, count="true")
    assert (read(none), none.headers["ngsild-results-count"]) == ([], str(len(everything)))
    assert read(get(f"{ROOT}/entities", offset=1_000_000)) == []


def test_the_context_comes_beside_json_and_within_json_ld_and_is_served(get: Client) -> None:
    plain = get(f"{ROOT}/entities", limit=1)
    assert plain.headers["content-type"] == "application/json"
    context = links(plain)["http://www.w3.org/ns/json-ld#context"]
    (one,) = read(plain)
    for path, document in ((f"{ROOT}/entities/{one['id']}", one), (f"{ROOT}/entities", [one])):
        answer = get(path, headers=LD, **({"limit": 1} if isinstance(document, list) else {}))
        assert answer.headers["content-type"] == "application/ld+json"
        found = read(answer)
        for inner in found if isinstance(found, list) else [found]:
            assert inner.pop("@context") == context
        assert found == document
    served = get(urlsplit(context).path)
    assert served.headers["content-type"] == "application/ld+json"
    words = served.json["@context"]
    assert one.keys() <= words.keys()
    assert get(f"{ROOT}/entities", headers={"Accept": "text/html"}).fields == ["Accept"]


def test_one_is_found_by_its_id_and_some_by_theirs(get: Client) -> None:
    first, second, *_ = entities(get, limit=1000)
    assert read(get(f"{ROOT}/entities/{second['id']}")) == second
    assert read(get(f"{ROOT}/entities", id=f"{second['id']},urn:x:y,{first['id']}")) == [first, second]
    assert read(get(f"{ROOT}/entities", id="urn:x:y")) == []
    assert read(get(f"{ROOT}/entities", type="Vehicle")) == []
    zone = next(one["id"] for one in entities(get, limit=1000) if ":zone:" in one["id"])
    other = zone.replace(":demo:", ":elsewhere:")
    assert other != zone
    for unknown in ("urn:x:y", other, first["id"].rpartition(":")[0] + ":1999"):
        answer = get(f"{ROOT}/entities/{unknown}")
        assert (answer.status, answer.fields) == (404, ["id"])


def test_types_are_told_with_their_attributes(get: Client) -> None:
    count = len(list(entities(get, limit=1000)))
    assert read(get(f"{ROOT}/types"))["typeList"] == ["KeyPerformanceIndicator"]
    (one,) = read(get(f"{ROOT}/types", details="true"))
    info = read(get(f"{ROOT}/types/KeyPerformanceIndicator"))
    assert read(get(f"{ROOT}/types/{info['id']}")) == info
    assert info["entityCount"] == count
    assert [each["attributeName"] for each in info["attributeDetails"]] == one["attributeNames"]
    assert "kpiValue" in one["attributeNames"]
    assert get(f"{ROOT}/types/Vehicle").status == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"), ({"limit": "many"}, "limit"), ({"limit": "1001"}, "limit"),
        ({"offset": "-1"}, "offset"), ({"options": "temporalValues"}, "options"), ({"q": "kpiValue>1"}, "q"),
        ({"count": "perhaps"}, "count"),
    ],
)  # fmt: skip
def test_a_wrong_question_is_answered_400_with_the_field(get: Client, query: dict[str, str], field: str) -> None:
    answer = get(f"{ROOT}/entities", **query)
    assert (answer.status, answer.json["status"], answer.fields) == (400, 400, [field])


def test_what_the_city_declares_follows_what_is_measured(filled: Filled) -> None:
    site = site_on(filled.url, filled.registry)
    stated = [
        DeclaredValue(INTERNET, year, value, None, None, "", "", "", "", 2)
        for year, value in ((2024, Fraction(90)), (2025, NotReported(("the city does not report it",))))
    ]
    with closing(site.stores):
        measured, count = told(site, None, 10_000, 0)
        both = replace(site, declared=(*reversed(stated), replace(stated[0], key="population")))
        found, total = told(both, None, 10_000, 0)
        assert (len(measured), len(found), total) == (count, count + 2, count + 2)
        assert found[:-2] == measured
        assert [(one.named.year, one.value) for one in found[-2:]] == [(one.year, one.value) for one in stated]
        for begin in (count - 1, count, count + 1, count + 5):
            assert told(both, None, 2, begin)[0] == found[begin : begin + 2]
        named = [found[-1].named, found[0].named]
        assert told(both, named, 10, 0) == ([found[0], found[-1]], 2)
        assert len({entity_id(one.named) for one in found}) == total
