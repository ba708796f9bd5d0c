"""An unknown device from its first message to its first figure: heard, offered, accepted, taken up again."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from devices import load_registry
from devices.codecs.sparkplug.edge import EdgeNode
from engine.store import Store
from tests.databases import Databases
from tests.devices.cities import write_city
from tests.devices.test_discovery import NODE, SPLIT, STATIONS
from tests.ingest.messages import NOW_US
from tests.system.quarantined import arrive, command, replayed, state

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

TOPIC = "v3/acme@ttn/devices/noise-7/up"
DEVICES = 'device,model,zone,title\nair-1,air_station,north,"At the park, north"\n'


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    with databases.migrated() as url:
        yield url


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return write_city(tmp_path / "city", devices=DEVICES)


def uplink(counter: int, data: str = "AXVkBVsFPwLaAWoC") -> tuple[str, bytes]:
    """What The Things Stack forwards of a Milesight WS302: 47.4 dB(A), battery 100 %."""
    message = {"f_port": 85, "f_cnt": counter, "frm_payload": data, "received_at": f"2024-11-23T07:{counter:02}:20Z"}
    of = {"end_device_ids": {"device_id": "noise-7"}, "received_at": message["received_at"]}
    return TOPIC, json.dumps({**of, "uplink_message": message}).encode()


def test_an_unknown_device_is_offered_accepted_and_has_the_readings_it_sent_before(database: str, city: Path) -> None:
    arrive(database, city, [uplink(1), uplink(2), ("somewhere/else", b"\x00")])
    assert state(database) == ([], [("", "unknown_topic")] * 3)

    first, second = command(database, city, "devices", "discover", "--json").rows
    assert (first["topic"], first["device"], first["messages"]) == (TOPIC, "noise-7", 2)
    best = first["models"][0]
    assert (best["model"], best["fields"], best["refused"]) == (
        "milesight_ws302", ["battery", "sound_level", "sound_level_max"], {},
    )  # fmt: skip
    assert second["models"] == []

    refused = command(database, city, "devices", "accept", TOPIC, "--model", "milesight_ws302", "--zone", "nowhere")
    assert (refused.code, "unknown zone 'nowhere'" in refused.err) == (2, True)
    assert (city / "devices.csv").read_text() == DEVICES

    accept = ("devices", "accept", TOPIC, "--model", "milesight_ws302", "--zone", "south", "--json")
    with Store.connect(database, application_name="cityvitals gateway") as gateway:
        gateway.own()
        held = command(database, city, *accept, "--code", "noise-8")
        assert (held.code, held.rows[0]["replayed"]) == (0, None)
        assert "stop that program" in held.rows[0]["held"]
    (city / "devices.csv").write_text(DEVICES)

    done = command(database, city, *accept)
    assert done.code == 0, done.err
    assert done.rows[0]["replayed"]["accepted"] == 6
    lines = list(csv.DictReader((city / "devices.csv").read_text().splitlines()))
    assert [(line["device"], line["title"], line["topic"]) for line in lines] == [
        ("air-1", "At the park, north", ""),
        ("noise-7", "", TOPIC),
    ]
    stored, kept = state(database)
    assert [(row[1], row[3]) for row in stored] == [
        (field, ticks)
        for field, ticks in (("battery", 10_000), ("sound_level", 4_740), ("sound_level_max", 6_180))
        for _ in range(2)
    ]
    assert kept == [("", "unknown_topic")]

    twice = command(database, city, *accept)
    assert (twice.code, "stands in line" in twice.err) == (2, True)


def test_a_swapped_meter_is_two_series_and_late_readings_find_the_one_of_their_time(database: str, city: Path) -> None:
    topic, swapped_s = "cityvitals/testville/meter-1/telemetry", 1_732_363_200

    def register(*readings: tuple[int, int]) -> tuple[str, bytes]:
        return topic, json.dumps([{"n": "volume", "u": "l", "t": swapped_s + t, "v": v} for t, v in readings]).encode()

    # The new register begins at 5 l; what the old one sent an hour before the swap comes last, with a new reading.
    arrive(database, city, [register((-7_200, 1_000)), register((3_600, 5)), register((-3_600, 1_200), (7_200, 25))])
    accept = ("devices", "accept", topic, "--model", "water_meter", "--zone", "north", "--no-replay")
    assert command(database, city, *accept).code == 0
    swap = command(database, city, "devices", "swap", "meter-1", "--from", "2024-11-23T12:00:00Z", "--json")
    assert (swap.code, swap.rows[0]["successor"]) == (0, "meter-1-2"), swap.err
    done = command(database, city, "quarantine", "replay", "--device", "meter-1-2", "--json")
    assert done.rows[0]["accepted"] == 3, "messages with a reading of the new meter, one of the old among them"
    assert replayed(database, city)["accepted"] == 1
    stored, kept = state(database)
    assert kept == []
    assert [(row[0], row[3]) for row in stored] == [
        ("meter-1", 1_000_000), ("meter-1", 1_200_000), ("meter-1-2", 5_000), ("meter-1-2", 25_000),
    ]  # fmt: skip
    with psycopg.connect(database, options="-c search_path=cityvitals") as connection:
        increases = connection.execute("SELECT device, sum(increase) FROM v_window_hour GROUP BY 1 ORDER BY 1")
    assert increases.fetchall() == [("meter-1", Decimal("0.2")), ("meter-1-2", Decimal("0.02"))]

    # What cannot be read is whose its row says, and nobody else's is counted.
    arrive(database, city, [(topic, b"{"), ("cityvitals/testville/nobody/telemetry", b"{")])
    (row,) = command(database, city, "quarantine", "--device", "meter-1-2", "--json").rows
    assert (row["device"], row["reason"]) == ("meter-1-2", "malformed")
    for device, messages in (("meter-1-2", 1), ("meter-1", 0)):
        dry = command(database, city, "quarantine", "replay", "--device", device, "--dry-run", "--json").rows[0]
        assert (dry["messages"], dry["same"], dry["nobody"]) == (messages, messages, 0), device


def test_stations_of_a_feed_and_a_device_of_many_topics_are_each_one_offer_and_one_command(
    database: str, tmp_path: Path
) -> None:
    city = write_city(tmp_path / "city", devices=DEVICES, models={"stations": STATIONS, "split": SPLIT})
    feed = json.dumps({"data": {"stations": [{"id": key, "n": 3} for key in ("종로구, 1", "s/2", "s3")]}}).encode()
    plug = [("plugs/p-1/emeter/0/power", b"12.5"), ("plugs/p-1/emeter/0/voltage", b"230"), ("plugs/p-1/info", b"on")]
    arrive(database, city, [("feeds/stations", feed), *plug])

    offers = {row["topic"]: row for row in command(database, city, "devices", "discover", "--json").rows}
    assert sorted(offers) == ["feeds/stations", "plugs/p-1"]
    assert (offers["plugs/p-1"]["messages"], offers["plugs/p-1"]["topics"]) == (3, [topic for topic, _ in plug])
    assert [one["model"] for one in offers["plugs/p-1"]["models"]][:1] == ["split"]
    best = offers["feeds/stations"]["models"][0]
    assert (best["model"], best["key_column"], best["new_keys"]) == ("stations", "station", ["종로구, 1", "s/2", "s3"])
    said = command(database, city, "devices", "discover")
    assert "names 3 devices, 3 of them new; column station" in said.out, said.err

    accept = ("devices", "accept", "feeds/stations", "--model", "stations", "--zone", "north")
    vague = command(database, city, *accept)
    assert (vague.code, "--key KEY, or take --all" in vague.err) == (2, True), vague.err
    dry = command(database, city, *accept, "--all", "--dry-run", "--json")
    assert [row["line"]["device"] for row in dry.rows] == ["stations-1", "s-2", "s3"], dry.err
    assert (city / "devices.csv").read_text() == DEVICES
    done = command(database, city, *accept, "--key", "s3", "--key", "종로구, 1", "--json")
    assert (done.code, [row["device"] for row in done.rows]) == (0, ["s3", "stations-1"]), done.err
    assert done.rows[0]["replayed"]["accepted"] == 2
    lines = list(csv.DictReader((city / "devices.csv").read_text().splitlines()))
    assert [(line["station"], line["title"]) for line in lines[1:]] == [("s3", ""), ("종로구, 1", "종로구, 1")]

    # Whichever of its topics is named, the device is the one above them.
    one = command(database, city, "devices", "accept", plug[0][0], "--model", "split", "--zone", "south", "--json")
    assert (one.code, one.rows[0]["device"], one.rows[0]["topic"]) == (0, "p-1", "plugs/p-1"), one.err
    assert one.rows[0]["replayed"]["accepted"] == 2
    stored, kept = state(database)
    assert [(row[0], row[1]) for row in stored] == [
        ("p-1", "power"), ("p-1", "voltage"), ("s3", "n"), ("stations-1", "n"),
    ]  # fmt: skip
    assert kept == [("", "unknown_topic")]


def test_the_devices_of_an_edge_node_are_read_by_their_births_and_accepted_together(
    database: str, tmp_path: Path
) -> None:
    city = write_city(tmp_path / "city", devices=DEVICES, models={"node": NODE})
    now_us, model = NOW_US // 1_000 * 1_000 - 60_000_000, load_registry(city).models["node"]
    edge = EdgeNode("plant", "edge", {"boiler": model, "tank": model})
    births = edge.births(now_us, {device: [("Temp", now_us, 21_000)] for device in ("boiler", "tank")})
    data = [edge.data("boiler", now_us, [("Temp", now_us + n * 1_000_000, 22_000)]) for n in range(1, 5)]
    arrive(database, city, [*births, *data])

    offers = {row["topic"]: row for row in command(database, city, "devices", "discover", "--json").rows}
    assert offers["spBv1.0/plant/DDATA/edge/boiler"]["metrics"] == ["Temp"]
    assert [one["model"] for one in offers["spBv1.0/plant/DDATA/edge/boiler"]["models"]] == ["node"]
    accept = ("devices", "accept", "spBv1.0/plant/NDATA/edge", "--model", "node", "--zone", "north", "--all", "--json")
    done = command(database, city, *accept)
    assert [row["device"] for row in done.rows] == ["boiler", "tank"], done.err
    assert done.rows[0]["replayed"]["accepted"] == 6
    assert (command(database, city, *accept).code, state(database)[1]) == (2, [("", "unknown_topic")])
