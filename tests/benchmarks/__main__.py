"""`python -m tests.benchmarks`: measure this machine and print one table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import deploy
from tests.benchmarks import (
    archive,
    flat,
    keeper,
    kernel,
    latency,
    live,
    memory,
    page,
    storing,
    throughput,
    upkeep,
    web,
    yearly,
)
from tests.benchmarks.bed import Bed
from tests.benchmarks.table import Row, show

OF_BED = {"storing": storing.rows, "throughput": throughput.rows, "latency": latency.rows, "memory": memory.rows,
          "upkeep": upkeep.rows, "keeper": keeper.rows, "live": live.rows, "web": web.rows,
          "page": page.rows, "yearly": yearly.rows}  # fmt: skip
APART = {"flat": flat.rows}
"""Takes long, so it is measured only when asked for by name."""
NAMES = ("kernel", "archive", *OF_BED, *APART)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", choices=NAMES, action="append", help="measure only this; may be given several times")
    parser.add_argument("--quick", action="store_true", help="smaller and once: to see that it works, not for figures")
    parser.add_argument("--json", action="store_true", help="one JSON object per row")
    given = parser.parse_args()
    wanted = given.only or [name for name in NAMES if name not in APART]
    rows: list[Row] = []
    for name, alone in (("kernel", kernel.rows), ("archive", archive.rows)):
        if name in wanted:
            _say(name)
            rows += alone(quick=given.quick)
    chosen: list[tuple[str, Callable[..., list[Row]]]] = [(n, m) for n, m in (OF_BED | APART).items() if n in wanted]
    if chosen:
        with TemporaryDirectory(prefix="cityvitals-bench-") as folder:
            (Path(folder) / "stack").mkdir()
            with deploy.temporary(Path(folder) / "stack") as stack:
                for name, measure in chosen:
                    _say(name)
                    rows += measure(Bed(stack, Path(folder)), quick=given.quick)
    show(rows, as_json=given.json)


def _say(name: str) -> None:
    sys.stderr.write(f"measuring {name} ...\n")


if __name__ == "__main__":
    main()
