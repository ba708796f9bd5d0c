"""The rules of the house that no other tool keeps: reading the sources themselves."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("devices", "engine", "ingest", "assessment", "console", "simulators", "deploy")
LINES_MAX = 600
FUNCTION_LINES_MAX = 80

# Written in halves, so that this file does not find itself.
FOREIGN = re.compile(
    "|".join(
        [
            "debian" + r"\.org",
            "pypi" + r"\.org",
            "python" + "hosted",
            "registry" + r"\.npmjs",
            r"(?<![\w.*])/" + r"root/",
            r"(?<![\w.])/" + r"home/\w",
            r"(?<![\w.])/" + r"work/",
        ]
    )
)
CLOCKS = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}
# The loop, the store and the watcher of time own I/O; everything else in these rooms is told the time.
RIM = ("engine/worker.py", "engine/store/")


def tracked(*patterns: str) -> list[Path]:
    """Return the files of the project: what git tracks, and what it would."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return sorted({ROOT / name for name in names if (ROOT / name).is_file()})


def sources() -> list[Path]:
    return [p for p in tracked("*.py") if p.relative_to(ROOT).parts[0] in (*ROOMS, "tests")]


def test_no_file_names_a_package_host_or_a_path_of_one_machine() -> None:
    found = []
    for path in tracked():
        if path.suffix in {".gz", ".png", ".otf", ".webp", ".parquet", ".csv"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if FOREIGN.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []


def test_no_file_holds_the_marks_of_a_merge() -> None:
    # Written so that this file does not find itself.
    mark = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
    kinds = {".md", ".py", ".toml", ".css", ".js", ".html", ".sql", ".csv"}
    texts = [path for path in tracked() if path.suffix in kinds]
    assert [str(path.relative_to(ROOT)) for path in texts if mark.search(path.read_text(encoding="utf-8"))] == []


def test_the_lock_pins_every_dependency_with_hashes_and_names_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    pins = re.findall(r"^([a-z0-9._-]+(?:\[[a-z,]+\])?)==\S+ \\\n\s+--hash=sha256:[0-9a-f]{64}", lock, re.MULTILINE)
    names = re.findall(r"^([a-z0-9._-]+(?:\[[a-z,]+\])?)==", lock, re.MULTILINE)
    assert len(names) > 20
    assert pins == names


def test_the_core_neither_prints_nor_asks_the_clock() -> None:
    found = []
    for path in sources():
        name = str(path.relative_to(ROOT))
        if not name.startswith(("devices/", "engine/")) or name.startswith(RIM):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            if isinstance(called, ast.Name) and called.id == "print":
                found.append(f"{name}:{node.lineno}: print")
            if (
                isinstance(called, ast.Attribute)
                and isinstance(called.value, ast.Name)
                and (called.value.id, called.attr) in CLOCKS
            ):
                found.append(f"{name}:{node.lineno}: {called.value.id}.{called.attr}")
    assert found == []


def test_every_module_says_what_it_is_for_within_its_size() -> None:
    found = []
    for path in sources():
        text = path.read_text()
        tree = ast.parse(text)
        name = path.relative_to(ROOT)
        if text.strip() and not ast.get_docstring(tree):
            found.append(f"{name}: no docstring")
        if text.count("\n") > LINES_MAX:
            found.append(f"{name}: {text.count(chr(10))} lines, {LINES_MAX} at most")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    found.append(f"{name}:{node.lineno}: {node.name} has {length} lines, {FUNCTION_LINES_MAX} at most")
    assert found == []


def test_links_between_documents_resolve() -> None:
    broken = []
    for path in tracked("*.md"):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text()):
            if "://" in target or target.startswith("mailto:"):
                continue
            if not (path.parent / target).exists():
                broken.append(f"{path.relative_to(ROOT)} -> {target}")
    assert broken == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_is_typed_for_those_who_import_it(room: str) -> None:
    assert (ROOT / room / "py.typed").is_file()
