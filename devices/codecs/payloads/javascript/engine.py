"""JavaScript in a box: the same call of the same program gives the same answer, on any machine and under any load.

Knows the engine (QuickJS as WebAssembly) and its calls; knows neither payloads nor decoders. The engine has a memory of
its own and nothing else: no file, no network, no environment. All by which two runs could differ is given. Work is
counted in instructions, so a program that never ends is stopped at the same one everywhere, inside the engine's own
loops too; its clock stands at the time of the call, its random numbers begin anew, and each call begins with the memory
as it was after loading, byte for byte, so that nothing passes from one message to the next.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import threading
import weakref
from functools import cache, lru_cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import wasmtime

INSTRUCTIONS_MAX: Final = 100_000_000
"""WebAssembly instructions of one call: some 40 ms, two hundred times what a common decoder takes."""
HOST_CALL_INSTRUCTIONS: Final = 100_000
"""What a call out of the box, such as for the time, counts for: it takes as long, and the engine counts it as one."""
LOADING_INSTRUCTIONS_MAX: Final = 1_000_000_000
"""The same of a program's loading, in which it is compiled and its tables are made."""
HEAP_BYTES_MAX: Final = 16_777_216
"""Memory of a program's values; beyond it the program is told `out of memory`."""
MEMORY_BYTES_MAX: Final = 33_554_432
"""Memory of the engine with all that it holds; beyond it the call is stopped."""
STACK_BYTES_MAX: Final = 1_048_576
"""Machine stack of one call: functions may call each other a thousand deep."""
ANSWER_BYTES_MAX: Final = 262_144
PROGRAMS_MAX: Final = 64
"""Programs kept loaded, each with 1.5 MB of memory; the one used longest ago goes first."""

_SPARE_BYTES: Final = 131_072
"""Free memory of a loaded program: after a call that stays within it, the memory has its size and can be restored."""
_INPUT_BYTES: Final = 2_048
"""A place kept for the text of a call; longer ones get one of their own."""
_HANDLE_BYTES: Final = 4
_PAGE_BYTES: Final = 65_536
_NOT_AVAILABLE: Final = 52  # WASI's ENOSYS
_CLOCK, _INTERRUPT, _RANDOM, _EXIT = "clock_time_get", "host_interrupt", "random_get", "proc_exit"
CLOCK_US_MAX: Final = (2**63 - 1) // 1000
"""Its clock counts nanoseconds in 64 bits: it stands still in 2262, and before 1970."""
_STOPPED: Final = {
    "OUT_OF_FUEL": "took more than {instructions} instructions",
    "STACK_OVERFLOW": "calls itself too deeply",
}


class ProgramError(Exception):
    """A program could not be loaded, or answered with a fault; the text says why."""


class StoppedError(ProgramError):
    """A program was stopped at a limit; the text says at which."""


class _Clock:
    """The time that an instance sees."""

    now_ns = 0


class _Image(NamedTuple):
    """A loaded program: all that an instance's state is."""

    stack_pointer: int
    """The one variable that the engine keeps outside its memory. Below lies the stack, of which nothing is in use
    between two calls: it is all zeros."""
    memory: bytes
    """Its bytes from there on."""
    place: int
    """Where the text of a call is put."""


class Program:
    """A loaded program. Threads may share it; what it computes depends on the arguments alone."""

    def __init__(self, *sources: str) -> None:
        """Load sources, one after the other; what each evaluates to must be an empty answer.

        Raises:
            ProgramError: one answers with a fault, or was stopped.
        """
        instance = _Instance()
        for source in sources:
            _answered(instance.evaluate(source, LOADING_INSTRUCTIONS_MAX))
        self._image = instance.image()
        # Appending and popping are one step each, so two threads never hold the same instance.
        self._idle = [instance]

    @property
    def memory(self) -> bytes:
        """What each call begins with."""
        return bytes(self._image.stack_pointer) + self._image.memory

    def call(self, text: str, now_us: int) -> str:
        """Return the answer of an expression, a text, computed at a time of day.

        Raises:
            ProgramError: the answer is a fault.
            StoppedError: the call was stopped.
        """
        try:
            instance = self._idle.pop()
        except IndexError:
            instance = _Instance()
        answer = instance.answer(self._image, text, now_us)
        if not self._idle and instance.fits(self._image):
            self._idle.append(instance)
        return _answered(answer)


