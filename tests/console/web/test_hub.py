"""The hub against a slow twin: whatever comes, goes and breaks, every client ends with exactly what stands."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from console.web import hub as hub_module
from console.web.hub import Client, Feed, Hub, HubFullError, HubLimits
from tests.examples import examples

VALUES, ALERTS = Feed("snapshot", "values"), Feed("alerts", "alerts")
FEEDS = (VALUES, ALERTS)
WHOLE = Feed("all", "some")


def record(key: str, value: int) -> bytes:
    return json.dumps({"key": key, "value": value}, separators=(",", ":")).encode()


def records(found: dict[str, int]) -> dict[str, bytes]:
    return {key: record(key, value) for key, value in found.items()}


def quiet() -> None:
    """Nobody waits."""


@dataclass
class Event:
    number: int | None
    name: str
    data: dict[str, object]


def parsed(raw: bytes) -> list[Event]:
    """Read a stream as a browser would, by its own means."""
    events = []
    for block in raw.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        number = int(fields["id"].rpartition("-")[2]) if "id" in fields else None
        events.append(Event(number, fields["event"], json.loads(fields["data"])))
    return events


@dataclass
class Reader:
    """A client as it is beyond the wire: it knows what it was sent, and the last id it saw."""

    client: Client | None = None
    last_id: str | None = None
    values: dict[str, int] | None = None
    state: dict[str, object] | None = None
    numbers: list[int] = field(default_factory=list)

    def read(self, boot: str) -> None:
        assert self.client is not None
        while raw := self.client.take():
            for event in parsed(raw):
                items = {i["key"]: i["value"] for i in event.data.get("items", ())}  # type: ignore[attr-defined]
                if event.name == "all":
                    self.values = dict(items)
                elif event.name == "some":
                    assert self.values is not None, "a change of what was never told"
                    self.values.update(items)
                else:
                    self.state = event.data
                if event.number is not None:
                    self.numbers.append(event.number)
                    self.last_id = f"{boot}-{event.number}"


class Twin(RuleBasedStateMachine):
    """The twin keeps what stands and nothing else; small limits, so that every one of them is reached."""

    def __init__(self) -> None:
        super().__init__()
        self.boots = 0
        self.readers = [Reader() for _ in range(3)]
        self.boot_again()

    @rule()
    def boot_again(self) -> None:
        """The server restarts: all connections end, and numbers begin again."""
        self.boots += 1
        self.boot = f"b{self.boots}"
        self.hub = Hub(self.boot, (WHOLE,), HubLimits(ring=6, ring_bytes=600, queue=3, clients=3))
        self.standing: dict[str, int] | None = None
        self.state: dict[str, object] | None = None
        for reader in self.readers:
            reader.client, reader.numbers = None, []

    @rule(found=st.dictionaries(st.sampled_from("abcde"), st.integers(0, 3), max_size=5))
    def update(self, found: dict[str, int]) -> None:
        told = self.hub.update(WHOLE, records(found))
        assert told is (found != self.standing)
        self.standing = found

    @rule(key=st.sampled_from("abcde"), value=st.integers(0, 3))
    def change_one(self, key: str, value: int) -> None:
        self.update({**(self.standing or {}), key: value})

    @rule(value=st.integers(0, 2))
    def remark(self, value: int) -> None:
        self.state = {"value": value}
        self.hub.remark("state", json.dumps(self.state).encode())

    @rule(which=st.integers(0, 2))
    def connect(self, which: int) -> None:
        """Come, or come again, with the last id that was seen; a former connection is still open for the server."""
        reader = self.readers[which]
        if reader.client is not None:
            self.hub.leave(reader.client)
        reader.client = self.hub.join(reader.last_id, quiet)

    @rule(which=st.integers(0, 2))
    def connect_afresh(self, which: int) -> None:
        """Come as somebody who forgot everything."""
        former = self.readers[which].client
        if former is not None:
            self.hub.leave(former)
        self.readers[which] = Reader(self.hub.join(None, quiet))

    @rule(which=st.integers(0, 2))
    def read(self, which: int) -> None:
        """Take all that waits: then it has what stands, unless it was given up."""
        reader = self.readers[which]
        if reader.client is None:
            return
        reader.read(self.boot)
        if reader.client.given_up:
            reader.client = None
            return
        # A run that has read nothing yet has nothing to say: what a client knew of the one before stands until then.
        if self.standing is not None:
            assert reader.values == self.standing
        if self.state is not None:
            assert reader.state == self.state

    @rule(which=st.integers(0, 2), events=st.integers(1, 2))
    def read_some_and_break(self, which: int, events: int) -> None:
        """The connection ends in the middle: what was sent is seen up to there."""
        reader = self.readers[which]
        if reader.client is None:
            return
        self.hub.leave(reader.client)
        sent = reader.client.take().split(b"\n\n")[:-1][:events]
        reader.client = Client(iter([b"".join(part + b"\n\n" for part in sent)] if sent else []), 3, quiet)
        reader.read(self.boot)
        reader.client = None

    @invariant()
    def none_is_told_twice_or_out_of_order(self) -> None:
        for reader in self.readers:
            assert reader.numbers == sorted(set(reader.numbers))

    def teardown(self) -> None:
        for which, reader in enumerate(self.readers):
            if reader.client is None or reader.client.given_up:
                self.connect(which)
            self.read(which)


TestHub = Twin.TestCase
TestHub.settings = settings(max_examples=examples(100), stateful_step_count=30, deadline=None)


def joined(hub: Hub, last_id: str | None = None) -> Client:
    return hub.join(last_id, quiet)


def test_a_new_client_is_told_all_that_stands_and_only_the_last_event_has_the_number() -> None:
    hub = Hub("x", FEEDS)
    hub.update(ALERTS, records({"fire": 1}))
    hub.update(VALUES, records({"a": 1, "b": 2}))
    hub.remark("state", b'{"database":"ok"}')
    events = parsed(joined(hub).take())
    assert [(event.name, event.number) for event in events] == [("snapshot", None), ("alerts", None), ("state", 3)]
    assert [i["value"] for i in events[0].data["items"]] == [1, 2]  # type: ignore[attr-defined]


def test_all_clients_are_given_the_same_bytes() -> None:
    hub = Hub("x", FEEDS)
    hub.update(VALUES, records({"a": 1}))
    one, other = joined(hub), joined(hub)
    assert one.take() == other.take()
    hub.update(VALUES, records({"a": 2}))
    assert one._waiting[0] is other._waiting[0]


def test_who_comes_again_is_given_what_it_missed_and_nothing_else() -> None:
    hub = Hub("x", FEEDS)
    for value in range(4):
        hub.update(VALUES, records({"a": value, "b": 0}))
    assert [(e.number, e.data) for e in parsed(joined(hub, "x-2").take())] == [
        (3, {"items": [{"key": "a", "value": 2}]}),
        (4, {"items": [{"key": "a", "value": 3}]}),
    ]
    assert joined(hub, "x-4").take() == b""
    assert (hub.counts.resumed, hub.counts.fresh) == (2, 0)


@pytest.mark.parametrize("unknown", ["y-2", "x-9", "x-", "x-2 ", "x--1", "", "x-99999999999999999999", "x-1"])
def test_an_id_of_another_run_or_beyond_the_ring_gets_all_that_stands(unknown: str) -> None:
    hub = Hub("x", FEEDS, HubLimits(ring=2))
    for value in range(4):
        hub.update(VALUES, records({"a": value}))
    assert [(e.name, e.number) for e in parsed(joined(hub, unknown).take())] == [("snapshot", 4)]
    assert hub.counts.fresh == 1


def test_the_ring_keeps_no_more_bytes_than_it_may() -> None:
    hub = Hub("x", FEEDS, HubLimits(ring_bytes=1_000))
    for value in range(1_000):
        hub.update(VALUES, {"a": record("a", value)})
    assert sum(map(len, hub._ring)) <= 1_000
    assert len(hub._ring) > 5


def test_a_client_that_does_not_take_is_given_up_alone_and_resumes() -> None:
    hub = Hub("x", FEEDS, HubLimits(queue=256))
    woken: list[str] = []
    slow = hub.join(None, lambda: woken.append("slow"))
    quick = hub.join(None, lambda: woken.append("quick"))
    for value in range(257):
        hub.update(VALUES, records({"a": value}))
        quick.take()
    assert slow.given_up
    assert slow.take() == b""
    assert woken.count("slow") == 257
    assert not quick.given_up
    assert (hub.clients, hub.counts.given_up) == (1, 1)
    assert len(parsed(joined(hub, "x-0").take())) == 257


def test_what_a_client_missed_before_it_came_is_no_reason_to_give_it_up() -> None:
    hub = Hub("x", FEEDS, HubLimits(queue=2))
    for value in range(10):
        hub.update(VALUES, records({"a": value}))
    again = joined(hub, "x-1")
    hub.update(VALUES, records({"a": 10}))
    hub.update(VALUES, records({"a": 11}))
    assert not again.given_up
    assert [e.number for e in parsed(again.take())] == list(range(2, 13))


def test_much_is_given_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "TAKE_BYTES", 200)
    hub = Hub("x", FEEDS)
    for value in range(100):
        hub.update(VALUES, records({"a": value}))
    again = joined(hub, "x-0")
    parts = []
    while part := again.take():
        parts.append(part)
    assert len(parts) > 10
    assert max(map(len, parts)) < 400
    assert [e.number for e in parsed(b"".join(parts))] == list(range(1, 101))


def test_one_more_client_than_there_is_place_for_is_refused() -> None:
    hub = Hub("x", FEEDS, HubLimits(clients=1))
    only = joined(hub)
    with pytest.raises(HubFullError):
        joined(hub)
    hub.leave(only)
    joined(hub)
    assert hub.counts.refused == 1


def test_a_hub_that_closes_lets_all_go_with_what_waits_for_them() -> None:
    hub = Hub("x", FEEDS)
    client = joined(hub)
    hub.update(VALUES, records({"a": 1}))
    hub.close()
    assert client.closed
    assert not client.given_up
    assert parsed(client.take())
