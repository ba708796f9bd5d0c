"""Devices whose decoder is stopped at its limit on message after message: what they may cost the others.

Knows devices by number and what stopped their models' programs; knows no program. A message that is stopped costs more
than a thousand common ones, and one firmware may make a decoder loop on every message of it. So once a device's last
messages were stopped, one of many is tried; the others are refused untried, which their quarantine rows say, and can be
decoded again as any of the quarantine.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from devices import DecoderStoppedError, PayloadError
from devices.codecs.base import Decoded
from ingest.counters import Counters

IN_A_ROW_MAX: Final = 4
"""Messages of a device that may be stopped one after the other before most are refused untried."""
TRIED_ONE_OF: Final = 16
"""Beyond it one message of so many is tried; the first that is not stopped ends it."""

log = logging.getLogger("ingest")


class Stopped:
    """Counts by device. Used by one thread at a time."""

    def __init__(self, counters: Counters, every: bool = False) -> None:
        """Count into `counters`; with `every` each message is tried, whatever it costs."""
        self._counters = counters
        self._every = every
        self._in_a_row: dict[int, int] = {}
        self._told: set[str] = set()

    def decode(self, device: int, model: str, decode: Callable[[], Decoded]) -> Decoded:
        """Return what a decoder makes of a device's message.

        Raises:
            PayloadError: it refuses the message, was stopped, or is not tried.
        """
        seen = self._in_a_row.get(device, 0)
        if not self._every and seen >= IN_A_ROW_MAX and (seen - IN_A_ROW_MAX + 1) % TRIED_ONE_OF:
            self._in_a_row[device] = seen + 1
            self._counters.decoders_untried += 1
            raise PayloadError(
                "malformed",
                f"not tried: the decoder was stopped on the device's last messages, so one of {TRIED_ONE_OF} is tried",
            )
        try:
            decoded = decode()
        except DecoderStoppedError as error:
            self._in_a_row[device] = seen + 1
            self._counters.decoders_stopped += 1
            if model not in self._told:
                self._told.add(model)
                log.warning("the decoder of model %s was stopped: %s; not told again", model, error.detail)
            raise
        except PayloadError:
            self._in_a_row.pop(device, None)
            raise
        self._in_a_row.pop(device, None)
        return decoded
