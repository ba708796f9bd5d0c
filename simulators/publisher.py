"""Publishing with nothing lost: a bounded window of unacknowledged messages over one connection that comes back.

Knows MQTT through paho and nothing of what is published. paho keeps unacknowledged messages and sends them again after
a reconnect (with the DUP flag), so a broken connection loses nothing; the broker needs to keep no session for us.
"""

from __future__ import annotations

import random
import select
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from simulators.errors import BrokerError

WINDOW_MESSAGES_MAX = 1_000
"""Messages published and not yet acknowledged; publishing waits beyond it, so a slow broker slows us."""
CONNECT_S_MAX = 10.0
"""Time for one attempt to connect, TCP and MQTT together."""
AWAY_S_MAX = 300.0
"""After so long without a broker a replay gives up."""
SILENT_S_MAX = 60.0
"""A connection that acknowledges nothing for so long is opened anew."""
PAUSE_S_MIN, PAUSE_S_MAX = 0.1, 15.0
"""Full jitter: the pause before attempt n is anything up to PAUSE_S_MIN * 2**n, and never more than PAUSE_S_MAX."""
KEEPALIVE_S = 60
WAIT_S_MAX = 0.2
"""Longest sleep in one piece, so that a wish to stop is seen soon."""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is: `mqtt://user:password@host:1883`, or `mqtts://` for TLS.

    Attributes: as in the URL; `ca_file` replaces the system's certificate authorities.
    """

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = None
    ca_file: Path | None = None

    @classmethod
    def parse(cls, url: str, ca_file: Path | None = None) -> BrokerAddress:
        """Read a URL. Raises ValueError with what was expected; the message does not repeat a password."""
        expected = "expected mqtt://[user:password@]host[:port] or mqtts://…"
        try:
            parts = urlsplit(url if "://" in url else f"mqtt://{url}")
            port, host = parts.port, parts.hostname
        except ValueError as error:
            raise ValueError(f"no broker address ({error}); {expected}") from error
        if parts.scheme not in ("mqtt", "mqtts") or not host or parts.path not in ("", "/"):
            raise ValueError(f"no broker address; {expected}")
        tls = parts.scheme == "mqtts"
        user = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        return cls(host, port or (8883 if tls else 1883), tls, user, password, ca_file)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Publisher:
    """One connection to a broker, driven by the thread that publishes.

    Everything happens inside calls: there is no second thread, so nothing is handed over and an interrupt finds the
    counters right. Use as a context manager.

    Attributes:
        published: messages handed to the connection.
        acknowledged: messages the broker took over (at QoS 0: all that were published).
        reconnects: connections opened after the first.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        qos: int = 1,
        window: int = WINDOW_MESSAGES_MAX,
        away_s_max: float = AWAY_S_MAX,
        stopping: Callable[[], bool] = lambda: False,
        jitter: random.Random | None = None,
    ) -> None:
        self.address, self.qos, self.window, self.away_s_max = address, qos, window, away_s_max
        self.published = self.acknowledged = self.reconnects = 0
        self._stopping = stopping
        self._jitter = jitter or random.Random()  # noqa: S311  spreads reconnects, hides nothing
        self._answer: ReasonCode | None = None
        self._progress_s = 0.0
        self._client = self._made()

    def __enter__(self) -> Publisher:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def unacknowledged(self) -> int:
        """Messages on their way."""
        return self.published - self.acknowledged

    def open(self) -> None:
        """Connect, once. Raises BrokerError: nobody there, or refused."""
        self._connect(first=True)

    def publish(self, topic: str, payload: bytes) -> bool:
        """Publish; while the window is full, wait for acknowledgements.

        Return False, with nothing published, when we are told to stop meanwhile. Raises BrokerError as `serve` does.
        """
        while self._full():
            if self._stopping():
                return False
            self.serve(WAIT_S_MAX)
        while self._client.publish(topic, payload, self.qos).rc == mqtt.MQTT_ERR_QUEUE_SIZE:
            # The packet id is still taken by a message of 65,535 ids ago.
            if self._stopping():
                return False
            self.serve(WAIT_S_MAX)
        if not self.unacknowledged:
            self._progress_s = time.monotonic()
        self.published += 1
        if not self.qos:
            self.acknowledged += 1
        return True

    def _full(self) -> bool:
        if self.qos:
            return self.unacknowledged >= self.window
        # Nothing acknowledges QoS 0: the socket's own buffer slows us, and a lost connection is waited out.
        return not self._client.is_connected() or self._client.want_write()

    def serve(self, wait_s: float = 0.0) -> None:
        """Do the connection's work, waiting at most `wait_s` for any; reconnect when it is lost.

        Raises:
            BrokerError: the broker stayed away for AWAY_S_MAX, or refuses us now.
        """
        socket = self._client.socket()
        if socket is None or not self._client.is_connected():
            self._reconnect()
            return
        writing = [socket] if self._client.want_write() else []
        # TLS may hold decrypted bytes that select cannot see.
        pending = isinstance(socket, ssl.SSLSocket) and socket.pending() > 0
        try:
            ready, writable, _ = select.select([socket], writing, [], 0.0 if pending else min(wait_s, WAIT_S_MAX))
        except (OSError, ValueError):
            self._client.loop_read()  # finds the closed socket and says so through its callbacks
            return
        if ready or pending:
            self._client.loop_read()
        if writable:
            self._client.loop_write()
        self._client.loop_misc()
        if self.unacknowledged and time.monotonic() - self._progress_s > SILENT_S_MAX:
            self._reconnect()

    def drain(self, s_max: float | None = None) -> bool:
        """Wait until everything is acknowledged, at most `s_max` seconds; return whether it is. Raises as `serve`."""
        until = None if s_max is None else time.monotonic() + s_max
        while self.unacknowledged or self._client.want_write():
            if until is not None and time.monotonic() >= until:
                return False
            self.serve(WAIT_S_MAX)
        return True

    def close(self) -> None:
        """Say goodbye; whatever is still unacknowledged stays so."""
        if self._client.is_connected():
            self._client.disconnect()
            self._client.loop_write()
        self._client.on_disconnect = None

    def _made(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"cityvitals-replay-{self._jitter.getrandbits(48):012x}",
            protocol=mqtt.MQTTv311,  # a broker's receive maximum would bound our window in MQTT 5
            clean_session=True,
            reconnect_on_failure=False,
        )
        # The window is ours: paho's own goes through every message under way at each acknowledgement.
        client.max_inflight_messages_set(0)
        client.max_queued_messages_set(0)
        client.connect_timeout = CONNECT_S_MAX
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        if self.address.user is not None:
            client.username_pw_set(self.address.user, self.address.password)
        if self.address.tls:
            client.tls_set(ca_certs=str(self.address.ca_file) if self.address.ca_file else None)
        return client

    def _on_connect(self, _c: mqtt.Client, _u: object, _f: object, reason: ReasonCode, _p: object) -> None:
        self._answer = reason

    def _on_publish(self, _c: mqtt.Client, _u: object, _mid: int, _r: object, _p: object) -> None:
        if self.qos:
            self.acknowledged += 1
            self._progress_s = time.monotonic()

    def _connect(self, *, first: bool) -> None:
        """Open a connection and wait for the broker's word. Raises BrokerError, or OSError when nobody is there."""
        self._answer = None
        until = time.monotonic() + CONNECT_S_MAX
        try:
            if first:
                self._client.connect(self.address.host, self.address.port, KEEPALIVE_S)
            else:
                self._client.reconnect()
            while self._answer is None:
                socket = self._client.socket()
                if socket is None:
                    raise ConnectionError("closed the connection before it said hello")
                if time.monotonic() > until:
                    raise TimeoutError(f"said nothing for {CONNECT_S_MAX:.0f} s; is that an MQTT port?")
                select.select([socket], [socket] if self._client.want_write() else [], [], WAIT_S_MAX)
                self._client.loop_write()
                self._client.loop_read()
        except OSError as error:
            if not first:
                raise
            raise BrokerError(str(self.address), f"{error}; is it running, and is the address right?") from error
        if self._answer.is_failure:
            said = f"refused us: {self._answer}; check user and password"
            raise BrokerError(str(self.address), said, self.unacknowledged)
        self._progress_s = time.monotonic()

    def _reconnect(self) -> None:
        since, attempt = time.monotonic(), 0
        while not self._stopping():
            self._rest(self._jitter.uniform(0.0, min(PAUSE_S_MAX, PAUSE_S_MIN * 2**attempt)))
            attempt += 1
            try:
                self._connect(first=False)
            except OSError as error:
                if time.monotonic() - since > self.away_s_max:
                    said = f"away for {self.away_s_max:.0f} s ({error}); gave up after {attempt} attempts"
                    raise BrokerError(str(self.address), said, self.unacknowledged) from error
            else:
                self.reconnects += 1
                return

    def _rest(self, pause_s: float) -> None:
        until = time.monotonic() + pause_s
        while (left := until - time.monotonic()) > 0 and not self._stopping():
            time.sleep(min(left, WAIT_S_MAX))
