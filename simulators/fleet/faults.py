"""What goes wrong, done to a plan: each fault takes a plan and gives the plan that is sent instead.

Knows kinds of faults and columns; knows no bytes and no gateway. What becomes of a reading is not decided here but
follows from the plan that comes out (`simulators.fleet.verdict`), so that faults can be put one upon another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from devices import REASON_CODES, Field, Registry, nearest
from simulators.clock import DAY_US, SECOND_US
from simulators.fleet.chance import below, chosen, key, words_at
from simulators.fleet.errors import FleetError
from simulators.fleet.fault import FaultSpec
from simulators.fleet.plan import Dress, Plan
from simulators.fleet.senders import NO_NODE, SPARKPLUG_CODEC, senders_of

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class _Scene:
    """One fault, the plan it befalls, and whom.

    Attributes:
        devices: per device, whether the fault can befall it. fields: per slot, the field.
        chance: key of the fault's random numbers.
    """

    fault: FaultSpec
    plan: Plan
    registry: Registry
    devices: Mask
    chance: int

    # ---- choosing ------------------------------------------------------------------------------------------------

    def rows(self) -> Mask:
        """Return the readings of the devices, fields and times meant."""
        plan, fault = self.plan, self.fault
        found: Mask = self.devices[self.registry.series().device][plan.slot]
        found &= plan.dress[plan.message] == Dress.PLAIN
        if fault.from_us is not None:
            found &= plan.time_us >= fault.from_us
        if fault.to_us is not None:
            found &= plan.time_us < fault.to_us
        if fault.fields:
            found &= self.of_fields(lambda field: field.name in fault.fields)[plan.slot]
        return found

    def messages(self) -> Mask:
        """Return the messages of the devices that carry a reading of the times meant."""
        found = np.zeros(self.plan.message_count, np.bool_)
        found[self.plan.message[self.rows()]] = True
        return found

    def hit(self) -> NDArray[np.int64]:
        """Return the messages that chance picks of those meant."""
        at = np.arange(self.plan.message_count, dtype=np.int64)
        return np.flatnonzero(self.messages() & chosen(self.words(at), self.fault.rate_parts)).astype(np.int64)

    def hit_rows(self) -> NDArray[np.int64]:
        """Return the readings that chance picks of those meant."""
        at = np.arange(self.plan.reading_count, dtype=np.int64)
        return np.flatnonzero(self.rows() & chosen(self.words(at), self.fault.rate_parts)).astype(np.int64)

    def words(self, at: NDArray[np.int64], purpose: int = 0) -> NDArray[np.uint64]:
        """Return random words, one per position; another purpose has words of its own."""
        return words_at(key(self.chance, purpose), at)

    def delay_us(self, of: NDArray[np.int64], least_us: int, most_us: int) -> NDArray[np.int64]:
        """Return delays of messages, whole seconds from least to most."""
        least, most = least_us // SECOND_US, max(most_us // SECOND_US, least_us // SECOND_US + 1)
        return (least + below(self.words(of, 1), most - least + 1)) * SECOND_US

    def of_fields(self, wanted: Callable[[Field], bool]) -> Mask:
        """Return, per slot, whether its field is one of those."""
        models = self.registry.models
        return np.array([wanted(f) for d in self.registry.devices for f in models[d.model].fields], np.bool_)

    # ---- changing ------------------------------------------------------------------------------------------------

    def dressed(self, of: NDArray[np.int64], dress: Dress, argument: int = 0) -> Plan:
        """Return the plan with these messages, or with `copy` copies of them, written so."""
        plan = self.plan
        if self.fault.copy:
            first = plan.message_count
            plan = plan.with_copies(of, plan.send_us[of])
            of = np.arange(first, plan.message_count, dtype=np.int64)
        dresses, arguments = plan.dress.copy(), plan.argument.copy()
        dresses[of], arguments[of] = dress, argument
        return replace(plan, dress=dresses, argument=arguments)

    def valued(self, of: NDArray[np.int64], ticks: NDArray[np.int64]) -> Plan:
        """Return the plan with these readings at these values, kept within the plausible range."""
        series = self.registry.series()
        low, high = series.low_ticks[self.plan.slot[of]], series.high_ticks[self.plan.slot[of]]
        changed = self.plan.ticks.copy()
        changed[of] = np.clip(ticks, low, high)
        return replace(self.plan, ticks=changed)


def with_faults(plan: Plan, registry: Registry, faults: tuple[FaultSpec, ...], seed: int) -> Plan:
    """Return the plan after all faults, the first one first."""
    for number, fault in enumerate(faults):
        chance = key(seed, "fault", number, fault.kind)
        meant = _devices(fault, registry)
        _refuse_idle(number, fault, registry, meant)
        words = words_at(key(chance, "share"), np.arange(meant.size, dtype=np.int64))
        scene = _Scene(fault, plan, registry, meant & chosen(words, fault.share_parts), chance)
        plan = _KINDS[fault.kind](scene)
    return plan


def _refuse_idle(number: int, fault: FaultSpec, registry: Registry, meant: Mask) -> None:
    """Refuse a fault that names what the fleet does not have.

    Raises:
        FleetError: naming the fault.
    """
    name = f"fault[{number + 1}] ({fault.kind})"
    if not meant.any():
        raise FleetError(f"{name} befalls no device; check models, zones, gateways and devices")
    named = {f.name for d, m in zip(registry.devices, meant, strict=True) if m for f in registry.model_of(d).fields}
    for wanted in fault.fields:
        if wanted not in named:
            raise FleetError(f"{name}: no such device has a field {wanted!r}{nearest(wanted, named)}")


def _devices(fault: FaultSpec, registry: Registry) -> Mask:
    found = np.ones(len(registry.devices), np.bool_)
    for at, device in enumerate(registry.devices):
        found[at] = (
            (not fault.models or device.model in fault.models)
            and (not fault.zones or device.zone in fault.zones)
            and (not fault.gateways or device.gateway in fault.gateways)
            and (not fault.devices or any(fnmatchcase(device.code, pattern) for pattern in fault.devices))
        )
    return found


# ---- messages that are lost, repeated, late ------------------------------------------------------------------------


def _lost(scene: _Scene) -> Plan:
    gone = np.zeros(scene.plan.message_count, np.bool_)
    gone[scene.hit()] = True
    return _missed(scene.plan, senders_of(scene.registry).node, gone).without(gone)


def _missed(plan: Plan, node_of: NDArray[np.int32], gone: Mask) -> Plan:
    """Return the plan with a note on the next message of an edge node of how many of the node's were lost before it."""
    node = node_of[plan.device]
    order = np.argsort(plan.send_us, kind="stable")
    missed, argument = Counter[int](), plan.argument.copy()
    for message in order[node[order] != NO_NODE].tolist():
        if gone[message]:
            missed[int(node[message])] += 1
        elif plan.dress[message] == Dress.PLAIN:
            argument[message] += missed.pop(int(node[message]), 0)
    return replace(plan, argument=argument)


