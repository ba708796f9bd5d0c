"""Documents to the binary messages that the tables `[[layout]]` of a model lay out: what a simulated device sends.

Knows the same tables as `layout`, which reads what is written here.
"""

from __future__ import annotations

from devices.codecs.jsontext import NumberText
from devices.codecs.payloads import raw
from devices.codecs.payloads.layout import US_A_SECOND, Members, layouts_of
from devices.errors import ValueRefusedError
from devices.layouts import UPLINK, Channel, Group, Layout, Part, scalars
from devices.times import time_us_from_text


def encode(document: object, f_port: int, rules: object) -> tuple[bytes, int]:
    """Return a message of the first layout that can say the document; see `PayloadDecoder.encode`.

    A value that nobody says is sent as "no reading" where the layout has a number for that, else as its `default`.

    Raises:
        ValueError: none can; the message is that of the last that was tried.
    """
    if not isinstance(document, dict):
        raise ValueError("a layout says an object of members")  # noqa: TRY004
    fault = ValueError(f"no layout is for port {f_port}")
    for layout in layouts_of(rules):
        if layout.ports and f_port and f_port not in layout.ports:
            continue
        try:
            return _message(layout, document), f_port or min(layout.ports, default=1)
        except ValueError as error:
            fault = error
    raise fault


def _message(layout: Layout, document: Members) -> bytes:
    members = _own(layout, document) if layout.items else dict(document)
    first = {name: value for name, value in members.items() if name in _names(layout.parts)}
    rest = {name: value for name, value in members.items() if name not in first}
    data = _parts(layout.parts, first, {}, layout.starts)
    for channel in layout.channels:
        data += _channel(layout, channel, rest)
    if rest:
        raise ValueError(f"no part of the layout says {', '.join(map(repr, sorted(rest)))}")
    data += bytes(layout.trailer)
    if not data.startswith(layout.starts) or (layout.lengths and len(data) not in layout.lengths):
        raise ValueError(f"a message of {len(data)} bytes does not have the layout's start and length")
    return data


def _own(layout: Layout, document: Members) -> Members:
    """Return the members of the message: those of the object that has no others, and the objects that have."""
    objects = document.get(layout.items)
    if not isinstance(objects, list) or len(document) > 1:
        raise ValueError(f"expected an array {layout.items!r} of objects and nothing else")
    names = _names(layout.parts).union(*(_names(channel.parts) for channel in layout.channels if not channel.into))
    own: Members = {}
    others: list[object] = []
    for item in objects:
        if isinstance(item, dict) and not own and names.issuperset(item):
            own.update(item)
        else:
            others.append(item)
    return {**own, layout.items: others} if others else own


def _names(parts: tuple[Part | Group, ...]) -> set[str]:
    """Return what parts say: their values and the arrays of their groups."""
    groups = [part for part in parts if isinstance(part, Group)]
    arrays = {group.into for group in groups} | {group.time for group in groups}
    return {scalar.name for scalar in scalars(parts)} | arrays - {""}


def _channel(layout: Layout, channel: Channel, rest: Members) -> bytes:
    """Return a channel for what it says of the members, which are taken out of them."""
    names = _names(channel.parts)
    if not channel.into:
        said = {name: rest.pop(name) for name in names & rest.keys()}
        return _framed(layout, channel, _parts(channel.parts, said, {})) if said else b""
    objects = rest.get(channel.into, [])
    mine = (
        [item for item in objects if isinstance(item, dict) and names.issuperset(item)]
        if isinstance(objects, list)
        else []
    )
    if mine and isinstance(objects, list):
        rest[channel.into] = [item for item in objects if item not in mine]
        if not rest[channel.into]:
            del rest[channel.into]
    return b"".join(_framed(layout, channel, _parts(channel.parts, item, {})) for item in mine)


def _framed(layout: Layout, channel: Channel, data: bytes) -> bytes:
    size = len(data) + (len(channel.head) if layout.length_byte == "before" else 0)
    if layout.length_byte != "none" and size > 255:
        raise ValueError(f"channel {channel.head.hex()} has {size} bytes, which no length byte can say")
    if layout.length_byte == "before":
        return bytes((size,)) + channel.head + data
    return channel.head + (bytes((size,)) if layout.length_byte == "after" else b"") + data


def _parts(parts: tuple[Part | Group, ...], members: Members, outer: dict[str, int], starts: bytes = b"") -> bytes:
    """Return the bytes of parts that say these members.

    Raises:
        ValueError: they cannot, or say only some of them.
    """
    names = _names(parts)
    if not names.issuperset(members):
        raise ValueError(f"no part of the layout says {', '.join(map(repr, sorted(members.keys() - names)))}")
    sent, forced = _numbers(parts, members, outer)
    front, tail = bytearray(starts), bytearray()
    for number, part in enumerate(parts):
        if isinstance(part, Part) and part.optional and not any(_said(later, members) for later in parts[number:]):
            break
        if part.when is not None and not _there(part, sent):
            if _said(part, members):
                raise ValueError(f"what {part.when.part!r} says leaves no room for {sorted(_said(part, members))}")
            continue
        if isinstance(part, Group):
            front += _group(part, members, sent)
        elif part.at is not None and part.at < 0:
            tail = tail.rjust(max(len(tail), -part.at), b"\x00")
            data = _part(part, members, sent, forced)
            tail[len(tail) + part.at : len(tail) + part.at + len(data)] = data
        else:
            data = _part(part, members, sent, forced)
            at = len(front) if part.at is None else part.at
            front = bytearray(bytes(front).ljust(at + len(data), b"\x00"))
            front[at : at + len(data)] = data
    return bytes(front + tail)


