"""The browser itself: it draws, tells what goes wrong, can be cut off and set ahead, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page

from deploy import paths
from deploy.browser import BROWSER
from deploy.doctor import doctor
from deploy.process import wait_until
from deploy.userland import location
from tests.browser.axe import findings
from tests.browser.conftest import Pages
from tests.browser.lines import line_to
from tests.browser.sites import site
from tests.browser.views import WAIT_MS_MAX
from tests.browser.watch import Watch

if TYPE_CHECKING:
    from playwright.sync_api._generated import Clock

HEAD = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title></head>'
LETTERS = HEAD + '<body><canvas id="paper" width="64" height="64"></canvas></body></html>'
DRAWN = """(letter) => {
    const pen = document.getElementById('paper').getContext('2d', {willReadFrequently: true});
    pen.clearRect(0, 0, 64, 64);
    pen.font = '48px sans-serif';
    pen.fillText(letter, 4, 52);
    return Array.from(pen.getImageData(0, 0, 64, 64).data).filter((_, at) => at % 4 === 3).join();
}"""
"""Draws one letter and returns how dark each pixel is."""
NO_LETTER = "\ue000"
"""Belongs to no alphabet: what is drawn in place of a glyph that no font has."""
SECONDS_MAX = WAIT_MS_MAX / 1000


@pytest.mark.parametrize("letters", ["AaBb19±µ", "한국어도시서울"], ids=["latin", "korean"])
def test_every_letter_has_a_glyph_of_its_own(page: Page, letters: str) -> None:
    with site({"/": LETTERS}) as address:
        page.goto(address)
        drawn = {letter: page.evaluate(DRAWN, letter) for letter in (*letters, NO_LETTER, " ")}
    assert len(set(drawn.values())) == len(set(letters)) + 2
    assert set(drawn[" "].split(",")) == {"0"}


def test_a_page_draws_what_its_style_says(page: Page) -> None:
    with site(
        {"/": HEAD + '<body style="background: #0a7"><h1 data-testid="said">서울 38 µg/m³</h1></body></html>'}
    ) as address:
        page.goto(address)
        assert page.get_by_test_id("said").inner_text() == "서울 38 µg/m³"
        picture = page.screenshot()
        page.evaluate("document.body.style.background = '#a07'")
        assert page.screenshot() != picture
    assert picture.startswith(b"\x89PNG")


def test_whatever_goes_wrong_on_a_page_is_noted(browser: Browser) -> None:
    wrong = {
        "console": HEAD + "<script>console.error('wrong one')</script>",
        "uncaught": HEAD + "<script>throw new Error('wrong two')</script>",
        "answer 404": HEAD + '<img src="/nowhere" alt="">',
        "request failed": HEAD + '<img src="http://127.0.0.1:1/" alt="">',
    }
    with (
        site({f"/{number}": text for number, text in enumerate(wrong.values())}) as address,
        browser.new_context() as context,
    ):
        for number, begins in enumerate(wrong):
            page = context.new_page()
            watch = Watch(page)
            page.goto(f"{address}/{number}")
            assert any(fault.startswith(begins) for fault in watch.faults), (begins, watch.faults)
            watch.forgive("wrong|127.0.0.1")
            assert watch.faults == []


def test_an_inline_script_is_refused_by_a_policy_and_noted(pages: Pages) -> None:
    page = pages.open()
    with site({"/": HEAD + "<script>document.title = 'ran'</script>"}, policy="default-src 'self'") as address:
        page.goto(address)
        assert page.title() == "A page"
        assert findings(page) == []  # axe is not the page's script
    pages.forgive("Content Security Policy")


STREAM = (
    HEAD
    + """<body><p id="state">new</p><p id="last">0</p><script>
