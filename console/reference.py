"""Settings and metrics as tables for people: `python -m console.reference` writes them into `docs/operators.md`.

Knows the tree, the list of metrics and Markdown; a test keeps the document and the program together.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from console.metrics import DEFINITIONS, RESULTS
from console.settings import PREFIX, SECRETS, Settings
from console.settings_reader import Leaf, attributes_of, leaves, plain_type
from console.text import span
from devices import rfc3339

_BEGIN, _END = "<!-- {}: written by python -m console.reference -->", "<!-- end of {} -->"
_YEAR_1980_US = 315_532_800_000_000
_TYPES = {str: "text", int: "whole number", float: "number", bool: "true/false", Path: "path"}


def settings_tables() -> str:
    """Return one Markdown table per section, in the order of the tree."""
    explained = attributes_of(Settings)
    out: list[str] = []
    section = None
    for leaf in leaves(Settings, SECRETS):
        name, _, key = leaf.key.rpartition(".")
        if name != section:
            section = name
            out += ["", f"### `[{name}]`: {explained[name].rstrip('.')}" if name else "### Outside any section", ""]
            out += ["| key | default | meaning |", "|---|---|---|"]
        out.append(f"| `{key}` | {_default(leaf)} | {_cell(leaf.help)}{_secret(leaf)} |")
    return "\n".join(out).strip() + "\n"


def _default(leaf: Leaf) -> str:
    kind: Any = plain_type(leaf.type)
    if leaf.default is None:
        return f"none ({_TYPES[kind]})"
    if kind is int and re.search(r"_us(_|$)", leaf.key):
        # A number so large is a time, not a span.
        return f"`{rfc3339(leaf.default)[:10] if leaf.default > _YEAR_1980_US else span(leaf.default)}`"
    if kind is bool:
        return f"`{str(leaf.default).lower()}`"
    return f"`{leaf.default}`"


def _cell(text: str) -> str:
    text = text.replace("|", "\\|")
    return text[:1].upper() + text[1:]


def _secret(leaf: Leaf) -> str:
    return f" May come as `{PREFIX}{leaf.variable}_FILE`." if leaf.secret else ""


def metrics_table() -> str:
    """Return one Markdown table of every metric."""
    rows = [(one.name, one.kind, one.label, one.help) for one in DEFINITIONS]
    rows += [(name, kind, "", text) for name, kind, _, text in RESULTS]
    out = ["| metric | kind | meaning |", "|---|---|---|"]
    out += [f"| `{name}{{{label}}}` | {kind} | {_cell(text)} |" for name, kind, label, text in rows]
    return "\n".join(out).replace("{}`", "`") + "\n"


def inserted(document: str) -> str:
    """Return the document with each table between its two marks.

    Raises:
        ValueError: a mark is missing.
    """
    for name, table in (("settings", settings_tables()), ("metrics", metrics_table())):
        begin, end = _BEGIN.format(name), _END.format(name)
        head, found, rest = document.partition(begin)
        _, ended, tail = rest.partition(end)
        if not found or not ended:
            raise ValueError(f"expected the marks {begin} and {end}")
        document = f"{head}{begin}\n\n{table}\n{end}{tail}"
    return document


def main() -> None:
    """Write the tables into the document: the one named, else the guide."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/operators.md")
    path.write_text(inserted(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
