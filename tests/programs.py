"""Decoders in JavaScript that are themselves drawn: short programs that try every limit and every way out of the box.

Knows a small grammar of what is hard on an engine (loops, recursion, growth, traps, odd values, the box's own names);
knows no limit. A program is the message of a model whose decoder runs it, so one loaded engine tries thousands.
"""

from __future__ import annotations

from random import Random
from typing import Final

from tests.devices.make import model

DEPTH_MAX: Final = 4
MODEL: Final = model(
    'title = "runs what it is sent"\ncodec = "bytes"\ninterval_s = 60\n[payload]\ndecoder = "javascript"\n'
    '[[field]]\nname = "level"\npath = "a"\nmeasurand = "water_level"\nunit = "m"\n',
    code="programs",
    script="function decodeUplink(input) {\n"
    "  var source = input.bytes.map(function (each) { return String.fromCharCode(each); }).join('');\n"
    "  return new Function('input', source).call(this, input);\n"
    "}\n",
)

# E stands for an expression, S for a statement, N for a number.
_EXPRESSIONS: Final = (
    "E + E", "E.a", "E[E]", "E(E)", "new E(E)", "[E, E]", "({ a: E, b: E })", "[...E]", "({ ...E })", "E?.a ?? E",
    "typeof E", "({ get a() { S } })", "({ toJSON() { S } })", "({ toString() { S }, valueOf() { S } })",
    "({ [Symbol.toPrimitive]() { S } })", "({ then(f) { S } })", "({ *[Symbol.iterator]() { for (;;) yield E; } })",
    "function () { S }", "(() => { S })()",
    "new Proxy(E, { get() { S }, ownKeys() { S }, getOwnPropertyDescriptor() { S } })",
    "new Proxy([], { get: () => E })", "'x'.repeat(N)", "'abc'.padEnd(N, E)", "Array(N)", "Array(N).fill(E)",
    "new Uint8Array(N)", "new ArrayBuffer(N)", "Array.from({ length: N }, () => E)", "Object.fromEntries([[E, E]])",
    "[].concat(E, E).flat(N)", "E.sort(() => E)", "/^(a+)+$/.test('a'.repeat(40) + E)", "'x'.replace(/x*/g, () => E)",
    "/(?<=(.*)*)x/.exec(E)", "new RegExp(E, 'v')", "BigInt(N) ** BigInt(N)", "2n ** 64n", "1n << BigInt(N)",
    "Symbol(E)", "NaN", "-Infinity", "-0", "1 / 3", "5e-324", "null", "undefined", "true", "''", "'\\ud800'",
    "'__proto__'", "N", "input", "input.bytes", "input.recvTime", "globalThis", "this", "JSON",
    "JSON.parse('['.repeat(N))", "JSON.stringify(E)", "JSON.rawJSON(E)", "cityvitals", "cityvitals.load(E, E)",
    "cityvitals.decode(E, E, E)", "eval(E)", "new Date(N)", "Date.now()", "Math.random()", "structuredClone",
    "Promise.resolve(E)", "Object.create(E)", "Object.freeze(E)", "Object.assign(E, E)", "Reflect.construct(E, [E])",
    "E.constructor", "E.__proto__", "(function f() { return f(); })()",
    "(function f(n) { return n ? [f(n - 1)] : E; })(N)", "new (class extends E {})()", "(E.a = E)",
    "(globalThis.a = E)", "(Object.prototype.a = E)", "(Object.prototype.toJSON = () => E)", "(JSON.stringify = E)",
    "(Array.prototype.map = E)", "(String.prototype.toWellFormed = E)", "((a) => { a.a = a; return a; })({})",
    "new WeakRef(E)", "new Intl.NumberFormat(E)", "console.log(E)", "module.exports", "import('E')", "Atomics",
    "async () => E",
)  # fmt: skip
_STATEMENTS: Final = (
    "return E;", "return E;", "throw E;", "for (;;);", "for (const a = []; ; ) a.push(E);",
    "for (let s = 'x'; ; ) s += s;", "try { S } catch { S }", "try { S } finally { S }", "while (E) S",
    "for (const k in E) S", "for (const k of E) S", "delete E.a;", "E; S", "return { data: E };",
    "return { errors: E };", "{", "debugger;",
)  # fmt: skip
_NUMBERS: Final = (
    "0", "1", "-1", "0.5", "40", "1e3", "1e4", "1e6", "65536", "2147483648", "4294967295", "2 ** 53", "1e300",
)  # fmt: skip


def drawn(dice: Random) -> bytes:
    """Return a program: a function's body, which mostly ends in an answer of a decoder."""
    ends = (
        "return { data: { a: E, b: E } };",
        "return { data: E };",
        "return { data: { a: 1.5 }, warnings: E };",
        "S",
        "throw E;",
    )
    body = ("", "E;", "S", "E; E;")
    return _filled(dice, f"{dice.choice(body)} {dice.choice(ends)}", DEPTH_MAX).encode("latin-1", "replace")


def _filled(dice: Random, template: str, depth: int) -> str:
    """Return a template with all that stands for something else replaced; at the last depth by what is short."""
    said = []
    for at, each in enumerate(template):
        # A letter within a word is the word's.
        alone = not template[max(0, at - 1) : at].isalpha() and not template[at + 1 : at + 2].isalpha()
        if each not in "ESN" or not alone:
            said.append(each)
        elif each == "N":
            said.append(f"({dice.choice(_NUMBERS)})")
        elif depth == 0:
            said.append("(1)" if each == "E" else "return 1;")
        else:
            said.append(_filled(dice, dice.choice(_EXPRESSIONS if each == "E" else _STATEMENTS), depth - 1))
    return "".join(said)
