"""The coverage of the corpus as people read it: a table by format, and what stands behind it.

Knows results and text; decodes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.corpus.run import Found, listed

PAGE: Final = Path(__file__).parents[2] / "docs" / "devices.md"
BEGIN, END = "<!-- corpus -->\n", "<!-- /corpus -->"
HEAD: Final = (
    "| format | messages | of them ours | with documented values | equal | without a reading | values compared"
    " | without a field | models |\n|---|---|---|---|---|---|---|---|---|\n"
)


def table(found: Sequence[Found]) -> str:
    """Return the coverage by format, in Markdown, with a line of sums."""
    formats = dict.fromkeys(one.format for one in found)
    rows = [_row(f"`{name}`", [one for one in found if one.format == name]) for name in formats]
    return HEAD + "".join(rows) + _row("all", found)


def _row(name: str, found: Sequence[Found]) -> str:
    documented = [one for one in found if one.documented]
    equal = [one for one in documented if not (one.differences or one.silent)]
    models = {one.model for one in found if one.model}
    without = sum(len(one.without) for one in found)
    ours, silent = sum(one.ours for one in found), sum(bool(one.silent) for one in found)
    compared = sum(one.compared for one in found)
    numbers = (len(found), ours, len(documented), len(equal), silent, compared, without, len(models))
    return f"| {name} | " + " | ".join(map(str, numbers)) + " |\n"


def details(found: Sequence[Found]) -> Iterator[str]:
    """Give what the table adds up: what differs and why, what gives no reading, what no field has."""
    yield "Values that the source states otherwise:"
    for entry in listed()["differs"]:
        yield f"  {entry['message']} {entry['quantity']}: {entry['why']}"
    yield "Values of which the source shows fewer digits, equal as far as they go:"
    for entry in listed()["shown"]:
        yield f"  {entry['message']} {entry['quantity']}: {entry['why']}"
    yield "Messages that are understood and give no reading:"
    yield from (f"  {one.name}: {one.silent}" for one in found if one.silent)
    yield "Messages without documented values, which give plausible ones:"
    yield from (f"  {one.name}: {', '.join(one.undocumented)}" for one in found if one.undocumented)
    yield "Vectors of our own instead of messages that may not be copied:"
    yield from (f"  {one.name}: {one.model}" for one in found if one.ours)
    for kind in listed()["without"]:
        names = Counter(f"{one.model}: {what}" for one in found for what, why in one.without if why == kind["kind"])
        yield f"Without a field, {kind['kind']} ({names.total()}): {kind['why']}"
        yield from (f"  {name}" for name in sorted(names))


def written(page: str, found: Sequence[Found]) -> str:
    """Return the page with the table of today between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table(found) + END + after
