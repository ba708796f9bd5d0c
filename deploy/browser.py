"""Knows the browser that tests and screenshots drive: Chromium's headless shell, with fonts, in a userland of its own.

Must not know who drives it nor what it looks at. Nothing but tests unpacks it: whoever only runs the city fetches none
of it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from deploy import userland
from deploy.userland import Recipe

PROGRAM = "/usr/lib/chromium/chromium-headless-shell"
"""The one in the path is a script that would stay between us and the browser."""

BROWSER = Recipe(
    name="the browser",
    contents="Chromium's headless shell, fonts for Latin and Korean",
    packages=(
        "chromium-headless-shell",
        "fonts-dejavu-core",
        "fonts-nanum",
        "bubblewrap",
        "dash",
        "libc-bin",
    ),
    # A headless shell draws by itself into memory: neither the graphics drivers (whose LLVM alone would be a fifth) nor
    # what a desktop offers is ever asked for. 600 MB become 380 MB.
    left_out=(
        r"mesa-.*|libgl1.*|libglx.*|libglvnd0|libllvm.*|libz3.*|libvulkan1|libdrm-(amdgpu|intel)1|libpciaccess0|libelf1t64",
        r"libsensors.*|libxshmfence1|libxcb-.*|libwayland-server0|libedit2|libbsd0|libmd0|libxml2|liblzma5|libtinfo6",
        r"x11-(utils|common)|xdg-utils|libx(aw7|ft2|inerama1|kbfile1|mu6|muu1|pm4|t6t64|tst6|v1|xf86dga1|xf86vm1)",
        r"libice6|libsm6|libuuid1|lsb-base|debconf|debianutils|sysvinit-utils|gcc-14-base",
    ),
    proofs=((PROGRAM, "--version"),),
    command="browser",
    remedy="or leave out the tests of the page: `pytest --ignore=tests/browser`",
)


def build(progress: Callable[[str], None] = lambda _: None) -> Path:
    """Unpack the browser unless it is there."""
    return userland.build(progress, recipe=BROWSER)


def executable(scratch: Path) -> Path:
    """Return a program that is Chromium to whoever starts it; unpacks the browser where that was not done yet.

    It ends with the thread that started it. What it inherits stays open, so it can be driven by pipes.

    Args:
        scratch: the one folder of this machine that the browser can write, under the same path: for downloads.
    """
    build()
    program = scratch.resolve() / "chromium"
    line = shlex.join(_command(userland.require(BROWSER), scratch.resolve()))
    program.write_text(f'#!/bin/sh\nexec {line} "$@"\n')
    program.chmod(0o755)
    return program


def _command(root: Path, scratch: Path) -> list[str]:
    """Return the command line of the browser inside.

    Unlike a server's, its top folder is empty memory, so that any path can be made in it.
    """
    line = [*userland.bubblewrap(root), "--die-with-parent", "--unshare-user", "--uid", "1000", "--gid", "1000"]
    for name in ("usr", "etc"):
        line += ["--ro-bind", str(root / name), f"/{name}"]
    for name in ("bin", "sbin", "lib", "lib64"):
        line += ["--symlink", f"usr/{name}", f"/{name}"]
    line += ["--dev", "/dev", "--ro-bind", "/proc", "/proc", "--tmpfs", "/tmp"]  # noqa: S108  (not the machine's)
    line += ["--bind", str(scratch), str(scratch), "--clearenv"]
    for name, value in userland.environment(HOME="/tmp").items():  # noqa: S108
        line += ["--setenv", name, value]
    return [*line, PROGRAM]
