"""What holds for every path of the console: headers, tags, formats, problems, and the page's files."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from console.settings import Settings
from console.web.layers import Bounded, Load, Small
from console.web.page import page_route
from devices import load_registry, time_us_from_rfc3339
from tests.console.web.client import Client
from tests.console.web.conftest import Filled, serving, site_on
from tests.system.pipeline import DEMO

pytestmark = pytest.mark.system

SCOPE = {"type": "http", "path": "/", "method": "GET", "headers": []}


def test_the_city_says_what_it_is_and_how_current_it_is(get: Client, filled: Filled) -> None:
    found = get("city").json
    city = filled.registry.city
    assert (found["code"], found["name"], found["time_zone"]) == (city.code, city.name, city.time_zone)
    assert found["zones"] == len(city.zones)
    assert found["population"] == 100_000
    assert abs(time_us_from_rfc3339(found["now"]) - time.time_ns() // 1000) < 60_000_000
    assert found["data_to"] is None, "no gateway is known here"


def test_zones_come_with_outlines_in_the_order_of_the_file(get: Client, filled: Filled) -> None:
    zones = get("zones").items
    assert [zone["code"] for zone in zones] == [zone.code for zone in filled.registry.city.zones]
    assert sum(zone["devices"] for zone in zones) == len(filled.registry.devices)
    assert (zones[0]["title"], zones[0]["title_ko"]) == ("Air: four stations (Beijing)", "대기: 측정소 네 곳 (베이징)")
    assert get("city").json["name_ko"] == filled.registry.city.name_ko
    geojson = get("zones.geojson").json
    assert [feature["id"] for feature in geojson["features"]] == [zone["code"] for zone in zones]
    assert [feature["geometry"] for feature in geojson["features"]] == [zone["geometry"] for zone in zones]


def test_every_answer_is_safe_for_browsers(get: Client) -> None:
    for path in ("city", "nothing", "/", "/nothing", "indicators/latest?window=week"):
        headers = get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"]


def test_who_has_an_answer_already_gets_none_again(get: Client) -> None:
    first = get("zones")
    tag = first.headers["etag"]
    assert tag.startswith('"')
    for wanted in (tag, f'"other", W/{tag}', "*"):
        again = get("zones", headers={"If-None-Match": wanted})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert get("zones", headers={"If-None-Match": '"other"'}).status == 200
    assert get("indicators").headers["etag"] != tag


def test_head_is_get_without_the_body(get: Client) -> None:
    whole, head = get("zones"), get("zones", method="HEAD")
    assert head.body == b""
    assert head.headers["content-length"] == str(len(whole.body))
    assert head.headers["etag"] == whole.headers["etag"]


def test_what_does_not_exist_is_told_as_a_problem(get: Client) -> None:
    for path in ("nothing", "/api/nothing", "/api/v1", "/nothing.html", "/../settings.py", "/%00", "/" + "a" * 5000):
        found = get(path)
        assert found.status == 404, path
        assert found.headers["content-type"] == "application/problem+json"
        assert found.json["type"] == "urn:cityvitals:problem:not-found"
        assert found.json["status"] == 404


def test_a_method_that_is_not_allowed_is_told_with_those_that_are(get: Client) -> None:
    found = get("zones", method="POST")
    assert found.status == 405
    assert found.headers["allow"] == "GET"
    assert found.json["type"] == "urn:cityvitals:problem:method-not-allowed"


def test_a_mistyped_parameter_is_refused_and_the_nearest_named(get: Client) -> None:
    found = get("indicators/latest", windw="hour")
    assert found.status == 422
    assert found.fields == ["windw"]
    assert "window" in found.json["detail"]
    assert get("indicators/latest?window=hour&window=day").fields == ["window"]


def test_a_wrong_value_is_refused_with_field_and_reason(get: Client) -> None:
    found = get("indicators/latest", history="many", window="week", scope_kind="city,town")
    assert found.status == 422
    assert found.fields == ["window", "history"], "all that the description says is wrong is told at once"
    assert get("indicators/latest", window="week").fields == ["window"]
    assert get("indicators/latest", scope_kind="city,town").fields == ["scope_kind"]


def test_the_newest_figures_are_those_of_the_store(get: Client, filled: Filled) -> None:
    items = get("indicators/latest", window="hour").items
    assert {item["window"] for item in items} == {"hour"}
    assert {item["scope"].partition(":")[0] for item in items} == {"city", "zone"}
    assert items[0]["scope"] == "city"
    for item in items:
        assert item["history"] or item["value"] is None
        assert item["closed"] == (item["revision"] > 0)
    assert get("indicators/latest", window="hour", history=0).items[0]["history"] == []


def file_of(folder: Path, path: str) -> Response:
    """What the page's route answers to a path."""
    route = page_route(folder)
    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    _, found = route.matches(scope)
    answer: Response = route.endpoint(Request({**scope, **found}))
    return answer


