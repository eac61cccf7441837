"""A portfolio of assessments: systems side by side, the stages of one system in order, failures alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from ethics_kit.project import Project, Stage
from ethics_kit.runner import kernel
from ethics_kit.runner.assessment import Job, Result, assess, sweep

Located = tuple[Project, Path]


def run(
    systems: Iterable[Located],
    *,
    stages: Sequence[Stage],
    as_of: date,
    reports: Path | None,
    jobs: int,
    report: Callable[[Result], None],
) -> list[Result]:
    """Assess `systems`; `report` is called as each assessment ends, from several threads one at a time.

    Kernels are processes of their own, so threads suffice here. A system's stages run in their order, as later ones
    read the records of earlier ones. On Ctrl-C the running kernels are ended, and what is published stays.
    """
    lock, stopped = threading.Lock(), threading.Event()
    systems = list(systems)

    def one(located: Located) -> list[Result]:
        project, folder = located
        results = []
        for stage in stages:
            if stopped.is_set():
                break
            result = assess(Job(project, folder, stage, as_of, reports or project.reports))
            results.append(result)
            with lock:
                report(result)
        return results

    folders = {reports or project.reports for project, _ in systems}
    pool = ThreadPoolExecutor(max_workers=max(1, jobs))
    try:
        return [r for results in pool.map(one, systems) for r in results]
    except BaseException:
        stopped.set()
        kernel.stop_all()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        for folder in folders:
            sweep(folder)
