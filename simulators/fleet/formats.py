"""What a fleet can speak: models whose messages say when something was measured.

Knows models and codecs; knows neither fleets nor plans.
"""

from __future__ import annotations

from typing import Final

from devices import DeviceModel, Field, PayloadError, codec, load_measurands
from devices.carriers.feeds import encode as encode_feed

_TRIED_US: Final = 1_735_689_600_000_000
"""2025-01-01, which begins an hour, a day and a year."""
_ARRIVED_US: Final = _TRIED_US + 12_345_678


def is_timeless(model: DeviceModel) -> bool:
    """Return whether readings of a model have the time of their arrival, which no truth can know beforehand."""
    return any(_ARRIVED_US in _times(model, field) for field in model.fields)


def _times(model: DeviceModel, field: Field) -> set[int]:
    """Return the times that a message with one reading is understood to state; none where it cannot stand alone."""
    part = model.part(field.topic)[0] if field.topic else model
    readings = [(field.name, _TRIED_US, max(load_measurands().by_code[field.measurand].low_ticks, 0))]
    try:
        payload = (
            codec(model.codec).encode(part, readings) if model.feed is None else encode_feed(model, {"1": readings})
        )
        return {reading.time_us for reading in codec(model.codec).decode(payload, part, _ARRIVED_US).readings}
    except (ValueError, PayloadError):
        return set()
