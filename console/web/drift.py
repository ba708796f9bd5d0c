"""`/devices/drift`: where devices say something else than their models expect.

Knows requests; what is a finding the store knows, and how seldom it is looked for `console.drift`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, cast

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from console.drift import Findings, key, title
from console.web.asked import CODE_CHARS_MAX, known
from console.web.formats import Page, listed
from console.web.paging import LIMIT_DEFAULT, Cursor, Limit, cursor_of, parts_of
from console.web.problems import busy
from console.web.site import Site, SiteOf
from devices import Device, rfc3339
from engine.store.drift import DriftRow
from engine.store.reader import Reader

router = APIRouter(tags=["devices"])


class Finding(StrEnum):
    """What a finding may be called; a test asks that these are `console.drift.KINDS`."""

    VANISHED = "vanished"
    UNKNOWN_FIELD = "unknown_field"
    NOT_A_NUMBER = "not_a_number"
    BAD_UNIT = "bad_unit"
    MALFORMED = "malformed"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class DriftItem:
    """A finding: a device says something else than its model expects.

    Attributes:
        device: its code.
        model, zone: of the device; null where it is no longer in the city's list.
        finding: `vanished`, or the reason of the quarantine.
        meaning: of the finding, for people.
        field: which; null where a message cannot be read at all.
        since: last reading of a field that vanished; else the first message that shows it.
        newest: newest reading of the device; else the newest message that shows it.
        readings: that could not be read; 0 for a field that vanished.
        example: row of `/quarantine` with the newest message that shows it; null for a field that vanished.
    """

    device: str
    model: str | None
    zone: str | None
    finding: str
    meaning: str
    field: str | None
    since: str
    newest: str
    readings: int
    example: int | None


@dataclass(frozen=True, slots=True)
class DriftCounts:
    """How many findings there are.

    Attributes:
        findings: all of them.
        by_finding: of each kind.
        devices: on how many devices.
        unlisted: of the findings, those that are not listed because they are too many; the newest are.
        looked: as of when. They are looked for at most every ten seconds, in large cities less often.
    """

    findings: int
    by_finding: dict[str, int]
    devices: int
    unlisted: int
    looked: str


@router.get("/devices/drift", response_model=Page[DriftItem])
def get_devices_drift(
    request: Request,
    site: SiteOf,
    finding: Annotated[Finding | None, Query(description="Only of this kind.")] = None,
    device: Annotated[
        str | None, Query(max_length=CODE_CHARS_MAX, description="Only of this device, registered or not.")
    ] = None,
    model: Annotated[str | None, Query(description="Only of devices of this model.")] = None,
    zone: Annotated[str | None, Query(description="Only of devices of this zone.")] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """Where devices say something else than their models expect, by device; of messages what came within a week."""
    if zone is not None:
        known("zone", "zone", zone, [one.code for one in site.registry.city.zones])
    if model is not None:
        known("model", "device model", model, site.registry.models)
    after = ("", "", "") if cursor is None else cast("tuple[str, str, str]", parts_of(cursor, str, str, str))
    found = site.stores.ask(lambda store: findings(site, store))
    if found is None:
        raise busy("findings of drift are not known yet: the database did not give them in time")
    wanted = {"finding": finding, "device": device, "model": model, "zone": zone}
    rows = [row for row in found.rows if key(row) > after]
    items = [
        (key(row), item)
        for row, item in zip(rows, drift_items(site, rows), strict=True)
        if all(value in (None, getattr(item, name)) for name, value in wanted.items())
    ]
    following = cursor_of(*items[limit - 1][0]) if len(items) > limit else None
    return listed(request, DriftItem, [item for _, item in items[:limit]], following)


def findings(site: Site, store: Reader) -> Findings | None:
    """Return what was found lately, or is found now; None where the database did not give it in time."""
    return site.drift.read(store.session, site.now_us())


def drift_counts(found: Findings | None) -> DriftCounts | None:
    """Return how many findings there are; None where it is not known."""
    if found is None:
        return None
    return DriftCounts(found.total, dict(found.counts), found.devices, found.unlisted, rfc3339(found.looked_us))


def drift_of(site: Site, store: Reader, device: str) -> tuple[DriftItem, ...] | None:
    """Return the findings on one device; None where they are not known."""
    found = findings(site, store)
    return None if found is None else tuple(drift_items(site, (row for row in found.rows if row.device == device)))


def drift_items(site: Site, rows: Iterable[DriftRow]) -> list[DriftItem]:
    """Return findings as they are answered."""
    found = list(rows)
    codes = {row.device for row in found}
    devices = {one.code: one for one in site.registry.devices if one.code in codes}
    return [_item(row, devices.get(row.device)) for row in found]


def _item(row: DriftRow, device: Device | None) -> DriftItem:
    return DriftItem(
        device=row.device,
        model=None if device is None else device.model,
        zone=None if device is None else device.zone,
        finding=row.kind,
        meaning=title(row.kind),
        field=row.field or None,
        since=rfc3339(row.since_us),
        newest=rfc3339(row.last_us),
        readings=row.readings,
        example=row.example,
    )
