"""Starting, finding again, mending and stopping the local stack."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from deploy import Server, Stack, StackError, create_database, doctor, down, drop_database, find, paths, temporary, up
from deploy.database import _processes_in
from deploy.packages import Packages, missing_tools
from deploy.process import birth
from tests.deploy.clients import Client, wait_for


def pids(stack: Stack) -> dict[str, int | None]:
    return {server.name: server.pid for server in stack.servers}


def processes_of(directory: Path) -> list[str]:
    """Every process of a stack: bubblewrap names the directory, the database's processes work in it."""
    found = [str(pid) for pid in _processes_in(directory / "database/data")] if directory.is_dir() else []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(directory) in line and int(process.name) != os.getpid():
            found.append(line.decode().replace("\0", " "))
    return found


def addresses_listening(port: int) -> set[str]:
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == port}


def test_a_second_up_finds_the_same_servers(stack: Stack) -> None:
    before = pids(stack)
    assert up(stack.directory) == stack.endpoints == find(stack.directory)
    assert pids(stack) == before
    assert None not in before.values()


def test_two_ups_at_once_start_one_stack(tmp_path: Path) -> None:
    try:
        with ThreadPoolExecutor(3) as pool:
            endpoints = set(pool.map(lambda _: up(tmp_path / "stack"), range(3)))
        assert len(endpoints) == 1
        assert find(tmp_path / "stack") in endpoints
    finally:
        down(tmp_path / "stack")


def test_the_database_has_timescaledb_and_a_commit_means_on_disk(stack: Stack) -> None:
    with psycopg.connect(stack.endpoints.database_url) as connection:
        settings: dict[str, str] = dict(
            connection.execute(
                "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)",
                [["fsync", "synchronous_commit", "full_page_writes", "TimeZone", "jit"]],
            ).fetchall()
        )
        extension = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
    assert extension == (1,)
    assert settings == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "TimeZone": "UTC",
        "jit": "off",
    }


def test_servers_listen_on_the_loopback_only_and_want_the_password(stack: Stack) -> None:
    for server in stack.servers:
        assert server.port is not None
        assert addresses_listening(server.port) == {"0100007F"}, server
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(stack.endpoints.database_url.replace("cityvitals:", "cityvitals:no"))
    assert (stack.directory / "database.password").stat().st_mode & 0o777 == 0o600


def test_the_servers_do_not_run_as_root(stack: Stack) -> None:
    """Inside, the user is an ordinary one, and outside no other user than ours."""
    for pid in pids(stack).values():
        assert f"{1000:>10} {os.getuid():>10}" in Path(f"/proc/{pid}/uid_map").read_text()


