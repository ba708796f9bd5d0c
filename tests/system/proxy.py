"""A TCP proxy on loopback whose connections a test can cut: the network's misbehaviour, made to order."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable
from types import TracebackType


class CuttingProxy:
    """Forwards every connection to a target until told to cut; new connections are taken again at once.

    Attributes:
        port: where to connect, on 127.0.0.1.
        connections: how many were ever accepted.
        damage: changes what the target sends, piece by piece; None leaves it as it is.
        damaged: pieces that it changed.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.damage: Callable[[bytes], bytes] | None = None
        self.damaged = 0
        self._far: set[socket.socket] = set()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> CuttingProxy:
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

    def cut(self) -> int:
        """End every connection without a farewell; returns how many there were."""
        with self._lock:
            count = len(self._pairs) // 2
            for end in list(self._pairs):
                self._drop(end)
            return count

    def _drop(self, end: socket.socket) -> None:
        other = self._pairs.pop(end, None)
        for one in (end, other):
            if one is None:
                continue
            self._pairs.pop(one, None)
            self._far.discard(one)
            if one.fileno() >= 0:
                self._selector.unregister(one)
                # A reset, not an orderly end: what is on its way is lost, as on a real cut.
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
                one.close()

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(("127.0.0.1", self._target_port), timeout=5)
        except OSError:
            near.close()
            return
        self.connections += 1
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(one, selectors.EVENT_READ)
        self._pairs[near], self._pairs[far] = far, near
        self._far.add(far)

    def _run(self) -> None:
        while not self._stop.is_set():
            ready = self._selector.select(timeout=0.1)
            with self._lock:
                for key, _ in ready:
                    end = key.fileobj
                    if end is self._listener:
                        self._accept()
                    elif isinstance(end, socket.socket) and end in self._pairs:
                        self._forward(end)

    def _forward(self, end: socket.socket) -> None:
        try:
            data = end.recv(1 << 16)
            if data:
                damage = self.damage
                if damage is not None and end in self._far:
                    sound, data = data, damage(data)
                    self.damaged += data != sound
                self._pairs[end].sendall(data)
                return
        except OSError:
            pass  # either side is gone: the pair ends, as on a real network
        self._drop(end)
