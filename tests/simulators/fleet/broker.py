"""A broker that does as it is told: acknowledges so many messages on each connection and then closes it."""

from __future__ import annotations

import socket
import threading
from types import TracebackType

WAIT_S = 120.0


class Obedient:
    """Takes connections one after the other.

    Args:
        acknowledges: for each connection, how many messages it acknowledges before it closes it; beyond the list it
            acknowledges everything.
        refuses: return code of CONNACK.

    Attributes:
        heard: payloads of each connection.
    """

    def __init__(self, *acknowledges: int, refuses: int = 0) -> None:
        self.heard: list[list[bytes]] = []
        self._acknowledges, self._refuses = list(acknowledges), refuses
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"mqtt://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Obedient:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Ends what waits for a connection; closing alone would not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(WAIT_S)

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self._serve(connection)
                except OSError:
                    continue

    def _serve(self, connection: socket.socket) -> None:
        heard: list[bytes] = []
        self.heard.append(heard)
        limit = self._acknowledges.pop(0) if self._acknowledges else None
        with connection.makefile("rb") as stream:
            while head := stream.read(1):
                size, shift = 0, 0
                while True:
                    (part,) = stream.read(1)
                    size |= (part & 0x7F) << shift
                    shift += 7
                    if part < 128:
                        break
                body = stream.read(size)
                if head[0] >> 4 == 1:
                    connection.sendall(bytes([0x20, 2, 0, self._refuses]))
                elif head[0] >> 4 == 3:
                    topic_bytes = int.from_bytes(body[:2], "big")
                    heard.append(body[4 + topic_bytes :])
                    if limit is not None and len(heard) > limit:
                        return
                    connection.sendall(b"\x40\x02" + body[2 + topic_bytes : 4 + topic_bytes])
                elif head[0] >> 4 == 12:
                    connection.sendall(b"\xd0\x00")
