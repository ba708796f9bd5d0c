"""Two tables compared line by line equal two tables compared as wholes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.compare import differences, key_of
from engine.store import Difference, TableForm

FORM = TableForm(("device", "time_us", "ticks"), 2, 1)
ROWS = st.dictionaries(
    st.tuples(st.sampled_from(["a", "B", "b2", "b10"]), st.integers(-12, 12)), st.integers(0, 2), max_size=30
)
Rows = dict[tuple[str, int], int]


def table(rows: Rows) -> list[bytes]:
    return [f"{device}\t{at}\t{ticks}\n".encode() for (device, at), ticks in sorted(rows.items())]


def slow(found: Rows, wanted: Rows) -> list[Difference]:
    """As `differences`, with both tables in memory."""
    told = []
    for key in sorted({*found, *wanted}):
        shown = ["\t".join(map(str, (*key, rows[key]))) if key in rows else "" for rows in (found, wanted)]
        kind = "missing" if not shown[0] else "extra" if not shown[1] else "differs"
        if shown[0] != shown[1]:
            told.append(Difference(kind, *shown))  # type: ignore[arg-type]
    return told


@given(found=ROWS, wanted=ROWS)
def test_what_is_missing_extra_or_different_is_told_in_order(found: Rows, wanted: Rows) -> None:
    assert list(differences(FORM, table(found), table(wanted))) == slow(found, wanted)


@given(rows=ROWS)
def test_equal_tables_have_no_difference(rows: Rows) -> None:
    assert list(differences(FORM, table(rows), table(rows))) == []


@pytest.mark.parametrize("line", [b"a\t1\n", b"a\tnoon\t1\n"])
def test_a_line_of_another_form_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        key_of(FORM, line)
