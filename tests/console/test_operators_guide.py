"""The operators' guide says what the program does."""

from __future__ import annotations

from pathlib import Path

from console.reference import inserted

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "operators.md"


def test_settings_and_metrics_in_the_guide_are_those_of_the_program() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert inserted(text) == text, "run python -m console.reference"
