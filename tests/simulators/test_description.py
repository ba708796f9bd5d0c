"""A recording's description: every fault at once, each with its line and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators import RecordingError, load_recording
from simulators.description import load_description
from tests.simulators.material import DESCRIPTION, write_recording


def faults(path: Path) -> list[str]:
    with pytest.raises(RecordingError) as caught:
        load_recording(path)
    return [fault.replace(str(path.parent) + "/", "") for fault in caught.value.faults]


def test_a_description_is_read_whole(tmp_path: Path) -> None:
    spec = load_description(write_recording(tmp_path / "meters"))
    assert spec.name == "meters"
    assert spec.model == "water_meter"
    assert spec.zone.key == "Europe/Madrid"
    assert (spec.order, spec.stamps.repeated, spec.stamps.absent) == ("file", "first", "offset-before")
    assert [(c.column, c.field, c.unit, sorted(c.missing)) for c in spec.columns] == [
        ("litres", "volume", "l", ["", "NA"])
    ]


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ('title = "Two meters"', "", "recording.toml:1: title: missing; expected a text"),
        (
            'model = "water_meter"',
            'mdoel = "water_meter"',
            "recording.toml:3: mdoel: unknown key; did you mean 'model'?",
        ),
        ('file = "readings.csv"', 'file = "absent.csv"', "recording.toml:2: file: "),
        ('model = "water_meter"', 'model = "water_metre"', "recording.toml: model: 'water_metre' is no device model"),
        ("Europe/Madrid", "Europe/Madird", "recording.toml:7: time.zone: 'Europe/Madird' is no time zone"),
        (
            'zone = "Europe',
            'repeated = "both"\nzone = "Europe',
            "recording.toml:7: time.repeated: 'both' is none of first",
        ),
        ('zone = "Europe', 'format = "DD.MM"\nzone = "Europe', "recording.toml:7: time.format: 'DD.MM' is none of iso"),
        ('prefix = "meter-"', 'prefix = "me ter"', "recording.toml:9: device.codes: 'me ter' is no device code"),
        ('prefix = "meter-"', 'code = "one"', "recording.toml:10: device.column: expected either column"),
        ('column = "meter"\n', "", "recording.toml:9: device.column: expected either column"),
        ('unit = "l"', 'unit = "lt"', "recording.toml:13: field 'volume': unit: unknown unit 'lt'"),
        ('unit = "l"', 'unit = "kW"', "recording.toml:13: field 'volume': unit: cannot convert 'kW'"),
        (
            'unit = "l"',
            "",
            "recording.toml:13: field 'volume': unit: missing; device model water_meter sends it in 'l'",
        ),
        (
            'field = "volume"',
            'field = "volum"',
            "recording.toml:13: field 'volum': device model water_meter has no such",
        ),
        ('missing = ["", "NA"]', "missing = 0", "recording.toml:17: field.missing: expected a list of texts"),
        (
            'column = "litres"',
            'column = "liters"',
            "readings.csv:1: no one column 'liters', which recording.toml names",
        ),
        ('column = "time"', 'column = "stamp"', "readings.csv:1: no one column 'stamp'"),
        ("[device]", '[order]\nby = "column"\n[device]', "recording.toml:9: order.column: belongs to by"),
        ("[device]", "[device", "recording.toml: no TOML: "),
    ],
)
def test_a_fault_says_where_it_is_and_what_was_expected(tmp_path: Path, was: str, now: str, said: str) -> None:
    assert was in DESCRIPTION
    found = faults(write_recording(tmp_path, DESCRIPTION.replace(was, now, 1)))
    assert [fault for fault in found if fault.startswith(said)], found


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    wrong = (
        DESCRIPTION.replace('title = "Two meters"\n', "")
        .replace("Europe/Madrid", "Mars")
        .replace('"meter-"', '"me ter"')
    )
    assert len(faults(write_recording(tmp_path, wrong))) == 3


def test_a_field_filled_twice_and_a_code_given_twice_are_faults(tmp_path: Path) -> None:
    twice = DESCRIPTION + '[[field]]\ncolumn = "meter"\nfield = "volume"\nunit = "l"\n'
    assert faults(write_recording(tmp_path, twice)) == ["recording.toml:20: field.field: 'volume' is filled twice"]
    codes = DESCRIPTION.replace('prefix = "meter-"', 'codes = { 1 = "one", 2 = "one" }')
    assert faults(write_recording(tmp_path, codes)) == [
        "recording.toml:11: device.codes: one stands for more than one text"
    ]


def test_a_missing_description_or_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"absent\.toml: No such file"):
        load_recording(tmp_path / "absent.toml")
    with pytest.raises(RecordingError, match=r"no recording here; expected a \.toml file"):
        load_recording(tmp_path)
    write_recording(tmp_path)
    (tmp_path / "second.toml").write_text(DESCRIPTION)
    with pytest.raises(RecordingError, match="holds 2 recordings"):
        load_recording(tmp_path)
