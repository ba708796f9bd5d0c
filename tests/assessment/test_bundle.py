"""A bundle depends on the assessment alone, and holds all that it is computed from."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from assessment import Material, assessed
from assessment.bundle import Output, read_private_key, read_public_key, write_bundle, write_packed
from assessment.bundle.readings import read_days, read_digests, read_heard, write_days, write_digests, write_heard
from assessment.errors import BundleError
from assessment.exact import exact_results
from engine.archive import DayDigests
from engine.kpi import DayCells
from tests.assessment.oracle_ed25519 import holds
from tests.assessment.tiny import key_files, made, tiny_city, tiny_material


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tiny_city(tmp_path_factory.mktemp("city"))
    (folder / "models").mkdir()
    (folder / "models" / "own.js").write_text("// a decoder beside a model\n", "utf-8")
    return folder


@pytest.fixture(scope="module")
def year(city: Path) -> Material:
    return tiny_material(city)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_same_figures_give_the_same_bytes_whatever_the_order_of_their_days(
    year: Material, city: Path, tmp_path: Path
) -> None:
    shuffled = replace(year, days=year.days.take(np.random.default_rng(3).permutation(len(year.days))))
    private, _ = key_files(tmp_path)
    for name, material in (("one", year), ("other", shuffled)):
        made(material, city, tmp_path / name, private)
        write_packed(tmp_path / name, tmp_path / f"{name}.zip")
    assert contents(tmp_path / "one") == contents(tmp_path / "other")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()


def test_the_manifest_lists_every_file_and_other_programs_check_it(year: Material, city: Path, tmp_path: Path) -> None:
    private, public = key_files(tmp_path)
    folder = tmp_path / "bundle"
    made(year, city, folder, private)
    listed = {one["path"]: one["sha256"] for one in json.loads((folder / "manifest.json").read_bytes())["files"]}
    there = {path: hashlib.sha256(content).hexdigest() for path, content in contents(folder).items()}
    assert listed == {path: digest for path, digest in there.items() if not path.startswith("manifest.")}
    assert {"city/evidence/deaths.txt", "city/kpis/own.toml", "definitions/units.toml", "results.json"} < set(listed)
    assert {"city/models/own.js", "definitions/models/klax_sml.js"} < set(listed)
    subprocess.run(["sha256sum", "--check", "--strict", "manifest.sha256"], cwd=folder, check=True, capture_output=True)
    raw = read_public_key(public).public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature, manifest = (folder / "manifest.sig").read_bytes(), (folder / "manifest.json").read_bytes()
    assert holds(raw, signature, manifest)
    assert not holds(raw, signature, manifest + b" ")


def test_an_earlier_bundle_is_replaced_and_nothing_else(year: Material, city: Path, tmp_path: Path) -> None:
    made(year, city, tmp_path / "bundle")
    (tmp_path / "bundle" / "report" / "old.txt").write_text("old")
    made(year, city, tmp_path / "bundle")
    assert "report/old.txt" not in contents(tmp_path / "bundle")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    with pytest.raises(BundleError, match="something else than a bundle"):
        made(year, city, tmp_path / "mine")
    assert contents(tmp_path / "mine") == {"letter.txt": b"keep me"}


def test_a_bundle_that_cannot_be_written_leaves_the_earlier_one(year: Material, city: Path, tmp_path: Path) -> None:
    def fails(path: Path) -> None:
        path.write_text("half of it")
        raise RuntimeError("no more paper")

    made(year, city, tmp_path / "bundle")
    before = contents(tmp_path / "bundle")
    broken = Output("report-en.pdf", fails)
    with pytest.raises(RuntimeError, match="no more paper"):
        write_bundle(year, assessed(year), city, [broken], tmp_path / "bundle")
    assert contents(tmp_path / "bundle") == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_days_come_back_as_they_were(year: Material, tmp_path: Path) -> None:
    write_days(year.registry, year.days, tmp_path / "days.parquet")
    write_heard(year.registry, year.heard, tmp_path / "heard.parquet")
    back = read_days(year.registry, tmp_path / "days.parquet")
    assert read_heard(year.registry, tmp_path / "heard.parquet") == dict(year.heard)
    assert len(back) == len(year.days)
    assert exact_results(assessed(replace(year, days=back))) == exact_results(assessed(year))


@pytest.mark.parametrize("rows", [0, 1])
def test_few_days_come_back_as_well(year: Material, tmp_path: Path, rows: int) -> None:
    few = year.days.take(np.arange(rows)) if rows else DayCells.none()
    write_days(year.registry, few, tmp_path / "days.parquet")
    back = read_days(year.registry, tmp_path / "days.parquet")
    assert (len(back), back.sums.shape) == (rows, (rows, 4))
    write_heard(year.registry, {}, tmp_path / "heard.parquet")
    assert read_heard(year.registry, tmp_path / "heard.parquet") == {}


def test_digests_come_back_as_they_were(tmp_path: Path) -> None:
    sha256 = np.arange(4 * 32, dtype=np.uint8).reshape(4, 32)
    series = (("air-1", "pm10"), ("air-1", "pm2_5"), ("air-2", "pm10"))
    at, day = np.array([0, 0, 1, 2], np.int32), np.array([1, 2, 1, 1], np.int32)
    given = DayDigests(series, at, day, np.array([24, 23, 24, 1]), sha256)
    write_digests(given, tmp_path / "digests.parquet")
    back = read_digests(tmp_path / "digests.parquet")
    assert back.series == series
    for name in ("at", "day", "count", "sha256"):
        assert np.array_equal(getattr(back, name), getattr(given, name)), name
    write_digests(DayDigests.joined((), ()), tmp_path / "none.parquet")
    assert len(read_digests(tmp_path / "none.parquet")) == 0


def test_keys_that_cannot_sign_are_refused_with_what_makes_one(tmp_path: Path) -> None:
    private, public = key_files(tmp_path)
    other = ec.generate_private_key(ec.SECP256R1())
    locked = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
    )
    (tmp_path / "ec.pem").write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "locked.pem").write_bytes(locked)
    (tmp_path / "empty.pem").write_bytes(b"")
    for file, message in (
        (public, "genpkey"), (tmp_path / "ec.pem", "expected an Ed25519 key"), (tmp_path / "locked.pem", "password"),
        (tmp_path / "empty.pem", "no private key"), (tmp_path / "nowhere.pem", "cannot be read"),
    ):  # fmt: skip
        with pytest.raises(BundleError, match=message):
            read_private_key(file)
    with pytest.raises(BundleError, match="pubout"):
        read_public_key(private)


def test_evidence_outside_the_city_s_folder_cannot_be_part_of_a_bundle(
    year: Material, city: Path, tmp_path: Path
) -> None:
    elsewhere = replace(year.declared[0], evidence=str(city / "evidence" / "deaths.txt"))
    with pytest.raises(BundleError, match="relative to"):
        made(replace(year, declared=(elsewhere,)), city, tmp_path / "bundle")
