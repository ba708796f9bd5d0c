"""Control packets are the bytes that the MQTT standards say, and broken ones are refused, never misread."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import ProtocolError, packets
from tests.examples import examples


def test_connect_asks_for_a_persistent_session() -> None:
    data = packets.connect(packets.MQTT_5, "gw", 30, 3600, 20_000, "ann", "secret")
    assert data == (
        b"\x10\x24" b"\x00\x04MQTT\x05" b"\xc0" b"\x00\x1e"  # user name and password, no clean start, 30 s
        b"\x08" b"\x11\x00\x00\x0e\x10" b"\x21\x4e\x20"  # session expiry 3600 s, receive maximum 20000
        b"\x00\x02gw" b"\x00\x03ann" b"\x00\x06secret"
    )  # fmt: skip


def test_connect_of_3_1_1_has_no_properties() -> None:
    data = packets.connect(packets.MQTT_311, "gw", 30, 3600, 20_000)
    assert data == b"\x10\x0e\x00\x04MQTT\x04\x00\x00\x1e\x00\x02gw"


def test_subscribe_asks_for_qos_1_and_for_retained_messages_only_when_it_is_new() -> None:
    assert packets.subscribe(packets.MQTT_5, 7, ["a/+", "b"]) == b"\x82\x0d\x00\x07\x00\x00\x03a/+\x11\x00\x01b\x11"
    assert packets.subscribe(packets.MQTT_311, 7, ["a/+"]) == b"\x82\x08\x00\x07\x00\x03a/+\x01"


def test_unsubscribe_names_the_filters() -> None:
    assert packets.unsubscribe(packets.MQTT_5, 40_000, ["a/+", "b"]) == b"\xa2\x0b\x9c\x40\x00\x00\x03a/+\x00\x01b"
    assert packets.unsubscribe(packets.MQTT_311, 7, ["a/+"]) == b"\xa2\x07\x00\x07\x00\x03a/+"


def test_the_short_packets() -> None:
    assert packets.PINGREQ == b"\xc0\x00"
    assert packets.pubcomp(258) == b"\x70\x02\x01\x02"
    assert packets.disconnect(packets.MQTT_5) == packets.disconnect(packets.MQTT_311) == b"\xe0\x00"
    assert packets.disconnect(packets.MQTT_5, 0x81) == b"\xe0\x01\x81"


@given(st.integers(0, 268_435_455))
def test_a_length_is_read_as_it_was_written(value: int) -> None:
    data = packets.varint(value)
    assert packets.parse_varint(b"x" + data + b"y", 1) == (value, 1 + len(data))
    assert len(data) == sum(value >= 128**k for k in range(4)) or value == 0


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff\xff\xff\xff\x01"])
def test_a_length_without_end_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="variable byte integer"):
        packets.parse_varint(data, 0)


def test_connack_carries_the_brokers_conditions() -> None:
    properties = b"\x13\x00\x05\x24\x00\x1f\x00\x04busy\x26\x00\x01a\x00\x01b\x27\x00\x00\xff\xff"
    answer = packets.parse_connack(b"\x01\x89" + bytes([len(properties)]) + properties, packets.MQTT_5)
    assert answer == packets.ConnectAnswer(True, 0x89, "server busy (busy)", 5, 0)


def test_connack_of_3_1_1_is_told_in_words_also_when_5_was_asked() -> None:
    assert packets.parse_connack(b"\x00\x05", packets.MQTT_311).words == "not authorized"
    answer = packets.parse_connack(b"\x00\x01", packets.MQTT_5)
    assert answer.code in packets.UNSUPPORTED_VERSION
    assert answer.words == "unsupported protocol version"


def test_suback_has_a_code_per_filter() -> None:
    assert packets.parse_suback(b"\x00\x07\x00\x01\x87", packets.MQTT_5) == packets.SubscribeAnswer(7, (1, 0x87))
    assert packets.parse_suback(b"\x00\x07\x05\x1f\x00\x02no\x80", packets.MQTT_5).codes == (0x80,)
    assert packets.parse_suback(b"\x00\x07\x01\x80", packets.MQTT_311).codes == (1, 0x80)


def test_the_brokers_farewell_is_told_in_words() -> None:
    assert packets.parse_disconnect(b"") == (0, "success")
    assert packets.parse_disconnect(b"\x8e") == (packets.TAKEN_OVER, "session taken over")
    assert packets.parse_disconnect(b"\x8b\x07\x1f\x00\x04bye!") == (0x8B, "server shutting down (bye!)")
    assert packets.parse_disconnect(b"\xf0") == (0xF0, "unknown reason code 0xf0")


@pytest.mark.parametrize(
    "body",
    [b"", b"\2\0\0", b"\0\x80\5", b"\0\x80\1\x7f", b"\0\x80\2\x13\0", b"\0\x80\3\x1f\0\x09", b"\0\x80\4\x13\0\5\x24"],
)
def test_a_broken_connack_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        packets.parse_connack(body, packets.MQTT_5)


@pytest.mark.parametrize("body", [b"\0", b"\0\x07\0", b"\0\x07\x09\1"])
def test_a_broken_suback_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        packets.parse_suback(body, packets.MQTT_5)


@given(st.binary(max_size=40), st.sampled_from([packets.MQTT_5, packets.MQTT_311]))
@settings(max_examples=examples(500))
def test_random_answers_are_read_or_refused(body: bytes, protocol: int) -> None:
    for read in (
        lambda: packets.parse_connack(body, protocol), lambda: packets.parse_suback(body, protocol),
        lambda: packets.parse_disconnect(body), lambda: packets.parse_pubrel(body),
    ):  # fmt: skip
        try:
            answer: object = read()
        except ProtocolError as error:  # anything else fails the test
            answer = error.expected
        assert isinstance(answer, packets.ConnectAnswer | packets.SubscribeAnswer | tuple | int | str)
