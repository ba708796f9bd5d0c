"""What is sent, when, in which order: the same for the same seed, shifted as a whole, complete whatever the order."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import simulators
from simulators import Choice, Message, RecordingError, Schedule
from simulators.clock import DAY_US, HOUR_US, from_us, to_us
from tests.simulators.material import DESCRIPTION, decoded, write_city, write_recording

NOW_US = to_us(datetime.fromisoformat("2026-03-05T14:20:00+00:00"))
LONG = "meter,time,litres\n" + "".join(
    f"{meter},2024-06-0{day} {hour:02}:00,{meter}{day}{hour:02}\n"
    for meter in (1, 2)
    for day in (1, 2, 3)
    for hour in range(24)
)
"""Two meters, one after the other in the file, three days each."""


def planned(tmp_path: Path, readings: str = LONG, description: str = DESCRIPTION, **choice: Any) -> Schedule:
    path = write_recording(tmp_path / "recording", description, readings)
    return simulators.prepare([path], city=write_city(tmp_path / "city"), choice=Choice(**choice))


def sent(schedule: Schedule) -> list[tuple[str, tuple[tuple[str, int, int], ...]]]:
    """Return (device, readings) of every message."""
    return [(m.device, tuple(decoded(schedule.recordings[0], m))) for m in schedule.messages()]


def test_devices_are_merged_by_time_and_a_message_is_a_row(tmp_path: Path) -> None:
    schedule = planned(tmp_path)
    messages = list(schedule.messages())
    assert len(messages) == schedule.message_count == schedule.reading_count == 144
    assert [m.time_us for m in messages] == sorted(m.time_us for m in messages)
    assert [m.device for m in messages[:4]] == ["meter-1", "meter-2", "meter-1", "meter-2"]
    assert messages[0].topic == "cityvitals/testville/meter-1/telemetry"
    first = to_us(datetime(2024, 6, 1, tzinfo=ZoneInfo("Europe/Madrid")))
    assert decoded(schedule.recordings[0], messages[0]) == [("volume", first, 1_100_000)]


def test_due_times_follow_the_recording(tmp_path: Path) -> None:
    due = planned(tmp_path).due_us
    assert due[0] == due[1] == 0
    assert due[2] == due[3] == HOUR_US
    assert due[-1] == 71 * HOUR_US


def test_only_the_chosen_times_are_sent(tmp_path: Path) -> None:
    start = to_us(datetime.fromisoformat("2024-06-02T00:00:00+02:00"))
    chosen = sent(planned(tmp_path, from_us=start, to_us=start + 2 * HOUR_US))
    assert Counter(times[0][1] for _, times in chosen) == {start: 2, start + HOUR_US: 2}
    last = sent(planned(tmp_path, last_us=2 * HOUR_US))
    assert {times[0][1] - start for _, times in last} == {46 * HOUR_US, 47 * HOUR_US}


def test_a_shift_moves_every_reading_alike_and_sends_nothing_of_the_future(tmp_path: Path) -> None:
    plain, moved = planned(tmp_path), planned(tmp_path, shift_to_us=NOW_US)
    shift = moved.shifts_us[0]
    before = {(d, t[0][1] + shift, t[0][2]) for d, t in sent(plain) if t[0][1] + shift <= NOW_US}
    assert {(d, t[0][1], t[0][2]) for d, t in sent(moved)} == before
    newest = max(t[0][1] for _, t in sent(moved))
    assert NOW_US - HOUR_US < newest <= NOW_US
    assert 0 < moved.message_count < plain.message_count
    # Madrid is at +2 in the recording and at +1 in March: the clock's hour is kept, so an hour is added.
    assert shift % DAY_US == HOUR_US


def test_the_last_hours_of_a_shifted_recording_end_now(tmp_path: Path) -> None:
    times = {t[0][1] for _, t in sent(planned(tmp_path, shift_to_us=NOW_US, last_us=3 * HOUR_US))}
    assert len(times) == 3
    assert all(NOW_US - 4 * HOUR_US < t <= NOW_US for t in times)


def test_the_next_lap_moves_on_by_whole_days(tmp_path: Path) -> None:
    schedule = planned(tmp_path, loop=True, shift_to_us=NOW_US)
    assert schedule.message_count == 144, "an endless replay holds the future back instead of leaving it out"
    first, second = list(schedule.messages(0)), list(schedule.messages(1))
    assert {b.time_us - a.time_us for a, b in zip(first, second, strict=True)} == {3 * DAY_US}


def test_packs_hold_rows_of_one_device_in_order_and_lose_none(tmp_path: Path) -> None:
    packs = sent(planned(tmp_path, pack=10))
    assert len(packs) == 16
    assert Counter(len(readings) for _, readings in packs) == {10: 14, 2: 2}
    single = sent(planned(tmp_path))
    for device in ("meter-1", "meter-2"):
        together = [r for d, readings in packs if d == device for r in readings]
        assert together == [readings[0] for d, readings in single if d == device]


def test_a_pack_is_sent_with_its_newest_row(tmp_path: Path) -> None:
    schedule = planned(tmp_path, pack=10)
    first = next(schedule.messages())
    assert first.time_us - decoded(schedule.recordings[0], first)[0][1] == 9 * HOUR_US
    assert schedule.due_us[-1] == (71 - 9) * HOUR_US


def test_models_that_send_one_time_per_message_are_not_packed() -> None:
    with pytest.raises(RecordingError, match="car_park sends one time per message; replay it with pack 1"):
        simulators.prepare(["parking-bath"], choice=Choice(pack=2))
    with pytest.raises(RecordingError, match="more than 10000 readings"):
        simulators.prepare(["air-beijing"], choice=Choice(pack=1000))


def test_shuffled_is_the_same_multiset_in_another_order(tmp_path: Path) -> None:
    plain, shuffled = sent(planned(tmp_path)), sent(planned(tmp_path, shuffle=True, seed=1))
    assert shuffled != plain
    assert Counter(shuffled) == Counter(plain)


def test_the_same_seed_gives_the_same_messages_and_another_seed_others(tmp_path: Path) -> None:
    def payloads(seed: int) -> list[Message]:
        return list(planned(tmp_path, shuffle=True, duplicates=0.3, seed=seed).messages())

    assert payloads(7) == payloads(7)
    assert payloads(7) != payloads(8)


def test_duplicates_are_exact_copies_sent_a_little_later(tmp_path: Path) -> None:
    plain, mixed = planned(tmp_path), planned(tmp_path, duplicates=0.25, seed=5)
    counts = Counter(sent(mixed))
    assert counts.keys() == Counter(sent(plain)).keys()
    assert set(counts.values()) == {1, 2}
    assert 144 * 0.1 < mixed.message_count - 144 < 144 * 0.4
    assert mixed.reading_count == mixed.message_count
    assert list(dict.fromkeys(sent(mixed))) == sent(plain), "first copies keep their order"
    assert (mixed.due_us[1:] >= mixed.due_us[:-1]).all()
    assert planned(tmp_path, duplicates=1.0).message_count == 288


def test_gaps_stay_gaps(tmp_path: Path) -> None:
    readings = "meter,time,litres\n1,2024-06-01 10:00,1\n1,2024-06-01 10:01,2\n1,2024-06-04 09:00,3\n"
    schedule = planned(tmp_path, readings)
    assert (schedule.due_us // 60_000_000).tolist() == [0, 1, 70 * 60 + 60]


def test_recordings_side_by_side_start_together() -> None:
    schedule = simulators.prepare(["demo"], choice=Choice(last_us=DAY_US))
    assert schedule.choice.side_by_side
    early = {
        m.device.split("-")[0] for m, due in zip(schedule.messages(), schedule.due_us, strict=True) if due < HOUR_US
    }
    assert early == {"beijing", "london", "dublin", "street", "house", "heat", "cologne", "i94", "bath"}
    assert int(schedule.due_us[-1]) < 2 * DAY_US


def test_a_device_the_city_lacks_or_knows_otherwise_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "recording")
    with pytest.raises(RecordingError) as caught:
        simulators.prepare([path], city=write_city(tmp_path / "city", "meter-1,heat_meter"))
    assert caught.value.faults == (
        f"{path}: city testville has no device meter-2; add to its devices.csv",
        f"{path}: sends as water_meter, but in city testville meter-1 is a heat_meter",
    )


def test_sources_that_make_no_sense_are_refused_with_advice(tmp_path: Path) -> None:
    path, city = write_recording(tmp_path / "recording"), write_city(tmp_path / "city")
    for sources, where, said in (
        ([path], None, r"needs to know whose devices send it; give the city's folder \(--city\)"),
        (["air-bejing"], None, "no such file, folder or bundled recording; did you mean 'air-beijing'"),
        (["demo", "beijing"], None, "two cities named"),
        ([city], None, r"replay\.toml does not exist; it names the city's recordings"),
        ([], city, "nothing to replay"),
        ([path], tmp_path / "nowhere", "no such file, folder or bundled"),
    ):
        with pytest.raises(RecordingError, match=said):
            simulators.prepare(sources, city=where)


def test_a_city_names_its_recordings_by_path_or_by_name(tmp_path: Path) -> None:
    write_recording(tmp_path / "city" / "mine")
    city = write_city(
        tmp_path / "city", "meter-1,water_meter", "meter-2,water_meter", "street-noise,noise_monitor_1min"
    )
    (city / "replay.toml").write_text('recordings = ["mine", "noise-leq-1min"]\n')
    assert [r.spec.name for r in simulators.prepare([city]).recordings] == ["mine", "noise-leq-1min"]
    (city / "replay.toml").write_text('recordngs = ["mine"]\n')
    with pytest.raises(RecordingError, match="recordngs: unknown key; did you mean 'recordings'"):
        simulators.prepare([city])


def test_strict_refuses_what_cannot_be_read(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "recording", readings=LONG + "1,2024-06-09 10:00,x\n")
    city = write_city(tmp_path / "city")
    assert simulators.prepare([path], city=city).message_count == 144
    with pytest.raises(RecordingError, match=r"readings\.csv:146:litres: 'x'"):
        simulators.prepare([path], city=city, strict=True)


@pytest.mark.parametrize(
    "wrong", [{"pack": 0}, {"pack": 1001}, {"duplicates": 1.5}, {"duplicates": -0.1}, {"from_us": 5, "to_us": 5}]
)
def test_choices_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected|not before"):
        Choice(**wrong)


def test_a_choice_that_leaves_nothing_makes_an_empty_schedule(tmp_path: Path) -> None:
    schedule = planned(tmp_path, from_us=NOW_US)
    assert schedule.message_count == schedule.reading_count == 0
    assert list(schedule.messages()) == []
    assert planned(tmp_path, from_us=NOW_US, shift_to_us=NOW_US, duplicates=0.5, shuffle=True).message_count == 0


def test_a_reading_of_another_clock_shows_the_same_hour_here() -> None:
    schedule = simulators.prepare(["demo"], choice=Choice(shift_to_us=NOW_US))
    at = {r.spec.name: s for r, s in zip(schedule.recordings, schedule.shifts_us, strict=True)}
    eight = to_us(datetime(2016, 12, 30, 8, tzinfo=ZoneInfo("Asia/Shanghai")))
    assert from_us(eight + at["air-beijing"], ZoneInfo("Europe/London")).hour == 8
    assert at["air-beijing"] % DAY_US == 8 * HOUR_US
