"""How an answer is written: JSON, JSON Lines or CSV, one page of items or one value.

Knows frozen dataclasses and HTTP; knows no resource. Items of a series have flat fields, so that each fits a row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

import msgspec
from fastapi import Depends, Query, Request
from starlette.responses import Response

from console.web.problems import FieldFault, ProblemError

T = TypeVar("T")


class Format(StrEnum):
    """What a series can be written as."""

    JSON = "json"
    CSV = "csv"
    JSONL = "jsonl"


MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.JSONL: "application/jsonl",
}
SERIES_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/jsonl": {"schema": {"type": "string"}},
        },
        "headers": {"Link": {"schema": {"type": "string"}, "description": 'The next page, `rel="next"`.'}},
    },
    406: {"description": "None of the formats asked for can be given"},
}
"""For the description of endpoints whose answer has a choice of formats."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list.

    Attributes:
        items: in the order of the list.
        next: cursor of the page that follows; null on the last one.
    """

    items: tuple[T, ...]
    next: str | None = None


def _chosen(
    request: Request,
    asked: Annotated[
        Format | None, Query(alias="format", description="Instead of the header Accept; `json` where neither says.")
    ] = None,
) -> Format:
    """Return the format that a request asks for.

    Raises:
        ProblemError: it accepts none that we have.
    """
    if asked is not None:
        return asked
    accepted = accepted_types(request.headers.get("accept", ""))
    by_type = {media_type: one for one, media_type in MEDIA_TYPES.items()}
    for media_type in accepted:
        if media_type in ("*/*", "application/*"):
            return Format.JSON
        if media_type == "text/*":
            return Format.CSV
        if media_type in by_type:
            return by_type[media_type]
    if accepted:
        reason = f"expected one of {', '.join(by_type)}"
        raise ProblemError(406, "not-acceptable", f"Accept: {reason}", (FieldFault("Accept", reason),))
    return Format.JSON


FormatOf = Annotated[Format, Depends(_chosen)]
"""Parameter of an endpoint whose answer has a choice of formats."""


def accepted_types(header: str) -> list[str]:
    """Return the media types of an Accept header, the most wanted first, those refused left out."""
    found: list[tuple[float, str]] = []
    for part in header.split(","):
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        if media_type and weight > 0:
            found.append((-weight, media_type))
    return [media_type for _, media_type in sorted(found, key=lambda one: one[0])]


def whole(value: object) -> Response:
    """Return one value as JSON."""
    return Response(msgspec.json.encode(value), media_type=MEDIA_TYPES[Format.JSON])


def listed(
    request: Request, kind: type[Any], items: Sequence[Any], cursor: str | None, wanted: Format = Format.JSON
) -> Response:
    """Return a page of a list.

    Args:
        request: what it answers.
        kind: dataclass of the items.
        items: those of this page.
        cursor: of the page that follows; None on the last one.
        wanted: how it is written.
    """
    headers = {}
    if cursor is not None:
        given = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        headers["Link"] = f'<?{urlencode([*given, ("cursor", cursor)])}>; rel="next"'
    if wanted is Format.JSON:
        body = msgspec.json.encode({"items": items, "next": cursor})
    elif wanted is Format.JSONL:
        body = b"".join(msgspec.json.encode(item) + b"\n" for item in items)
    else:
        body = _csv(kind, items)
    return Response(body, headers=headers, media_type=MEDIA_TYPES[wanted])


def _csv(kind: type[Any], items: Sequence[Any]) -> bytes:
    """Return rows under the names of the fields; several values of a field stand in one cell, with semicolons."""
    names = [field.name for field in fields(kind)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    writer.writerow(names)
    writer.writerows([_cell(getattr(item, name)) for name in names] for item in items)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return ";".join(map(str, value)) if isinstance(value, tuple | list) else value
