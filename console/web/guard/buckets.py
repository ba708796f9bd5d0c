"""Token buckets: how often each client may ask, for a bounded number of clients.

Knows names and times that it is told; asks no clock.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something may be done.

    Attributes:
        per_s: in the long run.
        burst: at once, after a rest.
    """

    per_s: float
    burst: float


class Buckets:
    """One bucket per client. The one that asked longest ago is forgotten first, which is to its good."""

    def __init__(self, rate: Rate, clients_max: int) -> None:
        """Begin with full buckets.

        Args:
            rate: of each client.
            clients_max: clients remembered.
        """
        self.rate = rate
        self._clients_max = clients_max
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.refused = 0

    def __len__(self) -> int:
        return len(self._buckets)

    def wait_s(self, client: str, now_s: float, cost: float = 1.0) -> float:
        """Take from a client's bucket and return 0; or take nothing and return after how many seconds it is enough."""
        level = self._level(client, now_s)
        if level < cost:
            self._keep(client, level, now_s)
            self.refused += 1
            return (cost - level) / self.rate.per_s
        self._keep(client, level - cost, now_s)
        return 0.0

    def _level(self, client: str, now_s: float) -> float:
        level, then_s = self._buckets.get(client, (self.rate.burst, now_s))
        return min(self.rate.burst, level + max(0.0, now_s - then_s) * self.rate.per_s)

    def _keep(self, client: str, level: float, now_s: float) -> None:
        self._buckets[client] = (level, now_s)
        self._buckets.move_to_end(client)
        if len(self._buckets) > self._clients_max:
            self._buckets.popitem(last=False)
