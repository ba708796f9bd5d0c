"""Bytes become rows whole, wherever the stream is cut and whatever is in it; every message is accounted for."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import REASONS
from ingest import Intake, ProtocolError, packets
from ingest.framing import Framer
from ingest.kernels import frames
from tests.examples import examples
from tests.ingest.messages import NOW_US, framer, pour, publish, readings, registry, small_limits, topic

PACK = b'[{"n":"pm2_5","u":"ug/m3","v":35.25,"t":1732400000},{"n":"no2","v":40}]'
PARK = b'{"counted_at":"2024-11-23T22:13:20Z","cars":5,"spaces":10}'


def reasons(intake: Intake) -> list[tuple[int, str, int]]:
    return [(f.message, REASONS[f.reason], f.readings) for f in intake.faults]


def everything(intakes: list[Intake]) -> list[tuple[bytes | str, ...]]:
    """What intakes hold, without regard to where one ends and the next begins."""
    found: list[tuple[bytes | str, ...]] = []
    for intake in intakes:
        of: dict[int, list[object]] = {m: [] for m in range(intake.message_count)}
        for message, *rest in readings(intake):
            of[message].append(tuple(rest))
        for fault in intake.faults:
            of[fault.message].append((fault.reason, fault.detail, fault.readings))
        found.extend(
            (intake.topic(m), intake.payload(m), str((intake.packet_id[m], intake.qos[m], intake.dup[m], of[m])))
            for m in range(intake.message_count)
        )
    return found


STREAM = [
    publish(topic("air-1"), PACK, 1),
    publish(topic("park-1"), PARK, 2, properties=b"\x01\x01"),
    publish("nobody/here", b"x" * 300, 3, qos=0),
    publish(topic("odd-1"), b'[{"n":"mode","vs":"a"}]', 4, dup=True),
    publish(topic("air-2"), b"y" * 9000, 5),
    publish(topic("air-2"), b"[]", 6),
    publish(topic("air-1"), PACK, 7, retained=True),
    publish(topic("air-1"), PACK, 8, qos=2),
]


def test_a_message_of_each_kind_becomes_what_it_should() -> None:
    intake = pour(framer(), b"".join(STREAM))[0]
    assert intake.packet_ids().tolist() == [1, 2, 4, 5, 6, 7, 8]
    assert intake.device[:8].tolist() == [0, 4, -1, 2, 1, 1, 0, 0]
    assert reasons(intake) == [
        (2, "unknown_topic", 1), (4, "oversized", 1), (5, "empty", 1), (6, "retained", 1),
    ]  # fmt: skip
    pm2_5, no2 = registry().slot("air-1", "pm2_5"), registry().slot("air-1", "no2")
    assert [r[:4] for r in readings(intake) if r[0] == 0] == [
        (0, pm2_5, 1732400000_000000, 35250), (0, no2, NOW_US, 40000),
    ]  # fmt: skip
    assert [r[0] for r in readings(intake)] == [0, 0, 1, 1, 3, 7, 7]
    assert intake.payload(4) == b"y" * 100
    assert intake.topic(2) == "nobody/here"
    assert intake.received_us[:8].tolist() == [NOW_US + i for i in range(8)]


def test_messages_read_in_one_go_have_arrival_times_of_their_own_that_only_rise() -> None:
    made = framer()
    untimed = [publish(topic("air-1"), b'[{"n":"pm2_5","v":%d}]' % value, value + 1) for value in range(5)]
    (intake,) = pour(made, b"".join(untimed[:3]))
    pour(made, untimed[3], received_us=NOW_US - 1_000_000)  # the clock was set back
    pour(made, untimed[4], received_us=NOW_US + 1_000_000)
    times = [time_us for _, _, time_us, _, _ in readings(intake)]
    assert times == [NOW_US, NOW_US + 1, NOW_US + 2, NOW_US + 3, NOW_US + 1_000_000]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_the_stream_may_be_cut_into_pieces_of_any_size(size: int) -> None:
    whole = b"".join(STREAM)
    assert everything(pour(framer(), whole, [size] * (len(whole) // size))) == everything(pour(framer(), whole))


def test_a_frame_may_be_cut_at_every_byte() -> None:
    whole = b"".join(STREAM)
    expected = everything(pour(framer(), whole))
    for at in range(1, len(whole), 1 if len(whole) < 2000 else 13):
        assert everything(pour(framer(), whole, [at])) == expected, at
    small = b"".join(STREAM[:4] + STREAM[5:])
    expected = everything(pour(framer(), small))
    for at in range(1, len(small)):
        assert everything(pour(framer(), small, [at])) == expected, at


@given(st.lists(st.sampled_from(STREAM), max_size=30), st.lists(st.integers(1, 5000), max_size=30), st.data())
@settings(max_examples=examples(200), deadline=None)
def test_however_small_the_intakes_nothing_is_lost_or_doubled(
    stream: list[bytes], sizes: list[int], data: st.DataObject
) -> None:
    whole = b"".join(stream)
    rows = data.draw(st.integers(1, 6))
    cells = data.draw(st.integers(2, 9))
    limits = small_limits(messages_max=rows, readings_max=cells, message_readings_max=2)
    made = framer(limits)
    filled = pour(made, whole, sizes)
    assert everything(filled) == everything(pour(framer(), whole))
    assert all(i.message_count <= rows and i.reading_count <= cells for i in filled)
    for intake in filled:
        counted = {r[0] for r in readings(intake)} | {f.message for f in intake.faults}
        assert counted == set(range(intake.message_count))
    distinct = {packet_id for i in filled for packet_id in i.packet_ids().tolist()}
    assert made.under_way == len(distinct)


def test_an_arena_that_fills_up_moves_on_with_the_rest() -> None:
    one = publish(topic("air-1"), PACK + b" " * 7000, 9)
    filled = pour(framer(), one * 200)
    assert len(filled) > 3
    assert sum(i.message_count for i in filled) == 200
    assert sum(i.reading_count for i in filled) == 400


def test_packets_that_are_no_messages_are_given_back_in_order_and_never_fill_an_intake() -> None:
    made = framer()
    found = []
    for number in range(1000):
        ping = b"\xd0\x00"
        suback = b"\x90\x04" + number.to_bytes(2, "big") + b"\x00\x01"
        data = (ping + suback) * 100
        made.room()[: len(data)] = data
        found.append(made.feed(len(data), NOW_US))
    assert not made.full
    assert [(c.type, c.flags, c.body) for c in found[5][:2]] == [(13, 0, b""), (9, 0, b"\x00\x05\x00\x01")]
    assert {len(f) for f in found} == {200}


def test_a_control_packet_between_messages_keeps_its_place() -> None:
    made = framer()
    data = STREAM[0] + b"\xe0\x02\x8b\x00" + STREAM[1]
    made.room()[: len(data)] = data
    controls = made.feed(len(data), NOW_US)
    assert [c.type for c in controls] == [packets.DISCONNECT]
    assert made.intake is not None
    assert made.intake.message_count == 2


def test_messages_before_bytes_that_are_not_mqtt_are_kept() -> None:
    made = framer()
    data = STREAM[0] + b"\x36\x05\0\1a\0\1"
    made.room()[: len(data)] = data
    with pytest.raises(ProtocolError, match="QoS"):
        made.feed(len(data), NOW_US)
    assert made.intake is not None
    assert made.intake.packet_ids().tolist() == [1]


def oversized(size: int, packet_id: int, properties: bytes = b"") -> bytes:
    return publish(topic("air-1"), b"z" * size, packet_id, properties=properties)


@pytest.mark.parametrize("size", [8192, 50_000, 200_000, 3_000_000])
@pytest.mark.parametrize("piece", [4096, 65_536, 10**7])
def test_an_oversized_message_is_skipped_kept_in_part_and_acknowledged(size: int, piece: int) -> None:
    data = STREAM[0] + oversized(size, 77) + STREAM[1]
    filled = pour(framer(), data, [piece] * (len(data) // piece))
    intake = filled[-1]
    assert sum(i.message_count for i in filled) == 3
    row = intake.packet_id[: intake.message_count].tolist().index(77)
    assert intake.payload(row) == b"z" * 100
    assert intake.topic(row) == topic("air-1")
    assert intake.device[row] == 0
    assert intake.status[row] == frames.OVERSIZE
    fault = next(f for f in intake.faults if f.message == row)
    frame_body = len(oversized(size, 77)) - (3 if size < 16_000 else 4 if size < 2_000_000 else 5)
    assert (REASONS[fault.reason], str(frame_body) in fault.detail) == ("oversized", True)


def test_an_oversized_message_with_properties_longer_than_its_head_has_an_empty_payload() -> None:
    properties = b"".join(b"\x26\0\1k\xff\x00" + b"v" * 0xFF00 for _ in range(3))
    intake = pour(framer(), oversized(10, 5, properties))[-1]
    assert (intake.message_count, intake.payload(0), intake.packet_ids().tolist()) == (1, b"", [5])


def test_an_oversized_message_waits_for_room_in_the_next_intake() -> None:
    filled = pour(framer(small_limits(messages_max=1)), STREAM[0] + oversized(9000, 2) + oversized(300_000, 3))
    assert [i.packet_ids().tolist() for i in filled if i.message_count] == [[1], [2], [3]]


def test_a_message_cut_off_by_the_end_of_a_connection_is_forgotten() -> None:
    made = framer()
    pour(made, STREAM[0] + STREAM[1][:20])
    made.end()
    made.begin(2, packets.MQTT_5)
    assert made.full  # what came before belongs to the old connection
    former = made.intake
    assert former is not None
    assert (former.epoch, former.message_count) == (1, 1)
    fresh = Intake(made.limits)
    made.attach(fresh)
    assert (fresh.epoch, fresh.filled) == (2, 0)
    pour(made, STREAM[1])
    assert fresh.packet_ids().tolist() == [2]


def test_a_message_half_skipped_at_the_end_of_a_connection_is_forgotten() -> None:
    made = framer()
    pour(made, oversized(200_000, 5)[:150_000])
    made.end()
    made.begin(2, packets.MQTT_5)
    intake = pour(made, STREAM[1])[-1]
    assert (intake.epoch, intake.packet_ids().tolist(), intake.faults) == (2, [2], [])


def test_mqtt_3_1_1_has_no_properties() -> None:
    intake = pour(framer(protocol=packets.MQTT_311), publish(topic("air-1"), PACK, 5, properties=None))[0]
    assert (intake.payload(0), intake.reading_count) == (PACK, 2)


def account(made: Framer, data: bytes) -> tuple[int, int, bool]:
    """Feed until the end or an error; returns messages, accounted messages and whether the stream was refused."""
    intakes: list[Intake] = []
    refused = False
    try:
        intakes = pour(made, data)
    except ProtocolError:
        refused = True
        assert made.intake is not None
        intakes = [made.intake]
    total = accounted = 0
    for intake in intakes:
        total += intake.message_count
        accounted += len({r[0] for r in readings(intake)} | {f.message for f in intake.faults})
        assert all(f.readings >= 1 and 0 <= f.reason < len(REASONS) for f in intake.faults)
    return total, accounted, refused


@pytest.mark.parametrize("seed", range(5))
def test_damaged_and_random_payloads_are_all_accounted_for(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable is what matters
    stream = bytearray()
    for number in range(2000):
        device = chance.choice(["air-1", "odd-1", "meter-1", "park-1"])
        payload = bytearray(PARK if device == "park-1" else PACK)
        if chance.random() < 0.3:
            payload = bytearray(chance.randbytes(chance.randrange(200)))
        for _ in range(chance.randrange(4)):
            if payload:
                payload[chance.randrange(len(payload))] = chance.randrange(256)
        name = topic(device) if chance.random() < 0.95 else chance.randbytes(5)
        stream += publish(name, bytes(payload), number % 65535 + 1, qos=chance.randrange(3))
    made = framer()
    total, accounted, refused = account(made, bytes(stream))
    assert (total, accounted, refused) == (2000, 2000, False)
    assert made.counters.codec_errors == 0
    assert made.counters.messages == 2000


@pytest.mark.parametrize("seed", range(5))
def test_damaged_frames_end_the_connection_or_are_accounted_for(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable is what matters
    refusals = 0
    for _ in range(1000):
        stream = bytearray(b"".join(chance.choices(STREAM[:4] + STREAM[5:], k=chance.randrange(1, 6))))
        for _ in range(chance.randrange(1, 5)):
            stream[chance.randrange(len(stream))] = chance.randrange(256)
        if chance.random() < 0.2:
            stream = bytearray(chance.randbytes(chance.randrange(400)))
        total, accounted, refused = account(framer(small_limits(bytes_max=170_000)), bytes(stream))
        assert total == accounted
        refusals += refused
    assert refusals > 50
