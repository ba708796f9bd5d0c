"""One message of many devices, and one device by many topics: each reading finds the device and the field it is of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import FLAG_TIME_FROM_ARRIVAL, ConfigError, PayloadError, Registry, carriers, codec, load_registry
from devices.carriers.feeds import Feeds, encode
from devices.carriers.parts import Parts
from devices.codecs.base import FAULTS_TOLD_MAX
from devices.codecs.trial import try_vectors
from tests.devices.cities import write_city
from tests.devices.make import RECEIVED_US, decoded, faults_of, model
from tests.examples import examples

T = 1_710_000_000_000_000
AIR = """
title = "Air network"
codec = "json-paths"
topic = "feeds/air"
interval_s = 3600
columns = ["station"]
missing = "-"
[feed]
path = "body.items"
key = "name"
column = "station"
[time]
path = "$.at"
format = "local"
zone = "Asia/Seoul"
[[field]]
name = "pm"
measurand = "pm10"
unit = "ug/m3"
[[field]]
name = "temp"
measurand = "temperature"
unit = "Cel"
"""
BIKES = """
title = "Bikes"
codec = "json-paths"
topic = "feeds/{zone}"
interval_s = 60
[feed]
path = "stations"
key = "id"
[[field]]
name = "bikes"
measurand = "bicycles_available"
unit = "1"
"""
PLUG = """
title = "Plug"
codec = "text"
topic = "plugs/{device}"
interval_s = 60
[[field]]
name = "power"
topic = "{topic}/emeter/0/power"
measurand = "power"
unit = "W"
[[field]]
name = "voltage"
topic = "{topic}/emeter/0/voltage"
measurand = "voltage"
unit = "V"
[[field]]
name = "on"
measurand = "parking_space"
states = {on = "occupied", off = "free"}
[[test]]
topic = "{topic}/emeter/0/voltage"
text = "230.5"
expect = [{field = "voltage", value = "230.5"}]
[[test]]
text = "on"
received = "2024-03-09T16:00:00Z"
topic = ""
expect = [{field = "on", value = "occupied", time = "2024-03-09T16:00:00Z"}]
"""
STREAMS = """
title = "Datastreams"
codec = "json-paths"
interval_s = 60
columns = ["warm", "damp"]
[time]
path = "phenomenonTime"
format = "rfc3339"
[[field]]
name = "warm"
topic = "v1.1/Datastreams({warm})/Observations"
path = "result"
measurand = "temperature"
unit = "Cel"
[[field]]
name = "damp"
topic = "v1.1/Datastreams({damp})/Observations"
path = "result"
measurand = "humidity"
unit = "%"
[[test]]
topic = "v1.1/Datastreams({damp})/Observations"
text = '{"phenomenonTime": "2024-03-09T16:00:00Z", "result": 61.5}'
expect = [{field = "damp", value = "61.5", time = "2024-03-09T16:00:00Z"}]
"""
MODELS = {"air_net": AIR, "bikes": BIKES, "plug": PLUG, "streams": STREAMS}
DEVICES = """\
device,model,zone,topic,station,warm,damp
air-1,air_net,north,,도봉구,,
b1,bikes,north,,,,
air-2,air_net,south,,정릉로,,
b2,bikes,north,,,,
b3,bikes,south,,,,
plug-1,plug,north,,,,
plug-2,plug,north,odd/one,,,
thing-1,streams,north,,,11,12
thing-2,streams,north,,,13,
plain,water_meter,north,,,,
"""
WRONG = "\ndevice,model,zone,topic,station,warm,damp\n"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return load_registry(write_city(tmp_path_factory.mktemp("city"), devices=DEVICES, models=MODELS))


@pytest.fixture(scope="module")
def both(registry: Registry) -> tuple[Feeds, Parts]:
    feeds, parts = (carrier for carrier in carriers(registry) if isinstance(carrier, Feeds | Parts))
    assert isinstance(feeds, Feeds)
    assert isinstance(parts, Parts)
    return feeds, parts


def said(carrier: Feeds | Parts, registry: Registry, topic: str, payload: object) -> list[tuple[object, ...]]:
    """What a message says: (device, [(field, time, ticks)], [(reason, readings)])."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    found: list[tuple[object, ...]] = []
    for position, result in carrier.decode(topic, data, RECEIVED_US):
        device = registry.devices[position]
        fields = registry.model_of(device).fields
        readings = [(fields[r.field].name, r.time_us, r.ticks) for r in result.readings]
        found.append((device.code, readings, [(f.reason, f.readings) for f in result.faults]))
    return found


