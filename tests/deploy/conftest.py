"""One stack for the tests that leave it as they found it; a test that harms a stack makes its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy import Stack, temporary


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with temporary(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_given_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about servers of our own, also where the rest of the tests is given others."""
    monkeypatch.delenv("CITYVITALS_DATABASE_URL", raising=False)
    monkeypatch.delenv("CITYVITALS_MQTT_URL", raising=False)
