"""Kernels over MQTT bytes equal their slow twins, compiled and interpreted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.kernels import frames
from tests.examples import examples
from tests.ingest import oracle_frames
from tests.ingest.messages import publish, routing, topic, varint

ROWS = 6
COMPILED = pytest.mark.parametrize("python", [False, True], ids=["compiled", "interpreted"])

publishes = st.builds(
    publish,
    st.sampled_from(["a", topic("air-1"), "ü/µ", "t" * 200]),
    st.binary(max_size=60),
    st.integers(1, 65535),
    qos=st.integers(0, 2),
    retained=st.booleans(),
    dup=st.just(False),
    properties=st.sampled_from([b"", b"\x01\x01", b"\x26\0\1a\0\1b", b"\x08\0\xa0" + b"r" * 160]),
)
controls = st.builds(
    lambda kind, body: bytes([kind << 4]) + varint(len(body)) + body, st.integers(0, 15), st.binary(max_size=300)
)
broken = st.sampled_from(
    [
        b"\x32\xff\xff\xff\xff\x01",  # a remaining length of five bytes
        b"\x36\x05\0\1a\0\1",  # QoS 3
        b"\x38\x04\0\1a\0",  # DUP at QoS 0
        b"\x32\x05\0\0\0\1\0",  # an empty topic
        b"\x32\x05\0\x09a\0\1",  # a topic longer than its packet
        b"\x32\x06\0\1a\0\0\0",  # packet id 0
        b"\x32\x04\0\1a\0",  # half a packet id
        b"\x32\x06\0\1a\0\1\x05",  # properties beyond the end
        b"\x32\x0a\0\1a\0\1\xff\xff\xff\xff\x01",  # a property length of five bytes
        b"\x30\x00",
        b"\x30\x01\x00",
        b"\x20\xff\xff\x7f",  # an answer of two megabytes
        b"\x32\x80",
        b"\x32",
    ]
)
streams = st.lists(st.one_of(publishes, publishes, controls, broken, st.binary(max_size=8)), max_size=8).map(b"".join)


def scan(data: bytes, at: int, end: int, row: int, mqtt_5: bool, frame_bytes_max: int, *, python: bool) -> Any:
    columns = [
        np.zeros(ROWS, kind)
        for kind in (np.int32, np.uint16, np.uint8, np.bool_, np.bool_, np.int32, np.int32, np.int32, np.int32)
    ]
    kernel: Callable[..., Any] = frames.scan.py_func if python else frames.scan
    array = np.frombuffer(data, np.uint8).copy()
    answer = kernel(array, at, end, row, mqtt_5, frame_bytes_max, *columns)
    found = [
        oracle_frames.Message(a, i, q, r, d, (ta, ts), (pa, ps))
        for a, i, q, r, d, ta, ts, pa, ps in zip(*(c[row : answer[1]].tolist() for c in columns), strict=True)
    ]
    return found, tuple(map(int, answer))


@COMPILED
@given(streams, st.booleans(), st.integers(0, ROWS), st.sampled_from([20, 100, 1000]), st.data())
@settings(max_examples=examples(400), deadline=None)
def test_frames_are_found_as_the_slow_twin_finds_them(
    python: bool, stream: bytes, mqtt_5: bool, row: int, frame_bytes_max: int, data: st.DataObject
) -> None:
    end = data.draw(st.integers(0, len(stream)), label="end")
    at = data.draw(st.integers(0, end), label="start") if data.draw(st.booleans()) else 0
    expected = oracle_frames.scan(stream, at, end, row, ROWS, mqtt_5, frame_bytes_max)
    assert scan(stream, at, end, row, mqtt_5, frame_bytes_max, python=python) == expected


def test_every_kind_of_malformed_frame_is_told_apart() -> None:
    cases = {
        b"\x32\xff\xff\xff\xff\x01": frames.BAD_LENGTH,
        b"\x36\x05\0\1a\0\1": frames.BAD_QOS,
        b"\x32\x05\0\0\0\1\0": frames.BAD_TOPIC,
        b"\x32\x06\0\1a\0\0\0": frames.BAD_PACKET_ID,
        b"\x32\x06\0\1a\0\1\x05": frames.BAD_PROPERTIES,
        b"\x20\xff\xff\x7f": frames.BAD_CONTROL,
    }
    for data, detail in cases.items():
        assert scan(data, 0, len(data), 0, True, 1000, python=False) == ([], (0, 0, frames.MALFORMED, detail))
    assert set(cases.values()) == set(frames.FAULTS)


@COMPILED
@given(st.lists(st.sampled_from(["air-1", "odd-1", "park-1", None]), max_size=ROWS), st.data())
@settings(max_examples=examples(100), deadline=None)
def test_a_topic_finds_its_device_and_no_other(python: bool, devices: list[str | None], data: st.DataObject) -> None:
    table = routing()
    strange = st.one_of(
        st.text(min_size=1, max_size=60),
        st.sampled_from([topic("air-1")[:-1], topic("air-1") + "x", topic("air-1").replace("air-1", "air-3")]),
    )
    topics = [
        topic(d) if d else data.draw(strange.filter(lambda t: t not in map(topic, table.devices))) for d in devices
    ]
    pieces = [t.encode("utf-8", "replace") for t in topics]
    ends = np.cumsum([0, *map(len, pieces)])
    device, status = np.full(len(pieces), 99, np.int32), np.full(len(pieces), 99, np.uint8)
    retained = np.array([i % 3 == 2 for i in range(len(pieces))], np.bool_)
    kernel = frames.route.py_func if python else frames.route
    with np.errstate(over="ignore"):  # the hash wraps around, as it should
        kernel(
            np.frombuffer(b"".join(pieces) + b"\0", np.uint8).copy(), 0, len(pieces), ends[:-1].astype(np.int32),
            np.diff(ends).astype(np.int32), retained, table.table, table.topics, table.topic_at, device, status,
        )  # fmt: skip
    assert device.tolist() == [table.devices.index(d) if d else -1 for d in devices]
    wanted = [
        frames.RETAINED if r else frames.SLOW if d else frames.UNROUTED for d, r in zip(devices, retained, strict=True)
    ]
    assert status.tolist() == wanted


def test_a_table_of_many_topics_holds_every_one() -> None:
    names = [f"city/{i}/telemetry".encode() for i in range(20_000)]
    text = np.frombuffer(b"".join(names), np.uint8).copy()
    ends = np.cumsum([0, *map(len, names)], dtype=np.int64)
    table = np.full(65_536, -1, np.int32)
    frames.fill_table(text, ends, table)
    device, status = np.full(20_000, -1, np.int32), np.zeros(20_000, np.uint8)
    frames.route(
        text, 0, 20_000, ends[:-1].astype(np.int32), np.diff(ends).astype(np.int32), np.zeros(20_000, np.bool_),
        table, text, ends, device, status,
    )  # fmt: skip
    assert device.tolist() == list(range(20_000))


@COMPILED
def test_only_what_is_under_way_is_acknowledged_and_only_once(python: bool) -> None:
    level = np.zeros(65_536, np.uint8)
    mark = frames.mark_under_way.py_func if python else frames.mark_under_way
    write = frames.write_acknowledgements.py_func if python else frames.write_acknowledgements
    packet_id = np.array([7, 0, 65535, 300], np.uint16)
    qos = np.array([1, 0, 1, 2], np.uint8)
    assert mark(packet_id, qos, 0, 4, level) == 3
    assert mark(packet_id, qos, 0, 1, level) == 0
    out = np.zeros(40, np.uint8)
    count = write(np.array([300, 7, 5, 7, 65535], np.uint16), level, out)
    assert bytes(out[: 4 * count]) == b"\x50\x02\x01\x2c" + b"\x40\x02\x00\x07" + b"\x40\x02\xff\xff"
    assert write(np.array([300, 7, 65535], np.uint16), level, out) == 0
