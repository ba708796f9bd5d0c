"""`/ngsi-ld/v1`: figures of KPIs as entities of NGSI-LD (ETSI GS CIM 009), to be read.

Knows paths, parameters and headers; what an entity is `engine.kpi.entities` knows, and where figures are kept
`console.web.told`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from console.web.asked import CODE_CHARS_MAX, listed_words
from console.web.formats import accepted_types
from console.web.paging import LIMIT_DEFAULT, LIMIT_MAX
from console.web.problems import FieldFault, ProblemError, absent, wrong
from console.web.site import SiteOf
from console.web.told import told
from engine.kpi.entities import ATTRIBUTES, CONTEXT, TYPE, TYPE_IRI, Told, named_by, normalised, plain

PREFIX = "/ngsi-ld/v1"
CONTEXT_PATH = f"{PREFIX}/jsonldContexts/cityvitals"
OFFSET_MAX = 1_000_000
LIST_CHARS_MAX = 4_000
"""Written as percent signs these still fit into the head of a request."""
JSON, JSON_LD = "application/json", "application/ld+json"
SIMPLE = ("keyValues", "simplified")
FORMS = ("normalized", *SIMPLE)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {JSON: {}, JSON_LD: {}},
        "headers": {"Link": {"schema": {"type": "string"}, "description": "The context; other pages of a list."}},
    },
    406: {"description": "Neither JSON nor JSON-LD is accepted"},
}

Options = Annotated[
    str, Query(max_length=CODE_CHARS_MAX, description="`keyValues` (or `simplified`) for plain keys and values.")
]

router = APIRouter(prefix=PREFIX, tags=["NGSI-LD"])


@router.get("/entities", responses=_RESPONSES)
def get_entities(
    request: Request,
    site: SiteOf,
    type_: Annotated[
        str | None, Query(alias="type", max_length=LIST_CHARS_MAX, description="Names of types, with commas.")
    ] = None,
    id_: Annotated[
        str | None, Query(alias="id", max_length=LIST_CHARS_MAX, description="Ids of entities, with commas.")
    ] = None,
    options: Options = "normalized",
    limit: Annotated[int, Query(ge=0, le=LIMIT_MAX, description="At most so many; 0 with `count` alone.")] = (
        LIMIT_DEFAULT
    ),
    offset: Annotated[int, Query(ge=0, le=OFFSET_MAX, description="After so many.")] = 0,
    count: Annotated[bool, Query(description="Say in NGSILD-Results-Count how many there are.")] = False,
) -> Response:
    """Figures of KPIs as `KeyPerformanceIndicator`: measured ones by data point, scope and period, then declared ones.

    Of every year, and the newest estimates. A longer list has the next page in the header `Link`.
    """
    form, simple = _form(request), _simple(options)
    if not limit and not count:
        raise wrong("limit", "expected 1 or more; 0 is for `count=true`")
    ids = None if id_ is None else [named_by(one.strip()) for one in id_.split(",")]
    known = None if ids is None else [one for one in ids if one is not None]
    fits = type_ is None or bool({TYPE, TYPE_IRI} & {one.strip() for one in type_.split(",")})
    found, total = told(site, known if fits else [], limit, offset)
    links = _pages(request, limit, offset, total) if limit else []
    return _answer(request, form, [_entity(one, simple) for one in found], links, total if count else None)


@router.get("/entities/{id}", responses=_RESPONSES)
def get_entity(
    request: Request,
    site: SiteOf,
    entity: Annotated[str, Path(alias="id", description="Of the entity.")],
    options: Options = "normalized",
) -> Response:
    """One figure of a KPI as `KeyPerformanceIndicator`."""
    form, simple = _form(request), _simple(options)
    named = named_by(entity)
    found = [] if named is None else told(site, [named], 1, 0)[0]
    if not found:
        raise absent("id", f"there is no entity {entity[:CODE_CHARS_MAX]!r}")
    return _answer(request, form, _entity(found[0], simple))


@router.get("/types", responses=_RESPONSES)
def get_entity_types(
    request: Request, site: SiteOf, details: Annotated[bool, Query(description="With names of attributes.")] = False
) -> Response:
    """The types of which there are entities: `KeyPerformanceIndicator`, or none yet."""
    form = _form(request)
    _, total = told(site, None, 0, 0)
    if not details:
        names = [TYPE] if total else []
        document = {"id": "urn:ngsi-ld:EntityTypeList:cityvitals", "type": "EntityTypeList", "typeList": names}
        return _answer(request, form, document)
    one = {"id": TYPE_IRI, "type": "EntityType", "typeName": TYPE, "attributeNames": sorted(ATTRIBUTES)}
    return _answer(request, form, [one] if total else [])


@router.get("/types/{type:path}", responses=_RESPONSES)
def get_entity_type(
    request: Request, site: SiteOf, name: Annotated[str, Path(alias="type", description="Name, or its whole IRI.")]
) -> Response:
    """One type: how many entities of it there are, and their attributes."""
    form = _form(request)
    total = told(site, None, 0, 0)[1] if name in (TYPE, TYPE_IRI) else 0
    if not total:
        raise absent("type", f"there are no entities of type {name[:CODE_CHARS_MAX]!r}")
    details = [
        {"id": CONTEXT[one], "type": "Attribute", "attributeName": one, "attributeTypes": ["Property"]}
        for one in sorted(ATTRIBUTES)
    ]
    document = {"id": TYPE_IRI, "type": "EntityTypeInfo", "typeName": TYPE, "entityCount": total}
    return _answer(request, form, {**document, "attributeDetails": details})


@router.get("/jsonldContexts/cityvitals", responses={200: {"content": {JSON_LD: {}}}})
def get_context() -> Response:
    """What the words of entities mean, as JSON-LD has it; nothing else is needed to read them."""
    return Response(_ENCODER.encode({"@context": CONTEXT}), media_type=JSON_LD)


def _form(request: Request) -> str:
    """Return which of the two forms a request accepts.

    Raises:
        ProblemError: neither.
    """
    accepted = accepted_types(request.headers.get("accept", "")) or ["*/*"]
    for one in accepted:
        if one in (JSON, "*/*", "application/*"):
            return JSON
        if one == JSON_LD:
            return JSON_LD
    reason = f"expected {JSON} or {JSON_LD}"
    raise ProblemError(406, "not-acceptable", f"Accept: {reason}", (FieldFault("Accept", reason),))


def _simple(options: str) -> bool:
    return bool({*listed_words("options", options, FORMS)} & {*SIMPLE})


def _entity(one: Told, simple: bool) -> dict[str, Any]:
    return plain(one) if simple else normalised(one)


def _answer(
    request: Request,
    form: str,
    document: dict[str, Any] | list[dict[str, Any]],
    links: Sequence[str] = (),
    count: int | None = None,
) -> Response:
    """Return what was asked for, with its context: within it as JSON-LD, else beside it."""
    context = _base(request) + CONTEXT_PATH
    given = list(links)
    if form == JSON:
        given.append(f'<{context}>; rel="http://www.w3.org/ns/json-ld#context"; type="{JSON_LD}"')
    elif isinstance(document, list):
        document = [{**one, "@context": context} for one in document]
    else:
        document = {**document, "@context": context}
    headers = {"Vary": "Accept"}
    if given:
        headers["Link"] = ", ".join(given)
    if count is not None:
        headers["NGSILD-Results-Count"] = str(count)
    return Response(_ENCODER.encode(document), headers=headers, media_type=form)


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _pages(request: Request, limit: int, offset: int, total: int) -> list[str]:
    """Return the links to the pages beside one, where there are any."""
    given = [(name, value) for name, value in request.query_params.multi_items() if name not in ("limit", "offset")]
    found = []
    for relation, place in (("prev", max(0, offset - limit)), ("next", offset + limit)):
        if (offset > 0) if relation == "prev" else (place < total):
            query = urlencode([*given, ("limit", limit), ("offset", place)])
            found.append(f'<{_base(request)}{PREFIX}/entities?{query}>; rel="{relation}"')
    return found
