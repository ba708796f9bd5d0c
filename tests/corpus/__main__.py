"""`python -m tests.corpus`: prints the coverage and exits 1 where a message is not read as its source says."""

from __future__ import annotations

import argparse
import sys

from tests.corpus.run import run
from tests.corpus.table import PAGE, details, table, written


def main() -> int:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpus", description=__doc__)
    parser.add_argument("--docs", action="store_true", help="write the table into docs/devices.md")
    parser.add_argument(
        "--details", action="store_true", help="also what differs, what gives no reading, what has no field"
    )
    given = parser.parse_args()
    found = run()
    sys.stdout.write(table(found))
    if given.details:
        sys.stdout.write("\n" + "\n".join(details(found)) + "\n")
    if given.docs:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    faults = [f"{one.name}: {fault}" for one in found for fault in one.faults]
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
