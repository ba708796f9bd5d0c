"""What a request is told when it cannot be answered: problem details (RFC 9457) with the field and the reason.

Knows statuses, and what the rooms below raise; knows no resource.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from engine.store import SchemaOutdated, StoreUnavailable

log = logging.getLogger("console")

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:cityvitals:problem:"
RETRY_AWAY_S = 5
"""When a client should ask again while the database is away."""
RETRY_BUSY_S = 1
FOUND_CHARS_MAX = 100
"""How much of a wrong value is repeated."""
BODY_BYTES_MAX = 65_536
"""Nothing that is sent here is larger: a token, or a comment on an alert."""
STANDARDS = ("/sensorthings/", "/ngsi-ld/")
"""Below these paths a wrong request is answered 400: so say the standards that are served there."""
UNANSWERED = "the database is away, or was too slow; the console's log says more"
"""What anybody is told: what the database or its driver says may name servers and users."""

TITLES = {
    "wrong-input": "The request is wrong",
    "sign-in-needed": "It is not known who asks",
    "not-allowed": "This is not allowed to who asks",
    "not-found": "There is no such thing",
    "method-not-allowed": "This cannot be done here",
    "not-acceptable": "None of the formats asked for can be given",
    "too-large": "The request is too large",
    "too-many": "Too many requests of one client",
    "busy": "Too many requests at a time",
    "database-away": "The database does not answer",
    "internal": "A fault of the program",
}
"""Every problem by the last word of its type."""


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One thing wrong with a request.

    Attributes:
        field: the parameter, the part of the path, or the key of the body.
        reason: what was expected.
    """

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request was not answered, as RFC 9457 has it.

    Attributes:
        type: which kind of problem; a stable name.
        title: the same for people.
        status: of HTTP.
        detail: what happened this time.
        errors: what is wrong with the request, field by field.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldFault, ...] = ()


class ProblemError(Exception):
    """Ends a request with a problem.

    Attributes:
        problem: what the client is told.
        headers: to be sent with it.
    """

    def __init__(
        self,
        status: int,
        name: str,
        detail: str,
        errors: Sequence[FieldFault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(TYPE_PREFIX + name, TITLES[name], status, detail, tuple(errors))
        self.headers = dict(headers or {})


def wrong(field: str, reason: str) -> ProblemError:
    """Return what to raise where a value given by the client is wrong."""
    return ProblemError(422, "wrong-input", f"{field}: {reason}", (FieldFault(field, reason),))


def absent(field: str, reason: str) -> ProblemError:
    """Return what to raise where the client names something that does not exist."""
    return ProblemError(404, "not-found", reason, (FieldFault(field, reason),))


def busy(reason: str) -> ProblemError:
    """Return what to raise where a limit is reached."""
    return ProblemError(503, "busy", reason, headers={"Retry-After": str(RETRY_BUSY_S)})


def away(reason: str) -> ProblemError:
    """Return what to raise where the database cannot be asked."""
    return ProblemError(503, "database-away", reason, headers={"Retry-After": str(RETRY_AWAY_S)})


def too_large() -> ProblemError:
    """Return what to raise where a body is larger than any that means something here."""
    reason = f"expected at most {BODY_BYTES_MAX:,} bytes"
    return ProblemError(413, "too-large", f"body: {reason}", (FieldFault("body", reason),))


def problem_of(error: Exception) -> ProblemError | None:
    """Return what a client is told of an error; None for a fault of the program itself."""
    match error:
        case ProblemError():
            return error
        case RequestValidationError():
            faults = [_fault(one) for one in error.errors()]
            return ProblemError(422, "wrong-input", "; ".join(f"{f.field}: {f.reason}" for f in faults), faults)
        case StoreUnavailable():
            return away(UNANSWERED)
        case SchemaOutdated():
            return away(str(error))
        case HTTPException(status_code=404):
            return ProblemError(404, "not-found", "nothing is served under this path")
        case HTTPException(status_code=405):
            allowed = (error.headers or {}).get("Allow", "")
            return ProblemError(
                405, "method-not-allowed", f"allowed here: {allowed or 'another method'}", headers=error.headers
            )
        case HTTPException(status_code=413):
            return too_large()
        case HTTPException(status_code=400):
            return wrong("body", "expected JSON in UTF-8")  # of all that can be wrong this alone is no validation's
        case HTTPException() if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return ProblemError(error.status_code, "wrong-input", str(error.detail), headers=error.headers)
    return None


def response_of(error: ProblemError) -> Response:
    """Return a problem as an answer."""
    body = msgspec.json.encode(error.problem)
    return Response(body, error.problem.status, error.headers, media_type=MEDIA_TYPE)


def internal(error: Exception) -> Response:
    """Return the answer to a request that met a fault of ours; what it was stands in the log only."""
    log.error("a request met a fault of the program", exc_info=error)
    return response_of(ProblemError(500, "internal", "it is in the log of the console"))


def handle_problems(app: FastAPI) -> None:
    """Let an application answer with problems whatever its endpoints raise."""

    async def answer(request: Request, error: Exception) -> Response:
        known = problem_of(error)
        if known is None:
            return internal(error)
        return response_of(_by_standard(known) if request.url.path.startswith(STANDARDS) else known)

    for kind in (ProblemError, RequestValidationError, HTTPException, StoreUnavailable, SchemaOutdated):
        app.add_exception_handler(kind, answer)


def _by_standard(error: ProblemError) -> ProblemError:
    problem = error.problem
    if problem.status != HTTPStatus.UNPROCESSABLE_ENTITY:
        return error
    return ProblemError(HTTPStatus.BAD_REQUEST, "wrong-input", problem.detail, problem.errors, error.headers)


def _fault(one: Mapping[str, Any]) -> FieldFault:
    """Return what a validation found, without the place (`query`, `path`, `body`) in front of the name."""
    place, *names = one["loc"]
    found = one.get("input")
    if one["type"] == "json_invalid":
        return FieldFault("body", f"expected JSON: {one['ctx']['error']} at character {names[0] + 1}")
    if place == "body" and not names and found is not None:
        # A body of another type comes as it is.
        return FieldFault("body", "expected a JSON object, with the header Content-Type: application/json")
    shown = "" if found is None or isinstance(found, dict | list) else f", found {str(found)[:FOUND_CHARS_MAX]!r}"
    return FieldFault(".".join(map(str, names)) or place, f"{one['msg']}{shown}")
