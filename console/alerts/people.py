"""What people may do with an alert, within its limits: for the command line and the HTTP API alike.

Knows limits; knows neither options nor requests.
"""

from __future__ import annotations

from typing import Final

from console.alerts.rules import MINUTE_US

SHELF_MINUTES_MAX: Final = 30 * 1440
SHELF_US_MAX: Final = SHELF_MINUTES_MAX * MINUTE_US
"""Nothing is shelved for longer: what nobody wants to hear of for ever is no rule."""


def shelf_us(now_us: int, span_us: int) -> int:
    """Return until when something is shelved.

    Raises:
        ValueError: for no time at all, or for too long.
    """
    if not 0 < span_us <= SHELF_US_MAX:
        raise ValueError(f"expected more than 0 and at most {SHELF_US_MAX // (1440 * MINUTE_US)} days")
    return now_us + span_us
