"""Writes a bundle: definitions, the city's files, readings, exact results, the report, and the manifest of all.

Knows where each part comes from and where it goes; computes nothing, and asks no clock: the same assessment of the same
files gives the same bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from importlib.resources.abc import Traversable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assessment.answers import FILE as ANSWERS_FILE
from assessment.bundle.layout import (
    BESIDE,
    CITY,
    DAYS,
    DEFINITIONS,
    DIGESTS,
    HEARD,
    MANIFEST,
    MANIFEST_SHA256,
    PACK,
    PUBLIC_KEY,
    REPORT,
    RESULTS,
    SIGNATURE,
    Output,
    bytes_max,
    path_fault,
)
from assessment.bundle.manifest import Manifest, entries_of, sha256_line, time_zone_here, versions_here
from assessment.bundle.readings import write_days, write_digests, write_heard
from assessment.bundle.signing import fingerprint, public_pem
from assessment.errors import BundleError
from assessment.exact import exact_results, results_bytes
from assessment.material import Material
from assessment.result import Assessment
from devices.definitions import FILES, MODELS, definitions_folder
from devices.scripts import SUFFIX as SCRIPT_SUFFIX
from engine.archive import DayDigests
from engine.calendar import Calendar
from engine.kpi import DECLARED_FILE, shipped_folder
from engine.kpi.declared import EVIDENCE_FOLDER
from engine.kpi.load import CITY_FOLDER


def write_bundle(
    material: Material,
    assessment: Assessment,
    city_folder: Path,
    outputs: Iterable[Output],
    target: Path,
    *,
    key: Ed25519PrivateKey | None = None,
    digests: DayDigests | None = None,
) -> Manifest:
    """Write the bundle of an assessment; it is there whole or not at all.

    Args:
        material: what the assessment was computed from.
        assessment: its figures.
        city_folder: files that the material was read from.
        outputs: files of the report.
        target: folder to write; an earlier bundle there is replaced.
        key: signs it; None for a bundle that nobody signs.
        digests: of the observations under the readings; None where they are not to be had.

    Raises:
        BundleError: something else lies there, or a file cannot be part of a bundle.
        OSError: a file cannot be read or written.
    """
    if target.exists() and not _replaceable(target):
        raise BundleError(f"{target}: something else than a bundle lies there; give a folder that is empty or new")
    part = target.with_name(f"{target.name}.part")
    if part.exists():
        shutil.rmtree(part)
    part.mkdir(parents=True)
    try:
        _definitions(part / DEFINITIONS)
        _city(city_folder, material, part / CITY)
        _readings(material, digests, part)
        (part / RESULTS).write_bytes(results_bytes(exact_results(assessment)))
        (part / REPORT).mkdir()
        for one in outputs:
            one.write(part / REPORT / one.name)
        manifest = _seal(part, material, key)
    except BaseException:
        shutil.rmtree(part)
        raise
    if target.exists():
        shutil.rmtree(target)
    part.rename(target)
    return manifest


def _replaceable(target: Path) -> bool:
    return target.is_dir() and ((target / MANIFEST).is_file() or not any(target.iterdir()))


def _definitions(folder: Path) -> None:
    tables = definitions_folder()
    for name in FILES:
        _copy(tables.joinpath(name), folder / name)
    for source, pattern in ((tables.joinpath(MODELS), MODELS), (shipped_folder(), PACK)):
        for one in source.iterdir():
            if one.name.endswith((".toml", SCRIPT_SUFFIX)):
                _copy(one, folder / pattern / one.name)


def _city(source: Path, material: Material, folder: Path) -> None:
    for path in _city_files(source, material):
        _copy(source / path, folder / path)


def _city_files(source: Path, material: Material) -> Iterator[str]:
    """Give the files of a city that an assessment is computed from, and what proves its declared values."""
    yield from ("city.toml", "zones.geojson", "devices.csv")
    yield from (name for name in (DECLARED_FILE, ANSWERS_FILE) if (source / name).is_file())
    for name in (MODELS, CITY_FOLDER):
        if (source / name).is_dir():
            files = (one for one in sorted((source / name).iterdir()) if one.suffix in (".toml", SCRIPT_SUFFIX))
            yield from (f"{name}/{one.name}" for one in files)
    for evidence in sorted({one.evidence for one in material.declared if one.evidence}):
        if path_fault(evidence):
            raise BundleError(f"{DECLARED_FILE}: evidence {evidence!r}: {path_fault(evidence)}, relative to evidence/")
        yield f"{EVIDENCE_FOLDER}/{evidence}"


def _readings(material: Material, digests: DayDigests | None, folder: Path) -> None:
    (folder / DAYS).parent.mkdir()
    write_days(material.registry, material.days, folder / DAYS)
    write_heard(material.registry, material.heard, folder / HEARD)
    if digests is not None:
        write_digests(digests, folder / DIGESTS)


def _copy(source: Traversable, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as opened, target.open("wb") as written:
        shutil.copyfileobj(opened, written)


def _seal(folder: Path, material: Material, key: Ed25519PrivateKey | None) -> Manifest:
    """Write the manifest of what lies in a folder, its digest and its signature."""
    paths = [one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()]
    for path in paths:
        fault = path_fault(path)
        if fault or (folder / path).stat().st_size > bytes_max(path):
            raise BundleError(f"{path}: {fault or f'expected at most {bytes_max(path)} bytes'}")
    manifest = Manifest(
        city=material.registry.city.code,
        year=material.year,
        closed=material.closed,
        versions=versions_here(),
        time_zone=time_zone_here(Calendar(material.registry.city.zone_info), material.year),
        signed_by="" if key is None else fingerprint(key.public_key()),
        files=entries_of(folder, (path for path in paths if path not in BESIDE)),
    )
    content = manifest.content()
    (folder / MANIFEST).write_bytes(content)
    (folder / MANIFEST_SHA256).write_bytes(sha256_line(content))
    if key is not None:
        (folder / SIGNATURE).write_bytes(key.sign(content))
        (folder / PUBLIC_KEY).write_bytes(public_pem(key.public_key()))
    return manifest
