"""What was replaced, for people and for programs, over plain records and against a real gateway."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from console.commands.revisions import print_revisions, revision_row
from devices import time_us_from_rfc3339
from engine.store import IndicatorReading, IndicatorRevision
from tests.console.conftest import Service

SEOUL = ZoneInfo("Asia/Seoul")


def at(text: str) -> int:
    found = time_us_from_rfc3339(text)
    assert found is not None
    return found


REPLACED = IndicatorRevision(
    IndicatorReading(
        "pm2_5_mean", "hour", "zone", "air", at("2026-01-31T05:00:00Z"), Decimal("35.217"), "ug/m3", 0, "", "",
        55, 60, 1, at("2026-01-31T06:02:00Z"),
    ),
    at("2026-01-31T09:30:00Z"), "late data", Decimal("36.100"), 2,
)  # fmt: skip


def test_a_record_says_what_was_published_until_when_why_and_what_stands() -> None:
    assert revision_row(REPLACED) == {
        "indicator": "pm2_5_mean", "window": "hour", "scope": "zone:air", "start": "2026-01-31T05:00:00.000000Z",
        "revision": 1, "value": "35.217", "unit": "ug/m3", "band": None, "driver": None, "received": 55,
        "expected": 60, "computed": "2026-01-31T06:02:00.000000Z", "replaced": "2026-01-31T09:30:00.000000Z",
        "reason": "late data", "value_now": "36.100", "revision_now": 2,
    }  # fmt: skip


def test_the_table_is_by_the_city_s_clock(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    print_revisions([revision_row(REPLACED)], SEOUL)
    said = capsys.readouterr().out
    for word in ("zone:air", "2026-01-31 14:00", "35.217", "55/60", "2026-01-31 18:30", "late data", "36.100"):
        assert word in said
    assert "1 replaced result" in said


@pytest.mark.system
def test_revisions_are_those_of_closed_windows_and_ask_for_nothing_else(service: Service) -> None:
    rows = service("indicators", "--revisions", "--scope", "station", "--json").rows
    assert all(1 <= row["revision"] < row["revision_now"] and row["reason"] for row in rows)
    none = service("indicators", "--revisions", "--from", "2999-01-01")
    assert (none.code, "no result of a closed window was ever replaced" in none.out) == (0, True)
    for more in (["--at", "2026-01-01"], ["--window", "period"]):
        refused = service("indicators", "--revisions", *more)
        assert (refused.code, refused.out) == (2, "")
        assert "--revisions" in refused.err
