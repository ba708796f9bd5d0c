"""Loads the rules of a city: the shipped ones, with what the file `alerts.toml` of its folder adds and changes.

Knows files and whose word counts; what an entry says is read elsewhere. A city's entry with the code of a shipped rule
must say why, in `changes`, and states only what differs, so that nothing is replaced by accident.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from console.alerts.reading import Known, read_rule
from console.alerts.rules import AlertRule
from console.alerts.shipped import AIR_INDICES, Entry, air_index_of, shipped_entries
from console.errors import MisuseError
from devices import Registry, nearest
from devices.tables import FILE_BYTES_MAX, Problems, Table, parse_toml
from engine.kpi import Fault, Pack
from engine.kpi.faults import Lines, placed

FILE: Final = "alerts.toml"
RULES_MAX: Final = 1_000
SHIPPED: Final = "shipped rules"
"""Stands for the file of the rules that come with the package."""
_EXCLUSIVE: Final = ({"above", "below", "band"}, {"rise", "fall", "change"})
"""Of each of these sets a rule has one key: a change brings its own."""


class AlertRulesError(MisuseError):
    """Rules that must not be used.

    Attributes:
        faults: all of them, in reading order.
    """

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        lines = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"the rules for alerts have faults:\n{lines}", "see docs/alerts.md")
        self.args = (faults,)
        self.faults = faults


def load_rules(folder: Path, registry: Registry, pack: Pack, file: Path | None = None) -> tuple[AlertRule, ...]:
    """Return the rules of a city's folder, or as they would be with another file in place of `alerts.toml`.

    Args:
        folder: of the city; without a file in it the shipped rules hold.
        registry: the city.
        pack: its KPIs.
        file: the other file.

    Raises:
        AlertRulesError: with every fault.
    """
    path = folder / FILE if file is None else file
    problems, lines = Problems(), {}
    root = None
    if file is not None or path.is_file():
        content = _content(path, problems)
        root = None if content is None else parse_toml(content, str(path), problems)
        if content is not None:
            lines[str(path)] = Lines(content.decode("utf-8", "replace"))
    rules = _rules(root, registry, pack, problems)
    faults = tuple(sorted(set(placed(problems.found, lines))))
    if faults:
        raise AlertRulesError(faults)
    return rules


def _content(path: Path, problems: Problems) -> bytes | None:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            problems.add(str(path), "", f"expected at most {FILE_BYTES_MAX} bytes")
            return None
        return path.read_bytes()
    except OSError as error:
        problems.add(str(path), "", f"cannot be read: {error.strerror}")
        return None


def _rules(root: Table | None, registry: Registry, pack: Pack, problems: Problems) -> tuple[AlertRule, ...]:
    index = air_index_of(registry.city.time_zone)
    use_shipped, tables = True, []
    if root is not None:
        index = root.text("air_index", index, among=AIR_INDICES)
        use_shipped = root.flag("shipped", True)
        tables = root.tables("alert")
        root.done()
    if len(tables) > RULES_MAX:
        problems.add(tables[0].file, "alert", f"expected at most {RULES_MAX} rules, got {len(tables)}")
    index = index if index in AIR_INDICES else AIR_INDICES[0]
    base = {entry["code"]: entry for entry in shipped_entries(index, bool(registry.city.zones))}
    known = Known.of(registry, pack)
    found: dict[str, tuple[Table, AlertRule | None]] = {}
    for table in tables[:RULES_MAX]:
        merged = _merged(table, base if use_shipped else {}, {code: one for code, (one, _) in found.items()})
        if merged is not None:
            found[str(merged.raw().get("code", ""))] = merged, read_rule(merged, known)
    if use_shipped:
        for code, entry in base.items():
            if code not in found:
                table = Table(entry, SHIPPED, code, problems)
                found[code] = table, read_rule(table, known)
    _check_covers(found)
    return tuple(rule for _, rule in found.values() if rule is not None)


def _merged(table: Table, base: Mapping[str, Entry], before: Mapping[str, Table]) -> Table | None:
    """Return an entry of the city, over the shipped one of its code where it says that it changes it."""
    values: dict[str, Any] = dict(table.raw())
    code, why = str(values.get("code", "")), values.get("changes", "")
    if code in before:
        table.fault("code", f"{before[code].where} is a rule {code!r} already")
        return None
    if why and code not in base:
        hint = nearest(code, base)
        table.fault("code", f"there is no shipped rule {code!r} to change{hint}; without `changes` it is a new one")
        return None
    if code in base:
        if not why:
            table.fault("code", f'{code!r} is a shipped rule; to change it, say why: changes = "…"')
            return None
        given = {key for keys in _EXCLUSIVE for key in keys if keys & values.keys()}
        drop = given | ({"clear"} if given else set()) | ({"title"} if given else set())
        values = {**{key: value for key, value in base[code].items() if key not in drop}, **values}
    else:
        values["changes"] = "added by the city"
    return Table(values, table.file, table.where, table.problems)


def _check_covers(found: Mapping[str, tuple[Table, AlertRule | None]]) -> None:
    """Note every rule that is covered by an unknown one, and every circle."""
    covered = {code: rule.covered_by for code, (_, rule) in found.items() if rule is not None}
    for code, others in covered.items():
        table = found[code][0]
        for other in others:
            if other not in found:
                table.fault("covered_by", f"unknown rule {other!r}{nearest(other, found)}")
        if _reaches(covered, code):
            table.fault("covered_by", f"{code} covers itself, by way of {', '.join(others)}")


def _reaches(covered: Mapping[str, tuple[str, ...]], code: str) -> bool:
    """Say whether a rule is among those that cover it, those that cover these, and so on."""
    seen: set[str] = set()
    waiting = list(covered.get(code, ()))
    while waiting:
        one = waiting.pop()
        if one == code:
            return True
        if one not in seen:
            seen.add(one)
            waiting += covered.get(one, ())
    return False
