"""The set-up and debugging command `python3 -m deploy`; it needs nothing but Python."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path

from deploy import Stack, StackError, checkers, doctor, unpack_browser
from deploy.places import unusable
from deploy.setup import setup
from deploy.stack import DATABASE_URL, MQTT_URL

_BEGAN = time.monotonic()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _progress(text: str) -> None:
    """Tell on stderr how far it is and how long it has taken; stdout stays for results."""
    sys.stderr.write(f"[{time.monotonic() - _BEGAN:4.0f} s] {text}\n")


def _setup(_: Path | None) -> int:
    setup(_progress)
    return 0


def _browser(_: Path | None) -> int:
    """Unpack the browser, which only tests of the page and screenshots need."""
    _say(str(unpack_browser(_progress)))
    return 0


def _checkers(_: Path | None) -> int:
    """Unpack what checks the files of Prometheus and Alertmanager, which only tests need."""
    _say(str(checkers.build(_progress)))
    return 0


def _up(directory: Path | None) -> int:
    endpoints = Stack(directory).up(_progress)
    _say(f"database  {endpoints.database_url}\nbroker    {endpoints.mqtt_url}")
    return 0


def _down(directory: Path | None) -> int:
    Stack(directory).down()
    return 0


def _env(directory: Path | None) -> int:
    """Print lines for `eval`, so that other programs find the stack."""
    endpoints = Stack(directory).up(_progress)
    _say(f"export {DATABASE_URL}={shlex.quote(endpoints.database_url)}")
    _say(f"export {MQTT_URL}={shlex.quote(endpoints.mqtt_url)}")
    return 0


def _doctor(_: Path | None) -> int:
    checks = doctor()
    for check in checks:
        _say(f"{'ok     ' if check.ok else 'MISSING'}  {check.name}: {check.detail}")
        if not check.ok and check.fix:
            _say(f"         mend it: {check.fix}")
    return 0 if all(check.ok for check in checks) else 1


_COMMANDS = {
    "setup": _setup,
    "up": _up,
    "down": _down,
    "env": _env,
    "browser": _browser,
    "checkers": _checkers,
    "doctor": _doctor,
}


def main() -> int:
    """Run one command: 0 done, 1 failed, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="python3 -m deploy", description="the local stack of cityvitals")
    parser.add_argument("command", choices=_COMMANDS)
    parser.add_argument("--directory", type=Path, help="the stack's folder (default: .local/stack)")
    given = parser.parse_args()
    try:
        return _COMMANDS[given.command](given.directory)
    except StackError as fault:
        sys.stderr.write(f"error: {fault}\n")
        return 1
    except OSError as fault:
        refused = unusable(fault)
        if refused is None:
            raise
        sys.stderr.write(f"error: {refused}\n")
        return 1
    except KeyboardInterrupt:
        # Whatever was half done does not count and is done again next time.
        return 130


if __name__ == "__main__":
    sys.exit(main())
