"""Plain JSON is read by the paths of the model, digit for digit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import FLAG_TIME_FROM_ARRIVAL, DeviceModel, PayloadError, codec, load_measurands, load_models
from devices.codecs.base import TIME_MAX_US, TIME_MIN_US
from devices.paths import ABSENT, EVERY, SELECTED_MAX, Select, parse_path
from devices.times import CLOCK_SET_US, time_us_from_rfc3339
from tests.devices.make import RECEIVED_US, decoded, faults_of, model

T = 1_704_067_200_000_000
DAY_US = 86_400_000_000
HEAD = 'title = "test"\ncodec = "json-paths"\ninterval_s = 60\n'
FIELDS = """
[[field]]
name = "pm"
path = "data.pm25"
measurand = "pm2_5"
unit = "ug/m3"

[[field]]
name = "temp"
path = "data.sensors[1].value"
measurand = "temperature"
unit = "[degF]"
"""
TIME = '[time]\npath = "ts"\nformat = "{}"\n'
ONE = model(HEAD + TIME.format("epoch_s") + FIELDS)
EACH = model(
    HEAD + 'each = "$.list"\n[time]\npath = "at"\nformat = "epoch_ms"\n'
    '[[field]]\nname = "cars"\npath = "n"\nmeasurand = "parking_occupancy"\nunit = "1"\n'
    '[[field]]\nname = "gate"\npath = "$.gate"\nmeasurand = "parking_space"\n'
    'states = {open = "free", shut = "occupied"}\n'
)
UNTIMED = model(HEAD + FIELDS)
OPTIONAL = model(HEAD + TIME.format("rfc3339") + "required = false\n" + FIELDS)
BARE = model(HEAD + '[[field]]\nname = "power"\npath = "$"\nmeasurand = "power"\nunit = "W"\n')


def test_values_are_found_by_their_paths_and_converted() -> None:
    payload = {"ts": 1704067200, "data": {"pm25": 12.3456, "sensors": [{}, {"value": 212}]}, "other": None}
    assert decoded(ONE, payload) == ([("pm", T, 12346, 0), ("temp", T, 100_000, 0)], [])


def test_numbers_may_stand_in_texts() -> None:
    payload = {"ts": "1704067200.25", "data": {"pm25": " 012.30 "}}
    assert decoded(ONE, payload) == ([("pm", T + 250_000, 12300, 0)], [])


def test_digits_beyond_a_floats_are_not_lost() -> None:
    payload = b'{"ts":1704067200.0000010000000000001,"data":{"pm25":0.00050000000000000000001}}'
    assert decoded(ONE, payload)[0] == [("pm", T + 1, 1, 0)]


@pytest.mark.parametrize(
    ("time_format", "sent"),
    [
        ("rfc3339", "2024-01-01T09:00:00+09:00"),
        ("rfc3339", "2024-01-01T00:00:00.000000000Z"),
        ("epoch_s", 1704067200),
        ("epoch_ms", 1704067200000),
        ("epoch_us", 1704067200000000),
        ("epoch_ms", "1704067200000"),
    ],
)
def test_a_time_is_read_in_the_models_format(time_format: str, sent: object) -> None:
    device_model = model(HEAD + TIME.format(time_format) + FIELDS)
    assert decoded(device_model, {"ts": sent, "data": {"pm25": 1}}) == ([("pm", T, 1000, 0)], [])


def test_each_object_of_an_array_gives_readings_and_the_root_is_still_in_reach() -> None:
    payload = {"gate": "shut", "list": [{"at": 1704067200000, "n": 3}, {"n": 4}, {"at": 1704067260000, "n": None}, 7]}
    readings, faults = decoded(EACH, payload)
    assert readings == [("cars", T, 3, 0), ("gate", T, 1, 0), ("gate", T + 60_000_000, 1, 0)]
    assert faults == [("bad_time", 2), ("not_a_number", 1), ("bad_time", 1)]


def test_a_message_without_a_time_takes_its_arrival_only_where_the_model_says_so() -> None:
    arrived = [("pm", RECEIVED_US, 1000, FLAG_TIME_FROM_ARRIVAL)]
    assert decoded(UNTIMED, {"data": {"pm25": 1}})[0] == arrived
    assert decoded(OPTIONAL, {"data": {"pm25": 1}})[0] == arrived
    assert decoded(OPTIONAL, {"ts": None, "data": {"pm25": 1}})[0] == arrived
    assert decoded(OPTIONAL, {"ts": "soon", "data": {"pm25": 1}}) == ([], [("bad_time", 1)])
    assert decoded(ONE, {"data": {"pm25": 1, "sensors": [0, {"value": 1}]}}) == ([], [("bad_time", 2)])


@pytest.mark.parametrize("time", [True, {}, [], "2024-01-01T00:00:00Z", 1e300, 1e12])
def test_a_time_of_another_kind_is_a_bad_time(time: object) -> None:
    assert decoded(ONE, {"ts": time, "data": {"pm25": 1}}) == ([], [("bad_time", 1)])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "not_a_number"),
        (True, "not_a_number"),
        ("-", "not_a_number"),
        ("", "not_a_number"),
        ([], "not_a_number"),
        ({}, "not_a_number"),
        ("NaN", "not_a_number"),
        (1e300, "out_of_range"),
    ],
)
def test_a_value_that_is_there_and_cannot_be_read_is_a_fault(value: object, reason: str) -> None:
    payload = {"ts": 1704067200, "data": {"pm25": value, "sensors": [0, {"value": 32}]}}
    assert decoded(ONE, payload) == ([("temp", T, 0, 0)], [(reason, 1)])


@pytest.mark.parametrize("payload", [{}, [], 5, "x", None, {"data": 5}, {"data": {"sensors": [1]}}, {"ts": 1704067200}])
def test_a_message_with_none_of_the_fields_is_one_empty_reading(payload: object) -> None:
    assert decoded(ONE, payload) == ([], [("empty", 1)])


def test_an_array_that_is_missing_or_empty_is_empty_and_another_thing_is_malformed() -> None:
    for payload in (b"{}", b'{"list":[]}', b'{"list":null}'):
        assert decoded(EACH, payload) == ([], [("empty", 1)])
    with pytest.raises(PayloadError, match="expected an array at"):
        decoded(EACH, {"list": 5})
    with pytest.raises(PayloadError, match="too_many"):
        decoded(EACH, {"list": [{}] * 5001})


def test_a_whole_message_may_be_one_bare_value() -> None:
    assert decoded(BARE, b"12.5") == ([("power", RECEIVED_US, 12500, FLAG_TIME_FROM_ARRIVAL)], [])
    assert codec("json-paths").encode(BARE, [("power", 0, 12500)]) == b"12.5"


@pytest.mark.parametrize("payload", [b"", b"{", b'{"ts":1,"ts":2}', b"nan", b"\xff", b'{"a":1e5}}', b"[" * 5000])
def test_what_is_no_json_is_malformed(payload: bytes) -> None:
    with pytest.raises(PayloadError, match="malformed"):
        decoded(ONE, payload)


@pytest.mark.parametrize(
    ("text", "steps", "rooted"),
    [
        ("a", ("a",), False),
        ("a.b[0].c", ("a", "b", 0, "c"), False),
        ("$.a", ("a",), True),
        ("$[3]", (3,), True),
        ("$", (), True),
        ('["a b"].c', ("a b", "c"), False),
        ('x["a.b"][2]', ("x", "a.b", 2), False),
        ("ENERGY-2:Total", ("ENERGY-2:Total",), False),
        ("a[b=c].d", ("a", Select("b", "c"), "d"), False),
        ('a["b c"="d e"].f', ("a", Select("b c", "d e"), "f"), False),
        ("a[b=c d].f", ("a", Select("b", "c d"), "f"), False),
        ("$.a[*].b[*]", ("a", EVERY, "b", EVERY), True),
        ("[*]", (EVERY,), False),
    ],
)
def test_a_path_is_names_and_positions(text: str, steps: tuple[object, ...], rooted: bool) -> None:
    path = parse_path(text)
    assert (path.steps, path.rooted) == (steps, rooted)


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "a.", ".a", "a..b", "a[", "a[-1]", "a[x]", "a[1]b", "a.[0]", "$.", "a b", "a" + ".a" * 20, "a[*",
        "a[=b].c", "a[b=].c", "a[b=c]", "a[**]", "a[*]b",
    ],
)  # fmt: skip
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a path such as"):
        parse_path(text)


def test_a_path_that_leads_nowhere_is_absent() -> None:
    item = {"a": [1, {"b": None}]}
    assert parse_path("a[*]").find(item, item) == 1
    assert parse_path("a[1][*].c").find(item, item) is ABSENT
    assert parse_path("a[1].b").find(item, item) is None
    for text in ("b", "a.b", "a[2]", "a[0].b", "a[1].b.c", "a[1][0]"):
        assert parse_path(text).find(item, item) is ABSENT


SQUARE = model(
    HEAD + 'missing = ["-", -9999]\n'
    '[time]\npath = "day"\nclock = "clock"\nformat = "%d.%m.%Y %H:%M:%S.%f"\nzone = "Europe/Madrid"\n'
    '[[field]]\nname = "dust"\npath = "values[type=P1].value"\nmeasurand = "pm10"\nunit = "ug/m3"\n'
    '[[field]]\nname = "wet"\npath = "values[id=2].value"\nmeasurand = "humidity"\nunit = "%"\nmissing = ["null"]\n'
    '[[field]]\nname = "rain"\nmeasurand = "rainfall"\nunit = "mm"\nsuffix = "mm"\n'
    '[[field]]\nname = "bay"\nmeasurand = "parking_space"\n'
    'states = {"0" = "free", "1" = "occupied", taken = "occupied", null = "free"}\n'
    'when = {path = "kind", in = ["bay", 7]}\n'
)
FLAT = model(
    HEAD + 'each = "rows[*].values[*]"\n[time]\npath = "t"\nformat = "epoch_s"\n'
    '[[field]]\nname = "warm"\npath = "v"\nmeasurand = "temperature"\nunit = "Cel"\nwhen = {path = "k", equals = "T"}\n'
    '[[field]]\nname = "damp"\npath = "v"\nmeasurand = "humidity"\nunit = "%"\n'
    'when = {path = "k", equals = "H"}\n'
)
NOON = {"day": "01.01.2024", "clock": "01:00:00.0"}


def square(**members: object) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Decode a message of noon; the readings as (field, ticks)."""
    readings, faults = decoded(SQUARE, {**NOON, **members})
    assert all(time_us == T for _, time_us, _, _ in readings)
    return [(name, ticks) for name, _, ticks, _ in readings], faults


