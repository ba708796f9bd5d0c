"""KPIs by the API are those of the command, to the last key: the catalogue, one in full, what is behind a figure."""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from console.web.kpis import get_kpi
from console.web.stores import Stores
from engine.store import Store
from tests.console.command import cityvitals
from tests.console.web.client import Client
from tests.console.web.conftest import Filled, site_on
from tests.system.pipeline import DEMO

pytestmark = pytest.mark.system
PM = "EN: EN: AQ: 1C/pm2_5"


def command(filled: Filled, *arguments: str) -> list[dict[str, Any]]:
    done = cityvitals("--city", str(DEMO), "kpis", *arguments, "--json", CITYVITALS_DATABASE_URL=filled.url)
    assert done.code == 0, done.err
    return done.rows


def path(code: str, more: str = "") -> str:
    return f"kpis/{quote(code, safe='')}{more}"


def still(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the time at which figures were computed just now."""
    return [{**row, "figures": [{**one, "computed": None} for one in row["figures"]]} for row in rows]


def test_the_catalogue_comes_with_figures_as_the_command_has_it(get: Client, filled: Filled) -> None:
    rows = command(filled)
    assert any(figure["value"] is not None for row in rows for figure in row["figures"])
    assert get("kpis").items == rows
    zones = command(filled, "--scope", "zone")
    assert get("kpis", scope="zone").items == zones


def test_a_day_is_computed_when_it_is_asked_for(get: Client, filled: Filled) -> None:
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400))
    rows = command(filled, "--at", day)
    assert any(figure["horizon"] == "day" for row in rows for figure in row["figures"])
    assert still(get("kpis", at=day).items) == still(rows)


def test_scores_roll_up_as_the_command_rolls_them_up(get: Client, filled: Filled) -> None:
    rows = command(filled, "scores")
    assert get("kpis/scores").items == rows
    whole, points = rows[0], [row for row in rows if row["row"] == "data_point" and row["band"]]
    assert whole["row"] == "whole"
    assert whole["points"] == sum(row["band"] for row in points) > 0
    assert get("kpis/scores", at="2001").items == [], "a year without figures has no scores"


@pytest.mark.parametrize("code", [PM, "EN: EN: AQ: 1C", "EC: I: WS: 3C"])
def test_one_kpi_is_told_in_full_as_the_command_tells_it(get: Client, filled: Filled, code: str) -> None:
    assert get(path(code)).items == command(filled, "show", code)


def test_who_asks_for_a_stored_kpi_waits_for_nobody_whose_figures_are_computed(get: Client, filled: Filled) -> None:
    def compute() -> Store:
        raise AssertionError("no book is needed")

    site = replace(site_on(filled.url, filled.registry), books=Stores(compute, 1))
    with closing(site.stores):
        answer = get_kpi(site, PM)
    assert json.loads(answer.body)["items"] == get(path(PM)).items


def test_what_a_figure_was_added_up_from_comes_page_by_page(get: Client, filled: Filled) -> None:
    stations = get(path(PM, "/explain")).items
    assert {row["row"] for row in stations} == {"figure", "station"}
    assert get(path(PM, "/explain"), days="true").items == command(filled, "show", PM, "--days")
    whole = command(filled, "show", PM, "--observations", "--limit", "100000")
    rows, found = [], get(path(PM, "/explain"), observations="true", limit=500)
    while True:
        rows += [row for row in found.items if row["row"] == "observation"]
        if found.json["next"] is None:
            break
        found = get(path(PM, "/explain"), observations="true", limit=500, cursor=found.json["next"])
    assert len(rows) > 500
    assert rows == [row for row in whole if row["row"] == "observation"]
    device = rows[0]["device"]
    only = get(path(PM, "/explain"), days="true", device=device).items
    assert {row["device"] for row in only if row["row"] == "day"} == {device}


def test_what_cannot_be_answered_is_told_by_name(get: Client) -> None:
    unknown = get(path("EN: EN: AQ: 9C"))
    assert (unknown.status, unknown.fields) == (404, ["code"])
    assert get(path("EN: EN: AQ: 1C/pm3")).fields == ["code"]
    assert get("kpis", at="soon").fields == ["at"]
    assert get("kpis", at="1066-01").fields == ["at"]
    assert get("kpis/scores", at="2025-11").fields == ["at"]
    assert get("kpis", at="2001-01-01").status == 404
    assert get("kpis", scope="station").fields == ["scope"]
    assert get("kpis", scope="zone:nowhere").fields == ["scope"]
    assert get(path("EN: EN: AQ: 1C", "/explain")).fields == ["code"]
    assert get(path(PM, "/explain"), days="true", observations="true").fields == ["observations"]
    assert get(path(PM, "/explain"), device="nobody").fields == ["device"]
    assert get(path(PM, "/explain"), scope="zone:homes").status == 404