const show = (id, text) => { document.getElementById(id).textContent = text; };
const events = new EventSource('/events');
events.onopen = () => show('state', 'open');
events.onerror = () => show('state', 'lost');
events.onmessage = (event) => show('last', event.data);
</script></body></html>"""
)


def test_a_page_that_is_cut_off_loses_its_events_and_has_them_back(page: Page, pages: Pages) -> None:
    pages.forgive("net::ERR_")
    with site({"/": STREAM}) as address, line_to(address) as line:
        page.goto(line.address)
        page.wait_for_function("Number(document.getElementById('last').textContent) > 2")
        with line.cut(page):
            assert page.evaluate("navigator.onLine") is False
            page.wait_for_function("document.getElementById('state').textContent === 'lost'")
        page.wait_for_function("document.getElementById('state').textContent === 'open'")
        page.wait_for_function("Number(document.getElementById('last').textContent) > 2")


def test_a_week_passes_by_the_clock_alone(page: Page, clock: Clock) -> None:
    idle = HEAD + "<body><script>let minutes = 0; setInterval(() => { minutes += 1; }, 60000)</script></body></html>"
    with site({"/": idle}) as address:
        page.goto(address)
        began_ms = page.evaluate("Date.now()")
        clock.run_for("24:00:00")
        assert page.evaluate("minutes") in (1440, 1441)
        clock.fast_forward(6 * 86_400_000)
        assert page.evaluate("Date.now()") - began_ms >= 7 * 86_400_000


def test_axe_finds_what_keeps_somebody_out(page: Page) -> None:
    good = HEAD + '<body><main><h1>Air</h1><img src="data:," alt="a map"></main></body></html>'
    bad = HEAD + '<body><main><h1 style="color: #eee; background: #fff">Air</h1><img src="data:,"></main></body></html>'
    with site({"/good": good, "/bad": bad}) as address:
        page.goto(f"{address}/good")
        assert findings(page) == []
        page.goto(f"{address}/bad")
        assert {finding.split(":")[0] for finding in findings(page)} == {"serious color-contrast", "critical image-alt"}


def test_a_file_that_a_page_exports_arrives(page: Page) -> None:
    with site(
        {"/": HEAD + '<body><a id="take" download="hours.csv" href="data:text/csv,a,b">Export</a></body></html>'}
    ) as address:
        page.goto(address)
        with page.expect_download() as download:
            page.click("#take")
        assert download.value.suggested_filename == "hours.csv"
        assert download.value.path().read_text() == "a,b"


def browsers(scratch: Path) -> dict[int, int]:
    """Processes with our scratch folder among their mounts: the browser and all that it started, by process group."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(scratch) in (process / "mounts").read_text():
                found[int(process.name)] = os.getpgid(int(process.name))
        except OSError:
            continue  # gone meanwhile
    return found


def test_the_browser_ends_with_whoever_started_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from playwright.sync_api import sync_playwright\n"
        "from deploy import browser_executable\n"
        "scratch = Path(sys.argv[1])\n"
        "with sync_playwright() as driver:\n"
        "    running = driver.chromium.launch(executable_path=browser_executable(scratch))\n"
        "    running.new_page().goto('data:text/html,here')\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    line = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        running = browsers(tmp_path)
        assert len(running) > 1
        assert holder.pid not in running.values()  # a group of its own, which our signal does not reach
        os.killpg(holder.pid, signal.SIGKILL)  # its driver too: nobody is left to tell the browser
    assert wait_until(lambda: browsers(tmp_path) == {}, SECONDS_MAX)


def test_the_doctor_names_the_browser(browser: Browser) -> None:
    (check,) = [check for check in doctor() if check.name == "browser"]
    assert check.ok
    assert browser.version in check.detail
    assert str(location(BROWSER)) in check.detail


def test_only_tests_fetch_the_browser() -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    for target, fetches in (("test", True), ("demo", False), ("check", False)):
        line = ["make", "--dry-run", "--no-print-directory", target]
        done = subprocess.run(line, cwd=paths.checkout(), env=env, capture_output=True, text=True, check=True)
        assert ("bootstrap.sh browser" in done.stdout) is fetches, target
