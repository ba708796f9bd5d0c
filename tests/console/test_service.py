"""The gateway as a service: its metrics, its results, its messages when it cannot start, and its clean end."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import deploy
from console.metrics import DEFINITIONS, RESULTS
from ingest.counters import Counters
from tests.console.command import cityvitals
from tests.console.conftest import BAD, CITY, Service, publish, start, stop
from tests.console.test_publisher import Listener

pytestmark = pytest.mark.system
NOISE = "cityvitals/demo/street-noise/telemetry"


def scraped(url: str) -> dict[tuple[str, str], float]:
    with urllib.request.urlopen(url, timeout=120) as answer:  # noqa: S310  (the gateway's own page)
        text = answer.read().decode()
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_metrics_page_tells_the_same_as_the_ledger(service: Service) -> None:
    total = service("ledger", "--json").rows[0]
    found = scraped(service.metrics_url)
    for name in ("received", "accepted", "duplicate"):
        assert found[f"cityvitals_observations_{name}_total", ""] == total[name]
    assert found["cityvitals_quarantined_total", "malformed"] == 1
    assert sum(value for (name, _), value in found.items() if name == "cityvitals_quarantined_total") == len(BAD)
    assert found["cityvitals_commit_seconds_count", ""] == total["commits"]
    assert found["cityvitals_commit_seconds_bucket", "+Inf"] == total["commits"]
    assert found["cityvitals_mqtt_connected", ""] == 1
    assert found["cityvitals_watermark_lag_seconds", ""] >= 0
    assert found["process_resident_memory_bytes", ""] > 0


def test_every_defined_metric_is_on_the_page_and_none_names_a_device(service: Service) -> None:
    found = scraped(service.metrics_url)
    names = {name for name, _ in found}
    defined = {one.name for one in DEFINITIONS} | {name for name, *_ in RESULTS}
    missing = {name for name in defined if name not in names and f"{name}_count" not in names}
    # This city has no rules of quality, and nobody looks for flags: `tests/system/test_quality.py` has these.
    assert missing == {name for name in defined if name.startswith(("cityvitals_quality_", "cityvitals_flagged_"))}
    labels = {label for name, label in found if name.startswith("cityvitals_") and "bucket" not in name}
    assert not {label for label in labels if "noise" in label or "beijing" in label}
    assert len(Counters.__dataclass_fields__) == sum(name.startswith("cityvitals_mqtt_") for name in defined) - 2


def test_results_go_out_retained_and_the_gateway_does_not_hear_itself(service: Service) -> None:
    host, port = service.environ["CITYVITALS_MQTT_URL"].split("//")[1].split(":")
    before = service("ledger", "--json").rows[0]["received"]
    listener = Listener(host, int(port))
    body, retained = listener.wait_topic("cityvitals/demo/kpi/laeq-hour/zone:noise")
    listener.close()
    assert retained
    stored = service("indicators", "--indicator", "laeq", "--window", "hour", "--scope", "zone:noise", "--json").rows[0]
    assert (body["value"], body["start"], body["unit"]) == (stored["value"], stored["start"], stored["unit"])
    assert service("ledger", "--json").rows[0]["received"] == before


def test_a_second_gateway_is_told_who_owns_the_series(service: Service) -> None:
    done = service("run")
    assert done.code == 1
    assert "owned" in done.err
    assert "stop that program" in done.err
    assert "Traceback" not in done.err


def test_a_gateway_that_is_refused_never_speaks_to_the_broker(service: Service) -> None:
    """It would take the results' connection, and the session, from the gateway that serves."""
    with socket.create_server(("127.0.0.1", 0)) as instead:
        broker = f"mqtt://127.0.0.1:{instead.getsockname()[1]}"
        done = cityvitals("--city", str(CITY), "run", **{**service.environ, "CITYVITALS_MQTT_URL": broker})
        assert done.code == 1
        assert "owned" in done.err
        instead.setblocking(False)
        with pytest.raises(BlockingIOError):
            instead.accept()


def test_the_server_that_is_missing_is_named_and_no_other(service: Service, tmp_path: Path) -> None:
    only_database = {"CITYVITALS_DATABASE_URL": service.environ["CITYVITALS_DATABASE_URL"]}
    done = cityvitals("--city", str(CITY), "run", **only_database, CITYVITALS_LOCAL=str(tmp_path))
    assert done.code == 1
    assert "no broker is given" in done.err
    assert "set CITYVITALS_MQTT_URL" in done.err
    assert "CITYVITALS_DATABASE_URL" not in done.err


def test_a_port_that_is_taken_is_told_with_what_to_do(service: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = cityvitals("--city", str(CITY), "run", **service.environ, CITYVITALS_METRICS_PORT=str(port))
    assert done.code == 1
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in done.err
    assert "CITYVITALS_METRICS_PORT" in done.err
    assert "Traceback" not in done.err


def test_a_database_without_tables_is_told_to_migrate(database_url: str, broker: deploy.Broker) -> None:
    servers = {"CITYVITALS_DATABASE_URL": database_url, "CITYVITALS_MQTT_URL": broker.url}
    for command in ("run", "ledger", "indicators"):
        done = cityvitals("--city", str(CITY), command, **servers)
        assert done.code == 1
        assert "run `cityvitals migrate`" in done.err
        assert "Traceback" not in done.err
    first = cityvitals("migrate", **servers)
    assert first.code == 0
    assert "ran 0001_catalogue" in first.out
    assert "the tables are of this version (0 migrations run)" in cityvitals("migrate", **servers).out


def test_an_empty_database_is_no_error(database_url: str) -> None:
    servers = {"CITYVITALS_DATABASE_URL": database_url}
    assert cityvitals("migrate", **servers).code == 0
    assert "✓ balances" in cityvitals("ledger", **servers).out
    assert "the quarantine is empty" in cityvitals("quarantine", **servers).out
    assert "no figure yet" in cityvitals("indicators", **servers).out
    assert "no observation" in cityvitals("observations", **servers).out


def test_what_was_sent_while_the_gateway_was_away_is_taken_later(
    database_url: str, broker: deploy.Broker, tmp_path: Path
) -> None:
    environ = {"CITYVITALS_DATABASE_URL": database_url, "CITYVITALS_MQTT_URL": broker.url}
    first = start(environ, tmp_path, "--migrate")
    code, said = stop(first)
    assert code == 0, said
    publish(broker.url, tuple((NOISE, message(minute)) for minute in range(10)))
    (tmp_path / "ready.json").unlink()
    second = start(environ, tmp_path)
    while (row := second("ledger", "--json").rows[0])["received"] < 10:
        assert second.process.poll() is None
    assert (row["accepted"], row["duplicate"], row["quarantined"]) == (10, 0, 0)
    code, said = stop(second)
    assert code == 0, said


def message(minute: int) -> bytes:
    return json.dumps([{"n": "sound_level", "u": "dB", "v": 50 + minute, "t": 1_790_000_000 + 60 * minute}]).encode()


def test_the_log_of_a_gateway_shows_no_password(service: Service) -> None:
    secret = service.environ["CITYVITALS_DATABASE_URL"].split(":")[2].split("@")[0]
    done = service("run")
    assert secret not in done.err
    assert re.search(r"error: ", done.err)
