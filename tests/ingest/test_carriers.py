"""Messages of several devices: routed to their carrier, read as readings of each, counted and heard for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import deploy
from devices import REASONS, TIME_MIN_US, Carried, PayloadError, Reading, Registry, load_registry
from devices.codecs import Decoded
from engine.store import QuarantineRow
from ingest import Intake, Routing, build_routing, routes
from ingest.admission import AdmissionLimits
from ingest.commits import Commits
from ingest.framing import Framer
from ingest.gateway import heard_in
from ingest.strangers import SINGLY_MAX
from tests.deploy.clients import Client, wait_for
from tests.devices.cities import write_city
from tests.devices.test_feeds import BIKES, PLUG
from tests.ingest.harness import Running
from tests.ingest.messages import NOW_US, framer, pour, publish, readings, registry, small_limits, topic

FED = "device,model,zone\nb1,bikes,north\nb2,bikes,north\nplug-1,plug,south\n"
FED_MODELS = {"bikes": BIKES, "plug": PLUG}
BUS, KNOWN, UNLISTED = "bus/+/line", "bus/1/line", "bus/2/line"


def triples(line: bytes) -> list[tuple[int, ...]]:
    numbers = [int(word) for word in line.split()] if line[:1].isdigit() else []
    return [tuple(numbers[at : at + 3]) for at in range(0, len(numbers), 3)]


class Bus:
    """A carrier of `air-1` and `air-2`: a line is `device field ticks` for each reading, or a word."""

    devices = (0, 1)
    topics = (KNOWN,)
    filters = (BUS,)

    def __init__(self, _registry: Registry | None = None) -> None:
        self.seen: list[tuple[str, bytes]] = []
        self.wanted: list[tuple[str, bytes]] = []

    def decode(self, topic: str, payload: bytes, received_us: int) -> list[Carried]:
        self.seen.append((topic, payload))
        if payload == b"refuse":
            raise PayloadError("malformed", "no line")
        if payload == b"stranger":
            raise PayloadError("unknown_device", "nobody has this")
        if payload == b"fail":
            raise ZeroDivisionError
        if payload == b"ask":
            self.wanted.append(("bus/command", b"again"))
        found: dict[int, Decoded] = {}
        for device, field, ticks in triples(payload):
            decoded = found.setdefault(device, Decoded())
            if ticks < 0:
                decoded.refuse("not_a_number", "below nothing", 2)
            else:
                decoded.readings.append(Reading(field, received_us - 1000 - ticks, ticks, 0))
        return [Carried(*each) for each in found.items()]

    def commands(self) -> list[tuple[str, bytes]]:
        wanted, self.wanted = self.wanted, []
        return wanted


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Routing:
    monkeypatch.setattr(routes, "carriers", lambda registry: (Bus(registry),))
    return build_routing(registry())


@pytest.fixture
def made(tables: Routing) -> Framer:
    return framer(tables=tables)


def bus(made: Framer) -> Bus:
    carrier = made.decoder.routing.carriers[0]
    assert isinstance(carrier, Bus)
    return carrier


def slot(device: int, field: int) -> int:
    return registry().slots(device).start + field


def faults(intake: Intake) -> list[tuple[int, str, int, int]]:
    return [(f.message, REASONS[f.reason], f.readings, f.device) for f in intake.faults]


def test_one_message_gives_readings_and_faults_of_several_devices(made: Framer) -> None:
    [intake] = pour(made, publish(KNOWN, b"0 0 5 1 1 7 0 1 6 1 0 -1"))
    assert [row[:2] + row[3:4] for row in readings(intake)] == [
        (0, slot(0, 0), 5), (0, slot(0, 1), 6), (0, slot(1, 1), 7),
    ]  # fmt: skip
    assert faults(intake) == [(0, "not_a_number", 2, 1)]
    assert made.counters.readings == 3


def test_a_topic_that_only_its_filter_takes_goes_to_the_carrier_and_others_do_not(made: Framer) -> None:
    [intake] = pour(made, publish(UNLISTED, b"0 0 5") + publish("bus/line", b"0 0 5") + publish(topic("air-1"), b"[]"))
    assert bus(made).seen == [(UNLISTED, b"0 0 5")]
    assert len(readings(intake)) == 1
    # The carrier has the topic of its devices: nobody listens there.
    assert [reason for _, reason, _, _ in faults(intake)] == ["unknown_topic", "unknown_device"]


def test_a_message_that_says_nothing_is_no_fault_and_one_that_cannot_be_read_is(made: Framer) -> None:
    [intake] = pour(made, b"".join(publish(KNOWN, word) for word in (b"hello", b"refuse", b"fail")))
    assert faults(intake) == [(1, "malformed", 1, -1), (2, "malformed", 1, -1)]
    assert made.counters.codec_errors == 1


def test_a_decoder_that_fails_again_and_again_fills_no_log(made: Framer, caplog: pytest.LogCaptureFixture) -> None:
    pour(made, publish(KNOWN, b"fail") * 3)
    assert made.counters.codec_errors == 3
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "ZeroDivisionError" in caplog.text


def test_devices_that_nobody_registered_cannot_fill_the_quarantine_through_a_carrier(made: Framer) -> None:
    [intake] = pour(made, publish(UNLISTED, b"stranger") * (SINGLY_MAX + 5))
    assert [reason for _, reason, _, _ in faults(intake)] == ["unknown_device"] * (SINGLY_MAX + 1)
    assert sum(fault.readings for fault in intake.faults) == SINGLY_MAX + 5
    assert made.counters.unrouted_folded == 4


def test_more_readings_than_allowed_are_refused_together(tables: Routing) -> None:
    made = framer(small_limits(message_readings_max=2), tables=tables)
    [intake] = pour(made, publish(KNOWN, b"0 0 5 1 1 7 0 1 6 1 0 -1"))
    assert readings(intake) == []
    assert faults(intake) == [(0, "too_many", 5, -1)]


@pytest.mark.parametrize("room", [7, 8, 9, 10, 13])
def test_without_room_a_message_waits_for_the_next_intake_and_all_stay_in_order(tables: Routing, room: int) -> None:
    made = framer(small_limits(readings_max=room, message_readings_max=4), tables=tables)
    other = b'[{"n":"power","v":1},{"n":"power","v":2,"t":-1}]'
    name = registry().models["electricity_meter"].fields[0].name.encode()
    stream = b""
    for number in range(30):
        stream += publish(KNOWN, b"0 0 %d 1 1 %d 0 1 1" % (number + 1, number + 1))
        stream += publish(topic("meter-1"), other.replace(b"power", name).replace(b"1}", b"%d}" % number))
    intakes = pour(made, stream)
    rows = [row for intake in intakes for row in readings(intake)]
    assert len(rows) == 30 * 5
    assert [row[3] for row in rows if row[1] == slot(0, 0)] == list(range(1, 31))
    assert [row[3] for row in rows if row[1] == slot(1, 1)] == list(range(1, 31))
    assert sum(len(intake.carried) for intake in intakes) == 60
    assert not any(intake.faults for intake in intakes)


def test_every_device_of_a_message_is_heard_in_order_of_arrival(made: Framer) -> None:
    stream = publish(topic("meter-1"), b"x") + publish(KNOWN, b"1 0 3 0 0 5 1 1 1") + publish(topic("park-1"), b"x")
    stream += publish(KNOWN, b"0 0 -1") + publish(KNOWN, b"1 0 1", retained=True) + publish(KNOWN, b"hello")
    [intake] = pour(made, stream)
    heard = heard_in(intake, len(registry().devices))
    assert heard.device.tolist() == [3, 1, 0, 4, 0]
    assert heard.device.dtype == np.int32
    arrived = [NOW_US, NOW_US + 1, NOW_US + 1, NOW_US + 2, NOW_US + 3]
    assert heard.received_us.tolist() == arrived
    own = NOW_US + 1 - 1000
    assert heard.newest_us.tolist() == [TIME_MIN_US, own - 1, own - 5, TIME_MIN_US, TIME_MIN_US]


def test_an_oversized_message_of_a_carrier_is_nobodys(tables: Routing) -> None:
    made = framer(tables=tables)
    [intake] = pour(made, publish(KNOWN, b"x" * 9000))
    assert faults(intake) == [(0, "oversized", 1, -1)]
    assert len(heard_in(intake, len(registry().devices))) == 0


def test_what_is_refused_later_is_told_of_the_device_whose_reading_it_is(made: Framer) -> None:
    field, measurand = next(
        (at, m)
        for at, sent in enumerate(registry().models["air_station"].fields)
        if (m := registry().catalogue.by_code[sent.measurand]).high_ticks < 10**9
    )
    [intake] = pour(made, publish(KNOWN, b"1 %d %d 0 %d 5" % (field, measurand.high_ticks + 1, field)))

    def row(message: int, device: int, reason: str, detail: str, count: int) -> QuarantineRow:
        code = registry().devices[device].code
        return QuarantineRow(0, reason, str(message), code, detail, count, b"", 0)

    wanted = Commits(registry(), AdmissionLimits(), "test", 0).wanted(intake, row, 0)
    assert [(r.reason, r.device) for r in wanted.refused] == [("out_of_range", "air-2")]
    assert len(wanted.batch) == 1


def test_subscriptions_cover_what_carriers_answer_for_and_not_what_their_devices_would_have_sent(
    tables: Routing,
) -> None:
    assert BUS in tables.subscriptions
    assert KNOWN not in tables.subscriptions
    assert registry().topic(registry().devices[4]) not in tables.subscriptions  # by its pattern, as before


def test_two_carriers_or_a_carrier_and_a_device_with_one_topic_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "carriers", lambda _: (Bus(), Bus()))
    with pytest.raises(ValueError, match="a carrier of several devices have the same topic bus/1/line"):
        build_routing(registry())
    taken = Bus()
    taken.topics = (topic("park-1"),)  # type: ignore[assignment]
    monkeypatch.setattr(routes, "carriers", lambda _: (taken,))
    with pytest.raises(ValueError, match="device park-1 and a carrier of several devices"):
        build_routing(registry())


def test_a_feed_and_topics_of_fields_reach_the_series_of_their_devices(tmp_path: Path) -> None:
    city = load_registry(write_city(tmp_path, devices=FED, models=FED_MODELS))
    made = framer(tables=build_routing(city))
    stream = publish("feeds/north", b'{"stations":[{"id":"b2","bikes":3},{"id":"b1","bikes":4}]}')
    stream += publish("plugs/plug-1/emeter/0/power", b"5") + publish("plugs/plug-9/emeter/0/power", b"5")
    stream += publish("plugs/plug-1", b"on") + publish("feeds/north", b'{"stations":[{"id":"b9"}]}')
    [intake] = pour(made, stream)
    bikes = [city.slot(code, "bikes") for code in ("b2", "b1")]
    plug = [city.slot("plug-1", name) for name in ("power", "on")]
    assert [row[1::2] for row in readings(intake)] == [
        (bikes[0], 3), (bikes[1], 4), (plug[0], 5000), (plug[1], 1),
    ]  # fmt: skip
    assert faults(intake) == [(2, "unknown_device", 1, -1), (4, "unknown_device", 1, -1)]
    assert set(made.decoder.routing.subscriptions) == {
        "feeds/north", "plugs/+", "plugs/+/emeter/0/power", "plugs/+/emeter/0/voltage",
    }  # fmt: skip


@pytest.fixture
def listener(broker: deploy.Broker) -> Iterator[Client]:
    client = Client(broker.url, subscribe="bus/command")
    yield client
    client.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_what_a_carrier_wants_published_goes_out_once_over_the_session(
    broker: deploy.Broker, listener: Client, tables: Routing, protocol: str
) -> None:
    with Running(broker.url, tables=tables, protocol=protocol) as running:
        running.ready()
        listener.publish(KNOWN, [b"ask", b"0 0 5"])
        wait_for(lambda: bool(listener.received), "the command")
        running.messages(2)
        assert [payload for payload, _ in listener.received] == [b"again"]
        assert (running.session.counters.commands, running.session.counters.commands_dropped) == (1, 0)
