"""A seeded fleet with every fault through the real broker, gateway and database: everything is as the truth says."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import deploy
from simulators import truth
from simulators.bench import wait_until
from simulators.fleet import Fleet, SendProgress, build, leave_retained, send
from simulators.fleet.command import bundled_fleets
from simulators.fleet.tables import ledger_lines, quarantine_lines
from tests.system.conftest import Start
from tests.system.pipeline import Pipeline, assert_same

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

KILLS = 3
SENDING_S = 12.0
RESEND_S = 8.0
"""Longer than the 5 s between two saves of the broker."""
WAIT_S = 120.0


def stored(pipeline: Pipeline) -> list[tuple[str, str, int, int, int]]:
    return [
        (device, field, time_us, ticks, flags)
        for device, field, time_us, ticks, flags in pipeline.query(
            "SELECT d.code, s.field, (extract(epoch FROM o.time) * 1000000)::bigint, o.ticks, o.flags"
            " FROM cityvitals.observation o JOIN cityvitals.series s USING (series_id)"
            " JOIN cityvitals.device d USING (device_id) ORDER BY 1, 2, 3"
        )
    ]


def quarantined(pipeline: Pipeline) -> list[str]:
    rows = pipeline.query(
        "SELECT coalesce(device, ''), reason, sum(readings)::bigint FROM cityvitals.quarantine GROUP BY 1, 2"
    )
    ordered = sorted(rows, key=lambda row: (row[0].encode(), row[1]))
    return [f"{device}\t{reason}\t{readings}" for device, reason, readings in ordered]


def expected(fleet: Fleet, way: str) -> list[tuple[str, str, int, int, int]]:
    batch, registry = fleet.accepted(way), fleet.registry
    names = [(device.code, field.name) for device in registry.devices for field in registry.models[device.model].fields]
    return sorted(
        (*names[slot], time_us, ticks, 0)
        for slot, time_us, ticks in zip(batch.slot.tolist(), batch.time_us.tolist(), batch.ticks.tolist(), strict=True)
    )


def test_a_fleet_with_every_fault_is_stored_and_quarantined_as_the_truth_says(
    start: Start, broker: deploy.Broker, tmp_path: Path
) -> None:
    fleet = build(bundled_fleets()["small"], tmp_path / "city")
    way = "faults-shuffled"
    tally = fleet.tally(way)
    assert leave_retained(fleet, broker.url) == sum(t.by_reason["retained"] for t in tally.values()) > 0
    pipeline = start(fleet.city)
    summary = send(fleet, broker.url, way=way, seed=5, connections=20)
    assert (summary.acknowledged, summary.storms) == (len(fleet.sequence(way)), 1)
    pipeline.drained(sum(found.received for found in tally.values()))

    ledger = pipeline.balanced()
    assert stored(pipeline) == expected(fleet, way)
    figures = truth.expected(fleet.registry, fleet.accepted(way))
    assert_same(pipeline.tables(), {name: "".join(lines).splitlines() for name, lines in figures.items()})
    assert quarantined(pipeline) == quarantine_lines(tally)
    assert (ledger["received"], ledger["accepted"], ledger["duplicate"], ledger["quarantined"]) == tuple(
        sum(int(line.split("\t")[column]) for line in ledger_lines(tally)) for column in (1, 2, 3, 4)
    )


def test_a_broker_killed_again_and_again_costs_nothing_when_its_devices_have_a_buffer(
    start: Start, broker: deploy.Broker, tmp_path: Path
) -> None:
    fleet = build(bundled_fleets()["small"], tmp_path / "city")
    leave_retained(fleet, broker.url)
    pipeline = start(fleet.city)
    # The gateway has been there for a while: a broker killed before it ever saved the gateway's session would take
    # what is sent again for nobody's.
    broker.save()
    total = len(fleet.sequence("faults"))
    kills: list[int] = []
    ready, ended = threading.Event(), threading.Event()

    def keep_killing() -> None:
        # A broker dies with the thread that started it, so one thread starts it again and stays.
        while True:
            ready.wait(WAIT_S)
            ready.clear()
            if ended.is_set():
                return
            broker.kill()
            broker.start()

    def watch(now: SendProgress) -> None:
        if len(kills) < KILLS and now.published > (len(kills) + 1) * total // (KILLS + 1):
            kills.append(now.published)
            ready.set()

    killer = threading.Thread(target=keep_killing)
    killer.start()
    try:
        days = (fleet.plan("faults").send_us.max() - fleet.span_us[0]) / 1e6
        summary = send(
            fleet, broker.url, way="faults-shuffled", seed=2, connections=6, resend_s=RESEND_S, progress=watch,
            speed=days / SENDING_S,
        )  # fmt: skip
        # Repeats are received too, so it is the observations that are waited for.
        accepted = len(fleet.accepted("faults"))
        wait_until(
            lambda: pipeline.ledger()["accepted"] >= accepted,
            WAIT_S,
            lambda: f"{accepted} observations to be stored; the ledger says {pipeline.ledger()}",
        )
        assert stored(pipeline) == expected(fleet, "faults")
    finally:
        ended.set()
        ready.set()
        killer.join()
    assert len(kills) == KILLS
    assert summary.messages == summary.acknowledged == total
    assert summary.resent > 0
    # What arrived twice is a duplicate, or quarantined twice; nothing else.
    ledger, tally = pipeline.balanced(), fleet.tally("faults").values()
    assert ledger["quarantined"] >= sum(found.quarantined for found in tally)
    assert ledger["duplicate"] >= sum(found.duplicate for found in tally)
