"""SensorThings over the socket, beside what the API's own paths say of the same city."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from console.web import sensorthings
from tests.console.web.client import Answer, Client
from tests.console.web.conftest import Filled

pytestmark = pytest.mark.system

ROOT = "/sensorthings/v1.1"
NOISE = "street-noise:sound_level"


class Sta:
    """Asks the SensorThings service."""

    def __init__(self, get: Client) -> None:
        self._get = get

    def ask(self, path: str, **options: object) -> Answer:
        return self._get(f"{ROOT}{path}", **{f"${name.rstrip('_')}": value for name, value in options.items()})

    def __call__(self, path: str, **options: object) -> Any:
        answer = self.ask(path, **options)
        assert answer.status == 200, answer.body
        return json.loads(answer.body, parse_float=Decimal, parse_int=Decimal)

    def follow(self, link: str) -> Any:
        parts = urlsplit(link)
        answer = self._get(parts.path + (f"?{parts.query}" if parts.query else ""))
        assert answer.status == 200, (link, answer.body)
        return json.loads(answer.body, parse_float=Decimal, parse_int=Decimal)


@pytest.fixture
def sta(get: Client) -> Sta:
    return Sta(get)


def test_the_root_leads_to_every_set_and_every_link_leads_somewhere(sta: Sta) -> None:
    root = sta("")
    assert [one["name"] for one in root["value"]] == [
        "Things", "Locations", "Datastreams", "Sensors", "ObservedProperties", "Observations",
    ]  # fmt: skip
    for one in root["value"][:-1]:
        first = sta.follow(one["url"])["value"][0]
        assert sta.follow(first["@iot.selfLink"]) == first
        for name, link in first.items():
            if name.endswith("@iot.navigationLink"):
                sta.follow(link)


def test_things_are_the_devices(sta: Sta, filled: Filled) -> None:
    things = sta("/Things", top=1000, count="true")
    assert things["@iot.count"] == len(filled.registry.devices)
    assert {one["@iot.id"] for one in things["value"]} == {device.code for device in filled.registry.devices}


def test_pages_by_their_links_are_the_whole_in_order(sta: Sta, filled: Filled) -> None:
    page = sta("/Datastreams", top=2, filter="not startswith(name,'Zzz')", orderby="id desc")
    found = [one["@iot.id"] for one in page["value"]]
    while link := page.get("@iot.nextLink"):
        page = sta.follow(link)
        found += [one["@iot.id"] for one in page["value"]]
    assert len(found) == filled.registry.slot_count()
    assert found == sorted(found, reverse=True)


def test_observations_are_those_of_the_api_exactly(sta: Sta, get: Client) -> None:
    own = get("series/street-noise/sound_level/observations", from_="2000-01-01", limit=50).items
    found = sta(f"/Datastreams('{NOISE}')/Observations", top=50)["value"]
    assert [(one["phenomenonTime"], one["result"]) for one in found] == [
        (one["time"], Decimal(one["value"])) for one in own
    ]
    middle = own[20]
    later = sta(
        "/Observations", top=5, count="true",
        filter=f"Datastream/id eq '{NOISE}' and phenomenonTime ge {middle['time']} and result ge 0",
    )  # fmt: skip
    assert later["value"][0]["phenomenonTime"] == middle["time"]
    everything = sta(f"/Datastreams('{NOISE}')/Observations", top=1, count="true")["@iot.count"]
    assert later["@iot.count"] == everything - 20
    newest = sta(f"/Datastreams('{NOISE}')/Observations", top=1, orderby="phenomenonTime desc")["value"][0]
    assert newest["phenomenonTime"] > middle["time"]
    assert sta.follow(newest["@iot.selfLink"]) == newest
    assert sta.follow(newest["Datastream@iot.navigationLink"])["@iot.id"] == NOISE


def test_what_belongs_together_comes_along(sta: Sta) -> None:
    thing = sta(
        "/Things('street-noise')", select="name",
        expand="Locations($select=location),Datastreams($top=1;$expand=ObservedProperty,Observations($top=2;$count=true))",
    )  # fmt: skip
    assert set(thing) == {"@iot.id", "@iot.selfLink", "name", "Locations", "Datastreams"}
    assert thing["Locations"] == [], "nobody said where it stands"
    placed = sta("/Things('london-marylebone')", expand="Locations($select=location)")
    assert placed["Locations"][0]["location"]["type"] == "Point"
    (stream,) = thing["Datastreams"]
    assert stream["ObservedProperty"]["@iot.id"] == "sound_level"
    assert len(stream["Observations"]) == 2
    assert stream["Observations@iot.count"] > 2
    assert sta.follow(stream["Observations@iot.nextLink"])["value"]
    assert sta("/Things('street-noise')/name") == {"name": thing["name"]}


def test_conditions_reach_what_is_related(sta: Sta, filled: Filled) -> None:
    found = sta("/Things", top=1000, filter="Datastreams/ObservedProperty/id eq 'sound_level'")["value"]
    registry = filled.registry
    wanted = {
        one.code for one in registry.devices if "sound_level" in {f.measurand for f in registry.model_of(one).fields}
    }
    assert {one["@iot.id"] for one in found} == wanted
    zone = registry.devices[0].zone
    found = sta("/Datastreams", top=1000, filter=f"Thing/properties/zone eq '{zone}'")["value"]
    assert {one["properties"]["zone"] for one in found} == {zone}


@pytest.mark.parametrize(
    ("path", "options", "field", "place"),
    [
        ("/Things", {"filter": "nonsense eq 1"}, "$filter", "character 1"),
        ("/Things", {"filter": "name eq"}, "$filter", "character 8"),
        ("/Things", {"orderby": "nonsense"}, "$orderby", "character 1"),
        ("/Things", {"expand": "Nonsense"}, "$expand", "character 1"),
        ("/Things", {"select": "nonsense"}, "$select", "character 1"),
        ("/Things", {"top": "-1"}, "$top", "character 1"),
        ("/Observations", {}, "$filter", "Datastream/id"),
        (f"/Datastreams('{NOISE}')/Observations", {"filter": "result gt 1 or result lt 0"}, "$filter", "`and`"),
    ],
)
def test_a_wrong_query_is_told_with_the_place(
    sta: Sta, path: str, options: dict[str, str], field: str, place: str
) -> None:
    answer = sta.ask(path, **options)
    assert answer.status == 400, answer.body
    assert answer.fields == [field]
    assert place in answer.json["detail"]


def test_an_answer_for_which_too_much_would_be_looked_at_is_refused(
    sta: Sta, monkeypatch: pytest.MonkeyPatch, filled: Filled
) -> None:
    streams = filled.registry.slot_count()
    monkeypatch.setattr(sensorthings, "LOOKS_MAX", 4 * streams)
    assert sta("/Datastreams", filter="id ne 'a' and not (name eq 'b')", orderby="id", top=1)["value"]
    for path, options in (
        ("/Datastreams", {"filter": "id ne 'a' and id ne 'b' and id ne 'c' and id ne 'd'"}),
        ("/Sensors", {"expand": "Datastreams($expand=Sensor($expand=Datastreams($top=1)))"}),
    ):
        answer = sta.ask(path, **options)
        assert (answer.status, answer.fields) == (400, ["$top"])
        assert "looked at" in answer.json["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/Nonsense", "/Things('nobody')", "/Things('street-noise')/Nonsense", "/Things/Datastreams", "/Things('x",
        "/Observations('x')", f"/Observations('{NOISE}@1')", "/Datastreams('street-noise:sound_level')/Thing('x')", "/",
    ],
)  # fmt: skip
def test_what_does_not_exist_is_404(sta: Sta, path: str) -> None:
    assert sta.ask(path).status == 404
