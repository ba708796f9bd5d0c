"""Memory of large arrays that lay between small, longer-lived blocks goes back to the system."""

from __future__ import annotations

import subprocess
import sys

ROUNDS = """
import re, sys
import numpy as np
from console.allocator import give_large_back

def resident_mb():
    return int(re.search(r"VmRSS:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 1024

if sys.argv[1] == "with":
    give_large_back()
np.ones(2_000_000)  # mapped and freed, which by itself raises the limit
before = resident_mb()
kept = [(np.ones(250_000), np.ones(12_000)) for _ in range(50)]
kept = [small for _, small in kept]
print(resident_mb() - before)
"""
LARGE_MB = 50 * 2


def left_mb(how: str) -> float:
    done = subprocess.run([sys.executable, "-c", ROUNDS, how], capture_output=True, text=True, check=True)
    return float(done.stdout)


def test_what_large_arrays_held_goes_back_although_small_ones_between_them_stay() -> None:
    assert left_mb("with") < LARGE_MB / 10
    assert left_mb("without") > LARGE_MB / 2
