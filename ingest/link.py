"""One TCP or TLS connection to the broker: opened with a deadline, then never waiting.

Knows sockets; knows no MQTT but how to read one whole packet while connecting.
"""

from __future__ import annotations

import select
import socket
import ssl
import time

from ingest import packets
from ingest.errors import ConnectionLost, ProtocolError, SessionRefused
from ingest.settings import BrokerSettings

ANSWER_BYTES_MAX = 65_536
"""Largest packet read while connecting."""


class Link:
    """An open connection. After `go` nothing blocks: what cannot be sent yet is kept and sent by `flush`."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._out = bytearray()
        self._tls = isinstance(connection, ssl.SSLSocket)

    def fileno(self) -> int:
        """Return the descriptor, for poll."""
        return self._socket.fileno()

    def exchange(self, packet: bytes) -> tuple[int, bytes]:
        """Send a packet and read exactly one; returns its first byte and its body. Blocks, within the timeout."""
        try:
            self._socket.sendall(packet)
            first = self._exactly(1)[0]
            size, shift = 0, 0
            while True:
                byte = self._exactly(1)[0]
                size |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
                if shift > 21:
                    raise ProtocolError("an answer to CONNECT", "a length of more than four bytes")
            if size > ANSWER_BYTES_MAX:
                raise ProtocolError("a small answer to CONNECT", f"{size} bytes")
            return first, self._exactly(size)
        except TimeoutError as error:
            raise ConnectionLost("the broker did not answer CONNECT in time") from error

    def _exactly(self, size: int) -> bytes:
        got = bytearray()
        while len(got) < size:
            part = self._socket.recv(size - len(got))
            if not part:
                raise ConnectionLost("the broker closed the connection instead of answering CONNECT")
            got += part
        return bytes(got)

    def go(self) -> None:
        """From now on, never block."""
        self._socket.setblocking(False)

    def receive_into(self, room: memoryview) -> int:
        """Read what is there into `room`; 0 when nothing is.

        Raises:
            ConnectionLost: the broker closed the connection.
            OSError: the connection failed.
        """
        got = 0
        while got < len(room):
            try:
                count = self._socket.recv_into(room[got:])
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            if not count:
                if got:
                    break  # what came before the end counts; the end will be met again
                raise ConnectionLost("the broker closed the connection")
            got += count
            if not self._tls:
                break  # TLS gives one record at a time, and poll does not see those already decrypted
        return got

    def send(self, data: bytes | memoryview) -> None:
        """Send now what the socket takes, and keep the rest for `flush`."""
        self._out += data
        self.flush()

    def flush(self) -> None:
        """Send what is kept, as far as the socket takes it."""
        while self._out:
            try:
                count = self._socket.send(self._out)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            del self._out[:count]

    @property
    def unsent(self) -> int:
        """Bytes kept for `flush`."""
        return len(self._out)

    def interest(self, *, reading: bool) -> int:
        """Return what poll should watch for."""
        return (select.POLLIN if reading else 0) | (select.POLLOUT if self._out else 0)

    def finish(self, last: bytes, timeout_s: float) -> None:
        """Send what is kept and `last`, and wait until the broker has closed its side; never raises.

        Closing at once would not do: what the broker sent meanwhile and nobody read makes the system reset the
        connection, and the broker then loses the acknowledgements that it has not read.
        """
        try:
            self._socket.settimeout(timeout_s)
            self._socket.sendall(bytes(self._out) + last)
            self._out.clear()
            end = time.monotonic() + timeout_s
            while self._socket.recv(65_536) and time.monotonic() < end:
                pass
        except OSError:
            # The broker is gone, or too slow: what it did not read is delivered again and found to be a duplicate.
            return

    def close(self) -> None:
        """Close the connection; never raises."""
        try:
            self._socket.close()
        except OSError:
            # The connection was broken already; there is nothing left to close.
            return


def open_link(settings: BrokerSettings) -> Link:
    """Connect to the broker.

    Raises:
        OSError: nobody answers at the address.
        SessionRefused: TLS failed for a reason that no repetition cures.
    """
    host, port = settings.address
    context = tls_context(settings) if settings.tls else None
    connection = socket.create_connection((host, port), timeout=settings.connect_timeout_s)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            connection = context.wrap_socket(connection, server_hostname=host)
    except ssl.SSLEOFError:
        connection.close()
        raise  # the broker went away in the middle, as any connection can
    except ssl.SSLError as error:
        connection.close()
        raise tls_refusal(settings, error) from error
    except OSError:
        connection.close()
        raise
    return Link(connection)


def tls_context(settings: BrokerSettings) -> ssl.SSLContext:
    """Return the TLS settings: TLS 1.2 or later, the broker's name and chain checked.

    Raises:
        SessionRefused: a file cannot be read as what it should be.
    """
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.certificate_file is not None:
            context.load_cert_chain(settings.certificate_file, settings.key_file)
    except OSError as error:
        raise tls_refusal(settings, error) from error
    return context


def tls_refusal(settings: BrokerSettings, error: OSError) -> SessionRefused:
    """Return the error that says what to look at when TLS failed."""
    reason = getattr(error, "verify_message", None) or getattr(error, "reason", None) or str(error)
    return SessionRefused(
        f"TLS with {settings.shown_url} failed",
        str(reason),
        "check ca_file, certificate_file and key_file, and that the broker's certificate names this host",
    )


def answer_to_connect(link: Link, protocol: int, packet: bytes) -> packets.ConnectAnswer:
    """Send CONNECT and return the broker's answer.

    Raises:
        ConnectionLost, ProtocolError: there was none, or another packet.
    """
    first, body = link.exchange(packet)
    if first != packets.CONNACK << 4:
        raise ProtocolError("CONNACK", f"a packet that begins with {first:#04x}")
    return packets.parse_connack(body, protocol)
