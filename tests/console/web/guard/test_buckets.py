"""Buckets against a slow twin that keeps every request."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from console.web.guard.buckets import Buckets, Rate

GAPS = st.lists(st.integers(0, 40), min_size=1, max_size=60)


@settings(deadline=None)
@given(gaps=GAPS, per_s=st.sampled_from([1, 2, 4]), burst=st.integers(1, 5))
def test_as_many_pass_as_a_bucket_filled_tick_by_tick_would_let(gaps: list[int], per_s: int, burst: int) -> None:
    """Times are eighths of a second and rates powers of two, so that floats are exact."""
    buckets = Buckets(Rate(per_s, burst), clients_max=10)
    level, now = Fraction(burst), 0
    for gap in gaps:
        now += gap
        for _ in range(gap):
            level = min(Fraction(burst), level + Fraction(per_s, 8))
        wait_s = buckets.wait_s("x", now / 8)
        if level >= 1:
            level -= 1
            assert wait_s == 0
        else:
            assert wait_s == float((1 - level) / per_s)


def test_after_the_time_that_was_told_one_passes_and_no_sooner() -> None:
    buckets = Buckets(Rate(0.5, 1), clients_max=10)
    assert buckets.wait_s("x", 100.0) == 0
    assert buckets.wait_s("x", 100.5) == 1.5
    assert buckets.wait_s("x", 101.99) > 0
    assert buckets.wait_s("x", 102.0) == 0
    assert buckets.refused == 2


def test_clients_do_not_share() -> None:
    buckets = Buckets(Rate(1, 1), clients_max=10)
    assert buckets.wait_s("x", 0.0) == buckets.wait_s("y", 0.0) == 0
    assert buckets.wait_s("x", 0.0) > 0


def test_a_clock_that_falls_back_fills_no_bucket() -> None:
    buckets = Buckets(Rate(1, 1), clients_max=10)
    buckets.wait_s("x", 100.0)
    assert buckets.wait_s("x", 50.0) > 0


def test_the_table_stays_small_and_forgets_who_asked_longest_ago() -> None:
    buckets = Buckets(Rate(1, 1), clients_max=3)
    for number in range(1_000):
        buckets.wait_s("stays", 0.0)
        buckets.wait_s(f"comes and goes {number}", 0.0)
    assert len(buckets) == 3
    assert buckets.wait_s("stays", 0.0) > 0
    assert buckets.wait_s("comes and goes 0", 0.0) == 0
