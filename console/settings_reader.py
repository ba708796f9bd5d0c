"""Reads a tree of frozen dataclasses from a TOML file and the environment, and reports every fault at once.

Knows dataclasses, TOML and environment variables; knows no setting by name.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from console.errors import MisuseError
from console.text import parse_span, parse_time

T = TypeVar("T")

FILE_SUFFIX = "_FILE"
"""`NAME_FILE` names a file that holds the secret `NAME`."""
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
_TYPE_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with the settings: where it stands, which key, what was expected."""

    where: str
    key: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.key}: {self.problem}" if self.key else f"{self.where}: {self.problem}"


class SettingsError(MisuseError):
    """The settings are wrong; carries every fault found.

    Attributes:
        faults: all of them, in the order of file, environment, relations.
    """

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        lines = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"the settings are wrong in {len(faults)} place{'s' * (len(faults) > 1)}:\n{lines}")
        self.args = (faults,)
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting: its dotted key, its type, its default and its explanation."""

    key: str
    type: Any
    default: Any
    help: str
    secret: bool

    @property
    def variable(self) -> str:
        """Return the key as the environment writes it, without the prefix."""
        return self.key.replace(".", "_").upper()


def leaves(tree: type[Any], secrets: frozenset[str], prefix: str = "") -> Iterator[Leaf]:
    """Yield every setting of a dataclass tree in the order of its fields."""
    hints = typing.get_type_hints(tree)
    explained = attributes_of(tree)
    for field in dataclasses.fields(tree):
        key = prefix + field.name
        kind = hints[field.name]
        if dataclasses.is_dataclass(kind):
            yield from leaves(typing.cast("type[Any]", kind), secrets, key + ".")
        else:
            yield Leaf(key, kind, field.default, explained.get(field.name, ""), key in secrets)


def attributes_of(tree: type[Any]) -> dict[str, str]:
    """Return the explanations under `Attributes:` of a class's docstring, by attribute name."""
    return attributes_in(inspect.cleandoc(tree.__doc__ or ""))


def attributes_in(docstring: str) -> dict[str, str]:
    """Return the explanations under `Attributes:` of a docstring without its indentation, by attribute name."""
    lines = docstring.splitlines()
    found: dict[str, str] = {}
    names: list[str] = []
    inside = False
    for line in lines:
        if line.startswith("Attributes:"):
            inside = True
        elif inside and line.strip() and not line.startswith(" "):
            break
        elif inside and (head := re.match(r"    (\w+(?:, \w+)*): (.*)", line)):
            names = head[1].split(", ")
            found.update(dict.fromkeys(names, head[2]))
        elif inside and names and line.strip():
            for name in names:
                found[name] += " " + line.strip()
    return found


class _Reader:
    """Collects values and faults from all sources; later sources win."""

    def __init__(self, known: Mapping[str, Leaf]) -> None:
        self.known = known
        self.values: dict[str, Any] = {}
        self.origin: dict[str, str] = {}
        self.faults: list[Fault] = []

    def put(self, where: str, shown_key: str, leaf: Leaf, raw: object, *, from_text: bool) -> None:
        try:
            value = _converted(leaf, raw, from_text=from_text)
        except ValueError as error:
            self.faults.append(Fault(where, shown_key, str(error)))
            return
        self.values[leaf.key] = value
        self.origin[leaf.key] = where

    def table(self, where: str, table: Mapping[str, Any], prefix: str = "") -> None:
        sections = {key.rsplit(".", 1)[0] for key in self.known if "." in key}
        for name, raw in table.items():
            key = prefix + name
            if key in self.known:
                self.put(where, key, self.known[key], raw, from_text=False)
            elif key in sections and isinstance(raw, dict):
                self.table(where, raw, key + ".")
            elif key in sections:
                self.faults.append(Fault(where, key, f"this is a section; write its keys under [{key}]"))
            elif isinstance(raw, dict):
                self.faults.append(Fault(where, key, "no such section" + nearest(key, sections)))
            else:
                near = [k for k in self.known if k.rpartition(".")[0] == prefix.rstrip(".")] or list(self.known)
                self.faults.append(Fault(where, key, "no such setting" + nearest(key, near, self.known)))

    def environment(self, environ: Mapping[str, str], prefix: str, ignored: frozenset[str]) -> None:
        by_variable = {prefix + leaf.variable: leaf for leaf in self.known.values()}
        for name in sorted(environ):
            if not name.startswith(prefix) or name in ignored:
                continue
            leaf = by_variable.get(name)
            if leaf is not None:
                self.put("environment", name, leaf, environ[name], from_text=True)
                continue
            stem = name.removesuffix(FILE_SUFFIX)
            secret = by_variable.get(stem)
            if stem != name and secret is not None and secret.secret:
                self._secret(name, stem, secret, environ)
            elif stem != name and secret is not None:
                self.faults.append(Fault("environment", name, f"{stem} is no secret; set {stem} itself"))
            else:
                names = [*by_variable, *(v + FILE_SUFFIX for v, k in by_variable.items() if k.secret), *ignored]
                self.faults.append(Fault("environment", name, "no such setting" + nearest(name, names)))

    def _secret(self, name: str, stem: str, leaf: Leaf, environ: Mapping[str, str]) -> None:
        if stem in environ:
            self.faults.append(Fault("environment", name, f"give either {stem} or {name}, not both"))
            return
        try:
            text = Path(environ[name]).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            self.faults.append(Fault("environment", name, f"cannot read {environ[name]}: {_reason(error)}"))
            return
        if not text:
            self.faults.append(Fault("environment", name, f"{environ[name]} is empty"))
            return
        self.put("environment", name, leaf, text, from_text=True)


