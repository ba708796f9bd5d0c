"""Slow twin of the frame scanner: bytes and slices, one obvious step after the other."""

from __future__ import annotations

from typing import NamedTuple

from ingest.kernels import frames


class Message(NamedTuple):
    """One PUBLISH; topic and payload as (start, size)."""

    frame_at: int
    packet_id: int
    qos: int
    retained: bool
    dup: bool
    topic: tuple[int, int]
    payload: tuple[int, int]


def varint(data: bytes, at: int, end: int) -> tuple[int, int] | str:
    """Value and next position; "short" or "long" where there is none."""
    value = 0
    for place in range(4):
        if at + place >= end:
            return "short"
        value += (data[at + place] & 127) << (7 * place)
        if data[at + place] < 128:
            return value, at + place + 1
    return "long"


def scan(
    data: bytes, at: int, end: int, row: int, rows: int, mqtt_5: bool, frame_bytes_max: int
) -> tuple[list[Message], tuple[int, int, int, int]]:
    """The messages found, and (position, next row, why, detail) as the kernel answers."""
    found: list[Message] = []

    def stopped(why: int, detail: int = 0) -> tuple[list[Message], tuple[int, int, int, int]]:
        return found, (at, row + len(found), why, detail)

    while at < end:
        length = varint(data, at + 1, end)
        if length == "short":
            return stopped(frames.MORE)
        if isinstance(length, str):
            return stopped(frames.MALFORMED, frames.BAD_LENGTH)
        size, body = length
        kind, flags = data[at] >> 4, data[at] & 15
        if kind != 3:
            if size > frames.CONTROL_BYTES_MAX:
                return stopped(frames.MALFORMED, frames.BAD_CONTROL)
            return stopped(frames.CONTROL if body + size <= end else frames.MORE)
        qos = (flags >> 1) & 3
        if qos == 3 or (qos == 0 and flags & 8):
            return stopped(frames.MALFORMED, frames.BAD_QOS)
        if size > frame_bytes_max:
            return stopped(frames.OVERSIZED)
        if body + size > end:
            return stopped(frames.MORE)
        if row + len(found) >= rows:
            return stopped(frames.FULL)
        packet = data[body : body + size]
        name = int.from_bytes(packet[:2], "big")
        if size < 2 or name == 0 or 2 + name > size:
            return stopped(frames.MALFORMED, frames.BAD_TOPIC)
        rest, number = 2 + name, 0
        if qos:
            number = int.from_bytes(packet[rest : rest + 2], "big")
            if rest + 2 > size or number == 0:
                return stopped(frames.MALFORMED, frames.BAD_PACKET_ID)
            rest += 2
        if mqtt_5:
            properties = varint(packet, rest, size)
            if isinstance(properties, str) or properties[1] + properties[0] > size:
                return stopped(frames.MALFORMED, frames.BAD_PROPERTIES)
            rest = sum(properties)
        found.append(
            Message(
                at, number, qos, bool(flags & 1), bool(flags & 8), (body + 2, name), (body + rest, size - rest)
            )
        )  # fmt: skip
        at = body + size
    return stopped(frames.MORE)
