"""The truth as files: what must stand in every table when a fleet was sent, and a manifest of it all.

Knows the canonical form of a table (tab-separated lines, sorted by key, digest SHA-256), the two tables of the ledger
and the figures of the KPIs; the other tables of figures are written by `simulators.truth`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from devices import rfc3339
from simulators import truth
from simulators.fleet.errors import FleetError
from simulators.fleet.fleet import Fleet
from simulators.fleet.verdict import Tally
from simulators.truth import kpis
from simulators.truth.canonical import NULL

TRUTH = "truth"
KPI_FILE = "kpi.tsv"
MANIFEST = "manifest.json"


def ledger_lines(tally: Mapping[str, Tally]) -> list[str]:
    """Return the canonical table `ledger_device`: device | received, accepted, duplicate, quarantined."""
    return [
        f"{code}\t{found.received}\t{found.accepted}\t{found.duplicate}\t{found.quarantined}"
        for code, found in sorted(tally.items(), key=lambda item: item[0].encode())
        if found.received
    ]


def quarantine_lines(tally: Mapping[str, Tally]) -> list[str]:
    """Return the canonical table `quarantine`: device, reason | readings."""
    return [
        f"{code}\t{reason}\t{readings}"
        for code, found in sorted(tally.items(), key=lambda item: item[0].encode())
        for reason, readings in sorted(found.by_reason.items())
    ]


def kpi_lines(fleet: Fleet, way: str) -> list[str]:
    """Return the city's figures of its KPIs over all days of the fleet: data point | exact ratio."""
    period = kpis.Period(*fleet.span_us, Fraction(fleet.spec.days))
    found = kpis.figures(fleet.registry, fleet.accepted(way), period)
    lines = ((key, NULL if value is None else str(value)) for key, value in found.items())
    return [f"{key}\t{value}" for key, value in sorted(lines, key=lambda one: one[0].encode())]


def digest(lines: list[str]) -> str:
    """Return the digest of a canonical table."""
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def write_truth(fleet: Fleet, way: str, folder: Path) -> dict[str, str]:
    """Write every table as it must be when the fleet was sent in this way; return their digests.

    Beside them, without a digest, `kpi.tsv`: the figures of the KPIs are no table, they depend on the period asked for.

    Raises:
        FleetError: no such way, no faults to send, or the folder cannot be written.
    """
    tally = fleet.tally(way)
    tables = {"quarantine": quarantine_lines(tally), "ledger_device": ledger_lines(tally)}
    try:
        digests = truth.write(fleet.registry, fleet.accepted(way), folder)
        for name, lines in tables.items():
            (folder / f"{name}.tsv").write_bytes("".join(f"{line}\n" for line in lines).encode())
            digests[name] = digest(lines)
        (folder / KPI_FILE).write_bytes("".join(f"{line}\n" for line in kpi_lines(fleet, way)).encode())
        (folder / truth.DIGESTS_FILE).write_text(json.dumps(digests, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    except OSError as error:
        raise FleetError(f"{folder}: the truth cannot be written: {error.strerror}") from error
    return digests


def write_manifest(fleet: Fleet, way: str, digests: Mapping[str, str], path: Path) -> None:
    """Write what was made, from what, and what must come of it.

    Args:
        fleet: the fleet.
        way: of sending.
        digests: of its tables.
        path: the file.

    Raises:
        FleetError: it cannot be written.
    """
    spec, (begin_us, end_us) = fleet.spec, fleet.span_us
    document = {
        "fleet": spec.path.stem,
        "fleet_sha256": hashlib.sha256(spec.path.read_bytes()).hexdigest(),
        "seed": spec.seed,
        "city": spec.city.code,
        "from": rfc3339(begin_us),
        "to": rfc3339(end_us),
        "devices": len(fleet.registry.devices),
        "series": fleet.registry.slot_count(),
        "way": way,
        **_figures(fleet, way),
        "digests": dict(digests),
    }
    try:
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise FleetError(f"{path}: cannot be written: {error.strerror}") from error


def _figures(fleet: Fleet, way: str) -> dict[str, object]:
    tally = fleet.tally(way)
    reasons: dict[str, int] = {}
    for found in tally.values():
        for reason, readings in found.by_reason.items():
            reasons[reason] = reasons.get(reason, 0) + readings
    return {
        "messages": len(fleet.sequence(way)),
        "received": sum(found.received for found in tally.values()),
        "accepted": sum(found.accepted for found in tally.values()),
        "duplicate": sum(found.duplicate for found in tally.values()),
        "quarantined": dict(sorted(reasons.items())),
    }
