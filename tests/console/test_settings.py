"""Settings: what is read, what is refused, and that everything wrong is said at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.settings import SECRETS, Settings, load_settings
from console.settings_reader import SettingsError, leaves


def faults(tmp_path: Path, toml: str = "", **environ: str) -> list[str]:
    file = tmp_path / "cityvitals.toml"
    file.write_text(toml)
    with pytest.raises(SettingsError) as caught:
        load_settings(file, environ)
    assert caught.value.exit_code == 2
    return [str(fault).removeprefix(f"{file}: ") for fault in caught.value.faults]


def test_without_file_and_environment_the_defaults_hold(tmp_path: Path) -> None:
    loaded = load_settings(environ={}, folder=tmp_path)
    assert loaded.settings == Settings()
    assert loaded.file is None
    assert not loaded.given("mqtt.url")


def test_the_file_of_the_working_directory_is_read(tmp_path: Path) -> None:
    (tmp_path / "cityvitals.toml").write_text("[metrics]\nport = 9123\n")
    assert load_settings(environ={}, folder=tmp_path).settings.metrics.port == 9123


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('[metrics]\nport = 1\nhost = "::1"\n')
    loaded = load_settings(file, {"CITYVITALS_METRICS_PORT": "2"})
    assert (loaded.settings.metrics.port, loaded.settings.metrics.host) == (2, "::1")
    assert loaded.origin == {"metrics.port": "environment", "metrics.host": str(file)}


@pytest.mark.parametrize(
    ("text", "us"), [('"2 min"', 120_000_000), ('"500ms"', 500_000), ("250", 250), ('"1 d"', 86_400_000_000)]
)
def test_a_span_is_written_with_its_unit_or_in_microseconds(tmp_path: Path, text: str, us: int) -> None:
    file = tmp_path / "s.toml"
    file.write_text(f"[engine]\nlateness_us = {text}\n")
    assert load_settings(file, {}).settings.engine.lateness_us == us


def test_a_time_is_written_as_a_date(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text("[admission]\ntime_us_min = 2010-01-01T00:00:00Z\n")
    assert load_settings(file, {}).settings.admission.time_us_min == 1_262_304_000_000_000


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "db"
    secret.write_text("postgresql://u:p@h:1/n\n")
    loaded = load_settings(environ={"CITYVITALS_DATABASE_URL_FILE": str(secret)}, folder=tmp_path)
    assert loaded.settings.database.url == "postgresql://u:p@h:1/n"


def test_a_path_in_the_file_is_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "seoul").mkdir()
    file = tmp_path / "s.toml"
    file.write_text('city = "seoul"\n')
    assert load_settings(file, {}).settings.city == tmp_path / "seoul"


def test_every_fault_is_said_at_once_with_file_key_and_what_was_expected(tmp_path: Path) -> None:
    toml = """
prot = 1
[metrics]
prot = 9000
port = "many"
[engine]
lateness_us = "soon"
[mqt]
url = "mqtt://x"
"""
    found = faults(tmp_path, toml, CITYVITALS_MQTT_PROTOCOLL="5", CITYVITALS_INTAKE_INTAKES="three")
    assert found == [
        "prot: no such setting; did you mean metrics.port?",
        "metrics.prot: no such setting; did you mean metrics.port?",
        "metrics.port: expected a whole number, found 'many'",
        "engine.lateness_us: expected microseconds, a span such as '2 min', or a time with its zone, found 'soon'",
        "mqt: no such section; did you mean mqtt?",
        "environment: CITYVITALS_INTAKE_INTAKES: expected a whole number, found 'three'",
        "environment: CITYVITALS_MQTT_PROTOCOLL: no such setting; did you mean CITYVITALS_MQTT_PROTOCOL?",
    ]


def test_relations_are_checked_and_name_their_source(tmp_path: Path) -> None:
    toml = """
[mqtt]
url = "http://broker"
client_id = "same"
[results]
client_id = "same"
[engine]
settle_s = 0.1
"""
    found = faults(tmp_path, toml, CITYVITALS_METRICS_PORT="70000", CITYVITALS_DATABASE_URL="mysql://x")
    assert [line.split(": ")[:2] for line in found if line.startswith("environment")] == [
        ["environment", "database.url"],
        ["environment", "metrics.port"],
    ]
    assert [line.split(": ")[0] for line in found if not line.startswith("environment")] == [
        "mqtt.url",
        "engine.settle_s",
        "results.client_id",
    ]


def test_a_secret_is_never_repeated_in_a_message(tmp_path: Path) -> None:
    found = faults(
        tmp_path, CITYVITALS_DATABASE_URL="postgres:secret-word@h", CITYVITALS_MQTT_URL="x://u:secret-word@h"
    )
    assert len(found) == 2
    assert "secret-word" not in "".join(found)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"CITYVITALS_METRICS_PORT_FILE": "x"}, "CITYVITALS_METRICS_PORT is no secret"),
        ({"CITYVITALS_MQTT_PASSWORD_FILE": "/nowhere/x"}, "cannot read /nowhere/x: No such file or directory"),
        (
            {"CITYVITALS_MQTT_PASSWORD_FILE": "x", "CITYVITALS_MQTT_PASSWORD": "y"},
            "give either CITYVITALS_MQTT_PASSWORD or CITYVITALS_MQTT_PASSWORD_FILE, not both",
        ),
    ],
)
def test_a_wrong_secret_file_says_what_is_wrong(tmp_path: Path, environ: dict[str, str], expected: str) -> None:
    assert expected in faults(tmp_path, "", **environ)[0]


@pytest.mark.parametrize(
    ("content", "expected"), [("[metrics", "is not TOML"), (None, "cannot be read: No such file or directory")]
)
def test_an_unreadable_file_is_said(tmp_path: Path, content: str | None, expected: str) -> None:
    file = tmp_path / "s.toml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match=expected):
        load_settings(file, {})


def test_every_setting_is_explained_and_its_variable_is_its_own() -> None:
    found = list(leaves(Settings, SECRETS))
    assert [leaf.key for leaf in found if not leaf.help] == []
    assert len({leaf.variable for leaf in found}) == len(found)
