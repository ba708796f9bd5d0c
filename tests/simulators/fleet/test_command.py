"""`python -m simulators fleet`, as a person and a script meet it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

import deploy
from devices import load_registry
from simulators import truth
from simulators.fleet import build
from simulators.fleet.tables import ledger_lines, quarantine_lines
from tests.simulators.fleet.make import write_fleet
from tests.simulators.fleet.test_faults import fault
from tests.simulators.material import run

FAULTS = fault("lost") + fault("conflict") + fault("unknown_device") + fault("retained")


def lines_of(folder: Path, table: str) -> list[str]:
    return (folder / f"{table}.tsv").read_text(encoding="utf-8").splitlines()


def test_it_writes_city_truth_and_manifest_and_sends_nothing_without_a_broker(tmp_path: Path) -> None:
    path = write_fleet(tmp_path, FAULTS)
    done = run("fleet", path, "--out", tmp_path / "out", "--way", "faults")
    assert (done.returncode, done.stderr) == (0, "")
    fleet = build(path, tmp_path / "city")
    plan, accepted, tally = fleet.plan("faults"), fleet.accepted("faults"), fleet.tally("faults")
    assert done.stdout == (
        f"{len(fleet.registry.devices)} devices, {plan.message_count} messages, {plan.reading_count} readings;"
        f" {len(accepted)} observations must be stored; wrote {tmp_path}/out\n"
    )
    assert load_registry(tmp_path / "out" / "city").devices == fleet.registry.devices

    folder = tmp_path / "out" / "truth"
    digests = json.loads((folder / "digests.json").read_text())
    assert set(digests) == {*truth.TABLES, "quarantine", "ledger_device"}
    for table, digest in digests.items():
        assert hashlib.sha256((folder / f"{table}.tsv").read_bytes()).hexdigest() == digest
    assert lines_of(folder, "quarantine") == quarantine_lines(tally)
    assert lines_of(folder, "ledger_device") == ledger_lines(tally)
    assert len(lines_of(folder, "observation")) == len(accepted)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["digests"] == digests
    assert manifest["accepted"] == len(accepted)
    assert manifest["received"] == manifest["accepted"] + manifest["duplicate"] + sum(manifest["quarantined"].values())
    assert manifest["quarantined"]["conflict"] == sum(t.by_reason["conflict"] for t in tally.values())
    assert (manifest["fleet"], manifest["seed"], manifest["way"]) == ("fleet", 7, "faults")


def test_the_ledgers_tables_are_sorted_and_balance(tmp_path: Path) -> None:
    fleet = build(write_fleet(tmp_path, FAULTS), tmp_path / "city")
    tally = fleet.tally("faults")
    rows = [line.split("\t") for line in ledger_lines(tally)]
    assert rows[0][0] == ""
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert all(int(row[1]) == int(row[2]) + int(row[3]) + int(row[4]) > 0 for row in rows)
    keys = [line.split("\t")[:2] for line in quarantine_lines(tally)]
    assert keys == sorted(keys)
    assert keys[0] == ["", "unknown_device"]


def test_with_a_broker_it_sends_and_sums_up(tmp_path: Path, broker: deploy.Broker) -> None:
    path = write_fleet(tmp_path, FAULTS)
    arguments = ("fleet", path, "--out", tmp_path / "out", "--no-truth", "--broker", broker.url, "--way")
    done = run(*arguments, "faults", "--json", "--connections", "3", "--seed", "4")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    fleet = build(path, tmp_path / "city")
    assert summary["messages"] == summary["acknowledged"] == len(fleet.sequence("faults"))
    assert (summary["way"], summary["seed"], summary["connections"]) == ("faults", 4, 3)
    assert not (tmp_path / "out" / "truth").exists()
    said = run(*arguments, "shuffled").stdout
    assert re.fullmatch(
        r"sent \d+ messages \(\d+ readings, \d+ bytes\) in [\d.]+ s, \d+ messages/s; \d+ acknowledged\n", said
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("smal",), 1, "smal: no such file or bundled fleet; did you mean 'small'?"),
        (("small", "--way", "sideways"), 2, "--way 'sideways'; expected one of in-order, shuffled, twice, faults"),
        (("small", "--speed", "fast"), 2, "--speed 'fast'; expected a number such as 3600, or max"),
        (("small", "--no-truth", "--broker", "mqtt://127.0.0.1:1"), 1, "is it running, and is the address right?"),
        (("{plain}", "--way", "faults"), 1, "names no fault; add [[fault]] tables, or send it in another way"),
        (("{bad}",), 1, "seed: is missing; expected a whole number"),
    ],
)
def test_what_cannot_be_done_is_told_in_words(arguments: tuple[str, ...], code: int, said: str, tmp_path: Path) -> None:
    plain = write_fleet(tmp_path / "plain")
    bad = tmp_path / "bad.toml"
    bad.write_text(plain.read_text().replace("seed = 7", ""))
    given = [a.format(plain=plain, bad=bad) for a in arguments]
    done = run("fleet", *given, "--out", tmp_path / "out")
    assert done.returncode == code, done.stderr
    assert said in done.stderr
