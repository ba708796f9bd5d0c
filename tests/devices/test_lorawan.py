"""What each network server says of an uplink, and what becomes of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import PayloadError, codec, load_models, rfc3339
from devices.batch import FLAG_TIME_FROM_ARRIVAL
from devices.codecs.base import TIME_MAX_US
from devices.codecs.networks.base import CLOCK_SET_US
from devices.codecs.payloads import PAYLOADS
from devices.models import DeviceModel
from devices.payloads import NETWORKS, payload_options
from tests.devices.make import RECEIVED_US, decoded, faults_of, model
from tests.examples import examples


def can_encode(found: DeviceModel) -> bool:
    """Return whether a model's decoder has a way back."""
    return PAYLOADS[payload_options(found.options).decoder].encode is not None


def lorawan(payload: str, fields: str, more: str = "") -> DeviceModel:
    """Return a model of codec lorawan."""
    return model(f'title = "t"\ncodec = "lorawan"\ninterval_s = 600\n{more}\n[payload]\n{payload}\n{fields}')


TEMPERATURE = '[[field]]\nname = "temperature_1"\nmeasurand = "temperature"\nunit = "Cel"\n'
CAYENNE = lorawan('decoder = "cayenne-lpp"', TEMPERATURE)
NETWORK = lorawan('decoder = "network"', TEMPERATURE)
NORMALIZED = lorawan(
    'decoder = "normalized"',
    '[[field]]\nname = "t"\npath = "air.temperature"\nmeasurand = "temperature"\nunit = "Cel"\n',
    'each = "measurements"\n[time]\npath = "time"\nformat = "rfc3339"\nrequired = false\n',
)
BYTES = model(
    'title = "t"\ncodec = "bytes"\ninterval_s = 600\n[payload]\ndecoder = "cayenne-lpp"\n' + TEMPERATURE,
)
WITH_STATUS = lorawan(
    'decoder = "network"',
    TEMPERATURE + '[[field]]\nname = "battery"\npath = "$.batteryLevel"\nmeasurand = "battery"\nunit = "%"\n',
)
FUZZED = [CAYENNE, NETWORK, NORMALIZED, WITH_STATUS, BYTES]
UPLINK = {
    "end_device_ids": {"device_id": "box-1", "dev_addr": "20000001"},
    "received_at": "2024-03-09T16:00:01.112483370Z",
    "uplink_message": {
        "session_key_id": "AYfg8rhha5n+FWx0ZaAprA==",
        "f_port": 8,
        "f_cnt": 113,
        "frm_payload": "AWcA1w==",
        "decoded_payload": {"temperature_1": 21.5},
        "rx_metadata": [{"time": "2024-03-09T15:59:59Z"}, {"time": "1970-01-01T00:00:07Z"}],
        "received_at": "2024-03-09T16:00:00.906399500Z",
    },
}
OTHERS = {
    "chirpstack-v4": {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": "2024-03-09T16:00:00.906399500+00:00",
        "deviceInfo": {"devEui": "0101010101010101"},
        "devAddr": "00189440",
        "fPort": 8,
        "data": "AWcA1w==",
        "object": {"temperature_1": 21.5},
        "rxInfo": [{"gatewayId": "0016c001f153a14c", "nsTime": "2024-03-09T16:00:01+00:00"}],
    },
    "chirpstack-v3": {
        "applicationID": "123",
        "devEUI": "AgICAgICAgI=",
        "rxInfo": [
            {"time": None, "timeSinceGPSEpoch": None},
            {"time": "2024-03-09T16:00:02Z"},
            {"time": "2024-03-09T16:00:00.906399500Z"},
        ],
        "fCnt": 10,
        "fPort": 8,
        "data": "AWcA1w==",
        "objectJSON": '{"temperature_1": 21.5}',
    },
    "chirpstack-v3, legacy": {
        "applicationID": "123",
        "devEUI": "0202020202020202",
        "rxInfo": [{"time": "2024-03-09T16:00:00.906399500Z"}],
        "fCnt": 10,
        "fPort": 8,
        "data": "AWcA1w==",
        "object": {"temperature_1": 21.5},
    },
    "milesight-gateway": {
        "applicationID": 1,
        "devEUI": "24e1240000000001",
        "time": "2024-0309T16:00:00.906400Z",
        "fCnt": 0,
        "fPort": 8,
        "data": "AWcA1w==",
        "object": {"temperature_1": 21.5},
    },
    "loriot": {
        "cmd": "rx",
        "EUI": "1000000000000001",
        "ts": 1710000000906.4,
        "fcnt": 2,
        "port": 8,
        "data": "016700D7",
        "decoded": {"temperature_1": 21.5},
    },
    "thingpark": {
        "DevEUI_uplink": {
            "Time": "2024-03-09T17:00:00.9064+01:00",
            "DevEUI": "70B3D57BA0000000",
            "FPort": "8",
            "FCntUp": "26",
            "payload_hex": "016700d7",
            "payload": {"temperature_1": 21.5},
        }
    },
}
SEEDS = [
    json.dumps(UPLINK).encode(),
    *(json.dumps(message).encode() for message in OTHERS.values()),
    b'{"result":{"uplink_message":{"frm_payload":"AWcA1w==","normalized_payload":[{"air":{"temperature":2}}]}}}',
]
AT_US = 1_710_000_000_906_400  # half a microsecond goes to the even one


