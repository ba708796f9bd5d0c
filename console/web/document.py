"""The description of the API: `python -m console.web.document` writes it into `docs/openapi.json`.

Knows OpenAPI; a test keeps the document and the program together.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from console.settings_reader import attributes_in
from console.web.problems import MEDIA_TYPE, STANDARDS, TITLES, Problem

API_VERSION = "1"
ABOUT = """What a city knows of itself, live and with its history: read only, but for what operators do with alerts.

Values are exact decimals in strings; times are RFC 3339 in UTC with microseconds. Lists come in pages: `next` of one is
`cursor` of the following. Errors are problem details (RFC 9457) that name field and reason. Every GET has a strong
ETag. A parameter that an endpoint does not have is refused."""

_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}
_ALWAYS = {
    "422": TITLES["wrong-input"],
    "401": TITLES["sign-in-needed"],
    "403": TITLES["not-allowed"],
    "404": TITLES["not-found"],
    "429": TITLES["too-many"] + "; see Retry-After",
    "503": "The database does not answer, or too many requests are under way; see Retry-After",
}
"""What any endpoint may answer."""


def describe(app: FastAPI) -> None:
    """Let an application describe itself with problems for errors, and with nothing that changes by itself."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def parameters(app: FastAPI, endpoint: Callable[..., object]) -> frozenset[str] | None:
    """Return the names of an endpoint's query parameters, as they are described; None where it is not."""
    known: dict[str, frozenset[str]] | None = getattr(app.state, "parameters", None)
    if known is None:
        known = {
            operation["operationId"]: frozenset(
                one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"
            )
            for operations in app.openapi()["paths"].values()
            for operation in operations.values()
        }
        app.state.parameters = known
    return known.get(endpoint.__name__)


def _document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=API_VERSION, description=ABOUT, routes=app.routes)
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = TypeAdapter(Problem).json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    for schema in schemas.values():
        _explain(schema)
    for path, operations in found["paths"].items():
        for operation in operations.values():
            responses = operation["responses"]
            for status, text in _ALWAYS.items():
                responses.setdefault(status, {})["description"] = text
            if "requestBody" in operation:
                responses["413"] = {"description": TITLES["too-large"]}
            if path.startswith(STANDARDS):
                responses["400"] = responses.pop("422")
            for status, response in responses.items():
                if status >= "400":
                    response["content"] = {MEDIA_TYPE: _PROBLEM}
    return found


def _explain(schema: dict[str, Any]) -> None:
    """Put what a class says of its attributes beside each of them."""
    text = schema.get("description", "")
    explained = attributes_in(text)
    if explained:
        schema["description"] = text.partition("\n\nAttributes:")[0]
    for name, its in schema.get("properties", {}).items():
        if name in explained:
            its["description"] = explained[name]


def text_of(app: FastAPI) -> str:
    """Return the document as it stands in the repository."""
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> None:
    """Write the document into the file: the one named, else that of the documentation."""
    from console.paths import demo_city
    from console.settings import Settings
    from console.web.app import create_app
    from console.web.server import open_site
    from devices import load_registry
    from engine.kpi import load_catalogue

    path = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/openapi.json")
    folder = demo_city()
    assert folder is not None  # noqa: S101  (it comes with the simulators, which a checkout has)
    site = open_site(load_registry(folder), load_catalogue(folder), (), Settings(), database_url="")
    path.write_text(text_of(create_app(site)), encoding="utf-8")


if __name__ == "__main__":
    main()
