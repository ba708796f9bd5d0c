"""Says of a file or folder that the system will not let us use what that means and what to do; changes nothing."""

from __future__ import annotations

import errno
from pathlib import Path

from deploy import paths
from deploy.errors import StackError

_REFUSALS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.EEXIST})


def unusable(fault: OSError) -> StackError | None:
    """Return what to say about a place that cannot be used, or None when the fault is of another kind."""
    if fault.errno not in _REFUSALS:
        return None
    place = fault.filename2 or fault.filename
    if place is None:
        full = fault.errno in (errno.ENOSPC, errno.EDQUOT)
        return StackError(f"a file could not be written: {fault.strerror}; make room there") if full else None
    path = Path(str(place)).absolute()
    text = f"{path} cannot be used: {fault.strerror}"
    root = paths.checkout()
    if fault.errno in (errno.EEXIST, errno.ENOTDIR):
        text += " (a file stands where a folder is needed)"
    if path.is_relative_to(paths.local()):
        return StackError(f"{text}; make {paths.local()} writable, or name another folder: {paths.LOCAL}=DIR")
    if fault.errno in (errno.EEXIST, errno.ENOTDIR):
        return StackError(f"{text}; name another")
    if root is not None and path.is_relative_to(root):
        return StackError(f"{text}; make {root} writable, or work in a copy of it that is yours")
    return StackError(f"{text}; see to its permissions and to the room on its disk")
