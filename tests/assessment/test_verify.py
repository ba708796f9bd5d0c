"""What is said of bundles that are whole, of those that somebody wrote anew, and of those meant to do harm."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from assessment.bundle import read_private_key, read_public_key, write_packed
from assessment.bundle.layout import BESIDE
from assessment.bundle.manifest import Manifest, entries_of, parse_manifest, sha256_line
from assessment.bundle.signing import fingerprint, public_pem
from assessment.errors import BundleError
from assessment.verify import Signature, Standing, Verdict, verify
from console.cli import main
from tests.assessment.tiny import key_files, made, tiny_city, tiny_material

ELECTRICITY = "EN: E: E: 2C"
LIFE = "SC: EH: H: 1C"
FORMULAS, USED = "definitions/pack/environment_energy.toml", "electricity_used / population"
MEASURANDS = "definitions/measurands.toml"
METER_UNIT = 'symbol = "kWh"\nkind = "counter"\ndecimals = '
RESOLUTION = (f"{METER_UNIT}3\nlow = 0\nhigh = 9000000000", f"{METER_UNIT}4\nlow = 0\nhigh = 900000000")
METER = "power-1,electricity_meter,north,,"


@dataclass(frozen=True)
class Sound:
    """A bundle as it was written, signed.

    Attributes:
        folder: of the bundle.
        public: file of the city's public key.
    """

    folder: Path
    public: Path


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    place = tmp_path_factory.mktemp("sound")
    city = tiny_city(place / "city")
    private, public = key_files(place)
    made(tiny_material(city), city, place / "bundle", private)
    return Sound(place / "bundle", public)


@pytest.fixture
def bundle(sound: Sound, tmp_path: Path) -> Path:
    """Return a copy to be changed."""
    return shutil.copytree(sound.folder, tmp_path / "bundle")


def sealed(folder: Path, key: Path | None = None) -> None:
    """Write the manifest anew, as somebody does who changed a file and has no key, or one of his own."""
    manifest = parse_manifest((folder / "manifest.json").read_bytes())
    private = None if key is None else read_private_key(key)
    for name in ("manifest.sig", "manifest.pub.pem"):
        (folder / name).unlink(missing_ok=True)
    paths = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    again = Manifest(
        manifest.city, manifest.year, manifest.closed, manifest.versions, manifest.time_zone,
        "" if private is None else fingerprint(private.public_key()),
        entries_of(folder, [path for path in paths if path not in BESIDE]),
    )  # fmt: skip
    (folder / "manifest.json").write_bytes(again.content())
    (folder / "manifest.sha256").write_bytes(sha256_line(again.content()))
    if private is not None:
        (folder / "manifest.sig").write_bytes(private.sign(again.content()))
        (folder / "manifest.pub.pem").write_bytes(public_pem(private.public_key()))


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), "utf-8")


def differing(verdict: Verdict) -> set[str]:
    return {line.data_point for line in verdict.lines if line.standing is Standing.DIFFERS}


# ---- whole -------------------------------------------------------------------------------------------------------


def test_every_data_point_of_a_whole_bundle_has_its_line(sound: Sound, tmp_path: Path) -> None:
    write_packed(sound.folder, tmp_path / "bundle.zip")
    verdict = verify(sound.folder, known=read_public_key(sound.public))
    assert verdict == verify(tmp_path / "bundle.zip", known=read_public_key(sound.public))
    assert verdict.good
    assert (verdict.city, verdict.year, verdict.signature) == ("tiny", 2025, Signature.KNOWN)
    assert len(verdict.lines) == 112
    counts = [verdict.count(one) for one in (Standing.AGREES, Standing.DECLARED, Standing.DIFFERS)]
    assert counts == [7, 1, 0]
    assert not any(one.differ for one in verdict.checked)


def test_whose_key_it_was_is_said(sound: Sound, bundle: Path, tmp_path: Path) -> None:
    _, other = key_files(tmp_path, "other")
    assert verify(sound.folder).signature is Signature.UNKNOWN
    assert verify(sound.folder).good
    verdict = verify(sound.folder, known=read_public_key(other))
    assert not verdict.good
    assert verdict.signature is Signature.WRONG
    assert "the one given is" in str(verdict.faults[0])
    sealed(bundle)
    assert verify(bundle).signature is Signature.NONE
    assert verify(bundle).good
    verdict = verify(bundle, known=read_public_key(sound.public))
    assert not verdict.good
    assert [fault.file for fault in verdict.faults] == ["manifest.sig"]


def test_other_versions_and_clocks_are_notes(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    manifest["versions"]["numpy"] = "1.0"
    manifest["time_zone"]["transitions_sha256"] = "0" * 64
    manifest["closed"] = False
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    change(bundle / "results.json", '"closed": true', '"closed": false')
    sealed(bundle)
    verdict = verify(bundle)
    assert verdict.good
    notes = "\n".join(verdict.notes)
    for part in ("numpy was 1.0 and is", "the clock of Europe/Madrid is another one", "the figures are not final"):
        assert part in notes


def test_the_command_ends_with_0_only_where_everything_agrees(
    sound: Sound, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(sound.folder), "--public-key", str(sound.public)]) == 0
    said = capsys.readouterr().out
    assert "112 data points: 7 agrees, 1 declared, 104 not reported. Everything agrees." in " ".join(said.split())
    change(bundle / "city" / "city.toml", "value = 1200", "value = 1300")
    assert main(["verify", str(bundle)]) == 1
    assert "city/city.toml: was changed" in capsys.readouterr().out
    sealed(bundle)
    assert main(["verify", str(bundle), "--json"]) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[-1]["row"] == "verdict"
    assert not rows[-1]["good"]
    (line,) = [row for row in rows if row.get("data_point") == ELECTRICITY]
    assert Fraction(line["stated"]) / Fraction(line["computed"]) == Fraction(1300, 1200)
    assert main(["verify", str(bundle / "nowhere")]) == 1
    assert "no such folder or archive" in capsys.readouterr().err


# ---- written anew by somebody without the key --------------------------------------------------------------------


def raise_a_sum(folder: Path) -> None:
    file = folder / "readings" / "days.parquet"
    table = pq.read_table(file)
    at = table.column("device").to_pylist().index("power-1")
    sums = table.column("sum_0").to_numpy().copy()
    sums[at] += 1
    column = table.schema.get_field_index("sum_0")
    pq.write_table(table.set_column(column, "sum_0", pa.array(sums)), file)


def raise_a_result(folder: Path) -> None:
    results = json.loads((folder / "results.json").read_bytes())
    (row,) = [row for row in results["results"] if row["data_point"] == ELECTRICITY]
    row["value"] = str(Fraction(row["value"]) + 1)
    (folder / "results.json").write_text(json.dumps(results))


def leave_out_a_result(folder: Path) -> None:
    results = json.loads((folder / "results.json").read_bytes())
    results["results"] = [row for row in results["results"] if row["data_point"] != ELECTRICITY]
    (folder / "results.json").write_text(json.dumps(results))


FORGED: dict[str, tuple[Callable[[Path], None], set[str]]] = {
    "a register": (lambda b: change(b / "city/city.toml", "value = 1200", "value = 1201"), {ELECTRICITY}),
    "a declared value": (lambda b: change(b / "city/declared.csv", "81.5", "83.5"), {LIFE}),
    "a target": (lambda b: change(b / "city/kpis/own.toml", "value = 900", "value = 901"), {ELECTRICITY}),
    "a formula": (lambda b: change(b / FORMULAS, USED, f"{USED} + {USED}"), {ELECTRICITY}),
    "a resolution": (lambda b: change(b / MEASURANDS, *RESOLUTION), {ELECTRICITY}),
    "a sum of a day": (raise_a_sum, {ELECTRICITY}),
    "a result": (raise_a_result, {ELECTRICITY}),
    "a result left out": (leave_out_a_result, {ELECTRICITY}),
    "the device list": (lambda b: change(b / "city/devices.csv", f"{METER}3600", f"{METER}1800"), {ELECTRICITY}),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED)
def test_what_is_written_anew_without_the_key_is_told_by_key_and_by_figure(
    sound: Sound, bundle: Path, what: str, tmp_path: Path
) -> None:
    forge, expected = FORGED[what]
    forge(bundle)
    sealed(bundle)
    assert not verify(bundle, known=read_public_key(sound.public)).good, "no signature, and one was asked for"
    own, _ = key_files(tmp_path, "own")
    sealed(bundle, own)
    assert verify(bundle, known=read_public_key(sound.public)).signature is Signature.WRONG
    verdict = verify(bundle)
    assert verdict.signature is Signature.UNKNOWN
    assert not verdict.faults
    assert expected <= differing(verdict)
    assert verdict.good is not bool(expected)


def test_the_definitions_that_count_are_those_of_the_bundle(bundle: Path) -> None:
    """A formula that only the bundle has comes out by the bundle's, whatever is installed."""
    change(bundle / "definitions/pack/pack.toml", 'edition = "', 'edition = "of another year, ')
    change(bundle / FORMULAS, USED, f"{USED} + {USED}")
    sealed(bundle)
    (line,) = [line for line in verify(bundle).lines if line.data_point == ELECTRICITY]
    assert Fraction(line.computed) == 2 * Fraction(line.stated)
    change(bundle / "definitions/units.toml", 'code = "kW.h"', 'code = "MWs"')
    sealed(bundle)
    verdict = verify(bundle)
    assert not verdict.good
    assert "kW.h" in str(verdict.faults[0]), "a unit that the bundle's table does not have is unknown"


