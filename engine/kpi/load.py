"""Loads a pack from its folder, and the catalogue of a city: what is shipped with what the city adds or changes.

Knows folders, files and whose word counts; what an entry says is read and checked elsewhere.

A city's files have the form of the pack's. An entry whose code the pack has already must say why, in `changes`, and
states only what differs; without it the same code twice is a fault, so that nothing is replaced by accident.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, TypeVar

from devices.columns import Column, city_columns, load_columns
from devices.definitions import once_an_edition
from devices.errors import nearest
from devices.models import load_models
from devices.tables import FILE_BYTES_MAX, Problems, Table, parse_toml
from engine.kpi.checking import Place, check
from engine.kpi.definition import Input, Kpi, Pack, Target
from engine.kpi.faults import Fault, Lines, PackError, placed
from engine.kpi.formula import data_point_key, normalise_code
from engine.kpi.inputs import known_keys, read_input
from engine.kpi.reading import FILE_KEYS, read_kpi
from engine.kpi.targets import read_target

SHIPPED: Final = "u4ssc"
"""The pack that comes with the package and is the base of every city's catalogue."""
CITY_FOLDER: Final = "kpis"
"""Folder of a city with its own definitions."""
FILES_MAX: Final = 200

T = TypeVar("T")

_ARRAYS: Final = ("kpi", "input", "target")
_PACK_KEYS: Final = ("code", "title", "edition", "source")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One table of an array as it stands in a file, or merged of two.

    Attributes:
        values: what it says; a KPI's includes what its file says for all.
        place: where it stands.
    """

    values: Mapping[str, Any]
    place: Place


@dataclass(slots=True)
class _Gathered:
    """The entries of all folders, by array and by code, and what is needed to report their faults."""

    problems: Problems = field(default_factory=Problems)
    lines: dict[str, Lines] = field(default_factory=dict)
    head: dict[str, str] = field(default_factory=dict)
    entries: dict[str, dict[str, _Entry]] = field(default_factory=lambda: {name: {} for name in _ARRAYS})

    def copied(self) -> dict[str, dict[str, _Entry]]:
        """Return the entries so far, by array and by code."""
        return {name: dict(entries) for name, entries in self.entries.items()}

    def faults(self) -> tuple[Fault, ...]:
        """Return every fault so far, once each, by file and line."""
        return tuple(sorted(set(placed(self.problems.found, self.lines))))


def load_pack(folder: Path | Traversable) -> Pack:
    """Return the pack of a folder of TOML files.

    Raises:
        PackError: with every fault of every file.
    """
    gathered = _Gathered()
    _gather(folder, gathered, pack=True)
    return _built(gathered, load_models(), load_columns())


def load_catalogue(city_folder: Path | None = None, base: Path | None = None) -> Pack:
    """Return a pack, with what the folder `kpis/` of a city adds and changes where there is one.

    Args:
        city_folder: of the city; None for the pack alone.
        base: folder of the pack, such as that of an earlier edition; None for the shipped one.

    Raises:
        PackError: with every fault of every file.
        ConfigError: the city's device models or columns have faults.
    """
    own = None if city_folder is None else city_folder / CITY_FOLDER
    if own is None or not own.is_dir():
        return shipped() if base is None else load_pack(base)
    gathered = _Gathered()
    _gather(shipped_folder() if base is None else base, gathered, pack=True)
    _gather(own, gathered, pack=False)
    return _built_for(own.parent, gathered)


def load_trial(city_folder: Path, file: Path) -> Pack:
    """Return a city's catalogue as it would be with one more file in its folder `kpis/`.

    Raises:
        PackError: with every fault of every file.
        ConfigError: the city's device models or columns have faults.
    """
    gathered = _Gathered()
    _gather(shipped_folder(), gathered, pack=True)
    own = city_folder / CITY_FOLDER
    if own.is_dir():
        _gather(own, gathered, pack=False)
    _gather_file(file, gathered, gathered.copied(), pack=False)
    return _built_for(city_folder, gathered)


def _built_for(city_folder: Path, gathered: _Gathered) -> Pack:
    models = city_folder / "models"
    return _built(gathered, load_models(models if models.is_dir() else None), city_columns(city_folder))


@once_an_edition
def shipped() -> Pack:
    """Return the pack that comes with the package."""
    return load_pack(shipped_folder())


def shipped_folder() -> Traversable:
    """Return the folder of the pack that comes with the package."""
    return resources.files("engine").joinpath("kpi", "packs", SHIPPED)


def _gather(folder: Path | Traversable, gathered: _Gathered, *, pack: bool) -> None:
    """Collect the entries of every file of a folder; `pack` says that it is a pack by itself, else a city's."""
    problems = gathered.problems
    if not folder.is_dir():
        problems.add(str(folder), "", "expected a folder of KPI definitions (*.toml)")
        return
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    if not 0 < len(files) <= FILES_MAX:
        problems.add(str(folder), "", f"expected 1 to {FILES_MAX} files *.toml, got {len(files)}")
    before = gathered.copied()
    for file in files[:FILES_MAX]:
        _gather_file(file, gathered, before, pack=pack)
    if pack and not gathered.head:
        problems.add(str(folder), "", f"expected a table [pack] with {', '.join(_PACK_KEYS)} in one of the files")


