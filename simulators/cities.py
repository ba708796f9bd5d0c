"""Where recordings and cities are: the bundled ones by name, a user's own by path.

Knows folders and `replay.toml`; knows neither what a recording holds nor how it is sent.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devices import nearest
from simulators.errors import RecordingError
from simulators.recording import descriptions

HERE = Path(__file__).resolve().parent
RECORDINGS = HERE / "recordings"
CITIES = HERE / "cities"
REPLAY_FILE = "replay.toml"
_KEYS = ("recordings", "side_by_side")


@dataclass(frozen=True, slots=True)
class Sources:
    """What is to be replayed.

    Attributes:
        city: the city's folder.
        descriptions: one TOML file per recording, in the order given.
        side_by_side: the recordings are of different years and are played at one time, each from its own start.
    """

    city: Path
    descriptions: tuple[Path, ...]
    side_by_side: bool


def demo_city() -> Path:
    """Return the folder of the demo city, a composite of recordings from several real cities."""
    return CITIES / "demo"


def beijing_city() -> Path:
    """Return the folder of the city of the four Beijing stations: one source, its own time zone."""
    return CITIES / "beijing"


def bundled() -> dict[str, Path]:
    """Return what comes with the program by the name it can be called by: recordings, and cities."""
    folders = [p for p in (*RECORDINGS.iterdir(), *CITIES.iterdir()) if p.is_dir() and any(p.glob("*.toml"))]
    return {p.name: p for p in sorted(folders)}


def resolve(sources: Sequence[str | Path], city: str | Path | None = None) -> Sources:
    """Return what the sources mean.

    Args:
        sources: each a city's folder, a recording's TOML file, a folder of such files, or the name of a bundled one.
        city: the city whose devices send; when left out, the city among the sources, else for bundled recordings
            the demo city.

    Raises:
        RecordingError: a source does not exist, two cities are named, or none is.
    """
    if not sources:
        raise RecordingError([f"nothing to replay; name a file, a folder or one of {', '.join(bundled())}"])
    found: list[Path] = []
    cities = [_find(city)] if city is not None else []
    side_by_side, ours = False, True
    for source in sources:
        path = _find(source)
        ours = ours and HERE in path.resolve().parents
        if (path / "city.toml").is_file():
            if city is None and path not in cities:
                cities.append(path)
            names, beside = _replay_file(path)
            found += names
            side_by_side = side_by_side or beside
        else:
            found += descriptions(path)
    if len(cities) > 1:
        raise RecordingError([f"two cities named, {cities[0]} and {cities[1]}; replay one at a time"])
    if not cities and not ours:
        raise RecordingError(
            ["your own recording needs to know whose devices send it; give the city's folder (--city)"]
        )
    return Sources(cities[0] if cities else demo_city(), tuple(dict.fromkeys(found)), side_by_side)


def _find(source: str | Path, beside: Path | None = None) -> Path:
    path = Path(source) if beside is None else beside / source
    if path.exists():
        return path
    known = bundled()
    if str(source) in known:
        return known[str(source)]
    folder, _, stem = str(source).rpartition("/")
    if folder in known and (known[folder] / f"{stem}.toml").is_file():
        return known[folder] / f"{stem}.toml"
    hint = nearest(str(source), known) or f"; bundled: {', '.join(known)}"
    raise RecordingError([f"{source}: no such file, folder or bundled recording{hint}"])


def _replay_file(city: Path) -> tuple[list[Path], bool]:
    """Return the recordings of a city and whether they play side by side."""
    path = city / REPLAY_FILE
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecordingError([f'{path} does not exist; it names the city\'s recordings: recordings = ["…"]']) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecordingError([f"{path}: {error}"]) from error
    faults = [f"{path}: {key}: unknown key{nearest(key, _KEYS)}" for key in document if key not in _KEYS]
    names = document.get("recordings")
    beside = document.get("side_by_side", False)
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        faults.append(f"{path}: recordings: expected a list of names or paths")
        names = []
    if not isinstance(beside, bool):
        faults.append(f"{path}: side_by_side: expected true or false")
    found: list[Path] = []
    for name in names:
        try:
            found += descriptions(_find(name, city))
        except RecordingError as error:
            faults += [f"{path}: {fault}" for fault in error.faults]
    if faults:
        raise RecordingError(faults)
    return found, bool(beside)
