"""The line between a page and its server, which can be cut; knows a port and a page, not what goes over it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Page

from simulators.bench import Proxy


class Line:
    """A line to a server on this machine.

    Attributes:
        address: where a page reaches the server over it, without a slash at its end.
        proxy: the line itself, for what else may happen on it: it can stall, be slow, cut what is open and go on.
    """

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.address = f"http://127.0.0.1:{proxy.port}"

    @contextmanager
    def cut(self, page: Page) -> Iterator[None]:
        """Cut what is open and let nothing new through, for the length of a `with` block; the page is told.

        The browser alone would only refuse new requests: a stream that is open would go on.
        """
        self.proxy.refuse()
        page.context.set_offline(True)
        try:
            yield
        finally:
            page.context.set_offline(False)
            self.proxy.restore()


@contextmanager
def line_to(address: str) -> Iterator[Line]:
    """Lay a line to the server at an address, until the end of the block. `line.proxy.target_port` may move with it."""
    port = urlsplit(address).port
    assert port is not None
    with Proxy(port) as proxy:
        yield Line(proxy)
