"""Kernels over bytes of MQTT: find the frames, look up the topics, write the acknowledgements.

Knows the layout of PUBLISH and of topics as bytes; knows no payload and no socket.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

MORE, CONTROL, FULL, OVERSIZED, MALFORMED = 0, 1, 2, 3, 4
"""Why `scan` stopped: the next frame is not complete; it is no PUBLISH; the columns are full; the frame is
larger than allowed; it is not MQTT."""

BAD_LENGTH, BAD_QOS, BAD_TOPIC, BAD_PACKET_ID, BAD_PROPERTIES, BAD_CONTROL = 1, 2, 3, 4, 5, 6
"""What was wrong with a malformed frame."""

FAULTS = {
    BAD_LENGTH: ("a remaining length of at most four bytes", "a longer one"),
    BAD_QOS: ("QoS 0, 1 or 2, and no DUP bit at QoS 0", "other flags in PUBLISH"),
    BAD_TOPIC: ("a topic inside its packet", "none"),
    BAD_PACKET_ID: ("a packet id above 0", "none"),
    BAD_PROPERTIES: ("properties inside their packet", "a longer length"),
    BAD_CONTROL: ("a small control packet", "a large one"),
}
"""Each of them as what was expected and what was found."""

CONTROL_BYTES_MAX = 65_536
"""Answers of the broker are small; a larger one means that we lost our place in the stream."""

DECODED, SLOW, UNROUTED, RETAINED, OVERSIZE = 0, 1, 2, 3, 4
"""What became of a message: decoded by a kernel; left to the reference codec; no device by its topic; a stored
copy of an old message; larger than allowed."""

_FNV_START = np.uint64(14695981039346656037)
_FNV_FACTOR = np.uint64(1099511628211)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def hash_bytes(data: NDArray[np.uint8], at: int, size: int) -> np.int64:
    """Return the FNV-1a hash of some bytes, folded to 31 bits."""
    value = _FNV_START
    for i in range(at, at + size):
        value = (value ^ np.uint64(data[i])) * _FNV_FACTOR
    return np.int64((value ^ (value >> np.uint64(32))) & np.uint64(0x7FFFFFFF))


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def fill_table(names: NDArray[np.uint8], name_at: NDArray[np.int64], table: NDArray[np.int32]) -> None:
    """Put every name into an empty table as `route` reads it; the table has more places than names.

    An empty name is nobody's and is left out: no message has an empty topic.
    """
    mask = table.size - 1
    for index in range(name_at.size - 1):
        if name_at[index] == name_at[index + 1]:
            continue
        place = hash_bytes(names, name_at[index], name_at[index + 1] - name_at[index]) & mask
        while table[place] >= 0:
            place = (place + 1) & mask
        table[place] = index


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _varint(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """Return a variable byte integer and the position after it: -1 where the data end first, -2 where it is longer."""
    value = 0
    for shift in range(0, 28, 7):
        if at >= end:
            return 0, -1
        byte = int(data[at])
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return 0, -2


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def scan(
    data: NDArray[np.uint8],
    at: int,
    end: int,
    row: int,
    mqtt_5: bool,
    frame_bytes_max: int,
    frame_at: NDArray[np.int32],
    packet_id: NDArray[np.uint16],
    qos: NDArray[np.uint8],
    retained: NDArray[np.bool_],
    dup: NDArray[np.bool_],
    topic_at: NDArray[np.int32],
    topic_size: NDArray[np.int32],
    payload_at: NDArray[np.int32],
    payload_size: NDArray[np.int32],
) -> tuple[int, int, int, int]:
    """Find PUBLISH frames in data[at:end] and write one row for each, from `row` on.

    Returns position of the first frame not taken, the next free row, why it stopped, and for a malformed frame
    what was wrong with it. Works in one pass and never reads at or beyond `end`.
    """
    rows = packet_id.size
    while at < end:
        first = data[at]
        size, body = _varint(data, at + 1, end)
        if body < 0:
            return at, row, (MORE if body == -1 else MALFORMED), (0 if body == -1 else BAD_LENGTH)
        stop = body + size
        if first >> 4 != 3:
            if size > CONTROL_BYTES_MAX:
                return at, row, MALFORMED, BAD_CONTROL
            return at, row, (CONTROL if stop <= end else MORE), 0
        level = (first >> 1) & 3
        if level == 3 or (level == 0 and first & 8):
            return at, row, MALFORMED, BAD_QOS
        if size > frame_bytes_max:
            return at, row, OVERSIZED, 0
        if stop > end:
            return at, row, MORE, 0
        if row >= rows:
            return at, row, FULL, 0
        if size < 2:
            return at, row, MALFORMED, BAD_TOPIC
        name = (int(data[body]) << 8) | int(data[body + 1])
        payload = body + 2 + name
        if name == 0 or payload > stop:
            return at, row, MALFORMED, BAD_TOPIC
        number = 0
        if level > 0:
            if payload + 2 > stop:
                return at, row, MALFORMED, BAD_PACKET_ID
            number = (int(data[payload]) << 8) | int(data[payload + 1])
            payload += 2
            if number == 0:
                return at, row, MALFORMED, BAD_PACKET_ID
        if mqtt_5:
            length, payload = _varint(data, payload, stop)
            if payload < 0:
                return at, row, MALFORMED, BAD_PROPERTIES
            payload += length
            if payload > stop:
                return at, row, MALFORMED, BAD_PROPERTIES
        frame_at[row] = at
        packet_id[row] = number
        qos[row] = level
        retained[row] = (first & 1) != 0
        dup[row] = (first & 8) != 0
        topic_at[row] = body + 2
        topic_size[row] = name
        payload_at[row] = payload
        payload_size[row] = stop - payload
        row += 1
        at = stop
    return at, row, MORE, 0


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def route(
    data: NDArray[np.uint8],
    first: int,
    last: int,
    topic_at: NDArray[np.int32],
    topic_size: NDArray[np.int32],
    retained: NDArray[np.bool_],
    table: NDArray[np.int32],
    names: NDArray[np.uint8],
    name_at: NDArray[np.int64],
    device: NDArray[np.int32],
    status: NDArray[np.uint8],
) -> None:
    """Set device and status of the messages first <= m < last by their topics.

    `table` is open addressing of a power of two of places holding positions of names, -1 where free; name i is
    names[name_at[i]:name_at[i + 1]]. At least one place must be free. A found device starts as `SLOW`: nothing is
    decoded yet.
    """
    mask = table.size - 1
    for m in range(first, last):
        at, size = np.int64(topic_at[m]), np.int64(topic_size[m])
        place = hash_bytes(data, at, size) & mask
        found = -1
        while table[place] >= 0:
            candidate = table[place]
            start = name_at[candidate]
            if name_at[candidate + 1] - start == size:
                same = True
                for i in range(size):
                    if names[start + i] != data[at + i]:
                        same = False
                        break
                if same:
                    found = candidate
                    break
            place = (place + 1) & mask
        device[m] = found
        status[m] = RETAINED if retained[m] else (SLOW if found >= 0 else UNROUTED)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def write_acknowledgements(packet_id: NDArray[np.uint16], level: NDArray[np.uint8], out: NDArray[np.uint8]) -> int:
    """Write PUBACK (PUBREC for QoS 2) for each packet id that is under way; return how many.

    `level` holds, per packet id, the QoS of the message under way in this connection, 0 for none; it is cleared
    for what is acknowledged here, so that nothing is acknowledged twice. `out` has room for 4 bytes a packet id.
    The form without reason code is the same in MQTT 5 (success) and 3.1.1.
    """
    count = 0
    for i in range(packet_id.size):
        number = packet_id[i]
        if level[number] == 0:
            continue
        at = 4 * count
        out[at] = 0x40 if level[number] == 1 else 0x50
        out[at + 1] = 2
        out[at + 2] = number >> 8
        out[at + 3] = number & 0xFF
        level[number] = 0
        count += 1
    return count


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def mark_under_way(
    packet_id: NDArray[np.uint16], qos: NDArray[np.uint8], first: int, last: int, level: NDArray[np.uint8]
) -> int:
    """Note the messages first <= m < last as under way in this connection; return how many were not yet."""
    fresh = 0
    for m in range(first, last):
        if qos[m] > 0:
            fresh += level[packet_id[m]] == 0
            level[packet_id[m]] = qos[m]
    return fresh
