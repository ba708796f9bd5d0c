"""The MQTT session of the gateway: one thread that connects, subscribes, reads in bulk and acknowledges.

Knows the socket, the clock and MQTT's rules of a subscriber; knows no payload and no database. Nothing here is done per
message: bytes go from the socket into an intake, the framer cuts and decodes them, the relay hands them on.
"""

from __future__ import annotations

import contextlib
import logging
import random
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from devices.topics import filters_of
from ingest import packets
from ingest.counters import Counters
from ingest.decode import Decoder
from ingest.errors import ConnectionLost, ProtocolError, SessionRefused, SessionTakenOver
from ingest.framing import Control, Framer
from ingest.intake import Relay
from ingest.kernels import frames
from ingest.link import Link, answer_to_connect, open_link, tls_refusal
from ingest.presence import Presence
from ingest.routes import Routing
from ingest.settings import BrokerSettings, IntakeLimits

log = logging.getLogger("ingest")

STOP_POLL_S = 0.2
"""How late a stop request is noticed at most while nothing else happens."""
FILTERS_PER_PACKET = 1000
"""Topic filters in one SUBSCRIBE."""
FAREWELL_ID_MIN = 32_768
"""Packet ids from here on are of UNSUBSCRIBE; a million filters need fewer of SUBSCRIBE."""
GOODBYE_S_MAX = 2.0
"""How long the broker may take to read our last acknowledgements and close the connection."""
PROBE_SHARE, SILENCE_SHARE = 0.75, 0.5
"""A connection is probed after this share of the keep-alive, and given up this share after an unanswered probe."""

COMMAND_BYTES_UNSENT_MAX = 65_536
"""With more unsent bytes than this nothing that could wait is sent."""

PACKET_BYTES_S_MIN = 16_384
"""A packet that took longer than the keep-alive and came slower than this will never end: its length was damaged."""


def wall_clock_us() -> int:
    """Return the time in microseconds UTC since 1970."""
    return time.time_ns() // 1000


def backoff_s(attempt: int, base_s: float, cap_s: float, share: float) -> float:
    """Return how long to wait before attempt `attempt` (from 0): `share` (0 to 1) of min(cap, base * 2**attempt).

    Full jitter: with a random share the clients of a broker that came back spread over the whole time.
    """
    return share * min(cap_s, base_s * 2.0 ** min(attempt, 60))