def test_a_selection_finds_the_object_of_an_array_by_a_member() -> None:
    values = [7, {}, {"type": "P1"}, {"type": "P2", "value": 1}, {"type": "P1", "value": 2}, {"id": "2", "value": 3}]
    assert square(values=values) == ([("wet", 3000)], [])  # the first P1 has no value
    assert square(values=[values[4], {"id": 2.0, "value": 4}]) == ([("dust", 2000), ("wet", 4000)], [])
    assert square(values={"type": "P1", "value": 1}) == ([], [("empty", 1)])


def test_a_selection_looks_at_so_many_objects_and_no_more() -> None:
    chosen = {"type": "P1", "value": 2}
    assert square(values=[{}] * (SELECTED_MAX - 1) + [chosen]) == ([("dust", 2000)], [])
    assert square(values=[{}] * SELECTED_MAX + [chosen]) == ([], [("empty", 1)])


def test_a_mark_is_no_reading_and_no_fault() -> None:
    assert square(values=[{"type": "P1", "value": "-"}], rain=" - ") == ([], [("empty", 1)])
    assert square(values=[{"type": "P1", "value": -9999.0}, {"id": 2, "value": None}], rain=1) == ([("rain", 1000)], [])
    assert square(values=[{"type": "P1", "value": None}, {"id": 2, "value": "-"}]) == ([], [("not_a_number", 1)] * 2)


