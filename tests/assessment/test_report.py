"""Reports say everything of an assessment in both languages, and the same inputs give the same bytes."""

from __future__ import annotations

import re
import struct
import tomllib
import zlib
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessment import Assessment
from assessment.compare import compare, side_of
from assessment.report import LANGUAGES, write_comparison, write_factsheet, write_report
from assessment.report.numbers import MINUS, per_cent, rounded, signed
from assessment.report.sections import UNBROKEN_MAX, Sections, wrapped
from assessment.report.texts import texts
from assessment.report.wheel import wheel
from engine.kpi import BAND_NAMES, CHECKS, NotReported, shipped
from tests.assessment.paper_city import YEAR, answer_to, paper_city


@pytest.fixture(scope="module")
def made() -> Assessment:
    plain = paper_city()
    return paper_city(answers=[answer_to(one.finding, "Checked against the ledger.") for one in plain.questions[:1]])


@pytest.fixture(scope="module")
def earlier() -> Assessment:
    return paper_city(YEAR - 1, worse=10)


def pages(path: Path) -> int:
    """Return how many pages a PDF has, by the count that its tree of pages states."""
    content = path.read_bytes()
    unpacked = b"".join([content, *_streams(content)])
    return max(int(count) for count in re.findall(rb"/Type\s*/Pages[^>]*?/Count\s+(\d+)", unpacked))


def _streams(content: bytes) -> Iterator[bytes]:
    for found in re.finditer(rb"stream\r?\n", content):
        try:
            yield zlib.decompressobj().decompress(content[found.end() :])
        except zlib.error:
            continue


# ---- words ----------------------------------------------------------------------------------------------------------


def _keys(language: str) -> dict[str, set[str]]:
    file = resources.files("assessment.report") / "texts" / f"{language}.toml"
    return {section: set(words) for section, words in tomllib.loads(file.read_text("utf-8")).items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_things(language: str) -> None:
    assert _keys(language) == _keys("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_has_the_same_figures_in_every_language(language: str) -> None:
    english, other = texts("en").words, texts(language).words
    for section, words in english.items():
        for key, sentence in words.items():
            places = re.findall(r"\{(\w+)\}", sentence)
            assert sorted(re.findall(r"\{(\w+)\}", other[section][key])) == sorted(places), (language, section, key)


def test_every_term_of_the_shipped_catalogue_has_a_korean_name() -> None:
    korean, pack = texts("ko"), shipped()
    hangul = re.compile("[가-힣]")
    for point in pack.data_points:
        assert hangul.search(korean.kpi(point)), point.key
        for name in (point.dimension, point.sub_dimension, point.category):
            assert hangul.search(korean.term("group", name)), name
    formulas = {"", "3G", "4G", "PM2.5", "PM10", "NO2", "SO2", "O3"}
    for point in pack.data_points:
        assert point.id_name in formulas or hangul.search(korean.part(point)), point.key


def test_every_check_and_band_has_a_title() -> None:
    words = texts("en").words
    assert set(words["check"]) == {check.code for check in CHECKS}
    assert {str(band) for band in range(1, len(BAND_NAMES))} <= set(words["band"])


def test_a_reason_names_its_input_by_its_title_and_is_translated(made: Assessment) -> None:
    pack = made.pack
    value = NotReported(("households_with_internet: only the city can state it", "something else"))
    assert (
        texts("en").reason(pack, value) == "households with internet access: only the city can state it; something else"
    )
    assert (
        texts("ko").reason(pack, value) == "households with internet access: 도시만 제출할 수 있는 값; something else"
    )


def test_most_reasons_of_a_year_are_told_in_korean() -> None:
    nothing = paper_city(declares=False)
    reasons = [row["reason"] for row in Sections(nothing, texts("ko")).unreported()]
    assert all(re.search("[가-힣]", str(reason)) for reason in reasons)


# ---- figures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Fraction(0), "0"), (Fraction(1, 3), "0.3333"), (Fraction(2742, 100), "27.42"), (Fraction(10543), "10,543"),
        (Fraction(105435, 10), "10,544"), (Fraction(1, 320), "0.003125"), (Fraction(-5, 2), f"{MINUS}2.5"),
        (Fraction(99999, 1000), "100"),
    ],
)  # fmt: skip
def test_figures_are_rounded_for_people(value: Fraction, told: str) -> None:
    assert rounded(value) == told


