"""Chaos and exactness in small; `make chaos` and `make exact` do the same with 100 seeds and a day of 2,000 devices."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import pytest

import deploy
from simulators import bench
from simulators.bench import chaos, exact
from simulators.bench.errors import BenchError
from simulators.bench.expectation import Expected
from simulators.fleet import Fleet, build
from tests.system.conftest import Start
from tests.system.pipeline import Pipeline
from tests.system.wire import publish

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

TINY = Path(__file__).with_name("tiny.toml")
FULL_SCRIPT = 1961
"""Of all seeds, one that has the most in six acts and sends every fault shuffled: everything killed and restarted in
another order, a process paused, a disk full, a line dead and one that refuses."""
SEEDS = (FULL_SCRIPT, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (11, 23, 57)))
SENDING_S = 8.0
DAYS = (("faults", "kills"), pytest.param(("shuffled", "faults", "kills"), marks=pytest.mark.slow))
"""In order and twice are left to `make exact`: the other ways include them. A shuffled day of recordings is in every
run (`test_truth`)."""


@pytest.fixture(scope="module", autouse=True)
def forked() -> Iterator[None]:
    """Fork the bench's gateways and commands too; the pytest plugin's are begun anew (`test_plugin`)."""
    with pytest.MonkeyPatch.context() as patch:
        for how in ("start", "run"):
            patch.setattr(bench.Pipeline, how, getattr(Pipeline, how))
        yield


@pytest.fixture(scope="module")
def database() -> Iterator[deploy.LimitedDatabase]:
    with chaos.bench() as server:
        yield server


@pytest.mark.parametrize("seed", SEEDS)
def test_chaos_leaves_every_table_as_the_truth_has_it(database: deploy.LimitedDatabase, seed: int) -> None:
    run = chaos.run(TINY, seed, database, sending_s=SENDING_S)
    assert run.differences == (), f"{run}\nagain: python -m simulators chaos {TINY} --seed {seed}"
    assert run.accepted > 1_000


@pytest.mark.parametrize("ways", DAYS, ids="+".join)
def test_a_day_is_the_same_whatever_happens_and_its_faults_are_the_truths(ways: tuple[str, ...]) -> None:
    verdicts = {verdict.way: verdict for verdict in exact.exact(TINY, ways=ways, kills=3)}
    assert tuple(verdicts) == ways
    for verdict in verdicts.values():
        assert verdict.differences == ()
        assert verdict.digest == verdict.expected
    # All ways but that with faults have the same figures.
    faults = verdicts.pop("faults")
    assert {verdict.digest for verdict in verdicts.values()} == {verdicts["kills"].expected} != {faults.digest}
    assert verdicts["kills"].kills == 3


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return build(TINY, tmp_path / "city")


def test_one_message_that_never_arrives_is_found_and_named(
    start: Start, broker: deploy.Broker, fleet: Fleet, tmp_path: Path
) -> None:
    expected = Expected(fleet, "in-order", tmp_path / "truth")
    pipeline = start(fleet.city)
    messages = [(message.topic, message.payload) for message in fleet.messages("in-order")]
    lost = 100
    readings = fleet.writer("in-order").readings(int(fleet.sequence("in-order").message[lost]))
    publish(broker.url, chain(islice(messages, lost), islice(messages, lost + 1, None)))
    pipeline.drained(expected.received - readings)

    with pytest.raises(BenchError, match="differ from the truth") as error:
        expected.verify(pipeline)
    said = str(error.value)
    device = messages[lost][0].split("/")[2]
    assert f"observation: {readings} missing, 0 extra, 0 differ" in said
    assert "ledger_device: 0 missing, 0 extra, 1 differ" in said
    assert f"found '{device}" in said
    assert expected.differences_after_kills(pipeline)[0].startswith(f"observation: {readings} missing")

    publish(broker.url, [messages[lost]])
    pipeline.drained(expected.received)
    expected.verify(pipeline)
