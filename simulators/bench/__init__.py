"""A test bench: servers of its own, a gateway as its user runs it, a network that misbehaves, and what must come out.

Knows the wire, the local servers and the `cityvitals` command; must not know engine, ingest or console from inside, so
that it can find them wrong.
"""

from simulators.bench.errors import BenchError
from simulators.bench.pipeline import BRISK, Pipeline
from simulators.bench.proxy import Proxy
from simulators.bench.servers import fresh_broker, fresh_database
from simulators.bench.waiting import wait_until

__all__ = [
    "BRISK",
    "BenchError",
    "Pipeline",
    "Proxy",
    "fresh_broker",
    "fresh_database",
    "wait_until",
]
