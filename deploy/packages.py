"""Knows how to take Debian packages as any user, without installing them; must not know what they are for.

apt is given a state of its own in a private folder, so nothing on the machine changes and root is not needed. Where
packages come from is read from the machine's own apt settings: no address stands in this project.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.errors import StackError

SUITE = "trixie"
KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg")
FALLBACK = "or start the servers elsewhere and give CITYVITALS_DATABASE_URL and CITYVITALS_MQTT_URL"

_INRELEASE = re.compile(r"^'(.+)/dists/([^/']+)/InRelease'")

# The machine's own hooks and caches are cleared: they would act on the machine's state, not on ours.
_SETTINGS = """\
#clear APT::Update;
#clear DPkg;
#clear Dir::Cache;
#clear Dir::State;
Dir::State "{home}/state";
Dir::State::lists "lists/";
Dir::State::status "{home}/state/status";
Dir::Cache "{home}/cache";
Dir::Cache::archives "archives/";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::SourceList "{home}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
"""


def missing_tools() -> list[str]:
    """Return the programs needed here that this machine lacks."""
    return [tool for tool in ("apt-get", "dpkg-deb", "tar") if shutil.which(tool) is None]


class Packages:
    """Debian's packages of one suite, seen through a private apt state under `home`.

    Args:
        home: a folder of ours.
        remedy: what else helps where they cannot be had, for messages.
    """

    def __init__(self, home: Path, *, remedy: str = FALLBACK) -> None:
        self._home, self._remedy = home.resolve(), remedy
        self._lock = threading.Lock()
        self._ready = False

    def fetch(self, names: Sequence[str], into: Path, *, without: Iterable[str] = ()) -> list[Path]:
        """Download packages and all they depend on, except those matching a pattern of `without`."""
        self._refresh()
        listing = self._apt("install", "--simulate", *names)
        wanted = [line.split()[1] for line in listing.splitlines() if line.startswith("Inst ")]
        unwanted = [re.compile(pattern) for pattern in without]
        wanted = [name for name in wanted if not any(pattern.fullmatch(name) for pattern in unwanted)]
        return self.fetch_only(wanted, into)

    def fetch_only(self, names: Sequence[str], into: Path) -> list[Path]:
        """Download exactly these packages; apt checks every one against the signed index."""
        self._refresh()
        into.mkdir(parents=True, exist_ok=True)
        self._apt("download", *names, cwd=into)
        return sorted(into.glob("*.deb"))

    def _refresh(self) -> None:
        """Fetch the index once; every mirror the machine knows is tried until one carries the suite."""
        with self._lock:
            if self._ready:
                return
            if missing := missing_tools():
                raise StackError(f"not found: {', '.join(missing)}; this needs Debian's apt and dpkg, {self._remedy}")
            for folder in ("state/lists/partial", "cache/archives/partial"):
                (self._home / folder).mkdir(parents=True, exist_ok=True)
            (self._home / "state/status").touch()
            (self._home / "apt.conf").write_text(_SETTINGS.format(home=self._home))
            keyring = next((path for path in KEYRINGS if Path(path).is_file()), None)
            option = f"[signed-by={keyring}] " if keyring else ""
            faults: list[str] = []
            for mirror in mirrors():
                (self._home / "sources.list").write_text(f"deb {option}{mirror} {SUITE} main\n")
                try:
                    self._apt("update", "-o", "APT::Update::Error-Mode=any")
                except StackError as fault:
                    faults.append(str(fault))
                else:
                    self._ready = True
                    return
            reason = faults[0] if faults else "apt knows no Debian mirror (see /etc/apt/sources.list)"
            raise StackError(f"Debian {SUITE} cannot be reached: {reason}; check with `apt-get update`, {self._remedy}")

    def _apt(self, command: str, *arguments: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["apt-get", "-c", str(self._home / "apt.conf"), "-q", "-y", command, *arguments],
            cwd=cwd or self._home,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:"))] or ["no reason given"]
            raise StackError(f"apt-get {command} failed: {' '.join(lines[-3:])}")
        return done.stdout


def mirrors() -> list[str]:
    """Return where the machine's own apt finds its distribution, the likeliest first."""
    listing = subprocess.run(
        ["apt-get", "--print-uris", "update"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    ).stdout
    found = [match.groups() for line in listing.splitlines() if (match := _INRELEASE.match(line))]
    # Security and updates live beside the main archive and do not carry the suite itself.
    found.sort(key=lambda pair: ("security" in pair[0], "-" in pair[1], "debian" not in pair[0]))
    return list(dict.fromkeys(address for address, _ in found))


def unpack(archives: Iterable[Path], root: Path) -> None:
    """Unpack packages into one folder, two at a time: the decompressor uses one core."""
    root.mkdir(parents=True, exist_ok=True)

    def one(archive: Path) -> None:
        done = subprocess.run(["dpkg-deb", "-x", archive, root], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(f"{archive.name} cannot be unpacked: {done.stderr.strip()}; is the disk full?")

    with ThreadPoolExecutor(2, thread_name_prefix="unpack") as pool:
        list(pool.map(one, archives))
