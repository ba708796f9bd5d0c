"""The pytest plugin as somebody else has it: from an installed wheel, in an empty project, by the page's own words."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import paths
from tests.simulators.material import environment
from tests.simulators.test_docs import write_files
from tests.system.pipeline import ROOT

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

WITHHOLDING = '''
from simulators.fleet.pool import Pool
from simulators.publisher import BrokerAddress


def send(fleet, url, way):
    """As the page's, but for one message in the middle and its repetitions."""
    messages = list(fleet.messages(way))
    withheld = messages[40].payload
    with Pool(BrokerAddress.parse(url), 1) as pool:
        for message in messages:
            if message.payload != withheld:
                pool.publish(0, message.topic, message.payload)
        while not pool.drained():
            pool.serve(0.1)
'''
READINGS_AWAY_MAX = 12
"""Of one message of six readings, and its repetition."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a Python that has the wheel and the packages it needs, and knows nothing of this checkout."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)], check=True
    )
    (wheel,) = folder.glob("cityvitals-*.whl")
    packages = folder / "packages"
    subprocess.run([*pip, "install", "--no-deps", "--target", str(packages), str(wheel)], check=True)
    _lend_kernels(packages)
    # The servers are unpacked already, in the checkout's cache.
    cache = folder / "cache"
    cache.mkdir()
    (cache / "cityvitals").symlink_to(paths.local())
    dependencies = [path for path in site.getsitepackages() if Path(path).is_dir()]
    return {
        # What this run's pytest was told is not meant for the project's.
        **{name: value for name, value in environment().items() if not name.startswith("PYTEST_")},
        # Not by a .pth file: an editable install of this checkout would come with the dependencies.
        "PYTHONPATH": os.pathsep.join([str(packages), *dependencies]),
        "XDG_CACHE_HOME": str(cache),
    }


def _lend_kernels(packages: Path) -> None:
    """Let the installed kernels be those that are compiled already: the sources are equal; half a minute is saved."""
    for room in ("engine", "ingest"):
        for source in (ROOT / room).rglob("kernels/*.py"):
            copy = packages / source.relative_to(ROOT)
            assert copy.read_bytes() == source.read_bytes()
            stat = source.stat()
            os.utime(copy, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            (copy.parent / "__pycache__").mkdir(exist_ok=True)
            for made in (source.parent / "__pycache__").glob(f"{source.stem}.*.nb[ci]"):
                shutil.copy2(made, copy.parent / "__pycache__")


def pytest_run(project: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-S", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers"],
        cwd=project, env=environ, capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip


def test_the_documented_test_passes_in_an_empty_project(installed: dict[str, str], tmp_path: Path) -> None:
    write_files(tmp_path)
    project = tmp_path / "bench"
    where = subprocess.run(
        [sys.executable, "-S", "-c", "import deploy, simulators; print(deploy.__file__, simulators.__file__)"],
        cwd=project, env=installed, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert str(ROOT) not in where
    done = pytest_run(project, installed)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "1 passed" in done.stdout


def test_the_documented_test_fails_when_one_message_is_withheld(installed: dict[str, str], tmp_path: Path) -> None:
    write_files(tmp_path)
    test = tmp_path / "bench" / "test_city.py"
    page = test.read_text()
    sending = page.replace("from simulators.fleet import send\n", WITHHOLDING)
    withheld = sending.replace("cityvitals_expected.received)", f"cityvitals_expected.received - {READINGS_AWAY_MAX})")
    assert len({page, sending, withheld}) == 3
    test.write_text(withheld)
    done = pytest_run(tmp_path / "bench", installed)
    assert done.returncode == 1, done.stdout[-4000:] + done.stderr[-4000:]
    assert "observation: " in done.stdout
    assert "missing" in done.stdout
    assert "ledger_device: " in done.stdout
