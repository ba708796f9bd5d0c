"""Every promise of `docs/guarantees.md` names a test, and that test exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "guarantees.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)


def test_every_promise_names_a_test() -> None:
    promises = [line for line in TEXT.splitlines() if line.startswith("| ") and line.endswith(" |")]
    promised = [line for line in promises if "| shown by" not in line and "| command" not in line]
    bare = [line for line in promised if "::" not in line and not re.match(r"\| `(cityvitals|make) ", line)]
    assert bare == []
    assert len(NAMED) >= 20


def test_every_test_that_is_named_exists() -> None:
    missing = []
    for file, name in NAMED:
        path = ROOT / file
        found = (
            {n.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)}
            if path.is_file()
            else set()
        )
        if name not in found:
            missing.append(f"{file}::{name}")
    assert missing == []


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make (\w+)`", TEXT)) - targets == set()
