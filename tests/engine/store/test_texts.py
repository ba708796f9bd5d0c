"""Whatever devices and brokers write, the quarantine takes it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.store import QuarantineRow, Registered, Store
from engine.store.texts import fit_text
from tests.engine.store.town import T0, append
from tests.examples import examples

ANY_TEXT = st.one_of(
    st.text(),
    st.text(st.characters(categories=["Cs", "Cc", "Cf", "Lo"])),
    st.binary(max_size=64),
    st.sampled_from(["\0", "a\0b", "\ud800", b"\xff\xfe\0", "é" * 999, b"\xc3\xa9" * 2000, "\N{ZERO WIDTH JOINER}"]),
)


@given(text=ANY_TEXT, chars_max=st.integers(1, 40))
def test_any_text_becomes_printable_valid_and_short(text: str | bytes, chars_max: int) -> None:
    fitted = fit_text(text, chars_max)
    assert len(fitted) <= chars_max
    assert fitted.isprintable()
    assert fitted.encode("utf-8").decode("utf-8") == fitted
    assert "\0" not in fitted


@pytest.mark.parametrize(
    ("text", "chars_max", "expected"),
    [
        ("a/b", 9, "a/b"),
        ("대기질", 3, "대기질"),
        ("대기질", 2, "대…"),
        (b"caf\xc3\xa9", 9, "café"),
        (b"caf\xe9", 9, "caf\\xe9"),
        ("a\0b\n", 12, "a\\x00b\\n"),
        ("\ud800!", 9, "\\ud800!"),
        ("abcdef", 4, "abc…"),
        (b"abcdef", 4, "abc…"),
        ("\n\n\n", 5, "\\n\\n…"),
    ],
)
def test_text_keeps_what_can_be_read(text: str | bytes, chars_max: int, expected: str) -> None:
    assert fit_text(text, chars_max) == expected


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT, st.binary(max_size=64)), min_size=1, max_size=8))
def test_the_quarantine_takes_any_text_and_any_bytes(
    store: Store, registered: Registered, rows: list[tuple[str | bytes, str | bytes, str | bytes, bytes]]
) -> None:
    refused = [
        QuarantineRow(T0, "malformed", topic, device, detail, 1, payload)  # type: ignore[arg-type]
        for topic, device, detail, payload in rows
    ]
    done = store.append(append([], [], [], refused=refused))
    entries = [e for e in store.quarantine_rows(limit=len(rows)) if e.commit_id == done.commit_id][::-1]
    assert [entry.payload for entry in entries] == [row[3] for row in rows]
    assert [entry.topic for entry in entries] == [fit_text(row[0], 1000) for row in rows]
