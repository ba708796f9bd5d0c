"""Verifies a bundle: its files, then every figure from its readings, then whoever else is asked.

Knows the order of the steps; each is in a module of its own. Nothing of a bundle that is not whole is computed with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from assessment.bundle.layout import DIGESTS, REPORT, RESULTS
from assessment.bundle.manifest import Manifest, time_zone_here, versions_here
from assessment.errors import BundleError
from assessment.material import Material, assessed
from assessment.verify.compare import compared, results_of
from assessment.verify.integrity import integrity
from assessment.verify.material import bundle_material, definitions
from assessment.verify.opening import opened
from assessment.verify.reports import reports_checked
from assessment.verify.verdict import Checked, Fault, Signature, Verdict
from engine.calendar import Calendar

Against = Callable[[Path, Material], Iterable[Checked]]
"""Compares a bundle's readings with what they were taken from; given its folder and its material."""


def verify(bundle: Path, *, known: Ed25519PublicKey | None = None, against: Iterable[Against] = ()) -> Verdict:
    """Return what is to be said of a bundle.

    Args:
        bundle: its folder, or its archive.
        known: key that it must be signed by; None where none was given.
        against: what its readings are to be compared with as well.

    Raises:
        BundleError: there is no bundle at all.
        OSError: a file cannot be read.
    """
    with opened(bundle) as (folder, packed):
        found = integrity(folder, known) if not packed else None
        manifest = None if found is None else found.manifest
        faults = packed if found is None else found.faults
        head = (
            ("" if manifest is None else manifest.city),
            (0 if manifest is None else manifest.year),
            manifest is not None and manifest.closed,
            (Signature.NONE if found is None else found.signature),
            ("" if manifest is None else manifest.signed_by),
        )
        if faults or manifest is None:
            return Verdict(*head, faults)
        try:
            with definitions(folder):
                return _computed(folder, manifest, head, tuple(against))
        except BundleError as error:
            return Verdict(*head, tuple(_faults(error)))


def _computed(
    folder: Path, manifest: Manifest, head: tuple[str, int, bool, Signature, str], against: tuple[Against, ...]
) -> Verdict:
    material = bundle_material(folder, manifest)
    try:
        stated = results_of((folder / RESULTS).read_bytes(), RESULTS)
    except (OSError, ValueError) as error:
        raise BundleError(f"{RESULTS}: {error}") from None
    lines, checks = compared(stated, assessed(material))
    reports, unread = reports_checked(folder / REPORT, stated)
    others = [one for compare in against for one in compare(folder, material)]
    return Verdict(
        *head, (), lines, (*checks, *reports, *others), (*_notes(folder, manifest, material), *unread)
    )  # fmt: skip


def _notes(folder: Path, manifest: Manifest, material: Material) -> Iterable[str]:
    if not manifest.closed:
        yield "the year was not over, or its late readings were still awaited: the figures are not final"
    here = versions_here()
    for name in sorted({*here, *manifest.versions}):
        there = manifest.versions.get(name, "none")
        if there != here.get(name, "none"):
            yield f"{name} was {there[:40]} and is {here.get(name, 'none')} here"
    zone = time_zone_here(Calendar(material.registry.city.zone_info), manifest.year)
    if zone != dict(manifest.time_zone):
        yield (
            f"the clock of {zone['name']} is another one here than where the bundle was made: its days and hours of"
            " these years begin at other times"
        )
    if not (folder / DIGESTS).is_file():
        yield "there are no digests of the observations: what lies under the readings cannot be told from the bundle"


def _faults(error: BundleError) -> Iterable[Fault]:
    """Give the lines of an error as faults of the files they name."""
    for line in str(error).splitlines():
        file, colon, what = line.partition(": ")
        yield Fault(file, what) if colon and " " not in file else Fault("bundle", line)
