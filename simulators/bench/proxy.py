"""A TCP proxy on loopback whose connections can be cut, refused, slowed down and stalled: the network's misbehaviour.

Knows sockets and bytes; must not know what is said over them, nor when to misbehave.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType

LOOPBACK = "127.0.0.1"
PIECE_BYTES = 1 << 16
TICK_S = 0.02
"""How late the loop notices what it was told while nothing happens on any connection."""
CONNECT_S_MAX = 5.0
_RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"
"""SO_LINGER on, 0 s: closing sends a reset, and what is on its way is lost, as on a real cut."""


class _Way:
    """One direction of a connection: what was read from one end and is not written to the other yet."""

    __slots__ = ("due_s", "ended", "far", "sink", "source", "waiting")

    def __init__(self, source: socket.socket, sink: socket.socket, *, far: bool) -> None:
        self.source, self.sink, self.far = source, sink, far
        self.waiting = b""
        self.due_s = 0.0  # a slow line takes the next piece only then
        self.ended = False


class Proxy:
    """Forwards every connection to a target, faithfully until told otherwise. Use as a context manager.

    Attributes:
        port: where to connect, on 127.0.0.1.
        target_port: where connections go from now on; a server that started again may have another.
        connections: how many were ever accepted.
        damage: changes what the target sends, piece by piece; None leaves it as it is.
        damaged: pieces that it changed.
        bytes_s_max: speed of each direction of each connection; None is as fast as it goes.
        usual_bytes_s: the same when nothing is wrong.
    """

    def __init__(self, target_port: int, *, usual_bytes_s: int | None = None) -> None:
        self.target_port = target_port
        self.usual_bytes_s = usual_bytes_s
        self._listener = socket.create_server((LOOPBACK, 0), backlog=1024)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.damage: Callable[[bytes], bytes] | None = None
        self.damaged = 0
        self.bytes_s_max = usual_bytes_s
        self._refusing = self._stalled = False
        self._ways: dict[socket.socket, _Way] = {}
        self._asked: dict[socket.socket, int] = {}
        self._resting: set[_Way] = set()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=10)
        self.cut()
        self._listener.close()
        self._selector.close()

    # ---- misbehaviour ----------------------------------------------------------------------------------------

    def cut(self) -> int:
        """End every connection without a farewell; returns how many there were. New ones are taken at once."""
        with self._lock:
            count = len(self._ways) // 2
            for end in list(self._ways):
                if end in self._ways:
                    self._drop(self._ways[end], reset=True)
            return count

    def refuse(self) -> None:
        """Cut every connection and end new ones as they come, until `restore`: nobody is there."""
        self._refusing = True
        self.cut()

    def stall(self) -> None:
        """Let nothing through, in either direction and without a sign of it, until `restore`."""
        with self._lock:
            self._stalled = True
            self._ask_all()

    def slow(self, bytes_s: int) -> None:
        """Let so many bytes a second through each direction of each connection, until `restore`."""
        self.bytes_s_max = bytes_s

    def restore(self) -> None:
        """Be a faithful line again: what was held goes on, new connections are taken."""
        with self._lock:
            self._refusing = self._stalled = False
            self.bytes_s_max = self.usual_bytes_s
            self._resting.clear()
            self._ask_all()

    # ---- the loop --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            ready = self._selector.select(timeout=TICK_S)
            for key, events in ready:
                end = key.fileobj
                if end is self._listener:
                    self._accept()
                elif isinstance(end, socket.socket):
                    self._serve(end, events)
            self._wake_resting()

    def _accept(self) -> None:
        try:
            near, _ = self._listener.accept()
        except OSError:
            return  # it went away again
        if self._refusing:
            near.close()
            return
        try:
            far = socket.create_connection((LOOPBACK, self.target_port), timeout=CONNECT_S_MAX)
        except OSError:
            near.close()
            return
        for one in (near, far):
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self.connections += 1
            self._ways[near], self._ways[far] = _Way(near, far, far=False), _Way(far, near, far=True)
            self._ask(near)
            self._ask(far)

    def _serve(self, end: socket.socket, events: int) -> None:
        with self._lock:
            way = self._ways.get(end)
            if way is None or self._stalled:
                return
            try:
                if events & selectors.EVENT_READ:
                    self._read(way)
                if events & selectors.EVENT_WRITE and end in self._ways:
                    self._write(self._ways[way.sink])
            except OSError:
                self._drop(way, reset=True)  # either side is gone: the pair ends, as on a real network

    def _read(self, way: _Way) -> None:
        data = way.source.recv(PIECE_BYTES if self.bytes_s_max is None else max(1, int(self.bytes_s_max * TICK_S)))
        if not data:
            way.ended = True
            with contextlib.suppress(OSError):
                way.sink.shutdown(socket.SHUT_WR)
            if self._ways[way.sink].ended:
                self._drop(way, reset=False)
            else:
                self._ask(way.source)
            return
        if self.damage is not None and way.far:
            sound, data = data, self.damage(data)
            self.damaged += data != sound
        way.waiting = data
        self._write(way)

    def _write(self, way: _Way) -> None:
        if way.waiting:
            if time.monotonic() < way.due_s and self.bytes_s_max is not None:
                self._resting.add(way)
            else:
                try:
                    sent = way.sink.send(way.waiting)
                except BlockingIOError:
                    sent = 0
                way.waiting = way.waiting[sent:]
                if self.bytes_s_max is not None:
                    way.due_s = time.monotonic() + sent / self.bytes_s_max
        self._ask(way.source)
        self._ask(way.sink)

    def _wake_resting(self) -> None:
        if not self._resting:
            return
        with self._lock:
            for way in [way for way in self._resting if way.due_s <= time.monotonic()]:
                self._resting.discard(way)
                if way.source in self._ways and not self._stalled:
                    try:
                        self._write(way)
                    except OSError:
                        self._drop(way, reset=True)

    # ---- what is asked of the selector -----------------------------------------------------------------------

    def _ask_all(self) -> None:
        for end in self._ways:
            self._ask(end)

    def _ask(self, end: socket.socket) -> None:
        """Wait for this end to be readable while nothing of it waits, and writable while something does."""
        there, back = self._ways[end], self._ways[self._ways[end].sink]
        events = 0
        if not self._stalled:
            if not there.waiting and not there.ended:
                events |= selectors.EVENT_READ
            if back.waiting and back not in self._resting:
                events |= selectors.EVENT_WRITE
        before = self._asked.pop(end, 0)
        if events and before:
            if events != before:
                self._selector.modify(end, events)
        elif events:
            self._selector.register(end, events)
        elif before:
            self._selector.unregister(end)
        if events:
            self._asked[end] = events

    def _drop(self, way: _Way, *, reset: bool) -> None:
        for end in (way.source, way.sink):
            gone = self._ways.pop(end, None)
            if gone is not None:
                self._resting.discard(gone)
            if self._asked.pop(end, 0):
                self._selector.unregister(end)
            if reset and end.fileno() >= 0:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            end.close()
