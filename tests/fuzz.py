"""`python -m tests.fuzz FORMAT --inputs 1000000`: seeded bytes, until a decoder raises what it may not or takes long.

Knows mutations and limits; what must hold of every input is `tests.devices.test_total.account`. The same seed gives the
same inputs on every machine; the slowest one is printed, so that it can be tried alone.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from rich.progress import track

from devices import CODECS, DeviceModel, codec, prepare
from tests.corpus import run as corpus
from tests.devices.test_total import MODELS, SEEDS, TOKENS, account

INPUT_S_MAX = 5.0
"""What one input may take of a processor; decoders in JavaScript are given most of it."""
RANDOM_SHARE = 10
"""One input of so many is nothing but random bytes."""
EDITS_MAX = 8
BYTES_MAX = 400


@dataclass
class Fuzzed:
    """What a run showed."""

    inputs: int = 0
    slowest_s: float = 0.0
    slowest: bytes = b""
    slowest_model: str = ""
    memory_kib: int = 0
    """By how much the process grew in the run."""


@cache
def material(name: str) -> tuple[tuple[DeviceModel, tuple[bytes, ...]], ...]:
    """Return the models of a format, each with the messages that mutations begin with."""
    recorded: dict[str, list[bytes]] = {}
    for entry in corpus.listed()["model"]:
        recorded.setdefault(entry["code"], []).extend(corpus.payload(message) for message in entry["messages"])
    models = {model.code: model for model in (*corpus.models().values(), *MODELS) if model.codec == name}
    return tuple(
        (model, (*(vector.payload for vector in model.vectors), *recorded.get(code, ()), *SEEDS))
        for code, model in sorted(models.items())
    )


def mutated(dice: Random, data: bytes) -> bytes:
    """Return a message with bytes cut, doubled, flipped and inserted."""
    for _ in range(dice.randint(1, EDITS_MAX)):
        at = dice.randint(0, len(data))
        end = min(len(data), at + dice.randint(0, 12))
        put = (
            dice.choice(TOKENS),
            dice.randbytes(dice.randint(0, 4)),
            data[at:end] * 2,
            bytes(b ^ 1 << dice.randint(0, 7) for b in data[at:end]),
        )
        data = data[:at] + dice.choice(put) + data[end:]
    return data


def inputs(name: str, count: int, seed: int) -> Iterator[tuple[DeviceModel, bytes]]:
    """Give so many inputs of a format with the model that reads each."""
    dice = Random(f"{name}/{seed}")  # noqa: S311  # a reproducible run, no secret
    models = material(name)
    for number in range(count):
        model, messages = dice.choice(models)
        if number % RANDOM_SHARE == 0:
            yield model, dice.randbytes(dice.randint(0, BYTES_MAX))
        else:
            # Half of them begin with messages of the model's own.
            own = max(1, len(messages) - len(SEEDS))
            yield model, mutated(dice, messages[dice.randrange(own)] if dice.random() < 0.5 else dice.choice(messages))


def fuzz(name: str, count: int, seed: int) -> Fuzzed:
    """Decode so many inputs.

    Raises:
        AssertionError: what a decoder returned breaks what callers rely on, or an input took too long.
        Exception: a decoder raised something else than `PayloadError`; notes tell model and input.
    """
    chosen, done = codec(name), Fuzzed()
    for model, _ in material(name):
        prepare(model)  # as a gateway does: the engine of JavaScript is compiled before the first message
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for model, data in track(inputs(name, count, seed), f"{name} ", count, disable=not sys.stderr.isatty()):
        start_s = time.process_time()
        try:
            account(chosen, data, model)
        except BaseException as error:
            error.add_note(f"input {done.inputs} of {name}, seed {seed}, model {model.code}: {data.hex()}")
            raise
        took_s = time.process_time() - start_s
        done.inputs += 1
        if took_s > done.slowest_s:
            done.slowest_s, done.slowest, done.slowest_model = took_s, data, model.code
        assert took_s < INPUT_S_MAX, f"{took_s} s for model {model.code}: {data.hex()}"
    done.memory_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    return done


def main() -> int:
    """Run one format, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("format", choices=[chosen.name for chosen in CODECS] + ["all"])
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for name in [chosen.name for chosen in CODECS] if given.format == "all" else [given.format]:
        done = fuzz(name, given.inputs, given.seed)
        sys.stdout.write(
            f"{name}: {done.inputs} inputs, slowest {done.slowest_s * 1000:.1f} ms ({done.slowest_model},"
            f" {len(done.slowest)} bytes: {done.slowest[:60].hex()}), memory grew by {done.memory_kib / 1024:.1f} MiB\n"
        )
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
