"""Sees to it that compiled code has a place to be kept: where there is none, numba would refuse every kernel.

Knows numba's search for a place; knows no kernel. Imported before the first kernel, for its effect alone.
"""

from __future__ import annotations

import atexit
import logging
import shutil
import tempfile

import numba
from numba.core.caching import FunctionCache

log = logging.getLogger("engine")


def _sample() -> None:
    """Stand for the kernels: a function of this package, for which numba looks for a place as it does for theirs."""


def see_to_a_place() -> None:
    """Keep compiled code in a folder of this process alone where `NUMBA_CACHE_DIR`, package and home are unwritable."""
    try:
        FunctionCache(_sample)
    except RuntimeError:
        folder = tempfile.mkdtemp(prefix="cityvitals-compiled-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        numba.config.CACHE_DIR = folder
        log.warning(
            "compiled code cannot be kept, so each start compiles anew: set NUMBA_CACHE_DIR to a writable folder"
        )


see_to_a_place()
