"""Messages to readings: the compiled road for what it is certain of, the reference codec for the rest.

Knows routing, codecs, carriers and intakes; knows no socket and no database.
"""

from __future__ import annotations

import logging
import traceback

import numpy as np

from devices import FLAG_TIME_FROM_ARRIVAL, REASON_CODES, TIME_MIN_US, Carried, PayloadError, codec, prepare
from devices.topics import matches
from ingest.counters import Counters
from ingest.intake import FAULT_DETAIL_CHARS_MAX, Intake, IntakeCarried, IntakeFault
from ingest.kernels import frames, senml
from ingest.repeats import Repeats
from ingest.routes import Routing
from ingest.settings import IntakeLimits
from ingest.stopped import Stopped
from ingest.strangers import Strangers

log = logging.getLogger("ingest")


class Decoder:
    """Routes and decodes the messages of intakes. Used by one thread at a time."""

    def __init__(self, routing: Routing, limits: IntakeLimits, counters: Counters, every: bool = False) -> None:
        """Prepare what the models need; with `every` no message is spared, see `Stopped`."""
        self.routing = routing
        self.limits = limits
        self.counters = counters
        self._repeats = Repeats(counters)
        self._strangers = Strangers()
        self._wild = tuple(one for one in routing.subscriptions if "+" in one)
        self._exact = frozenset(routing.subscriptions) - frozenset(self._wild)  # there may be one for each device
        self._unwanted: list[str] = []
        self._stopped = Stopped(counters, every)
        self._failures: set[str] = set()
        models = {model.code: model for model in routing.models}
        self._codecs = {code: codec(model.codec) for code, model in models.items()}
        for model in models.values():
            prepare(model)

    def decode(self, intake: Intake, first: int) -> int:
        """Decode the messages from row `first` on, into readings and faults.

        Returns the row of the first message for which the columns of readings had no room, `message_count` when
        there is none; nothing is left in the intake of that message and the ones after it.
        """
        routing = self.routing
        last = intake.message_count
        frames.route(
            intake.arena, first, last, intake.topic_at, intake.topic_size, intake.retained,
            routing.table, routing.topics, routing.topic_at, intake.device, intake.status,
        )  # fmt: skip
        start = intake.reading_count
        done, rows, left = senml.decode(
            intake.arena, first, last, intake.payload_at, intake.payload_size, intake.received_us,
            intake.device, intake.status, routing.slot_first, routing.kernel_model, routing.field_at,
            routing.names, routing.name_at, routing.units, routing.unit_at, routing.scale,
            start, self.limits.message_readings_max, FLAG_TIME_FROM_ARRIVAL,
            intake.reading_message, intake.slot, intake.time_us, intake.ticks, intake.flags,
        )  # fmt: skip
        intake.reading_count = rows
        if left:
            done = self._decode_rest(intake, first, done, start)
        new = slice(start, intake.reading_count)
        if routing.succession is not None:
            routing.succession.series.settle(intake.slot[new], intake.time_us[new])
            self._settle_devices(intake, first, int(done), start)
        if routing.lines is not None:
            routing.lines.apply(intake.slot[new], intake.time_us[new], intake.ticks[new])
        self.counters.readings += intake.reading_count - start
        return int(done)

    def commands(self) -> list[tuple[str, bytes]]:
        """Return what carriers want published, as (topic, payload), since it was asked last."""
        return [command for carrier in self.routing.carriers for command in carrier.commands()]

    def unwanted(self) -> list[str]:
        """Return topics to which we do not subscribe and of which something came, since it was asked last."""
        topics, self._unwanted = self._unwanted, []
        return topics

    def refuse_oversized(self, intake: Intake, message: int, size: int) -> None:
        """Note a message that was not kept whole; its row is in the intake."""
        frames.route(
            intake.arena, message, message + 1, intake.topic_at, intake.topic_size, intake.retained,
            self.routing.table, self.routing.topics, self.routing.topic_at, intake.device, intake.status,
        )  # fmt: skip
        intake.status[message] = frames.OVERSIZE
        self.counters.oversized += 1
        self._fault(intake, message, "oversized", f"{size} bytes, at most {self.limits.frame_bytes_max} are taken", 1)
        if self.routing.succession is not None:
            self._settle_devices(intake, message, message + 1, intake.reading_count)

    def _settle_devices(self, intake: Intake, first: int, last: int, start: int) -> None:
        """Let messages by the topic of several devices be of the one of whose time their newest reading is; where they
        have none, of the one that was in service when they came."""
        assert self.routing.succession is not None  # noqa: S101  # asked by who decodes
        line, device = self.routing.succession.devices, intake.device[first:last]
        shared = np.flatnonzero((device >= 0) & (device < len(self.routing.devices)))
        shared = shared[line.follows(device[shared])]
        if not shared.size:
            return
        at_us = np.full(last - first, TIME_MIN_US, np.int64)
        new = slice(start, intake.reading_count)
        np.maximum.at(at_us, intake.reading_message[new] - first, intake.time_us[new])
        silent = at_us == TIME_MIN_US
        at_us[silent] = intake.received_us[first:last][silent]
        settled = device[shared]
        line.settle(settled, at_us[shared])
        device[shared] = settled

    def _owner(self, device: int, time_us: int) -> int:
        """Return which of the devices of a topic a time is of; the same where no other has it."""
        succession = self.routing.succession
        return device if device < 0 or succession is None else succession.devices.settled(device, time_us)

    def _decode_rest(self, intake: Intake, first: int, last: int, start: int) -> int:
        """Deal with the messages that no kernel decoded; returns the first one without room, else `last`."""
        compiled = intake.reading_count
        for message in (first + np.flatnonzero(intake.status[first:last] != frames.DECODED)).tolist():
            status = intake.status[message]
            if status == frames.RETAINED:
                self.counters.retained += 1
                self._fault(intake, message, "retained", "a copy the broker kept, not a new message", 1)
            elif status == frames.UNROUTED and not self._found_carrier(intake, message):
                self._refuse_unrouted(intake, message)
            elif self._decode_slowly(intake, message):
                self.counters.slow_road += 1
            else:
                # The kernel has been here before and may have taken the room for messages that come later.
                _undo(intake, message, start, compiled)
                fits = self._decode_slowly(intake, message)
                self.counters.slow_road += fits
                return int(message) + fits
        return last

    def _found_carrier(self, intake: Intake, message: int) -> bool:
        """Say whether a carrier takes a message whose topic is in no table, and note which."""
        if self.routing.carriers:
            intake.device[message] = self.routing.taken_by(intake.topic(message))
        return bool(intake.device[message] >= 0)

    def _refuse_unrouted(self, intake: Intake, message: int) -> None:
        topic = intake.topic(message)
        self.counters.unrouted += 1
        if self._strangers.is_new(topic) and not self._subscribed(topic):
            self._unwanted.append(topic)
        if self.routing.expected(topic):
            self._refuse_stranger(intake, message, "unknown_device", f"no registered device has the topic {topic}")
        else:
            self._refuse_stranger(intake, message, "unknown_topic", f"no device model has topics like {topic}")

    def _subscribed(self, topic: str) -> bool:
        """Say whether we subscribe to a topic now, and not only in an earlier run."""
        return topic in self._exact or any(matches(one, topic) for one in self._wild)

    def _refuse_stranger(self, intake: Intake, message: int, reason: str, detail: str) -> None:
        """Note a message of nobody; see `Strangers`."""
        if self._strangers.folded(intake.topic(message), intake.faults):
            self.counters.faults += 1
            self.counters.unrouted_folded += 1
        else:
            self._fault(intake, message, reason, detail, 1)

    def _decode_slowly(self, intake: Intake, message: int) -> bool:
        """Decode one message with its codec; False when the columns of readings have no room for it."""
        brought = int(intake.device[message]) >= len(self.routing.devices)
        try:
            carried = self._carried(intake, message)
        except PayloadError as error:
            if error.reason == "unknown_device":  # a carrier's filters take those of devices beside its own
                self._refuse_stranger(intake, message, error.reason, error.detail)
            else:
                self._fault(intake, message, error.reason, error.detail, 1)
            return True
        except Exception as error:
            # A codec must not raise anything else. One that does shall cost one message, not the gateway.
            self.counters.codec_errors += 1
            self._log_failure(error, intake.topic(message))
            self._fault(intake, message, "malformed", "its decoder failed; see the log", 1)
            return True
        count = sum(len(decoded.readings) for _, decoded in carried)
        faults = sum(fault.readings for _, decoded in carried for fault in decoded.faults)
        if count > self.limits.message_readings_max:
            self._fault(
                intake, message, "too_many", f"{count} readings, at most {self.limits.message_readings_max}",
                count + faults,
            )  # fmt: skip
            return True
        if intake.reading_count + count > intake.slot.size:
            return False
        for each in carried:
            newest_us = self._write(intake, message, each)
            if brought:
                at_us = newest_us if newest_us > TIME_MIN_US else int(intake.received_us[message])
                intake.carried.append(IntakeCarried(message, self._owner(each.device, at_us), newest_us))
        if not count and not faults and not brought:
            self._fault(intake, message, "empty", "no reading", 1)
        return True

    def _log_failure(self, error: Exception, topic: str) -> None:
        """Log what a codec should not have raised: once for each place in the code, for a device repeats itself."""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{frame.filename}:{frame.lineno}"
        if place not in self._failures:
            self._failures.add(place)
            log.error("decoding failed on a message with topic %s; not told again", topic, exc_info=error)

    def _carried(self, intake: Intake, message: int) -> list[Carried]:
        """Return what a message says, by device; see `Codec.decode` and `Carrier.decode`."""
        number, received_us = int(intake.device[message]), int(intake.received_us[message])
        carrier = self.routing.carrier(number)
        if carrier is not None:
            return carrier.decode(intake.topic(message), intake.payload(message), received_us)
        model = self.routing.models[number]
        chosen, payload = self._codecs[model.code], intake.payload(message)
        decoded = self._stopped.decode(number, model.code, lambda: chosen.decode(payload, model, received_us))
        return [Carried(number, self._repeats.settle(number, decoded, received_us))]

    def _write(self, intake: Intake, message: int, carried: Carried) -> int:
        """Put what a message says of one device into the intake; returns the newest time by the device's clock."""
        row, newest_us = intake.reading_count, TIME_MIN_US
        slot_first = int(self.routing.slot_first[carried.device])
        for reading in carried.decoded.readings:
            if not reading.flags & FLAG_TIME_FROM_ARRIVAL:
                newest_us = max(newest_us, reading.time_us)
            intake.reading_message[row] = message
            intake.slot[row] = slot_first + reading.field
            intake.time_us[row] = reading.time_us
            intake.ticks[row] = reading.ticks
            intake.flags[row] = reading.flags
            row += 1
        intake.reading_count = row
        for fault in carried.decoded.faults:
            self._fault(intake, message, fault.reason, fault.detail, max(1, fault.readings), carried.device)
        return newest_us

    def _fault(
        self, intake: Intake, message: int, reason: str, detail: str, readings: int, device: int | None = None
    ) -> None:
        """Note a fault of a message; of the device whose topic it came by where it is no other's."""
        if device is None:
            own = int(intake.device[message])
            device = own if own < len(self.routing.devices) else -1
        device = self._owner(device, int(intake.received_us[message]))
        self.counters.faults += 1
        intake.faults.append(
            IntakeFault(message, REASON_CODES[reason], detail[:FAULT_DETAIL_CHARS_MAX], readings, device)
        )


def _undo(intake: Intake, message: int, start: int, compiled: int) -> None:
    """Remove the readings of `message` and later ones: the kernel wrote rows start to compiled, codecs what follows."""
    kept = start + int(np.searchsorted(intake.reading_message[start:compiled], message))
    slow = intake.reading_count - compiled
    for column in (intake.reading_message, intake.slot, intake.time_us, intake.ticks, intake.flags):
        column[kept : kept + slow] = column[compiled : compiled + slow].copy()
    intake.reading_count = kept + slow
