"""What a simulated field says over time, as a specification: the keys of one `[group.signal.FIELD]` table.

Knows the keys and their meaning, and what is usual for each measurand (`usual.toml`); makes no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

from devices import Kind, Measurand, load_measurands
from devices.tables import Problems, Table, parse_toml
from simulators.fleet.shapes import PROFILES

FORMS = MappingProxyType(
    {
        Kind.GAUGE: ("wave", "rest"),
        Kind.LEVEL: ("wave",),
        Kind.ANGLE: ("compass",),
        Kind.STATE: ("states",),
        Kind.COUNTER: ("meter",),
        Kind.EVENT: ("count", "each", "outage", "outage_time"),
    }
)
"""Ways a value of each kind can come about; the first is the default. `docs/integrators.md` explains them."""
STARTS = ("anywhere", "rollover")
HOURS_MAX = 24 * 30
EVERY_DAYS_MAX = 400


@dataclass(frozen=True, slots=True)
class Signal:
    """What one field says. Ticks are those of its measurand; a meter's and a count's are per hour, those of states
    percent of busyness.

    Attributes:
        form: one of `FORMS` of the measurand's kind.
        shape: profile of the day, one of `PROFILES`.
        mean_ticks: the level the rest is added to; of `rest`, the total that the two fields share.
        swing_ticks: what a full level of the profile adds. season_ticks: what the warmth of the season adds.
        weekend_percent: of the swing on Saturdays and Sundays.
        noise_ticks: reach of the noise. spread_percent: by how much devices differ from each other.
        step_ticks: the sensor's own resolution; values are multiples of it.
        every_days: an episode, a leak or an outage comes once in so many days; 0 for never.
        hours: how long it takes at most. by_ticks: what it adds at its height.
        start: of a register: `anywhere`, or `rollover`: so that it rolls over in the middle of the fleet's time.
        resets, swaps: how often a register starts again at 0, or a meter is replaced by one that shows something else.
        rest_of: name of the field, or its measurand, that takes its part of the same total (docks and bicycles).
    """

    form: str
    shape: str = "flat"
    mean_ticks: int = 0
    swing_ticks: int = 0
    season_ticks: int = 0
    weekend_percent: int = 100
    noise_ticks: int = 0
    spread_percent: int = 0
    step_ticks: int = 1
    every_days: int = 0
    hours: int = 6
    by_ticks: int = 0
    start: str = "anywhere"
    resets: int = 0
    swaps: int = 0
    rest_of: str = ""


def parse_signal(table: Table, usual: Signal, measurand: Measurand) -> Signal:
    """Return the signal a table describes, where it says nothing as usual; faults go to the table's problems."""
    high_ticks = 100 if measurand.kind is Kind.STATE else measurand.high_ticks
    reach = max(high_ticks, high_ticks - measurand.low_ticks)

    def ticks(key: str, default: int, low: int = -reach, high: int = reach) -> int:
        value = table.number(key)
        if value is None:
            return default
        scaled: int = round(value * 10**measurand.decimals)
        if not low <= scaled <= high:
            table.fault(key, f"expected a number within the range of {measurand.code}, got {value}")
            return default
        return scaled

    signal = Signal(
        form=table.text("form", usual.form, among=FORMS[measurand.kind]),
        shape=table.text("shape", usual.shape, among=PROFILES),
        mean_ticks=ticks("mean", usual.mean_ticks),
        swing_ticks=ticks("swing", usual.swing_ticks),
        season_ticks=ticks("season", usual.season_ticks),
        weekend_percent=table.whole("weekend", usual.weekend_percent, low=0, high=1000),
        noise_ticks=ticks("noise", usual.noise_ticks, 0),
        spread_percent=table.whole("spread", usual.spread_percent, low=0, high=100),
        step_ticks=ticks("step", usual.step_ticks, 1),
        every_days=table.whole("every_days", usual.every_days, low=0, high=EVERY_DAYS_MAX),
        hours=table.whole("hours", usual.hours, low=1, high=HOURS_MAX),
        by_ticks=ticks("by", usual.by_ticks),
        start=table.text("start", usual.start, among=STARTS),
        resets=table.whole("resets", usual.resets, low=0, high=100),
        swaps=table.whole("swaps", usual.swaps, low=0, high=100),
        rest_of=table.text("rest_of", usual.rest_of),
    )
    if (signal.form == "rest") != bool(signal.rest_of):
        table.fault("rest_of", 'names the other field of a signal of form = "rest", and only of such a one')
    if signal.every_days and 24 * signal.every_days <= signal.hours:
        table.fault("hours", f"expected less than every_days = {signal.every_days}, got {signal.hours} hours")
    table.done()
    return signal


@cache
def usual_signals() -> Mapping[str, Signal]:
    """Return what is usual for each measurand.

    Raises:
        ConfigError: naming every fault of `usual.toml`.
    """
    problems = Problems()
    content = resources.files("simulators.fleet").joinpath("usual.toml").read_bytes()
    root = parse_toml(content, "usual.toml", problems)
    found = {}
    for measurand in load_measurands().measurands:
        plain = Signal(FORMS[measurand.kind][0])
        table = root.table(measurand.code) if root is not None else None
        found[measurand.code] = plain if table is None else parse_signal(table, plain, measurand)
    if root is not None:
        root.done()
    problems.raise_if_any()
    return MappingProxyType(found)
