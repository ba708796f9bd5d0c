"""Single kernels against their slow twins, at random and at the ends of what int64 holds."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine import kernels
from tests.examples import examples
from tests.oracle import HOUR_US, TWINS

RISE_MAX = 2**62 - 1
WHOLE_MAX = 2**61 - 1


def compiled_and_plain(kernel: Callable[..., object]) -> list[Callable[..., object]]:
    """Return a kernel as compiled, and as Python runs it with the JIT off."""
    return [kernel, kernel.py_func]  # type: ignore[attr-defined]


@st.composite
def parts(draw: st.DrawFn) -> tuple[int, int, int]:
    whole = draw(st.one_of(st.integers(1, WHOLE_MAX), st.integers(1, 20), st.integers(1, 10**14)))
    size = draw(st.one_of(st.integers(0, RISE_MAX), st.integers(0, 10**9), st.integers(0, 20)))
    return draw(st.sampled_from((size, -size))), draw(st.integers(0, whole)), whole


@settings(max_examples=examples(400), deadline=None)
@given(parts())
@example((RISE_MAX, WHOLE_MAX - 1, WHOLE_MAX))
@example((-RISE_MAX, WHOLE_MAX, WHOLE_MAX))
@example((WHOLE_MAX - 1, WHOLE_MAX - 1, WHOLE_MAX))
@example((1, 1, 2))
@example((3, 1, 2))
@example((-1, 1, 2))
@example((-3, 1, 2))
@example((2**61 + 1, 2**59, 2**60))
def test_a_share_is_exact_where_the_product_needs_128_bits(case: tuple[int, int, int]) -> None:
    for share in compiled_and_plain(kernels.share):
        assert share(*case) == TWINS[kernels.share](*case)


@settings(max_examples=examples(200), deadline=None)
@given(parts(), st.integers(0, WHOLE_MAX))
def test_shares_of_neighbouring_windows_add_up_to_the_rise(case: tuple[int, int, int], cut: int) -> None:
    rise, part, whole = case
    edges = sorted({0, part, cut % (whole + 1), whole})
    shares = [kernels.share(rise, b, whole) - kernels.share(rise, a, whole) for a, b in pairwise(edges)]
    assert sum(shares) == rise


ticks = st.one_of(st.integers(-50, 1100), st.integers(0, 92 * 10**12))


@settings(max_examples=examples(400), deadline=None)
@given(
    ticks,
    ticks,
    st.sampled_from((0, 1000, 1001, 10**6, 92 * 10**12)),
    st.one_of(st.sampled_from((0, 1, 2**62)), st.integers(1, 2000)),
    st.one_of(st.integers(1, 40 * HOUR_US), st.integers(1, 4 * 10**15)),
)
def test_a_counter_is_judged_as_by_the_oracle(
    before: int, after: int, modulus: int, rate: int, elapsed_us: int
) -> None:
    case = before, after, modulus, rate, elapsed_us
    for decide in compiled_and_plain(kernels.decide):
        assert decide(*case) == TWINS[kernels.decide](*case)
    for plausible in compiled_and_plain(kernels.plausible):
        assert plausible(after, rate, elapsed_us) == TWINS[kernels.plausible](after, rate, elapsed_us)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.integers(-(2**62), 2**62), min_size=2, max_size=30, unique=True), st.data())
def test_seek_finds_the_stretch_from_any_guess(edges: list[int], data: st.DataObject) -> None:
    edges.sort()
    time_us = data.draw(st.integers(edges[0], edges[-1] - 1))
    guess = data.draw(st.integers(0, len(edges) - 2))
    for seek in compiled_and_plain(kernels.seek):
        assert seek(np.array(edges), time_us, guess) == TWINS[kernels.seek](edges, time_us, guess)


def test_with_the_jit_off_the_windows_are_the_same() -> None:
    """The whole of the windows runs as plain Python, warnings as errors: no kernel relies on wrapping integers."""
    code = "import sys, engine; from tests.engine.scenario import figures; engine.warm(); sys.stdout.write(figures())"
    outputs = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env={**os.environ, "NUMBA_DISABLE_JIT": off}, capture_output=True, text=True, check=True, timeout=240,
        ).stdout
        for off in ("0", "1")
    ]  # fmt: skip
    assert len(outputs[0]) > 1000
    assert outputs[0] == outputs[1]


def callers() -> list[Path]:
    files = sorted(Path(kernels.__file__).parent.glob("[a-z]*.py"))
    return [file for file in files if "from engine.kernels." in file.read_text()]


@pytest.mark.parametrize("file", callers(), ids=lambda path: path.name)
def test_a_change_of_a_kernel_reaches_the_compiled_code_of_its_callers(file: Path) -> None:
    """numba looks at a kernel's own file only, so a file names the digest of those it calls."""
    source = file.read_text()
    called = sorted(set(re.findall(r"^from engine\.kernels\.(\w+) import", source, re.MULTILINE)))
    content = b"".join((file.parent / f"{name}.py").read_bytes() for name in called)
    wanted = f'CALLED = "{hashlib.sha256(content).hexdigest()[:16]}"'
    assert wanted in source, f"write {wanted} into {file.name}, since {', '.join(called)} changed"


def test_kernels_run_where_compiled_code_cannot_be_kept(tmp_path: Path) -> None:
    """Neither in `NUMBA_CACHE_DIR`, nor beside the sources, nor in the home: numba alone would refuse to begin."""
    rooms = Path(kernels.__file__).parents[2]
    for room in ("devices", "engine"):
        shutil.copytree(rooms / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("engine", "engine/kernels"):
        (tmp_path / folder / "__pycache__").write_text("a file: no folder can be made here")
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"), "/sys/nowhere")
    code = "from engine import kernels; print(kernels.share(7, 1, 2)); import engine; print(engine.__file__)"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=tmp_path, env={**os.environ, **nowhere, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(TWINS[kernels.share](7, 1, 2)), str(tmp_path / "engine/__init__.py")]
    assert "set NUMBA_CACHE_DIR to a writable folder" in done.stderr
