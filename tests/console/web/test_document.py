"""The description of the API says what the program does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from console.settings import Settings
from console.web.app import create_app
from console.web.document import text_of
from console.web.server import open_site
from devices import load_registry
from engine.kpi import load_catalogue
from tests.system.pipeline import DEMO

FILE = Path(__file__).resolve().parents[3] / "docs" / "openapi.json"
GUIDE = FILE.with_name("api.md")


@pytest.fixture(scope="module")
def app() -> Any:
    return create_app(open_site(load_registry(DEMO), load_catalogue(DEMO), (), Settings(), database_url=""))


def test_the_document_in_the_repository_is_the_programs(app: Any) -> None:
    assert FILE.read_text(encoding="utf-8") == text_of(app), "run python -m console.web.document"


def test_every_operation_has_a_name_of_its_own_and_says_what_it_is(app: Any) -> None:
    operations = [one for path in app.openapi()["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names)
    assert [one["operationId"] for one in operations if not one.get("description")] == []


def test_what_a_class_says_of_its_attributes_stands_beside_each_of_them(app: Any) -> None:
    value = app.openapi()["components"]["schemas"]["ValueItem"]
    assert value["description"] == "One result of an indicator."
    assert value["properties"]["driver"]["description"].startswith("measurand that decides")
    assert [name for name, its in value["properties"].items() if "description" not in its] == []


def test_every_path_is_in_the_guide(app: Any) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    paths = [path.removeprefix("/api/v1") for path in app.openapi()["paths"]]
    assert [path for path in paths if f"`{path}" not in text] == []