def test_a_number_may_have_its_unit_behind_it() -> None:
    for sent in ("2000 mm", "2000mm", " 2e3  mm ", "2000", 2000):
        assert square(rain=sent) == ([("rain", 2_000_000)], [])
    assert square(rain="2 m") == ([], [("bad_unit", 1)])
    assert square(rain="wet mm") == ([], [("not_a_number", 1)])
    assert square(rain="1.2.3 mm") == ([], [("not_a_number", 1)])


def test_a_field_with_a_condition_is_there_only_where_it_holds() -> None:
    for kind, state, ticks in (("bay", 1, 1), (7, 0, 0), ("7", "taken", 1), ("bay", None, 0), ("bay", 1.0, 1)):
        assert square(kind=kind, bay=state) == ([("bay", ticks)], [])
    for kind in ("kerb", None, 7.5, ["bay"], True):
        assert square(kind=kind, bay=1) == ([], [("empty", 1)])
    assert square(bay=1) == ([], [("empty", 1)])
    assert square(kind="bay", bay="2") == ([], [("not_a_number", 1)])


MOVED = model(
    HEAD + '[[field]]\nname = "pm"\npath = "pm.p25"\nalso = ["pm.pm2_5", "pm25"]\nmeasurand = "pm2_5"\nunit = "ug/m3"\n'
)


