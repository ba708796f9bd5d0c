"""The live page on a terminal: keys, size changes and refreshing. Leaves the terminal as it found it.

Knows terminals; what the page says comes from a feed.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from dataclasses import replace

from rich.console import Console
from rich.live import Live

from console.page import Page, render, scroll_max

REFRESH_S = 1.0
"""A new page is asked for this often."""
KEYS_S = 0.2
"""Longest wait for a key before the terminal's size is looked at again."""
KEY_BYTES_MAX = 64
PAGE_LINES = 10

_UP, _DOWN, _PAGE_UP, _PAGE_DOWN, _HOME, _END = "up", "down", "page-up", "page-down", "home", "end"
_KEYS = {
    "\x1b[A": _UP, "\x1bOA": _UP, "k": _UP,
    "\x1b[B": _DOWN, "\x1bOB": _DOWN, "j": _DOWN,
    "\x1b[5~": _PAGE_UP, "b": _PAGE_UP,
    "\x1b[6~": _PAGE_DOWN, " ": _PAGE_DOWN,
    "\x1b[H": _HOME, "g": _HOME,
    "\x1b[F": _END, "G": _END,
}  # fmt: skip
_STEPS = {_UP: -1, _DOWN: 1, _PAGE_UP: -PAGE_LINES, _PAGE_DOWN: PAGE_LINES, _HOME: -(10**6), _END: 10**6}


class Feed:
    """Asks for the page in a thread of its own, so that a slow database never makes the keys wait.

    Args:
        read: given `hour` or `day`, returns the page; may raise what `failing` understands.
        failing: turns an error of `read` into a sentence, or None for a fault of the program, which then ends the feed.
    """

    def __init__(
        self, first: Page, read: Callable[[str], Page], failing: Callable[[BaseException], str | None]
    ) -> None:
        self.page = first
        self.window = "hour"
        self.error: BaseException | None = None
        self._read, self._failing = read, failing
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="page-feed", daemon=True)

    def __enter__(self) -> Feed:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._wake.set()
        self._thread.join(5.0)

    def switch(self) -> None:
        """Show days instead of hours, or the other way round."""
        self.window = "day" if self.window == "hour" else "hour"
        self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                self.page = self._read(self.window)
            except Exception as error:  # whatever it is, it is shown: on the page, or by whoever waits for the feed
                said = self._failing(error)
                if said is None:
                    self.error = error
                    return
                self.page = replace(self.page, trouble=said.splitlines()[0])
            self._wake.wait(REFRESH_S)


def show(feed: Feed, stop: threading.Event, console: Console | None = None) -> None:
    """Show the feed's page until `q`, Ctrl-C or `stop`.

    Raises:
        whatever ended the feed.
    """
    console = console or Console()
    first = 0
    with _keys() as read_key, Live(console=console, screen=True, auto_refresh=False) as live:
        while not stop.is_set():
            if feed.error is not None:
                raise feed.error
            width, height = console.size
            first = max(0, min(first, scroll_max(feed.page, width, height)))
            live.update(render(feed.page, width, height, first, feed.window), refresh=True)
            key = read_key(KEYS_S)
            if key in ("q", "Q", "\x03"):
                return
            if key == "d":
                first = 0
                feed.switch()
            first += _STEPS.get(_KEYS.get(key, ""), 0)


def _no_key(seconds: float) -> str:
    threading.Event().wait(seconds)
    return ""


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[float], str]]:
    """Yield a reader of single keys that waits at most the time given; typed keys are not echoed."""
    descriptor = sys.stdin.fileno()
    if not os.isatty(descriptor):
        yield _no_key
        return
    before = termios.tcgetattr(descriptor)

    def read_key(seconds: float) -> str:
        ready, _, _ = select.select([descriptor], [], [], seconds)
        return os.read(descriptor, KEY_BYTES_MAX).decode(errors="replace") if ready else ""

    try:
        tty.setcbreak(descriptor)
        yield read_key
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
