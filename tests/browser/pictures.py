"""`python -m tests.browser.pictures`: every view of the page on the demo city, dark and light, as the guides show them.

Knows the demo and what is to be seen on the page; judges nothing. Whoever makes pictures looks at each of them.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from playwright.sync_api import Browser, Page, expect, sync_playwright

import deploy
import engine
import ingest
from console.children import read_ready
from deploy.process import wait_until
from simulators.bench import Pipeline
from tests.browser.lines import line_to
from tests.browser.views import VIEWS, WAIT_MS_MAX, show
from tests.system.pipeline import DEMO, ROOT, Replay

FOLDER = ROOT / "docs" / "pictures"
QUALITY = 0.86
SIGN_IN = "sign-in"
LATEST = "48h"
START_S_MAX = 300.0
Scheme = Literal["dark", "light"]
SCHEMES: tuple[Scheme, ...] = ("dark", "light")
AS_WEBP = """async ([text, quality]) => {
    const picture = await createImageBitmap(await (await fetch('data:image/png;base64,' + text)).blob());
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [picture.width, picture.height];
    canvas.getContext('2d').drawImage(picture, 0, 0);
    return canvas.toDataURL('image/webp', quality).split(',')[1];
}"""
"""Packs a picture anew, a fifth as large; the browser that took it can do that too."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is to be seen on one picture.

    Attributes:
        view: of the page, or the sign-in.
        scheme, language, width, height: of the reader.
        cut: the network is away.
        first: whether only what is on the screen without scrolling is wanted.
        also: told apart from other pictures of the view by this.
    """

    view: str
    scheme: Scheme
    language: str = "en-GB"
    width: int = 1440
    height: int = 900
    cut: bool = False
    first: bool = True
    also: str = ""

    @property
    def name(self) -> str:
        """Of its file."""
        return "-".join(part for part in (self.view, self.also, self.scheme) if part)


SHOWN = (
    *(Picture(view, scheme) for view, scheme in product((*VIEWS, SIGN_IN), SCHEMES)),
    Picture("wall", "dark", width=390, height=844, also="phone"),
    Picture("wall", "dark", language="ko-KR", also="korean"),
    Picture("wall", "dark", cut=True, also="disconnected"),
)
"""What the guides show."""
PHONE, LARGE = (390, 844), (3840, 2160)
LOOKED_AT = (
    *(Picture(view, scheme, language="ko-KR", first=False, also="korean-whole")
      for view, scheme in zip((*VIEWS, SIGN_IN), SCHEMES * 4, strict=False)),
    *(Picture(view, scheme, width=PHONE[0], height=PHONE[1], first=False, also="phone-whole")
      for view, scheme in product((*VIEWS, SIGN_IN), SCHEMES)),
    *(Picture(view, "dark", width=LARGE[0], height=LARGE[1], also="large") for view in VIEWS),
    *(Picture(view, "light", cut=True, also="disconnected") for view in VIEWS),
    *(Picture(view, "dark", first=False, also="whole") for view in VIEWS),
)  # fmt: skip
"""What is looked at beside them before a change of the page is delivered."""


def main() -> None:
    """Make the pictures that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.pictures", description=__doc__)
    parser.add_argument("--to", type=Path, default=FOLDER, help="folder for the pictures")
    parser.add_argument("--only", help="those whose name holds this")
    parser.add_argument("--more", action="store_true", help="also phones, large walls, Korean, and no connection")
    parser.add_argument("--console", help="address of a console that runs, instead of one of the demo city's own")
    given = parser.parse_args()
    wanted = [one for one in (*SHOWN, *(LOOKED_AT if given.more else ())) if (given.only or "") in one.name]
    with ExitStack() as closing:
        scratch = Path(closing.enter_context(TemporaryDirectory(prefix="cityvitals-pictures-")))
        address = given.console or closing.enter_context(_demo(scratch))
        driver = closing.enter_context(sync_playwright())
        browser = driver.chromium.launch(executable_path=deploy.browser_executable(scratch))
        closing.callback(browser.close)
        given.to.mkdir(parents=True, exist_ok=True)
        for picture in wanted:
            data = _packed(browser, _taken(browser, address.rstrip("/"), picture))
            (given.to / f"{picture.name}.webp").write_bytes(data)
            sys.stderr.write(f"{picture.name}.webp  {len(data) // 1000} kB\n")


@contextmanager
def _demo(folder: Path) -> Iterator[str]:
    """A console of the demo city with its recordings, as `cityvitals demo` has it; gives its address."""
    engine.warm()  # else the gateway of a fresh checkout would compile for longer than it is waited for
    ingest.warm()
    (folder / "stack").mkdir()
    with deploy.temporary(folder / "stack") as stack:
        database = deploy.create_database(stack.database.url, "demo")
        gateway = Pipeline(DEMO, stack.broker.url, database, folder / "gateway", CITYVITALS_WEB_SERVE="true")
        with gateway:
            replay = Replay(DEMO, stack.broker.url, "--last", LATEST, "--shift-to-now", "--speed", "max")
            gateway.drained(int(replay.done(START_S_MAX)["readings"]), START_S_MAX)
            address = str((read_ready(folder / "gateway" / "ready.json") or {})["console"])
            for path, said in (("kpis/scores", "a KPI is scored"), ("alerts", "an alert stands")):
                if not wait_until(lambda path=path: bool(_items(address, path)), START_S_MAX):  # type: ignore[misc]
                    raise TimeoutError(f"waited {START_S_MAX:.0f} s in vain until {said}")
            yield address


def _items(address: str, path: str) -> list[Any]:
    with urllib.request.urlopen(f"{address.rstrip('/')}/api/v1/{path}", timeout=60) as answer:  # noqa: S310  (our own)
        found: list[Any] = json.loads(answer.read())["items"]
    return found


def _taken(browser: Browser, address: str, picture: Picture) -> bytes:
    """Return the picture as PNG."""
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=picture.scheme,
        locale=picture.language,
        timezone_id="Europe/London",
        reduced_motion="reduce",
    )
    context.set_default_timeout(WAIT_MS_MAX)
    with context, line_to(address) as line, ExitStack() as closing:
        page = context.new_page()
        if picture.view == SIGN_IN:
            page.goto(f"{line.address}/sign-in")
        else:
            show(page, line.address, picture.view)
            _settle(page)
        if picture.cut:
            closing.enter_context(line.cut(page))
            expect(page.get_by_test_id("status")).to_have_attribute("data-state", "disconnected")
        return page.screenshot(full_page=not picture.first)


def _settle(page: Page) -> None:
    """Wait until nothing is read any more and the line at the top says how it stands."""
    expect(page.get_by_test_id("status")).to_have_attribute("data-state", "live")
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)
    page.evaluate("document.fonts.ready")


def _packed(browser: Browser, png: bytes) -> bytes:
    page = browser.new_page()
    try:
        return base64.b64decode(page.evaluate(AS_WEBP, [base64.b64encode(png).decode(), QUALITY]))
    finally:
        page.close()


if __name__ == "__main__":
    main()