def nearest(wrong: str, known: Iterable[str], wider: Iterable[str] = ()) -> str:
    """Return `; did you mean X?` for the nearest known name, looked for first in `known`, then in `wider`."""
    for names in (known, wider):
        names = sorted(names)
        found = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
        if not found:
            # `url` for `mqtt.url`, or nearly the right key under the wrong section.
            last = {name.rsplit(".", 1)[-1]: name for name in reversed(names)}
            found = [last[n] for n in difflib.get_close_matches(wrong.rsplit(".", 1)[-1], last, n=1, cutoff=0.6)]
        if found:
            return f"; did you mean {found[0]}?"
    return ""


def read_tree(
    tree: type[T],
    *,
    file: Path | None,
    environ: Mapping[str, str],
    prefix: str,
    secrets: frozenset[str] = frozenset(),
    ignored: frozenset[str] = frozenset(),
) -> tuple[T, dict[str, str]]:
    """Build the tree from defaults, then the file, then the environment.

    Args:
        tree: a frozen dataclass; nested dataclasses are sections.
        file: a TOML file, or None for none.
        environ: the environment; names beginning with `prefix` must be settings or in `ignored`.
        prefix: begins every variable, e.g. `CITYVITALS_`.
        secrets: dotted keys that may also come as `NAME_FILE`.
        ignored: variables with the prefix that are no settings.

    Returns:
        The tree, and where each given key came from.

    Raises:
        SettingsError: with every fault found.
    """
    reader = _Reader({leaf.key: leaf for leaf in leaves(tree, secrets)})
    if file is not None:
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError((Fault(str(file), "", f"cannot be read: {_reason(error)}"),)) from None
        except tomllib.TOMLDecodeError as error:
            raise SettingsError((Fault(str(file), "", f"is not TOML: {error}"),)) from None
        reader.table(str(file), table)
        base = file.absolute().parent
        for key, value in reader.values.items():
            if isinstance(value, Path):
                reader.values[key] = base / value  # a path in a file is relative to the file
    reader.environment(environ, prefix, ignored)
    if reader.faults:
        raise SettingsError(tuple(reader.faults))
    return _build(tree, reader.values), reader.origin


def _build(tree: type[T], values: Mapping[str, Any], prefix: str = "") -> T:
    given: dict[str, Any] = {}
    for name, kind in typing.get_type_hints(tree).items():
        key = prefix + name
        if dataclasses.is_dataclass(kind):
            given[name] = _build(typing.cast("type[Any]", kind), values, key + ".")
        elif key in values:
            given[name] = values[key]
    return tree(**given)


def plain_type(kind: Any) -> Any:
    """Return the type without its `| None`."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return next(t for t in typing.get_args(kind) if t is not types.NoneType)
    return kind


def _converted(leaf: Leaf, raw: object, *, from_text: bool) -> Any:
    """Return the value as the setting's type; a secret's value is never repeated in a message."""
    kind = plain_type(leaf.type)
    shown = "" if leaf.secret else f", found {raw!r}"
    if kind is int and re.search(r"_us(_|$)", leaf.key):
        return _microseconds(raw, from_text=from_text)
    expected = ValueError(f"expected {_TYPE_NAMES.get(kind, kind)}{shown}")
    if kind in (str, Path):
        if not isinstance(raw, str) or not raw:
            raise expected
        return Path(raw).expanduser() if kind is Path else raw
    if kind is bool:
        if isinstance(raw, bool):
            return raw
        if from_text and str(raw).lower() in _TRUE | _FALSE:
            return str(raw).lower() in _TRUE
        raise expected
    if isinstance(raw, bool):
        raise expected
    if from_text:
        try:
            return kind(str(raw))
        except ValueError:
            raise expected from None
    if isinstance(raw, int) or (kind is float and isinstance(raw, float)):
        return kind(raw)
    raise expected


def _microseconds(raw: object, *, from_text: bool) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    if isinstance(raw, datetime):
        return parse_time(raw.isoformat(), UTC)
    if isinstance(raw, str):
        if from_text and re.fullmatch(r"-?\d+", raw):
            return int(raw)
        for parse in (parse_span, lambda text: parse_time(text, UTC)):
            try:
                return parse(raw)
            except ValueError:
                continue
    raise ValueError(f"expected microseconds, a span such as '2 min', or a time with its zone, found {raw!r}")


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "not UTF-8 text"
