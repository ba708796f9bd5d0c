"""The fleet file: seed, city, days, groups of devices and faults, read strictly from TOML.

Knows the keys and their checks, every fault reported at once with file and key; writes no city and makes no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

from devices import DeviceModel, Register, load_columns, load_measurands, load_models, nearest
from devices.models import CODE, INTERVAL_S_MAX, read_models
from devices.registers import read_registers
from devices.tables import Problems, Table, parse_toml
from devices.topics import placeholders
from simulators.fleet.fault import FaultSpec, parse_faults
from simulators.fleet.formats import is_timeless
from simulators.fleet.signal import Signal, parse_signal, usual_signals

SEED_MAX = 2**63 - 1
DAYS_MAX = 3660
DEVICES_PER_ZONE_MAX = 100_000
PACK_MAX = 1_000
"""Reports of a device in one message."""
YEAR_MIN, YEAR_MAX = 2000, 2100
ZONES_MAX = 100
PHASES = ("spread", "aligned")


@dataclass(frozen=True, slots=True)
class ZoneSpec:
    """A zone to be made: its code, and what a person calls it."""

    code: str
    title: str


@dataclass(frozen=True, slots=True)
class CitySpec:
    """The city to be made.

    Attributes:
        code, name, time_zone: as in `city.toml`.
        latitude, longitude: of its middle, in degrees; zones are rectangles around it.
        population, households: register entries valid from the fleet's first day; 0 for none.
        registers: further entries by zone, those of the whole city under "".
        zones: in order.
    """

    code: str
    name: str
    time_zone: ZoneInfo
    latitude: Fraction
    longitude: Fraction
    population: int
    households: int
    registers: Mapping[str, tuple[Register, ...]]
    zones: tuple[ZoneSpec, ...]


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """Devices of one model.

    Attributes:
        model: the device model.
        prefix: device codes are `<prefix>-<zone>-<number>`.
        count: devices in each zone. zones: their codes.
        interval_s: from one report to the next.
        pack: reports in one message.
        phase: `spread`: each device reports at a second of its own; `aligned`: all at full intervals.
        gateway: pattern with `{zone}` and `{number}`; empty for none.
        gateway_devices: how many of a zone share one, which `{number}` counts; 0 for all.
        columns: what stands in the columns that any device may have and in those of the model; `{device}` and `{zone}`
            stand for the device's.
        signals: what each field says, by its name.
    """

    model: DeviceModel
    prefix: str
    count: int
    zones: tuple[str, ...]
    interval_s: int
    pack: int
    phase: str
    gateway: str
    gateway_devices: int
    columns: Mapping[str, str]
    signals: Mapping[str, Signal]


@dataclass(frozen=True, slots=True)
class FleetSpec:
    """A fleet as described.

    Attributes:
        path: the fleet file.
        seed: everything follows from it and the rest of the file.
        start: first civil day. days: how many.
        city, groups: what is installed where.
        faults: what goes wrong when sent with faults, in this order.
    """

    path: Path
    seed: int
    start: date
    days: int
    city: CitySpec
    groups: tuple[GroupSpec, ...]
    faults: tuple[FaultSpec, ...]

    @property
    def end(self) -> date:
        """Return the first day after the last."""
        return self.start + timedelta(days=self.days)


def load_fleet(path: Path) -> FleetSpec:
    """Return the fleet a file describes; device models of its own may stand beside it in `models/`.

    Raises:
        ConfigError: naming every fault of the file.
    """
    problems = Problems()
    try:
        content = path.read_bytes()
    except OSError as error:
        problems.add(str(path), "", f"cannot be read ({error.strerror}); expected a fleet file (TOML)")
        problems.raise_if_any()
        raise
    models = dict(load_models())
    if (path.parent / "models").is_dir():
        models.update(read_models(path.parent / "models", problems, models))
    root = parse_toml(content, str(path), problems)
    spec = None if root is None else _fleet(root, path, models)
    problems.raise_if_any()
    assert spec is not None  # noqa: S101  # no fault was noted, so it was TOML
    return spec


def _fleet(root: Table, path: Path, models: Mapping[str, DeviceModel]) -> FleetSpec:
    seed = root.whole("seed", low=0, high=SEED_MAX)
    start = _start(root)
    days = root.whole("days", low=1, high=DAYS_MAX)
    zones = _zones(root)
    city = _city(root, zones)
    groups = tuple(_group(table, [z.code for z in zones], models) for table in root.tables("group", required=True))
    _refuse_twins(root, groups)
    faults = parse_faults(root.tables("fault"), city.time_zone)
    root.done()
    return FleetSpec(path, seed, start, days, city, groups, faults)


def _start(root: Table) -> date:
    text = root.text("start")
    try:
        day = date.fromisoformat(text)
        if YEAR_MIN < day.year < YEAR_MAX:
            return day
    except ValueError:
        pass
    if root.has("start"):
        root.fault("start", f"expected a date such as 2025-03-29 between {YEAR_MIN} and {YEAR_MAX}, got {text!r}")
    return date(YEAR_MIN + 1, 1, 1)


def _zones(root: Table) -> tuple[ZoneSpec, ...]:
    found: list[ZoneSpec] = []
    for table in root.tables("zone", required=True):
        code = table.text("code")
        if not CODE.match(code):
            table.fault("code", f"expected small letters, digits, `_` and `-`, got {code!r}")
        if any(zone.code == code for zone in found):
            table.fault("code", f"a second zone {code!r}")
        found.append(ZoneSpec(code, table.text("title", code)))
        table.done()
    if len(found) > ZONES_MAX:
        root.fault("zone", f"expected at most {ZONES_MAX} zones, got {len(found)}")
    return tuple(found)


def _city(root: Table, zones: tuple[ZoneSpec, ...]) -> CitySpec:
    table = root.table("city")
    if table is None:
        root.fault("city", "is missing; expected a table [city] with code, name and time_zone")
        table = Table({"code": "city", "name": "", "time_zone": "UTC"}, root.file, "city", Problems())
    code, name = table.text("code"), table.text("time_zone")
    if table.has("code") and not CODE.match(code):
        table.fault("code", f"expected small letters, digits, `_` and `-` (it is part of topics), got {code!r}")
    try:
        zone_info = ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        zone_info = ZoneInfo("UTC")
        if table.has("time_zone"):
            table.fault("time_zone", f"expected an IANA time zone such as Europe/Berlin, got {name!r}")
    city = CitySpec(
        code=code,
        name=table.text("name", code),
        time_zone=zone_info,
        latitude=_degrees(table, "latitude", 80),
        longitude=_degrees(table, "longitude", 170),
        population=table.whole("population", 0, low=0, high=10**9),
        households=table.whole("households", 0, low=0, high=10**9),
        registers=read_registers(root, [zone.code for zone in zones]),
        zones=zones,
    )
    table.done()
    return city


def _degrees(table: Table, key: str, reach: int) -> Fraction:
    value = table.number(key, Fraction(0)) or Fraction(0)
    if abs(value) > reach:
        table.fault(key, f"expected degrees from -{reach} to {reach}, got {value}")
        return Fraction(0)
    return value


def _group(table: Table, zones: list[str], models: Mapping[str, DeviceModel]) -> GroupSpec:
    code = table.text("model")
    if table.has("model") and code not in models:
        table.fault("model", f"unknown device model {code!r}{nearest(code, models)}")
    sound = code in models
    model = models[code] if sound else next(iter(models.values()))
    prefix = table.text("prefix", model.code.replace("_", "-"))
    if not CODE.match(prefix):
        table.fault("prefix", f"expected small letters, digits, `_` and `-`, got {prefix!r}")
    picked = table.texts("zones") or tuple(zones)
    for name in picked:
        if name not in zones:
            table.fault("zones", f"unknown zone {name!r}{nearest(name, zones)}")
    if sound and is_timeless(model):
        table.fault(
            "model", f"messages of {code!r} carry no time: theirs is that of arrival, which no truth knows beforehand"
        )
    pack = table.whole("pack", 1, low=1, high=PACK_MAX)
    if sound and pack > 1 and model.codec != "senml-json":
        table.fault("pack", f"a message of model {model.code!r} carries one time; expected 1, got {pack}")
    group = GroupSpec(
        model=model,
        prefix=prefix,
        count=table.whole("count", low=1, high=DEVICES_PER_ZONE_MAX),
        zones=picked,
        interval_s=table.whole("interval_s", model.interval_s, low=1, high=INTERVAL_S_MAX),
        pack=pack,
        phase=table.text("phase", PHASES[model.feed is not None], among=PHASES),
        gateway=table.text("gateway", ""),
        gateway_devices=table.whole("gateway_devices", 0, low=0, high=DEVICES_PER_ZONE_MAX),
        columns=_columns(table, model),
        signals=_signals(table if sound else table.muted(), model),
    )
    table.done()
    return group


def _columns(table: Table, model: DeviceModel) -> Mapping[str, str]:
    columns, known = table.mapping("columns"), load_columns()
    for name, text in columns.items():
        if name in model.columns:
            continue
        fault = known[name].fault(text) if name in known else f"unknown column{nearest(name, {*known, *model.columns})}"
        if fault:
            table.fault(f"columns.{name}", fault)
    if model.feed is not None and model.feed.column:
        return {model.feed.column: "{device}", **columns}
    for name in sorted({name for field in model.fields for name in placeholders(field.topic)}):
        if name in model.columns and name not in columns:
            table.fault(f"columns.{name}", "is missing; topics of fields are made of it. Expected a text with {device}")
    return columns


def _signals(table: Table, model: DeviceModel) -> Mapping[str, Signal]:
    catalogue, usual = load_measurands(), usual_signals()
    own = table.table("signal") or Table({}, table.file, table.at("signal"), table.problems)
    signals = {}
    for field in model.fields:
        measurand = catalogue.by_code[field.measurand]
        said = own.table(field.name) or Table({}, own.file, own.at(field.name), own.problems)
        signal = parse_signal(said, usual[field.measurand], measurand)
        others = [other for other in model.fields if other.name != field.name]
        # What is usual names the other's measurand: it holds for every model.
        named = {**{other.measurand: other.name for other in others}, **{other.name: other.name for other in others}}
        if signal.rest_of and signal.rest_of not in named:
            said.fault("rest_of", f"model {model.code!r} has no other field {signal.rest_of!r}")
        signals[field.name] = replace(signal, rest_of=named.get(signal.rest_of, ""))
    own.done()
    forms = [s.form for s in signals.values()]
    if "outage_time" in forms and "outage" not in forms:
        own.fault("form", "outage_time needs a field of form outage beside it, whose interruptions it ends")
    return signals


def _refuse_twins(root: Table, groups: tuple[GroupSpec, ...]) -> None:
    seen: dict[tuple[str, str], int] = {}
    for number, group in enumerate(groups, 1):
        for zone in group.zones:
            other = seen.setdefault((group.prefix, zone), number)
            if other != number:
                root.fault(
                    f"group[{number}].prefix",
                    f"group[{other}] makes devices {group.prefix}-{zone}-… already; give this one a prefix of its own",
                )
