"""Calibrations in the database: what readings were corrected by, which never changes once readings lie under it.

Knows the table and who may change it; knows no file.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices import Registry, rfc3339
from devices.calibrations import FILE
from engine.store.binary import Timestamp
from engine.store.decimals import exact
from engine.store.errors import CatalogueRefused
from engine.store.session import Session


class _Key(NamedTuple):
    series_id: int
    valid_from_us: int


def register_calibrations(session: Session, registry: Registry, series_id: NDArray[np.int32]) -> None:
    """Write a city's calibrations, and let go of those that it no longer has.

    Raises:
        CatalogueRefused: readings are stored that were corrected otherwise than it says now.
        StoreUnavailable, StoreError
    """
    stored: dict[_Key, tuple[Decimal, Decimal]] = {
        _Key(series, from_us): (gain, shift)
        for series, from_us, gain, shift in session.rows("calibrations", {"series": series_id.tolist()})
    }
    wanted = {
        _Key(int(series_id[registry.slot(one.device, one.field)]), one.valid_from_us): one
        for one in registry.calibrations
    }
    lines = {key: (exact(one.gain), exact(one.offset)) for key, one in wanted.items()}
    changed = [key for key in stored.keys() | lines.keys() if stored.get(key) != lines.get(key)]
    _require_unused(session, registry, series_id, sorted(changed))
    for key in stored.keys() - wanted.keys():
        session.run("calibration_gone", _params(key))
    for key, one in wanted.items():
        gain, shift = lines[key]
        facts = {"gain": gain, "shift": shift, "certificate": one.certificate, "source": one.source}
        session.run("register_calibration", {**_params(key), **facts})


def _require_unused(session: Session, registry: Registry, series_id: NDArray[np.int32], changed: list[_Key]) -> None:
    slots, of = {series: slot for slot, series in enumerate(series_id.tolist())}, registry.series().device
    faults = []
    for key in changed:
        ((used,),) = session.rows("calibration_lies_under", _params(key))
        if used:
            slot = slots[key.series_id]
            device, field = registry.devices[of[slot]], registry.field_of(slot, int(of[slot]))
            faults.append(
                f"{FILE}: {device.code} {field.name} from {rfc3339(key.valid_from_us)}: observations of that "
                "time are stored, and were corrected otherwise; leave that line as it was, and let the new one begin "
                "after the newest observation"
            )
    if faults:
        raise CatalogueRefused(tuple(faults))


def _params(key: _Key) -> dict[str, object]:
    return {"series_id": key.series_id, "valid_from": Timestamp(key.valid_from_us)}
