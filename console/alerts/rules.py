"""What a rule for alerts is: data, one small record per kind.

Knows the words of a rule; knows no file, no figure and no time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from console import worth
from console.worth import LENGTH_US
from engine.indicators import Indicator

MINUTE_US: Final = 60_000_000
WINDOWS_MAX: Final = 48
"""Windows that a rule may look back on."""
DEFINITIONS: Final = {key: one for key, (_, one) in worth.DEFINITIONS.items()}


class Kind(StrEnum):
    """What a rule looks at; the names are those of files and tables."""

    THRESHOLD = "threshold"
    RATE = "rate"
    FORECAST = "forecast"
    MISSING = "missing"
    COVERAGE = "coverage"
    KPI_BAND = "kpi_band"
    SILENT_DEVICE = "silent_device"
    SILENT_GATEWAY = "silent_gateway"
    NOT_LISTENING = "not_listening"
    DRIFT = "drift"


class Severity(StrEnum):
    """How much an alert matters, the least first."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


SEVERITIES: Final = tuple(Severity)


class Way(StrEnum):
    """Which change counts."""

    RISE = "rise"
    FALL = "fall"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Limit:
    """Where an alert is raised, and where it is cleared: between the two it stays as it is.

    Attributes:
        at: beyond it the alert is raised; the limit itself is not beyond.
        clear: there, and on the other side of it, the alert is cleared.
        above: beyond means above; else below.
    """

    at: Fraction
    clear: Fraction
    above: bool

    def beyond(self, value: Fraction) -> bool:
        """Say whether a value raises the alert."""
        return value > self.at if self.above else value < self.at

    def back(self, value: Fraction) -> bool:
        """Say whether a value clears the alert."""
        return value <= self.clear if self.above else value >= self.clear


@dataclass(frozen=True, slots=True)
class Watched:
    """An indicator and its window, `hour` or `day`."""

    indicator: str
    window: str

    @property
    def definition(self) -> Indicator:
        """The indicator's definition."""
        return DEFINITIONS[self.indicator, self.window]

    @property
    def length_us(self) -> int:
        """Rough length of the window."""
        return LENGTH_US[self.window]

    @property
    def subject(self) -> str:
        """What is judged, in a word: indicator and window."""
        return f"{self.indicator}-{self.window}"


@dataclass(frozen=True, slots=True)
class Threshold:
    """Raised when the windows of a while are all beyond the limit.

    Attributes:
        watched: whose figures.
        limit: in the indicator's unit.
        lasting_us: how long; the newest window alone where it is no longer than one.
    """

    watched: Watched
    limit: Limit
    lasting_us: int


@dataclass(frozen=True, slots=True)
class Rate:
    """Raised when the newest window differs from an earlier one by more than the limit.

    Attributes:
        watched: whose figures.
        way: which change counts.
        limit: of the change, in the indicator's unit.
        over: how many windows the earlier one lies before the newest.
    """

    watched: Watched
    way: Way
    limit: Limit
    over: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """Raised when the straight line through the last windows passes the limit soon, or the newest figure has.

    Attributes:
        watched: whose figures.
        limit: in the indicator's unit.
        within_us: how soon, from the end of the newest window on.
        windows: how many windows the line is laid through.
    """

    watched: Watched
    limit: Limit
    within_us: int
    windows: int


@dataclass(frozen=True, slots=True)
class Missing:
    """Raised when the newest figure that counts is too old.

    Attributes:
        watched: whose figures.
        after_us: how long its window may be over.
    """

    watched: Watched
    after_us: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Raised when closed windows of a while all have too few of the expected readings.

    Attributes:
        watched: whose windows.
        limit: per cent.
        lasting_us: as in `Threshold`.
    """

    watched: Watched
    limit: Limit
    lasting_us: int


@dataclass(frozen=True, slots=True)
class KpiBand:
    """Raised when a data point's score is in a low band.

    Attributes:
        data_point: its key.
        horizon: which estimate, `rolling` or `to_date`.
        band: this one and those below it raise the alert.
    """

    data_point: str
    horizon: str
    band: int


@dataclass(frozen=True, slots=True)
class Silent:
    """Raised when a device or gateway is silent, or when we ourselves do not listen.

    Attributes:
        after_us: for at least so long.
        models: only devices of these models; empty: all.
    """

    after_us: int
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """Raised when devices say something else than their models expect.

    Attributes:
        findings: kinds of findings that count.
        fresh_us: a finding counts while what shows it newest is at most so old.
        readings: one of the quarantine counts with so many readings or more.
        models: only devices of these models; empty: all.
    """

    findings: tuple[str, ...]
    fresh_us: int
    readings: int = 1
    models: tuple[str, ...] = ()


Check = Threshold | Rate | Forecast | Missing | Coverage | KpiBand | Silent | Drift


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One rule.

    Attributes:
        code: stable identifier.
        kind: what it looks at.
        title: what a person calls its alerts.
        severity: of its alerts.
        scope: kind of the scopes it looks at: city, zone, station, gateway or model.
        check: when it raises and clears.
        only: of those scopes only these; empty: all.
        escalate_us: an alert that nobody takes note of is escalated after so long; None: never.
        covered_by: rules whose alerts, for the same scope or one around it, make this one's needless.
        changed: why the city's file changes a shipped rule, or that it adds one; empty for a shipped one.
        title_ko: its title in Korean; empty where the city gave a title of its own and none in Korean.
    """

    code: str
    kind: Kind
    title: str
    severity: Severity
    scope: str
    check: Check
    only: frozenset[str] = frozenset()
    escalate_us: int | None = None
    covered_by: tuple[str, ...] = ()
    changed: str = ""
    title_ko: str = ""

    @property
    def watched(self) -> Watched | None:
        """The indicator it looks at; None where it looks at something else."""
        return None if isinstance(self.check, KpiBand | Silent | Drift) else self.check.watched

    @property
    def depth(self) -> int:
        """How many of the newest windows it has to be given; 0 where it looks at none."""
        match self.check:
            case Threshold() | Coverage():
                # The newest may be open and not count yet, and then another one stands for it.
                return min(WINDOWS_MAX, -(-self.check.lasting_us // self.check.watched.length_us) + 2)
            case Rate():
                return min(WINDOWS_MAX, self.check.over + 3)
            case Forecast():
                return min(WINDOWS_MAX, self.check.windows + 2)
            case Missing():
                return min(WINDOWS_MAX, -(-self.check.after_us // self.check.watched.length_us) + 3)
            case _:
                return 0
