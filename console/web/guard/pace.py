"""How often one may ask, and how often in vain: what is answered to whoever does it too often.

Knows limits and problems; knows neither tokens nor paths.
"""

from __future__ import annotations

from collections.abc import Callable

from console.settings import AccessSettings
from console.web.guard.buckets import Buckets, Rate
from console.web.problems import ProblemError

FAILURES = Rate(per_s=0.2, burst=10)
"""Attempts of one address with a token that does not count, and of one client at changes that it may not make."""


class Pace:
    """Buckets of requests by client and of failures by address."""

    def __init__(self, settings: AccessSettings, clock_s: Callable[[], float]) -> None:
        """Begin with full buckets.

        Args:
            settings: how often each client may ask, and how many are remembered.
            clock_s: seconds that only rise.
        """
        self.requests = Buckets(Rate(settings.requests_per_s, settings.requests_burst), settings.clients_max)
        self.failures = Buckets(FAILURES, settings.clients_max)
        self._clock_s = clock_s

    def take(self, client: str) -> None:
        """Count a request of a client.

        Raises:
            ProblemError: it asks too often.
        """
        wait_s = self.requests.wait_s(client, self._clock_s())
        if wait_s:
            raise _too_many(wait_s)

    def attempt(self, client: str) -> None:
        """Count an attempt of somebody known at a change that it may not make: each is noted, so they are few.

        Raises:
            ProblemError: it tries too often.
        """
        wait_s = self.failures.wait_s(client, self._clock_s())
        if wait_s:
            raise _too_many(wait_s)

    def refusal(self, address: str, reason: str) -> ProblemError:
        """Count an attempt in vain, and return what to raise: 401, or 429 after too many."""
        wait_s = self.failures.wait_s(address, self._clock_s())
        if wait_s:
            return _too_many(wait_s)
        return ProblemError(401, "sign-in-needed", reason, headers={"WWW-Authenticate": 'Bearer realm="cityvitals"'})


def _too_many(wait_s: float) -> ProblemError:
    seconds = str(max(1, -int(-wait_s // 1)))
    return ProblemError(429, "too-many", f"ask again in {seconds} s", headers={"Retry-After": seconds})
