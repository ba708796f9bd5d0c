"""Our programs in processes forked from one that has imported them and loaded their kernels.

The tests run our programs many hundred times. Begun anew each would import for a second or two before it does
anything; forked it begins at once, and is else what its user runs: a process of its own with its own environment,
folder, streams, signals and end. That programs begin by themselves is seen where they are started anew: `program` in
`tests.console.command`, the gateways of the console's tests and of the bench, `make demo`.

Knows nothing of what a program does.
"""

from __future__ import annotations

import atexit
import ctypes
import io
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from console.leash import PR_SET_PDEATHSIG

ROOT = Path(__file__).resolve().parents[1]
IMPORTED = (
    "console.cli", "console.commands.decode", "console.service", "engine.indicators", "engine.store",
    "pydantic.json_schema", "pydantic.type_adapter", "rich.markdown", "rich.progress", "simulators.cli", "tests.warmed",
    "typer.rich_utils",
)  # fmt: skip
"""What most programs import: done once, in the process that they are forked from."""


@dataclass(frozen=True)
class Streams:
    """The files that a program reads and writes; what it writes is added to what is there."""

    stdin: Path = Path(os.devnull)
    stdout: Path = Path(os.devnull)
    stderr: Path = Path(os.devnull)


class Fork:
    """A program that runs, with what tests use of `subprocess.Popen`. It ends with this process, however that ends.

    Args:
        module: whose `main` is called, without arguments.
        arguments: of the program, with its name.
        environ: all of its environment.
        streams: its files.
        cwd: its folder.
    """

    def __init__(
        self, module: str, arguments: Sequence[str], environ: Mapping[str, str], streams: Streams, cwd: Path = ROOT
    ) -> None:
        self._arguments = arguments
        self._process = _forks.Process(
            target=_become, args=(module, tuple(arguments), dict(environ), streams, str(cwd))
        )
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Look whether it has ended."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self._arguments, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal unless it has ended."""
        if self.poll() is None and self.pid is not None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


def run(
    module: str,
    arguments: Sequence[str],
    environ: Mapping[str, str],
    *,
    cwd: Path = ROOT,
    stdin: bytes = b"",
    timeout_s: float = 300.0,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as `subprocess.run` does with what it printed captured."""
    with tempfile.TemporaryDirectory() as folder:
        streams = Streams(*(Path(folder) / name for name in ("in", "out", "err")))
        streams.stdin.write_bytes(stdin)
        child = Fork(module, arguments, environ, streams, cwd)
        try:
            code = child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise
        return subprocess.CompletedProcess(arguments, code, streams.stdout.read_text(), streams.stderr.read_text())


def _become(module: str, arguments: Sequence[str], environ: Mapping[str, str], streams: Streams, cwd: str) -> None:
    """Become the program: everything that one has from its start is made anew."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # Opened one by one: both outputs may be the same file.
    for number, path in enumerate((streams.stdin, streams.stdout, streams.stderr)):
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        os.dup2(made, number)
        os.close(made)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, "r", closefd=False), "utf-8")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "utf-8")
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), "utf-8", "backslashreplace", write_through=True)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    os.chdir(cwd)
    sys.argv = list(arguments)
    try:
        sys.exit(import_module(module).main())
    finally:
        atexit._run_exitfuncs()


_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(list(IMPORTED))