def up(**changes: object) -> dict[str, object]:
    """Return the uplink with members of its inner message changed, or left out where None."""
    inner = {**UPLINK["uplink_message"], **changes}  # type: ignore[dict-item]
    return {**UPLINK, "uplink_message": {name: value for name, value in inner.items() if value is not None}}


@pytest.mark.parametrize("device_model", [CAYENNE, NETWORK])
def test_bytes_and_decoded_values_say_the_same_at_the_network_servers_time(device_model: DeviceModel) -> None:
    assert decoded(device_model, UPLINK) == ([("temperature_1", AT_US, 21_500, 0)], [])
    assert decoded(device_model, {"result": UPLINK}) == ([("temperature_1", AT_US, 21_500, 0)], [])


@pytest.mark.parametrize("network", OTHERS)
@pytest.mark.parametrize("device_model", [CAYENNE, NETWORK])
def test_one_model_reads_the_envelope_of_every_network(device_model: DeviceModel, network: str) -> None:
    assert decoded(device_model, OTHERS[network]) == ([("temperature_1", AT_US, 21_500, 0)], [])


def test_a_time_stands_in_for_the_one_that_is_missing_or_of_a_clock_not_set() -> None:
    def time_of(message: object) -> tuple[str, int]:
        ((_, time_us, _, flags),), _ = decoded(CAYENNE, message)
        return rfc3339(time_us), flags

    server = up(received_at="1980-01-06T00:00:12Z")
    assert time_of(server) == ("2024-03-09T16:00:01.112483Z", 0)
    gateway = {**server, "received_at": None}
    assert time_of(gateway) == ("2024-03-09T15:59:59.000000Z", 0)
    nobody = {**gateway, "uplink_message": up(received_at=None, rx_metadata=None)["uplink_message"]}
    assert time_of(nobody) == (rfc3339(RECEIVED_US), FLAG_TIME_FROM_ARRIVAL)


def test_normalized_measurements_keep_their_own_times() -> None:
    message = up(
        normalized_payload=[{"time": "2024-03-09T15:50:00Z", "air": {"temperature": 20}}, {"air": {"temperature": 21}}]
    )
    assert decoded(NORMALIZED, message) == (
        [("t", 1_709_999_400_000_000, 20_000, 0), ("t", AT_US, 21_000, 0)],
        [],
    )


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (up(frm_payload=None), "The Things Stack: an uplink without payload"),
        ({"join_accept": {"received_at": "2024-03-09T16:00:00Z"}}, 'The Things Stack: a message of kind "join_accept"'),
        ({"deviceInfo": {}, "devAddr": "00189440"}, 'ChirpStack v4: a message of kind "join"'),
        ({"deviceInfo": {}, "margin": 10, "batteryLevel": 88.3}, 'ChirpStack v4: a message of kind "status"'),
        ({"deviceInfo": {}, "rxInfo": [{}]}, "ChirpStack v4: an uplink without payload"),
        (
            {"applicationID": "1", "devEUI": "", "acknowledged": True, "fCnt": 12},
            'ChirpStack v3: a message of kind "ack"',
        ),
        ({"applicationID": "1", "devEUI": "", "devAddr": "", "rxInfo": []}, 'ChirpStack v3: a message of kind "join"'),
        ({"cmd": "txd", "EUI": "01"}, 'LORIOT: a message of kind "txd"'),
        ({"cmd": "r\u00e9", "EUI": "01"}, 'LORIOT: a message of kind "r\\u00e9"'),
        ({"DevEUI_downlink_Sent": {"Time": ""}}, 'ThingPark: a message of kind "downlink_Sent"'),
    ],
)
def test_a_message_without_a_reading_is_told_as_empty(message: object, told: str) -> None:
    with pytest.raises(PayloadError) as error:
        decoded(CAYENNE, message)
    assert (error.value.reason, error.value.detail) == ("empty", f"{told} carries no reading of this model")


@pytest.mark.parametrize("message", [{**UPLINK, "simulated": True}, {"result": {**UPLINK, "simulated": True}}])
def test_what_somebody_simulated_is_no_measurement(message: object) -> None:
    with pytest.raises(PayloadError, match="empty: The Things Stack: somebody simulated this message"):
        decoded(CAYENNE, message)
    assert len(decoded(CAYENNE, {**UPLINK, "simulated": False})[0]) == 1