class Session:
    """The gateway's side of one persistent MQTT session. `run` is its thread; the rest may be called from any.

    Attributes:
        counters: totals, see `Counters`.
        ready: set while connected and subscribed.
        presence: when it listened.
        last_error: why the last connection or attempt ended, empty before.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        limits: IntakeLimits,
        routing: Routing,
        relay: Relay,
        *,
        clock_us: Callable[[], int] = wall_clock_us,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.settings = settings
        self.limits = limits
        self.counters = Counters()
        self.ready = threading.Event()
        self.presence = Presence(clock_us)
        self.last_error = ""
        self._subscriptions = routing.subscriptions
        self._relay = relay
        self._clock_us = clock_us
        self._jitter = jitter
        self._framer = Framer(limits, Decoder(routing, limits, self.counters), self.counters)
        self._acknowledgements: deque[tuple[int, NDArray[np.uint16]]] = deque()
        self._out = np.empty(4 * 65_536, np.uint8)
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self._waker_lock = threading.Lock()
        self._ended = False
        self._epoch = 0
        self._protocol = packets.MQTT_311 if settings.protocol == "3.1.1" else packets.MQTT_5
        self._may_fall_back = settings.protocol == "auto"
        self._protocol_known = not self._may_fall_back
        self._keepalive_s = float(settings.keepalive_s)
        self._subscribed_once = False
        self._asked: dict[int, Sequence[str]] = {}
        self._asked_s = 0.0
        self._farewells = cycle(range(FAREWELL_ID_MIN, 65_536))
        self._sent_s = self._received_s = 0.0
        self._probed_s: float | None = None
        self._begun_s = 0.0  # since when bytes of a packet come whose end has not
        self._partial_bytes = 0
        self._next_read_s = 0.0
        self._more = False
        self._paused = False
        relay.on_room = self.wake

    # --- from any thread

    def acknowledge(self, epoch: int, packet_ids: NDArray[np.uint16]) -> None:
        """Acknowledge messages that are committed; `epoch` is their intake's. Returns at once.

        What belongs to an earlier connection is dropped and counted: there the same packet id is another message.
        """
        self._acknowledgements.append((epoch, packet_ids))
        self.wake()

    def wake(self) -> None:
        """Let the session's thread look around at once."""
        with self._waker_lock:
            if not self._ended:
                # A full pipe wakes as well as another byte would.
                with contextlib.suppress(BlockingIOError):
                    self._near.send(b"\0")

    @property
    def epoch(self) -> int:
        """Number of the current connection, 0 before the first."""
        return self._epoch

    @property
    def under_way(self) -> int:
        """Messages received on this connection and not acknowledged yet."""
        return self._framer.under_way

    # --- the thread

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set; connects again whenever the connection is lost.

        Raises:
            SessionTakenOver: another client uses our client id.
            SessionRefused: on the first connection, for a reason that somebody has to remove. Later such reasons are
                logged and tried again: a broker that is being reconfigured must not end the gateway.
        """
        try:
            self._attach()
            self._run(stop)
        finally:
            self.ready.clear()
            with self._waker_lock:
                self._ended = True
                self._near.close()
                self._far.close()
            self._relay.close()

    def _run(self, stop: threading.Event) -> None:
        attempt = 0
        while not stop.is_set():
            began_s = time.monotonic()
            link = None
            try:
                link = self._connect()
                self._serve(link, stop)
            except SessionRefused as error:
                self._note(error)
                if not self._subscribed_once:
                    raise
            except (ConnectionLost, ProtocolError, OSError) as error:
                self.counters.protocol_errors += isinstance(error, ProtocolError)
                self._note(error)
            finally:
                self.ready.clear()
                self.presence.left(self.last_error, stopped=stop.is_set())
                self._framer.end()
                if link is not None:
                    link.close()
            if stop.is_set():
                break
            # Only a connection that lasted starts the count again: one that is accepted and dropped at once must
            # not be tried for ever without a pause.
            attempt = 0 if time.monotonic() - began_s > self.settings.reconnect_delay_s_max else attempt
            base, cap = self.settings.reconnect_delay_s_base, self.settings.reconnect_delay_s_max
            self._idle(backoff_s(attempt, base, cap, self._jitter()), stop)
            attempt += 1
        # Without a connection nothing is acknowledged any more, but what was received shall still be stored.
        deadline = time.monotonic() + self.settings.drain_s_max
        while self._holds_messages() and time.monotonic() < deadline:
            self._seal(time.monotonic(), now=True)
            self._poll(None, min(STOP_POLL_S, max(0.0, deadline - time.monotonic())))

    def _note(self, error: Exception) -> None:
        self.counters.connection_errors += 1
        self.last_error = str(error) or type(error).__name__
        log.warning("broker %s: %s", self.settings.shown_url, self.last_error)

    def _idle(self, seconds: float, stop: threading.Event) -> None:
        """Wait without a connection; what was received before is still handed over."""
        end = time.monotonic() + seconds
        while not stop.is_set() and (now := time.monotonic()) < end:
            self._seal(now)
            self._drop_acknowledgements()
            self._poll(None, min(STOP_POLL_S, end - now))

    # --- connecting

    def _connect(self) -> Link:
        """Open a connection and start or continue the session on it."""
        while True:
            link = open_link(self.settings)
            try:
                answer = self._greet(link)
                older = self._may_fall_back and self._protocol == packets.MQTT_5
                if answer.code not in packets.UNSUPPORTED_VERSION or not older:
                    self._accept(link, answer)
                    return link
            except BaseException:
                link.close()
                raise
            link.close()
            log.info("broker %s does not speak MQTT 5; trying 3.1.1", self.settings.shown_url)
            self._protocol = packets.MQTT_311

    def _greet(self, link: Link) -> packets.ConnectAnswer:
        try:
            return answer_to_connect(link, self._protocol, self._connect_packet())
        except ssl.SSLEOFError:
            raise  # the broker went away in the middle, as any connection can
        except ssl.SSLError as error:
            # In TLS 1.3 the broker refuses a client certificate only after the handshake.
            raise tls_refusal(self.settings, error) from error
        except (ConnectionLost, ConnectionResetError):
            if not self._protocol_known:
                # Some brokers hang up on a version they do not know: try the two in turn until one is accepted.
                self._protocol = packets.MQTT_311 if self._protocol == packets.MQTT_5 else packets.MQTT_5
            raise

    def _connect_packet(self) -> bytes:
        settings = self.settings
        username, password = settings.credentials
        return packets.connect(
            self._protocol, settings.client_id, settings.keepalive_s, settings.session_expiry_s,
            settings.receive_maximum, username, password,
        )  # fmt: skip

    def _refusal(self, answer: packets.ConnectAnswer) -> SessionRefused:
        return SessionRefused(
            f"the broker {self.settings.shown_url} refused the connection",
            f"{answer.words} (code {answer.code})",
            "check username, password, client_id and protocol, and the broker's access rules",
        )

    def _accept(self, link: Link, answer: packets.ConnectAnswer) -> None:
        if answer.code:
            if answer.code in packets.ACT_BEFORE_RETRY or answer.code in packets.UNSUPPORTED_VERSION:
                raise self._refusal(answer)
            raise ConnectionLost(f"the broker refused the connection: {answer.words} (code {answer.code})")
        if answer.qos_max < 1:
            raise SessionRefused(
                f"the broker {self.settings.shown_url} grants QoS 0 only",
                "messages could be lost without a trace",
                "allow QoS 1 in the broker",
            )
        link.go()
        counters = self.counters
        counters.reconnects += counters.connections > 0
        counters.sessions_lost += counters.connections > 0 and not answer.session_present
        counters.connections += 1
        self._protocol_known = True
        self._epoch += 1
        self._framer.begin(self._epoch, self._protocol)
        self._drop_acknowledgements()
        self._keepalive_s = float(answer.keepalive_s if answer.keepalive_s is not None else self.settings.keepalive_s)
        self._sent_s = self._received_s = self._begun_s = time.monotonic()
        self._partial_bytes = 0
        self._probed_s = None
        self._more = False
        self._asked.clear()
        log.info(
            "broker %s: connected as %s, MQTT %s, session %s",
            self.settings.shown_url,
            self.settings.client_id,
            "5" if self._protocol == packets.MQTT_5 else "3.1.1",
            "continued" if answer.session_present else "new",
        )
        if answer.session_present and self._subscribed_once:
            self._subscribed()
        else:
            # Also on the first connection to a session kept from an earlier run: the registry may have changed.
            self._subscribe(link)

    def _subscribe(self, link: Link) -> None:
        self._asked_s = time.monotonic()
        for number, at in enumerate(range(0, len(self._subscriptions), FILTERS_PER_PACKET), 1):
            filters = self._subscriptions[at : at + FILTERS_PER_PACKET]
            self._asked[number] = filters
            self._send(link, packets.subscribe(self._protocol, number, filters))
        if not self._asked:
            self._subscribed()

    def _subscribed(self) -> None:
        self._subscribed_once = True
        self.presence.joined()
        self.ready.set()

    def _send(self, link: Link, data: bytes | memoryview) -> None:
        link.send(data)
        self._sent_s = time.monotonic()

    # --- serving

    def _serve(self, link: Link, stop: threading.Event) -> None:
        deadline: float | None = None
        while True:
            now = time.monotonic()
            self.presence.turned(paused=self._paused)
            stopping = stop.is_set()
            self._handle(link, self._seal(now, now=stopping))
            self._acknowledge(link)
            if stopping:
                deadline = deadline or now + self.settings.drain_s_max
                if (not self._framer.under_way and not self._holds_messages()) or now >= deadline:
                    self._say_goodbye(link)
                    return
            reading = not stopping and self._may_read(now)
            self._check_peer(link, now)
            readable = self._poll(link, self._timeout_s(now, reading), reading=reading)
            link.flush()
            if reading and readable:
                self._read(link)
            elif readable and (stopping or self._framer.full):
                # Nothing is read now, so this is no message: what is unacknowledged comes again on the next connection.
                raise ConnectionLost("the connection broke")

    def _say_goodbye(self, link: Link) -> None:
        """Disconnect in form; the session and what is not acknowledged stay at the broker."""
        link.finish(packets.disconnect(self._protocol), GOODBYE_S_MAX)
        self.presence.alive()

    def _may_read(self, now: float) -> bool:
        """Say whether the intake has room and the pause between reads is over."""
        if self._framer.full:
            if not self._paused:
                self._paused = True
                self.counters.backpressure_pauses += 1
            return False
        if self._paused:
            # An answer may have waited unread; the peer's silence counts from here.
            self._paused = False
            self._received_s = self._begun_s = now
            self._probed_s = None
        return now >= self._next_read_s

    def _read(self, link: Link) -> None:
        room = self._framer.room()
        size = link.receive_into(room)
        self._more = size == len(room)
        if not size:
            return
        now = time.monotonic()
        self._received_s = now
        self._probed_s = None
        begun, messages = self._framer.inside, self.counters.messages
        controls = self._framer.feed(size, self._clock_us())
        self.presence.alive()
        self._partial_bytes += size
        if not begun or controls or self.counters.messages != messages:
            self._begun_s, self._partial_bytes = now, 0
        self._handle(link, controls)
        self._send_commands(link)
        self._unsubscribe(link)
        self._mark_opened(now)
        self._next_read_s = now if self._more else now + self.limits.read_pause_s

    def _send_commands(self, link: Link) -> None:
        """Publish what carriers ask for. The bound is the link's: what the broker does not take is dropped, for whoever
        needs an answer asks again."""
        for topic, payload in self._framer.decoder.commands():
            if link.unsent > COMMAND_BYTES_UNSENT_MAX:
                self.counters.commands_dropped += 1
                continue
            self._send(link, packets.publish(self._protocol, topic, payload))
            self.counters.commands += 1

    def _unsubscribe(self, link: Link) -> None:
        """End subscriptions that the broker kept from an earlier run with other devices: nobody can list them, but a
        message that none of ours takes shows what they may be."""
        for topic in self._framer.decoder.unwanted():
            filters = filters_of(topic)
            if filters:
                log.info(
                    "broker %s: %s came by a subscription of an earlier run, which is ended",
                    self.settings.shown_url,
                    topic,
                )
                self._send(link, packets.unsubscribe(self._protocol, next(self._farewells), filters))
                self.counters.unsubscribed += 1

    def _mark_opened(self, now: float) -> None:
        intake = self._framer.intake
        if intake is not None and intake.message_count and not intake.opened_s:
            intake.opened_s = now

    def _handle(self, link: Link, controls: Sequence[Control]) -> None:
        for control in controls:
            if control.type == packets.SUBACK:
                self._subscription_answered(packets.parse_suback(control.body, self._protocol))
            elif control.type == packets.PUBREL:
                # Only after PUBREC, which is only sent once the message is committed.
                self._send(link, packets.pubcomp(packets.parse_pubrel(control.body)))
            elif control.type == packets.DISCONNECT:
                code, words = packets.parse_disconnect(control.body)
                if code == packets.TAKEN_OVER:
                    raise SessionTakenOver(self.settings.client_id)
                raise ConnectionLost(f"the broker ended the connection: {words} (code {code})")
            elif control.type not in (packets.PINGRESP, packets.UNSUBACK):
                raise ProtocolError("a packet that a broker sends to a subscriber", f"type {control.type}")

    def _subscription_answered(self, answer: packets.SubscribeAnswer) -> None:
        filters = self._asked.pop(answer.packet_id, None)
        if filters is None or len(filters) != len(answer.codes):
            raise ProtocolError(
                "a SUBACK for what was asked", f"packet id {answer.packet_id}, {len(answer.codes)} codes"
            )
        for name, code in zip(filters, answer.codes, strict=True):
            if code == 0 or code > 2:
                words = "only QoS 0 granted" if code == 0 else packets.REASONS_5.get(code, "refused")
                raise SessionRefused(
                    f"the broker {self.settings.shown_url} refused the subscription to {name}",
                    f"{words} (code {code})",
                    f"allow {self.settings.client_id} to read these topics at QoS 1",
                )
        if not self._asked:
            self._subscribed()

    def _check_peer(self, link: Link, now: float) -> None:
        """Probe a silent connection, and give it up when the probe is not answered."""
        if self._asked and not self._paused and now - self._asked_s > self.settings.connect_timeout_s:
            raise ConnectionLost("the broker did not answer SUBSCRIBE in time")
        if not self._keepalive_s:
            return
        # Bytes alone are no sign of life: the answers to our probes may be what a packet of damaged length swallows.
        lasted_s = now - self._begun_s
        slow = self._partial_bytes < PACKET_BYTES_S_MIN * lasted_s
        if self._framer.inside and not self._paused and lasted_s > self._keepalive_s and slow:
            raise ConnectionLost(f"a packet did not end: {self._partial_bytes} bytes of it in {lasted_s:.0f} s")
        if self._probed_s is not None:
            if not self._paused and now - self._probed_s > SILENCE_SHARE * self._keepalive_s:
                raise ConnectionLost(f"the broker was silent for {now - self._received_s:.1f} s")
            if now - self._sent_s < PROBE_SHARE * self._keepalive_s:
                return
        elif now - min(self._sent_s, self._received_s) < PROBE_SHARE * self._keepalive_s:
            return
        self.counters.pings += 1
        self._probed_s = self._probed_s or now
        self._send(link, packets.PINGREQ)

    def _timeout_s(self, now: float, reading: bool) -> float:
        """Return how long poll may wait: until the next thing that is due."""
        if reading and self._more:
            return 0.0
        due = now + STOP_POLL_S
        if self._next_read_s > now and not self._framer.full:
            due = min(due, self._next_read_s)
        intake = self._framer.intake
        if intake is not None and intake.message_count:
            sealing = intake.opened_s + self.limits.commit_interval_s
            if sealing > now:  # once it is overdue, the committer wakes us
                due = min(due, sealing)
        if self._keepalive_s:
            probe = min(self._sent_s, self._received_s) + PROBE_SHARE * self._keepalive_s
            if self._probed_s is not None and not self._paused:
                probe = self._probed_s + SILENCE_SHARE * self._keepalive_s
            due = min(due, probe)
        return max(0.0, due - now)

    def _poll(self, link: Link | None, timeout_s: float, *, reading: bool = False) -> bool:
        """Wait; returns whether there is something to read."""
        poll = select.poll()
        poll.register(self._far, select.POLLIN)
        if link is not None:
            poll.register(link, link.interest(reading=reading))  # a broken connection is reported in any case
        readable = reading and self._more
        for descriptor, event in poll.poll(0 if timeout_s <= 0 else max(1, round(timeout_s * 1000))):
            if descriptor == self._far.fileno():
                with contextlib.suppress(BlockingIOError):
                    self._far.recv(4096)
            elif event & ~select.POLLOUT:
                readable = True
        return readable

    # --- handing over and acknowledging

    def _attach(self) -> None:
        intake = self._relay.take()
        if intake is None:
            raise ValueError("the relay has no free intake: it belongs to another session")
        self._framer.attach(intake)

    def _holds_messages(self) -> bool:
        intake = self._framer.intake
        return intake is not None and intake.message_count > 0

    def _seal(self, clock_s: float, *, now: bool = False) -> Sequence[Control]:
        """Hand the intake over if it is due (or `now`) and the committer can take it; returns what `attach` does."""
        intake = self._framer.intake
        if intake is None or not intake.message_count:
            return ()
        full = self._framer.full
        due = now or full or clock_s - intake.opened_s >= self.limits.commit_interval_s
        if not due or not self._relay.wants(full=full or now):
            return ()
        fresh = self._relay.take()
        if fresh is None:
            return ()
        # Attach before handing over: the bytes not cut yet are still in the old one.
        controls = self._framer.attach(fresh)
        self.counters.intakes += 1
        self._relay.put(intake)
        self._mark_opened(clock_s)
        return controls

    def _acknowledge(self, link: Link) -> None:
        """Send the acknowledgements that were asked for, in one write per group."""
        while self._acknowledgements:
            epoch, packet_ids = self._acknowledgements.popleft()
            count = 0
            if epoch == self._epoch:
                count = self._write_acknowledgements(link, packet_ids)
            self.counters.stale_acknowledgements += packet_ids.size - count

    def _write_acknowledgements(self, link: Link, packet_ids: NDArray[np.uint16]) -> int:
        framer = self._framer
        count = 0
        for at in range(0, packet_ids.size, 65_536):
            part = np.ascontiguousarray(packet_ids[at : at + 65_536], np.uint16)
            written = int(frames.write_acknowledgements(part, framer.level, self._out))
            if written:
                self._send(link, self._out.data[: 4 * written])
            count += written
        framer.under_way -= count
        self.counters.acknowledged += count
        return count

    def _drop_acknowledgements(self) -> None:
        """Forget what was to be acknowledged on a connection that is gone."""
        while self._acknowledgements:
            _, packet_ids = self._acknowledgements.popleft()
            self.counters.stale_acknowledgements += packet_ids.size