def test_a_feed_gives_each_device_what_stands_under_its_key(both: tuple[Feeds, Parts], registry: Registry) -> None:
    items = [
        {"name": "정릉로", "pm": "22", "temp": "x"},
        {"name": "elsewhere", "pm": 1},
        {"name": "도봉구", "pm": "-"},
        {"pm": 5},
        7,
    ]
    assert said(both[0], registry, "feeds/air", {"at": "2024-03-10 01:00", "body": {"items": items}}) == [
        ("air-2", [("pm", T, 22_000)], [("not_a_number", 1)]),
        ("air-1", [], []),  # heard, and without a reading
    ]
    assert said(
        both[0], registry, "feeds/north", {"stations": [{"id": "b2", "bikes": 3}, {"id": "b3", "bikes": 4}]}
    ) == [("b2", [("bikes", RECEIVED_US, 3)], [])]
    assert both[0].commands() == []


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "malformed"),
        (b"{}", "empty"),
        (b'{"body":{"items":[]}}', "empty"),
        (b'{"body":{"items":5}}', "malformed"),
        (b'{"body":{"items":[{"name":"x"}]}}', "unknown_device"),
        (b'{"body":{"items":[5,{"name":["x"]}]}}', "unknown_device"),
        (b'{"body":{"items":[' + b'{"name":"%s"},' * 5000 % ((b" ",) * 5000) + b"{}]}}", "unknown_device"),
        (('{"body":{"items":[' + '{"name":"도봉구"},' * 5001 + "{}]}}").encode(), "too_many"),
        (b"[" * 200_000, "malformed"),
        (b" " * 10_000_000, "oversized"),
    ],
)
def test_a_feed_that_cannot_be_used_says_why(both: tuple[Feeds, Parts], payload: bytes, reason: str) -> None:
    with pytest.raises(PayloadError, match=reason) as caught:
        both[0].decode("feeds/air", payload, RECEIVED_US)
    assert caught.value.detail.isascii()


def test_the_faults_of_a_feed_are_counted_in_full_and_told_in_part(both: tuple[Feeds, Parts]) -> None:
    items = [{"name": "도봉구", "pm": "x", "temp": 1}] * 300
    payload = json.dumps({"at": "2024-03-10 01:00", "body": {"items": items}}).encode()
    found = [each.decoded for each in both[0].decode("feeds/air", payload, 0)]
    assert sum(fault.readings for each in found for fault in each.faults) == 300
    assert sum(len(each.faults) for each in found) <= FAULTS_TOLD_MAX + 1
    assert sum(len(each.readings) for each in found) == 300


def test_a_field_that_has_its_own_topic_is_read_from_it(both: tuple[Feeds, Parts], registry: Registry) -> None:
    parts = both[1]
    assert said(parts, registry, "plugs/plug-1/emeter/0/voltage", b"230.5") == [
        ("plug-1", [("voltage", RECEIVED_US, 230_500)], [])
    ]
    assert said(parts, registry, "odd/one/emeter/0/power", b"5") == [("plug-2", [("power", RECEIVED_US, 5000)], [])]
    assert said(parts, registry, "odd/one", b"off") == [("plug-2", [("on", RECEIVED_US, 0)], [])]
    observation = {"phenomenonTime": "2024-03-09T16:00:00Z", "result": 21.5}
    assert said(parts, registry, "v1.1/Datastreams(12)/Observations", observation) == [
        ("thing-1", [("damp", T, 21_500)], [])
    ]
    assert said(parts, registry, "plugs/plug-1", b"perhaps") == [("plug-1", [], [("not_a_number", 1)])]
    with pytest.raises(PayloadError, match="unknown_device: no registered device has the topic"):
        parts.decode("plugs/plug-9/emeter/0/power", b"5", RECEIVED_US)
    assert said(parts, registry, "plugs/plug-1", b"\xff") == [("plug-1", [], [("malformed", 1)])]


def test_carriers_name_their_devices_topics_and_filters(both: tuple[Feeds, Parts], registry: Registry) -> None:
    feeds, parts = both
    codes = [{registry.devices[at].code for at in carrier.devices} for carrier in both]
    assert codes == [{"air-1", "air-2", "b1", "b2", "b3"}, {"plug-1", "plug-2", "thing-1", "thing-2"}]
    assert set(feeds.topics) == {"feeds/air", "feeds/north", "feeds/south"}
    assert feeds.filters == ()
    assert set(parts.topics) >= {"plugs/plug-1", "odd/one/emeter/0/power", "v1.1/Datastreams(13)/Observations"}
    assert set(parts.filters) == {
        "plugs/+", "plugs/+/emeter/0/power", "plugs/+/emeter/0/voltage", "v1.1/+/Observations", "odd/one",
        "odd/one/emeter/0/power", "odd/one/emeter/0/voltage",
    }  # fmt: skip


