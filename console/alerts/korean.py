"""What alerts say, in Korean: sentences that rules make are known by their form, so that stored ones are told as well.

Knows sentences and the names of indicators and bands; knows no rule, no store and no page. What a person wrote, and
whatever else is none of these sentences, has no Korean text: then the words stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from console.alerts.rules import DEFINITIONS
from console.drift import WORDS


def _listed(words: Iterable[str]) -> str:
    """Return the form of some of these words with commas between them."""
    either = "|".join(words)
    return f"(?:{either})(?:, (?:{either}))*"


_SIDES: Final = {"above": "초과", "below": "미만"}
_SPANS: Final = {"hour": "시간", "hours": "시간", "day": "일", "days": "일"}
_AGES: Final = {"s": "초", "m": "분", "h": "시간", "d": "일", "y": "년"}
_WAYS: Final = {"rise": "상승", "fall": "하락", "change": "변화"}
_FINDINGS: Final = {
    "vanished": "사라진 항목", "unknown_field": "알 수 없는 항목", "not_a_number": "숫자가 아님",
    "bad_unit": "단위 오류", "malformed": "형식 오류", "empty": "빈 메시지",
}  # fmt: skip
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "side": _SIDES, "span": _SPANS, "age": _AGES, "way": _WAYS, "others": {" and others": " 외", "": ""},
    "left": {"none": "없음"}, "found": {said: _FINDINGS[kind] for kind, said in WORDS.items()},
}  # fmt: skip
"""What stands for a word of a sentence, by the name of its place; a word that is not listed stays."""
_PLACES: Final[Mapping[str, str]] = {
    "share": r"[-+]?[\d.]+", "value": r"[-+]?[\d.]+(?: [^,]+?)?", "limit": r"[-+]?[\d.]+(?: .+)?", "at": r"[-+]?[\d.]+",
    "number": r"\d+", "time": r"\d{4}-\d\d-\d\d \d\d:\d\d", "ago": r"\d+", "left": r"\d+|none",
    "others": " and others|", "who": ".+?", "span": "hours?|days?", "age": "[smhdy]",
    "side": "above|below", "way": "rise|fall|change", "found": _listed(WORDS.values()),
    "devices": "devices?", "count": r"[\d,]+",
}  # fmt: skip
_DETAILS: Final = (
    ("{share} % of the readings, no longer {side} {at}", "측정값의 {share} %, 더 이상 {at} % {side} 아님"),
    ("{share} % of the readings, was {side} {at}", "측정값의 {share} %, 앞서 {at} % {side}"),
    ("{share} % of the readings, {side} {at}", "측정값의 {share} %, {at} % {side}"),
    (
        "{share} % of the readings, {side} {at} for {number} {span}",
        "측정값의 {share} %, {number}{span} 동안 {at} % {side}",
    ),
    ("{value}, no longer {side} {at}", "{value}, 더 이상 {at} {side} 아님"),
    ("{value}, was {side} {at}", "{value}, 앞서 {at} {side}"),
    ("{value}, {side} {at}", "{value}, {at} {side}"),
    ("{value}, {side} {at} for {number} {span}", "{value}, {number}{span} 동안 {at} {side}"),
    ("{value} in {number} {span}", "{number}{span} 동안 {value}"),
    ("{value}, not on the way {side} {at}", "{value}, {at} {side}로 가는 추세 아님"),
    ("{value}, on the way {side} {at}", "{value}, {at} {side} 예상"),
    ("{value}, on the way {side} {at} by {time}", "{value}, {time}까지 {at} {side} 예상"),
    ("no figure since {time}", "{time}부터 값 없음"),
    ("no figure since {time}, {ago}{age} ago", "{time}부터 값 없음, {ago}{age} 전"),
    ("there are figures again", "값이 다시 있음"),
    ("{share} % of the target, band {number} ({who})", "목표의 {share} %, {number}등급 ({who})"),
    ("silent since {time}", "{time}부터 무응답"),
    ("silent since {time}, with {number} devices", "{time}부터 무응답, 장치 {number}개"),
    ("heard again", "다시 응답함"),
    ("listening again", "다시 수신함"),
    ("{found} on {count} {devices}: {who}{others}", "{found}, 장치 {count}개: {who}{others}"),
    ("{found}: {who}{others}", "{found}: {who}{others}"),
    ("{found}", "{found}"),
    ("as the model expects again", "다시 모델대로 보냄"),
    (
        "the gateway has not listened since {time}: it is stopped, or broker or database are away",
        "{time}부터 게이트웨이 수신 없음: 중지되었거나 브로커 또는 데이터베이스가 응답하지 않음",
    ),
    ("the rule is gone", "규칙이 없어짐"),
    ("the rule no longer looks at it", "규칙이 더 이상 보지 않음"),
    ("the alert of {who} says it", "{who} 경보가 대신함"),
    ("part of the storm in {who}", "{who}의 묶음 경보에 포함됨"),
    ("{number} at once: {who}{others}", "동시에 {number}건: {who}{others}"),
    ("the storm is over: {left} of it left", "묶음 경보 끝남, 남은 것 {left}"),
    ("its time is over", "보류 기한이 지남"),
    ("nobody has taken note for {number} minutes", "{number}분 동안 확인한 사람 없음"),
)
"""What an alert and its trail say, each in English and in Korean. A test asks that no sentence is missing."""
_TITLES: Final = (
    ("{side} {limit}", "{limit} {side}"),
    ("soon {side} {limit}", "곧 {limit} {side}"),
    ("no figures", "값 없음"),
    ("{way} of more than {limit}", "{limit} 넘는 {way}"),
    ("less than {share} % of the readings", "측정값의 {share} % 미만"),
)
"""What a title says of an indicator, behind its name."""
_WHOLE_TITLES: Final = (
    ("Device silent", "장치 무응답"),
    ("Gateway silent", "게이트웨이 무응답"),
    ("Nothing is being received", "수신 중단"),
    ("Devices say something else than their model expects", "장치가 모델과 다르게 보냄"),
    ("Devices send what their model does not know", "장치가 모델에 없는 항목을 보냄"),
    ("{who}: band {number} or lower", "{who}: {number}등급 이하"),
)


_BANDS: Final = {
    "Good": "좋음", "Fair": "양호", "Moderate": "보통", "Poor": "나쁨", "Very poor": "매우 나쁨",
    "Extremely poor": "극히 나쁨", "Unhealthy for Sensitive Groups": "민감군 영향", "Unhealthy": "나쁨",
    "Very Unhealthy": "매우 나쁨", "Hazardous": "위험",
}  # fmt: skip
"""Bands of scales that have no Korean names, as the page calls them."""


class _Sentences:
    """Sentences by their form."""

    def __init__(self, sentences: tuple[tuple[str, str], ...]) -> None:
        self._forms = [(re.compile(_form(english)), korean) for english, korean in sentences]

    def told(self, text: str) -> str | None:
        """Return a sentence in Korean; None where it is none of these."""
        for form, korean in self._forms:
            found = form.fullmatch(text)
            if found:
                return korean.format_map({place: _told(place, said) for place, said in found.groupdict().items()})
        return None


def _told(place: str, said: str) -> str:
    """Return what stands at a place of a sentence in Korean; of several words each."""
    words = _WORDS.get(place)
    if words is None:
        return said
    return ", ".join(words.get(one, one) for one in said.split(", "))


def _form(english: str) -> str:
    parts = re.split(r"\{(\w+)\}", english)
    return "".join(f"(?P<{one}>{_PLACES[one]})" if at % 2 else re.escape(one) for at, one in enumerate(parts))


_details, _titles, _whole_titles = _Sentences(_DETAILS), _Sentences(_TITLES), _Sentences(_WHOLE_TITLES)
_INDICATORS: Final = {
    one.title: (one.title_ko, {band.name: band.name_ko or _BANDS[band.name] for band in one.bands})
    for one in DEFINITIONS.values()
}
"""The Korean names of indicators and of their bands, by their English ones."""


def korean_detail(text: str) -> str | None:
    """Return what was found, or why something became of an alert, in Korean; None where it is no sentence of a rule."""
    return _details.told(text)


def korean_title(title: str) -> str | None:
    """Return the title that a rule has of itself, in Korean; None for one that the city gave it."""
    name, separator, said = title.partition(": ")
    if not separator or name not in _INDICATORS:
        return _whole_titles.told(title)
    named, bands = _INDICATORS[name]
    soon = said.removeprefix("soon ")
    told = bands.get(soon)
    told = _titles.told(said) if told is None else told if soon == said else f"곧 {told}"
    return None if told is None else f"{named}: {told}"
