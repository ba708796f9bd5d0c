"""The console as its users start it: by itself, and beside a gateway that neither waits for it nor ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.children import read_ready
from console.web import beside
from console.web.beside import Beside
from simulators.bench.pipeline import LEASH
from tests.console.command import ROOT, cityvitals, environment
from tests.console.web.client import Client
from tests.console.web.conftest import Filled
from tests.system.pipeline import DEMO

pytestmark = pytest.mark.system


@contextmanager
def program(folder: Path, **environ: str) -> Iterator[tuple[subprocess.Popen[str], Client]]:
    """`cityvitals serve` on its own, killed where the test did not end it."""
    ready = folder / "ready.json"
    process = subprocess.Popen(
        [*LEASH, str(os.getpid()), "console", "--city", str(DEMO), "serve", "--ready-file", str(ready)],
        cwd=ROOT, env=environment(**environ), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        while (facts := read_ready(ready)) is None:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            time.sleep(0.02)
        yield process, Client(str(facts["console"]))
    finally:
        process.kill()
        process.communicate()


def test_it_serves_this_machine_says_where_and_ends_cleanly(filled: Filled, tmp_path: Path) -> None:
    with program(tmp_path, CITYVITALS_DATABASE_URL=filled.url) as (process, get):
        assert get.url.startswith("http://127.0.0.1:")
        assert get("city").json["code"] == "demo"
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert f"console on {get.url}/" in said
    assert "Traceback" not in said


def test_a_database_of_another_city_is_refused_at_once(filled: Filled, other_city: Path) -> None:
    done = cityvitals("--city", str(other_city), "serve", CITYVITALS_DATABASE_URL=filled.url)
    assert done.code == 2
    assert "holds city 'demo', not 'elsewhere'" in done.err


def test_a_port_that_is_taken_is_told(filled: Filled, get: Client) -> None:
    port = get.url.rpartition(":")[2]
    done = cityvitals("--city", str(DEMO), "serve", CITYVITALS_DATABASE_URL=filled.url, CITYVITALS_WEB_PORT=port)
    assert done.code == 1
    assert f"port {port}" in done.err
    assert "set web.port" in done.err


def test_an_address_that_others_reach_is_refused_where_nobody_has_to_sign_in(filled: Filled) -> None:
    done = cityvitals(
        "--city", str(DEMO), "serve",
        CITYVITALS_DATABASE_URL=filled.url, CITYVITALS_WEB_HOST="0.0.0.0",  # noqa: S104  (that is the point)
    )  # fmt: skip
    assert done.code == 2
    assert "web.host" in done.err
    assert "cityvitals tokens new" in done.err


def test_a_console_that_died_comes_back_under_the_same_address(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "RESTART_S", 0.1)
    environ = environment(CITYVITALS_DATABASE_URL=filled.url)
    kept = Beside(["console", "--city", str(DEMO), "serve"], environ)
    try:
        url = kept.wait()
        assert url is not None
        get, first = Client(url), kept.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        while kept.pid == first:
            time.sleep(0.02)
        while True:
            try:
                assert get("city").status == 200
                break
            except urllib.error.URLError:  # nobody listens yet
                time.sleep(0.02)
    finally:
        kept.close()
    with pytest.raises(urllib.error.URLError):
        get("city")
