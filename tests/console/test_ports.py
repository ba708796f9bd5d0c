"""A port that is taken is said before anything is started."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from console.errors import FailureError
from console.ports import require_free
from console.settings import MetricsSettings, Settings, WebSettings


def of(*, metrics: int = 0, web: int = 0) -> Settings:
    return replace(Settings(), metrics=MetricsSettings(port=metrics), web=WebSettings(port=web))


def test_a_taken_port_is_named_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FailureError, match=rf"the console cannot listen on 127\.0\.0\.1 port {port}") as found:
            require_free(of(web=port), metrics=True, web=True)
        assert "web.port (CITYVITALS_WEB_PORT)" in found.value.remedy
        with pytest.raises(FailureError, match="the metrics page"):
            require_free(of(metrics=port), metrics=True, web=True)
        require_free(of(metrics=port, web=port), metrics=False, web=False)


def test_a_port_that_was_just_used_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, listener.accept()[0]:
            client.shutdown(socket.SHUT_WR)
    require_free(of(web=port, metrics=0), metrics=True, web=True)


def test_an_address_of_another_machine_is_refused() -> None:
    settings = replace(of(web=0), web=WebSettings(host="192.0.2.1", port=8080))
    with pytest.raises(FailureError, match=r"192\.0\.2\.1 port 8080"):
        require_free(settings, metrics=True, web=True)
