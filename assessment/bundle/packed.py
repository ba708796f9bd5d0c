"""A bundle as one file: a ZIP archive that depends on the content alone.

Knows the archive's form; knows nothing of what is in the files. They are stored as they are: what is large in a bundle
is compressed already, and a compressor's version would be part of the bytes.
"""

from __future__ import annotations

import shutil
import stat
from pathlib import Path
from typing import Final
from zipfile import ZIP_STORED, ZipFile, ZipInfo

MOMENT: Final = (1980, 1, 1, 0, 0, 0)
"""Of every file: the first that the form can state."""
_UNIX: Final = 3
_MODE: Final = (stat.S_IFREG | 0o644) << 16


def write_packed(folder: Path, file: Path) -> None:
    """Write every file of a folder to an archive, by path; it is there whole or not at all."""
    paths = sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())
    part = file.with_name(f"{file.name}.part")
    with ZipFile(part, "w", ZIP_STORED) as archive:
        for path in paths:
            info = ZipInfo(path, MOMENT)
            info.create_system, info.external_attr = _UNIX, _MODE
            info.file_size = (folder / path).stat().st_size
            with (folder / path).open("rb") as source, archive.open(info, "w") as target:
                shutil.copyfileobj(source, target)
    part.replace(file)
