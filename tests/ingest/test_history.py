"""Files of history: three forms say the same, and what cannot be read is said with its reason."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from devices import REASONS, load_registry
from ingest.errors import HistoryError
from ingest.history import Piece, Reader
from simulators.cities import bundled

REGISTRY = load_registry(bundled()["demo"])
AT = 1_704_067_200_000_000
ROWS = [
    ("2024-01-01T00:00:00Z", "street-noise", "sound_level", "55.5", "dB[A]"),
    ("2024-01-01T01:00:00.5+01:00", "house-water", "volume", "12", "l"),
    ("2024-01-01T00:00:01Z", "house-water", "volume", "12", ""),
]


def csv_of(path: Path, *rows: tuple[str, ...], header: str = "time,device,field,value,unit") -> Path:
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n")
    return path


def pieces(path: Path, piece_rows: int = 100) -> list[Piece]:
    return list(Reader(REGISTRY, 100, piece_rows).pieces(path, lambda: AT))


def readings(found: list[Piece]) -> list[tuple[int, int, int]]:
    batches = [piece.batch() for piece in found]
    return [row for b in batches for row in zip(b.slot.tolist(), b.time_us.tolist(), b.ticks.tolist(), strict=True)]


def test_units_are_converted_and_times_are_of_any_offset(tmp_path: Path) -> None:
    water = REGISTRY.slot("house-water", "volume")
    decimals = REGISTRY.catalogue.by_code["water_volume"].decimals
    assert readings(pieces(csv_of(tmp_path / "a.csv", *ROWS))) == [
        (REGISTRY.slot("street-noise", "sound_level"), AT, 5550),
        (water, AT + 500_000, 12 * 10**decimals // 1000),
        (water, AT + 1_000_000, 12 * 10**decimals),
    ]


def test_all_forms_of_a_file_say_the_same(tmp_path: Path) -> None:
    plain = csv_of(tmp_path / "a.csv", *ROWS)
    with gzip.open(tmp_path / "a.csv.gz", "wb") as packed:
        packed.write(plain.read_bytes())
    columns = dict(zip(("time", "device", "field", "value", "unit"), map(list, zip(*ROWS, strict=True)), strict=True))
    pq.write_table(pa.table(columns), tmp_path / "text.parquet")
    times = [datetime.fromisoformat(row[0].replace("Z", "+00:00")).astimezone(UTC) for row in ROWS]
    for unit in ("us", "ns", "ms"):
        typed = {"time": pa.array(times, pa.timestamp(unit, "UTC")), "value": pa.array([55.5, 12.0, 12.0])}
        pq.write_table(pa.table({**columns, **typed}), tmp_path / f"{unit}.parquet")
    exact = {"value": pa.array([Decimal("55.5"), Decimal(12), Decimal(12)])}
    pq.write_table(pa.table({**columns, **exact}), tmp_path / "decimal.parquet")
    wanted = readings(pieces(plain))
    for file in tmp_path.iterdir():
        assert readings(pieces(file)) == wanted, file.name


def test_a_row_that_cannot_be_read_spoils_no_other(tmp_path: Path) -> None:
    bad = [("2024-01-01", "street-noise", "sound_level", "1", ""), ("", "", "", "", ""), ("x",)]
    (piece,) = pieces(csv_of(tmp_path / "a.csv", ROWS[0], *bad, ROWS[1]))
    assert len(piece.batch()) == 2
    assert [(fault.message, REASONS[fault.reason]) for fault in piece.faults] == [
        (1, "bad_time"), (2, "unknown_device"), (3, "unknown_device"),
    ]  # fmt: skip
    row = piece.row(1, -1, "bad_time", "why", 1)
    assert (row.topic, row.device, row.payload) == (
        "a.csv:3",
        "street-noise",
        b"2024-01-01,street-noise,sound_level,1,",
    )
    assert piece.row(3, -1, "unknown_device", "why", 1).device == ""


def test_pieces_are_of_the_size_asked_for_and_known_by_what_they_say(tmp_path: Path) -> None:
    rows = [(f"2024-01-01T00:00:{n:02}Z", "street-noise", "sound_level", "50", "") for n in range(7)]
    first = pieces(csv_of(tmp_path / "a.csv", *rows), 3)
    assert [piece.message_count for piece in first] == [3, 3, 1]
    assert first[-1].done == 1.0
    again = pieces(csv_of(tmp_path / "b.csv", *rows), 3)
    assert [piece.digest for piece in again] == [piece.digest for piece in first]
    rows[5] = (*rows[5][:3], "51", "")
    other = pieces(csv_of(tmp_path / "c.csv", *rows), 3)
    assert [a.digest == b.digest for a, b in zip(first, other, strict=True)] == [True, False, True]


@pytest.mark.parametrize(
    "header", ["time,device,value", "time,device,field,value,colour", "", "time,time,device,field"]
)
def test_other_columns_are_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(HistoryError, match="expected time,device,field,value"):
        pieces(csv_of(tmp_path / "a.csv", header=header))


def test_a_file_that_ends_too_early_is_an_error_after_what_came_before(tmp_path: Path) -> None:
    minutes = [f"2024-01-01T{n // 60:02}:{n % 60:02}:00Z" for n in range(1400)]
    rows = [(at, "street-noise", "sound_level", str(n), "") for n, at in enumerate(minutes)]
    whole = gzip.compress(csv_of(tmp_path / "a.csv", *rows).read_bytes())
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) * 3 // 4])
    taken: list[Piece] = []
    with pytest.raises(HistoryError, match="cannot be read to its end"):
        taken.extend(Reader(REGISTRY, 100, 10).pieces(tmp_path / "cut.csv.gz", lambda: AT))
    assert taken != []


def test_times_without_a_zone_are_refused(tmp_path: Path) -> None:
    columns = {"time": pa.array([AT], pa.timestamp("us")), "device": ["d"], "field": ["f"], "value": ["1"]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(HistoryError, match="no time zone"):
        pieces(tmp_path / "a.parquet")
