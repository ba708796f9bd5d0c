"""Live events over real sockets, from rows in the database to 200 clients."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
import pytest
from starlette.types import Message

from console.web import live
from console.web.guard.grants import Stands
from console.web.hub import HubLimits
from console.web.live import EventStream
from console.web.problems import ProblemError
from console.web.road import VALUES, LiveRoad
from console.web.watcher import News
from devices import Registry, load_registry
from engine.indicators import INDICATORS
from engine.store import Duty, Flush, Registered, Store, StoreUnavailable, ValueRows
from tests.console.web.client import Client
from tests.console.web.conftest import serving, site_on
from tests.console.web.listeners import Listener, until
from tests.databases import Databases
from tests.system.pipeline import DEMO

CLIENTS = 200
CHANGES = 5
HOUR_US = 3_600_000_000
T0 = 1_700_000_000_000_000 // HOUR_US * HOUR_US
COUNTED = [place for place, one in enumerate(INDICATORS) if one.code in ("pm2_5_mean", "pm10_mean", "laeq")]


@dataclass
class City:
    """A database whose figures a test writes as the engine does."""

    url: str
    registry: Registry
    store: Store
    ids: Registered
    written: int = 0

    def write(self, tick: int) -> None:
        """Make some indicators of the city and its zones this many ticks, in a new transaction."""
        scopes = [self.ids.city_scope, *self.ids.zone_scope.tolist()]
        keys = [(self.ids.indicator_id[i], scope) for i in COUNTED for scope in scopes]
        size = len(keys)
        rows = ValueRows(
            np.array([k[0] for k in keys], np.int32), np.array([k[1] for k in keys], np.int32),
            np.full(size, T0, np.int64), np.full(size, tick, np.int64), np.zeros(size, np.int16),
            np.full(size, -1, np.int32), np.full(size, 60, np.int64), np.full(size, 60, np.int64),
            np.ones(size, np.bool_),
        )  # fmt: skip
        self.store.flush(Flush(computed_us=T0 + tick, values=rows))
        self.written = size


@pytest.fixture
def city(databases: Databases) -> Iterator[City]:
    registry = load_registry(DEMO)
    with databases.migrated() as url, Store.connect(url) as store:
        ids = store.register(registry, INDICATORS)
        store.own(0, Duty.FLUSH)
        yield City(url, registry, store, ids)


@contextmanager
def console(city: City, folder: Path) -> Iterator[Client]:
    with serving(site_on(city.url, city.registry), folder) as client:
        yield client


def newest(client: Client) -> dict[str, dict[str, object]]:
    """What the same console answers to a plain question."""
    items = client("indicators/latest", history=0).items
    return {
        f"{i['scope']}/{i['indicator']}/{i['window']}": {k: v for k, v in i.items() if k != "history"} for i in items
    }


@pytest.mark.system
def test_200_clients_are_told_every_change_also_those_that_come_and_go(
    city: City, tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    city.write(0)
    with console(city, tmp_path) as client:
        asyncio.run(_follow(city, client, record_property))


async def _follow(city: City, client: Client, record_property: pytest.RecordProperty) -> None:
    listeners = [Listener(client.url) for _ in range(CLIENTS)]
    tasks = [asyncio.create_task(one.run()) for one in listeners]
    await until(lambda: all(one.state and one.items for one in listeners), "all have what stands")
    goers, stayers = listeners[:20], listeners[20:]
    seen_s = []
    for tick in range(1, CHANGES + 1):
        if tick == 2:
            for one in goers:
                one.close()
            await asyncio.gather(*tasks[:20])
        began_s = time.monotonic()
        await asyncio.to_thread(city.write, tick)
        computed = newest_of(stayers[0])
        await until(lambda before=computed: all(newest_of(one) != before for one in stayers), "a change is at all")  # type: ignore[misc]
        seen_s.append(time.monotonic() - began_s)
        if tick == 4:
            tasks += [asyncio.create_task(one.run()) for one in goers]
    expected = await asyncio.to_thread(newest, client)
    await until(lambda: all(one.items == expected for one in listeners), "all have the same as is answered")
    record_property("seconds from the write to 180 clients, worst", max(seen_s))
    for one in stayers:
        assert len(one.told) == city.written * (CHANGES + 1), "every change once"
    for one in listeners:
        assert one.numbers == sorted(set(one.numbers)), "none twice, none out of order"
    for one in goers:
        assert one.events.count("snapshot") == 1, "who comes again is given what it missed"
        assert len(one.told) == city.written * (CHANGES + 1)
    for one in listeners:
        one.close()
    await asyncio.gather(*tasks)


def newest_of(listener: Listener) -> str:
    return str(next(iter(listener.items.values()))["computed"])


@pytest.mark.system
def test_a_server_that_stops_ends_the_answers_in_form_and_does_not_wait(city: City, tmp_path: Path) -> None:
    city.write(0)
    listener = Listener("")

    async def listen() -> None:
        await asyncio.wait_for(listener.run(), 120)

    with console(city, tmp_path) as client:
        listener.url = client.url
        thread = threading.Thread(target=asyncio.run, args=(listen(),))
        thread.start()
        while not listener.items:
            assert thread.is_alive()
            time.sleep(0.005)
    thread.join()
    assert listener.ended


@pytest.mark.system
def test_a_word_of_the_database_brings_a_value_and_so_does_looking(city: City, tmp_path: Path) -> None:
    city.write(0)

    async def follow(url: str) -> None:
        listener = Listener(url)
        task = asyncio.create_task(listener.run())
        for tick in (1, 2):
            await until(lambda: bool(listener.items), "it has what stands")
            before = newest_of(listener)
            await asyncio.to_thread(city.write, tick)
            if tick == 2:
                with psycopg.connect(city.url, autocommit=True) as other:
                    other.execute("NOTIFY cityvitals_written")
            await until(lambda before=before: newest_of(listener) != before, "the change came")  # type: ignore[misc]
        listener.close()
        await task

    with console(city, tmp_path) as client:
        asyncio.run(follow(client.url))


class Wire:
    """An ASGI server's end of a connection: it can be full, and it can be cut."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.free = asyncio.Event()
        self.free.set()
        self.cut = asyncio.Event()

    async def send(self, message: Message) -> None:
        await self.free.wait()
        self.sent.append(message)

    async def receive(self) -> Message:
        await self.cut.wait()
        return {"type": "http.disconnect"}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


