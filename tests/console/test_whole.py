"""`up`, `down` and `demo` from beginning to end, in a folder with a stack of its own."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import deploy
from console.commands.stack import GATEWAY_RECORD, running_gateway
from deploy import paths, userland
from tests.console.command import ROOT, Done, cityvitals, environment
from tests.console.conftest import CITY, publish
from tests.console.web.client import Client

pytestmark = pytest.mark.system
WAIT_S = 120.0


@pytest.fixture(scope="module")
def home(stack: deploy.Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a `.local` of its own but for the unpacked servers (which `stack` has seen to)."""
    root = tmp_path_factory.mktemp("home")
    (root / ".local").mkdir()
    (root / ".local" / "userland").symlink_to(userland.location().parent)
    yield root
    # A test that failed may have left its gateway running.
    run(root, "down")
    for folder in ("stack", "demo"):
        deploy.down(root / ".local" / folder)


def run(root: Path, *arguments: str) -> Done:
    return cityvitals(*arguments, cwd=root, **made_in(root))


def made_in(root: Path) -> dict[str, str]:
    """The setting by which all that is made here is made there."""
    return {paths.LOCAL: str(root / ".local")}


def processes(root: Path) -> list[str]:
    """Return the command lines of all processes that have to do with the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            folder = str((entry / "cwd").readlink())
        except OSError:
            continue
        if str(root) in line or folder.startswith(str(root)):
            found.append(line)
    return found


def test_up_goes_to_the_background_is_found_again_and_down_stops_all(home: Path) -> None:
    up = cityvitals("up", "--detach", cwd=home, **made_in(home), CITYVITALS_WEB_SERVE="true")
    assert up.code == 0, up.err
    assert "***" in up.out
    assert re.search(r"metrics   http://127\.0\.0\.1:\d+/metrics", up.out)
    printed = re.search(r"console   (http://127\.0\.0\.1:\d+/)", up.out)
    assert printed is not None, up.out
    console = Client(printed[1])
    assert console("city").json["code"] == "demo"
    lag = console("ledger/summary").json["lag"]
    assert (lag["known"], lag["answers"], lag["connected"]) == (True, True, True)
    again = run(home, "up", "--detach")
    assert (again.code, again.out) == (0, "runs already; stop it with `cityvitals down`\n")
    refused = run(home, "up")
    assert refused.code == 1
    assert "runs already" in refused.err
    assert "✓ balances" in run(home, "ledger").out
    doctor = {row["name"]: row for row in run(home, "doctor", "--json").rows}
    assert doctor["tables"]["ok"]
    assert doctor["database"]["ok"]
    down = run(home, "down")
    assert (down.code, down.out) == (0, "stopped\n")
    assert processes(home) == []
    assert run(home, "down").out == "nothing runs\n"


def test_up_in_the_foreground_stops_what_it_started_at_ctrl_c(home: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "console", "up"],
        cwd=home, env=environment(**made_in(home)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stderr is not None
    assert any("ready; metrics on" in line for line in child.stderr)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=WAIT_S)
    assert child.returncode == 0, err
    assert out.startswith("broker    mqtt://127.0.0.1:")
    assert "stopping the servers started here" in err
    assert "Traceback" not in err
    assert processes(home) == []


def test_a_kept_demo_prints_figures_can_be_asked_and_a_second_one_does_not_disturb_it(home: Path) -> None:
    done = run(home, "demo", "--once", "--last", "3h", "--keep")
    assert done.code == 0, done.err
    assert "European Air Quality Index" in done.out
    assert "■" in done.out
    ledger = re.search(r"received ([\d,]+) = accepted ([\d,]+) \+ duplicate ([\d,]+) \+ quarantined ([\d,]+)", done.out)
    assert ledger is not None
    received, *parts = (int(number.replace(",", "")) for number in ledger.groups())
    assert received == sum(parts) > 0
    assert "✓ balances" in done.out
    assert f"published {received:,} readings" in done.out
    assert "Traceback" not in done.err

    rows = run(home, "--demo", "indicators", "--indicator", "eaqi", "--json").rows
    assert {row["scope"] for row in rows} == {"city", "zone:air", "zone:kerb"}
    with (home / ".local" / "demo" / "demo.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        second = run(home, "demo", "--once")
    assert second.code == 1
    assert "another demo runs in this folder" in second.err
    assert run(home, "--demo", "down").out == "stopped\n"
    assert processes(home) == []


class Terminal:
    """`cityvitals demo` on a terminal of 80 by 24."""

    def __init__(self, root: Path, *arguments: str) -> None:
        self._descriptor, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environ = environment(**made_in(root), TERM="xterm-256color")
        del environ["COLUMNS"]
        self._child = subprocess.Popen(
            [sys.executable, "-m", "console", *arguments],
            cwd=root, env=environ, stdin=inside, stdout=inside, stderr=inside, start_new_session=True,
        )  # fmt: skip
        os.close(inside)
        self.text = ""

    def wait(self, pattern: str) -> None:
        """Read until the pattern stands on the terminal."""
        deadline = time.monotonic() + WAIT_S
        while not re.search(pattern, self.text):
            assert time.monotonic() < deadline, self.text[-3000:]
            self._read(1.0)

    def _read(self, seconds: float) -> bool:
        if select.select([self._descriptor], [], [], seconds)[0]:
            try:
                got = os.read(self._descriptor, 65536)
            except OSError:  # Linux says EIO where the other end is closed
                return False
            self.text += got.decode(errors="replace")
            return bool(got)
        return True

    def press(self, key: str) -> None:
        os.write(self._descriptor, key.encode())

    def end(self) -> int:
        """Read to the end and return the exit code."""
        while self._read(WAIT_S):
            pass
        os.close(self._descriptor)
        return self._child.wait(WAIT_S)


def test_the_live_page_shows_figures_obeys_keys_and_leaves_nothing_running(home: Path) -> None:
    terminal = Terminal(home, "demo", "--last", "12h", "--speed", "7200")
    terminal.wait(r"Moderate|Good|Fair|Poor|Unhealthy")
    terminal.wait("✓ balances")
    assert "\x1b[?1049h" in terminal.text  # a screen of its own, so that the user's is left as it was
    terminal.press("d")
    terminal.wait("d hours")
    terminal.press("q")
    assert terminal.end() == 0
    assert "\x1b[?1049l" in terminal.text
    assert "Traceback" not in terminal.text
    assert processes(home) == []


@pytest.mark.parametrize("moment", ["database started", "gateway ready", "replaying"])
def test_a_killed_demo_leaves_nothing_running(home: Path, moment: str) -> None:
    kill_demo_at(home, moment)
    wait_alone(home)


def test_a_killed_demo_on_given_servers_takes_gateway_and_replay_along(
    home: Path, database_url: str, broker: deploy.Broker
) -> None:
    """With servers that live on, nothing but the parent's death can end the children."""
    kill_demo_at(home, "replaying", CITYVITALS_DATABASE_URL=database_url, CITYVITALS_MQTT_URL=broker.url)
    wait_alone(home)


