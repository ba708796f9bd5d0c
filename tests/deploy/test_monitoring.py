"""Dashboards and alert rules: as described, of metrics that there are, and judged by Prometheus' own tools."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from console.alerts import metrics as of_console
from console.metrics import DEFINITIONS, HISTOGRAM, RESULTS
from deploy import StackError, checkers, grafana, paths, userland
from engine.indicators import INDICATORS
from tests.deploy.grafana import dashboards, questions

PROMETHEUS = paths.SETTINGS / "prometheus"
RULES = (PROMETHEUS / "rules/cityvitals.yaml").read_text()
TRIED = (PROMETHEUS / "tests/cityvitals.yaml").read_text()
METRIC = re.compile(r"\bcityvitals_\w+")
CHECKS = {
    "the configuration": ["promtool", "check", "config", "prometheus.yaml"],
    "the rules": ["promtool", "check", "rules", "--lint=all", "--lint-fatal", "rules/cityvitals.yaml"],
    "what the rules raise": ["promtool", "test", "rules", "tests/cityvitals.yaml"],
    "the routes": ["amtool", "check-config", "alertmanager.yaml"],
}


def checked(program: list[str], folder: Path = PROMETHEUS) -> subprocess.CompletedProcess[str]:
    line = checkers.command(program, folder)
    return subprocess.run(line, env=userland.environment(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", CHECKS.values(), ids=CHECKS)
def test_prometheus_own_tools_find_nothing_wrong(program: list[str]) -> None:
    done = checked(program)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("severity", "receiver"), [("page", "on-duty"), ("ticket", "tickets")])
def test_an_alert_reaches_whom_its_severity_says(severity: str, receiver: str) -> None:
    line = ["amtool", "config", "routes", "test", "--config.file=alertmanager.yaml", f"severity={severity}"]
    assert checked(line).stdout.strip() == receiver


def test_every_alert_is_seen_raised_by_the_rules_own_tests() -> None:
    alerts = re.findall(r"- alert: (\w+)", RULES)
    assert len(alerts) == len(set(alerts)) > 15
    assert [alert for alert in alerts if alert not in TRIED] == []
    assert set(re.findall(r"severity: (\w+)", RULES)) == {"page", "ticket"}


def test_an_alert_whose_limit_is_another_fails_the_rules_own_tests(tmp_path: Path) -> None:
    for name, text in (("rules", RULES.replace("> 0.01 * rate", "> 0.05 * rate")), ("tests", TRIED)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cityvitals.yaml").write_text(text)
    done = checked(CHECKS["what the rules raise"], tmp_path)
    assert done.returncode == 1
    assert "CityvitalsManyInQuarantine" in done.stdout + done.stderr


def on_the_page() -> set[str]:
    """Names of samples on the pages of gateway and console; test_service.py and test_keeper.py see them there."""
    names = {one.name for one in (*DEFINITIONS, *of_console.DEFINITIONS)} | {name for name, *_ in RESULTS}
    histograms = [one.name for one in DEFINITIONS if one.kind == HISTOGRAM]
    return names | {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}


def test_every_metric_of_rules_and_panels_is_on_a_page_that_is_scraped() -> None:
    asked = [
        target["expr"]
        for one in dashboards().values()
        for panel in one["panels"]
        for target in panel["targets"]
        if "expr" in target
    ]
    assert len(asked) >= 5
    named = set(METRIC.findall("\n".join([RULES, TRIED, *asked])))
    assert len(named) > 15
    assert named - on_the_page() == set()


def test_the_dashboards_are_as_their_descriptions_say() -> None:
    written = {path.stem: grafana.rendered(grafana.described(path)) for path in grafana.sources()}
    assert {path.stem: path.read_text() for path in grafana.DASHBOARDS.glob("*.json")} == written, (
        "run python -m deploy.grafana"
    )
    assert sorted(written) == ["air", "city", "energy_water", "ingestion", "kpis", "noise"]
    assert len({one["uid"] for one in dashboards().values()}) == len(written)


def test_panels_fill_rows_of_the_grid_and_none_covers_another() -> None:
    for name, dashboard in dashboards().items():
        taken: set[tuple[int, int]] = set()
        for panel in dashboard["panels"]:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert max(x for x, _ in cells) < grafana.COLUMNS, (name, panel["title"])
            assert not taken & cells, (name, panel["title"])
            taken |= cells


def test_a_description_that_nobody_can_draw_is_refused(tmp_path: Path) -> None:
    text = (grafana.SOURCES / "city.toml").read_text()
    for changed, said in (
        (text.replace("height", "hight"), "hight unknown"),
        (text.replace('"table"', '"pie"'), "pie|kind"),
    ):
        (tmp_path / "city.toml").write_text(changed)
        with pytest.raises(StackError, match=said):
            grafana.described(tmp_path / "city.toml")


def test_times_that_are_written_out_are_the_citys() -> None:
    """Grafana draws instants by the city's clock; what a query itself writes out or groups by must be so already."""
    written = [
        (str(one), inside)
        for name, dashboard in dashboards().items()
        for one in questions(name, dashboard)
        for inside in re.findall(r"to_char\(((?:[^()]|\([^()]*\))*)\)", one.sql)
    ]
    assert len(written) > 15
    assert [(where, inside) for where, inside in written if "local_" not in inside and "time_zone" not in inside] == []


def test_every_indicator_that_a_dashboard_names_is_in_the_catalogue() -> None:
    """A renamed one would leave its panel empty without a word in a city that does not measure it."""
    known = {one.code for one in INDICATORS}
    named = {
        code
        for name, dashboard in dashboards().items()
        for one in questions(name, dashboard)
        for listed in re.findall(r"\bindicator (?:= |IN \()('[^)\n]*?')(?:\)| AND|\n)", one.sql)
        for code in re.findall(r"'(\w+)'", listed)
    }
    assert len(named) > 12
    assert named - known == set()


def test_compose_runs_what_the_files_describe() -> None:
    compose = (paths.SETTINGS / "compose.yaml").read_text()
    for needed in re.findall(
        r"\$(\w+)", (paths.SETTINGS / "grafana/provisioning/datasources/cityvitals.yaml").read_text()
    ):
        assert f"{needed}:" in compose or needed == "NAMES", needed
    provider = (paths.SETTINGS / "grafana/provisioning/dashboards/cityvitals.yaml").read_text()
    (folder,) = re.findall(r"path: (\S+)", provider)
    assert f"./grafana/dashboards:{folder}:ro" in compose
    assert "127.0.0.1:9093" in (PROMETHEUS / "prometheus.yaml").read_text()
    assert "--web.listen-address=127.0.0.1:9093" in compose