def _silent(scene: _Scene) -> Plan:
    """What was measured meanwhile is never sent; buffered, it is sent at the end, in its order."""
    away = scene.messages()
    if not scene.fault.buffered:
        return scene.plan.without(away)
    end_us = scene.fault.to_us if scene.fault.to_us is not None else int(scene.plan.send_us.max(initial=0)) + SECOND_US
    return replace(scene.plan, send_us=np.where(away, np.maximum(scene.plan.send_us, end_us), scene.plan.send_us))


def _duplicated(scene: _Scene) -> Plan:
    of = scene.hit()
    return scene.plan.with_copies(of, scene.plan.send_us[of] + scene.delay_us(of, 0, scene.fault.at_most_us))


def _delayed(scene: _Scene) -> Plan:
    of = scene.hit()
    send_us = scene.plan.send_us.copy()
    send_us[of] += scene.delay_us(of, scene.fault.at_least_us, scene.fault.at_most_us)
    return replace(scene.plan, send_us=send_us)


def _storm(scene: _Scene) -> Plan:
    """Every device meant sends its last messages again, all at the moment of the storm."""
    plan, fault = scene.plan, scene.fault
    plan = replace(plan, storms_us=tuple(sorted((*plan.storms_us, fault.at_us))))
    before = np.flatnonzero(scene.messages() & (plan.send_us < fault.at_us))
    order = before[np.lexsort((before, -plan.send_us[before], plan.device[before]))]
    heads = np.flatnonzero(np.append(True, np.diff(plan.device[order]) != 0)) if order.size else order
    within = np.arange(order.size) - np.repeat(heads, np.diff(np.append(heads, order.size)))
    of = np.sort(order[within < fault.again]).astype(np.int64)
    return plan.with_copies(of, np.full(of.size, fault.at_us, np.int64))


