"""The local stack: TimescaleDB and an MQTT broker on this machine, without root and without installing anything."""

from deploy.broker import Broker
from deploy.browser import build as unpack_browser
from deploy.browser import executable as browser_executable
from deploy.database import Database, create_database, drop_database
from deploy.doctor import Check, doctor
from deploy.errors import StackError
from deploy.limited import LimitedDatabase
from deploy.process import Server
from deploy.stack import Endpoints, Stack, down, find, temporary, up
from deploy.userland import build as unpack_servers

__all__ = [
    "Broker",
    "Check",
    "Database",
    "Endpoints",
    "LimitedDatabase",
    "Server",
    "Stack",
    "StackError",
    "browser_executable",
    "create_database",
    "doctor",
    "down",
    "drop_database",
    "find",
    "temporary",
    "unpack_browser",
    "unpack_servers",
    "up",
]
