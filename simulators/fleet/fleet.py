"""A fleet: a registry, what its devices send in each way, and what must come of it.

Knows how the parts fit together, and keeps what is costly once it is made; knows no connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from devices import ObservationBatch, Registry, load_registry
from simulators.fleet.errors import FleetError
from simulators.fleet.faults import with_faults
from simulators.fleet.folder import write_city
from simulators.fleet.order import Sequence, has_faults, sequence_of
from simulators.fleet.plan import Dress, Plan
from simulators.fleet.readings import plan_of, span_us
from simulators.fleet.spec import FleetSpec, load_fleet
from simulators.fleet.verdict import Tally, Verdicts, judge
from simulators.fleet.writer import Writer


class Sent(NamedTuple):
    """One message on its way."""

    device: int
    """Position of its device in the registry; of a device nobody registered, that of the one it is like."""
    topic: str
    payload: bytes
    due_us: int
    """When it is sent, on the clock of the readings, µs UTC."""
    readings: int


class Fleet:
    """A fleet whose city is written.

    Attributes:
        spec: what it was made from.
        city: folder of its city.
        registry: the city as any program reads it.
    """

    def __init__(self, spec: FleetSpec, city: Path) -> None:
        self.spec, self.city = spec, city
        self.registry: Registry = load_registry(city)

    @property
    def span_us(self) -> tuple[int, int]:
        """Return begin (included) and end (excluded) of its days, µs UTC."""
        return span_us(self.spec)

    @cached_property
    def _meant(self) -> Verdicts:
        return judge(plan_of(self.spec, self.registry), self.registry)

    @cached_property
    def _faulty(self) -> Verdicts:
        if not self.spec.faults:
            raise FleetError(f"{self.spec.path}: names no fault; add [[fault]] tables, or send it in another way")
        plan = with_faults(self._meant.plan, self.registry, self.spec.faults, self.spec.seed)
        return judge(plan, self.registry)

    def verdicts(self, way: str = "in-order") -> Verdicts:
        """Return what must become of everything that is sent in this way. Raises FleetError: no such way."""
        return self._faulty if has_faults(way) else self._meant

    def plan(self, way: str = "in-order") -> Plan:
        """Return what is sent in this way, before it is put in order. Raises FleetError: no such way."""
        return self.verdicts(way).plan

    def accepted(self, way: str = "in-order") -> ObservationBatch:
        """Return every observation that must be stored, by slot and time. Raises FleetError: no such way."""
        return self.verdicts(way).accepted()

    def tally(self, way: str = "in-order") -> dict[str, Tally]:
        """Return by device what must be accepted, duplicate and quarantined ('' is nobody's).

        It holds when every message arrives exactly as often as it is sent: a connection that breaks adds duplicates
        (and repeats of what is quarantined), never observations. Raises FleetError: no such way.
        """
        return self.verdicts(way).tally(self.registry, times=2 if way == "twice" else 1)

    def sequence(self, way: str = "in-order", seed: int = 0) -> Sequence:
        """Return numbers of messages in the order of sending; the seed is of `shuffled` and `twice`."""
        return sequence_of(self.verdicts(way), way, seed)

    def writer(self, way: str = "in-order") -> Writer:
        """Return what writes the messages of this way."""
        return Writer(self.plan(way), self.registry)

    def messages(self, way: str = "in-order", seed: int = 0, *, now_us: int = 0) -> Iterator[Sent]:
        """Yield the messages of a way in the order of sending, written as their devices do.

        Args:
            way, seed: as in `sequence`.
            now_us: clock of the sender; fast clocks are ahead of it.
        """
        writer, sequence = self.writer(way), self.sequence(way, seed)
        device = self.plan(way).device
        for message, due_us in zip(sequence.message.tolist(), sequence.due_us.tolist(), strict=True):
            yield Sent(
                int(device[message]), writer.topic(message), writer.payload(message, now_us), due_us,
                writer.readings(message),
            )  # fmt: skip

    def retained(self) -> list[tuple[str, bytes]]:
        """Return topic and payload of what is left at the broker before anybody listens, when sent with faults."""
        plan, writer = self.plan("faults"), self.writer("faults")
        return [
            (writer.topic(message), writer.payload(message, 0))
            for message in (plan.dress == Dress.RETAINED).nonzero()[0].tolist()
        ]


def build(spec: FleetSpec | Path, folder: Path) -> Fleet:
    """Write the city of a fleet into a folder and return the fleet.

    Raises:
        devices.ConfigError: the fleet file has faults; all of them are named.
        FleetError: the folder cannot be written.
    """
    known = load_fleet(spec) if isinstance(spec, Path) else spec
    write_city(known, folder)
    return Fleet(known, folder)
