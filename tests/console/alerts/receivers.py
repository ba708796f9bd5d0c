"""Receivers of messages, each a real server on this machine: HTTP that may refuse, and SMTP with or without TLS."""

from __future__ import annotations

import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Received:
    """One HTTP request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpReceiver:
    """What an HTTP server got; it answers with `status`."""

    url: str = ""
    status: int = 200
    got: list[Received] = field(default_factory=list)


@contextmanager
def http_receiver() -> Iterator[HttpReceiver]:
    """An HTTP server that notes what is posted to it."""
    receiver = HttpReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.got.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(receiver.status)
            if receiver.status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    receiver.url = f"http://{LOOPBACK}:{server.server_address[1]}"
    with _running(server):
        yield receiver


@dataclass
class SmtpReceiver:
    """What an SMTP server got."""

    port: int = 0
    refuse: bool = False
    logins: list[str] = field(default_factory=list)
    got: list[tuple[list[str], str, bool]] = field(default_factory=list)
    """Receivers, mail, and whether it came encrypted."""


@contextmanager
def smtp_receiver(context: ssl.SSLContext | None = None) -> Iterator[SmtpReceiver]:
    """An SMTP server; with a context it offers STARTTLS."""
    receiver = SmtpReceiver()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 ready")
            to: list[str] = []
            encrypted = False
            while line := self.rfile.readline().decode().strip():
                word = line.split(":")[0].split()[0].upper()
                if word == "EHLO":
                    offered = [] if context is None or encrypted else ["STARTTLS"]
                    names = ["here", *offered, "AUTH PLAIN"]
                    for at, name in enumerate(names):
                        self.say(f"250{'-' if at < len(names) - 1 else ' '}{name}")
                elif word == "STARTTLS" and context is not None:
                    self.say("220 go on")
                    self.connection = context.wrap_socket(self.connection, server_side=True)
                    self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
                    encrypted = True
                elif word == "AUTH":
                    receiver.logins.append(line.split()[2])
                    self.say("235 welcome")
                elif word == "RCPT":
                    to.append(line.partition("<")[2].rstrip(">"))
                    self.say("550 nobody" if receiver.refuse else "250 fine")
                elif word == "DATA":
                    self.say("354 go on")
                    lines = iter(lambda: self.rfile.readline().decode(), ".\r\n")
                    receiver.got.append((to, "".join(lines), encrypted))
                    self.say("250 taken")
                elif word == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 fine")

        def finish(self) -> None:
            for one in (self.rfile, self.wfile, self.connection):
                one.close()

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())
            self.wfile.flush()

    server = _Quiet((LOOPBACK, 0), Handler)
    receiver.port = int(server.server_address[1])
    with _running(server):
        yield receiver


class _Quiet(socketserver.ThreadingTCPServer):
    """A server that lets a broken connection go without a word."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
