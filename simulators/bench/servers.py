"""Servers of a bench's own: a broker without sessions, an empty database; gone at the end, however it ends."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import deploy


@contextmanager
def fresh_broker(directory: Path) -> Iterator[deploy.Broker]:
    """A broker without sessions, stopped at the end.

    Args:
        directory: for its state and log; made when it is not there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    broker = deploy.Broker(directory, die_with_parent=True)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@contextmanager
def fresh_database(server: deploy.Database) -> Iterator[str]:
    """The URL of an empty database with TimescaleDB on a running server, dropped at the end."""
    name = f"bench_{secrets.token_hex(6)}"
    url = deploy.create_database(server.url, name)
    try:
        yield url
    finally:
        deploy.drop_database(server.url, name)
