"""`cityvitals tables`: digests, files and what differs from other files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.console.conftest import Service

pytestmark = pytest.mark.system


def test_the_files_are_those_of_the_digests(service: Service, tmp_path: Path) -> None:
    done = service("tables", "--out", str(tmp_path), "--json")
    assert done.code == 0
    digests = json.loads((tmp_path / "digests.json").read_text())
    assert {row["table"]: row["sha256"] for row in done.rows} == digests
    for name, digest in digests.items():
        written = (tmp_path / f"{name}.tsv").read_bytes()
        assert hashlib.sha256(written).hexdigest() == digest
        assert written.count(b"\n") == next(row["rows"] for row in done.rows if row["table"] == name)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([*(f"{n}.tsv" for n in digests), "digests.json"])
    assert {"observation", "window_day", "indicator_value"} < digests.keys()


def test_differences_from_files_are_named_and_fail(service: Service, tmp_path: Path) -> None:
    assert service("tables", "--out", str(tmp_path)).code == 0
    same = service("tables", "--against", str(tmp_path), "--json")
    assert same.code == 0
    assert all(row["equal"] for row in same.rows)
    file = tmp_path / "observation.tsv"
    first, second, *rest = file.read_text().splitlines(keepends=True)
    changed = second.replace("\t0\n", "\t1\n")
    file.write_text("".join([changed, *rest]))
    done = service("tables", "--against", str(tmp_path), "--table", "observation")
    assert done.code == 1
    assert f"extra    {first.rstrip()}" in done.out
    assert f"found    {second.rstrip()}" in done.out
    assert f"wanted   {changed.rstrip()}" in done.out
    assert "observation: 1 extra, 1 differs" in done.out


def test_a_stretch_of_time_is_compared_with_the_same_stretch(service: Service, tmp_path: Path) -> None:
    service("tables", "--out", str(tmp_path))
    rows = service("tables", "--json").rows
    at = sorted(int(line.split("\t")[2]) for line in (tmp_path / "observation.tsv").read_text().splitlines())
    middle = f"{at[len(at) // 2] // 1_000_000}"
    since = ["--from", _rfc3339(int(middle))]
    done = service("tables", *since, "--against", str(tmp_path), "--json")
    assert done.code == 0, done.out
    assert {row["table"] for row in done.rows} == {row["table"] for row in rows} - {"quarantine", "ledger_device"}
    part = next(row for row in done.rows if row["table"] == "observation")
    assert 0 < part["rows"] < len(at)


def _rfc3339(seconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--table", "observations"], "did you mean 'observation'?"),
        (["--table", "quarantine", "--from", "2026-01-01"], "quarantine is of all time"),
        (["--against", "/nowhere"], "no file"),
    ],
)
def test_wrong_use_says_what_is_right(service: Service, options: list[str], said: str) -> None:
    done = service("tables", *options)
    assert done.code == 2
    assert said in done.err
