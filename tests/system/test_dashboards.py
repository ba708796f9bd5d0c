"""Every query of Grafana's dashboards, asked as Grafana asks it, of a city that has all that they show."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

import deploy
import simulators
from deploy import paths, userland
from simulators.bench import wait_until
from tests.deploy.grafana import Question, dashboards, questions, spelled_out, variables
from tests.system.conftest import Start
from tests.system.pipeline import DEMO, Pipeline
from tests.system.wire import publish

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

DAYS = 2
PACE = {"CITYVITALS_ENGINE_KPI_S": "1"}
READER, PASSWORD = "cityvitals_reader", "it's read only"
Rows = list[dict[str, object]]
HAPPENED = Path(__file__).with_name("happened.sql")


@pytest.fixture
def filled(start: Start, broker: deploy.Broker) -> Pipeline:
    """A city of recordings that has run for some days, with refused messages, figures of KPIs, and what `HAPPENED`."""
    pipeline = start(DEMO, **PACE)
    now_us = int(datetime.now(UTC).timestamp()) * 1_000_000
    choice = simulators.Choice(last_us=DAYS * 86_400_000_000, shift_to_us=now_us)
    sent = simulators.replay([DEMO], broker.url, choice=choice)
    garbage = (("dublin-ballymun", b"{"), ("nobody", b"[]"))
    publish(broker.url, [(f"cityvitals/demo/{device}/telemetry", payload) for device, payload in garbage])
    pipeline.drained(sent.readings + 2, timeout_s=240)
    scored = "SELECT count(DISTINCT horizon) FROM cityvitals.kpi_score WHERE horizon <> 'year'"
    wait_until(lambda: pipeline.query(scored) == [(2,)], 120, "the figures of KPIs")
    pipeline.stop()
    with psycopg.connect(pipeline.database_url, options="-c search_path=cityvitals,public") as connection:
        connection.execute(HAPPENED.read_text())  # type: ignore[call-overload]
    return pipeline


def reader_of(url: str) -> str:
    """Make the role that Grafana reads as, by the file that operators run; return its address."""
    parts = urlsplit(url)
    root = userland.require()
    options = ["--set", "ON_ERROR_STOP=1", "--set", f"password={PASSWORD}"]
    script = ["psql", *options, "--file", "/settings/reader.sql", url]
    line = userland.command(root, script, settings=paths.SETTINGS / "grafana", options=["--die-with-parent"])
    for _ in range(2):  # a second time, as for another password
        subprocess.run(line, env=userland.environment(), check=True, capture_output=True)
    assert parts.hostname is not None
    return psycopg.conninfo.make_conninfo(
        host=parts.hostname, port=parts.port, dbname=parts.path.lstrip("/"), user=READER, password=PASSWORD
    )


def asked(
    connection: psycopg.Connection[tuple[object, ...]], question: Question, values: dict[str, Sequence[str]]
) -> Rows:
    """The rows that a panel would get for the last days."""
    end = datetime.now(UTC) + timedelta(minutes=1)
    sql = spelled_out(question.sql, end - timedelta(days=DAYS + 1), end, values)
    cursor = connection.execute(sql)  # type: ignore[call-overload]
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def answered(connection: psycopg.Connection[tuple[object, ...]]) -> Iterator[tuple[Question, list[Rows]]]:
    """Every query of every panel with its answers: one, or one for each value of a variable that has one at a time."""
    for name, dashboard in dashboards().items():
        choices: list[list[tuple[str, Sequence[str]]]] = []
        for variable, several, given in variables(name, dashboard):
            if isinstance(given, Question):
                given = [str(row["__value"]) for row in asked(connection, given, {})]
                assert given, f"{name}: variable {variable} has no value to choose"
            choices.append([(variable, given)] if several else [(variable, [one]) for one in given])
        for question in questions(name, dashboard):
            yield question, [asked(connection, question, dict(chosen)) for chosen in itertools.product(*choices)]


def test_every_query_of_the_dashboards_returns_rows_to_a_reader_who_can_change_nothing(filled: Pipeline) -> None:
    with psycopg.connect(reader_of(filled.database_url), autocommit=True) as connection:
        found = list(answered(connection))
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("UPDATE cityvitals.city SET title = ''")
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE cityvitals.city SET title = ''")
    assert len(found) > 30
    assert [str(question) for question, answers in found if not any(answers)] == []
    for question, answers in found:
        if question.shape == "time_series":
            for rows in answers:
                times = [row["time"] for row in rows]
                assert times == sorted(times), question  # type: ignore[type-var]
                drawn = {type(value) for row in rows for key, value in row.items() if key not in ("time", "metric")}
                assert drawn <= {int, Decimal, type(None)}, question
