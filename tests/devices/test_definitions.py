"""Tables of another edition beside those of the package."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import pytest

from devices import UnitError, conversion, definitions_of, load_columns, load_measurands, load_models, load_units
from devices.models import read_model
from devices.tables import Problems
from engine.kpi import load_catalogue, parse_unit, shipped, shipped_folder


@pytest.fixture
def edition(tmp_path: Path) -> Path:
    """Return the package's tables in a folder of their own."""
    with resources.as_file(resources.files("devices")) as folder:
        for name in ("units.toml", "measurands.toml", "columns.toml"):
            shutil.copyfile(folder / name, tmp_path / name)
        shutil.copytree(folder / "models", tmp_path / "models")
    return tmp_path


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), "utf-8")


def test_a_copy_of_the_package_s_tables_says_the_same(edition: Path) -> None:
    with definitions_of(edition):
        found = load_units(), load_measurands(), load_columns(), load_models()
    assert found == (load_units(), load_measurands(), load_columns(), load_models())


def test_within_the_block_another_edition_counts_and_outside_it_the_package_s(edition: Path) -> None:
    change(edition / "units.toml", 'code = "m3"', 'code = "kegs"')
    (edition / "models" / "weighbridge.toml").rename(edition / "models" / "balance.toml")
    change(edition / "columns.toml", "[[column]]", '[[column]]\ncode = "smell"\ntitle = "Smell"\n\n[[column]]')
    text = (edition / "measurands.toml").read_text("utf-8").replace('"m3"', '"kegs"')
    (edition / "measurands.toml").write_text(text, "utf-8")
    with definitions_of(edition):
        assert "kegs" in load_units()
        assert conversion("kegs", "L") == (1000, 0)
        assert parse_unit("kegs/d") == parse_unit("kegs/d")
        assert "smell" in load_columns()
        with pytest.raises(UnitError, match="unknown unit 'm3'"):
            conversion("m3", "L")
        with ThreadPoolExecutor() as other:
            assert "m3" in other.submit(load_units).result()
    assert "kegs" not in load_units()
    assert "smell" not in load_columns()
    assert conversion("m3", "L") == (1000, 0)
    with pytest.raises(UnitError, match="unknown unit 'kegs'"):
        parse_unit("kegs/d")


def test_a_model_of_another_edition_may_have_been_written_before_tests_were_asked_for(edition: Path) -> None:
    file = edition / "models" / "weighbridge.toml"
    text = file.read_text("utf-8")
    file.write_text(text[: text.index("[[test]]")], "utf-8")
    with definitions_of(edition):
        assert load_models()["weighbridge"].vectors == ()
    problems = Problems()
    assert read_model(file, problems, {}) is not None
    assert [(problem.where, problem.what[:29]) for problem in problems.found] == [
        ("test", "expected at least one [[test]")
    ]


@pytest.mark.parametrize(
    "text", ["", "dimension = 3", "[[dimension]]\nname = 'length'", "dimension = ", "[[dimension]]\nunits = [3]"]
)
def test_what_is_no_table_of_units_is_said_so(edition: Path, text: str) -> None:
    (edition / "units.toml").write_text(text, "utf-8")
    with definitions_of(edition), pytest.raises(UnitError, match=r"units\.toml: expected"):
        load_units()


def test_a_catalogue_can_have_another_edition_of_the_pack_for_its_base(tmp_path: Path) -> None:
    with resources.as_file(shipped_folder()) as folder:
        shutil.copytree(folder, tmp_path / "pack")
    assert load_catalogue(None, tmp_path / "pack") == shipped()
    for file in (tmp_path / "pack").glob("*.toml"):
        if 'edition = "' in file.read_text("utf-8"):
            change(file, 'edition = "', 'edition = "another, ')
    assert load_catalogue(None, tmp_path / "pack").edition == f"another, {shipped().edition}"
