"""Reading configuration strictly: every key is known, every fault is collected with its file and key.

Knows TOML tables and the words of a good message; knows nothing of what the tables mean.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

from devices.errors import ConfigError, Problem, ValueRefusedError, nearest
from devices.ticks import parse_number, text_from_number

MISSING: Final = object()
FILE_BYTES_MAX = 8_000_000
"""Bytes of one configuration file; a larger one is the wrong file."""


class Problems:
    """Collects the faults of several files, to be raised together."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, file: str, where: str, what: str) -> None:
        """Note one fault."""
        self.found.append(Problem(file, where, what))

    def raise_if_any(self) -> None:
        """Raise `ConfigError` with every fault noted so far."""
        if self.found:
            raise ConfigError(self.found)


class Table:
    """One table of a TOML file; reading a key checks its type and marks it as known."""

    def __init__(self, values: Mapping[str, object], file: str, where: str, problems: Problems) -> None:
        self._values = values
        self._known: set[str] = set()
        self.file = file
        self.where = where
        self.problems = problems

    def at(self, key: str) -> str:
        """Return the full name of a key, for messages."""
        return f"{self.where}.{key}" if self.where else key

    def fault(self, key: str, what: str) -> None:
        """Note a fault of one key."""
        self.problems.add(self.file, self.at(key) if key else self.where, what)

    def raw(self) -> Mapping[str, object]:
        """Return what the table holds, unchecked."""
        return self._values

    def has(self, key: str) -> bool:
        """Return whether the table has the key."""
        return key in self._values

    def _take(self, key: str, expected: str, required: bool) -> object:
        self._known.add(key)
        if key in self._values:
            return self._values[key]
        if required:
            self.fault(key, f"is missing; expected {expected}")
        return MISSING

    def text(self, key: str, default: str | None = None, *, among: Iterable[str] = ()) -> str:
        """Return a text; without a default it is required. `among` lists what is allowed."""
        known = tuple(among)
        expected = f"one of {', '.join(known)}" if known else "a text"
        value = self._take(key, expected, default is None)
        if value is MISSING:
            return default or ""
        if not isinstance(value, str):
            self.fault(key, f"expected {expected}, got {value!r}")
            return default or ""
        if known and value not in known:
            self.fault(key, f"expected {expected}, got {value!r}{nearest(value, known)}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; empty when absent."""
        value = self._take(key, "a list of texts", False)
        if value is MISSING:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fault(key, f"expected a list of texts, got {value!r}")
            return ()
        return tuple(value)

    def words(self, key: str) -> tuple[str, ...]:
        """Return one value or a list of them, as messages may hold them: texts as they are, numbers as plain decimals,
        true and false as these words; empty when absent."""
        value = self._take(key, "a text, a number, true or false, or a list of them", False)
        if value is MISSING:
            return ()
        values = value if isinstance(value, list) else [value]
        try:
            return tuple(_word(item) for item in values)
        except (TypeError, ValueRefusedError):
            self.fault(key, f"expected a text, a number, true or false, or a list of them, got {value!r}")
            return ()

    def mapping(self, key: str) -> dict[str, str]:
        """Return a table of texts by text; empty when absent."""
        value = self._take(key, "a table of texts", False)
        if value is MISSING:
            return {}
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            self.fault(key, f"expected a table of texts, got {value!r}")
            return {}
        return dict(value)

    def number(self, key: str, default: Fraction | None = None, *, required: bool = False) -> Fraction | None:
        """Return an exact number: a TOML number, or a text such as `1/3.6`. None when absent and not required."""
        value = self._take(key, "a number", required)
        if value is MISSING:
            return default
        if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
            self.fault(key, f"expected a number, got {value!r}")
            return default
        try:
            return exact(value) if isinstance(value, str) else _bounded(value)
        except ValueError as error:
            self.fault(key, str(error))
            return default

    def whole(self, key: str, default: int | None = None, *, low: int, high: int) -> int:
        """Return a whole number in low..high; required without a default."""
        expected = f"a whole number from {low} to {high}"
        value = self._take(key, expected, default is None)
        if value is MISSING:
            return low if default is None else default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fault(key, f"expected {expected}, got {value!s}")
            return low if default is None else default
        return value

    def wholes(self, key: str, *, low: int, high: int) -> tuple[int, ...]:
        """Return whole numbers in low..high: a list, or one; empty when absent."""
        expected = f"whole numbers from {low} to {high}"
        value = self._take(key, expected, False)
        if value is MISSING:
            return ()
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(item, int) and not isinstance(item, bool) and low <= item <= high for item in values):
            self.fault(key, f"expected {expected}, got {value!s}")
            return ()
        return tuple(values)

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self._take(key, "true or false", False)
        if value is MISSING:
            return default
        if not isinstance(value, bool):
            self.fault(key, f"expected true or false, got {value!r}")
            return default
        return value

    def table(self, key: str) -> Table | None:
        """Return an inner table; None when absent."""
        value = self._take(key, "a table", False)
        if value is MISSING:
            return None
        if not isinstance(value, dict):
            self.fault(key, f"expected a table, got {value!r}")
            return None
        return Table(value, self.file, self.at(key), self.problems)

    def tables(self, key: str, *, required: bool = False) -> list[Table]:
        """Return an array of tables (`[[key]]`), in order."""
        value = self._take(key, f"at least one [[{key}]]", required)
        if value is MISSING:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value) or (required and not value):
            self.fault(key, f"expected at least one [[{key}]]")
            return []
        return [Table(item, self.file, f"{self.at(key)}[{i}]", self.problems) for i, item in enumerate(value, 1)]

    def muted(self) -> Table:
        """Return the same table, marking keys as known, with its faults thrown away."""
        table = Table(self._values, self.file, self.where, Problems())
        table._known = self._known
        return table

    def done(self) -> None:
        """Note a fault for every key nobody asked for."""
        for key in self._values:
            if key not in self._known:
                self.fault(key, f"unknown key{nearest(key, self._known)}")


