"""A console beside a gateway: started with it, started again where it ends, stopped with it.

Knows the child; the gateway neither waits for it nor ends with it.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from console.children import Child, wait_ready
from console.errors import FailureError

log = logging.getLogger("console")

START_S_MAX = 60.0
RESTART_S = 5.0
"""A console that ended is started again after this."""
LOOK_S = 0.2
PORT_VARIABLE = "CITYVITALS_WEB_PORT"


class Beside:
    """Keeps a console running in a process of its own until it is closed.

    Args:
        arguments: what `python -m` is given, but for the file that tells when it is ready.
        environ: of the process.
    """

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        self._arguments, self._environ = tuple(arguments), dict(environ)
        self._stop = threading.Event()
        self._tried = threading.Event()
        self.url: str | None = None
        """Where it is; None before it was ever ready. A console that is started again keeps its address."""
        self.pid: int | None = None
        """Process of the one that was started last."""
        # The child lives no longer than the thread that started it.
        self._keeper = threading.Thread(target=self._keep, name="console", daemon=True)
        self._keeper.start()

    def wait(self, seconds_max: float = START_S_MAX) -> str | None:
        """Wait for the first start, and return where the console is; None where it did not come up."""
        self._tried.wait(seconds_max)
        return self.url

    def close(self) -> None:
        """Stop the console."""
        self._stop.set()
        self._keeper.join()

    def _keep(self) -> None:
        with tempfile.TemporaryDirectory(prefix="cityvitals-console-") as folder:
            ready = Path(folder) / "ready.json"
            while not self._stop.is_set():
                self._run(ready)
                self._tried.set()
                self._stop.wait(RESTART_S)

    def _run(self, ready: Path) -> None:
        """Run the console once, to its end."""
        ready.unlink(missing_ok=True)
        child = Child("console", [*self._arguments, "--ready-file", str(ready)], self._environ)
        self.pid = child.process.pid
        try:
            facts = wait_ready(child, ready, self._stop, START_S_MAX)
            if facts is not None:
                self.url = str(facts["console"])
                # Open pages come back to the same address.
                self._environ[PORT_VARIABLE] = self.url.rstrip("/").rpartition(":")[2]
                self._tried.set()
            while child.running and not self._stop.wait(LOOK_S):
                pass
            if not self._stop.is_set():
                raise child.failure()
        except FailureError as error:
            log.warning("%s; it is started again in %g s", error, RESTART_S)
        finally:
            child.stop()
