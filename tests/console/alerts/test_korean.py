"""What alerts say in Korean: every sentence that a rule can make has one, with its numbers, and nothing else has."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

import console.web
from console.alerts.korean import korean_detail, korean_title
from console.alerts.rules import DEFINITIONS
from console.drift import KINDS, WORDS

PAGE = (Path(console.web.__file__).parent / "static" / "js" / "i18n" / "ko.js").read_text(encoding="utf-8")
ENGLISH = (Path(console.web.__file__).parent / "static" / "js" / "i18n" / "en.js").read_text(encoding="utf-8")
HANGUL = re.compile(r"[\uac00-\ud7a3]")


@pytest.mark.parametrize(
    ("detail", "korean"),
    [
        ("99 µg/m³, above 35", "99 µg/m³, 35 초과"),
        ("168, above 100 for 2 hours", "168, 2시간 동안 100 초과"),
        ("-21 µg/m³ in 1 hour", "1시간 동안 -21 µg/m³"),
        ("60 % of the readings, below 75 for 3 days", "측정값의 60 %, 3일 동안 75 % 미만"),
        ("30 µg/m³, on the way above 50 by 2023-11-15 03:30", "30 µg/m³, 2023-11-15 03:30까지 50 초과 예상"),
        ("no figure since 2023-11-15 03:30, 41d ago", "2023-11-15 03:30부터 값 없음, 41일 전"),
        ("silent since 2023-11-15 03:30, with 12 devices", "2023-11-15 03:30부터 무응답, 장치 12개"),
        ("40 % of the target, band 2 (33-66 %)", "목표의 40 %, 2등급 (33-66 %)"),
        ("6 at once: s0, s1, s2, s3, s4 and others", "동시에 6건: s0, s1, s2, s3, s4 외"),
        ("vanished, wrong unit on 3 devices: a, b and others", "사라진 항목, 단위 오류, 장치 3개: a, b 외"),
        ("malformed", "형식 오류"),
        ("the storm is over: none of it left", "묶음 경보 끝남, 남은 것 없음"),
    ],
)
def test_a_sentence_keeps_its_numbers_and_names_in_korean(detail: str, korean: str) -> None:
    assert korean_detail(detail) == korean


@pytest.mark.parametrize("words", ["", "on my way", "99 apples, above all", "heard again, he says"])
def test_what_a_person_wrote_stays_as_it_is(words: str) -> None:
    assert korean_detail(words) is None
    assert korean_title(words) is None


def test_a_finding_of_drift_is_called_as_on_the_page() -> None:
    for kind in KINDS:
        assert f'"reason.{kind}": "{korean_detail(WORDS[kind])}"' in PAGE
        assert f'"reason.{kind}": "{WORDS[kind]}"' in ENGLISH


def test_every_indicator_has_titles_in_korean_with_its_own_name_and_bands() -> None:
    said = ("no figures", "above 35 µg/m³", "soon below 3", "fall of more than 2", "less than 75 % of the readings")
    for one, words in product(DEFINITIONS.values(), said):
        told = korean_title(f"{one.title}: {words}")
        assert told is not None
        assert told.startswith(f"{one.title_ko}: ")
        assert HANGUL.search(told.removeprefix(one.title_ko))
    cai = DEFINITIONS["cai", "hour"]
    assert [korean_title(f"{cai.title}: {band.name}") for band in cai.bands] == [
        f"{cai.title_ko}: {band.name_ko}" for band in cai.bands
    ]
    for scale in (one for one in DEFINITIONS.values() if not any(band.name_ko for band in one.bands)):
        for band in scale.bands:
            told = str(korean_title(f"{scale.title}: {band.name}"))
            shown = f'"band.{band.name}": "{told.removeprefix(f"{scale.title_ko}: ")}"'
            assert shown in PAGE, "the page has the same name for it"
    assert korean_title(f"{cai.title}: soon {cai.bands[2].name}") == f"{cai.title_ko}: 곧 {cai.bands[2].name_ko}"
