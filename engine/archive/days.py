"""The folder of one archived day, and what its record `day.json` says.

Knows names of files and the record; knows no column. A record is sealed by a digest of its own text, so that no byte of
a day can change unseen: the record answers for the files beside it, and its seal for the record.

    DIR/<city>/day=2016-03-01/observations.parquet    sorted by device, field, measurand and time
                              day.json                the record, written last

Digests of series are computed when they are asked for, and held against the one digest of them all in the record: of
hourly readings they would take nearly as many bytes as the readings.
"""

from __future__ import annotations

import hashlib
import os
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from engine.errors import EngineError

FORMAT: Final = 1
OBSERVATIONS, RECORD = "observations.parquet", "day.json"
_PREFIX = "day="
_CHUNK_BYTES = 1 << 20


class ArchiveError(EngineError):
    """Something of an archive is missing, damaged, or not what the database has.

    Attributes:
        path: of the file or folder.
        what: what is wrong with it, and what to do.
    """

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(path, what)
        self.path, self.what = path, what

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


class Measure(msgspec.Struct, frozen=True, array_like=True):
    """What ticks of a measurand mean: the value is ticks * 10^-decimals in the unit; of a state its position.

    In the record it is a list of these four, which takes half the bytes.
    """

    code: str
    unit: str
    decimals: int
    states: tuple[str, ...] = ()


class FileFact(NamedTuple):
    """What a file is recognised by."""

    size_bytes: int
    sha256: str


class DayFacts(msgspec.Struct, frozen=True):
    """Which day of which city, and what its values mean.

    Attributes:
        city: code. time_zone: IANA name.
        day: civil day.
        measurands: of the series in it, by code.
    """

    city: str
    time_zone: str
    day: date
    measurands: tuple[Measure, ...]


class DayRecord(msgspec.Struct, frozen=True):
    """What `day.json` says.

    Attributes:
        format: of the folder.
        facts: which day.
        revision: 1, and one more whenever readings that came late were added.
        observations, series: how many.
        size_bytes, sha256: of `observations.parquet`.
        content: SHA-256 of what is in it, however it is packed; see `columns.content_digest`.
        seal: SHA-256 of the record's text with an empty seal.
    """

    format: int
    facts: DayFacts
    revision: int
    observations: int
    series: int
    size_bytes: int
    sha256: str
    content: str
    seal: str = ""

    def sealed(self) -> DayRecord:
        """Return the record with its seal."""
        bare = msgspec.structs.replace(self, seal="")
        return msgspec.structs.replace(bare, seal=hashlib.sha256(bare.text()).hexdigest())

    def text(self) -> bytes:
        """Return the one way to write this record."""
        return msgspec.json.encode(self) + b"\n"

    @property
    def folder_bytes(self) -> int:
        """Return what the day takes, the record itself included."""
        return self.size_bytes + len(self.text())


def day_folder(root: Path, city: str, day: date) -> Path:
    """Return where a day lies."""
    return root / city / f"{_PREFIX}{day.isoformat()}"


def days_of(root: Path, city: str) -> list[date]:
    """Return the archived days of a city, in order; a folder without a record is none."""
    found = []
    for folder in (root / city).glob(f"{_PREFIX}????-??-??"):
        if (folder / RECORD).is_file():
            try:
                found.append(date.fromisoformat(folder.name.removeprefix(_PREFIX)))
            except ValueError:
                raise ArchiveError(folder, "its name is no day: move it out of the archive") from None
    return sorted(found)


def days_at(root: Path, city: str) -> list[Path]:
    """Return the folders of the archived days of a city, in order."""
    return [day_folder(root, city, day) for day in days_of(root, city)]


def day_at(folder: Path) -> tuple[Path, str, date]:
    """Return archive, city and day of the folder of a day.

    Raises:
        ArchiveError: its name is no day.
    """
    try:
        day = date.fromisoformat(folder.name.removeprefix(_PREFIX))
    except ValueError:
        raise ArchiveError(folder, f"is no archived day: its name is not {_PREFIX}2016-03-01") from None
    return folder.parent.parent, folder.parent.name, day


def cities_of(root: Path) -> list[str]:
    """Return the codes of the cities with days in an archive, sorted."""
    return sorted({record.parent.parent.name for record in root.glob(f"*/{_PREFIX}*/{RECORD}")})


def read_record(root: Path, city: str, day: date) -> DayRecord:
    """Return the record of a day.

    Raises:
        ArchiveError: it is missing, was changed, or is another day's.
    """
    path = day_folder(root, city, day) / RECORD
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ArchiveError(path, f"cannot be read: {error.strerror or error}") from error
    try:
        record = msgspec.json.decode(text, type=DayRecord)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ArchiveError(path, f"is no record of a day: {error}") from error
    if record.text() != text or record.sealed().seal != record.seal:
        raise ArchiveError(path, "was changed: its text is not the one that its seal stands for")
    if record.format != FORMAT:
        raise ArchiveError(path, f"has format {record.format}; this version reads {FORMAT}")
    if (record.facts.city, record.facts.day) != (city, day):
        raise ArchiveError(path, f"is the record of {record.facts.day} of {record.facts.city}")
    return record


def file_fact(path: Path) -> FileFact:
    """Return size and digest of a file as it is."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while block := file.read(_CHUNK_BYTES):
            digest.update(block)
            size += len(block)
    return FileFact(size, digest.hexdigest())


def settle(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
