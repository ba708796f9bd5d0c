"""Opens a bundle that somebody sent: a folder as it is, an archive unpacked where nobody else looks.

Knows what an archive may try: paths that lead elsewhere, links, names that stand twice, more than it seems to hold.
Nothing is written outside a new folder, and nothing is unpacked that was not measured before.
"""

from __future__ import annotations

import filecmp
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from assessment.bundle.layout import BESIDE, BUNDLE_BYTES_MAX, FILES_MAX, bytes_max, path_fault
from assessment.bundle.packed import write_packed
from assessment.errors import BundleError
from assessment.verify.verdict import Fault

CHUNK_BYTES: Final = 1 << 20
_ENCRYPTED: Final = 1


@contextmanager
def opened(path: Path) -> Iterator[tuple[Path, tuple[Fault, ...]]]:
    """Give the folder of a bundle and what is wrong with the archive that it came in.

    Raises:
        BundleError: there is neither a folder nor an archive.
        OSError: it cannot be read, or there is no room to unpack it.
    """
    if path.is_dir():
        yield path, ()
    elif path.is_file():
        with tempfile.TemporaryDirectory(prefix="cityvitals-verify-") as place:
            folder = Path(place) / "bundle"
            folder.mkdir()
            faults = _unpacked(path, folder)
            if not faults:
                again = Path(place) / "again.zip"
                write_packed(folder, again)
                if not filecmp.cmp(path, again, shallow=False):
                    faults = (Fault(path.name, "has bytes that are no file's: it is not as it was written"),)
            yield folder, faults
    else:
        raise BundleError(f"{path}: no such folder or archive; `cityvitals assess YEAR --out DIR` writes one")


def _unpacked(file: Path, folder: Path) -> tuple[Fault, ...]:
    """Write the files of an archive into a folder; nothing while any entry is not as it should be."""
    try:
        with ZipFile(file) as archive:
            entries = archive.infolist()
            faults = list(_faults(entries, file))
            if not faults:
                faults = [fault for one in entries if (fault := _one(archive, one, folder)) is not None]
    except (BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        return (Fault(file.name, f"no archive that can be read: {str(error)[:120]}"),)
    return tuple(faults)


def _faults(entries: list[ZipInfo], file: Path) -> Iterator[Fault]:
    """Give what is wrong with the entries of an archive, before any is unpacked."""
    if not 0 < len(entries) <= FILES_MAX + len(BESIDE):
        yield Fault(file.name, f"expected 1 to {FILES_MAX} files, got {len(entries)}")
        return
    if sum(one.file_size for one in entries) > min(file.stat().st_size, BUNDLE_BYTES_MAX):
        yield Fault(file.name, "states more bytes than it has")
    seen: set[str] = set()
    for one in entries:
        path, mode = one.filename, one.external_attr >> 16
        what = path_fault(one.orig_filename)
        if not what and path in seen:
            what = "stands twice in the archive"
        if not what and mode and not stat.S_ISREG(mode):
            what = "expected a file, and it is a link or something else"
        if not what and (one.compress_type != ZIP_STORED or one.flag_bits & _ENCRYPTED):
            what = "expected to be stored as it is, neither compressed nor encrypted"
        if not what and one.file_size > bytes_max(path):
            what = f"expected at most {bytes_max(path)} bytes, got {one.file_size}"
        seen.add(path)
        if what:
            yield Fault(ascii(path)[1:-1][:200], what)


def _one(archive: ZipFile, entry: ZipInfo, folder: Path) -> Fault | None:
    """Unpack one file; what is wrong with it is returned."""
    target = folder / entry.filename
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, target.open("xb") as written:
            _copy(source, written, entry.file_size)
    except (BadZipFile, EOFError, NotImplementedError) as error:
        return Fault(entry.filename, f"cannot be unpacked: {str(error)[:120]}")
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        return Fault(entry.filename, "cannot be unpacked: another file of the archive stands in its way")
    return None


def _copy(source: IO[bytes], target: IO[bytes], size: int) -> None:
    while size > 0 and (chunk := source.read(min(CHUNK_BYTES, size))):
        target.write(chunk)
        size -= len(chunk)
    source.read(1)  # behind the last byte the checksum is looked at
