"""Knows what this machine needs for the local stack, and says for each thing whether it is there and what mends it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

from deploy import browser, checkers, paths, userland
from deploy.errors import StackError
from deploy.stack import DATABASE_URL, MQTT_URL, Stack

FREE_BYTES_MIN = 2 * 1024**3
_TOOLS = (
    # program, package, what for
    ("apt-get", "apt", "fetches the servers"),
    ("dpkg-deb", "dpkg", "unpacks the servers"),
    ("tar", "tar", "unpacks the servers"),
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing the stack needs: whether it is there, what was seen, and the command that mends it."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


def doctor() -> list[Check]:
    """Look at everything; nothing is changed."""
    return [_python(), *map(_tool, _TOOLS), _disk(), _servers(), _namespaces(), *_of_tests(), *_running()]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("python", sys.version_info >= (3, 11), f"{version} at {sys.executable}", "apt-get install python3")


def _tool(tool: tuple[str, str, str]) -> Check:
    program, package, purpose = tool
    path = shutil.which(program)
    # Where the userland is already unpacked it is not needed any more.
    ok = path is not None or userland.location().is_dir()
    return Check(program, ok, path or f"not found; {purpose}", "" if ok else f"apt-get install {package}")


def _disk() -> Check:
    place = paths.local()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    return Check(
        "disk",
        free >= FREE_BYTES_MIN,
        f"{free // 1024**2} MiB free at {place}",
        "" if free >= FREE_BYTES_MIN else f"free {(FREE_BYTES_MIN - free) // 1024**2 + 1} MiB there, or `make clean`",
    )


def _servers() -> Check:
    root = userland.location()
    if root.is_dir():
        return Check("servers", True, f"unpacked in {root}")
    return Check("servers", False, "not unpacked yet", "python3 -m deploy setup")


def _namespaces() -> Check:
    """Run something for real: whether a namespace may be made depends on kernel, container and security module."""
    root = userland.location()
    if root.is_dir():
        try:
            userland.run(root, ["true"])
        except StackError as fault:
            return Check("user namespaces", False, str(fault), userland.NAMESPACES_FIX)
        return Check("user namespaces", True, "allowed")
    unshare = shutil.which("unshare")
    if unshare is None:
        return Check("user namespaces", True, "not tried: unshare is missing", "apt-get install util-linux")
    done = subprocess.run([unshare, "-Ur", "true"], capture_output=True, text=True, check=False)
    ok = done.returncode == 0
    return Check("user namespaces", ok, "allowed" if ok else done.stderr.strip(), "" if ok else userland.NAMESPACES_FIX)


def _of_tests() -> list[Check]:
    """Say whether what only tests need is there; an installed cityvitals has no tests, and needs none of it."""
    return [] if paths.checkout() is None else [_of_test(recipe) for recipe in (browser.BROWSER, checkers.CHECKERS)]


def _of_test(recipe: userland.Recipe) -> Check:
    root = userland.location(recipe)
    fix = f"python3 -m deploy {recipe.command}"
    if not root.is_dir():
        return Check(recipe.command, True, f"not unpacked: only tests need it, and fetch it (or `{fix}`)")
    try:
        said = [userland.run(root, proof).splitlines()[0].strip() for proof in recipe.proofs]
    except StackError as fault:
        return Check(recipe.command, False, str(fault), f"remove {root}, then `{fix}`")
    return Check(recipe.command, True, f"{'; '.join(said)}; for tests, unpacked in {root}")


def _running() -> list[Check]:
    checks = []
    stack = Stack()
    for server, variable in ((stack.database, DATABASE_URL), (stack.broker, MQTT_URL)):
        if os.environ.get(variable):
            checks.append(Check(server.name, True, f"given by {variable}"))
        elif server.pid is not None and server.ready():
            checks.append(Check(server.name, True, f"runs on port {server.port}, process {server.pid}"))
        else:
            checks.append(Check(server.name, False, "does not run", "cityvitals up"))
    return checks
