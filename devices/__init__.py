"""Devices: what is measured, by which hardware, where, and how its messages read.

Knows measurands, device models, the city's registry and payload formats; knows neither the wire nor the store.
"""

from __future__ import annotations

from devices.batch import FLAG_TIME_FROM_ARRIVAL, ObservationBatch
from devices.carriers import Carried, Carrier, carriers
from devices.city import City, Zone, load_city
from devices.codecs import (
    CODECS,
    PAYLOAD_BYTES_MAX,
    READINGS_MAX,
    Codec,
    Decoded,
    Fault,
    Frame,
    Reading,
    codec,
    prepare,
)
from devices.codecs.base import ticks_from_text
from devices.columns import Column, city_columns, load_columns
from devices.definitions import definitions_folder, definitions_of
from devices.errors import (
    ConfigError,
    DecoderStoppedError,
    DeviceError,
    PayloadError,
    Problem,
    UnitError,
    ValueRefusedError,
    nearest,
)
from devices.measurands import Kind, Measurand, MeasurandCatalogue, load_measurands
from devices.models import DeviceModel, Field, TimeSpec, load_models
from devices.quality import Drift, QualityRule, Rate, Rule, Spike, Stuck, ticks_of
from devices.reasons import REASON_CODES, REASON_TITLES, REASONS
from devices.registers import QUALITIES, Register
from devices.registry import Device, Registry, load_registry
from devices.series import TIME_MAX_US, TIME_MIN_US, SeriesTable
from devices.ticks import Scale, text_from_float, text_from_ticks
from devices.times import rfc3339, time_us_from_rfc3339
from devices.units import Unit, conversion, load_units

__all__ = [
    "CODECS", "FLAG_TIME_FROM_ARRIVAL", "PAYLOAD_BYTES_MAX", "QUALITIES", "READINGS_MAX", "REASONS", "REASON_CODES",
    "REASON_TITLES", "TIME_MAX_US", "TIME_MIN_US", "Carried", "Carrier", "City", "Codec", "Column", "ConfigError",
    "Decoded", "DecoderStoppedError", "Device", "DeviceError", "DeviceModel", "Drift", "Fault", "Field", "Frame",
    "Kind", "Measurand", "MeasurandCatalogue", "ObservationBatch", "PayloadError", "Problem", "QualityRule", "Rate",
    "Reading", "Register", "Registry", "Rule", "Scale", "SeriesTable", "Spike", "Stuck", "TimeSpec", "Unit",
    "UnitError", "ValueRefusedError", "Zone", "carriers", "city_columns", "codec", "conversion",
    "definitions_folder", "definitions_of", "load_city", "load_columns", "load_measurands", "load_models",
    "load_registry", "load_units", "nearest", "prepare", "rfc3339", "text_from_float", "text_from_ticks",
    "ticks_from_text", "ticks_of", "time_us_from_rfc3339",
]  # fmt: skip
