"""Write the table of `docs/indicators.md` again from the catalogue: python -m tests.engine.indicators.write_table."""

from __future__ import annotations

from pathlib import Path

from engine.indicators import INDICATORS, table

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "indicators.md"
BEGIN = "<!-- the table: engine.indicators.table -->\n"
END = "<!-- end of the table -->"


def shown(text: str) -> str:
    """Return the table that a document holds."""
    return text.partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    DOCUMENT.write_text(before + BEGIN + table(INDICATORS) + END + rest.partition(END)[2], encoding="utf-8")
