"""Whatever one thing is done to the files of a bundle, each file that it was done to is named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assessment.bundle import read_public_key
from assessment.bundle.layout import DIGESTS
from assessment.verify import verify
from tests.assessment.tiny import key_files, made, tiny_city, tiny_digests, tiny_material


@dataclass(frozen=True)
class Signed:
    """A signed bundle that every example puts back as it was.

    Attributes:
        folder: of the bundle.
        public: file of the city's public key.
        whole: every file of it.
    """

    folder: Path
    public: Path
    whole: dict[str, bytes]


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    place = tmp_path_factory.mktemp("signed")
    city = tiny_city(place / "city")
    private, public = key_files(place)
    folder = place / "bundle"
    material = tiny_material(city)
    made(material, city, folder, private, tiny_digests(material))
    assert (folder / DIGESTS).is_file()
    return Signed(folder, public, files(folder))


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def put_back(folder: Path, whole: dict[str, bytes], done_to: Iterable[str]) -> None:
    for path in done_to:
        (folder / path).unlink(missing_ok=True)
        if path in whole:
            (folder / path).write_bytes(whole[path])


def named(folder: Path, key: Path | None) -> str:
    verdict = verify(folder, known=None if key is None else read_public_key(key))
    assert not verdict.good
    assert not verdict.lines, "nothing is computed from a bundle that is not whole"
    return "\n".join(map(str, verdict.faults))


def flip(data: st.DataObject, folder: Path, paths: list[str]) -> set[str]:
    """Change one bit of one byte."""
    path = data.draw(st.sampled_from(paths))
    content = bytearray((folder / path).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (folder / path).write_bytes(content)
    return {path}


def cut_or_grow(data: st.DataObject, folder: Path, paths: list[str]) -> set[str]:
    path = data.draw(st.sampled_from(paths))
    content = (folder / path).read_bytes()
    longer = data.draw(st.binary(min_size=1, max_size=4))
    (folder / path).write_bytes(data.draw(st.sampled_from([content[:-1], content + longer, longer + content, b""])))
    return {path}


def remove(data: st.DataObject, folder: Path, paths: list[str]) -> set[str]:
    path = data.draw(st.sampled_from(paths))
    (folder / path).unlink()
    return {path}


def add(data: st.DataObject, folder: Path, paths: list[str]) -> set[str]:
    beside = data.draw(st.sampled_from(paths)).rpartition("/")[0]
    path = f"{beside}/more.toml".removeprefix("/")
    (folder / path).write_bytes(data.draw(st.binary(max_size=9)))
    return {path}


def swap(data: st.DataObject, folder: Path, paths: list[str]) -> set[str]:
    one, other = data.draw(st.lists(st.sampled_from(paths), min_size=2, max_size=2, unique=True))
    content = (folder / one).read_bytes()
    (folder / one).write_bytes((folder / other).read_bytes())
    (folder / other).write_bytes(content)
    return {one, other}


def rename(data: st.DataObject, folder: Path, paths: list[str]) -> set[str]:
    path = data.draw(st.sampled_from(paths))
    (folder / path).rename(folder / f"{path}.old")
    return {path, f"{path}.old"}


@pytest.mark.parametrize("change", [flip, cut_or_grow, remove, add, swap, rename], ids=lambda one: one.__name__)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), ask_for_key=st.booleans())
def test_every_file_that_something_was_done_to_is_named(
    signed: Signed, change: object, data: st.DataObject, ask_for_key: bool
) -> None:
    assert callable(change)
    done_to = change(data, signed.folder, sorted(signed.whole))
    try:
        said = named(signed.folder, signed.public if ask_for_key else None)
        # Without the manifest's list nothing can be said of the others.
        to_name = {"manifest.json"} if "manifest.json" in done_to else done_to
        assert [path for path in to_name if path not in said] == []
    finally:
        put_back(signed.folder, signed.whole, done_to)


def test_the_bundle_that_examples_change_is_whole(signed: Signed) -> None:
    assert verify(signed.folder, known=read_public_key(signed.public)).good
