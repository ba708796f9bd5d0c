"""Turns the errors of the rooms below into what the command says. A room that was never imported costs nothing."""

from __future__ import annotations

import sys

from console.errors import ConsoleError, FailureError, MisuseError
from deploy.places import unusable

_BASES = (
    # module, class, what it becomes
    ("deploy.errors", "StackError", FailureError),
    ("engine.errors", "EngineError", FailureError),
    ("ingest.errors", "IngestError", FailureError),
    ("assessment.errors", "AssessmentError", FailureError),
    ("devices.errors", "DeviceError", MisuseError),
)
_REMEDIES = {
    "StoreUnavailable": "see that the database runs and that its url is right (`cityvitals doctor`), then try again",
    "OwnedByAnother": "",
}


def told(error: BaseException) -> ConsoleError | None:
    """Return what to say about an error of a room, or None for a fault of the program itself."""
    if isinstance(error, ConsoleError):
        return error
    for module, name, kind in _BASES:
        base = getattr(sys.modules.get(module), name, None)
        if base is not None and isinstance(error, base):
            return kind(str(error), _REMEDIES.get(type(error).__name__, ""))
    refused = unusable(error) if isinstance(error, OSError) else None
    return None if refused is None else FailureError(str(refused))
