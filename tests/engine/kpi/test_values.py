"""Exact figures as text, however many stations they rest on."""

from __future__ import annotations

from fractions import Fraction

from engine.kpi import shown


def test_the_mean_of_very_many_unequal_stations_is_written_and_read_exactly() -> None:
    # Each station has a sum and a number of readings of its own, as after a year with gaps.
    stations = [Fraction(1000 * count + 7, count) for count in range(16_000, 20_000)]
    mean = sum(stations, Fraction(0)) / len(stations)
    assert len(str(mean.denominator)) > 4300, "more than Python writes unless it is told to"
    assert Fraction(str(mean)) == mean
    assert shown(mean) == "≈1000.00039"
