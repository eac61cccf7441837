"""The sha256 of files, not computed again while all that the disk says of a file is as it was."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path

RACY = 2_000_000_000
"""Nanoseconds: a file that changed so shortly before may change again without its times telling; git's rule."""

CTIME_TELLS = os.name == "posix"
"""Whether `st_ctime` is the time of the last change, which no user can set; elsewhere every file is read."""


class Digests:
    """Digests by a file's device, inode, size and times; `used` holds those that were asked for and can be kept."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        self.used: dict[str, str] = {}

    def of(self, path: Path) -> str | None:
        """The sha256 of the plain file that `path` leads to; None where there is none that can be read."""
        try:
            mark = _mark(path.stat())
            found = self._known.get(mark) if mark and CTIME_TELLS else None
            if mark and found is None:
                mark, found = _read(path)
        except (OSError, ValueError):
            return None
        if mark and found:
            self.used[mark] = found
        return found


def _read(path: Path) -> tuple[str, str | None]:
    """The mark of a file and its digest; the mark is empty where it does not tell the file from what it may become."""
    began = time.time_ns()
    with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            return "", None
        found = hashlib.file_digest(file, "sha256").hexdigest()
        after = os.fstat(file.fileno())
    settled = _mark(before) == _mark(after) and after.st_ctime_ns < began - RACY
    return _mark(after) if settled else "", found


def _mark(about: os.stat_result) -> str:
    """What tells a plain file's content from another; empty for what is no plain file."""
    if not stat.S_ISREG(about.st_mode):
        return ""
    return ":".join(map(str, (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)))
