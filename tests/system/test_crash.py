"""Whatever is killed or cut in mid-replay, the final tables are those of an undisturbed run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import deploy
import simulators
from simulators.bench import Proxy, fresh_broker, wait_until
from tests.databases import Databases
from tests.system.conftest import Start
from tests.system.pipeline import Pipeline, Tables, assert_same

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

HALF_A_DAY = simulators.Choice(last_us=12 * 3_600 * 1_000_000, side_by_side=True)
"""Of every recording of the demo city: gauges, counters, levels, angles, states; SenML and JSON."""
SPEED = 12_000.0
"""Half a day in some four seconds: long enough to be killed in the middle of."""
AHEAD = 0.25
"""The share of the messages that may be sent beyond the next disturbance."""
WAIT_S = 180.0


class Reference:
    """What a run that nothing disturbed left in the tables."""

    def __init__(self, pipeline: Pipeline, schedule: simulators.Schedule, messages: int) -> None:
        self.tables: Tables = pipeline.tables()
        self.schedule = schedule
        self.observations = len(self.tables["observation"])
        self.messages = messages


@contextmanager
def replaying(schedule: simulators.Schedule, mqtt_url: str, shares: Sequence[float]) -> Iterator[list[threading.Event]]:
    """Replay in the background, and never far ahead of a disturbance: however slow the machine, it comes in the middle.

    Args:
        schedule: what is sent.
        mqtt_url: where to publish.
        shares: of the observations, at which something will be disturbed; the event of each is set once it was.
    """
    events = [threading.Event() for _ in shares]

    def wait(now: simulators.ReplayProgress) -> None:
        for share, event in zip(shares, events, strict=True):
            if now.total and now.published > (share + AHEAD) * now.total:
                event.wait(WAIT_S)

    def send() -> None:
        simulators.send(schedule, mqtt_url, speed=SPEED, progress=wait)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield events
    finally:
        for event in events:
            event.set()
        thread.join()


Disturb = Callable[[Pipeline, int], None]


def disturbed(
    start: Start,
    mqtt_url: str,
    shares: list[float],
    disturb: Disturb,
    undisturbed: Reference,
    database_url: str = "",
) -> None:
    """Replay, disturb when these shares of the observations are stored, and compare with the undisturbed run."""
    pipeline = start(simulators.demo_city(), mqtt_url=mqtt_url, database_url=database_url)
    with replaying(undisturbed.schedule, mqtt_url, shares) as events:
        for number, share in enumerate(shares):
            wanted = int(share * undisturbed.observations)
            wait_until(reached(pipeline, wanted), 120, f"{wanted} observations are stored")
            assert stored(pipeline) < undisturbed.observations, "the disturbance came too late to disturb"
            disturb(pipeline, number)
            events[number].set()
    wait_until(lambda: stored(pipeline) >= undisturbed.observations and pipeline.settled(), 180, "all is computed")
    assert_same(pipeline.tables(), undisturbed.tables)
    ledger = pipeline.balanced()
    assert ledger["accepted"] == undisturbed.observations
    assert ledger["messages"] >= undisturbed.messages


def reached(pipeline: Pipeline, wanted: int) -> Callable[[], bool]:
    """A condition: so many observations are stored."""
    return lambda: stored(pipeline) >= wanted


def stored(pipeline: Pipeline) -> int:
    """Observations in the ledger; the gateway must not have died by itself."""
    assert pipeline.alive()
    return pipeline.ledger()["accepted"]


@pytest.fixture(scope="module")
def undisturbed(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """The final tables of one replay without any trouble."""
    folder = tmp_path_factory.mktemp("undisturbed")
    schedule = simulators.prepare([simulators.demo_city()], choice=HALF_A_DAY)
    with (
        fresh_broker(folder / "broker") as broker,
        databases.migrated() as url,
        Pipeline(simulators.demo_city(), broker.url, url, folder) as pipeline,
    ):
        sent = simulators.send(schedule, broker.url)
        # Repeated rows of the recordings (the repeated hour, a snapshot stored twice) are duplicates or conflicts.
        wait_until(
            lambda: pipeline.ledger()["received"] >= sent.readings and pipeline.settled(), 180, "all is computed"
        )
        reference = Reference(pipeline, schedule, sent.messages)
        assert pipeline.ledger()["received"] == sent.readings
    assert reference.observations > 6_000
    return reference


def test_a_gateway_killed_again_and_again_leaves_the_same_tables(
    start: Start, broker: deploy.Broker, undisturbed: Reference
) -> None:
    def kill(pipeline: Pipeline, _number: int) -> None:
        pipeline.kill()
        pipeline.start()
        pipeline.ready()

    disturbed(start, broker.url, [0.1, 0.35], kill, undisturbed)


def test_a_database_killed_and_away_for_a_while_costs_nothing(
    start: Start, broker: deploy.Broker, undisturbed: Reference, tmp_path: Path
) -> None:
    # A server of this test's own: others go on with theirs.
    database = deploy.Database(tmp_path, die_with_parent=True)
    database.start()

    def kill(pipeline: Pipeline, number: int) -> None:
        database.kill()
        if number:
            # Away for as long as it takes the gateway to notice and say so.
            wait_until(
                lambda: pipeline.alive() and "the database is away" in pipeline.said(), 60, "the gateway notices"
            )
            # What it holds now is stored nowhere: had it acknowledged any of that, it would be gone.
            pipeline.kill()
        database.start()
        if number:
            pipeline.start()
            pipeline.ready()

    try:
        disturbed(start, broker.url, [0.2, 0.5], kill, undisturbed, database_url=database.url)
    finally:
        database.stop()


def test_a_gateway_whose_database_is_away_ends_when_it_is_told_to(
    start: Start, broker: deploy.Broker, undisturbed: Reference, tmp_path: Path
) -> None:
    database = deploy.Database(tmp_path, die_with_parent=True)
    database.start()
    pipeline = start(simulators.demo_city(), mqtt_url=broker.url, database_url=database.url)
    database.kill()
    simulators.send(undisturbed.schedule, broker.url)
    wait_until(lambda: "the database is away" in pipeline.said(), 120, "the gateway notices")
    # It has readings that it can store nowhere; they are not acknowledged, so the broker keeps them.
    assert pipeline.stop() == 1, "it had to be killed"


def test_connections_cut_again_and_again_lose_nothing(
    start: Start, broker: deploy.Broker, undisturbed: Reference
) -> None:
    port = urlsplit(broker.url).port
    assert port is not None
    with Proxy(port) as proxy:

        def cut(_pipeline: Pipeline, _number: int) -> None:
            wait_until(lambda: proxy.cut() > 0, 120, "a connection to cut")

        disturbed(start, f"mqtt://127.0.0.1:{proxy.port}", [0.1, 0.3, 0.5, 0.7], cut, undisturbed)
        assert proxy.connections >= 5


def test_a_broker_stopped_and_started_keeps_what_it_has_not_delivered(
    start: Start, broker: deploy.Broker, undisturbed: Reference
) -> None:
    def restart(_pipeline: Pipeline, _number: int) -> None:
        broker.stop()
        broker.start()

    disturbed(start, broker.url, [0.3], restart, undisturbed)


def test_a_killed_broker_may_lose_what_it_had_not_saved_and_sending_it_again_makes_up_for_it(
    start: Start, broker: deploy.Broker, undisturbed: Reference
) -> None:
    # Mosquitto writes its queues every few seconds. What it had confirmed to a device since then and not delivered yet
    # is gone with it, and nobody behind it can know. Guaranteed is less, and that is what is seen here: the gateway
    # goes on by itself, what it confirmed stays, nothing is invented, and sending all of it again adds the rest.
    pipeline = start(simulators.demo_city())
    with replaying(undisturbed.schedule, broker.url, [0.4]):
        wait_until(reached(pipeline, undisturbed.observations * 2 // 5), 120, "two fifths are stored")
        broker.kill()
        broker.start()
        # Only what was committed counts: a commit after the kill was confirmed to a broker that is gone.
        survived = stored(pipeline)
        assert survived < undisturbed.observations, "the kill came too late to disturb"
    simulators.send(undisturbed.schedule, broker.url)
    wait_until(
        lambda: stored(pipeline) >= undisturbed.observations and pipeline.ledger()["duplicate"] >= survived,
        120, "all is there, and what was there before came again",
    )  # fmt: skip
    wait_until(pipeline.settled, 120, "all is computed")
    assert_same(pipeline.tables(), undisturbed.tables)
    pipeline.balanced()
