"""The schema: made from nothing, found again, never half done, and explained."""

from __future__ import annotations

import secrets
import shutil
import threading
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from engine.store import SchemaOutdated, Store, StoreError, check_schema, migrate, schema_state
from engine.store.migrate import FOLDER, known_migrations
from engine.store.policies import COMMUNITY, apply_policies, edition
from engine.store.session import Session
from tests.engine.store.conftest import Query

TABLES = {
    "measurand", "device_model", "device", "series", "observation", "bucket_minute", "window_hour", "window_day",
    "indicator_value", "quarantine", "ledger", "register", "declared_value", "alert",
}  # fmt: skip
"""Names that readers of the database may rely on."""


def test_an_empty_database_is_migrated_once(database_url: str) -> None:
    assert schema_state(database_url).missing == known_migrations()
    assert migrate(database_url) == list(known_migrations())
    assert migrate(database_url) == []
    assert schema_state(database_url).applied == known_migrations()
    check_schema(database_url)


def test_a_database_without_tables_is_refused_with_the_command_that_makes_them(database_url: str) -> None:
    with pytest.raises(SchemaOutdated, match=r"0001_catalogue.*run `cityvitals migrate`"):
        Store.connect(database_url)
    with pytest.raises(SchemaOutdated):
        check_schema(database_url)


def test_a_database_of_a_newer_version_is_refused(database_url: str, tmp_path: Path) -> None:
    folder = with_migration(tmp_path, "9999_future", "CREATE TABLE cityvitals.future (a int)")
    migrate(database_url, folder)
    for refuse in (migrate, check_schema, Store.connect):
        with pytest.raises(SchemaOutdated, match=r"newer version .*9999_future"):
            refuse(database_url)


def test_a_migration_that_fails_leaves_nothing_and_is_run_again(database_url: str, tmp_path: Path) -> None:
    statements = "CREATE TABLE cityvitals.one (a int);\nCREATE TABLE cityvitals.two (a nonsense);\n"
    with pytest.raises(StoreError, match=r"9000_broken failed and left nothing behind.*nonsense"):
        migrate(database_url, with_migration(tmp_path, "9000_broken", statements))
    state = schema_state(database_url)
    assert (state.applied, state.unknown) == (known_migrations(), ())
    mended = with_migration(tmp_path, "9000_broken", statements.replace("nonsense", "int"))
    assert migrate(database_url, mended) == ["9000_broken"]


def test_a_migration_killed_in_the_middle_leaves_nothing_and_no_lock(database_url: str, tmp_path: Path) -> None:
    # The second statement waits for a lock that the killer holds, so it is killed there and nowhere else.
    migrate(database_url)
    folder = with_migration(
        tmp_path, "9000_waits", "CREATE TABLE cityvitals.one (a int);\nALTER TABLE cityvitals.city ADD COLUMN b int;\n"
    )
    failures: list[BaseException] = []

    def run() -> None:
        try:
            migrate(database_url, folder)
        except StoreError as error:
            failures.append(error)

    with psycopg.connect(database_url) as holder, psycopg.connect(database_url, autocommit=True) as killer:
        holder.execute("LOCK TABLE cityvitals.city")
        thread = threading.Thread(target=run)
        thread.start()
        killed = 0
        while not killed:
            killed = killer.execute(
                "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND application_name = 'cityvitals migrate' AND datname = current_database()"
            ).fetchone()[0]  # type: ignore[index]
        thread.join(timeout=120)
    assert len(failures) == 1
    assert schema_state(database_url).unknown == ()
    assert migrate(database_url, folder) == ["9000_waits"]


def test_two_that_migrate_at_once_take_turns(database_url: str) -> None:
    done: list[list[str]] = []
    threads = [threading.Thread(target=lambda: done.append(migrate(database_url))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert sorted(done) == [[], [], list(known_migrations())]


def test_migrations_print_nothing(database_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    migrate(database_url)
    assert capfd.readouterr() == ("", "")


def test_a_user_who_cannot_add_timescaledb_is_told_what_to_do(database_url: str) -> None:
    role = f"plain_{secrets.token_hex(4)}"
    parts = urlsplit(database_url)
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("DROP EXTENSION timescaledb CASCADE")
        owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'open'")
        plain = urlunsplit(parts._replace(netloc=f"{role}:open@{parts.hostname}:{parts.port}"))
        with pytest.raises(StoreError, match=r"no TimescaleDB and it cannot be added.*CREATE EXTENSION timescaledb"):
            migrate(plain)
        owner.execute(f"DROP ROLE {role}")


def test_every_table_column_and_view_is_explained(query: Query) -> None:
    unexplained = query(
        "SELECT c.relname, a.attname FROM pg_class c"
        " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'r'"
        " WHERE c.relnamespace = 'cityvitals'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname !~ 'yoyo'"
        " AND (obj_description(c.oid, 'pg_class') IS NULL"
        "      OR (c.relkind = 'r' AND col_description(c.oid, a.attnum) IS NULL))"
    )
    assert unexplained == []


def test_every_table_that_readers_rely_on_has_a_view(query: Query) -> None:
    found = query("SELECT relname, relkind FROM pg_class WHERE relnamespace = 'cityvitals'::regnamespace")
    kinds = {name: kind for name, kind in found if kind in ("r", "v")}
    assert {name for name in TABLES if kinds.get(name) != "r"} == set()
    assert {name for name in TABLES if kinds.get(f"v_{name}") != "v"} == set()


def test_the_large_tables_are_hypertables_with_room_for_new_versions(query: Query) -> None:
    found = query(
        "SELECT hypertable_name FROM timescaledb_information.hypertables WHERE hypertable_schema = 'cityvitals'"
    )
    large = {"observation", "bucket_minute", "window_hour", "window_day", "indicator_value", "indicator_seen"}
    assert {name for (name,) in found} == large
    filled = query("SELECT relname FROM pg_class WHERE 'fillfactor=70' = ANY(reloptions) AND relname !~ '^_'")
    small = {"device_health", "kpi_value", "kpi_score"}
    assert {name for (name,) in filled} == (large - {"observation", "indicator_seen"}) | small


def test_no_column_holds_a_float(query: Query) -> None:
    assert query(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'cityvitals' AND data_type IN ('real', 'double precision')"
    ) == []  # fmt: skip


def test_policies_follow_the_edition_of_the_server(url: str) -> None:
    session = Session(url, "test", 10_000)
    try:
        assert apply_policies(session) is (edition(session) == COMMUNITY)
    finally:
        session.close()


def with_migration(tmp_path: Path, name: str, statements: str) -> Path:
    """Return a folder with our migrations and one more."""
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    (folder / f"{name}.sql").write_text(statements)
    return folder