@pytest.mark.parametrize(
    ("message", "ticks"),
    [
        ({"pm": {"p25": 1}}, [1_000]),
        ({"pm": {"pm2_5": 2}}, [2_000]),
        ({"pm25": 3}, [3_000]),
        ({"pm": {"p25": 1, "pm2_5": 2}, "pm25": 3}, [1_000]),
        ({"pm": {"p25": None, "pm2_5": 2}}, [2_000]),
        ({"pm": {"p25": None}, "pm25": 3}, [3_000]),
    ],
)
def test_a_value_may_stand_at_another_place_in_another_firmware(message: object, ticks: list[int]) -> None:
    readings, faults = decoded(MOVED, message)
    assert ([one[2] for one in readings], faults) == (ticks, [])


def test_a_value_at_none_of_its_places_is_judged_as_at_the_first() -> None:
    assert decoded(MOVED, {"pm": {"p25": None}}) == ([], [("not_a_number", 1)])
    assert decoded(MOVED, {"pm": {"p25": "x", "pm2_5": 2}}) == ([], [("not_a_number", 1)])
    assert decoded(MOVED, {"pm": {}}) == ([], [("empty", 1)])
    assert codec("json-paths").encode(MOVED, [("pm", T, 1_000)]) == b'{"pm":{"p25":1}}'


def test_a_wildcard_flattens_arrays_within_arrays() -> None:
    rows = [
        {"values": [{"t": 1704067200, "k": "T", "v": 1}, {"t": 1704067260, "k": "H", "v": 2}]},
        {"values": {"a": {"t": 1704067320, "k": "T", "v": 3}}},
        {"values": 5},
        7,
    ]
    readings, faults = decoded(FLAT, {"rows": rows})
    assert [(n, (t - T) // 60_000_000, ticks) for n, t, ticks, _ in readings] == [
        ("warm", 0, 1000),
        ("damp", 1, 2000),
        ("warm", 2, 3000),
    ]
    assert faults == []
    plain = model(HEAD + 'each = "rows[*].values"\n[[field]]\nname = "v"\nmeasurand = "power"\nunit = "W"\n')
    found, _ = decoded(
        plain, {"rows": [{"values": [{"v": 1}, {"v": 2}]}, {"values": None}, {}, {"values": [{"v": 3}]}]}
    )
    assert [r[2] for r in found] == [1000, 2000, 3000]
    with pytest.raises(PayloadError, match="expected an array at"):
        decoded(plain, {"rows": [{"values": {}}]})


def test_a_clock_that_was_never_set_gives_way_only_where_the_time_is_not_required() -> None:
    for sent in ("1970-01-01T00:00:07Z", "1980-01-06T00:00:00Z", ""):
        assert decoded(OPTIONAL, {"ts": sent, "data": {"pm25": 1}})[0] == [
            ("pm", RECEIVED_US, 1000, FLAG_TIME_FROM_ARRIVAL)
        ]
    assert decoded(ONE, {"ts": 7, "data": {"pm25": 1}})[0] == [("pm", 7_000_000, 1000, 0)]


def test_a_time_that_is_the_end_of_a_period_counts_from_its_begin() -> None:
    text = (
        'title = "t"\ncodec = "json-paths"\ninterval_s = 3600\n[time]\npath = "at"\nformat = "local"\n'
        'zone = "Europe/Madrid"\nperiod_s = 3600\n{}[[field]]\nname = "pm2_5"\nmeasurand = "pm2_5"\nunit = "ug/m3"\n'
    )
    hourly = model(text.format(""))
    midnight = {"at": "2024-03-31T00:00", "pm2_5": 1}
    last_hour_us = time_us_from_rfc3339("2024-03-30T22:00:00Z")
    assert decoded(hourly, midnight) == ([("pm2_5", last_hour_us, 1000, 0)], [])
    # The hour before summer time began ended where the clock went on, at 3.
    short = decoded(hourly, {"at": "2024-03-31T03:00", "pm2_5": 1})
    assert short[0][0][1] == time_us_from_rfc3339("2024-03-31T00:00:00Z")
    sent = codec("json-paths").encode(hourly, [("pm2_5", last_hour_us, 1000)])
    assert decoded(hourly, sent) == decoded(hourly, midnight)
    assert faults_of(text.format("required = false\n")) == [
        "time.period_s: the arrival would stand in for an end; expected a time that is `required`"
    ]


def test_a_day_without_its_time_of_day_is_a_bad_time() -> None:
    assert decoded(SQUARE, {"day": "01.01.2024", "rain": 1}) == ([], [("bad_time", 1)])
    assert decoded(SQUARE, {"day": "01.01.2024", "clock": 7, "rain": 1}) == ([], [("bad_time", 1)])


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('path = "a[*].b"', "path: a wildcard stands in `each`"),
        ('path = "a[b=c]"', "path: expected a path such as"),
        ('when = {path = "a"}', "when.equals: is missing"),
        ('when = {path = "a", equals = {}}', "when.equals: expected a text, a number"),
        ('when = {path = "a", equals = 1, unless = 2}', "when.unless: unknown key"),
        ("missing = [[]]", "missing: expected a text, a number"),
        ('also = "b"', "also: expected a list of texts"),
        ('also = ["a..b"]', "also: expected a path such as"),
    ],
)
def test_a_faulty_field_is_refused_with_its_key(line: str, fault: str) -> None:
    found = faults_of(HEAD + f'[[field]]\nname = "p"\nmeasurand = "power"\nunit = "W"\n{line}\n')
    assert any(text.startswith(f"field[1].{fault}") for text in found), found


