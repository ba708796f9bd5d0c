"""What rules are given to judge: figures, silences and scores of one moment, and how the city's scopes lie.

Knows scopes; knows neither rules nor the store's connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from console.drift import Findings
from devices import TIME_MAX_US, TIME_MIN_US, Registry
from engine.store.alerts import CITY, Window

SCOPE_KINDS: Final = ("city", "zone", "station", "gateway", "model")


class Silence(NamedTuple):
    """A silence that lasts."""

    kind: str
    """device or gateway."""
    who: str
    started_us: int
    devices: int
    detail: str


class KpiScore(NamedTuple):
    """The band of an estimate."""

    data_point: str
    horizon: str
    scope: str
    band: int | None
    percent: str
    """Per cent of the target, for people; empty where it is not scored."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known at one moment, in any order.

    Attributes:
        windows: the newest windows of what the rules watch.
        silences: those that last.
        scores: of the live estimates.
        heard_to_us: until when the engine listened; None: it never ran.
        findings: of drift; None: nobody looked.
    """

    windows: Sequence[Window] = ()
    silences: Sequence[Silence] = ()
    scores: Sequence[KpiScore] = ()
    heard_to_us: int | None = None
    findings: Findings | None = None


@dataclass(frozen=True)
class Places:
    """The scopes of a city, and which of them lie around which.

    Attributes:
        around: by scope those around it, the narrowest first: of a station its zone, its gateway and the city. A model
            of the city's devices is one, as `model:CODE`, and each of its fields, as `model:CODE/FIELD`.
        models: by station the model of its device.
        serving: by station from when (included) to when (excluded) it is in service, where that is limited.
    """

    around: Mapping[str, tuple[str, ...]]
    models: Mapping[str, str] = field(default_factory=dict)
    serving: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, registry: Registry) -> Places:
        """Return the scopes of a registry's city."""
        around: dict[str, tuple[str, ...]] = {CITY: ()}
        around |= {f"zone:{zone.code}": (CITY,) for zone in registry.city.zones}
        around |= {f"gateway:{gateway}": (CITY,) for gateway in registry.gateways}
        models, serving = {}, {}
        for device in registry.devices:
            scope = f"station:{device.code}"
            around[scope] = (f"zone:{device.zone}", f"gateway:{device.gateway}", CITY)
            models[scope] = device.model
            if (device.service_from_us, device.service_to_us) != (TIME_MIN_US, TIME_MAX_US):
                serving[scope] = (device.service_from_us, device.service_to_us)
        for model in set(models.values()):
            around[model_scope(model)] = (CITY,)
            around |= {model_scope(model, field.name): (CITY,) for field in registry.models[model].fields}
        return cls(around, models, serving)

    def known(self, scope: str, now_us: int) -> bool:
        """Say whether a scope is the city's, and in service."""
        if scope not in self.around:
            return False
        from_us, to_us = self.serving.get(scope, (TIME_MIN_US, TIME_MAX_US))
        return from_us <= now_us < to_us

    def parent(self, scope: str) -> str:
        """Return the narrowest scope around another; the city's is the city."""
        around = self.around.get(scope, ())
        return around[0] if around else CITY


def model_scope(model: str, field: str = "") -> str:
    """Return the scope of a model, or of one of its fields."""
    return f"model:{model}/{field}" if field else f"model:{model}"


class Indexed:
    """Facts by what they are about; the same for every order of the same facts."""

    def __init__(self, facts: Facts) -> None:
        self.windows = _grouped(facts.windows)
        self.silences = {
            kind: {one.who: one for one in sorted(facts.silences) if one.kind == kind} for kind in ("device", "gateway")
        }
        self.scores = {(one.data_point, one.horizon, one.scope): one for one in facts.scores}
        self.heard_to_us = facts.heard_to_us
        self.findings = facts.findings

    def of(self, indicator: str, window: str) -> Mapping[str, Sequence[Window]]:
        """Return by scope the windows of an indicator, the oldest first."""
        return self.windows.get((indicator, window), {})


def _grouped(windows: Iterable[Window]) -> dict[tuple[str, str], dict[str, list[Window]]]:
    found: dict[tuple[str, str], dict[str, list[Window]]] = {}
    for one in windows:
        found.setdefault((one.indicator, one.window), {}).setdefault(one.scope, []).append(one)
    for scopes in found.values():
        for rows in scopes.values():
            rows.sort(key=lambda row: row.start_us)
    return found