def kill_demo_at(root: Path, moment: str, **environ: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "console", "demo", "--last", "12h", "--speed", "60"],
        cwd=root, env=environment(**made_in(root), **environ),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stderr is not None
    assert any(moment in line for line in child.stderr)
    child.kill()
    child.wait()
    child.stderr.close()


def wait_alone(root: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    while left := processes(root):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def test_each_city_has_its_own_data_on_one_stack(home: Path, other_city: Path) -> None:
    assert run(home, "up", "--detach").code == 0
    send(home, "demo", 7)
    for arguments in (["up"], ["up", "--detach"]):
        refused = run(home, "--city", str(other_city), *arguments)
        assert refused.code == 1
        assert "serves city 'demo', not 'elsewhere'" in refused.err
        assert "cityvitals down" in refused.err
    nothing = run(home, "--city", str(other_city), "ledger")
    assert nothing.code == 1
    assert "holds nothing of city 'elsewhere' yet" in nothing.err
    assert run(home, "down").code == 0

    assert run(home, "--city", str(other_city), "up", "--detach").code == 0
    # To the first city's topics: its gateway is away, and they are not this one's business.
    publish(Stack(home).broker.url, (("cityvitals/demo/street-noise/telemetry", reading(100)),))
    send(home, "elsewhere", 3)
    assert received(home, "--city", str(other_city)) == 3
    assert received(home) == 3, "the city served last is meant where none is named"
    assert received(home, "--city", str(CITY)) == 7, "the first city's data stay"
    assert run(home, "down").code == 0

    assert run(home, "--city", str(CITY), "up", "--detach").code == 0
    while received(home) < 8:
        assert running_gateway(Stack(home).directory / GATEWAY_RECORD)
    assert received(home, "--city", str(other_city)) == 3
    assert run(home, "down").code == 0
    assert processes(home) == []


def test_up_brings_back_a_server_that_was_killed(home: Path) -> None:
    assert run(home, "up", "--detach").code == 0
    for names in (("database",), ("broker",), ("database", "broker")):
        brought_back(home, names)
    assert "runs already" in run(home, "up", "--detach").out
    assert run(home, "down").code == 0
    assert processes(home) == []


def brought_back(home: Path, names: tuple[str, ...]) -> None:
    """Kill these servers: `up` starts them again where they were, and the gateway lives on and takes in readings."""
    stack = Stack(home)
    gateway = running_gateway(stack.directory / GATEWAY_RECORD)
    before = received(home)
    ports = {server: server.port for server in stack.servers}
    for server in stack.servers:
        if server.name in names:
            server.kill()
    again = run(home, "up", *([] if names == ("broker",) else ["--detach"]))
    assert (again.code, "Traceback" in again.err) == (0, False), again.err
    assert f"brought back: {' and '.join(names)}" in again.out
    assert stack.running()
    assert {server: server.port for server in stack.servers} == ports
    assert running_gateway(stack.directory / GATEWAY_RECORD) == gateway
    send(home, "demo", 2, at_least=before + 2)


def test_history_is_taken_while_the_servers_run_alone(home: Path, tmp_path: Path) -> None:
    history = tmp_path / "history.csv"
    history.write_text("time,device,field,value\n2026-03-01T12:00:00Z,beijing-dongsi,no2,35.2\n")
    alone = run(home, "up", "--servers")
    assert alone.code == 0, alone.err
    assert re.fullmatch(r"broker    mqtt://127\.0\.0\.1:\d+\ndatabase  postgresql://\S+\n", alone.out)
    assert running_gateway(home / ".local" / "stack" / GATEWAY_RECORD) is None
    demo = str(ROOT / "simulators" / "cities" / "demo")
    for command in (("migrate",), ("backfill", str(history))):
        done = run(home, "--city", demo, *command)
        assert done.code == 0, done.err
    (row,) = run(home, "observations", "--device", "beijing-dongsi", "--from", "2026-03-01T00:00:00Z", "--json").rows
    assert row["value"] == "35.200"
    up = run(home, "up", "--detach")
    assert up.code == 0, up.err
    refused = run(home, "up", "--servers")
    assert refused.code == 1
    assert "stop it with `cityvitals down`" in refused.err
    assert run(home, "down").out == "stopped\n"
    assert processes(home) == []


def Stack(root: Path) -> deploy.Stack:  # noqa: N802  (reads as what it returns)
    return deploy.Stack(root / ".local" / "stack")


def reading(minute: int) -> bytes:
    return json.dumps([{"n": "sound_level", "u": "dB", "v": 50, "t": int(time.time()) - 3600 + 30 * minute}]).encode()


def received(root: Path, *options: str) -> int:
    done = run(root, *options, "ledger", "--json")
    assert done.code == 0, done.err
    return int(done.rows[0]["received"])


def send(root: Path, city: str, count: int, at_least: int | None = None) -> None:
    """Send readings of a city's device and wait until the running gateway has them."""
    topic = f"cityvitals/{city}/street-noise/telemetry"
    publish(Stack(root).broker.url, tuple((topic, reading(minute)) for minute in range(count)))
    while received(root) < (at_least or count):
        assert running_gateway(Stack(root).directory / GATEWAY_RECORD)
