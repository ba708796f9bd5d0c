"""Readings with a unit and a time of their own: an OBIS line, an M-Bus record, an attribute of an NGSI entity.

Knows a field's unit and RFC 3339; knows no format.
"""

from __future__ import annotations

from devices.definitions import once_an_edition
from devices.errors import UnitError, ValueRefusedError, quoted
from devices.measurands import load_measurands
from devices.models import Field
from devices.units import conversion, load_units


class Measured(dict[str, object]):
    """An object with a reading's `value`, and where it is told its `unit` and its `time` (RFC 3339).

    A path of a model that ends at one names the reading: its value, in its unit, at its time. Paths may go further, as
    through any object; what they lead to is then a value and no more.
    """

    def own_time(self) -> object:
        """Return the time of this reading; None where it has none of its own."""
        return self.get("time")

    def bare(self, field: Field) -> object:
        """Return the value, which is in the unit of the field.

        Raises:
            ValueRefusedError: `bad_unit`.
        """
        unit = self.get("unit")
        if isinstance(unit, str) and field.unit and unit != field.unit and not _same_unit(unit, field):
            raise ValueRefusedError("bad_unit", f"{field.name}: expected {quoted(field.unit)}, got {quoted(unit)}")
        return self.get("value")


def _same_unit(sent: str, field: Field) -> bool:
    """Return whether what was sent is another name of the field's unit."""
    return sent in load_units() and _one_unit(sent, field)  # what is remembered is bounded by the table of units


@once_an_edition
def _one_unit(sent: str, field: Field) -> bool:
    units = load_units()
    ours, theirs = units.get(field.unit), units[sent]
    if ours is not None and ours.same_as(theirs):
        return True
    try:  # `dB` of a field that is declared in `dBA`
        return conversion(sent, load_measurands().by_code[field.measurand].unit) == (field.factor, field.offset)
    except UnitError:
        return False