def test_a_definition_that_cannot_be_read_is_named(bundle: Path) -> None:
    for path, text in (
        ("definitions/units.toml", "dimension = 1"), ("definitions/measurands.toml", "[[measurand]]"),
        ("definitions/pack/targets.toml", "nonsense"), ("city/city.toml", "code = 3"), ("city/declared.csv", "key\n"),
        ("results.json", "{"), ("readings/days.parquet", "PAR1"), ("readings/heard.parquet", ""),
    ):  # fmt: skip
        before = (bundle / path).read_bytes()
        (bundle / path).write_text(text)
        sealed(bundle)
        verdict = verify(bundle)
        assert not verdict.good
        assert any(path.rsplit("/", 1)[-1] in str(fault) for fault in verdict.faults), (path, verdict.faults)
        (bundle / path).write_bytes(before)


# ---- the report --------------------------------------------------------------------------------------------------


def test_the_files_of_the_report_say_the_figures_of_the_results(sound: Sound) -> None:
    checks = {one.name: one for one in verify(sound.folder).checked}
    facts = {"assessment.csv": 9, "assessment.json": 9, "assessment.jsonld": 5, "assessment.xlsx": 4}
    assert {name: checks[name].compared for name in facts} == {name: 112 * each for name, each in facts.items()}
    assert not any(checks[name].differ for name in facts)
    assert any("report-en.pdf: its digest is right" in note for note in verify(sound.folder).notes)


