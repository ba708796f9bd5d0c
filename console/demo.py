"""The demo as a whole: servers, gateway, replay and page, started in order and stopped in the reverse one.

Knows who is started when; what is shown comes from `live_feed`, how from `screen`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.children import Child, alone, stopped_by_signals, wait_ready
from console.commands.stack import child_environment, run_arguments, start_servers
from console.context import DEMO_DATABASE, Context
from console.errors import FailureError
from console.output import stderr, stdout
from console.ports import require_free

if TYPE_CHECKING:
    from console.live_feed import Figures, LiveFeed
    from deploy import Endpoints

START_S_MAX = 600.0
"""The first start compiles the kernels: half a minute of a processor that has nothing else to do."""
DRAIN_S_MAX = 120.0
"""After the replay's end, everything published must be stored and computed within this time."""
DRAIN_LOOK_S = 0.1
PROGRESS_S = 5.0


@dataclass(slots=True)
class _Run:
    """One demo under way."""

    endpoints: Endpoints
    gateway: Child
    replay: Child
    feed: LiveFeed
    began: float
    published: int | None = None

    @property
    def replaying(self) -> bool:
        return self.replay.running

    def since(self) -> str:
        return f"[{time.monotonic() - self.began:5.1f} s]"


def run_demo(context: Context, *, once: bool, speed: str, last: str, keep: bool) -> bool:
    """Run the demo; return whether the ledger balances and figures were computed.

    Raises:
        ConsoleError, StackError, StoreError: what could not be started, with what to do.
    """
    began = time.monotonic()
    context.registry()  # a fault in the city is said before anything is started
    require_free(context.settings, metrics=True, web=context.settings.web.serve and not once)
    with ExitStack() as closing:
        stop = closing.enter_context(stopped_by_signals())
        folder = context.stack().directory
        folder.mkdir(parents=True, exist_ok=True)
        closing.enter_context(
            alone(folder / "demo.lock", "another demo runs in this folder", "leave it with q, or wait for its end")
        )
        endpoints, ours = start_servers(context, die_with_parent=not keep)
        if ours and not keep:
            closing.callback(context.stack().down)
        run = _start(context, endpoints, closing, stop, began=began, speed=speed, last=last, console=not once)
        if run is None:
            return True  # stopped by the user
        if once or not sys.stdout.isatty():
            return _to_the_end(run, stop, keep=keep)
        return _live(run, stop)


def _start(
    context: Context,
    endpoints: Endpoints,
    closing: ExitStack,
    stop: threading.Event,
    *,
    began: float,
    speed: str,
    last: str,
    console: bool,
) -> _Run | None:
    terminal = stderr()

    def progress(text: str) -> None:
        terminal.print(f"[{time.monotonic() - began:5.1f} s] {text}", style="dim", markup=False)

    endpoints = _fresh_database(context, endpoints)
    progress(f"fresh database {endpoints.database_url.rpartition('/')[2]}")
    scratch = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="cityvitals-demo-")))
    ready = scratch / "ready.json"
    # A session of its own, forgotten soon: an interrupted demo must not leave its messages to the next one.
    environ = child_environment(
        endpoints,
        CITYVITALS_MQTT_CLIENT_ID=f"cityvitals-demo-{time.time_ns():x}",
        CITYVITALS_MQTT_SESSION_EXPIRY_S="300",
        CITYVITALS_RESULTS_CLIENT_ID=f"cityvitals-demo-results-{time.time_ns():x}",
    )
    if not console:
        environ["CITYVITALS_WEB_SERVE"] = "false"  # nobody would see it: the demo ends with the replay
    gateway = Child("gateway", run_arguments(context, "--migrate", "--ready-file", str(ready)), environ)
    closing.callback(gateway.stop)
    from console.live_feed import LiveFeed  # while the gateway warms up

    facts = wait_ready(gateway, ready, stop, START_S_MAX, lambda said: progress(f"waiting for the gateway: {said}"))
    if facts is None:
        return None
    progress(f"gateway ready, metrics on {facts['metrics']}")
    if "console" in facts:
        progress(f"console on {facts['console']}")
    replay = Child(
        "replay",
        [
            "simulators", "replay", str(context.city_dir()), "--broker", endpoints.mqtt_url,
            "--last", last, "--shift-to-now", "--speed", speed, "--json",
        ],
        environ,
        keep_stdout=True,
    )  # fmt: skip
    closing.callback(replay.stop)
    feed = closing.enter_context(LiveFeed.open(endpoints.database_url, context.registry(), str(facts["metrics"])))
    progress(f"replaying the last {last} of each recording, {_pace(speed)}")
    return _Run(endpoints, gateway, replay, feed, began)


