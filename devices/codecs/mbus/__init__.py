"""M-Bus: wired frames and data records of heat, water, gas and electricity meters (EN 13757, OMS): `mbus`.

Knows how frames, records and the meter's clock become a document and back; its modules know one part each.

A reader of our own: the kept library (pymeterbus 0.8.5) makes floats of values (123.49000000000001 m3 for the 12349 a
meter sent), refuses the fixed structure, and of 1,000 frames with one to four bytes changed and the checksum put right
17 ended in an IndexError or KeyError instead of an error of its own.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from devices.codecs.documents import Document, DocumentCodec
from devices.codecs.jsontext import NumberText
from devices.codecs.mbus.frames import read_frame, write_frame
from devices.codecs.mbus.quantities import UNITS, Quantity, codes_of
from devices.codecs.mbus.records import FUNCTIONS, Record, read_counters, read_records
from devices.codecs.mbus.values import clock_bytes
from devices.codecs.measured import Measured
from devices.meters import MbusOptions
from devices.models import DeviceModel
from devices.ticks import Number, parse_number
from devices.times import time_us_from_rfc3339
from devices.units import load_units

TIME = "time_point"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KEY = re.compile(r"([a-z_]+?)(?:_(max|min|error))?(?:_unit_(\d))?(?:_tariff_(\d{1,2}))?(?:_storage_(\d{1,2}))?\Z")


class Mbus:
    """The format."""

    name = "mbus"

    def read(self, payload: bytes, model: DeviceModel, _received_us: int) -> Document:
        """Return the meter, its records, and each record by its key; see `Format.read`."""
        frame = read_frame(payload)
        if frame.fixed:
            records, rest, more = read_counters(frame.data), "", False
        else:
            records, rest, more = read_records(frame.data)
        times = _times(records, _options(model))
        said = [_measured(record, times) for record in records]
        root: dict[str, object] = {"meter": frame.meter, "records": said, "manufacturer_data": rest}
        root["more_records_follow"] = more
        for record, measured in zip(records, said, strict=True):
            key, number = record.key(), 1
            while key in root:  # the same twice: the meter's order tells them apart
                number += 1
                key = f"{record.key()}_{number}"
            root[key] = measured
        return Document(root, root)

    def write(self, document: Document, model: DeviceModel) -> bytes:
        """Return a wired frame with a record for each reading; see `Format.write`."""
        if not isinstance(document.body, dict):
            raise ValueError("expected readings by the keys of their records")  # noqa: TRY004
        offset_s = _options(model).utc_offset_s
        clocks: dict[int, object] = {}
        records = b""
        for key, reading in _readings(document.body):
            if not isinstance(reading, Measured):
                raise ValueError(f"expected the key of a record such as volume_storage_1, got {key!r}")  # noqa: TRY004
            record, storage = _written(key, reading)
            records += record
            if clocks.setdefault(storage, reading["time"]) != reading["time"]:
                raise ValueError("readings of one storage have one time")
            if storage and offset_s is None:
                raise ValueError(f"{key} needs a time point, and the model's [mbus] says no utc_offset")
        if not clocks:
            raise ValueError("a frame has at least one reading")
        if offset_s is not None:
            for storage, time in clocks.items():
                civil = _EPOCH + timedelta(microseconds=time_us_from_rfc3339(str(time)), seconds=offset_s)
                if civil.second or civil.microsecond or not 1981 <= civil.year <= 2199:
                    raise ValueError(f"a meter's times are whole minutes from 1981 to 2199, got {time}")
                records = _dif(0x4, FUNCTIONS[0], storage, 0, 0) + b"\x6d" + clock_bytes(civil) + records
        return write_frame(records)


def _options(model: DeviceModel) -> MbusOptions:
    return model.options if isinstance(model.options, MbusOptions) else MbusOptions()


def _times(records: list[Record], options: MbusOptions) -> dict[tuple[int, str], str]:
    """Return the time of what was measured, by storage and function, where the meter and the model say it.

    Without an offset a meter's clock is nobody's: what is read now has the time of its arrival, and what was stored
    earlier has none.
    """
    if options.utc_offset_s is None:
        return {}
    times: dict[tuple[int, str], str] = {}
    for record in records:
        plain = not (record.qualifiers or record.tariff or record.subunit)
        if record.clock is None or record.quantity.name != TIME or not plain:
            continue
        if record.storage or "T" in record.clock.text or record.clock.civil is None:  # a date alone is the next due one
            times.setdefault((record.storage, record.function), record.clock.utc(options.utc_offset_s))
    return times


def _measured(record: Record, times: dict[tuple[int, str], str]) -> Measured:
    """Return a record as a model sees it."""
    said = Measured(
        quantity=record.quantity.name,
        value=record.value,
        function=record.function,
        storage=NumberText(record.storage),
        tariff=NumberText(record.tariff),
        device=NumberText(record.subunit),
    )
    if record.quantity.unit:
        said["unit"] = record.quantity.unit
    if record.qualifiers:
        said["qualifiers"] = list(record.qualifiers)
    storage = record.storage
    time = times.get((storage, record.function)) or times.get((storage, FUNCTIONS[0]))
    if time is None and storage:
        time = f"no time point of storage {storage}"  # now would be wrong; whoever needs it refuses it with these words
    if time is not None:
        said["time"] = time
    return said


def _readings(body: dict[str, object]) -> list[tuple[str, object]]:
    """Return the readings to be written by their keys, and those that were selected among `records`."""
    found: list[tuple[str, object]] = []
    for key, reading in body.items():
        if key == "records" and isinstance(reading, list):
            found += [(str(one.get("quantity")), Measured(one)) for one in reading if isinstance(one, dict)]
        else:
            found.append((key, reading))
    return found


def _written(key: str, reading: Measured) -> tuple[bytes, int]:
    """Return the record of a reading, and its storage.

    Raises:
        ValueError: no record says it.
    """
    match = _KEY.match(key)
    if match is None:
        raise ValueError(f"expected the key of a record such as volume_storage_1, got {key!r}")
    name, function, *numbers = match.groups()
    subunit, tariff, storage = (int(number or 0) for number in numbers)
    value, unit = str(reading.get("value")), str(reading.get("unit"))
    number = parse_number(value)
    for what, code in codes_of(name, _plain_unit(unit)):
        raw = _raw(number, what)
        if raw is not None and abs(raw) < 2**63:
            kind, size = (0x4, 4) if abs(raw) < 2**31 else (0x7, 8)
            head = _dif(kind, function or FUNCTIONS[0], storage, tariff, subunit)
            return head + code + raw.to_bytes(size, "little", signed=True), storage
    raise ValueError(f"no record says {name} = {value} {unit}")


def _plain_unit(unit: str) -> str:
    """Return the name that the tables of quantities have for a unit, were it another name of the same."""
    units = load_units()
    if unit not in units:
        return unit
    return next((name for name in UNITS if name in units and units[name].same_as(units[unit])), unit)


def _raw(number: Number, what: Quantity) -> int | None:
    """Return the whole number that a record of this quantity sends for a value; None where it needs a finer step."""
    exponent = number.exponent - what.exponent
    mantissa = number.mantissa * 10**exponent if exponent >= 0 else number.mantissa
    steps = what.factor * (10**-exponent if exponent < 0 else 1)
    return None if mantissa % steps else mantissa // steps


def _dif(kind: int, function: str, storage: int, tariff: int, subunit: int) -> bytes:
    """Return the data information of a record."""
    first = kind | FUNCTIONS.index(function) << 4 | (storage & 1) << 6
    storage >>= 1
    chain = [first]
    while storage or tariff or subunit:
        chain[-1] |= 0x80
        chain.append(storage & 0x0F | (tariff & 3) << 4 | (subunit & 1) << 6)
        storage, tariff, subunit = storage >> 4, tariff >> 2, subunit >> 1
    return bytes(chain)


MBUS = DocumentCodec(Mbus(), measured=True)

__all__ = ["MBUS", "Mbus"]
