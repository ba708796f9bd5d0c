"""Alerts over HTTP: listed, paged, shown with their trail and handled; wrong requests say what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from console.alerts import AlertRule, Kind, Severity
from console.alerts.rules import Silent
from devices import load_registry
from engine.indicators import INDICATORS
from engine.store import Store, alerts
from engine.store.alerts import Alert
from tests.console.web.client import Client
from tests.console.web.conftest import serving, site_on
from tests.databases import Databases
from tests.system.pipeline import DEMO

pytestmark = pytest.mark.system

T0 = 1_700_000_000_000_000
RAISED = Alert("silent", "silent_device", "station:a", "info", "Device silent", "silent since 2023-11-14 22:13", T0, T0)
COUNT = 5


@pytest.fixture(scope="module")
def ask(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Asks a console on a database with some alerts, the last one critical."""
    registry = load_registry(DEMO)
    with databases.migrated() as url:
        with Store.connect(url) as store:
            store.register(registry, INDICATORS)
        with alerts.connected(url, "test") as session, session.transaction():
            for at in range(COUNT):
                severity = "critical" if at == COUNT - 1 else "info"
                alerts.open_alert(session, replace(RAISED, scope=f"station:d{at}", severity=severity))
        with serving(site_on(url, registry), tmp_path_factory.mktemp("console")) as client:
            yield client


def test_alerts_come_in_pages_the_newest_first(ask: Client) -> None:
    assert [one["id"] for one in ask.pages("alerts", limit=2)] == [5, 4, 3, 2, 1]
    (critical,) = ask("alerts", severity="critical", state="standing").items
    assert (critical["scope"], critical["state"], critical["value"]) == ("station:d4", "open", None)
    assert [one["id"] for one in ask("alerts", scope="station:d1", rule="silent").items] == [2]
    assert ask("alerts", state="cleared").items == []


def test_people_handle_an_alert_and_its_trail_tells_it(ask: Client) -> None:
    noted = ask("alerts/1/acknowledge", send={"who": "kim", "comment": "on my way"}).json
    assert (noted["state"], noted["acknowledged_by"]) == ("acknowledged", "kim")
    shelved = ask("alerts/1/shelve", send={"minutes": 60}).json
    assert (shelved["state"], shelved["shelved_by"]) == ("shelved", "console")
    assert ask("alerts/1/unshelve", send={}).json["state"] == "acknowledged"
    ask("alerts/1/comment", send={"comment": "the road is closed"})
    events = [(one["event"], one["who"], one["detail"]) for one in ask("alerts/1").json["events"]]
    assert events == [
        ("opened", None, RAISED.detail), ("acknowledged", "kim", "on my way"), ("shelved", "console", ""),
        ("unshelved", "console", ""), ("commented", "console", "the road is closed"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "send", "status", "fields"),
    [
        ("alerts/99", None, 404, ["id"]),
        ("alerts/99/acknowledge", {}, 404, ["id"]),
        ("alerts/none", None, 422, ["id"]),
        ("alerts?state=opn", None, 422, ["state"]),
        ("alerts?severity=bad", None, 422, ["severity"]),
        ("alerts?cursor=abc", None, 422, ["cursor"]),
        ("alerts?scope=zone%3A%00", None, 422, ["scope"]),
        ("alerts/2/shelve", {}, 422, ["minutes"]),
        ("alerts/2/shelve", {"minutes": 43_201}, 422, ["minutes"]),
        ("alerts/2/shelve", {"minutes": "60"}, 422, ["minutes"]),
        ("alerts/2/comment", {"comment": ""}, 422, ["comment"]),
        ("alerts/2/comment", {"comment": " \n"}, 422, ["comment"]),
        ("alerts/2/acknowledge", {"who": " "}, 422, ["who"]),
        ("alerts/2/acknowledge", {"by": "kim"}, 422, ["by"]),
        ("alerts/2/acknowledge", [], 422, ["body"]),
    ],
)
def test_a_wrong_request_names_the_field(ask: Client, path: str, send: object, status: int, fields: list[str]) -> None:
    answer = ask(path, send=send)
    assert (answer.status, answer.fields) == (status, fields)


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        (b'{"comment": "a"', "application/json", 422, "expected JSON: Expecting ',' delimiter at character 16"),
        (b"", "application/json", 422, "Field required"),
        (b"\xff", "application/json", 422, "expected JSON in UTF-8"),
        (b"comment=a", "text/plain", 422, "with the header Content-Type: application/json"),
        (b'"' + b"a" * 70_000 + b'"', "application/json", 413, "at most 65,536 bytes"),
    ],
)
def test_a_body_that_is_none_is_told_as_such(ask: Client, body: bytes, kind: str, status: int, said: str) -> None:
    headers = {"Content-Type": kind, "X-Cityvitals": "1"}
    answer = ask("alerts/2/comment", send=body, headers=headers)
    assert (answer.status, answer.fields) == (status, ["body"])
    assert said in answer.json["detail"]
    assert "b'" not in answer.json["detail"]


def test_a_page_from_elsewhere_can_send_nothing_that_counts(ask: Client) -> None:
    """A form of another site sends no JSON unless it asks first, which is not allowed."""
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        assert ask("alerts/3/acknowledge", send={}, headers={"Content-Type": kind}).status == 403
    assert ask("alerts/3").json["state"] == "open"
    assert ask("alerts/3/acknowledge", method="OPTIONS").status == 405


def test_alerts_are_told_in_korean_as_well_and_words_of_people_are_not(ask: Client) -> None:
    told = ask("alerts/5/comment", send={"comment": "heard again"}).json
    assert (told["title_ko"], told["detail_ko"], told["cause_ko"]) == (
        "장치 무응답",
        "2023-11-14 22:13부터 무응답",
        None,
    )
    assert [one["detail_ko"] for one in told["events"]] == ["2023-11-14 22:13부터 무응답", None]
    assert ask("alerts", scope="station:d4").items[0]["title_ko"] == "장치 무응답"


def test_a_rules_own_korean_title_is_told_while_its_title_is_the_same(databases: Databases, tmp_path: Path) -> None:
    registry = load_registry(DEMO)
    check = Silent(0)
    rule = AlertRule("silent", Kind.SILENT_DEVICE, "Asleep", Severity.INFO, "station", check, title_ko="자는 장치")
    with databases.migrated() as url:
        with Store.connect(url) as store:
            store.register(registry, INDICATORS)
        with alerts.connected(url, "test") as session, session.transaction():
            for at, title in enumerate(("Asleep", "Awake")):
                alerts.open_alert(session, replace(RAISED, scope=f"station:d{at}", title=title))
        with serving(replace(site_on(url, registry), rules={"silent": rule}), tmp_path) as client:
            assert [one["title_ko"] for one in client("alerts").items] == [None, "자는 장치"]


def test_words_that_no_table_takes_are_made_fit(ask: Client, tmp_path: Path) -> None:
    answer = ask("alerts/4/comment", send={"comment": "a\0b\x1b[2J", "who": "k\0m"})
    assert answer.status == 200
    assert answer.json["events"][-1]["detail"] == "a\\x00b\\x1b[2J"
