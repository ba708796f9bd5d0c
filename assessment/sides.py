"""Exact results that somebody wrote, as one side of a comparison: of a folder, an archive, a file, or as text.

Knows how exact results are laid out and where they lie; compares nothing, and trusts nothing that it reads. It does not
say whether a bundle is sound: that is what verifying is for.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import msgspec

from assessment.compare import Side, Standing
from assessment.exact import FORMAT
from engine.kpi import DataPoint, Direction, NotReported, Pack, parse_formula

RESULTS: Final = "results.json"
"""Name of the exact results in a folder or archive."""
RESULTS_BYTES_MAX: Final = 200_000_000
_NUMBER: Final = re.compile(r"-?[0-9]{1,1000000}(/[0-9]{1,1000000})?")


class SideError(Exception):
    """What was named is no exact results.

    Attributes:
        name: of what was read.
        expected: what was expected there.
    """

    def __init__(self, name: str, expected: str) -> None:
        super().__init__(name, expected)
        self.name, self.expected = name, expected

    def __str__(self) -> str:
        return f"{self.name}: {self.expected}"


class _Score(msgspec.Struct):
    points: int
    target: str | None


class _Result(msgspec.Struct):
    data_point: str
    unit: str
    value: str | None
    reasons: list[str]
    basis: str
    quality: str
    received: int
    expected: int
    score: _Score
    definition: str


class _Rollup(msgspec.Struct):
    path: list[str]
    percent: str | None


class _Results(msgspec.Struct):
    format: str
    city: str
    year: int
    closed: bool
    results: list[_Result]
    rollups: list[_Rollup]


def read_side(path: Path, pack: Pack) -> Side:
    """Return the exact results of a bundle's folder or archive, or of the file itself.

    Args:
        path: of either of them.
        pack: for names, units for people and directions; what it lacks has its key for a name and no direction.

    Raises:
        SideError: there are none, or they are not of this form.
        OSError: it cannot be read.
    """
    if path.is_dir():
        path = path / RESULTS
    if not path.is_file():
        raise SideError(str(path), f"expected a folder or archive of an assessment, or its {RESULTS}; there is none")
    if zipfile.is_zipfile(path):
        return parse_side(_of_archive(path), pack, str(path))
    if path.stat().st_size > RESULTS_BYTES_MAX:
        raise SideError(str(path), f"expected at most {RESULTS_BYTES_MAX} bytes")
    return parse_side(path.read_bytes(), pack, str(path))


def parse_side(content: bytes, pack: Pack, name: str) -> Side:
    """Return exact results as one side; see `read_side`.

    Args:
        content: as `results_bytes` writes them.
        pack: for names and directions.
        name: of what was read, for messages.
    """
    try:
        found = msgspec.json.decode(content, type=_Results)
        if found.format != FORMAT:
            raise SideError(name, f"expected the format {FORMAT!r}, got {found.format[:40]!r}")
        points = {point.key: point for point in pack.data_points}
        return Side(
            city=found.city,
            year=found.year,
            closed=found.closed,
            standings={one.data_point: _standing(one, points) for one in found.results},
            groups={tuple(one.path): _number(one.percent) for one in found.rollups if one.percent is not None},
        )
    except (msgspec.MsgspecError, ValueError) as error:
        raise SideError(name, f"expected the exact results of an assessment: {error}") from None


def _of_archive(path: Path) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            # An archive may hold the folder's content or the folder itself.
            names = [one for one in archive.infolist() if one.filename.rsplit("/", 1)[-1] == RESULTS]
            if len(names) != 1:
                raise SideError(str(path), f"expected one {RESULTS} in the archive, found {len(names)}")
            if names[0].file_size > RESULTS_BYTES_MAX:
                raise SideError(str(path), f"expected at most {RESULTS_BYTES_MAX} bytes of {RESULTS}")
            return archive.read(names[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise SideError(str(path), f"expected an archive that can be read: {error}") from None


def _standing(one: _Result, points: Mapping[str, DataPoint]) -> Standing:
    if not 0 <= one.score.points <= 4:
        raise ValueError(f"{one.data_point}: expected 0 to 4 points, got {one.score.points}")
    return Standing(
        point=points.get(one.data_point) or _unknown(next(iter(points.values())), one),
        value=NotReported(tuple(one.reasons)) if one.value is None else _number(one.value),
        band=one.score.points,
        target=None if one.score.target is None else _number(one.score.target),
        received=one.received,
        expected=one.expected,
        quality=one.quality,
        basis=one.basis,
        definition=one.definition,
    )


def _unknown(like: DataPoint, one: _Result) -> DataPoint:
    """Return a data point of which only key and unit are known."""
    code, _, identifier = one.data_point.partition("/")
    return replace(
        like, code=code, id=identifier, id_name=identifier, id_name_ko="", name=code, name_ko="",
        dimension="", sub_dimension="", category="", definition="", numerator="", denominator="",
        formula=parse_formula("0"), unit=one.unit,
        unit_label=one.unit, direction=Direction.NONE, ideal=None, sdg=(), benchmark="", check="", source="", note="",
    )  # fmt: skip


def _number(text: str) -> Fraction:
    """Return a figure of its text; none that would take a machine's memory to write out."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"expected a whole number or a fraction such as 2/3, got {text[:40]!r}")
    try:
        return Fraction(text)
    except ZeroDivisionError:
        raise ValueError(f"expected a fraction whose denominator is not 0, got {text[:40]!r}") from None
