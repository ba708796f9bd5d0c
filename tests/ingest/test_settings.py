"""Settings say all that is wrong with them at once; the waiting time before a new attempt is bounded and random."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import BrokerSettings, IntakeLimits
from ingest.session import backoff_s
from simulators.bench.expectation import PAYLOAD_BYTES_KEPT


def test_what_a_bench_expects_to_find_of_a_quarantined_message_is_what_a_gateway_keeps_of_it() -> None:
    assert IntakeLimits().quarantine_bytes_max == PAYLOAD_BYTES_KEPT


def test_the_defaults_are_without_fault() -> None:
    assert BrokerSettings().faults() == []
    assert IntakeLimits().faults() == []


def test_the_url_gives_address_and_credentials() -> None:
    settings = BrokerSettings(url="mqtts://ann:p%40ss@broker.example")
    assert (settings.address, settings.credentials, settings.tls) == (("broker.example", 8883), ("ann", "p@ss"), True)
    assert "p%40ss" not in settings.shown_url
    assert BrokerSettings(url="mqtt://[::1]:1").address == ("::1", 1)
    assert BrokerSettings(url="mqtt://ann:x@h", username="bob").credentials == ("bob", "x")


@pytest.mark.parametrize("url", ["", "broker", "http://h", "mqtt://", "mqtt://h:x", "mqtt://h:99999", "mqtt://h/path"])
def test_a_url_that_is_none_is_a_fault(url: str) -> None:
    assert [f.split(":")[0] for f in BrokerSettings(url=url).faults()] == ["url"]


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    settings = BrokerSettings(
        client_id="", protocol="6", keepalive_s=0, receive_maximum=70_000, session_expiry_s=-1, password="x",  # noqa: S106
        ca_file=tmp_path / "none", key_file=tmp_path / "none", reconnect_delay_s_base=60.0,
    )  # fmt: skip
    assert {f.split(":")[0] for f in settings.faults()} == {
        "client_id", "protocol", "keepalive_s", "receive_maximum", "session_expiry_s", "password", "ca_file",
        "certificate_file and key_file", "key_file", "reconnect_delay_s_base",
    }  # fmt: skip
    with_tls = BrokerSettings(url="mqtts://h", ca_file=tmp_path / "none")
    assert with_tls.faults() == [f"ca_file: no file {tmp_path / 'none'}"]


def test_limits_that_cannot_hold_together_are_faults() -> None:
    limits = IntakeLimits(
        messages_max=0, readings_max=5, bytes_max=1000, frame_bytes_max=10, intakes=2, message_readings_max=20_000,
        commit_interval_s=-1.0, read_bytes_max=0,
    )  # fmt: skip
    assert {f.split(":")[0] for f in limits.faults()} == {
        "messages_max", "message_readings_max", "bytes_max", "frame_bytes_max", "intakes",
        "commit_interval_s and read_pause_s", "read_bytes_max",
    }  # fmt: skip


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_the_wait_before_an_attempt_is_a_share_of_a_bounded_doubling(attempt: int, share: float) -> None:
    wait = backoff_s(attempt, 0.25, 15.0, share)
    assert 0 <= wait <= 15.0
    assert backoff_s(attempt, 0.25, 15.0, 1.0) == (15.0 if attempt > 5 else 0.25 * 2**attempt)
    assert wait == share * backoff_s(attempt, 0.25, 15.0, 1.0)
