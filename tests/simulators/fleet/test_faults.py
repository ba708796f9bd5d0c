"""Every fault does to readings what the truth says, by a gateway that takes one message after the other."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.fleet import KINDS, Fleet, FleetError, build, load_fleet
from simulators.fleet.command import bundled_fleets
from simulators.fleet.plan import Dress
from tests.examples import examples
from tests.simulators.fleet.gateway import PlainGateway
from tests.simulators.fleet.make import GROUPS, NOW_US, made, write_fleet

EXAMPLES = {
    "lost": "rate = 0.3",
    "duplicated": 'rate = 0.3\nwithin = "3h"',
    "reordered": 'rate = 0.5\nwithin = "2h"',
    "delayed": 'rate = 0.3\nat_least = "90s"\nat_most = "3w"',
    "skew": 'by = "-40s"\nshare = 0.5',
    "clock_drift": 'per_day = "11s"',
    "future_clock": 'rate = 0.2\nby = "2h"',
    "unset_clock": "rate = 0.2",
    "stuck": 'from = "2025-03-29T10:00"\nto = "2025-03-30T10:00"',
    "drift": 'models = ["air_station"]\nfields = ["no2"]\namount = 7.5',
    "spike": 'models = ["weather_station"]\nfields = ["temperature"]\namount = 30\nrate = 0.2',
    "out_of_range": "rate = 0.1",
    "conflict": 'rate = 0.3\nwithin = "1h"',
    "garbage": "rate = 0.2",
    "half": "rate = 0.2",
    "wrong_unit": "rate = 0.2",
    "unknown_device": "rate = 0.2",
    "silent": 'devices = ["water-*"]\nfrom = "2025-03-29T10:00"',
    "gateway_silent": 'gateways = ["meters-east"]\nfrom = "2025-03-29T10:00"\nto = "2025-03-29T18:00"',
    "storm": 'at = "2025-03-29T18:00"\nagain = 3',
    "retained": "share = 0.5",
}
REASON = {
    "future_clock": "future_clock", "unset_clock": "bad_time", "out_of_range": "out_of_range", "conflict": "conflict",
    "garbage": "malformed", "half": "malformed", "wrong_unit": "bad_unit", "unknown_device": "unknown_device",
    "retained": "retained",
}  # fmt: skip
COPIED = sorted(kind for kind, (keys, _) in KINDS.items() if "copy" in keys)


def fault(kind: str, more: str = "") -> str:
    return f'\n[[fault]]\nkind = "{kind}"\n{EXAMPLES[kind]}\n{more}\n'


def received_by(fleet: Fleet, way: str, seed: int = 0) -> PlainGateway:
    """A plain gateway after everything was sent."""
    gateway = PlainGateway(fleet.registry, NOW_US)
    if way.startswith("faults"):
        for topic, _ in fleet.retained():
            gateway.retained(topic)
    gateway.take(fleet.messages(way, seed, now_us=NOW_US))
    return gateway


def assert_as_the_truth_says(fleet: Fleet, way: str, seed: int = 0) -> PlainGateway:
    gateway = received_by(fleet, way, seed)
    batch, tally = fleet.accepted(way), fleet.tally(way)
    truth = dict(zip(zip(batch.slot.tolist(), batch.time_us.tolist(), strict=True), batch.ticks.tolist(), strict=True))
    assert len(truth) == len(batch)
    assert gateway.stored == truth
    assert gateway.accepted == Counter({code: t.accepted for code, t in tally.items()})
    assert gateway.duplicates == Counter({code: t.duplicate for code, t in tally.items()})
    assert gateway.quarantined == Counter({(c, r): n for c, t in tally.items() for r, n in t.by_reason.items()})
    return gateway


def test_there_is_an_example_of_every_kind() -> None:
    assert set(EXAMPLES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_does_what_the_truth_says(kind: str, tmp_path: Path) -> None:
    fleet = made(tmp_path, fault(kind))
    gateway = assert_as_the_truth_says(fleet, "faults")
    assert_as_the_truth_says(fleet, "faults-shuffled", seed=3)

    plain = fleet.accepted()
    accepted = fleet.accepted("faults")
    reasons = {reason for _, reason in gateway.quarantined}
    assert reasons == ({REASON[kind]} if kind in REASON else set())
    truth = KINDS[kind].truth
    if truth.startswith("missing"):
        assert len(accepted) < len(plain)
        assert not gateway.duplicates
    elif truth.startswith("counted once"):
        assert sum(gateway.duplicates.values()) > 0
        assert np.array_equal(accepted.time_us, plain.time_us)
    elif truth.startswith("counted at"):
        assert len(accepted) == len(plain)
        assert not (np.array_equal(accepted.time_us, plain.time_us) and np.array_equal(accepted.ticks, plain.ticks))
    elif truth.startswith("counted"):
        assert np.array_equal(accepted.time_us, plain.time_us)
        assert np.array_equal(accepted.ticks, plain.ticks)
        assert list(fleet.sequence("faults").message) != list(fleet.sequence().message)


@pytest.mark.parametrize("kind", COPIED)
def test_a_fault_of_a_copy_takes_nothing_away(kind: str, tmp_path: Path) -> None:
    fleet = made(tmp_path, fault(kind, "copy = true"))
    gateway = assert_as_the_truth_says(fleet, "faults")
    assert {reason for _, reason in gateway.quarantined} == {REASON[kind]}
    assert np.array_equal(fleet.accepted("faults").ticks, fleet.accepted().ticks)
    assert np.array_equal(fleet.accepted("faults").time_us, fleet.accepted().time_us)


def test_what_a_buffered_gateway_could_not_pass_on_arrives_later_and_counts(tmp_path: Path) -> None:
    fleet = made(tmp_path, fault("gateway_silent", "buffered = true"))
    assert_as_the_truth_says(fleet, "faults")
    assert np.array_equal(fleet.accepted("faults").ticks, fleet.accepted().ticks)
    held = fleet.plan("faults").send_us != fleet.plan().send_us
    assert len(set(fleet.plan("faults").send_us[held].tolist())) == 1


@pytest.mark.parametrize("way", ["twice", "faults-shuffled"])
def test_every_fault_upon_the_others_is_as_the_truth_says(way: str, tmp_path: Path) -> None:
    fleet = build(bundled_fleets()["small"], tmp_path / "city")
    assert {fault.kind for fault in fleet.spec.faults} == set(KINDS)
    assert_as_the_truth_says(fleet, way, seed=11)


@settings(max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds=st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=6), seed=st.integers(0, 2**40))
def test_faults_in_any_order_are_as_the_truth_says_in_every_way(kinds: list[str], seed: int, tmp_path: Path) -> None:
    fleet = made(tmp_path, "".join(fault(kind) for kind in kinds))
    assert_as_the_truth_says(fleet, "faults", seed)
    assert_as_the_truth_says(fleet, "faults-shuffled", seed)
    assert_as_the_truth_says(fleet, "twice", seed)


def test_a_contradiction_never_overtakes_what_it_contradicts(tmp_path: Path) -> None:
    fleet = made(tmp_path, fault("conflict") + fault("delayed"))
    verdicts = fleet.verdicts("faults")
    assert verdicts.contested.sum() > 10
    for way in ("faults", "faults-shuffled"):
        message = fleet.sequence(way, 5).message
        disputed = message[verdicts.contested[message]]
        device = verdicts.plan.device[disputed]
        for one in np.unique(device):
            assert np.all(np.diff(disputed[device == one]) > 0)


def test_a_storm_comes_before_the_messages_that_are_repeated_after_it(tmp_path: Path) -> None:
    fleet = made(tmp_path, fault("storm"))
    sequence, plan = fleet.sequence("faults"), fleet.plan("faults")
    (position,) = sequence.storms
    first = fleet.plan().message_count
    repeats = np.flatnonzero(sequence.message >= first)
    assert repeats.size == 3 * len(fleet.registry.devices)
    assert repeats.min() >= position
    assert sequence.due_us[position - 1] < plan.storms_us[0] <= sequence.due_us[position]


def test_of_each_device_meant_one_message_is_retained(tmp_path: Path) -> None:
    fleet = made(tmp_path, fault("retained"))
    plan = fleet.plan("faults")
    kept = plan.device[plan.dress == Dress.RETAINED]
    assert 0 < kept.size == len(set(kept.tolist())) < len(fleet.registry.devices)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('kind = "silent"\nzones = ["north"]', "fault[1] (silent) befalls no device; check models"),
        (
            'kind = "stuck"\nmodels = ["water_meter"]\nfields = ["volum"]',
            "fault[1] (stuck): no such device has a field 'volum'; did you mean 'volume'?",
        ),
    ],
)
def test_a_fault_that_befalls_nothing_is_refused(more: str, said: str, tmp_path: Path) -> None:
    fleet = made(tmp_path, f"\n[[fault]]\n{more}\n")
    with pytest.raises(FleetError) as error:
        fleet.plan("faults")
    assert said in str(error.value)


def test_a_fleet_without_faults_says_so_when_they_are_asked_for(tmp_path: Path) -> None:
    fleet = made(tmp_path)
    with pytest.raises(FleetError, match="names no fault; add"):
        fleet.accepted("faults")
    with pytest.raises(FleetError, match="unknown way 'sideways'; known: in-order, shuffled, twice"):
        fleet.accepted("sideways")


def test_a_fault_of_a_later_place_does_not_change_the_chance_of_an_earlier_one(tmp_path: Path) -> None:
    one = made(tmp_path / "one", fault("lost"))
    two = made(tmp_path / "two", fault("lost") + fault("duplicated"))
    count = one.plan("faults").reading_count
    assert np.array_equal(one.plan("faults").ticks, two.plan("faults").ticks[:count])
    assert load_fleet(write_fleet(tmp_path / "three", groups=GROUPS)).faults == ()
