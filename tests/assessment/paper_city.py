"""A small city on paper, assessed in memory: air stations that measure, registers, and what people declare.

Of PM2.5, PM10 and NO2 enough readings came, of SO2 82 % and of ozone 40 %. A quarter of the rest is not reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

from assessment import Answer, Assessment, assess
from devices import Register
from engine.calendar import Calendar
from engine.kpi import (
    WHOLE,
    DataPoint,
    DeclaredValue,
    Finding,
    Pack,
    Readings,
    Sensed,
    Sums,
    reference_year,
    shipped,
)
from tests.engine.store.town import town

YEAR = 2025
CAME_PERCENT = {"pm2_5": 98, "pm10": 97, "no2": 93, "so2": 82, "o3": 40}
MEAN = {"pm2_5": 21, "pm10": 38, "no2": 19, "so2": 4, "o3": 61}
QUALITIES = ("measured", "survey", "higher_level", "estimate")


def paper_city(
    year: int = YEAR,
    *,
    name: str = "Haeundae (해운대)",
    worse: int = 0,
    pack: Pack | None = None,
    closed: bool = True,
    declares: bool = True,
    answers: Iterable[Answer] = (),
) -> Assessment:
    """Return the assessment of a year.

    Args:
        year: the reference year.
        name: of the city.
        worse: by how many per cent what is declared and measured is higher than otherwise.
        pack: another catalogue than the shipped one.
        closed: whether its figures are final.
        declares: whether the city declares anything.
        answers: to findings.
    """
    pack = shipped() if pack is None else pack
    plain = town(("air_station",), count=2, code="haeundae")
    registers = (
        Register("population", Fraction(384_000), "inhabitants", date(2020, 1, 1), "resident register", "measured"),
        Register("households", Fraction(171_500), "households", date(2020, 1, 1), "resident register", "measured"),
        Register("area_km2", Fraction("51.47"), "km2", date(2020, 1, 1), "cadastre", "measured"),
    )
    city = replace(
        plain.city, name=name, registers=registers, population=0, households=0, area_km2=Fraction(0),
        time_zone="Asia/Seoul", zone_info=ZoneInfo("Asia/Seoul"),
    )  # fmt: skip
    registry = replace(plain, city=city)
    calendar = Calendar(city.zone_info)
    period = reference_year(calendar, year)
    hours = (period.end_us - period.start_us) // 3_600_000_000
    sums: dict[int, Sums] = {}
    for device in registry.devices:
        for field, percent in CAME_PERCENT.items():
            slot = registry.slot(device.code, field)
            unit = 10 ** registry.catalogue.measurands[int(registry.series().measurand[slot])].decimals
            ticks, count = MEAN[field] * unit * (100 + worse) // 100, hours * percent // 100
            sums[slot] = Sums(count, ticks, ticks, (count * ticks, 0, 0, 0))
    inputs = Sensed(pack, registry, calendar).at(period, Readings({WHOLE: sums}))
    declared = {one.key: one for one in _declared(pack, year, worse)} if declares else {}
    return assess(pack, city, inputs, declared, closed=closed, answers=answers)


def answer_to(finding: Finding, text: str, by: str = "J. Kim, statistics office") -> Answer:
    """Return the answer to a finding."""
    return Answer(finding.rule, finding.data_points, text, by)


def _declared(pack: Pack, year: int, worse: int) -> Iterable[DeclaredValue]:
    for place, point in enumerate(pack.data_points):
        if point.code.startswith("EN: EN: AQ: 1C") or place % 4 == 2:
            continue
        yield DeclaredValue(
            key=point.key, year=year, value=_figure(point, place) * (100 + worse) / 100 if not point.yes_no
            else Fraction(place % 2), numerator=None, denominator=None, quality=QUALITIES[place % len(QUALITIES)],
            origin="statistics office", source=f"statistical yearbook {year}, table {place + 1}",
            note="city council decision 2019/17" if point.yes_no else "", line=place + 2,
            evidence=f"yearbook-{year}.pdf" if place % 5 == 0 else "",
        )  # fmt: skip


def _figure(point: DataPoint, place: int) -> Fraction:
    """Return a figure that is neither all good nor all bad, and fits its unit."""
    if point.unit == "%":
        return Fraction(25 + 37 * place % 75) + Fraction(1, 3)
    return Fraction(10 * place + 7, 4)
