"""What a city answers to findings: read and written as a file, every fault told with its line and column."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assessment import Answer
from assessment.answers import COLUMNS, answers_csv, load_answers
from engine.kpi import PackError, shipped

PACK = shipped()
INTERNET, BROADBAND = "EC: ICT: ICT: 1C", "EC: ICT: ICT: 2C"
PAGE = (Path(__file__).parents[2] / "docs" / "assessors.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"<!-- answers_csv -->\n```csv\n(.*?)```", PAGE, re.DOTALL)[0]
HEADER = ",".join(COLUMNS) + "\n"
SOUND = Answer("broadband", (INTERNET, BROADBAND), 'offices as well, and "cafés"', "the clerk")


def read(folder: Path, rows: str) -> dict[int, tuple[Answer, ...]]:
    (folder / "answers.csv").write_text(HEADER + rows, encoding="utf-8")
    return dict(load_answers(folder, PACK))


def test_a_city_without_the_file_answers_nothing(tmp_path: Path) -> None:
    assert load_answers(tmp_path, PACK) == {}


def test_rows_are_answers_of_their_year_however_keys_are_spaced(tmp_path: Path) -> None:
    row = f'2025,broadband,"EC:ICT:ICT:1C ;{BROADBAND}","offices as well, and ""cafés""",the clerk\n'
    assert read(tmp_path, row + "2024,missing,,small,x\n") == {
        2025: (SOUND,),
        2024: (Answer("missing", (), "small", "x"),),
    }


def test_the_rows_of_the_page_are_read(tmp_path: Path) -> None:
    assert SHOWN.startswith(HEADER)
    ((year, (broadband, missing)),) = read(tmp_path, SHOWN.removeprefix(HEADER)).items()
    assert (year, broadband.data_points, broadband.by) == (2025, (INTERNET, BROADBAND), "statistics office")
    assert (missing.rule, missing.data_points) == ("missing", ())


def test_what_is_written_is_read_as_the_same(tmp_path: Path) -> None:
    answers = {2024: (Answer("missing", (), "we\rare\nsmall", "x"), SOUND), 2025: (SOUND,)}
    (tmp_path / "answers.csv").write_text(answers_csv(answers), encoding="utf-8", newline="")
    assert load_answers(tmp_path, PACK) == answers
    assert answers_csv({}) == HEADER.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("25,missing,,a,b", ":2: column year: expected a year such as 2025, got '25'"),
        ("2025,mising,,a,b", ":2: column rule: unknown rule 'mising'; did you mean 'missing'"),
        ("2025,missing,EC: ICT: ICT: 9C,a,b", ":2: column data_points: unknown data point 'EC: ICT: ICT: 9C'"),
        ("2025,missing,,,b", ":2: column answer: is empty; expected what the city says"),
        ("2025,missing,,a,", ":2: column by: is empty; expected who says so"),
        ("2025,missing,,a", ":2: expected 5 columns, got 4"),
        ("2025,missing,,a,b\n2025,missing,,c,d", ":3: column rule: the finding is answered in line 2 already"),
    ],
)
def test_a_faulty_row_is_told_with_line_and_column(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(PackError) as caught:
        read(tmp_path, row + "\n")
    assert f"answers.csv{said}" in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(PackError) as caught:
        read(tmp_path, "25,mising,,,\n2025,missing,,a,b\n2024,missing\n")
    assert [(fault.line, fault.where) for fault in caught.value.faults] == [
        (2, "column answer"), (2, "column by"), (2, "column rule"), (2, "column year"), (4, ""),
    ]  # fmt: skip
