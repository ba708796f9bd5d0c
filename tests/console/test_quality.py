"""The guide's rules of quality in a city: what commands say of flags, and of figures with and without them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices import ObservationBatch, Rule, load_registry
from engine.store import Duty, Store
from tests.console.command import ROOT, Done, cityvitals
from tests.databases import Databases
from tests.devices.cities import CITY, write_city
from tests.engine.store.flagged_town import HOUR_US, Judged

pytestmark = pytest.mark.system

Run = Callable[..., Done]

GUIDE = (ROOT / "docs" / "operators.md").read_text()
RULES = next(block for block in re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL) if "[[quality]]" in block)
DEVICES = "device,model,zone,interval_s\nair-1,air_station,north,3600\nair-2,air_station,north,3600\n"
MIDNIGHT_US = 1_735_689_600_000_000 - HOUR_US
"""The first of January 2025 in Madrid."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_city(tmp_path_factory.mktemp("city"), CITY + RULES, DEVICES)


@pytest.fixture(scope="module")
def database_url(databases: Databases, city: Path) -> Iterator[str]:
    """Three hours of two stations: of one the second reading is a spike."""
    registry = load_registry(city)
    slots = [registry.slot(code, "pm2_5") for code in ("air-1", "air-2")]
    with databases.migrated() as url:
        with Store.connect(url) as store:
            store.own(0, Duty.APPEND)
            store.own(0, Duty.FLUSH)
            times = [MIDNIGHT_US + n * HOUR_US for n in range(3)]
            ticks = [10_000, 400_000, 12_000, 20_000, 21_000, 22_000]
            judged = Judged.on(store, registry, MIDNIGHT_US + 48 * HOUR_US)
            judged.take(ObservationBatch.of([slots[0]] * 3 + [slots[1]] * 3, times * 2, ticks))
        yield url


@pytest.fixture
def run(database_url: str, city: Path) -> Run:
    def command(*arguments: str) -> Done:
        return cityvitals("--city", str(city), *arguments, CITYVITALS_DATABASE_URL=database_url)

    return command


def test_the_guide_shows_every_rule(city: Path) -> None:
    assert [rule.rule for rule in load_registry(city).city.quality] == list(Rule)


def test_an_observation_says_which_rule_flags_it_and_whether_it_is_left_out(run: Run) -> None:
    rows = {row["value"]: row for row in run("observations", "--device", "air-1", "--json").rows}
    assert (rows["400.000"]["flags"], rows["400.000"]["excluded"]) == (["spike"], True)
    assert (rows["12.000"]["flags"], rows["12.000"]["excluded"]) == ([], False)
    assert "spike, left out" in run("observations", "--device", "air-1").out


def test_health_counts_flags_by_device_and_rule(run: Run) -> None:
    (flag,) = [row for row in run("devices", "--health", "--json").rows if row["row"] == "flag"]
    assert (flag["device"], flag["measurand"], flag["rule"]) == ("air-1", "pm2_5", "spike")
    assert (flag["flagged"], flag["excluded"], flag["last"]) == (1, 1, "2025-01-01T00:00:00.000000Z")
    assert "flagged observations" in run("devices", "--health").out


def test_a_figure_is_shown_without_and_with_what_is_flagged(run: Run) -> None:
    asked = ("indicators", "--indicator", "pm2_5_mean", "--from", "2025-01-01", "--with-flagged")
    rows = [*run(*asked, "--json").rows, *run(*asked, "--scope", "station", "--json").rows]
    found = {
        (row["scope"], row["window"], row["start"][11:13]): (
            row["value"], row["received"], row["with_flagged"], row["received_with_flagged"],
        )
        for row in rows
    }  # fmt: skip
    assert found["station:air-1", "hour", "00"] == (None, 0, "400.000", 1)
    assert found["station:air-1", "hour", "01"] == ("12.000", 1, "12.000", 1)
    assert found["station:air-1", "day", "23"] == ("11.000", 2, "140.667", 3)
    assert found["zone:north", "hour", "00"] == ("21.000", 1, "210.500", 2)
    assert found["city", "day", "23"] == ("16.000", 5, "80.834", 6)
    assert "with flagged" in run(*asked).out


def test_what_is_not_computed_from_what_is_stored_now_is_refused(run: Run) -> None:
    for other in (("--revisions",), ("--at", "2025-01-01"), ("--window", "month")):
        done = run("indicators", "--with-flagged", *other)
        assert done.code == 2
        assert f"--with-flagged and {other[0]}" in done.err
