"""Binary messages as the tables `[[layout]]` of a model lay them out, to documents.

Knows where parts, groups and channels stand; knows no device. The way back is in `layout_write`.
"""

from __future__ import annotations

from typing import Final

from devices.codecs.base import READINGS_MAX
from devices.codecs.jsontext import NumberText
from devices.codecs.payloads import raw
from devices.errors import PayloadError
from devices.layouts import UPLINK, Channel, Group, Layout, Part, When
from devices.ticks import Number, text_from_number

Members = dict[str, object]
US_A_SECOND: Final = 1_000_000


def decode(data: bytes, f_port: int | None, time_us: int, rules: object) -> object:
    """Return the document of a message; see `PayloadDecoder.decode`.

    Raises:
        PayloadError: `malformed` with the place, when no layout takes the message or it does not follow the one that
            does; `too_many` for more objects than a message may have readings.
    """
    for layout in layouts_of(rules):
        if layout.takes(data, f_port):
            return _Reader(data, time_us, layout).document()
    port = "" if f_port is None else f" on port {f_port}"
    raise PayloadError(
        "malformed", f"no layout is for {len(data)} bytes{port} that begin with {data[:8].hex() or 'none'}"
    )


def layouts_of(rules: object) -> tuple[Layout, ...]:
    """Return what `devices.layouts.read_layouts` read."""
    assert isinstance(rules, tuple)  # noqa: S101  # the reader returns nothing else
    return rules


class _Reader:
    """Reads one message."""

    def __init__(self, data: bytes, time_us: int, layout: Layout) -> None:
        self._data = data
        self._time_us = time_us
        self._layout = layout
        self._own: Members = {}
        self._sent: dict[str, int] = {}
        self._objects = 0

    def document(self) -> object:
        """Return what the message says."""
        layout = self._layout
        end = len(self._data) - layout.trailer
        at = self._parts(layout.parts, 0, len(layout.starts), max(0, end), self._own, self._sent)
        if layout.channels:
            at = self._channels(at, end)
        if at < end and not layout.rest_ignored:
            raise _fault(at, "the end", f"{end - at} more bytes")
        if not layout.items:
            return self._own
        others = self._own.pop(layout.items, [])
        assert isinstance(others, list)  # noqa: S101  # only arrays are put under the names of arrays
        return {layout.items: [self._own, *others] if self._own else others}

    def _parts(
        self, parts: tuple[Part | Group, ...], start: int, at: int, end: int, members: Members, sent: dict[str, int]
    ) -> int:
        """Read parts that begin at `start`, the next one at `at`; returns how far the message was read."""
        reached = at
        for part in parts:
            if part.when is not None and not _holds(part.when, sent):
                continue
            if isinstance(part, Group):
                at = self._group(part, at, end, members, sent)
            else:
                if part.at is not None:
                    at = (start if part.at >= 0 else end) + part.at
                if part.optional and at >= end:
                    break
                at = self._part(part, at, end, members, sent)
            reached = max(reached, at)
        return reached

    def _part(self, part: Part, at: int, end: int, members: Members, sent: dict[str, int]) -> int:
        size = part.size or max(0, end - at) if part.kind in ("ascii", "hex", "skip") else part.size
        if at < 0 or at + size > end:
            raise _fault(max(0, at), f"{size} bytes of {part.value.name or part.kind}", "the end")
        data = self._data[at : at + size]
        if part.kind == "const" and data != part.const:
            raise _fault(at, part.const.hex(), data.hex())
        if part.kind not in ("const", "skip"):
            value, number = raw.read(part, data, at)
            self._put(members, part.value.name, value, at)
            if number is not None:
                sent[part.value.name] = number
            for bits in part.bits:
                few = int.from_bytes(raw.swapped(data, part.endian), "big") >> bits.at & ((1 << bits.size) - 1)
                value, sent[bits.value.name] = raw.read_whole(bits.value, few, bits.size, signed=bits.signed)
                self._put(members, bits.value.name, value, at)
        return at + size

    def _put(self, members: Members, name: str, value: object, at: int) -> None:
        """Note a value; one without a name, and one that says "no reading", is none."""
        if not name or value is None:
            return
        if name in members:
            raise PayloadError("malformed", f"byte {at}: a second {name}")
        members[name] = value

    def _group(self, group: Group, at: int, end: int, members: Members, sent: dict[str, int]) -> int:
        objects = self._array(members, group.into)
        count = sent.get(group.counted, 0) if group.times < 0 else group.times
        done = 0
        while (done < count) if group.times else (at < end):
            item: Members = {}
            before = at
            at = self._parts(group.parts, at, at, end, item, dict(sent))
            if at == before:
                raise _fault(at, f"an object of {group.into}", "no bytes of it")
            if group.time:
                start_us = self._time_us if group.start == UPLINK else sent.get(group.start, 0) * US_A_SECOND
                time_us = start_us + done * group.step_s * US_A_SECOND
                item[group.time] = NumberText(text_from_number(Number(time_us, -6)))
            self._add(objects, item)
            done += 1
        return at

    def _channels(self, at: int, end: int) -> int:
        """Read channels to the end; returns how far the message was read."""
        layout = self._layout
        by_head = {channel.head: channel for channel in layout.channels}
        head_size = len(layout.channels[0].head)
        before = 1 if layout.length_byte == "before" else 0
        while at < end:
            first = at + before
            after = first + head_size + (1 if layout.length_byte == "after" else 0)
            if after > end:
                if layout.rest_ignored:
                    break
                raise _fault(at, "a channel", f"{end - at} bytes")
            head = self._data[first : first + head_size]
            channel_end = end
            if before:
                channel_end = first + self._data[at]
            elif layout.length_byte == "after":
                channel_end = after + self._data[after - 1]
            if not after <= channel_end <= end:
                raise _fault(at, f"channel {head.hex()} with a length that fits", "another")
            at = self._channel(by_head.get(head), head, first, after, channel_end)
        return at

    def _channel(self, channel: Channel | None, head: bytes, first: int, at: int, end: int) -> int:
        says_length = self._layout.length_byte != "none"
        if channel is None:
            if says_length:
                return end
            raise PayloadError("malformed", f"byte {first}: unknown channel {head.hex()}")
        members: Members = {} if channel.into else self._own
        at = self._parts(channel.parts, at, at, end, members, dict(self._sent))
        if channel.into:
            self._add(self._array(self._own, channel.into), members)
        return end if says_length else at

    def _array(self, members: Members, name: str) -> list[object]:
        array = members.setdefault(name, [])
        assert isinstance(array, list)  # noqa: S101  # names of arrays and of values differ: the model was checked
        return array

    def _add(self, objects: list[object], item: Members) -> None:
        self._objects += 1
        if self._objects > READINGS_MAX:
            raise PayloadError("too_many", f"expected at most {READINGS_MAX} objects in a message")
        objects.append(item)


def _holds(when: When, sent: dict[str, int]) -> bool:
    """Return whether the part that a condition names was there and says so."""
    number = sent.get(when.part)
    if number is None:
        return False
    return bool(number >> when.bit & 1) if when.bit >= 0 else number in when.equals


def _fault(at: int, expected: str, got: str) -> PayloadError:
    return PayloadError("malformed", f"byte {at}: expected {expected}, got {got}")
