"""Where the programs that run on and on say what happens: one line each on stderr."""

from __future__ import annotations

import logging
import sys


def log_to_stderr() -> None:
    """Write the log to stderr, unless somebody who embeds us has a place for it already."""
    logging.getLogger("yoyo").setLevel(logging.WARNING)  # says every step of every migration
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # says each step of its start and end
    if not logging.getLogger().handlers:
        logging.basicConfig(
            level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
        )
