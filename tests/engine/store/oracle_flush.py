"""The slow twin of flushing: dictionaries of rows with revisions."""

from __future__ import annotations

from dataclasses import dataclass, field

Figures = tuple[object, ...]


@dataclass
class SlowTable:
    """One table of revised figures.

    Attributes:
        rows: figures and revision by key.
        superseded: closed figures that were replaced, as (key, figures, revision).
    """

    rows: dict[object, tuple[Figures, int]] = field(default_factory=dict)
    superseded: list[tuple[object, Figures, int]] = field(default_factory=list)

    def write(self, key: object, figures: Figures, closed: bool) -> bool:
        """Write one row; say whether anything changed."""
        if key not in self.rows:
            self.rows[key] = (figures, int(closed))
            return True
        old, revision = self.rows[key]
        if revision == 0:
            self.rows[key] = (figures, int(closed))
            return old != figures or closed
        if old != figures:
            self.superseded.append((key, old, revision))
            self.rows[key] = (figures, revision + 1)
            return True
        return False

    def close(self, low: int, high: int, start: int) -> None:
        """Close what starts in a stretch of time; `start` is the position of the start in a key."""
        for key, (figures, revision) in self.rows.items():
            if low <= key[start] < high and revision == 0:  # type: ignore[index]
                self.rows[key] = (figures, 1)
