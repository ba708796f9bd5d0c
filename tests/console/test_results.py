"""What the reading commands say of a real gateway's data, for people and for programs."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import simulators
from devices import load_registry
from tests.console.command import cityvitals
from tests.console.conftest import BAD, Service, settled

pytestmark = pytest.mark.system


def test_the_ledger_balances_and_counts_what_was_refused(service: Service) -> None:
    done = service("ledger", "--json", "--commits", "1000000")
    total, *commits = done.rows
    assert done.code == 0
    assert total["row"] == "total"
    assert total["balances"] is True
    assert total["quarantined"] == len(BAD)
    assert total["received"] == total["accepted"] + total["duplicate"] + total["quarantined"] > 1000
    assert sum(row["received"] for row in commits) == total["received"]
    assert {row["row"] for row in commits} == {"commit"}
    table = service("ledger", "--commits", "2")
    assert "✓ balances" in table.out


@pytest.mark.parametrize("command", ["indicators", "observations", "quarantine", "ledger"])
def test_another_city_than_the_stored_one_is_refused(service: Service, other_city: Path, command: str) -> None:
    done = cityvitals("--city", str(other_city), command, **service.environ)
    assert (done.code, done.out) == (2, "")
    assert "the database holds city 'demo', not 'elsewhere'" in done.err
    assert "to do: give --city the folder of 'demo'" in done.err
    unnamed = cityvitals(command, **service.environ)
    assert unnamed.code == 0


def test_the_quarantine_says_why_and_keeps_the_bytes(service: Service) -> None:
    rows = service("quarantine", "--json").rows
    assert {(row["topic"], base64.b64decode(row["payload_base64"])) for row in rows} == set(BAD)
    assert {row["reason"]: row["device"] for row in rows} == {
        "malformed": "street-noise", "out_of_range": "street-noise", "unknown_device": None,
    }  # fmt: skip
    summary = service("quarantine", "--summary", "--json").rows
    assert {row["reason"]: row["readings"] for row in summary} == {
        "unknown_device": 1, "out_of_range": 1, "malformed": 1,
    }  # fmt: skip
    one = service("quarantine", "--reason", "malformed", "--device", "street-noise", "--json").rows
    assert len(one) == 1


def test_a_payload_in_quarantine_cannot_drive_the_terminal(service: Service) -> None:
    done = service("quarantine")
    assert r"\x1b[2J\x07 not json" in done.out
    assert "\x1b" not in done.out
    assert "\x07" not in done.out


def test_observations_are_exact_decimals_newest_first(service: Service) -> None:
    rows = service("observations", "--device", "house-water", "--limit", "3", "--json").rows
    assert len(rows) == 3
    assert [row["time"] for row in rows] == sorted((row["time"] for row in rows), reverse=True)
    assert all(re.fullmatch(r"\d+\.\d{6}", row["value"]) and row["unit"] == "m3" for row in rows)
    keys = ["device", "field", "measurand", "time", "value", "unit", "state", "time_from_arrival", "flags", "excluded"]
    assert list(rows[0]) == keys
    states = service("observations", "--measurand", "traffic_load", "--limit", "1", "--json").rows
    assert states[0]["state"] in {"free", "dense", "congested"}
    table = service("observations", "--device", "house-water", "--limit", "3")
    assert "the newest 3; more with --limit" in table.out


def test_observations_between_two_times_include_the_first_and_exclude_the_second(service: Service) -> None:
    rows = service("observations", "--device", "house-water", "--limit", "3", "--json").rows
    newest, middle, oldest = (row["time"] for row in rows)
    between = service("observations", "--device", "house-water", "--from", oldest, "--to", newest, "--json").rows
    assert [row["time"] for row in between] == [middle, oldest]


def test_indicators_show_the_newest_of_city_and_zones(service: Service) -> None:
    rows = service("indicators", "--json").rows
    assert list(rows[0]) == [
        "indicator", "window", "scope", "start", "value", "unit", "band", "driver", "received", "expected", "coverage",
        "revision", "computed",
    ]  # fmt: skip
    assert {row["scope"].split(":")[0] for row in rows} == {"city", "zone"}
    keys = [(row["indicator"], row["window"], row["scope"]) for row in rows]
    assert len(set(keys)) == len(keys)
    eaqi = service("indicators", "--indicator", "eaqi", "--scope", "zone:kerb", "--json").rows
    assert [row["scope"] for row in eaqi] == ["zone:kerb"]
    assert eaqi[0]["band"]
    assert eaqi[0]["value"] is not None
    assert eaqi[0]["band"] in service("indicators", "--indicator", "eaqi").out


def test_the_history_has_every_hour_and_the_newest_has_only_one(service: Service) -> None:
    arguments = ("indicators", "--indicator", "laeq", "--window", "hour", "--scope", "station:street-noise", "--json")
    history = service(*arguments, "--history").rows
    newest = service(*arguments).rows
    assert len(history) >= 6
    assert len(newest) == 1
    assert newest[0]["start"] == history[-1]["start"]
    since = history[2]["start"]
    assert [row["start"] for row in service(*arguments, "--from", since).rows] == [r["start"] for r in history[2:]]


def test_the_accounts_of_the_devices_add_up_to_the_whole(service: Service) -> None:
    total, *devices = settled(service)
    assert {row["row"] for row in devices} == {"device"}
    for name in ("received", "accepted", "duplicate", "quarantined"):
        assert sum(row[name] for row in devices) == total[name], name
    assert all(row["received"] == row["accepted"] + row["duplicate"] + row["quarantined"] for row in devices)
    assert "the sum over the devices is the account above" in service("ledger", "--devices").out


def test_what_was_known_at_a_time_leaves_out_what_was_computed_later(service: Service) -> None:
    settled(service)
    while True:
        now = service("indicators", "--json").rows
        last = max(row["computed"] for row in now)
        known = [service("indicators", "--at", at, "--json").rows for at in ("2999-01-01", last)]
        # Where a window closed between the questions, the answers may differ.
        if service("indicators", "--json").rows == now:
            break
    assert known == [now, now]
    assert service("indicators", "--at", "2001-01-01", "--json").rows == []
    before = (datetime.fromisoformat(last) - timedelta(microseconds=1)).isoformat()
    assert all(row["computed"] < last for row in service("indicators", "--at", before, "--json").rows)
    refused = service("indicators", "--at", "yesterday")
    assert refused.code == 2
    assert "--at: 'yesterday' is not a time" in refused.err


def test_the_mean_of_a_period_is_that_of_its_observations_to_the_last_digit(service: Service) -> None:
    observed = service(
        "observations", "--device", "beijing-dongsi", "--measurand", "no2", "--limit", "100000", "--json"
    ).rows
    mean = sum(Fraction(row["value"]) for row in observed) / len(observed)
    expected = str(Decimal(round(mean * 1000)).scaleb(-3))  # round: half to even
    rows = service(
        "indicators", "--indicator", "no2_mean", "--window", "period", "--scope", "station:beijing-dongsi", "--json"
    ).rows
    assert [(row["value"], row["received"]) for row in rows] == [(expected, len(observed))]


def test_a_period_adds_up_a_counter_exactly(service: Service) -> None:
    hours = service(
        "indicators",
        "--indicator",
        "water",
        "--window",
        "hour",
        "--scope",
        "station:house-water",
        "--history",
        "--json",
    ).rows
    period = service(
        "indicators", "--indicator", "water", "--window", "period", "--scope", "station:house-water", "--json"
    ).rows
    known = [row for row in hours if row["value"] is not None]
    assert Fraction(period[0]["value"]) == sum(Fraction(row["value"]) for row in known)


def test_the_months_and_the_years_hold_what_the_whole_period_holds(service: Service) -> None:
    settled(service)

    def rows(window: str) -> list[dict[str, Any]]:
        return service("indicators", "--window", window, "--indicator", "water", "--json").rows

    registry = load_registry(simulators.demo_city())
    meter = registry.devices[registry.device_index("house-water")]

    def due(window: str, begin: datetime) -> int:
        """Every reading of the civil period, whether any came near it or not."""
        end = begin.replace(year=begin.year + 1) if window == "year" else (begin + timedelta(days=32)).replace(day=1)
        span_us = (end.astimezone(UTC) - begin.astimezone(UTC)) // timedelta(microseconds=1)
        return -(-span_us // meter.interval_us)

    (whole,) = rows("period")
    for window in ("month", "year"):
        found = rows(window)
        assert sum(row["received"] for row in found) == whole["received"]
        assert sum(Fraction(row["value"]) for row in found) == Fraction(whole["value"])
        begins = [datetime.fromisoformat(row["start"]).astimezone(ZoneInfo("Europe/London")) for row in found]
        assert {(at.day, at.hour, at.minute) for at in begins} == {(1, 0, 0)}
        assert window == "month" or {at.month for at in begins} == {1}
        assert [row["expected"] for row in found] == [due(window, at) for at in begins]


@pytest.mark.parametrize("days", [7, 30, 365])
def test_the_last_days_are_the_period_of_whole_civil_days_before_an_end(service: Service, days: int) -> None:
    settled(service)
    (newest,) = service("observations", "--limit", "1", "--json").rows
    end = datetime.fromisoformat(newest["time"]).astimezone(ZoneInfo("Europe/London")).date()
    # What is kept here is younger than a day: it lies in the days before tomorrow, perhaps not in those before today.
    for until, more in ((end, []), (end + timedelta(days=1), ["--to", f"{end + timedelta(days=1)}"])):
        rolling = service("indicators", "--window", f"{days}d", *more, "--json").rows
        begin = until - timedelta(days=days)
        whole = service("indicators", "--window", "period", "--from", f"{begin}", "--to", f"{until}", "--json").rows
        assert {row.pop("window") for row in rolling} <= {f"{days}d"}
        begins = {datetime.fromisoformat(row.pop("start")).astimezone(ZoneInfo("Europe/London")) for row in rolling}
        assert {(at.date(), at.hour) for at in begins} <= {(begin, 0)}
        assert rolling == [{key: row[key] for key in row if key not in ("window", "start")} for row in whole]
    assert rolling


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["observations", "--device", "house-watr"], "did you mean 'house-water'?"),
        (["observations", "--measurand", "pm25"], "did you mean 'pm2_5'?"),
        (["observations", "--from", "yesterday"], "'yesterday' is not a time"),
        (["observations", "--from", "2026-02-01", "--to", "2026-01-01"], "is not before --to"),
        (["observations", "--limit", "0"], "--limit"),
        (["indicators", "--indicator", "cay"], "did you mean 'cai'?"),
        (["indicators", "--scope", "zone:kreb"], "did you mean 'kerb'?"),
        (["indicators", "--scope", "street:x"], "expected city, zone, station"),
        (["indicators", "--window", "week"], "expected one of hour, day, month, year, 7d, 30d, 365d, period"),
        (["indicators", "--window", "period", "--indicator", "cai"], "has no figure for a period"),
        (["indicators", "--window", "30d", "--from", "2026-01-01"], "leave out --from"),
        (["indicators", "--window", "30d", "--indicator", "lden"], "has no figure for a 30d"),
        (["indicators", "--window", "period", "--scope", "city"], "is computed per station"),
        (["indicators", "--window", "period", "--from", "2026-01-01T00:00:01"], "give a full hour"),
        (["quarantine", "--reason", "malformd"], "did you mean 'malformed'?"),
        (["quarantine", "--reason", "nonsense"], "one of malformed, unknown_device,"),
        (["quarantine", "--device", "nobody-at-all"], "no device is called 'nobody-at-all'"),
    ],
)
def test_wrong_use_names_what_was_meant(service: Service, arguments: list[str], expected: str) -> None:
    done = service(*arguments)
    assert done.code == 2
    assert expected in done.err
    assert done.out == ""


def test_every_line_of_json_stands_alone(service: Service) -> None:
    for command in (["indicators"], ["observations"], ["quarantine"], ["ledger"], ["devices"], ["models"], ["doctor"]):
        for line in service(*command, "--json").out.splitlines():
            assert isinstance(json.loads(line), dict), command
