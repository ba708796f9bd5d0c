"""The console's page in a real Chromium: until it paints, until a new value stands on the wall, until a year is drawn.

What a page shows is timed inside the page, by its observers and the browser's own marks; the machine's clock joins that
with the publisher. Chromium draws on the same cores as all that it waits for.
"""

from __future__ import annotations

import json
import math
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg
from playwright.sync_api import Browser, Page, sync_playwright

from deploy import browser_executable
from devices import load_registry, rfc3339
from engine.store import Store
from engine.store.binary import Timestamp, register
from ingest import packets
from tests.benchmarks import cities, publisher
from tests.benchmarks.bed import Bed, wait
from tests.benchmarks.table import Row, quantile
from tests.benchmarks.web import END_US, MINUTES, YEAR_US
from tests.browser.views import WAIT_MS_MAX, show
from tests.system.pipeline import DEMO

WIDTH, HEIGHT = 1920, 1080
OPENED = 9
PROBES = 60
PROBED = "laeq|hour|zone:all"
"""The tile that is watched; one device makes it, so every reading moves it."""
LEVEL_DB, STEP_DB = 30.0, 1.0
"""Each reading is louder than the one before: so every mean is, and each has a text of its own."""
PAUSE_S = (0.2, 0.9)
"""Between the last value's arrival and the next one's publication: at no fixed place in anybody's rhythm."""

MODEL, FIELD, TICKS = "air_station", "pm2_5", 1000
LOW_TICKS, HIGH_TICKS = -5_000, 90_000
"""One minute of the year has both: a column that thins it out must not lose them."""
SPIKE = """
UPDATE bucket_minute SET count = 2, low = %(lowest)s, high = %(highest)s
WHERE series_id = %(series)s AND start = %(low)s::timestamptz + interval '123 days 4 hours 5 minutes'
"""

PAINTED = """() => new Promise((done) => {
    const told = () => {
        const paint = performance.getEntriesByName('first-contentful-paint')[0];
        const tile = document.querySelector('[data-testid=tile]');
        if (paint && tile) done([paint.startTime, performance.now()]);
        else requestAnimationFrame(told);
    };
    told();
})"""
"""When the page painted first, and when a figure stood on the wall."""
WATCHED = """(key) => {
    const value = document.querySelector(`[data-key="${key}"] [data-testid=tile-value]`);
    window.seen = [];
    new MutationObserver(() => requestAnimationFrame(() => window.seen.push([value.textContent, Date.now()]))).observe(
        value, {childList: true, characterData: true, subtree: true});
}"""
SEEN = "(text) => (window.seen.find(([shown]) => shown === text) ?? [null, null])[1]"
"""When the wall first showed a text; null as long as it did not."""
DRAWN = """() => new Promise((done) => {
    const told = () => {
        const answer = performance.getEntriesByType('resource').filter((one) => one.name.includes('/windows?')).at(-1);
        const chart = document.querySelector('[data-testid=chart] .u-over');
        if (!answer || !answer.responseEnd || !chart) { requestAnimationFrame(told); return; }
        const drawn = performance.now();
        done([answer.responseStart - answer.startTime, drawn - answer.responseEnd, chart.clientWidth, answer.name]);
    };
    told();
})"""
"""How long the server took, how long after its answer the chart stood there, the width of its lines, what was asked."""


