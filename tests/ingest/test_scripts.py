"""A vendor's decoder dropped beside a model of the city is loaded before the first message, and reads it."""

from __future__ import annotations

import json
from pathlib import Path

from devices import load_registry
from devices.codecs.payloads.javascript import engine
from ingest.routes import build_routing
from tests.devices.cities import write_city
from tests.devices.test_javascript import MODEL, SCRIPTS, UPLINK
from tests.ingest.messages import framer, pour, publish, readings

DEVICES = "device,model,zone,in_service_from,topic\ntank-1,gauge,north,2024-01-01,v3/tanks/devices/tank-1/up\n"


def test_a_gateway_loads_the_decoders_of_its_devices_before_it_reads(tmp_path: Path) -> None:
    models = {"gauge": MODEL.format(codec="lorawan", more=""), "level.js": (SCRIPTS / "level.js").read_text("utf-8")}
    city = load_registry(write_city(tmp_path, devices=DEVICES, models=models))
    engine.program.cache_clear()
    made = framer(tables=build_routing(city))
    loaded = engine.program.cache_info()
    [intake] = pour(made, publish("v3/tanks/devices/tank-1/up", json.dumps(UPLINK).encode()))
    assert [row[1::2] for row in readings(intake)] == [
        (city.slot("tank-1", "level"), 12_340),
        (city.slot("tank-1", "battery"), 3540),
    ]
    assert (loaded.currsize, engine.program.cache_info().misses) == (1, loaded.misses)
