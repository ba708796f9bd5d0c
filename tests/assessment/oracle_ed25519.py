"""Ed25519 as RFC 8032 (section 5.1.7) writes it down, in whole numbers: slow, and shares nothing with what signs."""

from __future__ import annotations

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)

Point = tuple[int, int]


def x_of(y: int, odd: int) -> int:
    """Return the x of a point by its y and its lowest bit."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT % P
    assert x * x % P == square, "no point of the curve"
    return x if x % 2 == odd else P - x


def point_of(packed: bytes) -> Point:
    number = int.from_bytes(packed, "little")
    y = number % 2**255
    return x_of(y, number >> 255), y


def added(a: Point, b: Point) -> Point:
    twist = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + twist, -1, P) % P
    return x, (a[1] * b[1] + a[0] * b[0]) * pow(1 - twist, -1, P) % P


def times(number: int, point: Point) -> Point:
    total = (0, 1)
    while number:
        if number % 2:
            total = added(total, point)
        point, number = added(point, point), number // 2
    return total


BASE = (x_of(4 * pow(5, -1, P) % P, 0), 4 * pow(5, -1, P) % P)


def holds(public: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether a signature is a key's over a message."""
    scalar = int.from_bytes(signature[32:], "little")
    digest = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    right = added(point_of(signature[:32]), times(digest, point_of(public)))
    return scalar < ORDER and times(scalar, BASE) == right