def _answered(answer: str) -> str:
    """Return what an answer says.

    Raises:
        ProgramError: it is a fault.
        StoppedError: it is what stopped the program.
    """
    if answer.startswith("s"):
        raise StoppedError(answer[1:])
    if not answer.startswith("r"):
        raise ProgramError(answer[1:])
    return answer[1:]


@lru_cache(maxsize=PROGRAMS_MAX)
def program(*sources: str) -> Program | ProgramError:
    """Return a program by what loads it, or why it cannot be loaded; either is found out once."""
    try:
        return Program(*sources)
    except ProgramError as error:
        return error


def literal(value: object) -> str:
    """Return a value as an expression."""
    return json.dumps(value)


class _Instance:
    """One engine with a memory of its own; of one thread at a time."""

    def __init__(self) -> None:
        import wasmtime

        engine, module = _compiled()
        self._clock = _Clock()
        self._store = wasmtime.Store(engine)
        self._store.set_limits(memory_size=MEMORY_BYTES_MAX)
        self._store.set_fuel(LOADING_INSTRUCTIONS_MAX)
        linker = _linker(engine, module, self._clock, weakref.ref(self._store))  # else the store would hold itself
        exports = linker.instantiate(self._store, module).exports(self._store)
        self._exports: Any = {name: exports[name] for name in _EXPORTS}
        self._call("set_memory_limit", HEAP_BYTES_MAX)
        self._place = self._call("qjs_alloc", _HANDLE_BYTES + _INPUT_BYTES)

    def evaluate(self, source: str, instructions: int) -> str:
        """Return the text that a source evaluates to, or "s" and what stopped it.

        Raises:
            ProgramError: the engine itself refused.
        """
        import wasmtime

        self._store.set_fuel(instructions)
        try:
            return self._evaluated(source.encode("utf-8"))
        except wasmtime.Trap as trap:
            why = "" if trap.trap_code is None else trap.trap_code.name
            told = _STOPPED.get(why, "was stopped: " + (why or "unknown").lower().replace("_", " "))
            return "s" + told.format(instructions=instructions)
        except wasmtime.WasmtimeError as error:
            return "swas stopped: " + str(error)

    def image(self) -> _Image:
        """Return the state of this instance, with some memory to spare."""
        self._call("qjs_free", self._call("qjs_alloc", _SPARE_BYTES), _SPARE_BYTES)
        stack_pointer = int(self._exports["__stack_pointer"].value(self._store))
        return _Image(stack_pointer, self._bytes(stack_pointer, self._size() - stack_pointer), self._place)

    def fits(self, image: _Image) -> bool:
        """Return whether the image can be put into this memory, which never shrinks."""
        return self._size() == image.stack_pointer + len(image.memory)

    def answer(self, image: _Image, source: str, now_us: int) -> str:
        """Return what a source evaluates to in an image; see `evaluate`."""
        self._restore(image)
        self._clock.now_ns = min(max(now_us, 0), CLOCK_US_MAX) * 1000
        return self.evaluate(source, INSTRUCTIONS_MAX)

    def _restore(self, image: _Image) -> None:
        missing = image.stack_pointer + len(image.memory) - self._size()
        if missing > 0:
            self._exports["memory"].grow(self._store, missing // _PAGE_BYTES)
        ctypes.memset(self._address(), 0, image.stack_pointer)
        ctypes.memmove(self._address() + image.stack_pointer, image.memory, len(image.memory))
        self._exports["__stack_pointer"].set_value(self._store, image.stack_pointer)
        self._place = image.place

    def _evaluated(self, source: bytes) -> str:
        handle = self._place
        place = handle + _HANDLE_BYTES if len(source) <= _INPUT_BYTES else self._call("qjs_alloc", len(source))
        if place <= 0 or place + len(source) > self._size():
            return "eout of memory"
        ctypes.memmove(self._address() + place, source, len(source))
        if self._call("eval_code", place, len(source), handle):
            return "ethrew what cannot be told"
        if self._call("get_string", int.from_bytes(self._bytes(handle, _HANDLE_BYTES), "little")):
            return "egave no text"
        size, start = self._call("qjs_last_len"), self._call("qjs_last_ptr")
        if not 0 < size <= ANSWER_BYTES_MAX:
            return f"egave an answer of {size} bytes, expected at most {ANSWER_BYTES_MAX}"
        return self._bytes(start, size).decode("utf-8", "replace")

    def _bytes(self, start: int, size: int) -> bytes:
        if start < 0 or start + size > self._size():
            return b""
        return ctypes.string_at(self._address() + start, size)

    def _call(self, name: str, *arguments: int) -> int:
        found = self._exports[name](self._store, *arguments)
        return found & 0xFFFF_FFFF if isinstance(found, int) else 0

    def _size(self) -> int:
        return int(self._exports["memory"].data_len(self._store))

    def _address(self) -> int:
        return ctypes.addressof(self._exports["memory"].data_ptr(self._store).contents)


_EXPORTS: Final = (
    "memory", "__stack_pointer", "qjs_alloc", "qjs_free", "qjs_last_len", "qjs_last_ptr", "eval_code", "get_string",
    "set_memory_limit",
)  # fmt: skip
_COMPILING = threading.Lock()


def binary() -> bytes:
    """Return the engine. It lies in a package of which nothing else is used, so that is not imported."""
    spec = find_spec("quickjs_rs")
    if spec is None or spec.origin is None:
        raise ImportError("package quickjs-rs is missing: install cityvitals with its dependencies")
    return Path(spec.origin).with_name("_guest.wasm").read_bytes()


def _compiled() -> tuple[wasmtime.Engine, wasmtime.Module]:
    with _COMPILING:  # once a process: it takes two seconds of a processor
        return _compile()


@cache
def _compile() -> tuple[wasmtime.Engine, wasmtime.Module]:
    import wasmtime

    config = wasmtime.Config()
    config.consume_fuel = True
    config.max_wasm_stack = STACK_BYTES_MAX
    config.parallel_compilation = False  # its threads would not live on in a forked process
    config.cranelift_nan_canonicalization = True  # the bits of NaN differ between processors otherwise
    engine = wasmtime.Engine(config)
    return engine, wasmtime.Module(engine, binary())


def _forget() -> None:
    """Let go of what wasmtime holds while its own module is still there to free it."""
    program.cache_clear()
    _compile.cache_clear()


atexit.register(_forget)


@cache
def part(name: str) -> str:
    """Return the source of a file beside this one."""
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _linker(
    engine: wasmtime.Engine, module: wasmtime.Module, clock: _Clock, owner: weakref.ref[wasmtime.Store]
) -> wasmtime.Linker:
    """Return what the engine may call: a clock that stands still, zeros for chance, and refusals.

    Each call is charged but the engine's own question whether to go on, which no program can ask.
    """
    import wasmtime

    def charge() -> None:
        store = owner()
        if store is not None:
            store.set_fuel(max(0, store.get_fuel() - HOST_CALL_INSTRUCTIONS))

    def tell(caller: Any, _which: int, _precision: int, place: int) -> int:
        charge()
        caller["memory"].write(caller, clock.now_ns.to_bytes(8, "little"), place)
        return 0

    def fill(caller: Any, place: int, size: int) -> int:
        charge()
        caller["memory"].write(caller, bytes(min(size, MEMORY_BYTES_MAX)), place)
        return 0

    def refuse(_caller: Any, *_arguments: int) -> int:
        charge()
        return _NOT_AVAILABLE

    def end(_caller: Any, *_arguments: int) -> None:
        """Return into code that traps: an engine that ends itself is stopped."""

    def go_on(_caller: Any) -> int:
        return 0

    offered: dict[str, Any] = {_CLOCK: tell, _RANDOM: fill, _EXIT: end, _INTERRUPT: go_on}
    linker = wasmtime.Linker(engine)
    for wanted in module.imports:
        kind = wanted.type
        assert isinstance(kind, wasmtime.FuncType)  # noqa: S101  # the engine imports functions only
        name = wanted.name or ""
        linker.define_func(wanted.module, name, kind, offered.get(name, refuse), access_caller=True)
    return linker
