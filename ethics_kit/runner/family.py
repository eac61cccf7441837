"""A process and those it started: how much memory they take, and how they are all ended."""

from __future__ import annotations

import contextlib
import os
import signal
import threading

import psutil


class Family:
    """The process `pid`, which leads a group of its own, its children and theirs, as far as they were seen.

    A child that leaves the group is known from the next `look` on.
    """

    def __init__(self, pid: int) -> None:
        self._lock = threading.Lock()
        self._pid = pid
        self._known: set[psutil.Process] = set()
        with contextlib.suppress(psutil.Error):
            self._known.add(psutil.Process(pid))

    def look(self) -> None:
        """See who is there; takes some milliseconds, as all processes of the machine are gone through."""
        with self._lock:
            self._look()

    def _look(self) -> None:
        for process in list(self._known):
            with contextlib.suppress(psutil.Error):
                self._known.update(process.children(recursive=True))

    def memory(self, limit: int) -> int:
        """Bytes of memory that they take; what they share counts once, where they might be over `limit`."""
        with self._lock:
            known = list(self._known)
        resident = sum(_resident(process) for process in known)
        return resident if resident <= limit else sum(_own(process) for process in known)

    def end(self) -> None:
        """End them at once; whoever is gone is passed over."""
        with self._lock:
            self._look()
            with contextlib.suppress(OSError):
                os.killpg(self._pid, signal.SIGKILL)
            for process in self._known:
                with contextlib.suppress(psutil.Error):
                    process.kill()


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _own(process: psutil.Process) -> int:
    """Its memory, with its part of what it shares where the system knows that."""
    try:
        told = process.memory_full_info()
    except psutil.Error:
        return _resident(process)
    return int(getattr(told, "pss", told.uss))
