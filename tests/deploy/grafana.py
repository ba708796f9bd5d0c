"""What Grafana makes of a panel's query before it sends it: macros and variables, as its PostgreSQL data source does.

Knows the text of queries; knows neither the dashboards nor the database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.grafana import DASHBOARDS

_FILTER = re.compile(r"\$__timeFilter\(([^()]+)\)")
_VARIABLE = re.compile(r"\$\{(\w+):sqlstring\}")


@dataclass(frozen=True)
class Question:
    """One query of a panel or of a variable, as it stands in the dashboard."""

    dashboard: str
    title: str
    shape: str
    sql: str

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.title}"


def dashboards() -> dict[str, dict[str, Any]]:
    """Every dashboard that is provisioned, by the name of its file."""
    return {path.stem: _loaded(path) for path in sorted(DASHBOARDS.glob("*.json"))}


def _loaded(path: Path) -> dict[str, Any]:
    dashboard: dict[str, Any] = json.loads(path.read_text())
    return dashboard


def questions(name: str, dashboard: Mapping[str, Any]) -> Iterator[Question]:
    """Every query in SQL of a dashboard's panels."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            if "rawSql" in target:
                yield Question(name, panel["title"], target["format"], target["rawSql"])


def variables(name: str, dashboard: Mapping[str, Any]) -> Iterator[tuple[str, bool, Question | list[str]]]:
    """Every variable of a dashboard: its name, whether it takes several values, and its query or its values."""
    for one in dashboard["templating"]["list"]:
        values: Question | list[str] = one["query"].split(",")
        if one["type"] == "query":
            values = Question(name, f"variable {one['name']}", "table", one["query"])
        yield one["name"], one["multi"], values


def spelled_out(sql: str, start: datetime, end: datetime, values: Mapping[str, Sequence[str]]) -> str:
    """Return the query as Grafana sends it for a span of time and these values of its variables.

    Nothing that Grafana would have to replace may be left.
    """
    begin, until = (f"'{at.astimezone().isoformat()}'" for at in (start, end))
    sql = _FILTER.sub(lambda found: f"{found[1]} BETWEEN {begin} AND {until}", sql)
    sql = sql.replace("$__timeFrom()", begin).replace("$__timeTo()", until)
    sql = _VARIABLE.sub(lambda found: ",".join("'" + one.replace("'", "''") + "'" for one in values[found[1]]), sql)
    assert "$" not in sql, sql
    return sql
