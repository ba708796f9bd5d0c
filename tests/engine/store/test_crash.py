"""What a crash leaves: all of a transaction or nothing, and never a reading twice."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from engine.cells import Grid
from engine.store import Duty, Flush, NotOwned, Outcome, OwnedByAnother, Store, StoreUnavailable, newest
from engine.store.reader import Reader
from tests.engine.store.conftest import Query
from tests.engine.store.town import HOUR_US, INDICATORS, T0, append, cells, refused, town, values

APPEND_STEPS = ("begun", "copied", "tried", "looked up", "newest kept", "quarantined", "accounted", "committed")
FLUSH_STEPS = ("cells written", "values written", "marked", "flushed")
COUNTS = """
SELECT (SELECT count(*) FROM observation), (SELECT count(*) FROM quarantine), (SELECT count(*) FROM ledger),
       (SELECT sum(received) FROM ledger), (SELECT sum(accepted) FROM ledger),
       (SELECT count(*) FROM pending_restatement)
"""


class Wire:
    """A proxy whose one end can be lost: what the server says, or that the server hears of the end."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "", parts.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        account = parts.netloc.rpartition("@")[0]
        self.url = urlunsplit(parts._replace(netloc=f"{account}@127.0.0.1:{port}"))
        self.swallow = False
        self._orphaned = False
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._pairs.append((near, far))
            threading.Thread(target=self._pump, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                if answers and self.swallow:
                    # The server has answered, so it has done what it was asked; the answer never arrives.
                    self.swallow = False
                    break
                sink.sendall(data)
        except OSError:
            pass  # the other thread ended the pair
        if not self._orphaned:
            ended(source)
            ended(sink)

    def orphan(self) -> None:
        """Cut the client off without the server's knowing: its session goes on, and holds its locks."""
        self._orphaned = True
        for near, _ in self._pairs:
            ended(near)
        self._pairs = [(far, far) for _, far in self._pairs]

    def close(self) -> None:
        """End everything."""
        ended(self._listener)
        for pair in self._pairs:
            for end in pair:
                ended(end)


def ended(end: socket.socket) -> None:
    """End a connection for everybody who waits for it; closing alone wakes nobody."""
    with contextlib.suppress(OSError):  # it may have ended already
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@pytest.fixture
def wire(url: str) -> Iterator[Wire]:
    proxy = Wire(url)
    yield proxy
    proxy.close()


def killing(url: str, step: str) -> tuple[Callable[[str], None], list[int]]:
    """Return a hook that ends the server's process of a store at a step, once, and where to put that process's id."""
    pids: list[int] = []

    def hook(name: str) -> None:
        if name == step and pids:
            with psycopg.connect(url, autocommit=True) as killer:
                killer.execute("SELECT pg_terminate_backend(%s, 5000)", [pids.pop()])

    return hook, pids


@pytest.mark.parametrize("step", APPEND_STEPS)
def test_a_commit_killed_at_any_step_is_stored_once_when_tried_again(url: str, query: Query, step: str) -> None:
    hook, pids = killing(url, step)
    with Store.connect(url, step=hook) as store:
        store.register(town(), INDICATORS)
        store.own()
        store.append(append([0, 1], [T0, T0], [1, 2]))
        # Every road at once: new, late, duplicate, conflict, refused, behind the mark.
        wanted = append(
            [0, 0, 1, 1, 2], [T0 + 1, T0 - 1, T0, T0, T0], [3, 4, 2, 9, 5], refused=[refused()], mark_us=T0 + HOUR_US
        )
        pids.append(store.pid)
        try:
            done = store.append(wanted)
        except StoreUnavailable:
            store.reconnect()
            with pytest.raises(NotOwned):
                store.append(wanted)
            store.own()
            done = store.append(wanted)
        else:
            assert step == "committed"
            store.reconnect()
            store.own()
        assert pids == []
        expected = [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.CONFLICT, Outcome.ACCEPTED]
        assert done.outcome.tolist() == expected
        assert query(COUNTS) == [(5, 2, 2, 8, 5, 3)]
        with Reader.open(url) as reader:
            found = newest.newest(reader.session, range(10))
        assert list(zip(found.time_us.tolist(), found.ticks.tolist(), strict=True)) == [(T0 + 1, 3), (T0, 2), (T0, 5)]
        assert store.append(append([0], [T0 + 2], [6])).looked_up == 0
        assert store.ledger_summary().balance == 0


@pytest.mark.parametrize("step", ["begun", "copied", "quarantined", "accounted"])
def test_a_killed_commit_that_is_given_up_leaves_nothing(url: str, query: Query, step: str) -> None:
    hook, pids = killing(url, step)
    with Store.connect(url, step=hook) as store:
        store.register(town(), INDICATORS)
        store.own()
        pids.append(store.pid)
        with pytest.raises(StoreUnavailable):
            store.append(append([0], [T0], [1], refused=[refused()]))
    assert query(COUNTS) == [(0, 0, 0, None, None, 0)]


def test_a_commit_whose_answer_was_lost_is_found_and_not_done_again(url: str, query: Query, wire: Wire) -> None:
    def hook(name: str) -> None:
        wire.swallow = name == "accounted" and armed

    armed = False
    with Store.connect(wire.url, step=hook) as store:
        store.register(town(), INDICATORS)
        store.own()
        store.append(append([0], [T0], [1]))
        wanted = append([0, 0, 1], [T0 + 1, T0, T0], [2, 3, 4], refused=[refused()])
        armed = True
        with pytest.raises(StoreUnavailable):
            store.append(wanted)
        armed = False
        assert query("SELECT count(*) FROM ledger") == [(2,)]
        store.reconnect()
        store.own()
        done = store.append(wanted)
        assert done.outcome.tolist() == [Outcome.ACCEPTED, Outcome.CONFLICT, Outcome.ACCEPTED]
        assert query("SELECT max(commit_id) FROM ledger") == [(done.commit_id,)]
        assert query(COUNTS) == [(3, 2, 2, 5, 3, 0)]
        # The marks moved as if the answer had come.
        again = store.append(append([0, 1], [T0 + 1, T0 + 1], [2, 5]))
        assert (again.looked_up, again.redone) == (1, False)


def test_a_new_commit_after_one_in_doubt_finds_its_readings_by_looking(url: str, query: Query, wire: Wire) -> None:
    def hook(name: str) -> None:
        wire.swallow = name == "accounted" and armed

    armed = True
    with Store.connect(wire.url, step=hook) as store:
        store.register(town(), INDICATORS)
        store.own()
        with pytest.raises(StoreUnavailable):
            store.append(append([0, 1], [T0, T0], [1, 2]))
        armed = False
        store.reconnect()
        store.own()
        # The broker sent the messages again, so they come under a new key, with others.
        done = store.append(append([0, 1, 2], [T0, T0, T0], [1, 2, 3]))
        assert done.redone
        assert done.outcome.tolist() == [Outcome.DUPLICATE, Outcome.DUPLICATE, Outcome.ACCEPTED]
        assert query("SELECT sum(received), sum(accepted), sum(duplicate) FROM ledger") == [(5, 3, 2)]


def test_a_session_that_the_server_holds_for_alive_is_ended_by_its_own_successor(wire: Wire, url: str) -> None:
    with Store.connect(wire.url, application_name="gateway-1") as store, Store.connect(url) as other:
        store.register(town(), INDICATORS)
        store.own()
        wire.orphan()
        with pytest.raises(StoreUnavailable):
            store.append(append([0], [T0], [1]))
        with pytest.raises(OwnedByAnother, match="gateway-1"):
            other.own()  # a stranger must not end it
        store.reconnect()
        store.own()
        assert store.append(append([0], [T0], [1])).accepted == 1


@pytest.mark.parametrize("step", FLUSH_STEPS)
def test_a_flush_killed_at_any_step_is_written_once_when_tried_again(url: str, query: Query, step: str) -> None:
    hook, pids = killing(url, step)
    with Store.connect(url, step=hook) as store:
        ids = store.register(town(), INDICATORS)
        store.own()
        store.own(0, Duty.FLUSH)
        done = store.append(append([0], [T0], [1], mark_us=T0 + 1))

        def flush(count: int) -> Flush:
            return Flush(
                computed_us=T0,
                cells={Grid.HOUR: cells([0, 1], [T0, T0], [count, count], closed=True)},
                values=values(ids.indicator_id[0], ids.city_scope, [T0], count, closed=True),
                mark_us=T0 + HOUR_US,
                through_commit=done.commit_id,
            )

        store.flush(flush(1))
        pids.append(store.pid)
        try:
            store.flush(flush(2))
        except StoreUnavailable:
            assert step != "flushed"
            store.reconnect()
            store.own(0, Duty.FLUSH)
            store.flush(flush(2))
        store.reconnect()
        assert query("SELECT count, revision FROM window_hour") == [(2, 2), (2, 2)]
        assert query("SELECT ticks, revision FROM indicator_value") == [(2, 2)]
        assert query("SELECT ticks, revision FROM indicator_revision") == [(1, 1)]
        assert len(store.pending()) == 0


def test_an_owner_is_named_to_whom_it_keeps_out(url: str) -> None:
    with Store.connect(url, application_name="gateway-7") as one, Store.connect(url) as other:
        one.own(3)
        one.own(3)  # once more is no harm
        with pytest.raises(
            OwnedByAnother, match=rf"partition 3 .*gateway-7 \(database session {one.pid}.* since 20\d\d-"
        ) as caught:
            other.own(3)
        assert (caught.value.partition, caught.value.duty) == (3, "append")
        other.own(3, Duty.FLUSH)
        other.own(2)
        one.close()
        other.own(3)


def test_a_server_that_is_away_is_unavailable_and_a_wrong_password_is_not(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    parts = urlsplit(url)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        Store.connect(urlunsplit(parts._replace(netloc=f"x@127.0.0.1:{port}")))
    from engine.store import StoreError

    wrong = urlunsplit(parts._replace(netloc=f"{parts.username}:wrong@{parts.hostname}:{parts.port}"))
    with pytest.raises(StoreError, match="let us in") as caught:
        Store.connect(wrong)
    assert not isinstance(caught.value, StoreUnavailable)
    with pytest.raises(StoreError, match="does not exist"):
        Store.connect(urlunsplit(parts._replace(path="/nowhere")))
    with pytest.raises(StoreError, match="cannot be read"):
        Store.connect("postgresql://[half")


def test_a_statement_that_takes_too_long_is_given_up(url: str) -> None:
    with Store.connect(url, statement_timeout_ms=200) as store, psycopg.connect(url) as blocker:
        blocker.execute("LOCK TABLE cityvitals.measurand")
        with pytest.raises(StoreUnavailable, match="timeout"):
            store.register(town(), INDICATORS)
