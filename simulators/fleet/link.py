"""One connection of a device pool: MQTT 3.1.1 at QoS 1, every message kept until nothing can take it away any more.

Knows packets, one socket and what was sent over it; knows no device and no fleet. Not paho, for two reasons: after a
reconnect everything has to go out again in the order in which it first went (a contradiction must not overtake what
it contradicts), acknowledged messages included; and thousands of these live in one thread, at a fifth of the cost.
"""

from __future__ import annotations

import errno
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from simulators.errors import BrokerError
from simulators.publisher import BrokerAddress

CONNECT_S_MAX = 10.0
KEEPALIVE_S = 60
SILENT_S_MAX = 60.0
"""A connection that owes acknowledgements and says nothing for so long is opened anew."""
READ_BYTES = 65_536
PACKET_IDS = 65_535
REFUSED = {
    1: "does not speak MQTT 3.1.1", 2: "refuses our name", 3: "is not available", 4: "knows no such user or password",
    5: "does not let us in",
}  # fmt: skip
"""What the return codes of CONNACK mean (MQTT 3.1.1, table 3.1)."""
_PUBLISH_QOS_1, _RETAIN, _PUBACK, _PINGREQ, _DISCONNECT = 0x32, 0x01, 0x40, b"\xc0\x00", b"\xe0\x00"


@dataclass(slots=True)
class Entry:
    """A message that may have to go out again.

    Attributes:
        head: fixed header and topic. body: the payload; between them stands the packet id.
        acknowledged_s: when the broker last took it over, 0 while that is awaited.
        counted: whether it was ever acknowledged.
    """

    head: bytes
    body: bytes
    acknowledged_s: float = 0.0
    counted: bool = False


def publish_head(topic: str, payload_bytes: int, *, retain: bool = False) -> bytes:
    """Return the bytes of a QoS 1 PUBLISH up to its packet id."""
    name = topic.encode("utf-8")
    size, length = 2 + len(name) + 2 + payload_bytes, bytearray()
    while True:
        size, part = divmod(size, 128)
        length.append(part | (0x80 if size else 0))
        if not size:
            break
    return bytes([_PUBLISH_QOS_1 | (_RETAIN if retain else 0)]) + bytes(length) + struct.pack(">H", len(name)) + name


