"""`/devices` and `/health`: what is installed where, its newest values, and who is silent.

Knows requests; who counts as silent the engine decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, cast

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from console.web.accounts import LagItem, lag_item
from console.web.asked import CODE_CHARS_MAX, known
from console.web.drift import DriftCounts, DriftItem, drift_counts, drift_of, findings
from console.web.figures import text
from console.web.formats import Page, listed, whole
from console.web.paging import LIMIT_DEFAULT, Cursor, Limit, cursor_of, parts_of
from console.web.problems import absent
from console.web.site import SiteOf
from devices import Rule, rfc3339
from engine.store import FlagCount, SilenceEntry, newest, pages, series
from engine.store.pages import DeviceHealth
from engine.store.reader import Reader
from engine.store.series import SeriesFacts

SILENCES_SHOWN = 20
GATEWAYS_MAX = 10_000

router = APIRouter(tags=["devices"])


class State(StrEnum):
    """How it stands with a device."""

    OK = "ok"
    LATE = "late"
    SILENT = "silent"
    GATEWAY_SILENT = "gateway_silent"
    NEVER = "never"
    NOT_IN_SERVICE = "not_in_service"


@dataclass(frozen=True, slots=True)
class HealthItem:
    """How it stands with a device, as of `heard_to` of `/health`.

    Attributes:
        state: `ok`; `late` (nothing for one and a half intervals); `silent`; `gateway_silent` (with all devices of its
            gateway); `never` (nothing ever came); `not_in_service`.
        since: since when it is silent; null where it is not.
        last_heard: arrival of its newest message, whatever became of it.
        last_reading: newest time of its stored readings, by its own clock.
        interval_s: how often it should report.
        learned_interval_s: how often it does.
        clock: ok, fast or slow; null where unknown.
        clock_offset_s: how far its clock is ahead, negative behind.
    """

    state: str
    since: str | None
    last_heard: str | None
    last_reading: str | None
    interval_s: float | None
    learned_interval_s: float | None
    clock: str | None
    clock_offset_s: float | None


@dataclass(frozen=True, slots=True)
class LastItem:
    """The newest reading of a series.

    Attributes:
        time: of the phenomenon.
        value: exact decimal.
        state: its name, for kind `state`; else null.
    """

    time: str
    value: str
    state: str | None


@dataclass(frozen=True, slots=True)
class DeviceSeries:
    """A series of a device.

    Attributes:
        field, measurand: which.
        unit: UCUM code.
        kind: how values combine over time.
        last: its newest reading; null where there is none.
    """

    field: str
    measurand: str
    unit: str
    kind: str
    last: LastItem | None


@dataclass(frozen=True, slots=True)
class DeviceItem:
    """An installed device.

    Attributes:
        code: as in its topic.
        title: what a person calls it.
        model: code of its model.
        zone: code of its zone.
        gateway: through which it reports.
        latitude, longitude: degrees, WGS 84; null where not stated.
        health: how it stands with it.
        series: what it measures, with the newest values.
    """

    code: str
    title: str
    model: str
    zone: str
    gateway: str
    latitude: float | None
    longitude: float | None
    health: HealthItem
    series: tuple[DeviceSeries, ...]


@dataclass(frozen=True, slots=True)
class SilenceItem:
    """A time in which nothing came.

    Attributes:
        who: device or gateway; for ourselves what was away: process, broker or database.
        started, ended: from when to when; null while it lasts.
        devices: how many it concerns.
        detail: for people.
    """

    who: str
    started: str
    ended: str | None
    devices: int
    detail: str


@dataclass(frozen=True, slots=True)
class FlagItem:
    """Readings of a series that a rule of quality flags.

    Attributes:
        field, measurand: the series.
        rule: stuck, spike, rate or drift.
        flagged, excluded: how many, and how many of them figures leave out.
        first, last: times of the oldest and the newest.
    """

    field: str
    measurand: str
    rule: str
    flagged: int
    excluded: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class DeviceDetail(DeviceItem):
    """An installed device with its past.

    Attributes:
        silences: its own, one that lasts first, then the newest.
        flags: by series and rule.
        drift: where it says something else than its model expects; null where that could not be found in time.
    """

    silences: tuple[SilenceItem, ...]
    flags: tuple[FlagItem, ...]
    drift: tuple[DriftItem, ...] | None


@dataclass(frozen=True, slots=True)
class GatewayItem:
    """A gateway with its devices.

    Attributes:
        code: `direct` for devices that are their own.
        state: `silent`, or `ok`.
        since: since when it is silent.
        devices: how many report through it.
        states: of them, by state.
    """

    code: str
    state: str
    since: str | None
    devices: int
    states: dict[str, int]


@dataclass(frozen=True, slots=True)
class CityHealth:
    """How it stands with all devices.

    Attributes:
        heard_to: everything that arrived before this time is known; the states are as of then. Null: we never listened.
        stopped: whether the gateway was stopped in form.
        devices: how many are listed.
        states: of them, by state.
        gateways: those that are silent first.
        downtimes: when we ourselves did not listen, the newest first.
        drift: how many findings there are that devices say something else than their models expect; null where that
            could not be found in time.
        lag: how far behind the gateway is.
    """

    heard_to: str | None
    stopped: bool
    devices: int
    states: dict[str, int]
    gateways: tuple[GatewayItem, ...]
    downtimes: tuple[SilenceItem, ...]
    drift: DriftCounts | None
    lag: LagItem


@router.get("/devices", response_model=Page[DeviceItem])
def get_devices(
    request: Request,
    site: SiteOf,
    zone: Annotated[str | None, Query(description="Only of this zone.")] = None,
    health: Annotated[State | None, Query(description="Only in this state.")] = None,
    model: Annotated[str | None, Query(description="Only of this model.")] = None,
    q: Annotated[
        str | None, Query(max_length=CODE_CHARS_MAX, description="Only those with this in code or title, in any case.")
    ] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """Listed devices by code, with their health and the newest value of each series."""
    if zone is not None:
        known("zone", "zone", zone, [one.code for one in site.registry.city.zones])
    if model is not None:
        known("model", "device model", model, site.registry.models)
    after = "" if cursor is None else cast("tuple[str]", parts_of(cursor, str))[0]

    def read(store: Reader) -> tuple[list[DeviceItem], str | None]:
        rows = pages.devices(
            store.session, zone=zone, model=model, state=health, words=q, after=after, limit=limit + 1
        )  # fmt: skip
        following = cursor_of(rows[limit - 1].device) if len(rows) > limit else None
        return device_items(store, rows[:limit]), following

    items, following = site.stores.ask(read)
    return listed(request, DeviceItem, items, following)


@router.get("/devices/{device}", response_model=DeviceDetail)
def get_device(site: SiteOf, device: str) -> Response:
    """One listed device with its health, newest values, silences, flags and findings of drift."""
    known("device", "device", device, [one.code for one in site.registry.devices])

    def read(store: Reader) -> DeviceDetail | None:
        rows = pages.devices(store.session, device=device, limit=1)
        if not rows:
            return None
        (item,) = device_items(store, rows)
        return DeviceDetail(
            **{name: getattr(item, name) for name in DeviceItem.__dataclass_fields__},
            silences=tuple(map(_silence, pages.silences_of(store.session, "device", device, SILENCES_SHOWN))),
            flags=tuple(map(_flag, pages.flag_counts_of(store.session, device))),
            drift=drift_of(site, store, device),
        )

    found = site.stores.ask(read)
    if found is None:
        raise absent("device", f"{device} is in the city's list, which no gateway has registered yet")
    return whole(found)


@router.get("/health", response_model=CityHealth)
def get_health(site: SiteOf) -> Response:
    """How it stands with all devices, their gateways, and our own listening."""

    def read(store: Reader) -> CityHealth:
        standings = pages.standings(store.session)
        silent = {one.who: one for one in store.silence_rows(kind="gateway", lasting=True, limit=GATEWAYS_MAX)}
        downtimes = store.silence_rows(kind="system", limit=SILENCES_SHOWN)
        listening = store.listening()
        states: Counter[str] = Counter()
        of: dict[str, dict[str, int]] = {}
        for one in standings:
            states[one.state] += one.devices
            of.setdefault(one.gateway, {})[one.state] = one.devices
        gateways = [
            GatewayItem(
                code,
                "silent" if code in silent else "ok",
                rfc3339(silent[code].started_us) if code in silent else None,
                sum(counts.values()),
                counts,
            )
            for code, counts in of.items()
        ]
        return CityHealth(
            heard_to=_time(listening.heard_to_us),
            stopped=listening.stopped,
            devices=states.total(),
            states={state: states[state] for state in State},
            gateways=tuple(sorted(gateways, key=lambda one: (one.state != "silent", one.code))),
            downtimes=tuple(map(_silence, downtimes)),
            drift=drift_counts(findings(site, store)),
            lag=lag_item(site),
        )

    return whole(site.stores.ask(read))


def device_items(store: Reader, rows: Sequence[DeviceHealth]) -> list[DeviceItem]:
    """Return devices with the newest values of their series.

    Raises:
        StoreUnavailable, StoreError
    """
    facts = [one for one in series.series_facts(store.session, [row.device for row in rows]) if one.listed]
    found = newest.newest(store.session, [one.series_id for one in facts])
    last = {
        series_id: (time_us, ticks)
        for series_id, time_us, ticks in zip(*(column.tolist() for column in found), strict=True)
    }
    of: dict[str, list[DeviceSeries]] = {}
    for one in facts:
        of.setdefault(one.device, []).append(
            DeviceSeries(one.field, one.measurand, one.unit, one.kind, _last(one, last.get(one.series_id)))
        )
    return [_device(row, of.get(row.device, ())) for row in rows]


def _device(row: DeviceHealth, its_series: Sequence[DeviceSeries]) -> DeviceItem:
    return DeviceItem(
        code=row.device,
        title=row.title,
        model=row.model,
        zone=row.zone,
        gateway=row.gateway,
        latitude=_number(row.latitude),
        longitude=_number(row.longitude),
        health=HealthItem(
            state=row.state,
            since=_time(row.silent_since_us),
            last_heard=_time(row.heard_us),
            last_reading=_time(row.reading_us),
            interval_s=_number(row.interval_s),
            learned_interval_s=_number(row.learned_interval_s),
            clock=row.clock,
            clock_offset_s=_number(row.clock_offset_s),
        ),
        series=tuple(its_series),
    )


def _last(facts: SeriesFacts, found: tuple[int, int] | None) -> LastItem | None:
    if found is None:
        return None
    time_us, ticks = found
    state = facts.states[ticks] if facts.kind == "state" and 0 <= ticks < len(facts.states) else None
    return LastItem(rfc3339(time_us), text(facts, ticks), state)


def _silence(one: SilenceEntry) -> SilenceItem:
    return SilenceItem(one.who, rfc3339(one.started_us), _time(one.ended_us), one.devices, one.detail)


def _flag(one: FlagCount) -> FlagItem:
    return FlagItem(
        one.field, one.measurand, Rule(one.rule).name.lower(), one.flags, one.excluded, rfc3339(one.first_us),
        rfc3339(one.last_us),
    )  # fmt: skip


def _time(time_us: int | None) -> str | None:
    return None if time_us is None else rfc3339(time_us)


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
