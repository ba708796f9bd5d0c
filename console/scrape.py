"""What a gateway's metrics page says, read over HTTP.

Knows the page's form and its address; knows no metric by name but those of the lag.
"""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

SCRAPE_S_MAX = 2.0
KEPT_S = 1.0
"""However many ask, the page is read no more often than this."""


def scraped(url: str) -> dict[str, float]:
    """Return the values of the metrics without labels; empty where the page does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=SCRAPE_S_MAX) as answer:  # noqa: S310  (the gateway's own page)
            text = answer.read().decode()
    except (urllib.error.URLError, OSError):
        return {}
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.labels
    }


class Gateway:
    """A gateway as its metrics page shows it. For any number of threads.

    Args:
        metrics_url: None where no gateway is known; then nothing is known of it.
    """

    def __init__(self, metrics_url: str | None) -> None:
        self._metrics_url = metrics_url
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._values: Mapping[str, float] = {}
        self._commits = (0.0, 0.0)
        self.commit_s: float | None = None
        """What a commit took between the last two looks at the page that saw another number of them."""

    @property
    def known(self) -> bool:
        """Whether there is an address to ask."""
        return self._metrics_url is not None

    def values(self) -> Mapping[str, float]:
        """Return the metrics without labels, at most KEPT_S old; empty where the gateway is away."""
        if self._metrics_url is None:
            return {}
        with self._lock:
            if time.monotonic() - self._read_at > KEPT_S:
                self._values = scraped(self._metrics_url)
                self._note_commits()
                self._read_at = time.monotonic()
            return self._values

    def watermark_us(self, now_us: int) -> int | None:
        """Return the gateway's watermark, up to which all but late readings are there; None where it is away."""
        lag_s = self.values().get("cityvitals_watermark_lag_seconds")
        return None if lag_s is None else now_us - round(lag_s * 1_000_000)

    def _note_commits(self) -> None:
        count = self._values.get("cityvitals_commit_seconds_count", 0.0)
        total = self._values.get("cityvitals_commit_seconds_sum", 0.0)
        if count > self._commits[0]:
            self.commit_s = (total - self._commits[1]) / (count - self._commits[0])
        self._commits = (count, total)