def _retained(scene: _Scene) -> Plan:
    """Of each device one message is also kept by the broker: its first."""
    plan = scene.plan
    at = np.flatnonzero(scene.messages())
    _, first = np.unique(plan.device[at], return_index=True)
    of = np.sort(at[first]).astype(np.int64)
    copied = plan.with_copies(of, plan.send_us[of])
    dress = copied.dress.copy()
    dress[plan.message_count :] = Dress.RETAINED
    return replace(copied, dress=dress)


# ---- clocks --------------------------------------------------------------------------------------------------------


def _skew(scene: _Scene) -> Plan:
    return replace(scene.plan, time_us=np.where(scene.rows(), scene.plan.time_us + scene.fault.by_us, _times(scene)))


def _clock_drift(scene: _Scene) -> Plan:
    """The clock is right at `from` (or at the fleet's first reading) and then gains or loses so much a day."""
    times = _times(scene)
    since_us = times - (scene.fault.from_us if scene.fault.from_us is not None else int(times.min(initial=0)))
    gained = since_us // SECOND_US * scene.fault.by_us // (DAY_US // SECOND_US)
    return replace(scene.plan, time_us=np.where(scene.rows(), times + gained, times))


def _times(scene: _Scene) -> NDArray[np.int64]:
    return scene.plan.time_us


def _future_clock(scene: _Scene) -> Plan:
    return scene.dressed(scene.hit(), Dress.FUTURE, scene.fault.by_us)


def _unset_clock(scene: _Scene) -> Plan:
    return scene.dressed(scene.hit(), Dress.UNSET)


# ---- values --------------------------------------------------------------------------------------------------------


def _stuck(scene: _Scene) -> Plan:
    """Every reading of a series shows what the first one of the time meant shows."""
    plan = scene.plan
    at = np.flatnonzero(scene.rows())
    order = at[np.lexsort((at, plan.time_us[at], plan.slot[at]))]
    heads = np.flatnonzero(np.append(True, np.diff(plan.slot[order]) != 0)) if order.size else order
    ticks = plan.ticks.copy()
    ticks[order] = np.repeat(plan.ticks[order[heads]], np.diff(np.append(heads, order.size)))
    return replace(plan, ticks=ticks)


