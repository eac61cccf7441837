"""What ``run`` and ``demo`` do with dossiers that were checked: assess, show, write the pages, and end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import typer

from ethics_kit import cli_gate, cli_portfolio
from ethics_kit.cli_log import JsonLog
from ethics_kit.cli_progress import Ended, Lines, Planned, Watch
from ethics_kit.errors import display_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from ethics_kit.cli_gate import Refusal
    from ethics_kit.project import Project, Stage
    from ethics_kit.runner.assessment import Result
    from ethics_kit.schema import Policy

OK, FAILED, BAD_INPUT, REFUSED, STOPPED = 0, 1, 2, 3, 130

Located = tuple["Project", "Path"]
Log = Literal["text", "json"]


@dataclass(frozen=True)
class Validated:
    """The dossiers that are sound, those that are not, how many problems were told, and the policies by project."""

    sound: list[Located]
    bad: list[Located]
    problems: int
    policies: dict[Path, Policy]


def assessed(
    found: Validated,
    *,
    stages: Sequence[Stage],
    day: date,
    reports: Path | None,
    jobs: int,
    pdf: bool = False,
    gate: bool = False,
    log: Log = "text",
) -> int:
    """Assess what is sound, and return the exit code. With `log` *json*, standard output holds that alone."""
    from ethics_kit.runner import batch

    began = time.monotonic()
    names, not_run = ([folder.name for _, folder in part] for part in (found.sound, found.bad))
    plan = Planned(names, stages, day, jobs, not_run, found.problems)
    watch: Watch = JsonLog(plan) if log == "json" else Lines(plan)
    so_far: list[Result] = []

    def ended(result: Result) -> None:
        so_far.append(result)
        watch.ended(result)

    try:
        with watch:
            results = batch.run(
                found.sound,
                stages=stages,
                as_of=day,
                reports=reports,
                jobs=jobs,
                pdf=pdf,
                begun=watch.started,
                report=ended,
                say=partial(typer.echo, err=True),
            )
    except KeyboardInterrupt:
        typer.echo("Stopped. What is published is whole; run again to go on.", err=True)
        watch.finished(Ended(so_far, None, [], STOPPED, time.monotonic() - began))
        return STOPPED
    watch.ran(results)
    pages = _write_pages(found, reports, day)
    if not_run:
        typer.echo(f"Not run, as the dossier is not in order (see above): {', '.join(not_run)}", err=True)
    refusals = cli_gate.refused(results, found.policies) if gate else None
    code = _exit_code(found, results, refusals)
    watch.finished(Ended(results, refusals, pages, code, time.monotonic() - began))
    return code


def _write_pages(found: Validated, reports: Path | None, day: date) -> list[str]:
    """The pages of each reports folder that is there, with the systems of all projects that report to it."""
    projects: dict[Path, dict[Path, Project]] = {}
    for project, _ in (*found.sound, *found.bad):
        projects.setdefault(reports or project.reports, {})[project.root] = project
    pages = [
        cli_portfolio.after_run(
            folder,
            own.values(),
            day=day,
            systems=[system.name for project, system in (*found.sound, *found.bad) if project.root in own],
            not_run=[system.name for project, system in found.bad if project.root in own],
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
