"""The page: the files of `static/`, each with its content type.

Knows files and paths; knows nothing of what the page shows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from console.web.problems import FOUND_CHARS_MAX, absent

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".geojson": "application/geo+json",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""By the end of the name; the machine's own table may say anything. Files of no kind named here are texts."""
VENDOR = "vendor/"
FOR_EVER = "public, max-age=31536000, immutable"
"""Files of others stand in folders with their version, so a name never means other bytes."""
API = ("/api/", "/sensorthings/", "/ngsi-ld/")
"""Paths that are no files, whatever a request wants there."""


class _PageRoute(Route):
    """Serves what no other route has, but under no path of the API: there a request is told what is allowed."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and scope["path"].startswith(API):
            return Match.NONE, {}
        return super().matches(scope)


def page_route(folder: Path = STATIC) -> Route:
    """Return the route of the page; add it after every other."""
    root = folder.resolve()

    def get_file(request: Request) -> Response:
        name: str = request.path_params["path"] or INDEX
        file = _inside(root, name)
        if file is None:
            raise absent("path", f"the page has no file {name[:FOUND_CHARS_MAX]!r}")
        headers: dict[str, Any] = {"Cache-Control": FOR_EVER} if name.startswith(VENDOR) else {}
        return Response(
            file.read_bytes(), headers=headers, media_type=CONTENT_TYPES.get(file.suffix, CONTENT_TYPES[".txt"])
        )

    return _PageRoute("/{path:path}", get_file, methods=["GET"], include_in_schema=False)


def _inside(root: Path, name: str) -> Path | None:
    """Return a file below a folder; None where there is none, or the name leads out of it."""
    try:
        file = (root / name).resolve()
        return file if file.is_file() and file.is_relative_to(root) else None
    except (OSError, ValueError):  # a name that no file can have
        return None