def _drift(scene: _Scene) -> Plan:
    plan = scene.plan
    of = np.flatnonzero(scene.rows())
    begin_us = scene.fault.from_us if scene.fault.from_us is not None else int(plan.time_us.min(initial=0))
    since_s = (plan.time_us[of] - begin_us) // SECOND_US
    return scene.valued(of, plan.ticks[of] + _amount_ticks(scene, of) * since_s // (DAY_US // SECOND_US))


def _spike(scene: _Scene) -> Plan:
    of = scene.hit_rows()
    return scene.valued(of, scene.plan.ticks[of] + _amount_ticks(scene, of))


def _amount_ticks(scene: _Scene, of: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the fault's amount as ticks of the field of each of these readings."""
    registry = scene.registry
    scaled = [
        round(scene.fault.amount * 10**field.decimals)
        for device in registry.devices
        for field in registry.models[device.model].fields
    ]
    return np.array(scaled, np.int64)[scene.plan.slot[of]]


def _out_of_range(scene: _Scene) -> Plan:
    plan, series = scene.plan, scene.registry.series()
    # A field that writes its states as words has no word for what is no state.
    of = scene.hit_rows()
    of = of[scene.of_fields(lambda field: not field.states)[plan.slot[of]]]
    if scene.fault.copy:
        hit = np.unique(plan.message[of])
        first, count = plan.message_count, plan.reading_count
        plan = plan.with_copies(hit, plan.send_us[hit])
        copy_of = hit[plan.message[count:] - first]
        begins = plan.first_rows()
        source = begins[copy_of] + np.arange(count, plan.reading_count) - begins[plan.message[count:]]
        of = count + np.flatnonzero(np.isin(source, of))
    low, high = series.low_ticks[plan.slot[of]], series.high_ticks[plan.slot[of]]
    ticks = plan.ticks.copy()
    ticks[of] = high + 1 + (high - low) // 16
    return replace(plan, ticks=ticks)


def _conflict(scene: _Scene) -> Plan:
    """A copy of a message, sent after it, says something else for the same times."""
    plan, series = scene.plan, scene.registry.series()
    of = scene.hit()
    count = plan.reading_count
    plan = plan.with_copies(of, plan.send_us[of] + scene.delay_us(of, 0, scene.fault.at_most_us))
    ticks = plan.ticks.copy()
    high = series.high_ticks[plan.slot[count:]]
    ticks[count:] = np.where(ticks[count:] == high, ticks[count:] - 1, ticks[count:] + 1)
    return replace(plan, ticks=ticks)


# ---- bytes ---------------------------------------------------------------------------------------------------------


def _garbage(scene: _Scene) -> Plan:
    return scene.dressed(scene.hit(), Dress.GARBAGE)


def _half(scene: _Scene) -> Plan:
    of = scene.hit()
    # Half of a message of fields by number may be a whole one.
    whole = np.array([scene.registry.models[d.model].codec != SPARKPLUG_CODEC for d in scene.registry.devices])
    return scene.dressed(of[whole[scene.plan.device[of]]], Dress.HALF)


def _wrong_unit(scene: _Scene) -> Plan:
    """Readings that state a unit state another one; only SenML states units at all."""
    codecs = np.array([scene.registry.models[d.model].codec == "senml-json" for d in scene.registry.devices])
    stating = scene.of_fields(lambda field: bool(field.unit))
    of = scene.hit()
    of = of[codecs[scene.plan.device[of]]]
    plan = scene.dressed(of, Dress.WRONG_UNIT)
    wrong = plan.dress[plan.message] == Dress.WRONG_UNIT
    refused = plan.refused.copy()
    refused[wrong & stating[plan.slot]] = REASON_CODES["bad_unit"]
    return replace(plan, refused=refused)


def _unknown_device(scene: _Scene) -> Plan:
    return replace(scene, fault=replace(scene.fault, copy=True)).dressed(scene.hit(), Dress.STRANGER)


_KINDS: Final[Mapping[str, Callable[[_Scene], Plan]]] = MappingProxyType(
    {
        "lost": _lost, "duplicated": _duplicated, "reordered": _delayed, "delayed": _delayed, "skew": _skew,
        "clock_drift": _clock_drift, "future_clock": _future_clock, "unset_clock": _unset_clock, "stuck": _stuck,
        "drift": _drift, "spike": _spike, "out_of_range": _out_of_range, "conflict": _conflict, "garbage": _garbage,
        "half": _half, "wrong_unit": _wrong_unit, "unknown_device": _unknown_device, "silent": _silent,
        "gateway_silent": _silent, "storm": _storm, "retained": _retained,
    }
)  # fmt: skip