def _numbers(
    parts: tuple[Part | Group, ...], members: Members, outer: dict[str, int]
) -> tuple[dict[str, int], set[str]]:
    """Return the numbers that are sent, by the names of their values; and which of them follow from what is said
    elsewhere: how often a group comes, whether a part is there.
    """
    sent = dict(outer)
    for part in parts:
        if isinstance(part, Part) and part.kind in "uis":
            for value in (part.value, *(bits.value for bits in part.bits)):
                sent[value.name] = raw.sent_for(value, members.get(value.name))
        elif isinstance(part, Part) and part.kind == "bcd":
            sent[part.value.name] = raw.sent_for(part.value, members.get(part.value.name))
    forced: set[str] = set()
    for part in reversed(parts):  # what says that a part is there may itself be there only where another says so
        when = part.when
        wanted = _said(part, members) or _names((part,)) & forced
        if when is not None and when.part not in members and when.part in sent and wanted:
            forced.add(when.part)
            if when.bit >= 0:
                sent[when.part] |= 1 << when.bit
            elif sent[when.part] not in when.equals:
                sent[when.part] = when.equals[0]
        if isinstance(part, Group):
            objects = members.get(part.into, [])
            if part.counted and part.counted not in members and isinstance(objects, list):
                forced.add(part.counted)
                sent[part.counted] = len(objects)
            if part.start and part.start not in members and isinstance(objects, list) and objects:
                forced.add(part.start)
                sent[part.start] = _time_us(part, objects[0]) // US_A_SECOND
    return sent, forced


def _there(part: Part | Group, sent: dict[str, int]) -> bool:
    assert part.when is not None  # noqa: S101  # asked for such parts only
    number = sent.get(part.when.part, 0)
    return bool(number >> part.when.bit & 1) if part.when.bit >= 0 else number in part.when.equals


def _said(part: Part | Group, members: Members) -> set[str]:
    """Return the members that a part says."""
    return _names((part,)) & members.keys()


def _part(part: Part, members: Members, sent: dict[str, int], forced: set[str]) -> bytes:
    if part.kind == "const":
        return part.const
    if part.kind == "skip":
        return bytes(part.size)
    if part.kind not in ("u", "i", "s", "bcd"):
        return raw.write(part, members.get(part.value.name, None if part.kind == "f" else ""))
    number = sent[part.value.name] if part.value.name in members or part.value.name in forced else None
    if number is None and not part.bits:
        number = sent[part.value.name] if part.value.name else raw.sent_for(part.value, None)
    if number is None:
        number = part.value.default
        for bits in part.bits:
            few = sent[bits.value.name] if bits.value.name else bits.value.default
            low, high = (-(1 << bits.size - 1), (1 << bits.size) - 1) if bits.signed else (0, (1 << bits.size) - 1)
            if not low <= few <= high:
                raise ValueError(f"{bits.value.name!r} does not fit {bits.size} bits: {few}")
            number = number & ~(((1 << bits.size) - 1) << bits.at) | (few % (1 << bits.size)) << bits.at
    return raw.pack(part, number)


def _group(group: Group, members: Members, sent: dict[str, int]) -> bytes:
    objects = members.get(group.into, [])
    if not isinstance(objects, list):
        raise ValueError(f"{group.into!r} is an array of objects")  # noqa: TRY004
    count = sent.get(group.counted, 0) if group.times < 0 else group.times
    if group.times and len(objects) != count:
        raise ValueError(f"{group.into!r} has {count} objects, got {len(objects)}")
    data = b""
    first_us = sent.get(group.start, 0) * US_A_SECOND
    if group.start == UPLINK and objects:
        first_us = _time_us(group, objects[0])
    for number, item in enumerate(objects):
        if group.time and _time_us(group, item) != first_us + number * group.step_s * US_A_SECOND:
            raise ValueError(f"the objects of {group.into!r} are {group.step_s} seconds apart")
        members_of = (
            {name: value for name, value in item.items() if name != group.time} if isinstance(item, dict) else {}
        )
        data += _parts(group.parts, members_of, sent)
    return data


def _time_us(group: Group, item: object) -> int:
    """Return the time that an object says it has.

    Raises:
        ValueError: it says none.
    """
    said = item.get(group.time) if isinstance(item, dict) else None
    try:
        return time_us_from_text(said if isinstance(said, NumberText) else "", "epoch_s")
    except ValueRefusedError as error:
        raise ValueError(f"an object of {group.into!r} has a time at {group.time!r}: {error.detail}") from error
