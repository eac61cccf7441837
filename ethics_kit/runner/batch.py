"""A portfolio of assessments: systems side by side, the stages of one system in order, failures alone."""

from __future__ import annotations

from ethics_kit import light  # noqa: F401

# isort: split

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ethics_kit.project import Project
from ethics_kit.runner import kernel, leftovers, limits, warm
from ethics_kit.runner.assessment import Run, assess
from ethics_kit.runner.job import run_job
from ethics_kit.runner.results import Job, Result
from ethics_kit.runner.unchanged import Memory, Wanted

if TYPE_CHECKING:
    from ethics_kit.runner.cluster import Cluster

Located = tuple[Project, Path]


def run(
    systems: Iterable[Located],
    wanted: Wanted,
    *,
    jobs: int,
    server: warm.Server | None = None,
    cluster: Cluster | None = None,
    begun: Callable[[Job], None],
    report: Callable[[Result], None],
) -> list[Result]:
    """Assess `systems`; each assessment calls `begun` and, as it ends, `report`: from several threads, one at a time.

    Jobs run in kernels on this machine, forked from `server` if there is one, or on the workers of `cluster`. Where no
    memory is `wanted` for each notebook, the machine's is shared among the jobs.

    Kernels are processes of their own, so threads suffice here: one for each job, which takes the next system when it
    is done with one. A system's stages run in their order, as later ones read the records of earlier ones. On
    KeyboardInterrupt the running kernels are ended, and what is published stays.
    """
    lock, stopped = threading.Lock(), threading.Event()
    systems = list(systems)
    jobs = max(1, min(jobs, len(systems)))
    folders = {wanted.reports or project.reports for project, _ in systems}
    if cluster is None:
        wanted = replace(wanted, memory_limit=wanted.memory_limit or limits.memory_each(jobs))

    def one(located: Located) -> list[Result]:
        memory, results = wanted.memory(*located), list[Result]()
        for stage in wanted.stages:
            if stopped.is_set():
                break
            job = wanted.job(*located, stage)
            with lock:
                begun(job)
            kept = None if wanted.force else memory.kept(job)
            results.append(kept or _assessed(job, memory, run_one))
            with lock:
                report(results[-1])
        memory.save()
        return results

    run_one = cluster.run if cluster else partial(run_job, server=server)
    try:
        return _side_by_side(systems, one, jobs, stopped, cluster.stop if cluster else kernel.stop_all)
    finally:
        leftovers.sweep(folders)


def _assessed(job: Job, memory: Memory, run: Run) -> Result:
    before = memory.all_of(job)
    result = assess(job, run)
    memory.ran(result, before)
    memory.save()
    return result


def _side_by_side(
    systems: Sequence[Located],
    one: Callable[[Located], list[Result]],
    jobs: int,
    stopped: threading.Event,
    stop_all: Callable[[], None],
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
        futures = [pool.submit(work) for _ in range(jobs)]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            stopped.set()
            while not all(future.done() for future in futures):
                stop_all()  # again and again: one may begin meanwhile
                time.sleep(0.1)
            raise
    return [result for place in sorted(results) for result in results[place]]
