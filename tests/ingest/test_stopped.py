"""A decoder that runs to its limit on message after message costs the gateway a share of it, and the operator knows."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from devices import load_registry
from ingest.routes import build_routing
from ingest.stopped import IN_A_ROW_MAX, TRIED_ONE_OF
from tests.devices.cities import write_city
from tests.devices.test_javascript import MODEL, UPLINK
from tests.ingest.messages import framer, pour, publish, readings

DEVICES = (
    "device,model,zone,in_service_from,topic\n"
    "tank-1,gauge,north,2024-01-01,v3/tanks/devices/tank-1/up\n"
    "tank-2,gauge,north,2024-01-01,v3/tanks/devices/tank-2/up\n"
)
LOOPING = """
function decodeUplink(input) {
  while (input.bytes[0] === 255) {}
  return { data: { level: 1, battery: 3 } };
}
"""


def sent(device: str, payload: str) -> bytes:
    """Return the publication of an uplink."""
    uplink = {"uplink_message": {**UPLINK["uplink_message"], "frm_payload": payload}}
    return publish(f"v3/tanks/devices/{device}/up", json.dumps(uplink).encode())


def test_of_a_device_whose_messages_are_stopped_a_few_are_tried_and_of_others_each(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    models = {"gauge": MODEL.format(codec="lorawan", more=""), "level.js": LOOPING}
    city = load_registry(write_city(tmp_path, devices=DEVICES, models=models))
    made = framer(tables=build_routing(city))
    looping, fine = sent("tank-1", "/wAA"), sent("tank-1", "AAAA")
    with caplog.at_level(logging.WARNING, "ingest"):
        [intake] = pour(made, looping * (IN_A_ROW_MAX + TRIED_ONE_OF) + sent("tank-2", "AAAA") + fine)
    counters = made.decoder.counters
    assert (counters.decoders_stopped, counters.decoders_untried) == (IN_A_ROW_MAX + 1, TRIED_ONE_OF)
    assert len(readings(intake)) == 2  # of tank-2; the message of tank-1 that could be read was not tried
    assert {fault.detail.partition(":")[0] for fault in intake.faults} == {"level.js", "not tried"}
    assert [record.getMessage().partition(" was")[0] for record in caplog.records] == ["the decoder of model gauge"]
    [intake] = pour(made, fine * TRIED_ONE_OF)
    assert counters.decoders_untried == 2 * TRIED_ONE_OF - 2
    assert len(readings(intake)) == 2 + 2 + 2  # tried again, read, and from then on each
