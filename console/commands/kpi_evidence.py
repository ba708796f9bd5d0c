"""`cityvitals kpis show CODE --days` and `--observations`: what a figure was added up from, to be added up again.

Knows options and rendering; what belongs to a figure is `engine.kpi_evidence`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.text import Text

from console.commands.kpi_figures import DASH, Row, cells, figure, preferred
from console.commands.results import ROWS_DEFAULT, clock_title, open_store, require_device, rfc_local, time_range
from console.errors import FailureError, MisuseError
from console.output import Col, print_json, print_table, stdout
from console.text import counted, shown_unit

if TYPE_CHECKING:
    from console.context import Context
    from devices import Registry
    from devices.measurands import Measurand
    from engine.kpi import DataPoint, Pack
    from engine.kpi_evidence import DayShare, Evidence, Observed, Series, StationShare
    from engine.store import KpiReading, Store


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for behind a figure.

    Attributes:
        days, observations: which rows.
        since, until: as given; the whole period where None.
        device: code of the only one.
        limit: rows.
    """

    days: bool
    observations: bool
    since: str | None = None
    until: str | None = None
    device: str | None = None
    limit: int = ROWS_DEFAULT

    def check(self) -> None:
        """Refuse options that mean nothing together.

        Raises:
            MisuseError: saying which.
        """
        if self.days and self.observations:
            raise MisuseError("--days and --observations", "give one of them")
        given = (self.since, self.until, self.device) != (None, None, None) or self.limit != ROWS_DEFAULT
        if given and not (self.days or self.observations):
            raise MisuseError("--from, --to, --device and --limit choose among --days or --observations")


def show_evidence(
    context: Context,
    pack: Pack,
    points: tuple[DataPoint, ...],
    rows: list[KpiReading],
    wanted: Wanted,
    *,
    as_json: bool,
) -> None:
    """Print what is behind the one figure that is meant.

    Raises:
        MisuseError: several data points or scopes are meant, or an option means nothing.
        FailureError: there is no figure, or nothing is behind it.
    """
    if len(points) > 1:
        raise MisuseError(
            f"{points[0].code} has several data points", f"give one of them: {', '.join(point.key for point in points)}"
        )
    chosen = preferred(rows)
    if not chosen:
        raise FailureError(
            f"no figure of {points[0].key}", "a running gateway computes it, and so does `cityvitals kpis compute`"
        )
    if len(chosen) > 1:
        raise MisuseError("several zones are meant", f"give one of them: --scope zone:{chosen[0].scope}")
    (row,) = chosen
    zone = context.registry(fall_back=True).city.zone_info
    from_us, to_us = time_range(wanted.since, wanted.until, zone)
    with open_store(context) as store:
        if wanted.device is not None:
            require_device(store, wanted.device)
        registry, lateness_us = context.registry(fall_back=True), context.settings.engine.lateness_us
        behind = evidence(store, registry, pack, lateness_us, points[0], row, wanted.device)
        stations = behind.stations()
        if not stations:
            raise FailureError(
                f"nothing that was read is behind {points[0].key}" + (f" of {wanted.device}" if wanted.device else ""),
                "`cityvitals kpis show` says what it rests on",
            )
        lines, next_us = page(behind, wanted, from_us, to_us, zone)
    if as_json:
        from devices import rfc3339

        print_json(records(row, stations, lines))
        if next_us is not None:
            print_json([{"row": "next", "from": rfc3339(next_us)}])
        return
    _print_head(points[0], row, stations)
    more = "" if next_us is None else f"more from {rfc_local(next_us, zone)} on: --from, or a higher --limit"
    if wanted.days:
        _print_days(lines, more)
    else:
        _print_observations(lines, zone, more)


def evidence(
    store: Store,
    registry: Registry,
    pack: Pack,
    lateness_us: int,
    point: DataPoint,
    row: KpiReading,
    device: str | None,
) -> Evidence:
    """Return what is behind a figure.

    Args:
        store: a connection that may write what it takes back again.
        registry: the city.
        pack: its catalogue.
        lateness_us: how long a window waits for late readings.
        point: the data point.
        row: its figure.
        device: code of the only device that is wanted; None for all.

    Raises:
        StoreUnavailable, StoreError
    """
    from engine.indicators import INDICATORS
    from engine.kpi import Horizon, period_between
    from engine.kpi_book import KpiBook
    from engine.kpi_evidence import Evidence

    registered = store.register(registry, INDICATORS, keep=False)
    book = KpiBook(store, registry, registered, pack, lateness_us)
    period = period_between(book.calendar, Horizon(row.horizon), row.year, row.start_us, row.end_us)
    codes = [zone.code for zone in registry.city.zones]
    zone = codes.index(row.scope) if row.scope_kind == "zone" else None
    return Evidence(store, registry, book, pack, point, period, zone, device)


