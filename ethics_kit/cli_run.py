"""What ``run`` and ``demo`` do with dossiers that were checked: assess, show, write the pages, and end."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Literal

import typer

from ethics_kit import cli_gate, cli_portfolio
from ethics_kit.cli_log import JsonLog
from ethics_kit.cli_progress import Ended, Lines, Planned, Watch
from ethics_kit.errors import Terminated, display_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import FrameType
    from typing import NoReturn

    from ethics_kit.cli_gate import Refusal
    from ethics_kit.project import Project
    from ethics_kit.runner.cluster import Cluster
    from ethics_kit.runner.results import Job, Result
    from ethics_kit.runner.unchanged import Wanted
    from ethics_kit.runner.warm import Reserve, Server
    from ethics_kit.schema import Policy

OK, FAILED, BAD_INPUT, REFUSED, STOPPED, TERMINATED = 0, 1, 2, 3, 130, 143

Located = tuple["Project", "Path"]
Log = Literal["text", "json"]


@dataclass(frozen=True)
class Validated:
    """The dossiers that are sound, those that are not, and how many problems were told."""

    sound: list[Located]
    bad: list[Located]
    problems: int
    kept: dict[Path, list[Result]] = field(default_factory=dict)
    """The results of those in which nothing has changed; they are sound still."""


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM stops what runs in here as Ctrl-C does, and either ends the command with an exit code of its own."""

    def terminate(_number: int, _frame: FrameType | None) -> NoReturn:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    except KeyboardInterrupt as stop:
        raise typer.Exit(_told_stopped(stop)) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def reserve() -> Reserve:
    """Kernels in reserve; on standard error it is said where there can be none."""
    from ethics_kit.runner.warm import Reserve

    return Reserve(say=partial(typer.echo, err=True))


def _told_stopped(stop: KeyboardInterrupt) -> int:
    """The exit code, once it is told."""
    typer.echo("Stopped. What is published is whole; run again to go on.", err=True)
    return TERMINATED if isinstance(stop, Terminated) else STOPPED


def assessed(
    found: Validated,
    wanted: Wanted,
    *,
    jobs: int,
    server: Server | None = None,
    cluster: Cluster | None = None,
    gate: bool = False,
    log: Log = "text",
) -> int:
    """Assess what is sound, and return the exit code. With `log` *json*, standard output holds that alone."""
    began = time.monotonic()
    names, not_run = ([folder.name for _, folder in part] for part in (found.sound, found.bad))
    plan = Planned(names, wanted.stages, wanted.as_of, jobs, not_run, found.problems)
    watch: Watch = JsonLog(plan) if log == "json" else Lines(plan)
    policies = _policies(found) if gate else {}
    so_far: list[Result] = []

    def ended(result: Result) -> None:
        so_far.append(result)
        watch.ended(result)

    try:
        with watch:
            run = partial(_results, jobs=jobs, server=server, cluster=cluster)
            results = run(found, wanted, begun=watch.started, report=ended)
        watch.ran(results)
        pages = _write_pages(found, wanted)
        if not_run:
            typer.echo(f"Not run, as the dossier is not in order (see above): {', '.join(not_run)}", err=True)
        refusals = cli_gate.refused(results, policies) if gate else None
    except KeyboardInterrupt as stop:
        code = _told_stopped(stop)
        watch.finished(Ended(so_far, None, [], code, time.monotonic() - began))
        return code
    code = _exit_code(found, results, refusals)
    watch.finished(Ended(results, refusals, pages, code, time.monotonic() - began))
    return code


def _results(
    found: Validated,
    wanted: Wanted,
    *,
    jobs: int,
    server: Server | None,
    cluster: Cluster | None,
    begun: Callable[[Job], None],
    report: Callable[[Result], None],
) -> list[Result]:
    """The results in the order of the systems; first those are told in which nothing has changed."""
    from ethics_kit.runner import leftovers

    leftovers.sweep({wanted.reports or project.reports for project, _ in found.sound})
    by_system = dict(found.kept)
    for result in (one for results in found.kept.values() for one in results):
        report(result)
    if changed := [one for one in found.sound if one[1] not in found.kept]:
        from ethics_kit.runner import batch

        ran = batch.run(changed, wanted, jobs=jobs, server=server, cluster=cluster, begun=begun, report=report)
        by_system |= {folder: [*of] for folder, of in groupby(ran, key=lambda result: result.job.folder)}
    return [result for _, folder in found.sound for result in by_system[folder]]


def _policies(found: Validated) -> dict[Path, Policy]:
    """The policies by project."""
    from ethics_kit.dossier import policy_of

    read = {root: policy_of(project) for root, project in {p.root: p for p, _ in found.sound}.items()}
    return {root: policy for root, policy in read.items() if policy}


def _write_pages(found: Validated, wanted: Wanted) -> list[str]:
    """The pages of each reports folder that is there, with the systems of all projects that report to it."""
    projects: dict[Path, dict[Path, Project]] = {}
    for project, _ in (*found.sound, *found.bad):
        projects.setdefault(wanted.reports or project.reports, {})[project.root] = project
    pages = [
        cli_portfolio.after_run(
            folder,
            own.values(),
            day=wanted.as_of,
            systems=[system.name for project, system in (*found.sound, *found.bad) if project.root in own],
            not_run=[system.name for project, system in found.bad if project.root in own],
            anew=wanted.force,
        )
        for folder, own in projects.items()
    ]
    return [display_path(page) for page in pages if page]


def _exit_code(found: Validated, results: Sequence[Result], refusals: Sequence[Refusal] | None) -> int:
    """2 over 1 over 3."""
    if found.problems:
        return BAD_INPUT
    if not all(r.ok for r in results):
        return FAILED
    return REFUSED if refusals else OK
