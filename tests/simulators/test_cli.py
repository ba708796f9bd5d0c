"""`python -m simulators`, as a person and a script meet it: words, exit codes, a bar only where somebody looks."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import deploy
import simulators
from tests.simulators.material import READINGS, WAIT_S, Listener, decoded, environment, run, write_city, write_recording


def test_a_replay_says_what_it_did_and_shows_no_bar_without_a_terminal(broker: deploy.Broker) -> None:
    done = run("replay", "traffic-i94", "--broker", broker.url)
    assert done.returncode == 0
    assert done.stdout.startswith("sent 4516 messages (4516 readings, ")
    assert done.stdout.endswith("; 4516 acknowledged\n")
    assert done.stderr == ""


def test_the_summary_as_json_has_every_figure(broker: deploy.Broker, tmp_path: Path) -> None:
    path = write_recording(tmp_path / "mine", readings=READINGS + "1,never,3\n1,2024-06-02 10:00,x\n")
    city = write_city(tmp_path / "city")
    done = run("replay", path, "--city", city, "--json", CITYVITALS_MQTT_URL=broker.url)
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    summary = json.loads(line)
    counts = {k: summary[k] for k in ("messages", "acknowledged", "readings", "rows", "empty_rows")}
    assert counts == {"messages": 4, "acknowledged": 4, "readings": 4, "rows": 4, "empty_rows": 3}
    assert (summary["refused_rows"], summary["refused_values"], summary["interrupted"]) == (1, 1, False)
    assert summary["shifts_us"] == {"mine": 0}
    assert [p.split(":")[1:3] for p in summary["problems"]] == [["8", "time"], ["9", "litres"]]
    assert done.stderr.splitlines() == summary["problems"]
    assert summary["bytes"] > 0
    assert summary["seconds"] >= 0


def test_a_terminal_shows_a_bar_with_the_recorded_time_and_the_rate(broker: deploy.Broker) -> None:
    ours, theirs = pty.openpty()
    program = [
        sys.executable,
        "-m",
        "simulators",
        "replay",
        "traffic-cologne",
        "--speed",
        "250000",
        "--broker",
        broker.url,
    ]
    shown = bytearray()

    def read() -> None:
        try:
            while part := os.read(ours, 65_536):
                shown.extend(part)
        except OSError:
            return  # Linux says so when the other end of a terminal closes

    reader = threading.Thread(target=read)
    reader.start()
    try:
        subprocess.run(
            program, env=environment(TERM="xterm"), stdout=subprocess.DEVNULL, stderr=theirs, timeout=120, check=True
        )
    finally:
        os.close(theirs)
        reader.join(WAIT_S)
        os.close(ours)
    text = shown.decode()
    assert "2014-01-1" in text
    assert "/5862" in text
    assert "/s" in text


def test_ctrl_c_ends_cleanly_with_everything_sent_acknowledged(broker: deploy.Broker) -> None:
    begun = threading.Event()
    with Listener(broker.url, on_count=(50, begun.set)) as listener:
        command = ["replay", "traffic-cologne", "--speed", "10000", "--json", "--broker", broker.url]
        process = subprocess.Popen(
            [sys.executable, "-m", "simulators", *command],
            env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert begun.wait(WAIT_S)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_S)
        arrived = listener.everything()
    assert process.returncode == 130
    assert err == ""
    summary = json.loads(out)
    assert summary["interrupted"]
    assert 50 <= summary["messages"] == summary["acknowledged"] == len(arrived) < 5_862


def test_times_of_the_command_line_are_the_citys_clock(broker: deploy.Broker) -> None:
    with Listener(broker.url) as listener:
        done = run(
            "replay", "beijing", "--from", "2016-07-01", "--to", "2016-07-01T02:00", "--json", "--broker", broker.url
        )
        assert json.loads(done.stdout)["messages"] == 8
        recording = simulators.prepare(["beijing"]).recordings[0]
        times = {time_us for m in listener.everything() for _, time_us, _ in decoded(recording, m)}
    assert times == {1467302400000000, 1467306000000000}  # 2016-06-30T16:00Z and 17:00Z


def test_shifted_to_now_nothing_is_of_the_future_and_the_newest_is_fresh(broker: deploy.Broker) -> None:
    with Listener(broker.url) as listener:
        done = run("replay", "noise-leq-1min", "--last", "2h", "--shift-to-now", "--json", "--broker", broker.url)
        shift = json.loads(done.stdout)["shifts_us"]["noise-leq-1min"]
        recording = simulators.prepare(["noise-leq-1min"]).recordings[0]
        times = [time_us for m in listener.everything() for _, time_us, _ in decoded(recording, m)]
    assert len(times) == 120
    assert shift % 3_600_000_000 == 0
    assert max(times) - min(times) == 119 * 60_000_000
    assert set(times) <= set((recording.rows.time_us + shift).tolist())


def test_check_sends_nothing_and_tells_what_it_found(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "mine", readings=READINGS + "1,never,3\n")
    done = run("check", path, "--city", write_city(tmp_path / "city"))
    assert done.returncode == 0
    assert done.stdout == (
        "mine: 4 rows of 2 devices (water_meter), 2024-06-01T08:00:00Z to 2024-06-01T08:06:00Z;"
        " 2 empty rows, 1 rows and 0 values refused\n4 messages, 4 readings\n"
    )
    assert f"{tmp_path}/mine/readings.csv:8:time: 'never': no time as described: " in done.stderr
    strict = run("check", path, "--city", tmp_path / "city", "--strict")
    assert (strict.returncode, strict.stdout) == (1, "")
    assert "readings.csv:8:time" in strict.stderr


def test_the_list_names_what_comes_with_the_program() -> None:
    listed = dict(line.split() for line in run("list").stdout.splitlines())
    kinds = {name: "city" if name in ("demo", "beijing") else "recording" for name in simulators.bundled()}
    assert listed == {**kinds, "small": "fleet", "kpis": "fleet", "day2000": "fleet", "mixed": "fleet", "year": "fleet"}
    assert len(listed) == 16


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["replay", "traffic-i94", "--broker", "http://x"], 2, "no broker address; expected mqtt://"),
        (["replay", "traffic-i94"], 2, "Missing option '--broker'"),
        (["replay", "traffic-i94", "--broker", "mqtt://x", "--speed", "fast"], 2, "--speed 'fast'; expected a number"),
        (["replay", "traffic-i94", "--broker", "mqtt://x", "--speed", "0"], 2, "expected a number above 0"),
        (["replay", "traffic-i94", "--broker", "mqtt://x", "--last", "soon"], 2, "'soon' is no length of time"),
        (["replay", "traffic-i94", "--broker", "mqtt://x", "--from", "x"], 2, "'x' is no time; write 2016-01-31"),
        (["replay", "traffic-i94", "--broker", "mqtt://x", "--pack", "0"], 2, "Invalid value for '--pack'"),
        (
            ["replay", "traffic-i95", "--broker", "mqtt://x"],
            1,
            "no such file, folder or bundled recording; did you mean",
        ),
        (["check", "traffic-i94", "--city", "nowhere"], 1, "nowhere: no such file, folder or bundled recording"),
        (
            ["check", "traffic-i94", "--city", "beijing"],
            1,
            "city beijing has no device i94-301-west; add to its devices.csv",
        ),
    ],
)
def test_wrong_use_says_what_is_wrong_and_what_to_do(arguments: list[str], code: int, said: str) -> None:
    done = run(*arguments, TERMINAL_WIDTH="200")
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broker_that_is_not_there_exits_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = run("replay", "traffic-i94", "--broker", f"mqtt://me:secret@127.0.0.1:{port}")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"broker 127.0.0.1:{port}: " in done.stderr
    assert "is it running, and is the address right?" in done.stderr
    assert "secret" not in done.stderr


def test_a_city_that_cannot_be_used_exits_1_with_every_fault(tmp_path: Path) -> None:
    path, city = write_recording(tmp_path / "mine"), write_city(tmp_path / "city", "meter-1,watre_meter", "meter-2,")
    done = run("check", path, "--city", city)
    assert done.returncode == 1
    assert "devices.csv: line 2, column model: " in done.stderr
    assert "devices.csv: line 3, column model: " in done.stderr
