"""A portfolio of assessments: systems side by side, the stages of one system in order, failures alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from ethics_kit.project import Project
from ethics_kit.runner.assessment import Job, Result, assess

Located = tuple[Project, Path]


def run(
    systems: Iterable[Located],
    *,
    stages: Sequence[str],
    as_of: date,
    reports: Path | None,
    jobs: int,
    report: Callable[[Result], None],
) -> list[Result]:
    """Assess `systems`; `report` is called as each assessment ends, from several threads one at a time.

    Kernels are processes of their own, so threads suffice here. A system's stages run in their order, as later ones
    read the records of earlier ones.
    """
    import threading

    lock = threading.Lock()

    def one(located: Located) -> list[Result]:
        project, folder = located
        results = []
        for stage in stages:
            result = assess(Job(project, folder, stage, as_of, reports or project.reports))
            results.append(result)
            with lock:
                report(result)
        return results

    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        return [r for results in pool.map(one, systems) for r in results]
