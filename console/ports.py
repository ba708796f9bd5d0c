"""Ports that the settings name, looked at before anything expensive is started.

Knows addresses and settings; binds nothing that stays. Whoever listens in the end may still find a port taken in
between, and says so itself.
"""

from __future__ import annotations

import socket

from console.errors import FailureError
from console.settings import Settings


def require_free(settings: Settings, *, metrics: bool, web: bool) -> None:
    """Refuse to go on where a named port cannot be listened on; 0 is any free one.

    Args:
        settings: whose ports.
        metrics, web: whether the gateway's metrics page is to listen, and the console.

    Raises:
        FailureError: one is taken, or its address is none of this machine.
    """
    pages = (
        (metrics, "the metrics page", settings.metrics.host, settings.metrics.port, "metrics"),
        (web, "the console", settings.web.host, settings.web.port, "web"),
    )
    for wanted, who, host, port, section in pages:
        if not (wanted and port):
            continue
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as trial:
            # As those who listen do: what the last run left in the system's memory is no obstacle.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, port))
            except OSError as error:
                raise FailureError(
                    f"{who} cannot listen on {host} port {port}: {error.strerror or error}",
                    f"set {section}.port (CITYVITALS_{section.upper()}_PORT) to a free port, or to 0 for any free one",
                ) from None
