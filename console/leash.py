"""`python -m console.leash PID MODULE …`: runs a module that ends at once when the process PID, its parent, ends.

Knows one call of the kernel; knows nothing of what the module does. The child ties itself before anything else: at no
instant, however early, does a killed parent leave it behind. The parent must start it from a thread that lives as
long as the child may.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent and become the module."""
    parent, module = int(sys.argv[1]), sys.argv[2]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit(1)  # it ended before the kernel knew of our wish
    sys.argv[:] = sys.argv[2:]  # the module's own name in front, as `python -m` has it
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