class Nothing:
    """A reader of a database that never answers, so that nobody but the test tells anything."""

    def __init__(self) -> None:
        raise StoreUnavailable("it is away")


@contextmanager
def quiet_road(queue: int = 8) -> Iterator[LiveRoad]:
    made = LiveRoad(Nothing, HubLimits(queue=queue))  # type: ignore[arg-type]
    yield made
    made.close()


async def always() -> bool:
    return True


def answering(road: LiveRoad, wire: Wire, stands: Stands = always) -> asyncio.Task[None]:
    return asyncio.create_task(EventStream(road, None, stands)({}, wire.receive, wire.send))


def run(test: Callable[[LiveRoad, Wire], Awaitable[None]]) -> None:
    """Run a test on a road of its own."""

    async def running() -> None:
        with quiet_road() as road:
            await asyncio.wait_for(test(road, Wire()), 120)

    asyncio.run(running())


def test_a_client_that_does_not_take_is_let_go_and_counted() -> None:
    async def test(road: LiveRoad, wire: Wire) -> None:
        answer = answering(road, wire)
        await until(lambda: len(wire.sent) >= 2, "it began")
        wire.free.clear()
        for number in range(road.hub.limits.queue + 3):
            road.hub.update(VALUES, {"a": b"%d" % number})
            await asyncio.sleep(0)
        await answer
        assert (road.hub.counts.given_up, road.hub.clients) == (1, 0)

    run(test)


def test_a_client_that_goes_leaves_the_hub() -> None:
    async def test(road: LiveRoad, wire: Wire) -> None:
        answer = answering(road, wire)
        await until(lambda: road.hub.clients == 1, "it is there")
        wire.cut.set()
        await answer
        assert road.hub.clients == 0
        assert wire.sent[-1]["more_body"], "nothing more is sent to one that went"

    run(test)


def test_a_hub_that_closes_ends_the_answer_after_what_still_waits() -> None:
    async def test(road: LiveRoad, wire: Wire) -> None:
        answer = answering(road, wire)
        await until(lambda: road.hub.clients == 1, "it is there")
        road.hub.update(VALUES, {"a": b"1"})
        road.let_go()
        await answer
        assert b"event: snapshot" in wire.body
        assert not wire.sent[-1]["more_body"]

    run(test)


def test_a_client_that_may_no_longer_listen_is_told_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STANDS_S", 0.001)
    answers = [True, True, False]

    async def stands() -> bool:
        return answers.pop(0)

    async def test(road: LiveRoad, wire: Wire) -> None:
        await answering(road, wire, stands)
        assert answers == []
        assert not wire.sent[-1]["more_body"]
        assert road.hub.clients == 0

    run(test)


def test_a_quiet_connection_is_told_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.001)

    async def test(road: LiveRoad, wire: Wire) -> None:
        answer = answering(road, wire)
        await until(lambda: wire.body.count(live.HEARTBEAT) >= 3, "comments come")
        wire.cut.set()
        await answer

    run(test)


def test_a_client_learns_when_to_come_again_and_that_the_database_is_away() -> None:
    async def test(road: LiveRoad, wire: Wire) -> None:
        answer = answering(road, wire)
        await until(lambda: b"event: state" in wire.body, "it is told")
        assert wire.body.startswith(b"retry: ")
        assert b'"database":"away"' in wire.body
        wire.cut.set()
        await answer

    run(test)


def test_alerts_are_told_to_those_who_listen_and_to_those_who_come_again_but_not_to_others() -> None:
    async def test(road: LiveRoad, wire: Wire) -> None:
        late, again = Wire(), Wire()
        answers = [answering(road, wire)]
        await until(lambda: b"event: state" in wire.body, "it has what stands")
        heard = wire.body.rpartition(b"id: ")[2].partition(b"\n")[0].decode()
        road._take(News(None, None, b'{"items":[],"more":false}'))
        await until(lambda: b'event: alerts\ndata: {"items":[],"more":false}' in wire.body, "it is told")
        answers += [
            answering(road, late),
            asyncio.create_task(EventStream(road, heard, always)({}, again.receive, again.send)),
        ]
        await until(lambda: b"event: state" in late.body and b"event: alerts" in again.body, "they have theirs")
        assert b"event: alerts" not in late.body
        for one in (wire, late, again):
            one.cut.set()
        await asyncio.gather(*answers)

    run(test)


def test_one_client_more_than_there_is_place_for_is_told_so() -> None:
    async def test() -> None:
        road = LiveRoad(Nothing, HubLimits(clients=1))  # type: ignore[arg-type]
        EventStream(road, None, always)
        with pytest.raises(ProblemError) as refused:
            EventStream(road, None, always)
        assert refused.value.problem.status == 503
        assert refused.value.headers["Retry-After"]
        road.close()

    asyncio.run(test())
