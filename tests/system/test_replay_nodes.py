"""Data of Sparkplug edge nodes in the quarantine: what may be taken up again, and what nobody can know any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices import load_registry
from devices.codecs.sparkplug.edge import EdgeNode
from tests.databases import Databases
from tests.devices.cities import write_city
from tests.ingest.messages import NOW_US
from tests.system.quarantined import arrive, replayed, state

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

NODE = "edge-1"
MODEL = """\
title = "Inputs of a cabinet"
codec = "sparkplug-b"
topic = "spBv1.0/{city}/DDATA/{gateway}/{device}"
interval_s = 60
[[field]]
name = "outside"
path = "Inputs/Outside"
measurand = "temperature"
unit = "Cel"
[[field]]
name = "inside"
path = "Inputs/Inside"
measurand = "temperature"
unit = "Cel"
"""
KNOWN = f"device,model,zone,gateway\nbox-1,inputs,north,{NODE}\n"
T = NOW_US // 1000 * 1000 - 60_000_000
HOT = 9_999_000
"""Beyond what is plausible: the birth that says it is kept."""


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    with databases.migrated() as url:
        yield url


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return write_city(tmp_path / "city", devices=KNOWN, models={"inputs": MODEL})


def node(city: Path, *devices: str, alias_first: int = 1) -> EdgeNode:
    model = load_registry(city).models["inputs"]
    return EdgeNode("testville", NODE, dict.fromkeys(devices or ("box-1",), model), alias_first=alias_first)


def test_data_that_waited_in_vain_stay_for_a_birth_that_was_kept_may_be_of_another_time(
    database: str, city: Path
) -> None:
    kept, other = node(city), node(city, alias_first=0)
    arrive(database, city, kept.births(T, {"box-1": [("outside", T, 20_000), ("inside", T, HOT)]}))
    # The node was born again, with other aliases, and the gateway started again: only the data are kept.
    other.births(T, {})
    data = other.data("box-1", T + 1_000_000, [("inside", T + 1_000_000, 21_000)])
    arrive(database, city, [data], received_us=NOW_US + 1_000_000)
    before = state(database)
    assert before[1] == [("box-1", "out_of_range"), ("box-1", "no_birth")]

    row = replayed(database, city)
    assert (row["taken_up"], row["same"]) == (0, 2)
    assert state(database) == before
    # A birth that is understood is not kept, so it changes nothing for them either.
    arrive(database, city, other.births(T, {}), received_us=NOW_US + 2_000_000)
    assert (replayed(database, city)["taken_up"], state(database)) == (0, before)


def test_births_and_data_of_a_device_that_was_not_registered_are_taken_up_together(database: str, city: Path) -> None:
    edge = node(city, "box-1", "box-2")
    births = edge.births(T, {"box-2": [("outside", T, 20_000)]})
    data = [edge.data(device, T + 1_000_000, [("inside", T + 1_000_000, 21_000)]) for device in ("box-1", "box-2")]
    arrive(database, city, [*births, *data])
    assert state(database)[1] == [("", "unknown_device")] * 2
    (city / "devices.csv").write_text(f"{KNOWN}box-2,inputs,north,{NODE}\n")
    row = replayed(database, city)
    assert (row["taken_up"], row["accepted"]) == (2, 2)
    stored, kept = state(database)
    assert kept == []
    assert [one for one in stored if one[0] == "box-2"] == [
        ("box-2", "inside", T + 1_000_000, 21_000), ("box-2", "outside", T, 20_000),
    ]  # fmt: skip
