"""What the core of the engine refuses, and with which facts.

Knows no room but its own; the store's errors live with the store.
"""

from __future__ import annotations


class EngineError(Exception):
    """Base of everything the engine refuses."""


class CalendarError(EngineError):
    """A zone or a time that the calendar cannot place."""


class UnfitSeriesError(EngineError):
    """Series whose figures could overflow or that lack a fact their kind needs; raised before anything is counted.

    Attributes:
        faults: one sentence per series, with what to change.
    """

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return "; ".join(self.faults)


class CellsFullError(EngineError):
    """A batch would hold more cells in memory than the limit; nothing was changed.

    Attributes:
        grid: name of the grid that is full.
        needed: cells that the batch could bring it to.
        limit: cells it may hold.
    """

    def __init__(self, grid: str, needed: int, limit: int) -> None:
        super().__init__(grid, needed, limit)
        self.grid, self.needed, self.limit = grid, needed, limit

    def __str__(self) -> str:
        return (
            f"{self.needed} cells of grid {self.grid} would be needed, {self.limit} may be held: "
            "write the dirty cells down, evict, and give the batch again in smaller parts"
        )
