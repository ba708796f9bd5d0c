"""What a device model says of a meter's clock: the table `[mbus]`.

Knows the table; knows no bytes (`devices.codecs.mbus` does).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from devices.tables import Table

_OFFSET = re.compile(r"([+-])([01][0-9]):([0-5][0-9])\Z")


@dataclass(frozen=True, slots=True)
class MbusOptions:
    """How a meter's times are read.

    Attributes:
        utc_offset_s: what the meter's standard time (that of its winter) is ahead of UTC; None where the model does not
            say, and the meter's clock is not used.
    """

    utc_offset_s: int | None = None


def mbus_options(root: Table) -> MbusOptions:
    """Return what a model of codec `mbus` says; faults go to its problems."""
    table = root.table("mbus")
    if table is None:
        return MbusOptions()
    text = table.text("utc_offset")
    table.done()
    match = _OFFSET.match(text)
    if match is None:
        table.fault("utc_offset", f'expected the offset of the meter\'s standard time such as "+01:00", got {text!r}')
        return MbusOptions()
    sign, hours, minutes = match.groups()
    seconds = int(hours) * 3600 + int(minutes) * 60
    return MbusOptions(-seconds if sign == "-" else seconds)