@pytest.mark.parametrize("name", ["database", "broker"])
def test_a_killed_server_is_started_again_where_it_was(tmp_path: Path, name: str) -> None:
    with temporary(tmp_path / "stack") as stack:
        before, endpoints = pids(stack), stack.endpoints
        with psycopg.connect(endpoints.database_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
        server: Server = getattr(stack, name)
        server.kill()
        assert server.pid is None
        assert find(stack.directory) is None

        assert up(stack.directory) == endpoints
        after = pids(stack)
        assert after[name] not in (None, before[name])
        assert {key: pid for key, pid in after.items() if key != name} == {
            key: pid for key, pid in before.items() if key != name
        }
        with psycopg.connect(endpoints.database_url) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
        Client(endpoints.mqtt_url).close()
        down(stack.directory)


def test_a_taken_port_is_replaced(tmp_path: Path) -> None:
    directory = tmp_path / "stack"
    try:
        up(directory)
        stack = Stack(directory)
        ports = {server.name: server.port for server in stack.servers}
        down(directory)
        with socket.socket() as first, socket.socket() as second:
            for squatter, port in zip((first, second), ports.values(), strict=True):
                squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                # Where somebody else was faster, the port is taken as well.
                with suppress(OSError):
                    squatter.bind(("127.0.0.1", port or 0))
                    squatter.listen()
            endpoints = up(directory)
            for server in stack.servers:
                assert server.port not in ports.values()
            with psycopg.connect(endpoints.database_url) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            Client(endpoints.mqtt_url).close()
    finally:
        down(directory)


def test_down_leaves_no_process_and_harms_no_stranger(tmp_path: Path) -> None:
    directory = tmp_path / "stack"
    up(directory)
    assert len(processes_of(directory)) > 3
    down(directory)
    wait_for(lambda: processes_of(directory) == [], "the last process to end")
    assert find(directory) is None

    with subprocess.Popen(["sleep", "100"]) as stranger:
        # What a reboot may leave: our record, and its process id given to somebody else.
        record = json.loads((directory / "broker.json").read_text())
        (directory / "broker.json").write_text(json.dumps({**record, "pid": stranger.pid}))
        (directory / "database/data/postmaster.pid").write_text(f"{stranger.pid}\n")
        down(directory)
        assert stranger.poll() is None
        try:
            assert up(directory) == find(directory)
        finally:
            down(directory)
            stranger.kill()


def test_servers_end_with_the_program_that_holds_them(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from deploy import temporary\n"
        "with temporary(Path(sys.argv[1])) as stack:\n"
        "    print(stack.database.pid, stack.broker.pid, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    line = [sys.executable, "-c", program, str(tmp_path / "stack")]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        servers = [int(pid) for pid in holder.stdout.readline().split()]
        assert all(birth(pid) for pid in servers)
        holder.send_signal(signal.SIGKILL)
    wait_for(lambda: not any(birth(pid) for pid in servers), "the servers to follow")
    wait_for(lambda: processes_of(tmp_path / "stack") == [], "the last process to end")


def test_a_given_server_is_used_and_not_started(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYVITALS_DATABASE_URL", stack.database.url)
    with temporary(tmp_path / "other") as other:
        assert other.endpoints.database_url == stack.database.url
        assert other.endpoints.mqtt_url == other.broker.url != stack.broker.url
        assert [server.name for server in other.servers] == ["broker"]
        assert not other.database.state.exists()


def test_each_test_can_have_its_own_database(stack: Stack) -> None:
    url = create_database(stack.endpoints.database_url, "of_one_test")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE reading (time timestamptz NOT NULL, value bigint)")
        connection.execute("SELECT create_hypertable('reading', 'time')")
        drop_database(stack.endpoints.database_url, "of_one_test")  # even while somebody is connected
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)
    with pytest.raises(StackError, match="cannot name a database"):
        create_database(stack.endpoints.database_url, 'x"; DROP')


def test_a_server_that_cannot_start_says_why_and_where_to_read_more(tmp_path: Path) -> None:
    with temporary(tmp_path / "stack") as stack:
        stack.database.stop()
        (stack.database.state / "data/global/pg_control").unlink()
        with pytest.raises(StackError, match=r"pg_control.*database\.log"):
            stack.up()


def test_a_missing_tool_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(paths, "local", lambda: tmp_path)  # a machine where nothing is unpacked yet
    checks = {check.name: check for check in doctor()}
    for program, package in {"apt-get": "apt", "dpkg-deb": "dpkg", "tar": "tar"}.items():
        assert not checks[program].ok
        assert checks[program].fix == f"apt-get install {package}"
    assert not checks["servers"].ok
    assert checks["servers"].fix == "python3 -m deploy setup"
    assert checks["browser"].ok  # only tests need it
    assert "python3 -m deploy browser" in checks["browser"].detail
    assert missing_tools() == ["apt-get", "dpkg-deb", "tar"]
    with pytest.raises(StackError, match=r"not found: apt-get, dpkg-deb, tar.*CITYVITALS_DATABASE_URL"):
        Packages(tmp_path / "apt").fetch_only(["anything"], tmp_path)


def test_the_doctor_finds_a_set_up_machine_in_order() -> None:
    checks = {check.name: check for check in doctor()}
    wrong = [check for name, check in checks.items() if not check.ok and name not in ("database", "broker")]
    assert wrong == []


def test_an_installed_package_unpacks_into_the_users_cache_also_after_a_broken_attempt(tmp_path: Path) -> None:
    """No checkout here: the folder of the package alone, as a wheel installs it."""
    shutil.copytree(paths.SETTINGS, tmp_path / "site/deploy", ignore=shutil.ignore_patterns("__pycache__"))
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    line = [sys.executable, "-m", "deploy"]
    userlands = tmp_path / "cache/cityvitals/userland"

    def attempts() -> list[Path]:
        return list(userlands.glob("unfinished-*/root/usr"))

    with subprocess.Popen(
        [*line, "setup"], cwd=tmp_path, env=env, start_new_session=True, stderr=subprocess.DEVNULL
    ) as broken:
        wait_for(lambda: attempts() != [], "the unpacking to begin")
        os.killpg(broken.pid, signal.SIGKILL)
    assert len(attempts()) == 1

    try:
        done = subprocess.run([*line, "up"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "mqtt://127.0.0.1:" in done.stdout
        assert attempts() == []
        assert len([folder for folder in userlands.iterdir() if folder.is_dir()]) == 1
        assert (tmp_path / "cache/cityvitals/stack/database/data/PG_VERSION").read_text() == "17\n"
    finally:
        subprocess.run([*line, "down"], cwd=tmp_path, env=env, check=True)