def _pace(speed: str) -> str:
    return "as fast as it goes" if speed == "max" else f"{speed} times as fast as it was"


def _fresh_database(context: Context, endpoints: Endpoints) -> Endpoints:
    """Return the endpoints with an empty database; on a server of somebody else a new one with the time in its name."""
    from dataclasses import replace

    from deploy import create_database, drop_database

    url = endpoints.database_url
    if context.settings.database.url:
        name = f"{DEMO_DATABASE}_{datetime.now(UTC):%Y%m%d_%H%M%S}"
    else:
        name = DEMO_DATABASE
        drop_database(url, name)
    return replace(endpoints, database_url=create_database(url, name))


def _live(run: _Run, stop: threading.Event) -> bool:
    from console.failures import told
    from console.screen import Feed, show

    def failing(error: BaseException) -> str | None:
        known = told(error)
        return known.what if known else None

    def read(window: str) -> Page:
        return run.feed.page(window, _status(run))

    from console.page import Page

    with Feed(run.feed.empty_page(_status(run)), read, failing) as feed:
        show(feed, stop)
    totals = feed.page.totals
    if not totals.received:
        return True  # left before anything came
    _print_ledger(run.feed.figures("hour"))
    return totals.balances


def _status(run: _Run) -> str:
    if not run.gateway.running:
        raise run.gateway.failure()
    if run.replaying:
        return "replaying"
    if run.replay.process.returncode != 0:
        raise run.replay.failure()
    return "replay done"


def _to_the_end(run: _Run, stop: threading.Event, *, keep: bool) -> bool:
    told_at = time.monotonic()
    while run.replaying:
        if stop.wait(0.1):
            return True
        if not run.gateway.running:
            raise run.gateway.failure()
        if time.monotonic() - told_at >= PROGRESS_S:
            told_at = time.monotonic()
            totals = run.feed.totals()
            stderr().print(
                f"{run.since()} received {totals.received:,} readings, accepted {totals.accepted:,}", style="dim"
            )
    if run.replay.process.returncode != 0:
        raise run.replay.failure()
    summary = json.loads(run.replay.wait_output())
    drained = _drain(run, stop, int(summary["readings"]))
    if stop.is_set():
        return True
    figures = run.feed.figures("hour")
    _print_figures(run.feed, figures)
    _print_ledger(figures)
    stdout().print(
        f"published {summary['readings']:,} readings in {summary['messages']:,} messages; "
        f"all figures after {time.monotonic() - run.began:.1f} s",
        markup=False,
    )
    if keep:
        stdout().print(
            "kept: cityvitals --demo indicators, kpis, observations, quarantine, ledger; stop: cityvitals --demo down"
        )
    if not drained:
        raise FailureError(
            f"not everything published was stored and computed within {DRAIN_S_MAX:.0f} s: "
            f"{figures.totals.received:,} of {summary['readings']:,} readings received",
            run.gateway.said,
        )
    return figures.totals.balances and bool(figures.lines)


def _drain(run: _Run, stop: threading.Event, readings: int) -> bool:
    """Wait until everything published is in the ledger and in the figures."""
    deadline = time.monotonic() + DRAIN_S_MAX
    while time.monotonic() < deadline and not stop.is_set():
        if not run.gateway.running:
            raise run.gateway.failure()
        if run.feed.totals().received >= readings and run.feed.computed():
            return True
        stop.wait(DRAIN_LOOK_S)
    return False


def _print_figures(feed: LiveFeed, figures: Figures) -> None:
    from rich.text import Text

    from console.page import LEGEND, heading, table_lines

    console = stdout()
    console.print(Text(f"{feed.title}, newest hour of each indicator", style="bold"))
    console.print(heading(console.width))
    for line in table_lines(figures.lines, console.width):
        console.print(line)
    console.print(Text(LEGEND, style="dim"))


def _print_ledger(figures: Figures) -> None:
    from console.page import ledger_line, reasons_line

    console = stdout()
    console.print(ledger_line(figures.totals, console.width))
    console.print(reasons_line(figures.reasons, console.width))
