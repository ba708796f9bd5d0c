"""`python -m tests.fuzz FORMAT --inputs 1000000`: seeded bytes, until a decoder raises what it may not or takes long.

Knows limits and shares; how a message is changed is `tests.mutations`, what must hold of every input is
`tests.devices.test_total.account`. The same seed gives the same inputs on every machine; the slowest one is printed, so
that it can be tried alone. `javascript` stands for every model with a decoder in JavaScript, whatever its format, and
for decoders that are themselves drawn: programs are the messages of a model that runs them.
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
from typing import Final

from rich.progress import track

from devices import CODECS, DeviceModel, codec, prepare
from devices.payloads import PayloadOptions
from devices.scripts import JavaScript
from tests import programs
from tests.corpus import run as corpus
from tests.devices.test_total import MODELS, SEEDS, account
from tests.mutations import Words, changed, damaged, fits, words

INPUT_S_MAX = 1.0
"""What one input may take of a processor: twenty times what a decoder in JavaScript can."""
RANDOM_SHARE = 20
"""One input of so many is nothing but random bytes, and one a message of any format, damaged."""
PROGRAM_SHARE = 8
"""Of the decoders in JavaScript one of so many is itself drawn."""
SCRIPTED: Final = "javascript"
FORMATS: Final = (*(chosen.name for chosen in CODECS), SCRIPTED)
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
    """Return the models of a format, or those with a decoder in JavaScript, each with messages that it might get."""
    recorded: dict[str, list[bytes]] = {}
    for entry in corpus.listed()["model"]:
        recorded.setdefault(entry["code"], []).extend(corpus.payload(message) for message in entry["messages"])
    models = dict.fromkeys((*corpus.models().values(), *MODELS))  # models of tests share a code
    found = []
    for model in models:
        if name not in (model.codec, _road(model)):
            continue
        own = (*(vector.payload for vector in model.vectors), *recorded.get(model.code, ()))
        own = tuple(message for message in own if fits(model.codec, message))
        others = tuple(message for message in SEEDS if fits(model.codec, message))
        # Nine of ten are the model's own, where it has any.
        found.append((model, own * (1 + 9 * len(others) // max(1, len(own))) + others))
    return tuple(found)


def _road(model: DeviceModel) -> str:
    """Return what runs beside the model's format."""
    options = model.options
    return SCRIPTED if isinstance(options, PayloadOptions) and isinstance(options.rules, JavaScript) else ""


@cache
def known(name: str) -> Words:
    """Return what the messages of a format say; those of others lend their words."""
    return words((*(message for _, messages in material(name) for message in messages), *SEEDS))


def inputs(name: str, count: int, seed: int) -> Iterator[tuple[DeviceModel, bytes]]:
    """Give so many inputs of a format with the model that reads each."""
    dice = Random(f"{name}/{seed}")  # noqa: S311  # a reproducible run, no secret
    models = material(name)
    for number in range(count):
        model, messages = dice.choice(models)
        if number % RANDOM_SHARE == 0:
            yield model, dice.randbytes(dice.randint(0, BYTES_MAX))
        elif number % RANDOM_SHARE == 1:
            yield model, damaged(dice, dice.choice(SEEDS))
        elif name == SCRIPTED and number % PROGRAM_SHARE == 2:
            yield programs.MODEL, programs.drawn(dice)
        else:
            yield model, changed(dice, model.codec, dice.choice(messages), known(name))


def fuzz(name: str, count: int, seed: int) -> Fuzzed:
    """Decode so many inputs.

    Raises:
        AssertionError: what a decoder returned breaks what callers rely on, or an input took too long.
        Exception: a decoder raised something else than `PayloadError`; notes tell model and input.
    """
    done = Fuzzed()
    for model in (*(model for model, _ in material(name)), *([programs.MODEL] if name == SCRIPTED else [])):
        prepare(model)  # as a gateway does: the engine of JavaScript is compiled before the first message
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for model, data in track(inputs(name, count, seed), f"{name} ", count, disable=not sys.stderr.isatty()):
        start_s = time.process_time()
        try:
            account(codec(model.codec), data, model)
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
    parser.add_argument("format", choices=[*FORMATS, "all"])
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for name in FORMATS if given.format == "all" else [given.format]:
        done = fuzz(name, given.inputs, given.seed)
        sys.stdout.write(
            f"{name}: {done.inputs} inputs, slowest {done.slowest_s * 1000:.1f} ms ({done.slowest_model},"
            f" {len(done.slowest)} bytes: {done.slowest[:60].hex()}), memory grew by {done.memory_kib / 1024:.1f} MiB\n"
        )
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
