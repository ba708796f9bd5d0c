"""Every list of the API says what plain SQL says of the same database, page by page, in every format."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from console.web.figures import MEAN_DIGITS
from console.web.paging import INT64_MAX, cursor_of
from devices import rfc3339
from engine.store import Store, newest
from engine.store.reader import Reader
from tests.console.web.client import Client
from tests.console.web.conftest import BAD, Filled

pytestmark = pytest.mark.system

Sql = Callable[..., list[tuple[Any, ...]]]
US = "(extract(epoch FROM {}) * 1000000)::bigint"
ALL = {"from_": "1990-01-01", "to": "2100-01-01"}


@pytest.fixture(scope="module")
def sql(filled: Filled) -> Iterator[Sql]:
    """Rows of a query in plain SQL."""
    with psycopg.connect(filled.url, autocommit=True, options="-c search_path=cityvitals,public -c timezone=UTC") as it:

        def ask(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
            return it.execute(statement, parameters or None).fetchall()  # type: ignore[call-overload,no-any-return]

        yield ask


def busiest(sql: Sql, kind: str) -> tuple[str, str]:
    """The series of a kind with most readings."""
    ((device, field),) = sql(
        "SELECT device, field FROM v_window_day WHERE kind = %s GROUP BY 1, 2 ORDER BY sum(count) DESC, 1, 2 LIMIT 1",
        kind,
    )
    return device, field


# ---- indicators --------------------------------------------------------------------------------------------------


def figures(sql: Sql, view: str, code: str, more: str = "") -> list[tuple[Any, ...]]:
    return sql(
        f"SELECT scope_kind, scope, {US.format('start')}, value::text, band, driver, received, expected, revision{more}"
        f" FROM {view} WHERE indicator = %s AND \"window\" = 'hour' AND scope_kind = 'zone'"
        ' ORDER BY start, scope COLLATE "C", revision',
        code,
    )


@pytest.mark.parametrize("code", ["cai", "laeq", "electricity"])
def test_every_value_of_an_indicator_is_given_once_in_order(get: Client, sql: Sql, code: str) -> None:
    items = get.pages(f"indicators/{code}/hour/values", scope="zone", limit=7, **ALL)
    stored = figures(sql, "v_indicator_value", code)
    assert stored
    assert [
        ("zone", item["scope"].removeprefix("zone:"), item["start"], item["value"], item["band"], item["driver"],
         item["received"], item["expected"], item["revision"])
        for item in items
    ] == [(kind, scope, rfc3339(start), *rest) for kind, scope, start, *rest in stored]  # fmt: skip


def test_replaced_values_come_with_their_reason_and_what_stands(get: Client, sql: Sql) -> None:
    items = get.pages("indicators/laeq/hour/revisions", scope="zone", limit=3, **ALL)
    stored = figures(sql, "v_indicator_revision", "laeq", ", reason")
    assert stored
    assert [(item["start"], item["value"], item["revision"], item["reason"]) for item in items] == [
        (rfc3339(row[2]), row[3], row[8], row[9]) for row in stored
    ]
    for item in items[:5]:
        now = get("indicators/laeq/hour/values", scope=item["scope"], from_=item["start"], limit=1, to="2100-01-01")
        assert now.items[0]["value"] == item["value_now"]
        assert now.items[0]["revision"] == item["revision_now"] > item["revision"]


def test_the_past_is_given_as_it_was_known(get: Client, sql: Sql) -> None:
    ((code, scope, start, value, revision, at),) = sql(
        f"SELECT indicator, scope, {US.format('start')}, value::text, revision, {US.format('superseded_at')}"
        " FROM v_indicator_revision WHERE \"window\" = 'hour' AND scope_kind = 'zone' AND value IS NOT NULL"
        " ORDER BY superseded_at DESC, indicator, start LIMIT 1"
    )
    then = get(
        f"indicators/{code}/hour/values", scope=f"zone:{scope}", from_=rfc3339(start), to="2100-01-01", limit=1,
        known_at=rfc3339(at - 1),
    ).items[0]  # fmt: skip
    assert (then["start"], then["value"], then["revision"]) == (rfc3339(start), value, revision)
    assert get(f"indicators/{code}/hour/values", known_at="1990-01-01", **ALL).items == []


def test_a_series_comes_as_csv_and_json_lines_with_a_link_to_the_next_page(get: Client) -> None:
    path, asked = "indicators/laeq/hour/values", {"scope": "zone", "limit": 5, **ALL}
    items = get(path, **asked).items
    lines = get(path, **asked, format="jsonl")
    assert lines.headers["content-type"].startswith("application/jsonl")
    assert [json.loads(line) for line in lines.body.splitlines()] == items
    table = get(path, **asked, headers={"Accept": "text/html;q=0.9, text/csv"})
    assert table.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(table.body.decode())))
    assert [row["value"] for row in rows] == [item["value"] or "" for item in items]
    assert list(rows[0]) == list(items[0])
    link = table.headers["link"]
    assert link.endswith('; rel="next"')
    following = get(f"/api/v1/{path}{link[1 : link.index('>')]}", headers={"Accept": "text/csv"})
    assert following.status == 200
    assert following.body.splitlines()[0] == table.body.splitlines()[0]
    assert following.body.splitlines()[1] not in table.body.splitlines()
    refused = get(path, headers={"Accept": "image/png"})
    assert (refused.status, refused.fields) == (406, ["Accept"])


def test_what_an_indicator_lacks_is_told_with_the_nearest(get: Client) -> None:
    found = get("indicators/laeg/hour/values")
    assert (found.status, found.fields) == (404, ["code"])
    assert "laeq" in found.json["detail"]
    assert get("indicators/laeq/week/values").fields == ["window"]
    assert get("indicators/laeq/hour/values", scope="zone:nois").fields == ["scope"]
    assert get("indicators/laeq/hour/values", scope="town").fields == ["scope"]
    assert get("indicators/laeq/hour/values", from_="soon").fields == ["from"]
    assert get("indicators/laeq/hour/values", from_="2020-01-02", to="2020-01-01").fields == ["from"]
    assert get("indicators/laeq/hour/values", cursor="nonsense").fields == ["cursor"]
    ledger = get("ledger", limit=1).json["next"]
    assert get("indicators/laeq/hour/values", cursor=ledger or "WzFd").fields == ["cursor"]


# ---- series ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gauge", "counter", "state"])
def test_every_reading_of_a_series_is_given_once_in_order(get: Client, sql: Sql, kind: str) -> None:
    device, field = busiest(sql, kind)
    items = get.pages(f"series/{device}/{field}/observations", limit=97, **ALL)
    stored = sql(
        f"SELECT {US.format('time')}, value::text, state FROM v_observation"
        " WHERE device = %s AND field = %s ORDER BY time",
        device, field,
    )  # fmt: skip
    assert len(stored) > 97
    assert [(item["time"], item["value"], item["state"]) for item in items] == [
        (rfc3339(time_us), value, state) for time_us, value, state in stored
    ]


def test_readings_of_several_series_come_together_in_order_of_time(get: Client, sql: Sql) -> None:
    items = get.pages("observations", measurand="pm2_5", limit=97, **ALL)
    stored = sql(
        f"SELECT device, field, {US.format('time')}, value::text FROM v_observation WHERE measurand = 'pm2_5'"
        " ORDER BY time, series_id"
    )
    assert len({row[0] for row in stored}) > 1
    assert [(item["device"], item["field"], item["time"], item["value"]) for item in items] == [
        (device, field, rfc3339(time_us), value) for device, field, time_us, value in stored
    ]
    of_zone = get("observations", zone="noise", limit=500, **ALL).items
    assert {item["measurand"] for item in of_zone} == {"sound_level"}
    assert get("observations", measurand="pm3").fields == ["measurand"]
    assert get("observations", zone="nowhere").fields == ["zone"]
    assert get("observations", device="nobody").fields == ["device"]


@pytest.mark.parametrize("grid", ["minute", "hour", "day"])
@pytest.mark.parametrize("kind", ["gauge", "counter", "level"])
def test_windows_are_those_of_the_view(get: Client, sql: Sql, kind: str, grid: str) -> None:
    device, field = busiest(sql, kind)
    items = get.pages(f"series/{device}/{field}/windows", grid=grid, limit=500, **ALL)
    table = {"minute": "v_bucket_minute", "hour": "v_window_hour", "day": "v_window_day"}[grid]
    stored = sql(
        f"SELECT {US.format('start')}, count, expected, low::text, high::text, total, increase::text, revision"
        f" FROM {table} WHERE device = %s AND field = %s ORDER BY start",
        device, field,
    )  # fmt: skip
    assert len(items) == len(stored) > 0
    for item, (start, count, expected, low, high, total, increase, revision) in zip(items, stored, strict=True):
        assert (item["start"], item["count"], item["expected"]) == (rfc3339(start), count, expected)
        assert (item["low"], item["high"], item["revision"]) == (low, high, revision)
        if kind == "gauge" and count:
            digits = len(low.partition(".")[2]) + MEAN_DIGITS
            assert abs(Decimal(item["mean"]) - Decimal(total) / count) <= Decimal(10) ** -digits
        if kind == "counter" and (count or Decimal(increase)):
            assert item["total"] == increase


def test_what_is_drawn_keeps_all_that_stands_out_in_no_more_columns_than_asked_for(get: Client, sql: Sql) -> None:
    device, field = busiest(sql, "gauge")
    ((first, last),) = sql(
        f"SELECT {US.format('min(start)')}, {US.format('max(start)')} FROM v_window_hour"
        " WHERE device = %s AND field = %s",
        device, field,
    )  # fmt: skip
    asked = {"from_": rfc3339(first), "to": rfc3339(last + 1), "grid": "hour"}
    windows = get.pages(f"series/{device}/{field}/windows", limit=1000, **asked)
    for points in (1, 7, 50, 10_000):
        drawn = get(f"series/{device}/{field}/windows", points=points, **asked).json
        assert 0 < len(drawn["t"]) <= points
        assert sum(drawn["count"]) == sum(window["count"] for window in windows)
        heights = [float(window["high"]) for window in windows if window["high"] is not None]
        depths = [float(window["low"]) for window in windows if window["low"] is not None]
        assert max(high for high in drawn["high"] if high is not None) == max(heights)
        assert min(low for low in drawn["low"] if low is not None) == min(depths)
        assert all(later - sooner >= drawn["step_s"] for sooner, later in zip(drawn["t"], drawn["t"][1:], strict=False))
    assert drawn["step_s"] == 3600
    assert [rfc3339(t * 1_000_000) for t in drawn["t"]] == [window["start"] for window in windows]
    assert drawn["mean"] == pytest.approx([None if w["mean"] is None else float(w["mean"]) for w in windows], rel=1e-9)


def test_a_series_says_what_it_is_and_an_unknown_one_the_nearest(get: Client) -> None:
    found = get("series/street-noise/sound_level").json
    assert (found["measurand"], found["kind"]) == ("sound_level", "level")
    unknown = get("series/street-noise/sound_levl/windows")
    assert (unknown.status, unknown.fields) == (404, ["field"])
    assert "sound_level" in unknown.json["detail"]
    assert get("series/street-nois/sound_level").fields == ["device"]
    assert get("series/street-noise/sound_level/windows", points=0).fields == ["points"]
    assert get("series/street-noise/sound_level/windows", grid="week").fields == ["grid"]


# ---- devices and health ------------------------------------------------------------------------------------------


def test_devices_come_with_the_newest_value_of_each_series(get: Client, sql: Sql, filled: Filled) -> None:
    items = get.pages("devices", limit=5)
    assert [item["code"] for item in items] == sorted(device.code for device in filled.registry.devices)
    newest = {
        (device, field): (rfc3339(time_us), value)
        for device, field, time_us, value in sql(
            f"SELECT DISTINCT ON (device, field) device, field, {US.format('time')}, value::text FROM v_observation"
            " ORDER BY device, field, time DESC"
        )
    }
    assert newest
    found = {
        (item["code"], one["field"]): (one["last"]["time"], one["last"]["value"])
        for item in items
        for one in item["series"]
        if one["last"]
    }
    assert found == newest


def test_devices_are_found_by_zone_model_state_and_words(get: Client, filled: Filled) -> None:
    noise = [device.code for device in filled.registry.devices if device.zone == "noise"]
    assert [item["code"] for item in get("devices", zone="noise").items] == sorted(noise)
    assert get("devices", model="noise_monitor").items
    assert [item["code"] for item in get("devices", q="STREET-noi").items] == ["street-noise"]
    states = get("health").json["states"]
    for state, count in states.items():
        assert len(get.pages("devices", health=state)) == count
    assert sum(states.values()) == len(filled.registry.devices)
    assert get("devices", zone="nois").fields == ["zone"]
    assert get("devices", model="nothing").fields == ["model"]
    assert get("devices", health="ill").fields == ["health"]


def test_one_device_comes_with_its_past(get: Client) -> None:
    found = get("devices/street-noise").json
    assert found["code"] == "street-noise"
    assert (found["silences"], found["flags"]) == ([], [])
    assert [one["finding"] for one in found["drift"]] == ["bad_unit", "unknown_field"]
    assert get("devices/street-nois").fields == ["device"]


def test_findings_of_drift_are_those_of_the_store_with_their_example(get: Client, filled: Filled) -> None:
    with Store.connect(filled.url) as store:
        stored = store.drift_rows(0)
    items = get.pages("devices/drift", limit=1)
    assert [(one["device"], one["finding"], one["field"] or "") for one in items] == [row[:3] for row in stored]
    assert items == get("devices/drift").items
    (wrong,) = get("devices/drift", finding="bad_unit", device="street-noise", zone="noise").items
    assert (wrong["model"], wrong["readings"]) == ("noise_monitor_1min", 1)
    assert get(f"quarantine/{wrong['example']}").json["reason"] == "bad_unit"
    counts = get("health").json["drift"]
    assert (counts["findings"], counts["by_finding"]["bad_unit"], counts["unlisted"]) == (len(stored), 1, 0)
    assert counts["devices"] == len({row.device for row in stored})
    assert get("devices/drift", device="nobody").items == get("devices/drift", model="water_meter").items == []
    for name in ("finding", "model", "zone"):
        assert get("devices/drift", **{name: "nothing"}).fields == [name]
    tag = get("devices/drift").headers["etag"]
    assert get("devices/drift", headers={"If-None-Match": tag}).status == 304


# ---- accounts ----------------------------------------------------------------------------------------------------


def test_the_quarantine_is_given_whole_newest_first(get: Client, sql: Sql) -> None:
    items = get.pages("quarantine", limit=1)
    stored = sql("SELECT quarantine_id, reason, topic, payload FROM quarantine ORDER BY quarantine_id DESC")
    assert len(stored) >= len(BAD)
    assert [(item["id"], item["reason"], item["topic"]) for item in items] == [row[:3] for row in stored]
    one = get(f"quarantine/{stored[0][0]}").json
    assert base64.b64decode(one["payload_base64"]) == stored[0][3]
    counts = get("quarantine/counts").items
    assert sum(one["readings"] for one in counts) == sum(item["readings"] for item in items)
    for one in counts:
        of = get("quarantine", reason=one["reason"]).items
        assert (one["newest"], one["rows"]) == (of[0]["id"], len(of))
    assert get("quarantine/0").fields == ["id"]
    assert get("quarantine/nothing").fields == ["id"]
    assert get("quarantine", reason="bad_mood").fields == ["reason"]


def test_the_ledger_balances_and_its_commits_add_up(get: Client) -> None:
    total = get("ledger/summary").json
    assert total["balances"] is True
    commits = get.pages("ledger", limit=1)
    for name in ("messages", "received", "accepted", "duplicate", "quarantined"):
        assert sum(one[name] for one in commits) == total[name]
    assert [one["id"] for one in commits] == sorted((one["id"] for one in commits), reverse=True)
    assert total["lag"] == {
        "known": False, "answers": False, "connected": None, "watermark_s": None, "waiting": None, "commit_s": None,
    }  # fmt: skip


def test_what_was_taken_up_again_is_told_and_the_account_still_balances(get: Client, sql: Sql) -> None:
    before = get("ledger/summary").json
    assert (before["replayed"], {one["replayed"] for one in get("ledger").items}) == (0, {0})
    again = "messages, received, accepted, duplicate, quarantined, restated, looked_up, trimmed, replayed, client"
    sql(
        f"INSERT INTO ledger (commit_id, commit_key, partition, {again}) "
        "SELECT max(commit_id) + 1, gen_random_uuid(), 0, 1, 3, 1, 2, 0, 0, 0, 0, 1, 'replay' FROM ledger RETURNING 1"
    )
    total, newest = get("ledger/summary").json, get("ledger", limit=1).items[0]
    sql("DELETE FROM ledger WHERE client = 'replay' RETURNING 1")
    assert (total["replayed"], newest["replayed"], newest["received"]) == (1, 1, 3)
    assert (total["balances"], total["received"]) == (True, before["received"] + 3)


def test_measurands_have_their_range_in_exact_decimals(get: Client, filled: Filled) -> None:
    items = get("measurands").items
    assert [item["code"] for item in items] == [one.code for one in filled.registry.catalogue.measurands]
    pm2_5 = next(item for item in items if item["code"] == "pm2_5")
    assert (pm2_5["resolution"], pm2_5["unit"], pm2_5["kind"]) == ("0.001", "ug/m3", "gauge")


def test_assessments_that_were_submitted_are_listed_the_newest_first(get: Client, sql: Sql) -> None:
    assert get("assessments").json == {"items": [], "next": None}
    for of in ("2024, 1", "2025, 1", "2025, 2"):
        row = f"'2026-02-03T04:05:06Z', {of}, 'the mayor', NULL, 'ab', '{{}}'"
        sql(f"INSERT INTO assessment VALUES ({row}) RETURNING 1")
    items = get("assessments").items
    sql("DELETE FROM assessment RETURNING 1")
    assert [(one["id"], one["stands"]) for one in items] == [("2025-2", True), ("2025-1", False), ("2024-1", True)]
    assert items[0] == {
        "id": "2025-2", "year": 2025, "submission": 2, "stands": True, "made": "2026-02-03T04:05:06.000000Z",
        "by": "the mayor", "digest": "ab", "manifest": None,
    }  # fmt: skip


def test_the_newest_reading_of_every_series_is_that_of_the_log(filled: Filled, sql: Sql) -> None:
    stored = sql(
        f"SELECT DISTINCT ON (series_id) series_id, {US.format('time')}, ticks FROM observation"
        " ORDER BY series_id, time DESC"
    )
    with Reader.open(filled.url) as reader:
        found = newest.newest(reader.session, [row[0] for row in sql("SELECT series_id FROM series")])
    assert list(zip(*(column.tolist() for column in found), strict=True)) == stored


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("indicators/laeq/hour/values", (int, str)), ("indicators/laeq/hour/revisions", (int, str, int)),
        ("series/street-noise/sound_level/observations", (int,)), ("series/street-noise/sound_level/windows", (int,)),
        ("observations?zone=kerb&measurand=pm2_5", (int, int)), ("devices", (str,)),
        ("devices/drift", (str, str, str)), ("quarantine", (int,)),
        ("ledger", (int,)), ("alerts", (int,)), ("audit", (int,)),
        ("kpis/EN%3A%20EN%3A%20AQ%3A%201C%2Fpm2_5/explain?days=true", (int,)),
    ],
)  # fmt: skip
def test_a_cursor_that_somebody_made_is_answered_like_any_other(
    get: Client, path: str, kinds: tuple[type[int] | type[str], ...]
) -> None:
    for number in (-INT64_MAX, -1, 0, INT64_MAX):
        cursor = cursor_of(*(number if kind is int else "\U0010ffff" for kind in kinds))
        found = get(f"{path}{'&' if '?' in path else '?'}cursor={cursor}")
        assert found.status in (200, 403, 422), found.body
