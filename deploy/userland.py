"""Knows the Debian userlands: what the servers' has in it, how one is unpacked, and how to run a program there.

A fixed userland gives everybody the same servers, whatever their own distribution has, and a user namespace lets them
run as an ordinary user even when we are root (PostgreSQL refuses to run as root). Nothing is installed on the machine.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy import paths
from deploy.errors import StackError
from deploy.packages import FALLBACK, Packages, unpack

LAYOUT = 1
"""Raise it when the layout below changes; a new list of packages is noticed by itself."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a userland holds.

    Attributes:
        name: for messages: `the servers`.
        contents: the same, spelled out for somebody who waits for it.
        packages: Debian packages, which come with all they depend on.
        left_out: patterns of those among them that are not wanted.
        proofs: programs that must end well inside, so that a missing library is found now and not at the first start.
        command: of `python3 -m deploy`, which unpacks it.
        remedy: what else helps where that fails.
    """

    name: str
    contents: str
    packages: tuple[str, ...]
    left_out: tuple[str, ...]
    proofs: tuple[tuple[str, ...], ...]
    command: str
    remedy: str


SERVERS = Recipe(
    name="the servers",
    contents="TimescaleDB on PostgreSQL 17, Mosquitto",
    packages=(
        "postgresql-17",
        "postgresql-17-timescaledb",
        "mosquitto",
        "bubblewrap",
        "dash",
        "coreutils",
        "tzdata",
        "libc-bin",
    ),
    # What only Debian's maintainer scripts use, or what a server loads on demand and is switched off here (the LLVM of
    # PostgreSQL's just-in-time compiler alone is half of everything). 420 MB become 190 MB, a minute becomes seconds.
    left_out=(
        r"perl.*|libperl.*|.*-perl|libgdbm.*|libdb5.*",
        r"libllvm.*|libz3.*",
        r"locales|libc-l10n",
        r"postgresql-common.*|postgresql-client-common|ssl-cert|openssl|ucf|sensible-utils|procps|libproc2.*|libncursesw6",
        r"adduser|passwd|debconf|login\.defs|libpam-modules.*|libsemanage.*|base-passwd|libdebconfclient0|debianutils",
        r"init-system-helpers|sysvinit-utils|gcc-14-base",
    ),
    proofs=(
        ("postgres", "--version"),
        ("initdb", "--version"),
        ("psql", "--version"),
        # Mosquitto has no option that only prints its version; its help ends with status 3.
        ("sh", "-c", "mosquitto -h >/tmp/help; test $? -eq 3"),
    ),
    command="setup",
    remedy=FALLBACK,
)
PATH = "/usr/lib/postgresql/17/bin:/usr/sbin:/usr/bin"
NAMESPACES_FIX = (
    "as root `sysctl -w kernel.unprivileged_userns_clone=1` or, where AppArmor forbids them,"
    " `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`"
)
STATE = "/state"
"""Where a server's own folder appears inside."""


def location(recipe: Recipe = SERVERS) -> Path:
    """Return the folder of a recipe's userland; it exists only once it is complete."""
    text = json.dumps([LAYOUT, recipe.packages, recipe.left_out])
    return paths.local() / "userland" / hashlib.sha256(text.encode()).hexdigest()[:12]


def require(recipe: Recipe = SERVERS) -> Path:
    """Return the userland, or say how to get it."""
    root = location(recipe)
    if not root.is_dir():
        raise StackError(f"not unpacked yet: {recipe.name}; run `python3 -m deploy {recipe.command}`, {recipe.remedy}")
    return root