def _word(value: object) -> str:
    """Return a value as the text that it is compared by."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return text_from_number(parse_number(str(value)))
    if isinstance(value, str):
        return value
    raise TypeError


def exact(text: str) -> Fraction:
    """Return the exact value of a decimal text or of a quotient of two (`0.001`, `1/3.6`).

    Raises:
        ValueError: anything else.
    """
    message = f"expected a decimal number or a quotient of two, got {text[:80]!r}"
    top, slash, bottom = text.partition("/")
    try:
        value = _bounded(Decimal(top))
        return value / _bounded(Decimal(bottom)) if slash else value
    except ArithmeticError as error:  # decimal.InvalidOperation and ZeroDivisionError
        raise ValueError(message) from error


def _bounded(value: int | Decimal) -> Fraction:
    """Return the number exactly, refusing what nobody means: infinities, and powers of ten as big as a bomb."""
    number = Decimal(value)
    if not number.is_finite() or abs(number.adjusted()) > 40 or len(number.as_tuple().digits) > 60:
        raise ValueError("expected a finite number of at most 60 digits between 1e-40 and 1e40")
    return Fraction(number)


def parse_toml(content: bytes, file: str, problems: Problems) -> Table | None:
    """Return the root table of a TOML file, numbers kept as exact decimals; None (and a fault) if it is not TOML."""
    if len(content) > FILE_BYTES_MAX:
        problems.add(file, "", f"expected at most {FILE_BYTES_MAX} bytes, got {len(content)}")
        return None
    try:
        values = tomllib.loads(content.decode("utf-8"), parse_float=Decimal)
    except UnicodeDecodeError as error:
        problems.add(file, f"byte {error.start}", "expected UTF-8 text")
        return None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        problems.add(file, "", f"not valid TOML: {error}")
        return None
    return Table(values, file, "", problems)