def other_cell(file: Path) -> None:
    book = load_workbook(file)
    rows = book["KPIs"]
    at = next(row for row in range(1, 200) if rows.cell(row, 1).value == ELECTRICITY)
    rows.cell(at, 8).value = 12.5
    book.save(file)


def other_digit(file: Path, *after: str) -> None:
    """Make the first digit after some words, one behind the other, another one."""
    text, at = file.read_text("utf-8"), 0
    for words in after:
        at = text.index(words, at) + len(words)
    at = next(k for k in range(at, len(text)) if text[k].isdigit() and text[k] != "9")
    file.write_text(f"{text[:at]}9{text[at + 1 :]}", "utf-8")


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("csv", lambda f: other_digit(f, f"{ELECTRICITY},Electricity Consumption,")),
        ("json", lambda f: other_digit(f, f'"data_point": "{ELECTRICITY}"', '"value_exact": ')),
        ("json", lambda f: other_digit(f, f'"data_point": "{ELECTRICITY}"', '"value": ')),
        ("jsonld", lambda f: other_digit(f, f'"{ELECTRICITY}"', '"exactValue"')),
        ("xlsx", other_cell),
        ("csv", lambda f: f.write_text("\n".join(f.read_text("utf-8").splitlines()[:-1]) + "\n", "utf-8")),
        *[(name, lambda f: f.write_bytes(b"PK nonsense")) for name in ("csv", "json", "jsonld", "xlsx")],
        ("json", lambda f: f.write_text('{"results": [{}]}')),
        ("jsonld", lambda f: f.write_text('{"@graph": 3}')),
    ],
)
def test_a_report_that_says_another_figure_is_told(bundle: Path, name: str, edit: Callable[[Path], None]) -> None:
    edit(bundle / "report" / f"assessment.{name}")
    sealed(bundle)
    verdict = verify(bundle)
    assert not verdict.good
    (check,) = [one for one in verdict.checked if one.differ]
    assert check.name == f"assessment.{name}"
    assert not differing(verdict)


