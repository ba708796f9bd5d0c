"""The bench as a pytest plugin: servers, a seeded city, a running gateway, and what must be in its tables.

A project that wants it says so in its topmost `conftest.py`: `pytest_plugins = "simulators.bench.plugin"`. There is no
entry point, which every run of pytest in the same environment would have to load. Knows fixtures and one marker:

    @pytest.mark.cityvitals(fleet="fleet.toml", seed=7, faults=True)

fleet: a fleet file, as seen from the test's folder, or the name of a bundled one (`small` unless said otherwise);
seed: instead of the file's; faults: sent with what the file's `[[fault]]` tables make of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pytest

import deploy
from simulators.bench.expectation import Expected
from simulators.bench.pipeline import Pipeline
from simulators.bench.servers import fresh_broker, fresh_database
from simulators.fleet import Fleet, build, leave_retained, load_fleet
from simulators.fleet.command import find_fleet

MARKER = "cityvitals"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a test's marker asks for; see above."""

    fleet: str = "small"
    seed: int | None = None
    faults: bool = False

    @property
    def way(self) -> str:
        """In which of `simulators.fleet.WAYS` the fleet is to be sent."""
        return "faults" if self.faults else "in-order"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", f"{MARKER}(fleet, seed, faults): the city that a test's fixtures are about")


def _wish(request: pytest.FixtureRequest) -> Wish:
    marker = request.node.get_closest_marker(MARKER)
    if marker is None:
        return Wish()
    known = [field.name for field in fields(Wish)]
    unknown = [name for name in marker.kwargs if name not in known]
    if marker.args or unknown:
        what = unknown[0] if unknown else repr(marker.args[0])
        raise pytest.UsageError(f"@pytest.mark.{MARKER}: {what} is none of its keywords {', '.join(known)}")
    return Wish(**marker.kwargs)


@pytest.fixture(scope="session")
def cityvitals_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[deploy.Stack]:
    """A running TimescaleDB and Mosquitto of this run alone; the first run on a machine unpacks them."""
    with deploy.temporary(tmp_path_factory.mktemp("cityvitals-stack")) as stack:
        yield stack


@pytest.fixture
def cityvitals_broker(tmp_path: Path) -> Iterator[deploy.Broker]:
    """A broker of this test alone: `.url`, and `.kill()`, `.stop()`, `.start()`, `.pause()`, `.resume()`."""
    deploy.unpack_servers(lambda _: None)
    with fresh_broker(tmp_path / "cityvitals-broker") as broker:
        yield broker


@pytest.fixture
def cityvitals_database(cityvitals_stack: deploy.Stack) -> Iterator[str]:
    """The URL of an empty database with TimescaleDB, dropped after the test."""
    with fresh_database(cityvitals_stack.database) as url:
        yield url


@pytest.fixture
def cityvitals_fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Fleet:
    """The fleet that the test's marker names, its city written."""
    wish = _wish(request)
    beside = request.path.parent / wish.fleet
    spec = load_fleet(beside if beside.is_file() else find_fleet(wish.fleet))
    return build(spec if wish.seed is None else replace(spec, seed=wish.seed), tmp_path / "cityvitals-city")


@pytest.fixture
def cityvitals_city(cityvitals_fleet: Fleet) -> Path:
    """The folder of the fleet's city: `city.toml`, `zones.geojson`, `devices.csv`."""
    return cityvitals_fleet.city


@pytest.fixture
def cityvitals_expected(request: pytest.FixtureRequest, cityvitals_fleet: Fleet, tmp_path: Path) -> Expected:
    """What must be in every table once the fleet was sent in `.way`, computed without the engine."""
    return Expected(cityvitals_fleet, _wish(request).way, tmp_path / "cityvitals-truth")


@pytest.fixture
def cityvitals_pipeline(
    request: pytest.FixtureRequest,
    cityvitals_fleet: Fleet,
    cityvitals_broker: deploy.Broker,
    cityvitals_database: str,
    tmp_path: Path,
) -> Iterator[Pipeline]:
    """A gateway running between broker and database; what a faulty fleet retains is at the broker before it."""
    if _wish(request).faults:
        leave_retained(cityvitals_fleet, cityvitals_broker.url)
    client = f"test-{secrets.token_hex(4)}"
    with Pipeline(
        cityvitals_fleet.city, cityvitals_broker.url, cityvitals_database, tmp_path / "cityvitals-gateway",
        CITYVITALS_MQTT_CLIENT_ID=client,
    ) as pipeline:  # fmt: skip
        yield pipeline
