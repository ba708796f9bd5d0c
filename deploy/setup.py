"""Knows the order of a whole set-up: Python packages and servers at the same time, each only where it is missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from deploy import environment, paths, userland
from deploy.packages import Packages
from deploy.stack import DATABASE_URL, MQTT_URL


def setup(progress: Callable[[str], None]) -> None:
    """Make `.venv` and unpack the servers; what is there already is left alone."""
    packages = Packages(paths.local() / "apt")
    with ThreadPoolExecutor(2, thread_name_prefix="setup") as pool:
        jobs: list[Future[Path] | Future[None]] = []
        if not (os.environ.get(DATABASE_URL) and os.environ.get(MQTT_URL)):
            jobs.append(pool.submit(userland.build, progress, packages))
        if paths.checkout() is not None:
            jobs.append(pool.submit(environment.build, progress, packages))
        for job in jobs:
            job.result()
