"""`cityvitals alerts`: listing, showing, handling, rules and trying, from a store that a test has filled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from devices.series import TIME_MAX_US
from engine.indicators import INDICATORS
from engine.store import Duty, Flush, SilenceRow, Store, Watched, alerts
from engine.store.alerts import Alert
from tests.console.command import Done, cityvitals
from tests.databases import Databases
from tests.devices.cities import write_city
from tests.engine.store.town import T0, values

pytestmark = pytest.mark.system

HOUR_US = 3_600_000_000
NOW_US = time.time_ns() // 1000
PM_PLACE = next(at for at, one in enumerate(INDICATORS) if (one.code, one.window.name) == ("pm2_5_mean", "HOUR"))
RAISED = Alert(
    "pm_high", "threshold", "zone:north", "critical", "PM2.5 is high", "40 µg/m³, above 35", NOW_US - HOUR_US,
    NOW_US - HOUR_US, "pm2_5_mean-hour", T0, Decimal("40.5"), Decimal(35), "ug/m3",
)  # fmt: skip
RULES = """
shipped = false

[[alert]]
code = "pm_high"
kind = "threshold"
severity = "warning"
indicator = "pm2_5_mean"
above = 35
clear = 30

[[alert]]
code = "silent"
kind = "silent_device"
severity = "info"

[[alert]]
code = "deaf"
kind = "not_listening"
severity = "critical"
minutes = 5
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_city(tmp_path_factory.mktemp("cities") / "testville")


@pytest.fixture(scope="module")
def url(databases: Databases, city: Path) -> Iterator[str]:
    """A database of Testville with five hours of PM2.5, a silence, and an alert."""
    from devices import load_registry

    with databases.migrated() as made, Store.connect(made) as store:
        registered = store.register(load_registry(city), INDICATORS)
        store.own(0, Duty.FLUSH)
        starts = [T0 + at * HOUR_US for at in range(5)]
        ticks = [10_000, 40_000, 50_000, 20_000, 36_000]
        rows = values(
            [registered.indicator_id[PM_PLACE]] * 5, [registered.zone_scope[0]] * 5, starts, ticks, closed=True
        )
        store.flush(Flush(computed_us=T0, values=rows))
        silence = SilenceRow("device", "meter-1", T0 + HOUR_US, TIME_MAX_US, devices=1)
        store.write_watch(Watched(T0, 0, False, [silence], None, T0 + 2 * HOUR_US, 0))
        with alerts.connected(made, "test") as session, session.transaction():
            alerts.open_alert(session, RAISED)
        yield made


def run(url: str, city: Path, *arguments: str) -> Done:
    return cityvitals("--city", str(city), "alerts", *arguments, CITYVITALS_DATABASE_URL=url)


def test_alerts_are_listed_handled_and_their_trail_is_shown(url: str, city: Path) -> None:
    (row,) = run(url, city, "--json").rows
    assert (row["id"], row["state"], row["value"], row["scope"]) == (1, "open", "40.5", "zone:north")
    done = run(url, city, "acknowledge", "1", "--by", "kim", "--comment", "on my way")
    assert done.code == 0, done.err
    assert "acknowledged by kim" in done.out
    assert run(url, city, "shelve", "1", "--for", "2 h", "--by", "kim").code == 0
    assert [row["state"] for row in run(url, city, "--state", "shelved", "--json").rows] == ["shelved"]
    assert run(url, city, "unshelve", "1").code == 0
    assert run(url, city, "comment", "1", "the road is closed", "--by", "lee").code == 0
    (shown,) = run(url, city, "show", "1", "--json").rows
    events = [(one["event"], one["who"]) for one in shown["events"]]
    assert events[:3] == [("opened", None), ("acknowledged", "kim"), ("shelved", "kim")]
    assert events[4] == ("commented", "lee")
    assert "on my way" in run(url, city, "show", "1").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--state", "opn"), "did you mean 'open'?"),
        (("--severity", "warn"), "did you mean 'warning'?"),
        (("show", "99"), "there is no alert 99"),
        (("acknowledge", "99"), "there is no alert 99"),
        (("shelve", "1", "--for", "soon"), "is not a span of time"),
        (("shelve", "1", "--for", "31 d"), "at most 30 days"),
        (("comment", "1", " "), "a comment has words"),
        (("try", "nowhere.toml"), "no such file"),
    ],
)
def test_what_cannot_be_meant_is_said(url: str, city: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run(url, city, *arguments)
    assert done.code == 2
    assert said in done.err


def test_the_rules_of_the_city_are_listed(url: str, city: Path) -> None:
    rows = run(url, city, "rules", "--json").rows
    assert {row["rule"] for row in rows} >= {"eaqi_bad", "silent_device", "not_listening"}
    assert {row["changes"] for row in rows} == {None}
    assert "shipped" in run(url, city, "rules").out


def test_rules_are_tried_on_the_past_and_nothing_is_written(url: str, city: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(RULES)
    rows = run(url, city, "try", str(file), "--from", "2023-11-01", "--to", "2023-12-01", "--json").rows
    assert [(row["rule"], row["scope"], row["state"]) for row in rows] == [
        ("pm_high", "zone:north", "cleared"), ("silent", "station:meter-1", "open"), ("pm_high", "zone:north", "open"),
    ]  # fmt: skip
    out = run(url, city, "try", str(file), "--from", "2023-11-01", "--to", "2023-12-01").out
    assert "pm_high: 2 alerts" in out
    assert "not tried: deaf" in out
    assert len(run(url, city, "--state", "all", "--json").rows) == 1
    file.write_text(RULES.replace("above", "abve"))
    done = run(url, city, "try", str(file))
    assert done.code == 2
    assert f"{file}:9: alert[1].abve: unknown key; did you mean 'above'?" in done.err
