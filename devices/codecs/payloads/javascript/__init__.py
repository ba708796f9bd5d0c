"""Decoders in JavaScript, as vendors publish them for network servers, run unchanged.

Knows how network servers call a decoder and what it returns; the engine they run in knows the rest. What a decoder
returns is a document: each number the shortest decimal that names its double; a BigInt its exact text; NaN and the
infinities null, which no field takes for a number; what is undefined is absent.
"""

from __future__ import annotations

import json

from devices.codecs.jsontext import NumberText, parse_json
from devices.codecs.payloads.javascript.engine import Program, ProgramError, StoppedError, literal, part, program
from devices.errors import DecoderStoppedError, PayloadError
from devices.scripts import JavaScript

_BUFFER = "Buffer"
"""What only ChirpStack gives to decoders; those that do not name it go without its memory."""
_TOLD_CHARS_MAX = 120
_DIGITS_SURE = 15
"""Two decimals of so many digits never name the same double."""
_WHOLE_MAX = 2**53
"""Whole numbers up to here are doubles, and written out."""


def prepare(rules: object) -> None:
    """Load a model's decoder: the first one of a process waits two seconds for the engine."""
    _program(_rules(rules))


def decode(data: bytes, f_port: int | None, time_us: int, rules: object) -> object:
    """Return what a model's decoder makes of bytes; see `PayloadDecoder.decode`.

    Raises:
        PayloadError: `malformed` with the decoder's own words.
        DecoderStoppedError: `malformed` with the limit at which it was stopped.
    """
    script = _rules(rules)
    loaded = _program(script)
    if not isinstance(loaded, Program):
        raise _refused(script, loaded)
    port = "null" if f_port is None else str(f_port)
    try:
        answer = loaded.call(f"cityvitals.decode([{','.join(map(str, data))}],{port},{time_us // 1000})", time_us)
    except ProgramError as error:
        raise _refused(script, error) from error
    return _shortest(parse_json(answer.encode("utf-8")))


def _rules(rules: object) -> JavaScript:
    assert isinstance(rules, JavaScript)  # noqa: S101  # what their reader returned
    return rules


def _program(script: JavaScript) -> Program | ProgramError:
    parts = ["harness.js", *(["buffer.js"] if _BUFFER in script.source else [])]
    load = f"cityvitals.load({literal(script.source)}, {literal(dict(script.variables))})"
    return program(*map(part, parts), load)


def _shortest(value: object) -> object:
    """Return a document with each number as short as can be: the engine writes some powers of two with a digit more."""
    if isinstance(value, NumberText):
        number = float(value)
        return value if len(value) <= _DIGITS_SURE or _whole(number) else NumberText(repr(number))
    if isinstance(value, dict):
        return {name: _shortest(inner) for name, inner in value.items()}
    return [_shortest(inner) for inner in value] if isinstance(value, list) else value


def _whole(number: float) -> bool:
    return number.is_integer() and abs(number) <= _WHOLE_MAX


def _refused(script: JavaScript, error: ProgramError) -> PayloadError:
    text = str(error)
    cut = text if len(text) <= _TOLD_CHARS_MAX else text[:_TOLD_CHARS_MAX] + "…"
    kind = DecoderStoppedError if isinstance(error, StoppedError) else PayloadError
    return kind("malformed", f"{script.file}: {json.dumps(cut)}")
