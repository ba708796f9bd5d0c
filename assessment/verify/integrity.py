"""Whether the files of a bundle are those that its manifest lists, and who vouches for the manifest.

Knows paths, digests and keys; opens no file for its content but the manifest's own. Links are not followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from assessment.bundle.layout import (
    BESIDE,
    BUNDLE_BYTES_MAX,
    FILES_MAX,
    MANIFEST,
    MANIFEST_SHA256,
    PUBLIC_KEY,
    SIGNATURE,
    bytes_max,
    path_fault,
)
from assessment.bundle.manifest import Manifest, digest_of, parse_manifest, sha256_line
from assessment.bundle.signing import SIGNATURE_BYTES, fingerprint, public_key, public_pem, signed_right
from assessment.errors import BundleError
from assessment.verify.verdict import Fault, Signature


@dataclass(frozen=True, slots=True)
class Integrity:
    """What is to be said of a bundle's files.

    Attributes:
        manifest: None where there is none that can be read.
        faults: by file.
        signature: who vouches for the manifest.
    """

    manifest: Manifest | None
    faults: tuple[Fault, ...]
    signature: Signature


def integrity(folder: Path, known: Ed25519PublicKey | None) -> Integrity:
    """Return what is to be said of the files of a folder.

    Args:
        folder: of a bundle.
        known: key that the bundle must be signed by; None where none was given.

    Raises:
        OSError: a file cannot be read.
    """
    sizes, faults = _looked_at(folder)
    if MANIFEST not in sizes:
        faults.append(Fault(MANIFEST, "is missing: this is no bundle, or not a whole one"))
        return Integrity(None, tuple(sorted(faults)), Signature.NONE)
    content = (folder / MANIFEST).read_bytes()
    if MANIFEST_SHA256 not in sizes:
        faults.append(Fault(MANIFEST_SHA256, "is missing"))
    elif (folder / MANIFEST_SHA256).read_bytes() != sha256_line(content):
        faults.append(Fault(MANIFEST, f"is not what {MANIFEST_SHA256} states: one of the two was changed"))
    try:
        manifest = parse_manifest(content)
    except BundleError as error:
        faults.append(Fault(MANIFEST, str(error).removeprefix(f"{MANIFEST}: ")))
        return Integrity(None, tuple(sorted(faults)), Signature.NONE)
    faults += _listed(folder, manifest, sizes)
    signature, wrong = _signature(folder, manifest, content, sizes, known)
    return Integrity(manifest, tuple(sorted([*faults, *wrong])), signature)


def _looked_at(folder: Path) -> tuple[dict[str, int], list[Fault]]:
    """Return the length of every file that may be read, and what is wrong with the others."""
    sizes: dict[str, int] = {}
    faults: list[Fault] = []
    folders: set[str] = set()
    total = 0
    for path, status in _walked(folder):
        if len(sizes) + len(folders) > 2 * FILES_MAX:
            faults.append(Fault(path, f"expected at most {FILES_MAX} files; the rest was not looked at"))
            break
        fault = path_fault(path)
        if stat.S_ISDIR(status.st_mode):
            folders.add(path)
        elif fault:
            faults.append(Fault(ascii(path)[1:-1], fault))
        elif not stat.S_ISREG(status.st_mode):
            faults.append(Fault(path, "is no file but a link or something else; it was not followed"))
        elif status.st_size > bytes_max(path) or total + status.st_size > BUNDLE_BYTES_MAX:
            faults.append(
                Fault(path, f"has {status.st_size} bytes, expected at most {bytes_max(path)}; it was not read")
            )
        else:
            sizes[path] = status.st_size
            total += status.st_size
    named = {*sizes, *(one.file for one in faults)}
    needed = {str(parent) for path in named for parent in PurePosixPath(path).parents}
    faults += [Fault(path, "is an empty folder, and no file of the bundle") for path in sorted(folders - needed)]
    return sizes, faults


def _walked(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Give everything below a folder with its path in it; no link is followed."""
    waiting = [""]
    while waiting:
        at = waiting.pop()
        with os.scandir(folder / at) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                path, status = f"{at}{entry.name}", entry.stat(follow_symlinks=False)
                yield path, status
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(f"{path}/")


def _listed(folder: Path, manifest: Manifest, sizes: dict[str, int]) -> Iterator[Fault]:
    """Give where the manifest's list and the files differ."""
    listed = {one.path: one for one in manifest.files}
    for path in sorted(set(sizes) - set(listed) - set(BESIDE)):
        yield Fault(path, "stands in no manifest: it was added or renamed")
    for path, entry in listed.items():
        if path in BESIDE:
            yield Fault(path, "cannot stand in the manifest's own list")
        elif path not in sizes:
            yield Fault(path, "is missing: it was removed or renamed")
        elif (found := digest_of(folder / path)) != (entry.size_bytes, entry.sha256):
            yield Fault(
                path,
                f"was changed: expected {entry.size_bytes} bytes with SHA-256 {entry.sha256}, got {found[0]} with"
                f" {found[1]}",
            )


def _signature(
    folder: Path, manifest: Manifest, content: bytes, sizes: dict[str, int], known: Ed25519PublicKey | None
) -> tuple[Signature, list[Fault]]:
    """Return who vouches for the manifest, and what is wrong with what says so."""
    if not manifest.signed_by:
        unasked = [path for path in (SIGNATURE, PUBLIC_KEY) if path in sizes]
        faults = [Fault(path, "is there, and the manifest says that nobody signed it") for path in unasked]
        if known is not None:
            faults.append(Fault(SIGNATURE, "there is none, and a public key was given to hold it against"))
        return (Signature.WRONG if faults else Signature.NONE), faults
    faults = [
        Fault(path, f"is missing, and the manifest says that key {manifest.signed_by} signed it")
        for path in (SIGNATURE, PUBLIC_KEY)
        if path not in sizes
    ]
    if faults:
        return Signature.WRONG, faults
    pem = (folder / PUBLIC_KEY).read_bytes()
    key = public_key(pem)
    if key is None or pem != public_pem(key) or fingerprint(key) != manifest.signed_by:
        faults.append(Fault(PUBLIC_KEY, f"is not the key {manifest.signed_by} that the manifest names"))
        return Signature.WRONG, faults
    signature = (folder / SIGNATURE).read_bytes()
    if len(signature) != SIGNATURE_BYTES or not signed_right(key, signature, content):
        faults.append(Fault(SIGNATURE, f"is no signature of {MANIFEST} by {PUBLIC_KEY}: one of the three was changed"))
    elif known is not None and fingerprint(known) != manifest.signed_by:
        faults.append(Fault(SIGNATURE, f"is of the key {manifest.signed_by}; the one given is {fingerprint(known)}"))
    if faults:
        return Signature.WRONG, faults
    return (Signature.UNKNOWN if known is None else Signature.KNOWN), []
