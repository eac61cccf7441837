"""Dossiers checked one by one, or several at a time in processes of their own: a check is mostly Python's own work."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from ethics_kit import checks, dossier
from ethics_kit.errors import InputError, Problem, RunError
from ethics_kit.project import Project
from ethics_kit.runner.unchanged import Wanted
from ethics_kit.storage import Fetched

if TYPE_CHECKING:
    from ethics_kit.dossier import Dossier
    from ethics_kit.runner.parcel import Contents

Located = tuple[Project, Path]

FEW = 24
"""Dossiers of which the check takes less time than it takes processes to start."""


@dataclass(frozen=True)
class Checked:
    """What is wrong with a dossier; where nothing is, what a run has to know of it.

    `read` are the sizes in bytes of what was read from storage just now; `contents` is what travels to a cluster.
    """

    problems: Sequence[Problem] = ()
    read: Sequence[int] = ()
    in_database: bool = False
    contents: Contents | None = None


def each(
    systems: Sequence[Located], wanted: Wanted | None, *, travel: bool, at_once: int
) -> Iterator[tuple[Located, Checked]]:
    """Check `systems`, in their order. What is in order is remembered for runs as `wanted`; `travel`: to a cluster.

    Raises
    ------
    RunError
        The system ended a process that checked.
    """
    check = partial(_checked, wanted=wanted, travel=travel)
    if at_once == 1 or len(systems) < FEW:
        yield from zip(systems, map(check, systems), strict=True)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of this process's threads
    pool = ProcessPoolExecutor(min(at_once, len(systems)), context, initializer=_end_with_owner)
    try:
        yield from zip(systems, pool.map(check, systems), strict=True)
    except BrokenProcessPool:
        found = "A process that checked dossiers was ended from outside, perhaps for want of memory"
        raise RunError(f"{found}; nothing was run. Try again with --jobs 1.") from None
    finally:
        for process in multiprocessing.active_children():  # they are these alone
            process.kill()
        pool.shutdown(cancel_futures=True)


def _checked(located: Located, *, wanted: Wanted | None, travel: bool) -> Checked:
    began = time.time()
    try:
        loaded = dossier.load(*located)
    except InputError as error:
        return Checked(error.problems)
    contents, problems = _contents(loaded) if travel else (None, [])
    if unusable := [*checks.model.problems(loaded), *problems]:
        return Checked(InputError(unusable).problems)
    if wanted:
        wanted.found_sound(loaded, began)
    read = [given.size for given in loaded.stored.values() if isinstance(given, Fetched) and given.new]
    return Checked((), read, loaded.database is not None, contents)


def _contents(loaded: Dossier) -> tuple[Contents, list[Problem]]:
    from ethics_kit.runner import parcel  # with what runs notebooks, which takes two seconds to import

    return parcel.contents(loaded)


def _end_with_owner() -> None:
    """End this process at once on Ctrl-C, and where the one that started it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_outlive, args=[multiprocessing.parent_process()], daemon=True).start()


def _outlive(owner: BaseProcess) -> None:
    owner.join()
    os._exit(1)
