"""Messages and observations a second through the whole pipeline, beside a subscriber that only drains the broker."""

from __future__ import annotations

import statistics
import subprocess
import sys

from tests.benchmarks import cities
from tests.benchmarks.bed import Bed, Running, publish, published, wait
from tests.benchmarks.table import Row

DEVICES = 2_000


def rows(bed: Bed, *, quick: bool) -> list[Row]:
    """Measure single readings and packs of 20."""
    runs = 1 if quick else 3
    single = 20_000 if quick else 200_000
    packs = 5_000 if quick else 50_000
    found = []
    for pack, messages, required in ((1, single, 25_000.0), (20, packs, 100_000.0)):
        limit = statistics.median(_sink(bed, messages, pack) for _ in range(runs)) * pack
        measured = [_gateway(bed, messages, pack) for _ in range(runs)]
        rate = statistics.median(m[0] for m in measured) * pack
        what = "single readings" if pack == 1 else f"packs of {pack}"
        unit = "messages/s" if pack == 1 else "observations/s"
        note = f"{messages:,} messages, QoS 1, {DEVICES:,} devices; to stored and acknowledged; median of {runs}"
        found.append(Row(f"gateway, {what}", rate, unit, limit, "drained only", required, note=note))
        if pack == 1:
            cpu = statistics.median(m[1] for m in measured) / messages * 1e6
            found.append(Row("gateway, processor time a message", cpu, "µs", note="decode, store, windows, indicators"))
    return found


def _sink(bed: Bed, messages: int, pack: int) -> float:
    """Return messages a second that a draining subscriber gets."""
    city = cities.write(bed.folder / f"sink-{pack}-{len(list(bed.folder.iterdir()))}", DEVICES, 1)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.sink", bed.stack.broker.url, str(city), str(messages)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    published(publish(bed.plan(devices=DEVICES, messages=messages, pack=pack)))
    return messages / float(process.communicate(timeout=300)[0])


def _gateway(bed: Bed, messages: int, pack: int) -> tuple[float, float]:
    with bed.gateway(DEVICES, 1) as running:
        return taken(bed, running, messages, pack)


def taken(bed: Bed, running: Running, messages: int, pack: int) -> tuple[float, float]:
    """Return messages a second from the first commit's begin to the last commit, and processor seconds."""
    before_s = running.cpu_s()
    published(publish(bed.plan(devices=DEVICES, messages=messages, pack=pack)))
    wait(lambda: running.reader.received() >= messages * pack, "everything is stored")
    first, last, accepted = running.reader.row(
        "SELECT extract(epoch FROM min(committed_at))::float8, extract(epoch FROM max(committed_at))::float8,"
        " sum(accepted) FROM cityvitals.ledger"
    )
    wait(running.reader.settled, "everything is computed")
    if accepted != messages * pack:
        raise RuntimeError(f"{accepted} observations stored of {messages * pack}")
    # The first commit's messages were under way before it: its share of time is that of an average commit.
    commits = running.reader.row("SELECT count(*) FROM cityvitals.ledger")[0]
    seconds = (last - first) * commits / max(commits - 1, 1)
    return messages / seconds, running.cpu_s() - before_s
