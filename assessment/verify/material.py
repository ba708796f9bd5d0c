"""From the files of a bundle to the material of its assessment, by the definitions that the bundle brings.

Knows where a bundle keeps what; computes nothing. The installed package's own catalogue, units and models have no part
in it: `definitions` puts the bundle's in their place for as long as something is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assessment.answers import load_answers
from assessment.bundle.layout import CITY, DAYS, DEFINITIONS, HEARD, PACK
from assessment.bundle.manifest import Manifest
from assessment.bundle.readings import read_days, read_heard
from assessment.errors import BundleError
from assessment.material import Material
from devices import DeviceError, definitions_of, load_registry
from engine.errors import CalendarError
from engine.kpi import PackError, load_catalogue, load_declared


@contextmanager
def definitions(folder: Path) -> Iterator[None]:
    """Within the block the bundle's definitions count; what is wrong with its files is a `BundleError`."""
    try:
        with definitions_of(folder / DEFINITIONS):
            yield
    except (DeviceError, PackError, CalendarError, UnicodeDecodeError) as error:
        raise BundleError(str(error).replace(f"{folder}/", "")) from None


def bundle_material(folder: Path, manifest: Manifest) -> Material:
    """Return what a bundle's assessment is computed from; to be called, and computed with, within `definitions`.

    Raises:
        BundleError: readings or the city do not fit the rest.
        DeviceError, PackError, CalendarError: files have faults; all of them are said.
    """
    city = folder / CITY
    registry = load_registry(city)
    if registry.city.code != manifest.city:
        raise BundleError(f"{CITY}/city.toml: is of the city {registry.city.code!r}, the manifest of {manifest.city!r}")
    pack = load_catalogue(city, folder / DEFINITIONS / PACK)
    return Material(
        year=manifest.year,
        registry=registry,
        pack=pack,
        declared=load_declared(city, pack),
        answers=load_answers(city, pack).get(manifest.year, ()),
        days=read_days(registry, folder / DAYS),
        heard=read_heard(registry, folder / HEARD),
        closed=manifest.closed,
    )
