"""The live page at the sizes people have, over plain records."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from console.page import TITLE_CELLS_MIN, IndicatorLine, Lag, Page, Totals, ledger_line, render, scroll_max
from engine.indicators import INDICATORS

HISTORY = (None, 1.0, 2.0, 3.0, 2.0, 1.0) * 4


def page(**changes: object) -> Page:
    lines = tuple(
        line
        for zone in ("City", "산업단지 Harbour", "Old Town", "North")
        for line in (
            IndicatorLine(
                zone, "Comprehensive Air-quality Index", "cai", "73", "", "Moderate", "#00c000", 1.0, 240, HISTORY
            ),
            IndicatorLine(
                zone, "European AQI", "eaqi", "6", "", "Extremely poor", "#7d2181", 0.4, 240, HISTORY, valid=False
            ),
            IndicatorLine(
                zone, "PM2.5", "pm2_5_mean", "35.217", "µg/m³", "", "", 0.999, 0.0, HISTORY, provisional=True
            ),
            IndicatorLine(zone, "LAeq", "laeq", "", "dB(A)", "", "", None, None, (None,) * 24),
        )
    )
    facts: dict[str, object] = {
        "title": "Demo City",
        "clock": "2026-11-24 01:05",
        "status": "replay 61 %",
        "lines": lines,
        "totals": Totals(1_234_567, 1_200_000, 34_000, 567),
        "reasons": (("out_of_range", 400), ("conflict", 100), ("bad_time", 60), ("malformed", 7)),
        "lag": Lag(183.2, 12, 0.012, True),
    }
    return Page(**{**facts, **changes})  # type: ignore[arg-type]


def shown(what: Page, width: int, height: int, first: int = 0) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None, highlight=False).print(render(what, width, height, first))
    return out.getvalue().splitlines()


def test_at_80_by_24_the_page_is_this() -> None:
    assert shown(page(), 80, 24) == [
        " cityvitals · Demo City                           replay 61 %  2026-11-24 01:05 ",
        " indicator                value  unit       band            cov  age  last 8 h",
        "City",
        " cai                         73  ■ Moderate                100%   4m  ▅▁·▁▅█▅▁",
        " European AQI                 6? ■ Extremely poor           40%   4m  ▅▁·▁▅█▅▁",
        " PM2.5                   35.217~ µg/m³                      99%  now  ▅▁·▁▅█▅▁",
        " LAeq                         –  dB(A)                        –    –  ········",
        "산업단지 Harbour",
        " cai                         73  ■ Moderate                100%   4m  ▅▁·▁▅█▅▁",
        " European AQI                 6? ■ Extremely poor           40%   4m  ▅▁·▁▅█▅▁",
        " PM2.5                   35.217~ µg/m³                      99%  now  ▅▁·▁▅█▅▁",
        " LAeq                         –  dB(A)                        –    –  ········",
        "Old Town",
        " cai                         73  ■ Moderate                100%   4m  ▅▁·▁▅█▅▁",
        " European AQI                 6? ■ Extremely poor           40%   4m  ▅▁·▁▅█▅▁",
        " PM2.5                   35.217~ µg/m³                      99%  now  ▅▁·▁▅█▅▁",
        " LAeq                         –  dB(A)                        –    –  ········",
        "North",
        "──────────────────────────────────────────────────────────── 1–16 of 20 lines ──",
        " ledger  in 1,234,567 = accepted 1,200,000 + dup 34,000 + quar 567  ✓ balances",
        " refused out_of_range 400 · conflict 100 · bad_time 60 · malformed 7",
        " lag     watermark 3m behind · queue 12 · commit 12 ms",
        " q quit   ↑↓ scroll   d days                  ~ still open   ? too few readings ",
    ]


def test_at_160_columns_zones_get_a_column_and_a_whole_day_of_history() -> None:
    lines = shown(page(), 160, 30)
    assert lines[2].startswith("City ")
    assert re.fullmatch(r" +European AQI +6\? +■ Extremely poor +40% +4m  (·▁▅█▅▁){4} *", lines[3]), lines[3]
    assert lines[6].startswith("산업단지 Harbour ")
    assert "received 1,234,567 = accepted 1,200,000 + duplicate 34,000 + quarantined 567  ✓ balances" in lines[-4]


@pytest.mark.parametrize("width", [100, 110, 127, 128, 150, 200])
def test_a_title_stands_where_there_is_room_for_it_or_for_most_of_it(width: int) -> None:
    longest = max((one.title for one in INDICATORS), key=cell_len)
    line = IndicatorLine("City", longest, "the_code", "73", "")
    text = "\n".join(shown(page(lines=(line,)), width, 24))
    assert "the_code" not in text
    assert longest[:TITLE_CELLS_MIN] in text
    if width >= 150:
        assert longest in text


def test_at_40_columns_the_lines_are_shortened_and_not_cut_off() -> None:
    assert [line for at, line in enumerate(shown(page(), 40, 24)) if at in (19, 20, 22)] == [
        " ledger  1,234,567 in  ✓ balances",
        " refused out_of_range 400 · 3 more",
        " q quit   ↑↓ scroll   d days            ",
    ]


@pytest.mark.parametrize("quarantined", [1, 2])
@pytest.mark.parametrize("width", range(28, 120))
def test_the_ledger_says_at_any_width_whether_it_balances_and_no_number_is_cut(width: int, quarantined: int) -> None:
    line = ledger_line(Totals(1_234_567, 1_234_500, 66, quarantined), width).plain
    assert line.endswith("✓ balances" if quarantined == 1 else "✗ DOES NOT BALANCE")
    assert len(line) <= width
    assert set(re.findall(r"[\d,]+", line.replace("in,", "in"))) <= {"1,234,567", "1,234,500", "66", str(quarantined)}


@pytest.mark.parametrize("width", [40, 60, 80, 100, 109, 127, 128, 150, 160, 240])
@pytest.mark.parametrize("height", [12, 24, 50])
def test_the_page_never_overflows_the_terminal(width: int, height: int) -> None:
    for first in (0, 3, 99):
        lines = shown(page(trouble="the database does not answer; nothing is lost"), width, height, first)
        assert len(lines) < height
        assert max(cell_len(line) for line in lines) <= width


def test_every_line_can_be_reached_by_scrolling() -> None:
    what = page()
    seen: set[str] = set()
    for first in range(scroll_max(what, 80, 24) + 1):
        seen.update(shown(what, 80, 24, first)[2:18])
    assert {"City", "산업단지 Harbour", "Old Town", "North"} <= seen
    assert scroll_max(what, 80, 24) == 4
    assert scroll_max(what, 80, 60) == 0


def test_a_scrolled_page_still_says_whose_lines_these_are() -> None:
    assert shown(page(), 80, 24, 2)[2] == "City …"


def test_a_band_is_always_told_in_words() -> None:
    assert any("Extremely poor" in line for line in shown(page(), 80, 24))


def test_a_ledger_that_does_not_balance_says_so() -> None:
    assert "✗ DOES NOT BALANCE" in ledger_line(Totals(10, 7, 1, 1), 100).plain
    assert "✓ balances" in ledger_line(Totals(9, 7, 1, 1), 100).plain


def test_before_the_first_figure_the_page_says_what_it_waits_for() -> None:
    lines = shown(Page("Demo City"), 80, 24)
    assert "waiting for the first figures" in lines[2]
    assert "nothing in quarantine" in lines[-3]


def test_trouble_is_told_above_the_ledger() -> None:
    lines = shown(page(trouble="the database does not answer"), 80, 24)
    assert lines[-5] == " ! the database does not answer"