def page(behind: Evidence, wanted: Wanted, from_us: int, to_us: int, zone: tzinfo) -> tuple[list[Row], int | None]:
    """Return the rows that are asked for, for programs, and where the next page begins."""
    if wanted.days:
        days = behind.days(from_us, to_us, wanted.limit)
        return [_day(one) for one in days.rows], days.next_us
    observations = behind.observations(from_us, to_us, wanted.limit)
    return [_observation(one, zone) for one in observations.rows], observations.next_us


# ---- for programs ------------------------------------------------------------------------------------------------


def records(row: KpiReading, stations: Iterable[StationShare], lines: Iterable[Row]) -> Iterator[Row]:
    """Give the figure, its stations and the rows, each with the name of its kind under `row`."""
    yield {"row": "figure", "data_point": row.data_point, **figure(row)}
    for station in stations:
        yield {
            "row": "station", "input": station.code, "device": station.device, "zone": station.zone,
            "value": None if station.value is None else str(station.value), "unit": station.unit,
            "received": station.received, "expected": station.expected, "counts": station.counts,
        }  # fmt: skip
    yield from lines


def _day(one: DayShare) -> Row:
    measurand = one.series.measurand
    return {
        "row": "day", **_series(one.series), "day": one.day.isoformat(), "readings": one.readings,
        "low": _ticks(measurand, one.low) if one.readings else None,
        "high": _ticks(measurand, one.high) if one.readings else None,
        "sum": _sum(one), "sums": list(one.sums),
    }  # fmt: skip


def _observation(one: Observed, zone: tzinfo) -> Row:
    from devices import rfc3339

    measurand = one.series.measurand
    return {
        "row": "observation", **_series(one.series),
        "time": rfc3339(one.time_us), "local": rfc_local(one.time_us, zone),
        "value": _ticks(measurand, one.ticks), "state": _state(measurand, one.ticks), "outside": one.outside,
    }  # fmt: skip


def _series(one: Series) -> Row:
    return {
        "input": one.code, "device": one.device, "field": one.field, "measurand": one.measurand.code,
        "unit": one.measurand.unit, "counts": one.counts,
    }  # fmt: skip


def _sum(one: DayShare) -> str | None:
    """Return the sum in the measurand's unit where the first sum is one of ticks: of gauges, counters and events."""
    from devices.measurands import Kind

    plain = one.series.measurand.kind in (Kind.GAUGE, Kind.COUNTER, Kind.EVENT)
    return _ticks(one.series.measurand, one.sums[0]) if plain else None


def _ticks(measurand: Measurand, ticks: int) -> str:
    """Return ticks as the decimal number they are."""
    return f"{Decimal(ticks).scaleb(-measurand.decimals):f}"


def _state(measurand: Measurand, ticks: int) -> str | None:
    return measurand.states[ticks] if measurand.states and 0 <= ticks < len(measurand.states) else None


# ---- for people --------------------------------------------------------------------------------------------------


def _print_head(point: DataPoint, row: KpiReading, stations: list[StationShare]) -> None:
    from engine.kpi import shown

    value, unit, coverage, _, period = cells(row, point.unit_label)
    stdout().print(Text.assemble((point.key, "bold"), f"  {point.title}: ", value, f" {unit}, {coverage}, {period}"))
    print_table(
        "stations",
        [Col("input"), Col("device"), Col("zone"), Col("value", right=True), Col("unit"), Col("readings", right=True),
         Col("counts")],
        (
            (s.code, s.device, s.zone, DASH if s.value is None else shown(s.value), shown_unit(s.unit),
             f"{s.received:,} of {s.expected:,}" if s.expected else "", "yes" if s.counts else Text("no", style="red"))
            for s in stations
        ),
    )  # fmt: skip


def _print_days(lines: list[Row], more: str) -> None:
    print_table(
        counted(len(lines), "civil day of a series", "civil days of series"),
        [Col("day"), Col("input"), Col("device"), Col("field"), Col("readings", right=True), Col("sum", right=True),
         Col("lowest", right=True), Col("highest", right=True), Col("unit")],
        (
            (str(one["day"]), str(one["input"]), str(one["device"]), str(one["field"]), f"{one['readings']:,}",
             str(one["sum"] or DASH), str(one["low"] or ""), str(one["high"] or ""), shown_unit(str(one["unit"])))
            for one in lines
        ),
        note=more or "these are all days of the period that hold anything",
    )  # fmt: skip


def _print_observations(lines: list[Row], zone: tzinfo, more: str) -> None:
    print_table(
        counted(len(lines), "observation"),
        [Col(clock_title(zone)), Col("input"), Col("device"), Col("field"), Col("value", right=True), Col("unit"),
         Col("note")],
        (
            (str(one["local"]), str(one["input"]), str(one["device"]), str(one["field"]),
             str(one["state"] or one["value"]), shown_unit(str(one["unit"])), _remark(one))
            for one in lines
        ),
        note=more,
    )  # fmt: skip


def _remark(one: Row) -> str:
    remarks = ("beside the period", bool(one["outside"])), ("its station does not count", not one["counts"])
    return "; ".join(text for text, holds in remarks if holds)
