"""A small site on this machine whose pages a test writes, with a stream of events; knows HTTP, not browsers."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EVENTS = "/events"
EVENT_S = 0.05


@contextmanager
def site(pages: Mapping[str, str], *, policy: str = "") -> Iterator[str]:
    """Serve HTML pages by path, and numbered events on `/events`, until the end of the block.

    Yields:
        The address, without a slash at its end.
    """
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == EVENTS:
                self._stream()
                return
            text = pages.get(self.path)
            body = (text or "").encode()
            self.send_response(HTTPStatus.NOT_FOUND if text is None else HTTPStatus.OK)
            kind = "text/javascript" if self.path.endswith(".js") else "text/html"
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            if policy:
                self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(body)

        def _stream(self) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            number = 0
            while not ended.wait(EVENT_S):
                number += 1
                try:
                    self.wfile.write(f"id: {number}\ndata: {number}\n\n".encode())
                except OSError:
                    return  # the reader left

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, name="site", daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        serving.join()