def rows(bed: Bed, *, quick: bool) -> list[Row]:
    """Measure the first paint, the wall and a drawn year."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_executable(bed.folder))
        try:
            return [*_paint(bed, browser, quick), *_wall(bed, browser, quick), *_year(bed, browser, quick)]
        finally:
            browser.close()


@contextmanager
def _page(browser: Browser) -> Iterator[Page]:
    """A page of somebody who was never here: nothing is kept from another one."""
    with browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}) as context:
        context.set_default_timeout(WAIT_MS_MAX)
        yield context.new_page()


def _paint(bed: Bed, browser: Browser, quick: bool) -> list[Row]:
    """Open the wall of the demo city again and again."""
    paint_s, figures_s = [], []
    with bed.gateway_of(DEMO) as running, bed.console(running.city, running.database_url) as (url, _):
        subprocess.run(
            [
                sys.executable, "-m", "simulators", "replay", str(DEMO), "--broker", running.broker_url,
                "--last", "6h" if quick else "48h", "--shift-to-now", "--speed", "max",
            ],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait(running.reader.settled, "the demo is computed")
        for _ in range(3 if quick else OPENED):
            with _page(browser) as page:
                page.goto(url)
                first_ms, figure_ms = page.evaluate(PAINTED)
                paint_s.append(first_ms / 1000)
                figures_s.append(figure_ms / 1000)
    note = f"the demo city's wall in a fresh context; median of {len(paint_s)}, the slowest {max(paint_s):.2f} s"
    return [
        Row("page: first paint", statistics.median(paint_s), "s", required=1.0, below=True, note=note),
        Row("page: first figures on the wall", statistics.median(figures_s), "s", note=note),
    ]


def _wall(bed: Bed, browser: Browser, quick: bool) -> list[Row]:
    """Publish single readings and look at the clock whenever the wall shows one."""
    with (
        bed.gateway(1, 60) as running,
        bed.console(running.city, running.database_url) as (url, _),
        _page(browser) as page,
    ):
        sender = _Sender(bed)
        sender.publish()
        show(page, url, "wall")
        page.locator(f'[data-key="{PROBED}"]').wait_for()
        page.evaluate(WATCHED, PROBED)
        ages_s = [_probe(page, sender) for _ in range(6 if quick else PROBES)]
    note = f"{len(ages_s)} single readings, from before the publishing until the frame with the new value"
    return [
        Row("published to the wall, median", quantile(ages_s, 0.5), "s", note=note),
        Row("published to the wall, p99", quantile(ages_s, 0.99), "s", required=2.0, below=True, note=note),
    ]


class _Sender:
    """Publishes one reading at a time, each louder than all before it."""

    def __init__(self, bed: Bed) -> None:
        self._plan = bed.plan(devices=1, messages=1)
        self._connection = publisher.connect(self._plan)
        self._connection.setblocking(True)
        self._levels_db: list[float] = []

    @property
    def mean_db(self) -> float:
        """The energy mean of all that was sent: what the wall has to show."""
        return 10 * math.log10(statistics.fmean(10 ** (level / 10) for level in self._levels_db))

    def publish(self) -> float:
        """Send a reading of this moment; returns the time before it was sent."""
        now_s = time.time()
        self._levels_db.append(LEVEL_DB + len(self._levels_db) * STEP_DB)
        records = f'[{{"n":"sound_level","u":"dB","v":{self._levels_db[-1]:.1f},"t":{now_s:.6f}}}]'
        topic = packets.text(f"cityvitals/{self._plan.city}/dev000000/telemetry")
        body = topic + len(self._levels_db).to_bytes(2, "big") + records.encode()
        self._connection.sendall(packets.packet(publisher.PUBLISH_QOS_1, body))
        self._connection.recv(1 << 16)
        return now_s


def _probe(page: Page, sender: _Sender) -> float:
    """Return how long a reading took to the wall."""
    time.sleep(random.uniform(*PAUSE_S))  # noqa: S311  (no secret)
    published_s = sender.publish()
    due = f"{sender.mean_db:.1f}"
    wait(lambda: page.evaluate(SEEN, due) is not None, f"{due} stands on the wall")
    return float(page.evaluate(SEEN, due)) / 1000 - published_s


@dataclass(frozen=True, slots=True)
class _Drawing:
    """One drawn year: seconds of the server and of the page, pixels, columns that came, and their extremes."""

    server_s: float
    page_s: float
    width_px: int
    columns: int
    low: float
    high: float


def _year(bed: Bed, browser: Browser, quick: bool) -> list[Row]:
    """Draw a year of minutes of one series again and again."""
    city = cities.write(bed.folder / "page", 1, 60, MODEL)
    url = bed.database()
    with Store.connect(url) as store:
        series = int(store.register(load_registry(city)).series_id[0])
    minutes = _fill(url, series)
    with bed.console(city, url) as (address, _):
        drawn = [_draw(browser, address) for _ in range(3 if quick else OPENED)]
    one = drawn[0]
    if (one.low, one.high) != (LOW_TICKS / TICKS, HIGH_TICKS / TICKS):
        raise AssertionError(f"the year's extremes are not among the columns: {one.low} and {one.high}")
    page_s, server_s = (
        statistics.median(one.page_s for one in drawn),
        statistics.median(one.server_s for one in drawn),
    )
    note = f"lines {one.width_px} pixels wide; median of {len(drawn)}; the server answered after {server_s:.2f} s"
    return [
        Row(f"page: {minutes:,} minutes drawn after arrival", page_s, "s", required=1.0, below=True, note=note),
        Row(
            "page: columns sent for them", one.columns, "columns", required=one.width_px, below=True,
            note="each with its least and its most; those of the whole year are among them",
        ),
    ]  # fmt: skip


def _draw(browser: Browser, address: str) -> _Drawing:
    span = f"&from={quote(rfc3339(END_US - YEAR_US))}&to={quote(rfc3339(END_US))}"
    with _page(browser) as page:
        page.goto(f"{address}/#/explore?s=dev000000/{FIELD}{span}&grid=raw")
        server_ms, page_ms, width_px, asked = page.evaluate(DRAWN)
        found: dict[str, Any] = json.loads(page.request.get(asked).body())
    low, high = (min(filter(None.__ne__, found["low"])), max(filter(None.__ne__, found["high"])))
    return _Drawing(server_ms / 1000, page_ms / 1000, width_px, len(found["t"]), low, high)


def _fill(url: str, series: int) -> int:
    """Store a year of minutes; returns how many."""
    options = "-c search_path=cityvitals,public -c timezone=UTC -c synchronous_commit=off"
    with psycopg.connect(url, autocommit=True, options=options) as connection:
        register(connection)
        span = {"series": series, "low": Timestamp(END_US - YEAR_US), "high": Timestamp(END_US)}
        count = connection.execute(MINUTES, span).rowcount
        connection.execute(SPIKE, {**span, "lowest": LOW_TICKS, "highest": HIGH_TICKS})
        connection.execute("UPDATE series SET seen = true")
        connection.execute("VACUUM ANALYZE bucket_minute")
    return count