@given(st.fractions(-(10**9), 10**9))
def test_a_rounded_figure_is_near_and_never_loses_its_integer_part(value: Fraction) -> None:
    read = Fraction(rounded(value).replace(",", "").replace(MINUS, "-"))
    assert abs(read - value) <= max(Fraction(1, 2) if abs(value) >= 1000 else 0, abs(value) / 2000)
    assert signed(value)[0] == ("+" if value > 0 else MINUS if value < 0 else "0")


def test_a_percentage_below_the_edge_of_a_band_never_looks_as_if_on_it() -> None:
    assert per_cent(Fraction(9499999, 100000)) == "94.9 %"


# ---- what is told ---------------------------------------------------------------------------------------------------


def test_every_data_point_is_told_once_as_a_result_and_once_as_reported_or_not(made: Assessment) -> None:
    sections = Sections(made, texts("en"))
    rows = [
        row["code"]
        for dimension in sections.dimensions()
        for category in dimension["categories"]  # type: ignore[attr-defined]
        for row in category["rows"]
    ]
    assert sorted(rows) == sorted(made.by_key)
    told = [row["code"] for row in (*sections.unreported(), *sections.sources())]
    assert sorted(map(str, told)) == sorted(made.by_key)


def test_an_insufficient_figure_stands_beside_its_nr(made: Assessment) -> None:
    row = next(row for row in Sections(made, texts("en")).unreported() if row["code"] == "EN: EN: AQ: 1C/o3")
    assert "no station has 75 %" in str(row["reason"])


def test_a_finding_is_told_with_its_answer(made: Assessment) -> None:
    first, *rest = Sections(made, texts("en")).questions()
    assert (first["answer"], first["by"]) == ("Checked against the ledger.", "J. Kim, statistics office")
    assert all(row["answer"] == "" for row in rest)


def test_the_wheel_is_a_whole_turn_and_every_ring_follows_the_one_inside(made: Assessment) -> None:
    found = wheel(made, texts("en"))
    for ring in (found["dimensions"], found["categories"], found["points"]):
        assert ring[0]["start"] == 0
        assert ring[-1]["end"] == pytest.approx(1)
        assert all(one["end"] == pytest.approx(two["start"]) for one, two in pairwise(ring))
    assert len(found["points"]) == len(made.results)
    inner = {round(one["start"], 9) for one in found["categories"]}
    assert {round(one["start"], 9) for one in found["dimensions"]} <= inner


def test_what_a_city_adds_stands_beside_its_like(made: Assessment) -> None:
    first, *rest = made.results
    moved = replace(made, results=(*rest, first))
    assert len(wheel(moved, texts("en"))["categories"]) == len(wheel(made, texts("en"))["categories"])


# ---- pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_assessment_gives_the_same_report_and_another_another(
    language: str, made: Assessment, earlier: Assessment, tmp_path: Path
) -> None:
    one, two, other = (tmp_path / name for name in ("one.pdf", "two.pdf", "other.pdf"))
    write_report(made, one, language, earlier)
    write_report(made, two, language, earlier)
    write_report(made, other, language)
    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes() != other.read_bytes()
    assert pages(one) > pages(other) > 10


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("declares", [True, False])
def test_a_factsheet_is_one_page(language: str, declares: bool, tmp_path: Path) -> None:
    path = tmp_path / "made" / "factsheet.pdf"
    write_factsheet(paper_city(declares=declares, name="A city with a long name " * 3, closed=declares), path, language)
    assert pages(path) == 1
    assert [found.name for found in path.parent.iterdir()] == ["factsheet.pdf"]