def test_a_file_of_the_page_comes_with_its_type(tmp_path: Path) -> None:
    (tmp_path / "vendor" / "plot-1.0").mkdir(parents=True)
    (tmp_path / "vendor" / "plot-1.0" / "plot.js").write_text("export {}")
    (tmp_path / "index.html").write_text("<p>city")
    page = file_of(tmp_path, "/")
    assert (page.body, page.headers["content-type"]) == (b"<p>city", "text/html; charset=utf-8")
    script = file_of(tmp_path, "/vendor/plot-1.0/plot.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in script.headers["cache-control"]
    assert page_route(tmp_path).matches({"type": "http", "path": "/api/v1/plot.js", "method": "GET"})[0] is Match.NONE


def test_a_database_that_is_away_is_told_and_found_again(tmp_path: Path) -> None:
    site = site_on("postgresql://nobody@127.0.0.1:1/nothing", load_registry(DEMO), Settings())
    with serving(site, tmp_path) as client:
        found = client("city")
        assert found.status == 503
        assert found.headers["retry-after"]
        assert found.json["type"] == "urn:cityvitals:problem:database-away"
        assert b"127.0.0.1" not in found.body, "where the database is concerns no client"
        assert client("zones").status == 200, "what rests on files alone is there all the same"


def test_requests_beyond_the_limit_are_told_to_ask_again_and_counted() -> None:
    load = Load()
    asked: list[int] = []

    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        if load.under_way < 2:
            await bounded(SCOPE, nothing, note)  # one that comes while this one is under way
            await bounded(SCOPE, nothing, note)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def nothing() -> Message:
        return {"type": "http.request"}

    async def note(message: Message) -> None:
        if message["type"] == "http.response.start":
            asked.append(message["status"])
            if message["status"] == 200 and load.under_way == 2:
                await bounded(SCOPE, nothing, note)

    bounded = Bounded(slow, requests_max=2, load=load)
    asyncio.run(bounded(SCOPE, nothing, note))  # type: ignore[arg-type]
    assert asked == [200, 503, 200, 503, 200]
    assert (load.taken, load.under_way, load.refused) == (3, 0, 2)


def test_a_body_that_grows_beyond_the_limit_is_taken_no_further() -> None:
    taken = 0

    async def body() -> Message:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": bytes(20_000), "more_body": True}

    async def take(_scope: Scope, receive: Receive, _send: Send) -> None:
        while True:
            await receive()

    async def send(_message: Message) -> None:
        raise AssertionError

    with pytest.raises(HTTPException) as refused:
        asyncio.run(Small(take)({**SCOPE, "method": "POST"}, body, send))  # type: ignore[arg-type]
    assert (refused.value.status_code, taken) == (413, 4)


def test_what_the_console_has_to_do_is_there_for_prometheus(get: Client) -> None:
    found = get("/metrics")
    assert found.headers["content-type"].startswith("text/plain")
    values = {
        sample.name: sample.value
        for family in text_string_to_metric_families(found.body.decode())
        for sample in family.samples
    }
    assert values["cityvitals_web_requests_total"] >= 1
    assert values["cityvitals_web_requests_under_way"] == 1, "this very request"
    assert values["cityvitals_web_requests_refused_total"] == 0


def test_what_is_refused_is_told_in_few_words_that_are_true(get: Client) -> None:
    answer = get("/" + "a" * 9_000)
    assert (answer.status, answer.fields) == (404, ["path"])
    assert len(answer.body) < 1_000
    known = {"scope": "city", "from": "0001-01-01T00:00:00Z", "to": "9999-12-31T00:00:00Z"}
    assert get("indicators/cai/hour/values", **known).status == 200
    answer = get("indicators/cai/hour/values", **{**known, "to": "9999-12-31T00:00:01Z"})
    assert "expected a time from 0001-01-01 to 9999-12-31, the begin of that day" in answer.json["detail"]
