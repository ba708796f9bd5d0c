"""What the store refuses or cannot do, with the facts a handler needs.

Knows no driver: nobody outside this folder ever sees an error of the driver's.
"""

from __future__ import annotations

from engine.errors import EngineError


class StoreError(EngineError):
    """Base of everything that goes wrong in the store. Trying the same again will not help."""


class StoreUnavailable(StoreError):  # noqa: N818  (a condition that passes, not a mistake)
    """The server is away, restarting, overloaded, or the connection to it broke: reconnect, own again, and retry."""


class SchemaOutdated(StoreError):  # noqa: N818
    """The database's tables are not those this version works with.

    Attributes:
        missing: migrations the database has not seen; `cityvitals migrate` runs them.
        unknown: migrations the database has seen and this version does not know: a newer version was here.
    """

    def __init__(self, missing: tuple[str, ...], unknown: tuple[str, ...]) -> None:
        super().__init__(missing, unknown)
        self.missing, self.unknown = missing, unknown

    def __str__(self) -> str:
        if self.unknown:
            return (
                f"the database was migrated by a newer version (it knows {', '.join(self.unknown)}): "
                "run that version, or restore a backup"
            )
        return f"the database lacks {', '.join(self.missing)}: run `cityvitals migrate`"


class OwnedByAnother(StoreError):  # noqa: N818
    """Another session writes this partition's series; two writers are never allowed.

    Attributes:
        partition: which series.
        duty: what the other one does with them, `append` or `flush`.
        holder: name the other one gave itself, its process at the server and since when it is connected.
    """

    def __init__(self, partition: int, duty: str, holder: str) -> None:
        super().__init__(partition, duty, holder)
        self.partition, self.duty, self.holder = partition, duty, holder

    def __str__(self) -> str:
        return (
            f"partition {self.partition} is owned ({self.duty}) by {self.holder}: one at a time may write; "
            "stop that program, or wait until it ends (on the local stack `cityvitals down`, then `up --servers`)"
        )


class NotOwned(StoreError):  # noqa: N818
    """Something would be written without owning the partition; after every reconnect it is owned anew.

    Attributes:
        partition, duty: what has to be owned first.
    """

    def __init__(self, partition: int, duty: str) -> None:
        super().__init__(partition, duty)
        self.partition, self.duty = partition, duty

    def __str__(self) -> str:
        return f"partition {self.partition} is not owned ({self.duty}): call own({self.partition}) after connecting"


class CatalogueRefused(StoreError):  # noqa: N818
    """The city's configuration contradicts what is stored.

    Attributes:
        faults: one sentence per contradiction, with what to do.
    """

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return "; ".join(self.faults)
