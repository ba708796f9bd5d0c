"""Knows how the description of a dashboard, one TOML file, becomes the JSON that Grafana reads.

A description holds what somebody decides: titles, queries, units, places. What Grafana wants besides is added here, the
same for every panel. Runs no query and needs no Grafana; `python -m deploy.grafana` writes all dashboards.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from deploy.errors import StackError

FOLDER = Path(__file__).resolve().parent
SOURCES, DASHBOARDS = FOLDER / "sources", FOLDER / "dashboards"
COLUMNS = 24
"""Width of a row in Grafana's grid."""
SCHEMA = 39
"""Version of Grafana's dashboard format; every later Grafana takes it."""
DATABASE = {"type": "grafana-postgresql-datasource", "uid": "cityvitals-database"}
METRICS = {"type": "prometheus", "uid": "cityvitals-prometheus"}

Json = dict[str, Any]

_LINK = {"type": "dashboards", "title": "cityvitals", "tags": ["cityvitals"], "asDropdown": True, "keepTime": True}
_REDUCED = {rows: {"values": rows, "calcs": ["lastNotNull"], "fields": ""} for rows in (True, False)}
"""What of an answer a single figure shows: every row, or the last of many values."""
_KINDS = ("timeseries", "table", "stat", "bargauge", "barchart")
_DASHBOARD = frozenset(("uid", "title", "description", "span", "refresh", "variable", "panel"))
_VARIABLE = frozenset(("name", "label", "sql", "values", "several"))
_LOOKS = ("kind", "width", "height", "unit", "decimals", "low", "stacked", "steps")
_PANEL = frozenset(("title", "description", "sql", "expr", "legend", *_LOOKS))


def sources() -> list[Path]:
    """Return the descriptions, one file per dashboard."""
    return sorted(SOURCES.glob("*.toml"))


def described(path: Path) -> Json:
    """Return a description as it stands in its file.

    Raises:
        StackError: a key is unknown, or a panel is of no kind that there is.
    """
    description = tomllib.loads(path.read_text(encoding="utf-8"))
    _known(path, "the dashboard", description, _DASHBOARD)
    for variable in description.get("variable", ()):
        _known(path, f"variable {variable['name']}", variable, _VARIABLE)
    for panel in description["panel"]:
        _known(path, f"panel {panel['title']}", panel, _PANEL)
        if panel["kind"] not in _KINDS or ("sql" in panel) == ("expr" in panel):
            kinds = ", ".join(_KINDS)
            raise StackError(f"{path.name}: panel {panel['title']}: its kind is one of {kinds}, with `sql` or `expr`")
    return description


def rendered(description: Mapping[str, Any]) -> str:
    """Return the dashboard as Grafana's JSON, the same text for the same description."""
    panels = list(_placed(description["panel"]))
    dashboard = {
        "uid": description["uid"],
        "title": description["title"],
        "description": description["description"],
        "tags": ["cityvitals"],
        "schemaVersion": SCHEMA,
        # Of the server, which deploy/compose.yaml sets to the city's: every reader sees the city's clock.
        "timezone": "",
        "editable": False,
        "graphTooltip": 1,
        "time": {"from": f"now-{description['span']}", "to": "now"},
        "refresh": description.get("refresh", "30s"),
        "links": [_LINK],
        "templating": {"list": [_variable(one) for one in description.get("variable", ())]},
        "annotations": {"list": []},
        "panels": panels,
    }
    return json.dumps(dashboard, indent=1, ensure_ascii=False) + "\n"


def _known(path: Path, what: str, given: Iterable[str], known: frozenset[str]) -> None:
    if unknown := sorted(set(given) - known):
        raise StackError(f"{path.name}: {what}: {', '.join(unknown)} unknown; there are {', '.join(sorted(known))}")


def _placed(panels: Iterable[Mapping[str, Any]]) -> Iterator[Json]:
    """Yield panels from left to right, and in the next row where one no longer fits."""
    x = y = tallest = 0
    for number, panel in enumerate(panels, 1):
        width, height = panel.get("width", COLUMNS), panel.get("height", 8)
        if x + width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        yield _panel(number, panel, {"x": x, "y": y, "w": width, "h": height})
        x, tallest = x + width, max(tallest, height)


def _panel(number: int, panel: Mapping[str, Any], place: Mapping[str, int]) -> Json:
    kind = panel["kind"]
    source = DATABASE if "sql" in panel else METRICS
    return {
        "id": number,
        "title": panel["title"],
        "description": panel.get("description", ""),
        "type": kind,
        "gridPos": dict(place),
        "datasource": source,
        "targets": [_target(panel, source)],
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "options": _options(panel),
    }


def _target(panel: Mapping[str, Any], source: Mapping[str, str]) -> Json:
    target: Json = {"refId": "A", "datasource": source}
    if "expr" in panel:
        return {**target, "expr": panel["expr"], "legendFormat": panel.get("legend", "__auto")}
    # A time series names the column `time` and, where one query draws several lines, their names in `metric`.
    shape = "time_series" if panel["kind"] == "timeseries" else "table"
    return {**target, "rawSql": panel["sql"].strip(), "format": shape, "rawQuery": True, "editorMode": "code"}


def _field(panel: Mapping[str, Any]) -> Json:
    field: Json = {"unit": panel.get("unit", "none"), "color": {"mode": "palette-classic"}}
    for ours, theirs in (("decimals", "decimals"), ("low", "min")):
        if ours in panel:
            field[theirs] = panel[ours]
    if panel["kind"] == "timeseries":
        custom: Json = {"lineWidth": 1, "fillOpacity": 10, "showPoints": "auto", "spanNulls": False}
        if panel.get("stacked"):
            custom |= {"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 40}
        field["custom"] = custom
    if "steps" in panel:
        colours = ({"value": at, "color": colour} for at, colour in panel["steps"])
        field["thresholds"] = {"mode": "absolute", "steps": [{"value": None, "color": "green"}, *colours]}
        field["color"] = {"mode": "thresholds"}
    return field


def _options(panel: Mapping[str, Any]) -> Json:
    match panel["kind"]:
        case "timeseries":
            legend = {"displayMode": "table", "placement": "right", "calcs": ["lastNotNull"], "showLegend": True}
            return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
        case "table":
            return {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}}
        case "barchart":
            return {"orientation": "auto", "showValue": "auto", "legend": {"showLegend": True, "placement": "bottom"}}
        case "bargauge":
            return {"reduceOptions": _REDUCED[True], "orientation": "horizontal", "displayMode": "basic"}
        case _:
            # A query in SQL has a row to show, one of metrics the last of many values.
            reduced = _REDUCED["sql" in panel]
            return {"reduceOptions": reduced, "textMode": "auto", "colorMode": "value", "graphMode": "area"}


def _variable(variable: Mapping[str, Any]) -> Json:
    several = variable.get("several", False)
    common = {
        "name": variable["name"],
        "label": variable["label"],
        "multi": several,
        "includeAll": several,
        "current": {"text": "All", "value": "$__all"} if several else {},
    }
    if "sql" in variable:
        query = variable["sql"].strip()
        return {**common, "type": "query", "datasource": DATABASE, "query": query, "definition": query, "refresh": 1}
    values = variable["values"]
    first = {"text": values[0], "value": values[0], "selected": True}
    options = [{"text": one, "value": one, "selected": one == values[0]} for one in values]
    return {**common, "type": "custom", "query": ",".join(values), "options": options, "current": first}
