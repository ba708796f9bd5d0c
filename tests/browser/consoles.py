"""A console on a database of the town, in threads of this process; more readings can be taken in while pages are open.

Knows how a console is started and history taken in; knows no browser.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from console.settings import Settings
from console.web.guard.tokens import make
from console.web.server import open_site
from devices import Registry, load_registry
from engine.kpi import load_catalogue, load_declared
from engine.store import AccessBook, AuditEntry, alerts
from engine.store.alerts import Alert
from ingest.backfill import BackfillSettings, backfill
from tests.browser.town import Reading, bad, readings, write_history, write_town
from tests.console.web.conftest import serving
from tests.databases import Databases

_names = count()


@dataclass(frozen=True)
class Town:
    """The town in a database.

    Attributes:
        folder: its files.
        registry: what they say.
        database_url: where its readings are.
        now_us: what its newest readings take for the present.
    """

    folder: Path
    registry: Registry
    database_url: str
    now_us: int

    def take_in(self, rows: Iterable[Reading]) -> None:
        """Store readings and compute what they change; returns when all of it is written."""
        usual = Settings()
        file = write_history(self.folder / f"history-{next(_names)}.csv", rows)
        backfill(
            self.registry,
            self.database_url,
            [file],
            BackfillSettings(usual.admission, replace(usual.engine, minute_days=0), usual.intake.quarantine_bytes_max),
            progress=lambda _share, _at: None,
            stop=threading.Event(),
            clock_us=lambda: time.time_ns() // 1000,
        )

    def make_token(self) -> str:
        """Make a token of an operator. From then on everybody has to sign in."""
        token, row = make("ana", "operator", self.now_us, None)
        with AccessBook.connect(self.database_url) as book:
            assert book.add_token(row, AuditEntry("", "admin", "command", "test", "tokens new", 200))
        return token

    def raise_alert(self, title: str, scope: str = "city") -> None:
        """Let an alert stand, as the keeper of rules would."""
        raised = Alert("by_hand", "threshold", scope, "warning", title, "for the test", self.now_us, self.now_us)
        with alerts.connected(self.database_url, "test") as session, session.transaction():
            alerts.open_alert(session, raised)


@contextmanager
def town_in(databases: Databases, folder: Path) -> Iterator[Town]:
    """A database with the town's readings, dropped at the end of the block."""
    registry = load_registry(write_town(folder))
    with databases.migrated() as url:
        town = Town(folder, registry, url, time.time_ns() // 1000)
        town.take_in([*readings(town.now_us), *bad(town.now_us)])
        yield town


@contextmanager
def console_of(town: Town, folder: Path, ahead_us: Callable[[], int] = lambda: 0) -> Iterator[str]:
    """A console of the town, until the end of the block.

    Args:
        town: what it shows.
        folder: to write what it tells us.
        ahead_us: how far its clock is ahead at the moment.

    Yields:
        Its address, without a slash at the end.
    """
    pack = load_catalogue(town.folder)
    site = open_site(town.registry, pack, load_declared(town.folder, pack), Settings(), town.database_url)
    site = replace(site, now_us=lambda: time.time_ns() // 1000 + ahead_us())
    folder.mkdir(parents=True, exist_ok=True)
    with serving(site, folder) as client:
        yield client.url.rstrip("/")