def test_a_report_embeds_a_font_with_korean_and_links_to_none(made: Assessment, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    write_report(made, path, "ko")
    content = path.read_bytes()
    unpacked = b"".join([content, *_streams(content)])
    assert b"Pretendard" in unpacked
    assert not re.findall(rb"/BaseFont\s*/(?![A-Z]{6}\+Pretendard)", unpacked)
    # Where a name has Chinese characters, a second font is inside, and still nothing else.
    write_report(replace(made, city=replace(made.city, name="漢城")), path, "ko")
    content = path.read_bytes()
    unpacked = b"".join([content, *_streams(content)])
    found = set(re.findall(rb"/BaseFont\s*/[A-Z]{6}\+([A-Za-z]+)", unpacked))
    assert found == {b"Pretendard", b"NotoSansCJKkr"}


@pytest.mark.parametrize("character_set", ["euc_kr", "gb2312", "shift_jis"])
def test_the_fonts_have_every_chinese_character_of_these_sets(character_set: str) -> None:
    folder = resources.files("assessment.report") / "fonts"
    there = {code for font in folder.iterdir() if font.name.endswith("Regular.otf") for code in _codes(font)}
    ideographs = (*range(0x4E00, 0xA000), *range(0xF900, 0xFB00))
    wanted = {code for code in ideographs if _encodes(character_set, code)}
    assert len(wanted) > 4000
    assert wanted <= there


def _encodes(character_set: str, code: int) -> bool:
    try:
        return bool(chr(code).encode(character_set))
    except UnicodeEncodeError:
        return False


def _codes(font: Traversable) -> Iterator[int]:
    """Give the characters that a font says it has: of its table `cmap`, the segments of the form for two bytes."""
    content = font.read_bytes()
    (count,) = struct.unpack_from(">H", content, 4)
    heads = struct.iter_unpack(">4s3L", content[12 : 12 + 16 * count])
    cmap = next(at for tag, _, at, _ in heads if tag == b"cmap")
    for number in range(struct.unpack_from(">H", content, cmap + 2)[0]):
        at = cmap + struct.unpack_from(">2HL", content, cmap + 4 + 8 * number)[2]
        form, _, _, doubled = struct.unpack_from(">4H", content, at)
        if form == 4:
            lasts = struct.unpack_from(f">{doubled // 2}H", content, at + 14)
            firsts = struct.unpack_from(f">{doubled // 2}H", content, at + 16 + doubled)
            yield from (code for first, last in zip(firsts, lasts, strict=True) for code in range(first, last + 1))


def test_a_pdf_says_that_it_was_made_when_the_year_was_over(made: Assessment, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    write_factsheet(made, path, "en")
    assert b"<xmp:CreateDate>2025-12-31T15:00:00" in path.read_bytes()  # midnight of Seoul


def test_a_word_wider_than_a_column_may_be_broken_and_loses_nothing() -> None:
    word = "yearbook_2025_" * 9
    broken = wrapped(f"see {word} there")
    assert broken.replace("\u200b", "") == f"see {word} there"
    assert max(len(part) for part in re.split("[\u200b ]", broken)) == UNBROKEN_MAX
    assert wrapped("a plain sentence") == "a plain sentence"


def test_an_answer_longer_than_a_page_is_printed_whole(made: Assessment, tmp_path: Path) -> None:
    first, *rest = made.questions
    long = replace(made, questions=(replace(first, answer="The ledger was checked. " * 800), *rest))
    write_report(long, tmp_path / "long.pdf", "en")
    write_report(made, tmp_path / "short.pdf", "en")
    assert pages(tmp_path / "long.pdf") > pages(tmp_path / "short.pdf") + 3


def test_a_comparison_of_two_cities_is_written(made: Assessment, tmp_path: Path) -> None:
    other = paper_city(name="Gangneung")
    write_comparison(compare(side_of(other), side_of(made)), tmp_path / "two.pdf", "ko")
    assert pages(tmp_path / "two.pdf") >= 3


def test_a_language_that_is_not_there_is_said(made: Assessment, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="'fr'; there are en, ko"):
        write_report(made, tmp_path / "report.pdf", "fr")
    assert not list(tmp_path.iterdir())