def _gather_file(
    file: Path | Traversable, gathered: _Gathered, before: Mapping[str, Mapping[str, _Entry]], *, pack: bool
) -> None:
    """Collect the entries of one file; `before` is what it may change."""
    root = _root(file, gathered)
    if root is None:
        return
    known_keys(root, (*_ARRAYS, *FILE_KEYS, "pack") if pack else (*_ARRAYS, *FILE_KEYS))
    head = root.table("pack") if pack else None
    if head is not None:
        known_keys(head, _PACK_KEYS)
        gathered.head.update({key: head.text(key) for key in _PACK_KEYS})
    shared = {key: root.raw()[key] for key in FILE_KEYS if root.has(key)}
    for array in _ARRAYS:
        for table in root.tables(array):
            _add(table, array, shared if array == "kpi" else {}, gathered, before[array], pack)


def _root(file: Path | Traversable, gathered: _Gathered) -> Table | None:
    try:
        content = file.read_bytes()
    except OSError as error:
        gathered.problems.add(str(file), "", f"cannot be read: {error.strerror}")
        return None
    root = parse_toml(content, str(file), gathered.problems)
    if len(content) <= FILE_BYTES_MAX:
        gathered.lines[str(file)] = Lines(content.decode("utf-8", "replace"))
    return root


def _code(array: str, table: Table) -> str:
    """Return what an entry is known by: two of one code cannot stand beside each other."""
    values = {key: str(value) for key, value in table.raw().items()}
    if array == "kpi":
        return normalise_code(values.get("code", ""))
    if array == "target":
        return f"{data_point_key(values.get('kpi', ''), values.get('data_point', ''))} from {values.get('from', '')}"
    return values.get("code", "")


def _add(
    table: Table, array: str, shared: Mapping[str, Any], gathered: _Gathered, base: Mapping[str, _Entry], pack: bool
) -> None:
    """Note one entry, merged with the pack's of the same code where it says that it changes it."""
    code, entries = _code(array, table), gathered.entries[array]
    values: dict[str, Any] = {**shared, **table.raw()}
    why = values.get("changes", "")
    place = Place(table.file, table.where)
    if pack and "changes" in values:
        table.fault("changes", "only a city's own folder changes a pack")
    elif why and code not in base:
        hint = nearest(code, base)
        table.fault("code", f"there is no {array} {code!r} to change{hint}; without `changes` it is a new one")
        return
    elif code in base and entries[code] is base[code] and why:
        values = _merged(base[code].values, table.raw())
    elif code in entries:
        other = entries[code].place
        line = gathered.lines[other.file].line(other.where) if other.file in gathered.lines else 0
        remedy = '; to change it, say why: changes = "…"' if code in base else ""
        table.fault("code", f"{array} {code!r} stands in {other.file}:{line} already{remedy}")
        return
    elif not pack:
        values["changes"] = "added by the city"
    entries[code] = _Entry(values, place)


def _merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pack's entry with what a city's says instead; data points are joined by their id."""
    values = {**base, **{key: value for key, value in change.items() if key != "data_point"}}
    own = change.get("data_point", [])
    points = base.get("data_point", [])
    if own and isinstance(own, list) and all(isinstance(point, dict) for point in own):
        if set(change) <= {"code", "changes", "data_point"}:
            # Only some data points change: the others stay the pack's, and say so.
            values.pop("changes")
            own = [{**point, "changes": change["changes"]} for point in own]
        by_id = {point.get("id"): point for point in own}
        points = [{**point, **by_id.pop(point.get("id"), {})} for point in points] + list(by_id.values())
    if points:
        values["data_point"] = points
    return values


def _built(gathered: _Gathered, models: Iterable[str], columns: Mapping[str, Column]) -> Pack:
    """Return the pack the entries make.

    Raises:
        PackError: with every fault of every file.
    """
    problems = gathered.problems

    def read(array: str, reader: Callable[[Table], T]) -> dict[str, tuple[T, Place]]:
        return {
            code: (reader(Table(entry.values, entry.place.file, entry.place.where, problems)), entry.place)
            for code, entry in gathered.entries[array].items()
        }

    inputs: dict[str, tuple[Input, Place]] = read("input", lambda table: read_input(table, columns, models))
    kpis: dict[str, tuple[Kpi, Place]] = read("kpi", read_kpi)
    targets: dict[str, tuple[Target, Place]] = read("target", read_target)
    check(inputs, kpis, targets, problems)
    faults = gathered.faults()
    if faults:
        raise PackError(faults)
    return Pack(
        code=gathered.head["code"],
        title=gathered.head["title"],
        edition=gathered.head["edition"],
        source=gathered.head["source"],
        kpis=tuple(kpi for kpi, _ in kpis.values()),
        inputs={code: one for code, (one, _) in inputs.items()},  # a plain dict, so that packs travel between processes
        columns=columns,
        targets=tuple(sorted((one for one, _ in targets.values()), key=lambda t: (t.data_point, t.valid_from))),
    )
