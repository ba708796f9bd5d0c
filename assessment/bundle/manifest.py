"""The manifest: which files a bundle has, their digests, and what its figures were computed with.

Knows the form of `manifest.json`; reads and writes no file but those it is asked to digest.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np

from assessment.bundle.layout import FILES_MAX, MANIFEST, path_fault
from assessment.errors import BundleError
from engine.calendar import Calendar

FORMAT: Final = "cityvitals-bundle-1"
CHUNK_BYTES: Final = 1 << 20
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
_KEYS: Final = {"format", "city", "year", "closed", "versions", "time_zone", "signed_by", "files"}


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One file.

    Attributes:
        path: relative to the bundle, parts joined by `/`.
        size_bytes: its length.
        sha256: of its content, in hexadecimal.
    """

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself.

    Attributes:
        city: code of the city.
        year: the reference year.
        closed: whether its figures could still change.
        versions: of what computed its figures, by name.
        time_zone: its name, and the digest of its transitions around the year.
        signed_by: fingerprint of the key that signs it; empty where nobody does.
        files: every file but the manifest itself and what stands for it, by path.
    """

    city: str
    year: int
    closed: bool
    versions: Mapping[str, str]
    time_zone: Mapping[str, str]
    signed_by: str
    files: tuple[Entry, ...]

    def content(self) -> bytes:
        """Return the bytes of `manifest.json`."""
        values = {
            "format": FORMAT,
            "city": self.city,
            "year": self.year,
            "closed": self.closed,
            "versions": dict(sorted(self.versions.items())),
            "time_zone": dict(self.time_zone),
            "signed_by": self.signed_by,
            "files": [{"path": one.path, "bytes": one.size_bytes, "sha256": one.sha256} for one in self.files],
        }
        return (json.dumps(values, ensure_ascii=False, indent=1) + "\n").encode()


def parse_manifest(content: bytes) -> Manifest:
    """Return the manifest that bytes write.

    Raises:
        BundleError: they write none; the message says what was expected.
    """
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{MANIFEST}: not valid JSON: {str(error)[:80]}") from None
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        found = str(values.get("format"))[:40] if isinstance(values, dict) else "no object"
        raise BundleError(f"{MANIFEST}: expected the format {FORMAT}, got {found}")
    try:
        return _manifest(values)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{MANIFEST}: {str(error)[:200]}") from None


def _manifest(values: Mapping[str, Any]) -> Manifest:
    if set(values) != _KEYS:
        raise ValueError(f"expected the keys {', '.join(sorted(_KEYS))}")
    files = values["files"]
    if not isinstance(files, list) or not 0 < len(files) <= FILES_MAX:
        raise ValueError(f"expected 1 to {FILES_MAX} files")
    entries = tuple(_entry(one) for one in files)
    paths = [one.path for one in entries]
    if paths != sorted(set(paths)):
        raise ValueError("expected files sorted by path, none twice")
    year, closed = values["year"], values["closed"]
    texts = {key: values[key] for key in ("city", "signed_by")}
    if not isinstance(year, int) or not isinstance(closed, bool) or not all(isinstance(t, str) for t in texts.values()):
        raise ValueError("expected city and signed_by as texts, year as a whole number, closed as true or false")
    versions, zone = _texts(values["versions"]), _texts(values["time_zone"])
    return Manifest(texts["city"], year, closed, versions, zone, texts["signed_by"], entries)


def _entry(one: Any) -> Entry:
    if not isinstance(one, dict) or set(one) != {"path", "bytes", "sha256"}:
        raise ValueError("expected each file with path, bytes and sha256")
    path, size, digest = one["path"], one["bytes"], one["sha256"]
    if not isinstance(path, str) or path_fault(path):
        raise ValueError(f"file {str(path)[:80]!r}: {path_fault(path) if isinstance(path, str) else 'expected a path'}")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise ValueError(f"file {path!r}: expected its bytes as a whole number")
    if not isinstance(digest, str) or not _SHA256.match(digest):
        raise ValueError(f"file {path!r}: expected its SHA-256 as 64 hexadecimal digits")
    return Entry(path, size, digest)


def _texts(values: Any) -> dict[str, str]:
    if not isinstance(values, dict) or not all(isinstance(text, str) for text in values.values()):
        raise TypeError("expected a table of texts as versions and as time_zone")
    return dict(values)


def entries_of(folder: Path, paths: Iterable[str]) -> tuple[Entry, ...]:
    """Return the entries of some files of a folder, by path."""
    return tuple(sorted(Entry(path, *digest_of(folder / path)) for path in paths))


def digest_of(file: Path) -> tuple[int, str]:
    """Return length and SHA-256 of a file."""
    found, size = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            found.update(chunk)
            size += len(chunk)
    return size, found.hexdigest()


def sha256_line(content: bytes) -> bytes:
    """Return the bytes of `manifest.sha256` for those of the manifest."""
    return f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n".encode()


def versions_here() -> dict[str, str]:
    """Return what figures are computed with here."""
    return {
        "cityvitals": version("cityvitals"),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "pyarrow": version("pyarrow"),
        "tzdata": version("tzdata"),
    }


def time_zone_here(calendar: Calendar, year: int) -> dict[str, str]:
    """Return a zone's name, and what its clock does from the year before to the year after, as a digest.

    Time-zone data differ between machines, mostly in years to come; two that agree here have the same days and hours.
    """
    (from_us, _), (_, to_us) = calendar.year_bounds(year - 1), calendar.year_bounds(year + 1)
    clock = calendar.clock
    inside = np.flatnonzero((clock.change_us[:-1] < to_us) & (clock.change_us[1:] > from_us))
    rows = [f"{max(int(clock.change_us[i]), from_us)} {int(clock.offset_us[i])}\n" for i in inside.tolist()]
    return {"name": calendar.zone.key, "transitions_sha256": hashlib.sha256("".join(rows).encode()).hexdigest()}
