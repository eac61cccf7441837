"""What one job may take of its machine: seconds, memory and output; and words for a job that took more."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from pathlib import Path

import psutil

TIME_LIMIT = 600.0
"""Seconds for one notebook, from the start of its kernel."""

OUTPUT_LIMIT = 50_000_000
"""Bytes that a notebook may show and print; a report of that size opens in no browser."""

MEMORY_SHARE = 0.8
"""The part of the machine's memory that all jobs together may take."""

MEMORY_LEAST = 1 << 30
"""Below this a kernel has hardly room for the libraries it imports."""

RESERVED = 4_000_000_000
"""Bytes of address space beyond that, which Arrow and others reserve in large pieces and hardly use."""

TABLE_SHARE = 0.5
"""The part of a kernel's memory in which its tables are read; more of them go to the disk."""

OUT_OF_MEMORY = ("MemoryError", "_ArrayMemoryError", "ArrowMemoryError", "OutOfMemoryException")
"""Errors of Python, NumPy, Arrow and DuckDB where memory is not to be had."""


def machine_memory() -> int:
    """Bytes of memory of this machine, or of the container that this process runs in, whichever is less."""
    total: int = psutil.virtual_memory().total
    return min([total, *_control_group_limits(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup"))])


def _control_group_limits(mount: Path, own: Path) -> list[int]:
    """The limits set for this process's control group and for those above it; both versions of the interface."""
    try:
        entries = [line.split(":", 2) for line in own.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return []
    found = []
    for _, controllers, path in (entry for entry in entries if len(entry) == 3):
        if controllers not in ("", "memory"):
            continue
        base, name = (mount / "memory", "memory.limit_in_bytes") if controllers else (mount, "memory.max")
        inside = Path(path.lstrip("/"))
        for folder in (inside, *inside.parents):
            with contextlib.suppress(OSError):
                text = (base / folder / name).read_text(encoding="utf-8").strip()
                found += [int(text)] if re.fullmatch(r"\d+", text) else []
    return found


def memory_each(jobs: int) -> int:
    """Bytes of memory for each of `jobs` kernels that run at the same time."""
    return max(MEMORY_LEAST, int(machine_memory() * MEMORY_SHARE / jobs))


@dataclass(frozen=True)
class Limits:
    """Seconds from the start of a kernel, bytes of memory of it and its children, bytes of output."""

    seconds: float = TIME_LIMIT
    memory: int = field(default_factory=machine_memory)
    output: int = OUTPUT_LIMIT

    @property
    def address_space(self) -> int:
        """Bytes that a process may ask for: one huge piece is refused before it can fill the machine."""
        return self.memory + RESERVED

    @property
    def over_time(self) -> str:
        return f"stopped after {self.seconds:g} seconds, the limit for one notebook. To do: --time-limit allows more"

    @property
    def over_memory(self) -> str:
        return (
            f"stopped at {self.memory / 1e9:.3g} GB of memory, the limit for one notebook. "
            "To do: --memory-limit allows more; fewer --jobs leave more for each"
        )

    @property
    def over_output(self) -> str:
        return (
            f"stopped at {self.output / 1e6:.3g} MB of output, the limit for one notebook. "
            "To do: take out of the template what prints or shows so much"
        )
