"""A text file in another encoding, written again in UTF-8, the only one that DuckDB reads."""

from __future__ import annotations

import shutil
from pathlib import Path

CHUNK = 1 << 20


def write_utf8(path: Path, encoding: str, target: Path) -> None:
    """Write the text of `path` to `target`, which only its owner may read, in UTF-8, with memory for 1 MiB of it.

    Raises
    ------
    UnicodeError
        The file is not of that encoding; no character is replaced.
    """
    target.touch(mode=0o600)
    with path.open(encoding=encoding, newline="") as read, target.open("w", encoding="utf-8", newline="") as written:
        shutil.copyfileobj(read, written, CHUNK)
