"""Reading a folder nobody vouches for: links are not followed, pipes are not opened, no read is without a limit."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Odd:
    """Why something in a folder is not read, in words that follow its name."""

    why: str


class _NotPlain(Exception):
    pass


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedReader]:
    kind = path.lstat().st_mode
    if stat.S_ISLNK(kind):
        raise _NotPlain("is a link, which is not followed")
    if not stat.S_ISREG(kind):
        raise _NotPlain("is a folder" if stat.S_ISDIR(kind) else "is a pipe or device, not a file")
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        yield file


def digest(path: Path) -> str | Odd:
    """The sha256 of a plain file."""
    try:
        with _opened(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except _NotPlain as error:
        return Odd(str(error))
    except OSError as error:
        return Odd(f"cannot be read ({error.strerror})")


def content(path: Path, largest: int) -> bytes | Odd:
    """The bytes of a plain file of at most `largest` bytes."""
    try:
        with _opened(path) as file:
            found = file.read(largest + 1)
    except _NotPlain as error:
        return Odd(str(error))
    except FileNotFoundError:
        return Odd("is gone")
    except OSError as error:
        return Odd(f"cannot be read ({error.strerror})")
    return found if len(found) <= largest else Odd(f"is larger than {largest // 1_000_000} MB")


def entries(folder: Path) -> dict[str, Path]:
    """What lies in a folder, by name; nothing where it is no folder of its own."""
    if folder.is_symlink() or not folder.is_dir():
        return {}
    return {path.name: path for path in sorted(folder.iterdir())}
