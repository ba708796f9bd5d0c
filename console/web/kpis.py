"""`/kpis`: the catalogue of KPIs with their figures, one of them in full, and what it was added up from.

Knows requests; figures and records are those of `cityvitals kpis --json`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast

from fastapi import APIRouter, Query
from starlette.responses import Response

from console.commands.kpi_days import computed
from console.commands.kpi_declared import declared_figures, declared_of, declared_period
from console.commands.kpi_evidence import Wanted, evidence, page, records
from console.commands.kpi_figures import Asked, asked, filled_in, in_full, preferred
from console.commands.kpi_period import period_of
from console.commands.kpi_scores import replaced_scores, score_of, score_rows, stored_score
from console.errors import FailureError, MisuseError
from console.kpi_entries import entry, input_entry, scored
from console.web.asked import CODE_CHARS_MAX, From, To, known, time_us
from console.web.formats import Page, whole
from console.web.paging import LIMIT_DEFAULT, Cursor, SeriesLimit, cursor_of, parts_of
from console.web.problems import absent, wrong
from console.web.site import Site, SiteOf
from devices import TIME_MAX_US, TIME_MIN_US
from engine.kpi import DataPoint
from engine.store import KpiReading, Store

T = TypeVar("T")

At = Annotated[
    str | None,
    Query(
        max_length=10,
        description="The annual figure of a year (2025); or of a month (2025-11), a day (2025-11-26) or `today`,"
        " computed now. Without it stored figures of every horizon.",
    ),
]
Year = Annotated[
    str | None,
    Query(
        max_length=10,
        description="A year (2025); without it the last twelve months, or of a young city the year so far.",
    ),
]
ScopeOfKpi = Annotated[
    str, Query(max_length=CODE_CHARS_MAX, description="`city`, `zone:CODE`, or `zone` for all zones.")
]
Entry = dict[str, Any]
"""As `cityvitals kpis --json` prints it."""

router = APIRouter(prefix="/kpis", tags=["kpis"])


@router.get("", response_model=Page[Entry])
def get_kpis(site: SiteOf, scope: ScopeOfKpi = "city", at: At = None) -> Response:
    """Every data point of the catalogue with its figures and what the city declares, as `cityvitals kpis --json`.

    Of a month, a day or today figures are computed when asked: they are operational, never the official ones.
    """
    meant = _meant(site, scope, at)
    rows = _rows(site, meant, None)
    found: dict[str, list[KpiReading]] = {}
    for row in rows:
        found.setdefault(row.data_point, []).append(row)
    zone, points = site.registry.city.zone_info, site.pack.data_points
    stated = declared_figures(
        declared_period(site.registry, site.pack, site.declared, meant, rows, at), points
    )  # fmt: skip
    items = [
        {
            **entry(site.pack, point),
            "figures": [scored(site.pack, point, row, zone) for row in found.get(point.key, ())],
            "declared": stated.get(point.key),
        }
        for point in points
    ]
    return whole({"items": items, "next": None})


@router.get("/scores", response_model=Page[Entry])
def get_scores(site: SiteOf, at: Year = None) -> Response:
    """The roll-up by category, sub-dimension, dimension and whole, then the score of every data point.

    Each item names its kind under `row`, as in `cityvitals kpis scores --json`. Nothing where there is no figure yet.
    """
    meant = _meant(site, "city", at, parts=False)
    rows = _rows(site, meant, None)
    period = period_of(site.registry, site.pack, site.declared, rows, at)
    return whole({"items": [] if period is None else list(score_rows(period)), "next": None})


@router.get("/{code:path}/explain", response_model=Page[Entry])
def explain_kpi(
    site: SiteOf,
    code: str,
    scope: ScopeOfKpi = "city",
    at: At = None,
    days: Annotated[bool, Query(description="The civil days behind it, per series.")] = False,
    observations: Annotated[bool, Query(description="The observations behind it.")] = False,
    device: Annotated[str | None, Query(description="Only of this device.")] = None,
    since: From = None,
    until: To = None,
    limit: SeriesLimit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """What one figure was added up from: stations, and days or observations, as `cityvitals kpis show --json`.

    Each item names its kind under `row`: `figure`, `station`, `day` or `observation`. Where a code has several data
    points, one of them is to be named; where several figures are there, the one that `cityvitals kpis` shows is meant.
    """
    if days and observations:
        raise wrong("observations", "expected one of `days` and `observations`")
    points = _points(site, code)
    if len(points) > 1:
        raise wrong("code", f"{code} has several data points: {', '.join(point.key for point in points)}")
    if device is not None:
        known("device", "device", device, [one.code for one in site.registry.devices])
    from_us = TIME_MIN_US if since is None else time_us(site, "from", since)
    to_us = TIME_MAX_US if until is None else time_us(site, "to", until)
    if cursor is not None:
        from_us = max(from_us, cast("tuple[int]", parts_of(cursor, int))[0])
    if from_us >= to_us:
        raise wrong("from", "expected a time before `to`")
    meant, (point,) = _meant(site, scope, at), points

    def read(store: Store) -> dict[str, object]:
        chosen = preferred(_figures(site, store, meant, point.key))
        if not chosen:
            raise absent("at" if at else "code", f"there is no figure of {point.key}")
        if len(chosen) > 1:
            raise wrong("scope", f"expected one zone, such as zone:{chosen[0].scope}")
        (row,) = chosen
        behind = evidence(store, site.registry, site.pack, site.settings.engine.lateness_us, point, row, device)
        lines: list[dict[str, object]] = []
        next_us = None
        if days or observations:
            wanted = Wanted(days, observations, limit=limit)
            lines, next_us = page(behind, wanted, from_us, to_us, site.registry.city.zone_info)
        items = list(records(row, behind.stations(), lines))
        return {"items": items, "next": None if next_us is None else cursor_of(next_us)}

    return whole(_asking(site, read))


@router.get("/{code:path}", response_model=Page[Entry])
def get_kpi(site: SiteOf, code: str, scope: ScopeOfKpi = "city", at: At = None) -> Response:
    """One KPI, or one of its data points, in full, as `cityvitals kpis show --json`: one item per data point."""
    points, meant = _points(site, code), _meant(site, scope, at)
    zone = site.registry.city.zone_info

    def read(store: Store) -> list[Entry]:
        rows = _figures(site, store, meant, points[0].key if len(points) == 1 else None)
        return [
            {
                **entry(site.pack, point),
                "inputs": [input_entry(one) for one in site.pack.inputs_of(point)],
                "figures": [
                    {
                        **in_full(store, row, filled_in(site.pack, point, row)),
                        **score_of(stored_score(site.pack, point, row, zone)),
                        "score_revisions": replaced_scores(store, row),
                    }
                    for row in rows
                    if row.data_point == point.key
                ],
                "declared": declared_of(site.pack, point, site.declared),
            }
            for point in points
        ]

    # Stored figures need no book, so that nobody waits for them while others are computed.
    items = _asking(site, read) if meant.part else site.stores.ask(read)
    return whole({"items": items, "next": None})


def _points(site: Site, code: str) -> tuple[DataPoint, ...]:
    """Return the data points of a KPI, or the one that is named.

    Raises:
        ProblemError: there is none; the reason names the nearest.
    """
    try:
        return (site.pack.data_point(code),) if "/" in code else site.pack.kpi(code).data_points
    except KeyError as error:
        raise absent("code", str(error.args[0])) from None


def _meant(site: Site, scope: str, at: str | None, *, parts: bool = True) -> Asked:
    """Return which figures are meant; with `parts` also those of a month or a day.

    Raises:
        ProblemError: a parameter means nothing, or there is no such zone.
    """
    try:
        found = asked(scope, None, at, parts=parts)
    except MisuseError as error:
        name = "scope" if error.what.startswith("--scope") else "at"
        raise wrong(name, error.what.partition(": ")[2] or error.what) from None
    if found.code is not None:
        known("scope", "zone", found.code, [zone.code for zone in site.registry.city.zones])
    return found


def _rows(site: Site, meant: Asked, data_point: str | None) -> list[KpiReading]:
    """Return the figures that are meant."""
    if not meant.part:
        return site.stores.ask(lambda store: _stored(store, meant, data_point))
    return _asking(site, lambda store: _figures(site, store, meant, data_point))


def _figures(site: Site, store: Store, meant: Asked, data_point: str | None) -> list[KpiReading]:
    """Return the figures that are meant, stored or computed now."""
    if not meant.part:
        return _stored(store, meant, data_point)
    return computed(store, site.registry, site.pack, site.settings.engine.lateness_us, meant, data_point)


def _stored(store: Store, meant: Asked, data_point: str | None) -> list[KpiReading]:
    return store.kpi_rows(
        data_point=data_point, scope_kind=meant.kind, scope=meant.code, horizon=meant.horizon, year=meant.year
    )


def _asking(site: Site, work: Callable[[Store], T]) -> T:
    """Return what `work` makes of a connection on which figures may be computed.

    Raises:
        ProblemError: there is no such time, or nothing to compute figures from.
    """

    def told(store: Store) -> T:
        try:
            return work(store)
        except MisuseError as error:
            raise wrong("at", error.what.removeprefix("--at ")) from None
        except FailureError as error:
            raise absent("at", error.what) from None

    return site.books.ask(told)
