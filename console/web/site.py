"""What every endpoint works with: the city, the settings, the connections, and the gateway's own word.

Knows what there is; answers nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from console.alerts import AlertRule
from console.alerts.service import Watch
from console.drift import DriftBook
from console.scrape import Gateway
from console.settings import Settings
from console.web.guard.gate import Gate
from console.web.layers import Load
from console.web.road import LiveRoad
from console.web.stores import Stores
from devices import Registry
from engine.kpi import DeclaredValue, Pack
from engine.store import Store
from engine.store.reader import Reader
from engine.store.session import Session


def _now_us() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Site:
    """One console of one city.

    Attributes:
        registry: the city with its zones and devices.
        pack: its catalogue of KPIs.
        declared: what it declares.
        settings: the whole tree.
        stores: connections that read.
        books: connections on which figures of KPIs are computed, which takes seconds and scratch tables.
        gateway: the metrics of the gateway, where its address is known.
        live: what is newest, for those who listen.
        handling: gives a connection on which people handle alerts.
        gate: knows who asks.
        watch: what keeps the alerts; None where nothing in this process does.
        rules: by which they are raised, by code; empty where nothing in this process keeps them.
        drift: findings of drift, for everybody who asks.
        load: requests so far.
        now_us: the clock.
    """

    registry: Registry
    pack: Pack
    declared: tuple[DeclaredValue, ...]
    settings: Settings
    stores: Stores[Reader]
    books: Stores[Store]
    gateway: Gateway
    live: LiveRoad
    handling: Callable[[], AbstractContextManager[Session]]
    gate: Gate
    watch: Watch | None = None
    rules: Mapping[str, AlertRule] = field(default_factory=dict)
    drift: DriftBook = field(default_factory=DriftBook)
    load: Load = field(default_factory=Load)
    now_us: Callable[[], int] = field(default=_now_us)


def _site(request: Request) -> Site:
    found: Site = request.app.state.site
    return found


SiteOf = Annotated[Site, Depends(_site)]
"""Parameter of an endpoint that works with the site."""
