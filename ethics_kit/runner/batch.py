"""A portfolio of assessments: systems side by side, the stages of one system in order, failures alone."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

from ethics_kit import archive
from ethics_kit.project import Project, Stage
from ethics_kit.runner import kernel, limits, warm
from ethics_kit.runner.assessment import Job, Result, assess
from ethics_kit.runner.job import run_job
from ethics_kit.runner.limits import TIME_LIMIT

Located = tuple[Project, Path]
COLD = "Each kernel is started anew, which takes longer: this system cannot fork them from one that is ready."


class Terminated(KeyboardInterrupt):
    """The run was told to end, as by a scheduler (SIGTERM)."""


def run(
    systems: Iterable[Located],
    *,
    stages: Sequence[Stage],
    as_of: date,
    reports: Path | None,
    jobs: int,
    pdf: bool = False,
    time_limit: float = TIME_LIMIT,
    memory_limit: int | None = None,
    report: Callable[[Result], None],
    say: Callable[[str], None],
) -> list[Result]:
    """Assess `systems`; `report` is called as each assessment ends, from several threads one at a time.

    `time_limit` is in seconds and `memory_limit` in bytes, for each notebook; where none is said, the machine's memory
    is shared among the jobs. `say` is told, once, that kernels are started cold where several could have been forked.

    Kernels are processes of their own, so threads suffice here: one for each job, which takes the next system when it
    is done with one. A system's stages run in their order, as later ones read the records of earlier ones. On Ctrl-C
    and SIGTERM the running kernels are ended, and what is published stays.

    Raises
    ------
    Terminated
        The process got SIGTERM.
    """
    lock, stopped = threading.Lock(), threading.Event()
    systems = list(systems)
    folders = {reports or project.reports for project, _ in systems}
    memory = memory_limit or limits.memory_each(jobs)

    def one(located: Located) -> list[Result]:
        project, folder = located
        results: list[Result] = []
        for stage in stages:
            if stopped.is_set():
                break
            job = Job(project, folder, stage, as_of, reports or project.reports, pdf, time_limit, memory)
            results.append(assess(job, partial(run_job, server=server)))
            with lock:
                report(results[-1])
        return results

    with _terminable():
        _sweep(folders)
        server = _server(say) if len(systems) * len(stages) > 1 else None
        try:
            return _side_by_side(systems, one, jobs, stopped)
        finally:
            if server:
                server.close()
            _sweep(folders)


def _side_by_side(
    systems: Sequence[Located], one: Callable[[Located], list[Result]], jobs: int, stopped: threading.Event
) -> list[Result]:
    """What `one` makes of each system, in their order, by as many threads as there are jobs."""
    lock, waiting, results = threading.Lock(), iter(enumerate(systems)), dict[int, list[Result]]()

    def work() -> None:
        while not stopped.is_set():
            with lock:
                place, located = next(waiting, (-1, None))
            if located is None:
                return
            results[place] = one(located)

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures = [pool.submit(work) for _ in range(min(jobs, len(systems)))]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            stopped.set()
            while not all(future.done() for future in futures):
                kernel.stop_all()  # again and again: one may begin meanwhile
                time.sleep(0.1)
            raise
    return [result for place in sorted(results) for result in results[place]]


def _sweep(folders: Iterable[Path]) -> None:
    """Remove what runs that were killed left on this machine."""
    kernel.sweep()
    for folder in folders:
        archive.sweep(folder)


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM stops what runs in here as Ctrl-C does; only where signals arrive, in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(_number: int, _frame: FrameType | None) -> NoReturn:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _server(say: Callable[[str], None]) -> warm.Server | None:
    try:
        return warm.Server(cold=lambda: say(COLD))
    except OSError:
        say(COLD)
        return None
