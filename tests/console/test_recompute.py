"""`cityvitals recompute` beside a running gateway: it proves, and it does not write."""

from __future__ import annotations

import pytest

from tests.console.conftest import Service, settled

pytestmark = pytest.mark.system


def test_a_running_gateways_figures_are_proved(service: Service) -> None:
    settled(service)
    done = service("recompute", "--check", "--json")
    (total,) = done.rows
    assert done.code == 0, done.out
    assert total["equal"] is True
    assert total["rows"]["bucket_minute"] > 1000 or total["behind_from"] is not None
    by_sql = service("recompute", "--check", "--sql", "--json")
    assert by_sql.code == 0, by_sql.out
    assert by_sql.rows[0]["rows"].keys() <= total["rows"].keys()
    told = service("recompute", "--check", "--from", "2001-01-01", "--to", "2001-02-01")
    assert told.code == 0
    assert "nothing is stored there" in told.out


def test_nothing_is_written_beside_a_gateway_that_owns_the_figures(service: Service) -> None:
    done = service("recompute")
    assert done.code == 1
    assert "partition 0 is owned (flush) by cityvitals engine" in done.err
    assert "stop that program" in done.err
