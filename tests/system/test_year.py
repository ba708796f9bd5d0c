"""A leap year with both changes of the clock: hours, days, months and the year itself, exact to the last digit.

Slow, so `make slow` runs it and `make test` does not.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import deploy
from simulators.fleet import Fleet, build, send
from simulators.fleet.command import find_fleet
from simulators.fleet.tables import write_truth
from tests.system.conftest import Start
from tests.system.pipeline import Pipeline

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(1800)]

Figures = dict[tuple[str, str], dict[tuple[int, ...], tuple[int, Fraction]]]
"""Station and indicator → year, or year and month → readings and value."""
MEANS = {"pm2_5", "pm10", "no2", "so2", "o3", "co", "temperature", "humidity", "pressure", "wind_speed"}
MEAN_DECIMALS = 3
TOTALS = {"water_volume": "water", "electricity_import": "electricity", "heat_energy": "heat"}


def test_a_simulated_leap_year_is_exact_in_hours_days_months_and_the_year(
    start: Start, broker: deploy.Broker, tmp_path: Path
) -> None:
    fleet = build(find_fleet("year"), tmp_path / "city")
    write_truth(fleet, "in-order", tmp_path / "truth")
    pipeline = start(fleet.city, mqtt_url=broker.url)
    send(fleet, broker.url)
    pipeline.drained(fleet.plan().reading_count, timeout_s=1200)
    compared = pipeline.run("tables", "--against", str(tmp_path / "truth"))
    assert compared.returncode == 0, compared.stdout
    months, year = civil_figures(fleet, tmp_path / "truth" / "window_day.tsv")
    assert {key: sorted(of) for key, of in months.items()} == {key: [(2024, m) for m in range(1, 13)] for key in months}
    assert shown(pipeline, fleet, "month", set(months)) == months
    assert shown(pipeline, fleet, "year", set(year)) == year


def civil_figures(fleet: Fleet, days: Path) -> tuple[Figures, Figures]:
    """Months and years from the truth's days, by the calendar of the standard library and exact fractions."""
    zone = ZoneInfo(fleet.registry.city.time_zone)
    measured = {
        (device.code, field.name): fleet.registry.catalogue.by_code[field.measurand]
        for device in fleet.registry.devices
        for field in fleet.registry.models[device.model].fields
    }
    sums: dict[tuple[str, str, str, tuple[int, ...]], list[int]] = defaultdict(lambda: [0, 0])
    lengths: dict[date, int] = {}
    for line in days.read_text().splitlines():
        device, field, start_us, count, _low, _high, sum_0, *_rest = line.split("\t")
        measurand = measured[device, field]
        day = datetime.fromtimestamp(int(start_us) / 1e6, UTC).astimezone(zone)
        assert (day.hour, day.minute) == (0, 0)
        following = date.fromordinal(day.toordinal() + 1)
        end = datetime(following.year, following.month, following.day, tzinfo=zone)
        lengths[day.date()] = round((end.timestamp() - day.timestamp()) / 3600)
        if measurand.code in MEANS:
            code = f"{measurand.code}_mean"
        elif measurand.code in TOTALS:
            code = TOTALS[measurand.code]
        else:
            continue
        for period in ((day.year,), (day.year, day.month)):
            one = sums[device, code, measurand.code, period]
            one[0] += int(count)
            one[1] += int(sum_0)
    assert set(lengths.values()) == {23, 24, 25}
    assert len(lengths) == 366
    months: Figures = defaultdict(dict)
    year: Figures = defaultdict(dict)
    for (device, code, measurand_code, period), (count, total) in sums.items():
        measurand = fleet.registry.catalogue.by_code[measurand_code]
        value = Fraction(total, 10**measurand.decimals)
        if measurand_code in MEANS:
            value = Fraction(round(value / count * 10**MEAN_DECIMALS), 10**MEAN_DECIMALS)  # round: half to even
        into = year if len(period) == 1 else months
        into[device, code][period] = (count, value)
    return months, year


def shown(pipeline: Pipeline, fleet: Fleet, window: str, wanted: set[tuple[str, str]]) -> Figures:
    """What the command shows of civil months or years, for the stations and indicators that are wanted."""
    zone = ZoneInfo(fleet.registry.city.time_zone)
    found: Figures = defaultdict(dict)
    for row in pipeline.command("indicators", "--window", window):
        key = (row["scope"].removeprefix("station:"), row["indicator"])
        if key not in wanted:
            continue
        begin = datetime.fromisoformat(row["start"]).astimezone(zone)
        period = (begin.year,) if window == "year" else (begin.year, begin.month)
        found[key][period] = (row["received"], Fraction(Decimal(row["value"])))
    return found
