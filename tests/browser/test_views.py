"""Every view of the console with live data in a real Chromium: what stands on it, and what it does on a change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.process import wait_until
from tests.browser.axe import findings
from tests.browser.conftest import Pages
from tests.browser.consoles import Town, console_of, town_in
from tests.browser.lines import line_to
from tests.browser.town import HOUR_US
from tests.browser.views import VIEWS, WAIT_MS_MAX, show
from tests.databases import Databases

EXPLORED = "?i=pm2_5_mean/hour/zone:south&s=noise-west/sound_level&span=48h&grid=raw,hour,day"
WALL_WIDTH = 3840
SIZES = ((390, 844), (1280, 800), (WALL_WIDTH, 2160))
DAY_US = 24 * HOUR_US
CAUSED = r"net::ERR_|50[23]"
"""What the browser says of a server that is not there because a test took it away."""


@pytest.fixture(scope="module")
def town(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The town with its readings."""
    with town_in(databases, tmp_path_factory.mktemp("town") / "harbourtown") as made:
        yield made


@pytest.fixture(scope="module")
def address(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A console of the town."""
    with console_of(town, tmp_path_factory.mktemp("console")) as found:
        yield found


@pytest.fixture(scope="module")
def kept(browser: Browser) -> Iterator[Pages]:
    """Where the page stands that most tests look at: the console is loaded into it once."""
    opened = Pages(browser)
    yield opened
    assert opened.close() == []


@pytest.fixture(scope="module")
def standing(kept: Pages) -> Page:
    """That page; ask for `page`."""
    return kept.open()


@pytest.fixture
def page(kept: Pages, standing: Page) -> Iterator[Page]:
    """A page for tests that leave nothing behind but what is taken back here. The next one comes to its view anew."""
    yield standing
    faults = kept.told()
    standing.set_viewport_size({"width": 1280, "height": 800})
    standing.evaluate("localStorage.clear(); location.hash = '#/alerts?state=cleared'")
    assert faults == []


def assert_soon(page: Page, expression: str) -> None:
    """Wait until a script says yes. The browser's own waiting would evaluate texts, which the page's policy forbids."""
    assert wait_until(lambda: bool(page.evaluate(expression)), WAIT_MS_MAX / 1000), expression


def tile(page: Page, key: str) -> str:
    """Return the selector of a tile by `indicator|window|scope`."""
    expect(page.locator(f'[data-key="{key}"]')).to_be_visible()
    return f'[data-key="{key}"]'


# ---- the wall --------------------------------------------------------------------------------------------------------


def test_the_worst_figure_stands_first_with_band_shape_coverage_and_age(page: Page, address: str) -> None:
    show(page, address, "wall")
    bands = page.locator(".tile:has(.chip:visible)")
    assert bands.count() >= 4
    first = page.get_by_test_id("tile").first
    assert first.get_attribute("data-key") in {f"{code}|hour|{scope}" for code in ("cai", "us_aqi_nowcast", "eaqi")
                                               for scope in ("city", "zone:south")}  # fmt: skip
    chip = first.get_by_test_id("tile-band")
    assert chip.inner_text().strip()
    assert chip.get_attribute("data-shape") in {"circle", "square", "pentagon", "triangle", "diamond", "star"}
    expect(first.locator(".ring text")).to_have_text(re.compile(r"^\d+%$"))
    expect(first.locator(".age")).to_contain_text(re.compile(r"still running|ended"))
    south, north = (page.locator(tile(page, f"cai|hour|zone:{zone}")).bounding_box() for zone in ("south", "north"))
    assert south is not None
    assert north is not None
    assert (south["y"], south["x"]) < (north["y"], north["x"])


def test_what_is_not_final_says_so_in_words(page: Page, address: str) -> None:
    show(page, address, "wall")
    # The meter should report every minute and does every hour.
    expect(page.locator(tile(page, "water|hour|zone:east"))).to_contain_text("incomplete")
    expect(page.locator(".tile", has_text="provisional").first).to_be_visible()
    expect(page.get_by_test_id("tally")).to_contain_text("incomplete")


def test_a_new_value_comes_to_the_wall_by_itself(page: Page, address: str, town: Town) -> None:
    show(page, address, "wall")
    value = page.locator(tile(page, "pm10_mean|hour|zone:north")).get_by_test_id("tile-value")
    before = value.inner_text()
    page.evaluate("window.notReloaded = true")
    this_hour = town.now_us // HOUR_US * HOUR_US
    town.take_in([(this_hour + 1_000_000 * n, "air-north", "pm10", f"{90 + n}", "ug/m3") for n in range(1, 5)])
    expect(value).not_to_have_text(before)
    assert page.evaluate("window.notReloaded")


def test_times_are_the_citys_wherever_the_browser_is(pages: Pages, address: str) -> None:
    page = show(pages.open(time_zone="America/New_York"), address, "wall")
    seoul = ZoneInfo("Asia/Seoul")
    minutes = {f"{datetime.now(seoul) + timedelta(minutes=ahead):%H:%M}" for ahead in (0, 1)}
    expect(page.get_by_test_id("clock")).to_have_text(re.compile(f"^({'|'.join(minutes)}):"))


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_fits_every_screen_and_keeps_nobody_out(pages: Pages, address: str, view: str) -> None:
    page = show(pages.open(scheme="dark"), address, view)
    page.emulate_media(reduced_motion="reduce")  # a colour on its way to another one is neither
    for theme in ("dark", "light"):
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        assert findings(page) == []
        page.keyboard.press("t")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert_soon(page, "document.documentElement.scrollWidth <= innerWidth")
        if view == "wall":
            size = "parseFloat(getComputedStyle(document.querySelector('.tile .value')).fontSize)"
            assert_soon(page, f"{size} >= {80 if width == WALL_WIDTH else 30}")


# ---- the connection --------------------------------------------------------------------------------------------------


def test_a_server_that_starts_again_is_found_and_its_absence_is_said(pages: Pages, town: Town, tmp_path: Path) -> None:
    page = pages.open()
    with console_of(town, tmp_path / "first") as first, line_to(first) as line:
        show(page, line.address, "wall")
        expect(page.get_by_test_id("status")).not_to_have_attribute("data-state", "disconnected")
        pages.forgive(CAUSED)
        line.proxy.refuse()
        expect(page.get_by_test_id("status")).to_have_attribute("data-state", "disconnected")
        expect(page.get_by_test_id("status")).to_contain_text("what you see is what was last known")
        assert page.get_by_test_id("tile").count() > 0
        with console_of(town, tmp_path / "second") as second:
            line.proxy.target_port = int(second.rpartition(":")[2])
            line.proxy.restore()
            expect(page.get_by_test_id("status")).not_to_have_attribute("data-state", "disconnected")


def test_a_network_that_is_cut_is_said_and_the_page_comes_back(pages: Pages, address: str) -> None:
    page = pages.open()
    with line_to(address) as line:
        show(page, line.address, "wall")
        pages.forgive(CAUSED)
        with line.cut(page):
            expect(page.get_by_test_id("status")).to_have_attribute("data-state", "disconnected")
        expect(page.get_by_test_id("status")).not_to_have_attribute("data-state", "disconnected")


def test_a_week_passes_and_the_page_stands_with_no_more_than_before(pages: Pages, town: Town, tmp_path: Path) -> None:
    page = pages.open()
    page.clock.install()
    ahead_us = [0]
    with console_of(town, tmp_path / "console", lambda: ahead_us[0]) as address:
        show(page, address, "wall")
        nodes = page.evaluate("document.querySelectorAll('*').length")
        day = page.locator(".clock span").inner_text()
        for _ in range(7):
            ahead_us[0] += DAY_US
            page.clock.fast_forward(DAY_US // 1000)
        expect(page.get_by_test_id("tile").first.locator(".age")).to_contain_text(re.compile(r"ended [67] days ago"))
        assert page.locator(".clock span").inner_text() != day
        expect(page.get_by_test_id("status")).to_have_attribute("data-state", "stale")
        assert page.evaluate("document.querySelectorAll('*').length") <= nodes * 1.1


# ---- the other views -------------------------------------------------------------------------------------------------


def test_the_map_shows_zones_and_devices_now_and_at_a_past_time(page: Page, address: str) -> None:
    show(page, address, "map")
    page.get_by_test_id("map-indicator").select_option("cai|hour")
    expect(page.locator(".zone-label")).to_have_count(4)
    row = page.get_by_test_id("map-zones").get_by_role("row", name="South quarter")
    now = row.inner_text()
    page.get_by_test_id("map-slider").focus()
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("map-moment")).to_contain_text("As it was at")
    expect(row).not_to_have_text(now)
    page.get_by_test_id("map-now").click()
    expect(page.get_by_test_id("map-moment")).to_have_text("As it is now")
    page.get_by_test_id("map-devices").get_by_role("button", name="noise-west").click()
    expect(page.get_by_test_id("device-card")).to_contain_text("sound_level")


def test_a_gap_is_drawn_as_a_gap_and_raw_stands_beside_hourly_and_daily(page: Page, address: str) -> None:
    show(page, address, "explore", EXPLORED)
    assert page.get_by_test_id("chart").count() == 2
    labels = page.locator(".u-legend").all_inner_texts()
    assert all(word in " ".join(labels) for word in ("Raw highest", "Hourly", "Daily"))
    assert "Hourly highest" not in " ".join(labels)  # an hour that has a column of its own is drawn as it is
    broken = page.evaluate(
        """async () => {
            const { withGaps, strokes } = await import('/js/chart.js');
            const hours = [{t: 0, value: 1}, {t: 7200, value: 2}];
            return [withGaps([0, 60, 120, 300], [[1, 2, 3, 4]]), strokes(hours, 3600)];
        }"""
    )
    assert broken == [
        [[0, 60, 120, 180, 300], [1, 2, 3, None, 4]],
        [[0, 3599, 3600, 7200, 10799, 10800], [1, 1, None, 2, 2, None]],
    ]


def test_a_late_reading_changes_a_past_point_and_the_revision_is_told(page: Page, address: str, town: Town) -> None:
    show(page, address, "explore", EXPLORED)
    expect(page.get_by_test_id("revisions")).to_have_count(0)
    past = (town.now_us // HOUR_US - 12) * HOUR_US
    town.take_in([(past + 600_000_000, "air-south", "pm2_5", "400", "ug/m3")])
    page.get_by_test_id("span-24h").click()
    expect(page.get_by_test_id("revisions")).to_contain_text("late")
    expect(page.locator(".u-legend").first).to_contain_text("revised later")


def test_an_export_arrives_with_the_points_that_are_drawn(page: Page, address: str) -> None:
    show(page, address, "explore", EXPLORED)
    with page.expect_download() as found:
        page.get_by_role("link", name="Hours CSV").click()
    lines = Path(found.value.path()).read_text().splitlines()
    assert lines[0].startswith("indicator,window,scope,start,value")
    assert len(lines) > 24


def test_health_balances_and_shows_an_example_of_what_was_refused(page: Page, address: str) -> None:
    show(page, address, "health")
    expect(page.get_by_test_id("ledger-verdict")).to_contain_text("Every reading is accounted for")
    expect(page.get_by_test_id("ledger-quarantined")).to_have_text("3")
    expect(page.get_by_test_id("health-silent")).to_contain_text("air-lost")
    page.get_by_test_id("reason").filter(has_text="out of range").click()
    expect(page.get_by_test_id("payload")).to_contain_text("5000")
    expect(page.get_by_test_id("drift-summary")).to_have_text("1 finding of drift · 1 device")
    expect(page.get_by_test_id("drift-table")).to_contain_text("noise-west")
    page.get_by_test_id("drift-example").press("Enter")
    expect(page.get_by_test_id("drift-payload")).to_contain_text("kg")


def test_a_payload_cannot_pass_for_something_else(page: Page, address: str) -> None:
    show(page, address, "health")
    shown = page.evaluate(
        """async () => {
            const { printable } = await import('/js/views/payload.js');
            return ['GzJKPGI-', '/wBB', '4oCuYWI='].map(printable);
        }"""
    )
    assert shown == ["\\u{1b}2J<b>", "\\xff\\x00A", "\\u{202e}ab"]


def test_a_figure_below_its_decimals_is_no_zero(page: Page, address: str) -> None:
    show(page, address, "kpis")
    shown = page.evaluate(
        """async () => {
            const { pointOf } = await import('/js/views/scores.js');
            const of = (value, exact) => pointOf({ key: 'k', name: 'n', unit: '1', figures: [{ value, exact }] });
            const long = '1'.repeat(400) + '/' + '3'.repeat(400);
            return [of('0.000000', '1/8000000'), of('0', '0'), of('0.333333', '1/3'), of('0.333333', long),
                    of('12345.5', '24691/2'), of('2', null)].map((one) => one.number);
        }"""
    )
    assert shown == ["0.000000125", "0", "0.33333", "0.33333", "12,346", "2"]


def test_the_wheel_and_the_table_lead_to_what_a_kpi_rests_on(page: Page, address: str) -> None:
    show(page, address, "kpis")
    expect(page.get_by_test_id("wheel")).to_be_visible()
    rows = page.get_by_test_id("kpi-table").locator("tbody tr")
    every = rows.count()
    page.get_by_test_id("wheel").get_by_role("button", name=re.compile("^Air Quality")).click()
    expect(rows).not_to_have_count(every)
    (worth,) = [
        row for row in page.request.get(f"{address}/api/v1/kpis/scores").json()["items"] if row["row"] == "whole"
    ]
    expect(page.locator(".wheel .whole")).to_have_text(f"{float(worth['percent']):.0f}%")
    expect(page.get_by_test_id("wheel").get_by_role("button", name=re.compile("^Economy: band 3"))).to_be_visible()
    rows.first.get_by_test_id("kpi-open").click()
    expect(page.get_by_test_id("kpi-explained")).to_contain_text("Formula")


def test_an_alert_is_acknowledged_by_hand_while_others_come(page: Page, address: str, town: Town) -> None:
    town.raise_alert("The harbour smells")
    show(page, address, "alerts")
    alert = page.get_by_test_id("alert").filter(has_text="The harbour smells")
    alert.get_by_test_id("alert-words").fill("somebody looks")
    town.raise_alert("So does the market", "zone:south")
    expect(page.get_by_test_id("alert")).to_have_count(2)
    expect(page.get_by_test_id("nav-alerts")).to_contain_text("2")
    expect(alert.get_by_test_id("alert-words")).to_have_value("somebody looks")
    alert.get_by_test_id("alert-acknowledge").click()
    expect(alert).to_have_attribute("data-state", "acknowledged")
    alert.get_by_text("What happened").click()
    expect(alert.locator(".trail")).to_contain_text("somebody looks")
    expect(alert.get_by_test_id("alert-words")).to_have_value("")


# ---- for everybody ---------------------------------------------------------------------------------------------------


def test_the_keyboard_alone_reaches_every_view_and_control(page: Page, address: str) -> None:
    show(page, address, "wall")
    for number, view in enumerate(VIEWS, 1):
        page.keyboard.press(str(number))
        expect(page.get_by_test_id(f"view-{view}")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_test_id("help-sheet")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("help-sheet")).to_be_hidden()
    page.keyboard.press("1")
    expect(page.get_by_test_id("tile").first).to_be_visible()
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.dataset.testid || document.activeElement.tagName"))
    assert {"nav-map", "language", "theme", "help", "wall-day", "wall-zones", "wall-only", "tile"} <= reached
    page.get_by_test_id("tile").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("view-explore")).to_be_visible()


def test_whoever_signs_in_can_sign_out(pages: Pages, databases: Databases, town: Town, tmp_path: Path) -> None:
    page = pages.open()
    pages.forgive("401")
    with databases.migrated() as url:
        guarded = replace(town, database_url=url)
        token = guarded.make_token()
        with console_of(guarded, tmp_path) as address:
            page.goto(address)
            assert findings(page) == []
            page.get_by_label("Token").fill("what nobody made")
            page.keyboard.press("Enter")
            expect(page.get_by_role("alert")).not_to_be_empty()
            page.get_by_label("Token").fill(token)
            page.keyboard.press("Enter")
            page.get_by_test_id("sign-out").click()
            expect(page.get_by_label("Token")).to_be_visible()


def test_the_page_speaks_korean_and_keeps_it(pages: Pages, address: str) -> None:
    page = show(pages.open(), address, "wall")
    page.get_by_test_id("language").click()
    expect(page.get_by_test_id("nav-map")).to_have_text("지도")
    assert page.evaluate("document.documentElement.lang") == "ko"
    expect(page.locator(tile(page, "cai|hour|zone:south"))).to_contain_text("통합대기환경지수")
    page.reload()
    expect(page.get_by_test_id("nav-map")).to_have_text("지도")
    show(page, address, "kpis")
    expect(page.get_by_test_id("kpi-group")).to_contain_text("대기질")
    # Else a narrow column of a phone would be a column of syllables.
    expect(page.get_by_test_id("kpi-table").locator("td").first).to_have_css("word-break", "keep-all")
    expect(page.get_by_test_id("wheel").locator("text", has_text="환경").first).to_be_visible()


def test_both_languages_have_every_text(page: Page, address: str) -> None:
    show(page, address, "wall")
    english, korean = page.evaluate(
        """async () => {
            const texts = await Promise.all(['en', 'ko'].map((language) => import(`/js/i18n/${language}.js`)));
            const places = (text) => (text.match(/\\{\\w+\\}/g) ?? []).sort().join();
            return texts.map((one) => Object.entries(one.default).map(([key, text]) => [key, places(text)]));
        }"""
    )
    assert dict(english).keys() == dict(korean).keys()
    assert {key for key, places in english if dict(korean)[key] != places} == set()
