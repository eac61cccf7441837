"""A portfolio of assessments: systems side by side, the stages of one system in order, failures alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path

from ethics_kit import archive
from ethics_kit.project import Project, Stage
from ethics_kit.runner import kernel, warm
from ethics_kit.runner.assessment import assess
from ethics_kit.runner.job import run_job
from ethics_kit.runner.results import Job, Result
from ethics_kit.runner.unchanged import Memory, Wanted

Located = tuple[Project, Path]
COLD = "Each kernel is started anew, which takes longer: this system cannot fork them from one that is ready."


def run(
    systems: Iterable[Located],
    *,
    stages: Sequence[Stage],
    as_of: date,
    reports: Path | None,
    jobs: int,
    pdf: bool = False,
    force: bool = False,
    begun: Callable[[Job], None],
    report: Callable[[Result], None],
    say: Callable[[str], None],
) -> list[Result]:
    """Assess `systems`; each assessment calls `begun` and, as it ends, `report`: from several threads, one at a time.

    `say` is told, once, that kernels are started cold where several could have been forked.

    Kernels are processes of their own, so threads suffice here. A system's stages run in their order, as later ones
    read the records of earlier ones. On Ctrl-C the running kernels are ended, and what is published stays.
    """
    wanted = Wanted(stages, as_of, reports, pdf, force)
    lock, stopped = threading.Lock(), threading.Event()
    systems = list(systems)
    server = _server(say) if len(systems) * len(stages) > 1 else None

    def one(located: Located) -> list[Result]:
        project, folder = located
        memory = wanted.memory(project, folder)
        results = []
        for stage in stages:
            if stopped.is_set():
                break
            job = wanted.job(project, folder, stage)
            with lock:
                begun(job)
            result = (None if force else memory.kept(job)) or _run(job, memory, server)
            results.append(result)
            with lock:
                report(result)
        memory.save()
        return results

    folders = {reports or project.reports for project, _ in systems}
    pool = ThreadPoolExecutor(max_workers=max(1, jobs))
    futures = [pool.submit(one, located) for located in systems]
    try:
        return [result for future in futures for result in future.result()]
    except BaseException:
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)
        while not all(future.done() for future in futures):
            kernel.stop_all()  # again and again: one may begin meanwhile
            time.sleep(0.1)
        raise
    finally:
        pool.shutdown()
        if server:
            server.close()
        for folder in folders:
            archive.sweep(folder)


def _run(job: Job, memory: Memory, server: warm.Server | None) -> Result:
    before = memory.all_of(job)
    result = assess(job, partial(run_job, server=server))
    memory.ran(result, before)
    return result


def _server(say: Callable[[str], None]) -> warm.Server | None:
    try:
        return warm.Server(cold=lambda: say(COLD))
    except OSError:
        say(COLD)
        return None