def build(progress: Callable[[str], None], packages: Packages | None = None, recipe: Recipe = SERVERS) -> Path:
    """Unpack a userland unless it is there; a broken attempt leaves nothing that counts."""
    root = location(recipe)
    if root.is_dir():
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    with locked(root.parent / "lock"):
        if root.is_dir():  # another process was faster
            return root
        for leftover in root.parent.glob("unfinished-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix="unfinished-", dir=root.parent))
        try:
            progress(f"fetching {recipe.name} (Debian packages: {recipe.contents})")
            packages = packages or Packages(paths.local() / "apt", remedy=recipe.remedy)
            archives = packages.fetch(recipe.packages, work / "archives", without=recipe.left_out)
            progress(f"unpacking {len(archives)} packages")
            unpack(archives, work / "root")
            _furnish(work / "root")
            for proof in recipe.proofs:
                run(work / "root", proof)
            (work / "root").rename(root)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    progress(f"unpacked {recipe.name}")
    return root


def _furnish(root: Path) -> None:
    """Add what maintainer scripts would: the merged top folders, a shell, one user, mount points."""
    root.chmod(0o755)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(exist_ok=True)
        if not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    shell = root / "usr/bin/sh"
    if not shell.exists():
        shell.symlink_to("dash")
    for name in ("proc", "dev", "tmp", "run", "settings", STATE.lstrip("/")):
        (root / name).mkdir(exist_ok=True)
    (root / "etc/passwd").write_text(f"cityvitals:x:1000:1000::{STATE}:/bin/sh\n")
    (root / "etc/group").write_text("cityvitals:x:1000:\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")


def on_small_disk(root: Path, folder: Path, bytes_max: int, program: Sequence[str]) -> list[str]:
    """Return the command line that runs a program of this machine for which a folder is a disk of its own size.

    The disk is memory, empty at the start, and lives as long as the program or anything it started. It needs a user
    namespace and nothing else, so an ordinary user may have it: a quota that no administrator has to set.
    """
    line = [*bubblewrap(root), "--unshare-user", "--die-with-parent", "--dev-bind", "/", "/"]
    return [*line, "--size", str(bytes_max), "--tmpfs", str(folder), *program]


def command(
    root: Path,
    program: Sequence[str],
    *,
    state: Path | None = None,
    settings: Path | None = None,
    options: Sequence[str] = (),
) -> list[str]:
    """Return the command line that runs a program inside the userland.

    bubblewrap comes from the userland too and is started by the userland's own loader, so the machine needs none.
    The network, the process ids and above all the IPC namespace are shared on purpose: PostgreSQL uses its System V
    segment to notice that processes of a killed server still live in the same data, and would not see it from another.
    """
    line = [
        *bubblewrap(root),
        *options,
        "--unshare-user",
        "--uid",
        "1000",
        "--gid",
        "1000",
        "--ro-bind",
        str(root),
        "/",
        "--dev",
        "/dev",
    ]
    line += ["--ro-bind", "/proc", "/proc", "--tmpfs", "/tmp"]  # noqa: S108  (a mount of its own, not the machine's)
    if settings is not None:
        line += ["--ro-bind", str(settings), "/settings"]
    if state is not None:
        line += ["--bind", str(state), STATE, "--chdir", STATE]
    return [*line, *program]


def bubblewrap(root: Path) -> list[str]:
    """Return the command line that starts a userland's own bubblewrap by its own loader."""
    loaders = sorted((root / "usr").glob("lib*/ld-linux*.so.*"))
    libraries = [path.parent for path in (root / "usr/lib").glob("*-linux-gnu*/libc.so.6")]
    if not loaders or not libraries:
        raise StackError(f"{root} is damaged: remove it and run the same command again")
    return [str(loaders[0]), "--library-path", str(libraries[0]), str(root / "usr/bin/bwrap")]


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a program inside; nothing of the caller's is passed on."""
    return {"PATH": PATH, "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": STATE, **more}


def run(
    root: Path, program: Sequence[str], *, state: Path | None = None, env: dict[str, str] | None = None, text: str = ""
) -> str:
    """Run a short program inside to its end and return what it printed; it ends with us, however we end."""
    done = subprocess.run(
        command(root, program, state=state, options=["--die-with-parent"]),
        env=env or environment(),
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()[-3:]
        raise StackError(f"{program[0]} failed: {' '.join(words)}{hint(done.stderr)}")
    return done.stdout


def hint(message: str) -> str:
    """Return what to do when the message shows that the machine forbids user namespaces, else nothing."""
    if "bwrap" in message and ("namespace" in message or "uid map" in message or "not permitted" in message):
        return f"; user namespaces are not allowed here: {NAMESPACES_FIX}, {FALLBACK}"
    return ""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; the kernel frees it when the holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
