"""Exact results that were written are read back as what they were; anything else is refused with what was expected."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessment import Assessment, exact_results
from assessment.compare import Hindrance, Trend, compare, side_of
from assessment.compare_book import comparison_book, write_comparison_book
from assessment.exact import results_bytes
from assessment.sides import SideError, parse_side, read_side
from engine.kpi import shipped
from tests.assessment.paper_city import YEAR, paper_city


@pytest.fixture(scope="module")
def made() -> Assessment:
    return paper_city()


@pytest.fixture(scope="module")
def written(made: Assessment) -> bytes:
    return results_bytes(exact_results(made))


def test_what_was_written_is_read_as_the_assessment_itself(made: Assessment, written: bytes) -> None:
    found = parse_side(written, shipped(), "results.json")
    assert found == replace(side_of(made), city=made.city.code)


def test_a_folder_its_file_and_its_archive_are_the_same_side(written: bytes, tmp_path: Path) -> None:
    folder, archive = tmp_path / "town-2025", tmp_path / "town-2025.zip"
    folder.mkdir()
    (folder / "results.json").write_bytes(written)
    with zipfile.ZipFile(archive, "w") as made:
        made.write(folder / "results.json", "town-2025/results.json")
    one, two, three = (read_side(path, shipped()) for path in (folder, folder / "results.json", archive))
    assert one == two == three


def test_a_data_point_that_the_catalogue_lacks_keeps_its_key_and_figure(written: bytes) -> None:
    found = parse_side(written.replace(b'"EC: ICT: ICT: 4C/3g"', b'"OWN: 1C/x"'), shipped(), "results.json")
    own = found.standings["OWN: 1C/x"]
    assert (own.point.key, own.point.title, own.point.unit) == ("OWN: 1C/x", "OWN: 1C, x", "%")
    lines = {line.key: line for line in compare(found, parse_side(written, shipped(), "other")).lines}
    assert lines["OWN: 1C/x"].hindrance is Hindrance.ABSENT
    assert lines["OWN: 1C/x"].trend is Trend.NONE


def _without(*path: str | int) -> Callable[[dict[str, Any]], object]:
    def change(found: Any) -> None:
        for step in path[:-1]:
            found = found[step]
        del found[path[-1]]

    return change


def _with(value: object, *path: str | int) -> Callable[[dict[str, Any]], object]:
    def change(found: Any) -> None:
        for step in path[:-1]:
            found = found[step]
        found[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_with("other-1", "format"), "expected the format 'cityvitals-results-1', got 'other-1'"),
        (_without("year"), "missing required field `year`"),
        (_with("1e999999999", "results", 0, "value"), "expected a whole number or a fraction such as 2/3, got '1e999"),
        (_with("1/0", "results", 0, "value"), "denominator is not 0"),
        (_with(7, "results", 0, "score", "points"), "expected 0 to 4 points, got 7"),
        (_with("many", "results", 3, "received"), "Expected `int`, got `str` - at `$.results[3].received`"),
    ],
)
def test_what_is_wrong_in_results_is_said(
    written: bytes, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    found = json.loads(written)
    change(found)
    with pytest.raises(SideError) as error:
        parse_side(json.dumps(found).encode(), shipped(), "town/results.json")
    assert str(error.value).startswith("town/results.json: ")
    assert told in str(error.value)


@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_refused(content: bytes) -> None:
    with pytest.raises(SideError):
        parse_side(content, shipped(), "results.json")


def test_what_is_no_assessment_is_said_with_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(SideError, match="expected a folder or archive of an assessment"):
        read_side(tmp_path, shipped())
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as empty:
        empty.writestr("other.txt", "")
    with pytest.raises(SideError, match=r"expected one results\.json in the archive, found 0"):
        read_side(tmp_path / "empty.zip", shipped())


# ---- the workbook ---------------------------------------------------------------------------------------------------


def test_an_archive_with_a_damaged_part_is_refused_and_no_fault_of_ours(written: bytes, tmp_path: Path) -> None:
    archive = tmp_path / "town-2025.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("results.json", written)
    content = bytearray(archive.read_bytes())
    for at in range(45, 60):  # where the unpacker begins to read
        content[at] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(SideError, match="expected an archive that can be read"):
        read_side(archive, shipped())


def test_the_workbook_has_both_sides_of_each_data_point_and_the_same_bytes_again(
    made: Assessment, tmp_path: Path
) -> None:
    found = compare(side_of(paper_city(YEAR - 1, worse=10)), side_of(made))
    assert comparison_book(found) == comparison_book(found)
    write_comparison_book(found, tmp_path / "two.xlsx")
    book = openpyxl.load_workbook(tmp_path / "two.xlsx")
    head, *rows = list(book["Data points"].iter_rows(min_row=4, values_only=True))
    by_key = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    assert list(by_key) == [line.key for line in found.lines]
    pm10 = by_key["EN: EN: AQ: 1C/pm10"]
    name = made.city.name
    assert (pm10[f"{name} 2024: result"], pm10[f"{name} 2025: result"]) == (pytest.approx(41.8), 38)
    assert (pm10["Change"], pm10["Change, %"], pm10["Trend"]) == (
        pytest.approx(-3.8), pytest.approx(-100 / 11), "better",
    )  # fmt: skip
    ozone = by_key["EN: EN: AQ: 1C/o3"]
    assert (ozone[f"{name} 2025: result"], ozone["Change"]) == ("NR", None)
    assert ozone["Not comparable because"] == "not both are reported"
    groups = list(book["Groups"].iter_rows(min_row=5, values_only=True))
    assert groups[0][0] == "(everything)"
    assert len(groups) == len(found.right.groups)