def test_a_city_without_such_devices_has_none_of_them(tmp_path: Path) -> None:
    assert [each for each in carriers(load_registry(write_city(tmp_path))) if isinstance(each, Feeds | Parts)] == []


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ("a,air_net,north,,,,", "column station: is missing; expected the device's key in its feed"),
        ("a,air_net,north,,x,,\nb,air_net,south,,x,,", "'b' and 'a' publish to the same topic 'feeds/air'"),
        ("a,air_net,north,,x,,\nb,water_meter,south,feeds/air,,,", "publish to the same topic 'feeds/air'"),
        ("a,streams,north,,,1,\nb,streams,south,,,,1", "publish to the same topic 'v1.1/Datastreams(1)/Observations'"),
        ("a,streams,north,,,,", "no field has a topic"),
        ("a,streams,north,,,+,", "a topic holds no wildcard"),
    ],
)
def test_a_message_that_could_be_of_two_devices_or_none_is_refused_at_start(
    tmp_path: Path, rows: str, fault: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_registry(write_city(tmp_path, devices=WRONG.lstrip() + rows + "\n", models=MODELS))
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("text", "old", "new", "fault"),
    [
        (AIR, '"station"\n', '"stations"\n', "feed.column: expected one of the model's `columns`, got 'stations'"),
        (AIR, 'key = "name"', 'key = "a[*]"', "feed.key: a wildcard stands in `each`"),
        (AIR, 'key = "name"', "", "feed.key: is missing"),
        (AIR, "[feed]", 'each = "x"\n[feed]', "each: a feed has its own `path`"),
        (AIR, 'name = "pm"', 'name = "pm"\ntopic = "a"', "feed: the devices of a feed share a topic"),
        (PLUG, "{topic}/emeter/0/power", "{topik}/power", "field: topic of power: unknown placeholder {topik}"),
        (PLUG, 'topic = ""', 'topic = "{topic}"', "test[2].topic: no field has the topic '{topic}'"),
        (STREAMS, "[[field]]", '[[test]]\ntext = "{}"\nrefused = ["empty"]\n[[field]]', "test[1].topic: is missing"),
        (
            PLUG,
            'codec = "text"\ntopic = "plugs/{device}"',
            'codec = "sparkplug-b"\ntopic = "spBv1.0/g/NDATA/{device}"',
            "topic: sparkplug-b has topics of its own",
        ),
        (PLUG, "interval_s", '[feed]\npath = "a"\nkey = "b"\n[[field]]\ninterval_s', "feed: only formats with paths"),
    ],
)
def test_a_faulty_model_is_told(text: str, old: str, new: str, fault: str) -> None:
    assert faults_of(text) == []
    found = faults_of(text.replace(old, new, 1))
    assert any(told.startswith(fault) for told in found), found


def test_vectors_name_the_topic_of_their_field() -> None:
    assert try_vectors(model(PLUG), codec) == []
    wrong = model(PLUG.replace('value = "230.5"', 'value = "231"'))
    assert [where for where, _ in try_vectors(wrong, codec)] == ["test[1]"]


def test_the_codec_alone_reads_all_devices_of_a_feed() -> None:
    readings, faults = decoded(model(BIKES), {"stations": [{"id": "b1", "bikes": 1}, {"id": "b9", "bikes": 2}]})
    assert readings == [("bikes", RECEIVED_US, ticks, FLAG_TIME_FROM_ARRIVAL) for ticks in (1, 2)]
    assert faults == []


@settings(max_examples=examples(100))
@given(
    st.dictionaries(
        st.sampled_from(["도봉구", "정릉로"]),
        st.tuples(st.integers(0, 10**6), st.integers(-20_000, 40_000)),
        min_size=1,
    )
)
def test_what_is_encoded_decodes_to_the_same(stations: dict[str, tuple[int, int]]) -> None:
    device_model = model(AIR)
    rows = {key: [("pm", T, pm), ("temp", T, temp)] for key, (pm, temp) in stations.items()}
    readings, faults = decoded(device_model, encode(device_model, rows))
    assert [r[:3] for r in readings] == [row for group in rows.values() for row in group]
    assert faults == []


ITEMS = st.builds(lambda inner: b'{"at":"2024-03-10 01:00","body":{"items":[%s]}}' % inner, st.binary(max_size=30))


@settings(max_examples=examples(200))
@given(payload=st.binary(max_size=60) | ITEMS)
def test_any_bytes_are_accounted_for(both: tuple[Feeds, Parts], payload: bytes) -> None:
    for carrier in both:
        for topic in carrier.topics:
            answer = told(carrier, topic, payload)
            assert isinstance(answer, list) or answer.isascii()


def told(carrier: Feeds | Parts, topic: str, payload: bytes) -> list[object] | str:
    """What a message says, or why it says nothing."""
    try:
        return [each.decoded for each in carrier.decode(topic, payload, RECEIVED_US)]
    except PayloadError as error:
        return error.detail


def test_a_member_that_is_new_in_every_object_of_a_feed_is_one_fault_of_the_first_device(tmp_path: Path) -> None:
    seen = '[[test]]\ntext = \'{"stations": [{"id": "a", "bikes": 1}]}\'\nexpect = [{ field = "bikes", value = "1" }]\n'
    registry = load_registry(
        write_city(
            tmp_path, devices="device,model,zone\na,bikes,north\nb,bikes,north\n", models={"bikes": BIKES + seen}
        )
    )
    [carrier] = carriers(registry)
    stations = [{"id": name, "bikes": 2, "e_bikes": 1} for name in ("else", "b", "a")]
    carried = carrier.decode("feeds/north", json.dumps({"stations": stations}).encode(), RECEIVED_US)
    assert [[fault.reason for fault in one.decoded.faults] for one in carried] == [["unknown_field"], []]
    assert carried[0].device == 1
    assert carried[0].decoded.faults[0].detail.startswith("e_bikes: ")