def test_a_status_is_read_where_a_field_names_a_member_of_it() -> None:
    status = {"deviceInfo": {}, "time": "2024-03-09T16:00:00.9064+00:00", "margin": 10, "batteryLevel": 88.3}
    assert decoded(WITH_STATUS, status) == ([("battery", AT_US, 8_830, 0)], [])


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"temperature": 1}, "expected a message of a LoRaWAN network server: the-things-stack"),
        ([UPLINK], "expected a message of a LoRaWAN network server"),
        (up(frm_payload="AWcA1w"), "expected the payload in base64"),
        (up(frm_payload=7), "expected the payload as a text of base64"),
        (up(f_port="eight"), "expected a whole number up to 255 at f_port"),
        (up(frm_payload="Ac4A1w=="), "byte 1: unknown Cayenne type 206 of channel 1"),
        (up(frm_payload="AWcA"), "byte 2: expected 2 bytes of temperature, got the end"),
        (up(frm_payload="AWcA1wE="), "byte 4: expected a channel and a type, got the end"),
    ],
)
def test_a_malformed_message_is_refused_with_its_place(message: object, told: str) -> None:
    with pytest.raises(PayloadError) as error:
        decoded(CAYENNE, message)
    assert error.value.reason == "malformed"
    assert told in error.value.detail


def test_a_message_that_is_nothing_but_bytes_takes_the_time_of_arrival() -> None:
    assert decoded(BYTES, bytes.fromhex("016700d7")) == (
        [("temperature_1", RECEIVED_US, 21_500, FLAG_TIME_FROM_ARRIVAL)],
        [],
    )


@settings(max_examples=examples(200))
@given(
    network=st.sampled_from(NETWORKS),
    device_model=st.sampled_from([CAYENNE, NETWORK, BYTES]),
    time_ms=st.integers(CLOCK_SET_US // 1000, TIME_MAX_US // 1000),
    tenths=st.integers(-2_000, 2_000),
)
def test_what_a_fleet_encodes_is_what_is_decoded(
    network: str, device_model: DeviceModel, time_ms: int, tenths: int
) -> None:
    options = replace(payload_options(device_model.options), network=network)
    said = replace(device_model, options=options)
    message = codec(said.codec).encode(said, [("temperature_1", time_ms * 1000, tenths * 100)])
    heard = (RECEIVED_US, FLAG_TIME_FROM_ARRIVAL) if said.codec == "bytes" else (time_ms * 1000, 0)
    assert decoded(device_model, message) == ([("temperature_1", heard[0], tenths * 100, heard[1])], [])


OWN = [found for found in load_models().values() if found.codec == "lorawan" and can_encode(found)]


@pytest.mark.parametrize("device_model", OWN, ids=lambda found: found.code)
def test_a_fleet_of_any_model_sends_what_its_hardware_sends(device_model: DeviceModel) -> None:
    chosen = codec("lorawan")
    for vector in device_model.vectors:
        read = chosen.decode(vector.payload, device_model, 1_710_000_000_000_000).readings if vector.expected else []
        readings = [(device_model.fields[r.field].name, r.time_us, r.ticks) for r in read]
        if readings:
            sent = chosen.decode(chosen.encode(device_model, readings), device_model, RECEIVED_US)
            assert sent.faults == []
            assert {(device_model.fields[r.field].name, r.time_us, r.ticks) for r in sent.readings} == set(readings)


def test_what_a_device_sends_together_is_not_made_up() -> None:
    weather = load_models()["decentlab_dl_pm"]
    with pytest.raises(ValueError, match="sends 'humidity' with what was said; it needs a value too"):
        codec("lorawan").encode(weather, [("temperature", AT_US, 20_000)])
    assert codec("lorawan").encode(weather, [("pressure", AT_US, 968_000)])


def test_an_envelope_keeps_microseconds_or_refuses_them() -> None:
    readings = [("temperature_1", AT_US, 21_500), ("battery", AT_US, 8_830)]
    message = codec("lorawan").encode(WITH_STATUS, readings)
    assert decoded(WITH_STATUS, message) == ([("temperature_1", AT_US, 21_500, 0), ("battery", AT_US, 8_830, 0)], [])
    loriot = replace(WITH_STATUS, options=replace(payload_options(WITH_STATUS.options), network="loriot"))
    with pytest.raises(ValueError, match="LORIOT counts time in milliseconds"):
        codec("lorawan").encode(loriot, readings)


def test_a_model_says_how_its_bytes_are_read() -> None:
    head = 'title = "t"\ninterval_s = 60\n' + TEMPERATURE
    (fault,) = faults_of('codec = "lorawan"\n' + head)
    assert fault.startswith(
        "payload: is missing; expected a table [payload] with decoder = one of network, normalized, "
    )
    (fault,) = faults_of('codec = "bytes"\n' + head + '[payload]\ndecoder = "network"\n')
    assert fault.startswith("payload.decoder: expected one of cayenne-lpp, ")
    (fault,) = faults_of('codec = "lorawan"\n' + head + '[payload]\ndecoder = "network"\nnetwork = "loriott"\n')
    assert "did you mean 'loriot'?" in fault
