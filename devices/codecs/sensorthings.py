"""Observations of the OGC SensorThings API, one by one or in data arrays: `sensorthings`.

Knows observations and when they hold; knows no Datastream, which says what is observed and in which unit, and is not in
the message: the device's model says it.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import Final

from devices.codecs.base import READINGS_MAX
from devices.codecs.documents import Document, DocumentCodec
from devices.codecs.jsontext import dump_json, parse_json
from devices.codecs.measured import Measured
from devices.errors import PayloadError
from devices.models import DeviceModel

OBSERVATIONS: Final = "observations"
"""The member of the document that holds all observations of a message."""
_TIME, _RESULT_TIME = "phenomenonTime", "resultTime"
_MEMBERS_LOOKED_AT_MAX = 32


class SensorThings:
    """The format."""

    name = "sensorthings"

    def read(self, payload: bytes, model: DeviceModel, _received_us: int) -> Document:
        """Return the observation, or all of them as `observations`; see `Format.read`.

        A message of several is one device's only where the model says so with `each`, and several devices' where it is
        a feed: else they would be mixed.
        """
        found = _observations(parse_json(payload))
        if len(found) > READINGS_MAX:
            raise PayloadError("too_many", f"expected at most {READINGS_MAX} readings, got {len(found)} observations")
        root: dict[str, object] = {OBSERVATIONS: [_observation(one) for one in found]}
        said = root[OBSERVATIONS]
        single = model.each is None and model.feed is None and isinstance(said, list) and len(said) == 1
        return Document(said[0] if single and isinstance(said, list) else root, root)

    def write(self, document: Document, _model: DeviceModel) -> bytes:
        """Return an observation, or an array of them where the document holds several; see `Format.write`."""
        body = document.body
        if isinstance(body, dict) and isinstance(body.get(OBSERVATIONS), list):
            return dump_json({"value": [_written(one) for one in body[OBSERVATIONS]]})
        return dump_json(_written(body))


def _observations(message: object) -> list[dict[str, object]]:
    """Return the observations of a message: one, an array, the `value` of an answer, or data arrays."""
    if isinstance(message, dict) and "result" not in message and isinstance(message.get("value"), list):
        message = message["value"]
    found: list[dict[str, object]] = []
    for one in message if isinstance(message, list) else [message]:
        if not isinstance(one, dict):
            raise PayloadError("malformed", "expected an Observation, an array of them, or data arrays")
        found += _data_array(one) if "dataArray" in one else [one]
    return found


def _data_array(group: dict[str, object]) -> list[dict[str, object]]:
    """Return the observations of one Datastream, whose members are named once for all."""
    components, rows = group.get("components"), group["dataArray"]
    named = isinstance(components, list) and all(isinstance(name, str) for name in components)
    if not named or not isinstance(components, list) or not isinstance(rows, list):
        raise PayloadError("malformed", "expected the names of `components` and the rows of a `dataArray`")
    if len(rows) > READINGS_MAX:
        raise PayloadError("too_many", f"expected at most {READINGS_MAX} readings, got {len(rows)} observations")
    shared = {name: group[name] for name in ("Datastream", "MultiDatastream") if name in group}
    found = []
    for row in rows:
        if not isinstance(row, list) or len(row) != len(components):
            raise PayloadError("malformed", f"expected rows of {len(components)} values in a `dataArray`")
        found.append({**shared, **dict(zip(components, row, strict=True))})
    return found


def _observation(observation: dict[str, object]) -> dict[str, object]:
    """Return an observation whose result, or each part of it, is a reading at its time."""
    said = dict(observation)
    if "result" in observation:
        said["result"] = _readings(observation["result"], _time(observation))
    return said


def _readings(result: object, time: object) -> object:
    if isinstance(result, dict):
        return {name: _readings(part, time) for name, part in result.items()}
    if isinstance(result, list):
        return [_readings(part, time) for part in result]
    return Measured(value=result) if time is None else Measured(value=result, time=time)


def _time(observation: dict[str, object]) -> object:
    """Return when an observation holds; None where it does not say.

    Of an interval it is the begin: what was measured from 11 to 12 belongs to the hour from 11 on, as windows have
    their begin and not their end. A member whose name is nearly `phenomenonTime` states a time that cannot be trusted;
    its name stands in for the time, so that the reading is refused by it and does not silently become one of now.
    """
    time = observation.get(_TIME)
    if time is None:
        others = [name for name in list(observation)[:_MEMBERS_LOOKED_AT_MAX] if name not in (_TIME, _RESULT_TIME)]
        close = _misspelt(tuple(name for name in others if len(name) <= 2 * len(_TIME)))
        time = f"{close} instead of {_TIME}" if close else observation.get(_RESULT_TIME)
    return time.partition("/")[0] if isinstance(time, str) else time


@lru_cache(maxsize=256)  # rows of a data array share their names, and comparing takes longer than all the rest
def _misspelt(names: tuple[str, ...]) -> str:
    """Return the name that is nearly `phenomenonTime`; empty where none is."""
    return next(iter(difflib.get_close_matches(_TIME, names, 1, 0.8)), "")


def _written(observation: object) -> dict[str, object]:
    """Return an observation as devices send it.

    Raises:
        ValueError: its readings have several times, or other members than `result` are readings.
    """
    times: dict[object, None] = {}
    if not isinstance(observation, dict) or "result" not in observation:
        raise ValueError("expected a reading at `result`")
    said = {name: _bare(value, times) for name, value in observation.items()}
    if len(times) > 1:
        raise ValueError(f"an observation has one time, got {len(times)}")
    return {_TIME: next(iter(times), None), **said}


def _bare(value: object, times: dict[object, None]) -> object:
    """Return a result without the times of its readings, which are added to those seen."""
    if isinstance(value, Measured):
        times[value["time"]] = None
        return value["value"]
    if isinstance(value, dict):
        return {name: _bare(part, times) for name, part in value.items()}
    if isinstance(value, list):
        return [_bare(part, times) for part in value]
    return value


SENSORTHINGS = DocumentCodec(SensorThings(), measured=True)