def test_what_is_encoded_looks_as_the_device_sends_it() -> None:
    rows = [("dust", T, 2000), ("wet", T, 4000), ("rain", T, 200), ("bay", T, 1)]
    payload = codec("json-paths").encode(SQUARE, rows)
    assert payload == (
        b'{"day":"01.01.2024","clock":"01:00:00.000000","values":[{"type":"P1","value":2},{"id":2,"value":4}],'
        b'"rain":"0.2 mm","bay":1,"kind":"bay"}'
    )
    assert [r[:3] for r in decoded(SQUARE, payload)[0]] == rows
    rows = [("warm", T, 1000), ("damp", T, 2000), ("warm", T + 60_000_000, 3000)]
    payload = codec("json-paths").encode(FLAT, rows)
    assert [r[:3] for r in decoded(FLAT, payload)[0]] == rows
    assert payload.startswith(b'{"rows":[{"values":[{"t":1704067200,"v":1,"k":"T"},')


JSON_MODELS = [m for m in load_models().values() if m.codec == "json-paths" and m.feed is None]


@st.composite
def one_message(draw: st.DrawFn) -> tuple[DeviceModel, list[tuple[str, int, int]]]:
    """Draw readings of one time as a device of a model could send, in the model's order."""
    device_model = draw(st.sampled_from([*JSON_MODELS, ONE, EACH, SQUARE, FLAT]))
    catalogue = load_measurands().by_code
    # Years of two digits do not occur here; hours that come twice are left to the tests of time formats.
    low, high = (T, T + 80 * DAY_US) if device_model is SQUARE else (TIME_MIN_US, TIME_MAX_US)
    if device_model.time is None:  # the arrival counts
        low = high = RECEIVED_US
    elif not device_model.time.required:  # earlier ones are of a clock that was never set
        low = CLOCK_SET_US
    time_us = draw(st.integers(low, high))
    chosen = draw(st.lists(st.sampled_from(device_model.fields), min_size=1, unique=True))
    rows = []
    for field in sorted(chosen, key=device_model.fields.index):
        measurand = catalogue[field.measurand]
        rows.append((field.name, time_us, draw(st.integers(measurand.low_ticks, measurand.high_ticks))))
    if any(field.states for field in chosen):
        rows = [(name, t, ticks % 2 if name in ("gate", "bay") else ticks) for name, t, ticks in rows]
    return device_model, rows


@given(one_message())
def test_what_is_encoded_decodes_to_the_same(case: tuple[DeviceModel, list[tuple[str, int, int]]]) -> None:
    device_model, rows = case
    readings, faults = decoded(device_model, codec("json-paths").encode(device_model, rows))
    assert [r[:3] for r in readings] == rows
    assert faults == []


def test_a_model_with_an_array_carries_several_times() -> None:
    rows = [("cars", T, 3), ("cars", T + 60_000_000, 4)]
    payload = codec("json-paths").encode(EACH, rows)
    assert payload == b'{"list":[{"at":1704067200000,"n":3},{"at":1704067260000,"n":4}]}'
    assert [r[:3] for r in decoded(EACH, payload)[0]] == rows


@pytest.mark.parametrize(
    ("device_model", "rows", "message"),
    [
        (ONE, [("pm", T, 1), ("pm", T + 1, 1)], "carries one time"),
        (ONE, [("pm", T, 1), ("pm", T, 2)], "two values for 'data.pm25'"),
        (ONE, [("pn", T, 1)], "has no field 'pn'; known: pm, temp"),
        (EACH, [("gate", T, 3)], "names no state 3"),
    ],
)
def test_encoding_refuses_what_the_format_cannot_carry(
    device_model: DeviceModel, rows: list[tuple[str, int, int]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        codec("json-paths").encode(device_model, rows)
