"""What runs that were killed left on this machine, removed by the next."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import psutil

from ethics_kit import archive


def sweep(reports: Iterable[Path]) -> None:
    """Remove private folders of kernels, and what was staged in the folders `reports`, whose owner is gone."""
    for left in Path(tempfile.gettempdir()).glob(f"{machine()}*"):
        with contextlib.suppress(ValueError):
            if not psutil.pid_exists(int(left.name.split("-")[2])):
                shutil.rmtree(left, ignore_errors=True)
    for folder in reports:
        archive.sweep(folder)


def machine() -> str:
    """How the private folders of this machine's kernels begin; short, as a socket's path has 107 characters."""
    return f"ek-{zlib.crc32(socket.gethostname().encode()):08x}-"
