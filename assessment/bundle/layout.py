"""What lies where in a bundle, and how large it may be.

Knows names and limits; knows no content.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devices.tables import FILE_BYTES_MAX

MANIFEST: Final = "manifest.json"
MANIFEST_SHA256: Final = "manifest.sha256"
"""SHA-256 of the manifest, as `sha256sum --check` reads it."""
SIGNATURE: Final = "manifest.sig"
"""Ed25519 over the bytes of the manifest, 64 bytes."""
PUBLIC_KEY: Final = "manifest.pub.pem"
"""Of the key that signed."""
BESIDE: Final = (MANIFEST, MANIFEST_SHA256, SIGNATURE, PUBLIC_KEY)
"""Files that no manifest can list."""

RESULTS: Final = "results.json"
REPORT: Final = "report"
DEFINITIONS: Final = "definitions"
PACK: Final = "pack"
CITY: Final = "city"
DAYS: Final = "readings/days.parquet"
HEARD: Final = "readings/heard.parquet"
DIGESTS: Final = "readings/digests.parquet"

FILES_MAX: Final = 20_000
PATH_CHARS_MAX: Final = 240
MANIFEST_BYTES_MAX: Final = 16_000_000
READINGS_BYTES_MAX: Final = 2_000_000_000
LARGE_BYTES_MAX: Final = 200_000_000
"""Of one file of the report or of the evidence, and of the results."""
BUNDLE_BYTES_MAX: Final = 8_000_000_000


@dataclass(frozen=True, slots=True)
class Output:
    """One file of the report.

    Attributes:
        name: of the file, without a folder.
        write: writes it to a path; the same figures give the same bytes.
    """

    name: str
    write: Callable[[Path], None]


def bytes_max(path: str) -> int:
    """Return how many bytes a file of a bundle may have."""
    if path == MANIFEST:
        return MANIFEST_BYTES_MAX
    if path in BESIDE:
        return 4096
    if path.startswith("readings/"):
        return READINGS_BYTES_MAX
    if path == RESULTS or path.startswith((f"{REPORT}/", f"{CITY}/evidence/")):
        return LARGE_BYTES_MAX
    return FILE_BYTES_MAX


def path_fault(path: str) -> str:
    """Return why a text cannot be the path of a file in a bundle; empty where it can."""
    if not path or len(path) > PATH_CHARS_MAX:
        return f"expected a path of 1 to {PATH_CHARS_MAX} characters"
    if path.startswith("/") or "\\" in path or ":" in path.split("/", 1)[0]:
        return "expected a path relative to the bundle, parts joined by `/`"
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "expected a path without empty parts, `.` and `..`"
    if any(ord(char) < 32 or ord(char) == 127 or 0xD800 <= ord(char) <= 0xDFFF for char in path):
        return "expected a path without control characters"
    return ""
