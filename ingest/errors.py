"""What can go wrong between the broker, or a file, and the store: few errors, each with its facts."""

from __future__ import annotations

from pathlib import Path


class IngestError(Exception):
    """Base of the errors of this room."""


class ProtocolError(IngestError):
    """The peer sent bytes that are not MQTT, or not allowed at this point; the connection is given up."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected, found)
        self.expected, self.found = expected, found

    def __str__(self) -> str:
        return f"MQTT protocol: expected {self.expected}, found {self.found}"


class ConnectionLost(IngestError):  # noqa: N818 - a state of the world, as the log names it
    """The connection ended, or its peer is silent; the session connects again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class SessionRefused(IngestError):  # noqa: N818
    """The broker will not have us, or we not it: credentials, certificates, a subscription. Somebody has to act."""

    def __init__(self, what: str, words: str, remedy: str) -> None:
        super().__init__(what, words, remedy)
        self.what, self.words, self.remedy = what, words, remedy

    def __str__(self) -> str:
        return f"{self.what}: {self.words}; {self.remedy}"


class SessionTakenOver(IngestError):  # noqa: N818
    """Another client connected with our client id. Connecting again would throw it out, and so on for ever."""

    def __init__(self, client_id: str) -> None:
        super().__init__(client_id)
        self.client_id = client_id

    def __str__(self) -> str:
        return (
            f"another client connected to the broker as {self.client_id!r} and took the session over; "
            "only one gateway may use a client id: stop the other one, or give this one its own client_id"
        )


class HistoryError(IngestError):
    """A file of past readings cannot be used, or not to its end.

    Attributes:
        path: the file.
        detail: what is wrong with it.
    """

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(path, detail)
        self.path, self.detail = path, detail

    def __str__(self) -> str:
        return f"{self.path}: {self.detail}"
