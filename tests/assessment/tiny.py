"""A city small enough to be held in the hand, with a year of readings made up in memory: no database, no broker."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from assessment import Material, assessed
from assessment.answers import load_answers
from assessment.bundle import Manifest, Output, read_private_key, write_bundle
from assessment.outputs import write_csv, write_json, write_jsonld, write_workbook
from devices import load_registry
from engine.archive import SHA256_BYTES, DayDigests
from engine.calendar import Calendar
from engine.kpi import DayCells, Sensed, day_number, load_catalogue, load_declared, reference_year
from tests.devices.cities import write_city

YEAR = 2025
CITY = """\
code = "tiny"
name = "Tiny"
time_zone = "Europe/Madrid"

[[register]]
code = "population"
value = 1200
from = "2024-01-01"
source = "census"

[[register]]
code = "households"
value = 500
from = "2024-01-01"
source = "census"
"""
DEVICES = """\
device,model,zone,purpose,interval_s
air-1,air_station,north,,
air-2,air_station,south,,
power-1,electricity_meter,north,,3600
water-1,water_meter,south,,3600
"""
KPIS = """\
[[target]]
kpi = "EN: E: E: 2C"
from = "2020-01-01"
value = 900
rule = "inverse"
official = false
source = "the council"
"""
DECLARED = """\
key,year,value,unit,quality,origin,source,note,evidence
SC: EH: H: 1C,2025,81.5,{year},measured,health office,register of deaths,,deaths.txt
"""
ANSWERS = """\
year,rule,data_points,answer,by
2025,missing,,"small as we are, we asked only for these",the mayor
"""
LOW, HIGH = 5_000, 60_000


def tiny_city(folder: Path) -> Path:
    """Write the city and return its folder."""
    write_city(folder, CITY, DEVICES)
    (folder / "kpis").mkdir()
    (folder / "kpis" / "own.toml").write_text(KPIS, "utf-8")
    (folder / "declared.csv").write_text(DECLARED, "utf-8")
    (folder / "answers.csv").write_text(ANSWERS, "utf-8")
    (folder / "evidence").mkdir()
    (folder / "evidence" / "deaths.txt").write_text("81.5 years\n", "utf-8")
    return folder


def tiny_material(city: Path) -> Material:
    """Return the year of a tiny city: every reading came, and what they were is drawn once and for all."""
    registry, pack = load_registry(city), load_catalogue(city)
    calendar = Calendar(registry.city.zone_info)
    sensed, period = Sensed(pack, registry, calendar), reference_year(calendar, YEAR)
    chance = np.random.default_rng(20_25)
    parts = []
    for at, slots in enumerate(sensed.questions().values()):
        # Hours of the clock are less than the day: so much is enough to tell them apart.
        hours = 24 if at == 0 else 2
        days = [period.first + timedelta(days=k) for k in range((period.last - period.first).days + 1)]
        parts += [(at, slot, day_number(day), hours) for slot in slots.tolist() for day in days]
    rows = np.array(parts, np.int64)
    sums = chance.integers(LOW, HIGH, (len(rows), 4)) * rows[:, 3:4]
    return Material(
        year=YEAR,
        registry=registry,
        pack=pack,
        declared=load_declared(city, pack),
        answers=load_answers(city, pack).get(YEAR, ()),
        days=DayCells(
            clocks=tuple(sensed.questions()),
            clock=rows[:, 0].astype(np.int16),
            slot=rows[:, 1].astype(np.int32),
            day=rows[:, 2].astype(np.int32),
            count=rows[:, 3].copy(),
            low=np.full(len(rows), LOW),
            high=np.full(len(rows), HIGH),
            sums=sums,
        ),
        heard={slot: day_number(date(YEAR, 12, 31)) for slot in range(registry.slot_count())},
        closed=True,
    )


def tiny_digests(material: Material) -> DayDigests:
    """Return digests of readings that nobody has: what they say is for tests that have some."""
    series = ((device.code, material.registry.model_of(device).fields[0].name) for device in material.registry.devices)
    named = tuple(series)
    size = len(named)
    return DayDigests(
        named, np.arange(size, dtype=np.int32), np.full(size, day_number(date(YEAR, 3, 1)), np.int32),
        np.full(size, 24, np.int64), np.arange(size * SHA256_BYTES, dtype=np.uint8).reshape(size, -1),
    )  # fmt: skip


def made(
    material: Material, city: Path, folder: Path, key: Path | None = None, digests: DayDigests | None = None
) -> Manifest:
    """Write the bundle of a material, with the files of its report that are read back and one that is not."""
    assessment = assessed(material)
    writers = {"csv": write_csv, "json": write_json, "jsonld": write_jsonld, "xlsx": write_workbook}
    outputs = [Output(f"assessment.{end}", partial(write, assessment)) for end, write in writers.items()]
    private = None if key is None else read_private_key(key)
    return write_bundle(
        material, assessment, city, [*outputs, Output("report-en.pdf", _print)], folder, key=private, digests=digests
    )


def key_files(folder: Path, name: str = "key") -> tuple[Path, Path]:
    """Write a new private and public key, as `openssl` would, and return their files."""
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    key = Ed25519PrivateKey.generate()
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


def _print(path: Path) -> None:
    path.write_bytes(b"%PDF-1.7 a report")