class Link:
    """One connection, driven by whoever calls it; nothing blocks but `connect`.

    Args:
        address: of the broker.
        name: client id.
        resend_s: after a connection is lost, messages acknowledged within so many seconds before go out again.
        clock_s: seconds that only rise.

    Attributes:
        published, acknowledged: messages handed over, and those the broker took over at least once.
        resent: messages sent again after a reconnect. reconnects: connections after the first.
        socket: None while there is no connection.
    """

    def __init__(
        self, address: BrokerAddress, name: str, resend_s: float, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.address, self.name, self.resend_s, self._clock_s = address, name, resend_s, clock_s
        self.published = self.acknowledged = self.resent = self.reconnects = 0
        self.socket: socket.socket | None = None
        self.retry_s = 0.0
        """Not before this moment (monotonic) is another attempt to connect made."""
        self.attempts = 0
        self.trusting = False
        """The broker is known to be well, so that at the next connection only what it has not acknowledged goes out."""
        self._out = bytearray()
        self._in = bytearray()
        self._kept: deque[Entry] = deque()
        self._under_way: dict[int, Entry] = {}
        self._packet_id = 0
        self._heard_s = self._spoke_s = 0.0

    # ---- messages ------------------------------------------------------------------------------------------------

    @property
    def under_way(self) -> int:
        """Return how many messages the broker has not acknowledged on this connection."""
        return len(self._under_way)

    @property
    def waiting_bytes(self) -> int:
        """Return how many bytes wait for the socket."""
        return len(self._out)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Put a message behind the others. The caller keeps the window."""
        entry = self._entry(topic, payload, retain)
        self._kept.append(entry)
        self.published += 1
        self._send(entry)

    def _entry(self, topic: str, payload: bytes, retain: bool) -> Entry:
        return Entry(publish_head(topic, len(payload), retain=retain), payload)

    def _send(self, entry: Entry) -> None:
        if not self._under_way:
            self._heard_s = self._clock_s()
        while True:
            self._packet_id = self._packet_id % PACKET_IDS + 1
            if self._packet_id not in self._under_way:
                break
        self._under_way[self._packet_id] = entry
        self._out += entry.head
        self._out += self._packet_id.to_bytes(2, "big")
        self._out += entry.body

    def _forget(self) -> None:
        """Let go of what the broker has had for long enough, on the evidence of the last word we had from it."""
        kept, until_s = self._kept, self._heard_s - self.resend_s
        while kept and kept[0].acknowledged_s and kept[0].acknowledged_s <= until_s:
            kept.popleft()

    @property
    def is_safe(self) -> bool:
        """Return whether everything is acknowledged, and has been for `resend_s`."""
        return not self._kept

    # ---- the connection ------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Connect and send again what needs it.

        Raises:
            OSError: nobody there, or no answer.
            BrokerError: refused.
        """
        again = bool(self.attempts)
        self.attempts += 1
        connection = socket.create_connection((self.address.host, self.address.port), CONNECT_S_MAX)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.address.tls:
                trusted = ssl.create_default_context(cafile=self.address.ca_file)
                connection = trusted.wrap_socket(connection, server_hostname=self.address.host)
            self._shake_hands(connection)
            connection.setblocking(False)
        except BaseException:
            connection.close()
            raise
        self.socket = connection
        self._heard_s = self._spoke_s = self._clock_s()
        self.reconnects += again
        for entry in self._kept:
            if not (self.trusting and entry.acknowledged_s):
                self.resent += 1
                entry.acknowledged_s = 0.0
                self._send(entry)
        self.trusting = False

    def _shake_hands(self, connection: socket.socket) -> None:
        user, password = self.address.user, self.address.password
        flags = 0x02 | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
        body = b"\x00\x04MQTT\x04" + bytes([flags]) + KEEPALIVE_S.to_bytes(2, "big")
        for text in (self.name, user, password):
            if text is not None:
                raw = text.encode("utf-8")
                body += struct.pack(">H", len(raw)) + raw
        size, length = len(body), bytearray()
        while size or not length:
            size, part = divmod(size, 128)
            length.append(part | (0x80 if size else 0))
        connection.sendall(b"\x10" + bytes(length) + body)
        answer = b""
        while len(answer) < 4:
            part_read = connection.recv(4 - len(answer))
            if not part_read:
                raise ConnectionError("closed the connection before it said hello")
            answer += part_read
        if answer[0] != 0x20:
            raise ConnectionError("did not answer as an MQTT broker does")
        if answer[3]:
            raise BrokerError(str(self.address), f"{REFUSED.get(answer[3], 'refuses us')}; check user and password")

    def lose(self) -> None:
        """Drop the connection without a word."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        self._under_way.clear()
        self._out.clear()
        self._in.clear()

    def close(self) -> None:
        """Say goodbye."""
        if self.socket is not None:
            try:
                self.socket.setblocking(True)
                self.socket.sendall(_DISCONNECT)
            except OSError:
                pass
            self.socket.close()
            self.socket = None

    def write(self) -> None:
        """Send what the socket takes. Raises OSError when the connection is lost."""
        if self.socket is None or not self._out:
            return
        try:
            sent = self.socket.send(self._out)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return
        del self._out[:sent]
        self._spoke_s = self._clock_s()

    def read(self) -> None:
        """Take what the broker says. Raises OSError when the connection is lost."""
        while self.socket is not None:
            try:
                got = self.socket.recv(READ_BYTES)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                return
            if not got:
                raise ConnectionResetError(errno.ECONNRESET, "the broker closed the connection")
            self._heard_s = self._clock_s()
            self._in += got
            self._take()
            if len(got) < READ_BYTES and not isinstance(self.socket, ssl.SSLSocket):
                return

    def _take(self) -> None:
        data, at, under_way = self._in, 0, self._under_way
        while at + 2 <= len(data):
            kind, size = data[at], data[at + 1]
            if size > 2:
                raise ConnectionError(errno.EPROTO, "the broker sent what no publisher is sent")
            if at + 2 + size > len(data):
                break
            if kind == _PUBACK:
                entry = under_way.pop(data[at + 2] << 8 | data[at + 3], None)
                if entry is not None:
                    self.acknowledged += not entry.counted
                    entry.counted, entry.acknowledged_s = True, self._heard_s
            at += 2 + size
        del data[:at]
        self._forget()

    def tend(self, now_s: float) -> None:
        """Keep an idle connection open, and have word from the broker while we keep messages for its sake.

        Raises OSError when it is silent for too long.
        """
        if self._under_way and now_s - self._heard_s > SILENT_S_MAX:
            raise TimeoutError(errno.ETIMEDOUT, f"no acknowledgement for {SILENT_S_MAX:.0f} s")
        idle = not self._out and not self._under_way
        if (idle and self._kept) or (not self._out and now_s - self._spoke_s > KEEPALIVE_S / 2):
            self._out += _PINGREQ