# ---- readings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("device", ["nobody"], "unknown device"),
        ("field", ["smell"], "no field"),
        ("hours", ["always"], "expected hours"),
        ("count", None, "expected the columns"),
        ("sum_0", [None], "a value in every cell"),
        ("day", ["monday"], "no Parquet file as expected"),
        ("day", [20_000, 20_000], "stands twice"),
    ],
)
def test_readings_of_another_form_are_refused(
    bundle: Path, column: str, values: list[Any] | None, message: str
) -> None:
    file = bundle / "readings" / "days.parquet"
    table = pq.read_table(file).slice(0, len(values or [0]))
    for name in ("hours", "device", "field"):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table.column(name).cast(pa.string()))
    at = table.schema.get_field_index(column)
    table = table.remove_column(at) if values is None else table.set_column(at, column, pa.array(values))
    pq.write_table(table, file)
    sealed(bundle)
    verdict = verify(bundle)
    assert not verdict.good
    assert message in str(verdict.faults[0])


def test_more_rows_than_a_year_can_have_are_not_unpacked(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assessment.bundle.readings.ROWS_MAX", 100)
    verdict = verify(bundle)
    assert "expected at most 100 rows" in str(verdict.faults[0])


# ---- harm --------------------------------------------------------------------------------------------------------


def test_links_pipes_and_folders_are_named_and_not_followed(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (bundle / "results.json").rename(tmp_path / "results.json")
    (bundle / "results.json").symlink_to(tmp_path / "results.json")
    shutil.move(bundle / "city", tmp_path / "city")
    (bundle / "city").symlink_to(tmp_path / "city")
    os.mkfifo(bundle / "report" / "pipe")
    (bundle / "empty" / "folder").mkdir(parents=True)
    found = {fault.file for fault in verify(bundle).faults}
    assert {"results.json", "city", "report/pipe", "empty", "empty/folder"} <= found


def test_files_larger_than_any_are_not_read(bundle: Path) -> None:
    for path in ("results.json", "manifest.json", "definitions/units.toml"):
        before = (bundle / path).read_bytes()
        os.truncate(bundle / path, 9_000_000_000)
        assert path in {fault.file for fault in verify(bundle).faults}
        (bundle / path).write_bytes(before)


def entry(name: str, **attributes: Any) -> ZipInfo:
    info = ZipInfo(name)
    for key, value in {"create_system": 3, "external_attr": (stat.S_IFREG | 0o644) << 16, **attributes}.items():
        setattr(info, key, value)
    return info


HARM = {
    "../outside": entry("../outside"),
    "/outside": entry("/outside"),
    "a/../../outside": entry("a/../../outside"),
    "C:\\\\outside": entry("C:\\outside"),
    "link": entry("link", external_attr=(stat.S_IFLNK | 0o777) << 16),
    "packed": entry("packed", compress_type=ZIP_DEFLATED),
    "folder/": entry("folder/"),
    "manifest.json": entry("manifest.json"),
    "results.json/inside": entry("results.json/inside"),
}


@pytest.mark.parametrize("name", HARM)
def test_an_archive_meant_to_do_harm_writes_nothing_outside(sound: Sound, tmp_path: Path, name: str) -> None:
    file = tmp_path / "in" / "bundle.zip"
    file.parent.mkdir()
    write_packed(sound.folder, file)
    with ZipFile(file, "a", ZIP_STORED) as archive, pytest.warns() if name == "manifest.json" else nullcontext():
        archive.writestr(HARM[name], b"harm" * 100)
    verdict = verify(file)
    assert not verdict.good
    assert any(name in str(fault) for fault in verdict.faults), verdict.faults
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["bundle.zip", "in"]


def test_an_archive_of_other_bytes_is_not_the_one_that_was_written(sound: Sound, tmp_path: Path) -> None:
    file = tmp_path / "bundle.zip"
    write_packed(sound.folder, file)
    whole = file.read_bytes()
    chance = np.random.default_rng(1)
    for at in [len(whole) - 1, *chance.integers(0, len(whole), 25).tolist()]:
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert not verify(file).good, at
    for other in (whole + b"\0", b"\0" + whole, whole[:-1], b"", b"PK"):
        file.write_bytes(other)
        verdict = verify(file)
        assert [fault.file for fault in verdict.faults] == ["bundle.zip"]


def test_what_is_no_bundle_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear verifier")
    assert "manifest.json: is missing" in {str(fault).split(": this", 1)[0] for fault in verify(tmp_path).faults}
    with pytest.raises(BundleError, match="no such folder or archive"):
        verify(tmp_path / "nowhere")
