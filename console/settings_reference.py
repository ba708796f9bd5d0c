"""The settings as a table for people: `python -m console.settings_reference` writes it into `docs/operators.md`.

Knows the tree and Markdown; a test keeps the document and the tree together.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from console.settings import PREFIX, SECRETS, Settings
from console.settings_reader import Leaf, attributes_of, leaves, plain_type
from console.text import span

BEGIN = "<!-- settings: written by python -m console.settings_reference -->"
END = "<!-- end of settings -->"
_TYPES = {str: "text", int: "whole number", float: "number", bool: "true/false", Path: "path"}


def reference() -> str:
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
    if kind is int and re.search(r"_us$", leaf.key):
        return f"`{span(leaf.default)}`"
    if kind is bool:
        return f"`{str(leaf.default).lower()}`"
    return f"`{leaf.default}`"


def _cell(text: str) -> str:
    text = text.replace("|", "\\|")
    return text[:1].upper() + text[1:]


def _secret(leaf: Leaf) -> str:
    return f" May come as `{PREFIX}{leaf.variable}_FILE`." if leaf.secret else ""


def inserted(document: str) -> str:
    """Return the document with the tables between its two marks.

    Raises:
        ValueError: a mark is missing.
    """
    head, begin, rest = document.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected the marks {BEGIN} and {END}")
    return f"{head}{BEGIN}\n\n{reference()}\n{END}{tail}"


def main() -> None:
    """Write the tables into the document."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/operators.md")
    path.write_text(inserted(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
