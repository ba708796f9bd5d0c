"""What every command works with: settings, the city, and where the servers are. Each is looked up when first needed.

Knows where things come from; knows no command.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from console import paths
from console.errors import FailureError, MisuseError
from console.output import stderr

if TYPE_CHECKING:
    from assessment.answers import Answers
    from console.alerts import AlertRule
    from console.settings import Loaded, Settings
    from deploy import Endpoints, Stack
    from devices import Registry
    from engine.kpi import DeclaredValue, Pack

DATABASE_VARIABLE = "CITYVITALS_DATABASE_URL"
MQTT_VARIABLE = "CITYVITALS_MQTT_URL"
DEMO_DATABASE = "cityvitals_demo"
CITY_RECORD = "city"
"""File of the stack with the code of the city that `up` served last: it is meant where none is named."""


@dataclass(slots=True)
class Context:
    """One run of the command.

    Attributes:
        settings_file: given with `--settings`.
        city_option: given with `--city`.
        demo: `--demo` was given: city, database and stack of the demo.
    """

    settings_file: Path | None = None
    city_option: Path | None = None
    demo: bool = False
    _loaded: Loaded | None = field(default=None, repr=False)
    _registry: Registry | None = field(default=None, repr=False)
    _fallen_back: bool = field(default=False, repr=False)

    @property
    def loaded(self) -> Loaded:
        """The settings; raises `SettingsError` with every fault."""
        if self._loaded is None:
            from console.settings import load_settings

            self._loaded = load_settings(self.settings_file)
        return self._loaded

    @property
    def settings(self) -> Settings:
        """The tree of settings."""
        return self.loaded.settings

    def serving_settings(self) -> Settings:
        """Return the settings of a gateway of the named city.

        Raises:
            MisuseError: no city is named, or two of its names are the same.
        """
        from console.settings import named_after

        return named_after(self.loaded, self.registry().city.code)

    def city_dir(self, *, fall_back: bool = False) -> Path:
        """Return the city's folder: `--city`, else the settings', else with `fall_back` the demo city, which is said.

        Raises:
            MisuseError: no city is named, or the folder does not exist.
        """
        if self.city_option is not None:
            if not self.city_option.is_dir():
                raise MisuseError(
                    f"--city {self.city_option}: no such folder",
                    "give a folder with city.toml, zones.geojson and devices.csv",
                )
            return self.city_option
        demo = paths.demo_city()
        if self.demo and demo is not None:
            return demo
        if self.settings.city is not None:
            return self.settings.city
        if fall_back and demo is not None:
            if not self._fallen_back:
                stderr().print(f"no city is named; taking the demo city ({demo})", style="dim")
                self._fallen_back = True
            return demo
        raise MisuseError(
            "no city is named",
            "give --city DIR before the command, or city = \"DIR\" in cityvitals.toml"
            + (f"; the demo city is {demo}" if demo else ""),
        )  # fmt: skip

    def registry(self, *, fall_back: bool = False) -> Registry:
        """Return the city's registry.

        Raises:
            MisuseError: no city is named, or its files have faults; all of them are said.
        """
        if self._registry is None:
            from devices import ConfigError, load_registry

            folder = self.city_dir(fall_back=fall_back)
            try:
                self._registry = load_registry(folder)
            except ConfigError as error:
                raise MisuseError(f"the city in {folder} has faults:\n{_indented(error)}") from None
        return self._registry

    def require_models(self) -> None:
        """Decode the messages in the `[[test]]` tables of the city's own models, as `models check` does.

        Raises:
            MisuseError: one is understood otherwise than it says; all of them are told.
        """
        from devices import codec, load_models
        from devices.codecs.trial import try_vectors

        shipped = load_models()
        own = [model for code, model in self.registry().models.items() if shipped.get(code) is not model]
        found = [f"  models/{one.code}.toml: {where}: {what}" for one in own for where, what in try_vectors(one, codec)]
        if found:
            raise MisuseError(
                "the city's device models read their own test messages otherwise than they say:\n" + "\n".join(found),
                f"correct them; try them with `cityvitals --city {self.city_dir()} models check`",
            )

    def kpi_pack(self, *, fall_back: bool = False) -> Pack:
        """Return the catalogue of KPIs with what the city adds and changes; see `city_dir`.

        Raises:
            MisuseError: no city is named, or its definitions have faults; all of them are said.
        """
        from engine.kpi import PackError, load_catalogue

        folder = self.city_dir(fall_back=fall_back)
        try:
            return load_catalogue(folder)
        except PackError as error:
            raise MisuseError(
                f"the KPI definitions of {folder} have faults:\n{_indented(error)}", "see `cityvitals kpis check`"
            ) from None

    def kpi_declared(self, pack: Pack) -> tuple[DeclaredValue, ...]:
        """Return what the city declares in its file `declared.csv`; nothing where no city is named.

        Raises:
            MisuseError: the file has faults; all of them are said.
        """
        from engine.kpi import PackError, load_declared

        if self.city_option is None and not self.demo and self.settings.city is None:
            return ()
        try:
            return load_declared(self.city_dir(), pack)
        except PackError as error:
            raise MisuseError(
                f"what the city declares has faults:\n{_indented(error)}",
                "see docs/kpis.md, then `cityvitals kpis check`",
            ) from None

    def answers(self, pack: Pack) -> Answers:
        """Return what the city answers to findings in its file `answers.csv`, by year.

        Raises:
            MisuseError: no city is named, or the file has faults; all of them are said.
        """
        from assessment import load_answers
        from engine.kpi import PackError

        try:
            return load_answers(self.city_dir(), pack)
        except PackError as error:
            raise MisuseError(
                f"what the city answers has faults:\n{_indented(error)}", "see docs/assessors.md"
            ) from None

    def alert_rules(self, pack: Pack, file: Path | None = None, *, fall_back: bool = False) -> tuple[AlertRule, ...]:
        """Return the city's rules for alerts, or as they would be with another file; see `city_dir`.

        Raises:
            MisuseError: no city is named, or the rules have faults; all of them are said.
        """
        from console.alerts import load_rules

        folder = self.city_dir(fall_back=fall_back)
        return load_rules(folder, self.registry(fall_back=fall_back), pack, file)

    def named_city(self) -> str | None:
        """Return the code of the city that was asked for, by `--city` or by the settings; None where none was.

        Raises:
            MisuseError: the city's files have faults.
        """
        named = self.city_option is not None or (not self.demo and self.settings.city is not None)
        return self.registry().city.code if named else None

    def stack(self, *, die_with_parent: bool = False) -> Stack:
        """Return the local stack that belongs to this run; nothing is started."""
        from deploy import Stack

        folder = paths.demo_stack() if self.demo else paths.local_stack()
        return Stack(folder, die_with_parent=die_with_parent)

    @contextmanager
    def given_servers(self) -> Iterator[None]:
        """Tell the stack which servers the settings give, wherever they are written; the stack looks at variables."""
        before = {name: os.environ.get(name) for name in (DATABASE_VARIABLE, MQTT_VARIABLE)}
        if self.settings.database.url:
            os.environ[DATABASE_VARIABLE] = self.settings.database.url
        if self.loaded.given("mqtt.url"):
            os.environ[MQTT_VARIABLE] = self.settings.mqtt.url
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def endpoints(self) -> Endpoints:
        """Return where the servers are: those given, else those of the running local stack with the city's database.

        Raises:
            FailureError: a server is neither given nor running.
        """
        with self.given_servers():
            stack = self.stack()
            if stack.running():
                return self.at_city(stack.endpoints)
            away = [server.name for server in stack.servers if server.pid is None or not server.ready()]
        command = "cityvitals demo --keep" if self.demo else "cityvitals up"
        variables = {"database": DATABASE_VARIABLE, "broker": MQTT_VARIABLE}
        raise FailureError(
            f"no {' and no '.join(away)} is given, and on the local stack none runs",
            f"start it with `{command}`, or set {' and '.join(variables[name] for name in away)}",
        )

    def at_city(self, endpoints: Endpoints) -> Endpoints:
        """Return the endpoints with the city's database, made where it is missing; a given database stays as it is."""
        if self.settings.database.url or self.demo:
            return endpoints
        return replace(endpoints, database_url=self.stack().database.make(paths.city_database(self.local_city())))

    def local_city(self) -> str:
        """Return the code of the city meant on the local stack: the one named, else the last served, else the demo's.

        Raises:
            MisuseError: the city's files have faults.
        """
        named = self.named_city()
        if named is not None:
            return named
        record = self.stack().directory / CITY_RECORD
        return record.read_text().strip() if record.is_file() else self.registry(fall_back=True).city.code

    def database_url(self, *, make: bool = False) -> str:
        """Return the database's url: the one given, else the city's on the running local stack.

        Args:
            make: make the city's database where it is missing.

        Raises:
            FailureError: none is given, and no local database runs, or it holds nothing of the city.
        """
        if self.settings.database.url:
            return self.settings.database.url
        database = self.stack().database
        if database.pid is not None and database.ready():
            if self.demo:
                return at_database(database.url, DEMO_DATABASE)
            city = self.local_city()
            name = paths.city_database(city)
            if make or database.made(name):
                return database.make(name)
            raise FailureError(
                f"the local stack holds nothing of city {city!r} yet",
                f"start it with `cityvitals --city {self.city_dir(fall_back=True)} up`",
            )
        command = "cityvitals demo --keep" if self.demo else "cityvitals up"
        raise FailureError(
            "no database is given and the local one does not run",
            f"start it with `{command}`, or set {DATABASE_VARIABLE}",
        )


def at_database(url: str, name: str) -> str:
    """Return the url of another database of the same server."""
    from urllib.parse import urlsplit, urlunsplit

    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _indented(error: object) -> str:
    return "\n".join(f"  {line}" for line in str(error).splitlines())
