"""The pages over all systems: the command that writes them by themselves, and what a run does about them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ethics_kit.errors import InputError, Problem, display_path, quoted
from ethics_kit.project import Project, require_project

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def portfolio(
    as_of: Annotated[
        str, typer.Option(help="ISO date the pages are of. Default: today, or the newest record's if that is later.")
    ] = "",
    since: Annotated[
        str, typer.Option(help="ISO date after which the committee's pack tells changes. Default: its last meeting.")
    ] = "",
    reports: Annotated[Path | None, typer.Option(help="A folder of reports. Default: reports/ of the project.")] = None,
) -> None:
    """Write the pages over all systems anew, without assessing anything: index, systems, committee pack, actions."""
    from ethics_kit.report.portfolio import write

    project = require_project(Path.cwd())
    where = (reports or project.reports).resolve()
    day, start = _days(as_of, since)
    if not where.is_dir():
        found, todo = "no such folder", "check the spelling, or make records first: ethics-kit run"
        raise InputError([Problem(file=where, found=found, allowed="a folder of reports", todo=todo)])
    index = write.write(write.scope(where, [project]), day=day or write.day_of(where, date.today()), since=start)
    tell(index)


def tell(index: Path) -> None:
    """Where the pages are."""
    typer.echo(f"\nPortfolio: {display_path(index)}")


def after_run(
    reports: Path,
    projects: Iterable[Project],
    *,
    day: date,
    systems: Collection[str],
    not_run: Collection[str],
    anew: bool = False,
) -> Path | None:
    """Write the pages of a reports folder that is there, and of its systems those that were to be assessed.

    They stay as they are where they show all there is; with `anew` every record is read. None where there is no such
    folder.
    """
    from ethics_kit.runner.pages import Pages

    if not reports.is_dir():
        return None
    pages = Pages(reports, list(projects), day, systems, not_run)
    if not anew and (index := pages.current(pages.state())):
        return index
    from ethics_kit.runner import shown

    return shown.draw(pages, anew=anew)


def _days(as_of: str, since: str) -> tuple[date | None, date | None]:
    """The two dates.

    Raises
    ------
    InputError
        One is no date, or they are in the wrong order: every problem.
    """
    days: dict[str, date | None] = {}
    problems = []
    for key, text in {"as_of": as_of, "since": since}.items():
        try:
            days[key] = date.fromisoformat(text) if text else None
        except ValueError:
            problems.append(_problem(key, quoted(text), "a date such as 2026-11-01", "correct the date"))
    day, start = days.get("as_of"), days.get("since")
    if start and start > (day or date.today()):
        allowed = f"{day or date.today()} or earlier, the day of the pages"
        problems.append(_problem("since", str(start), allowed, "give the day of the last meeting"))
    if problems:
        raise InputError(problems)
    return day, start


def _problem(key: str, found: str, allowed: str, todo: str) -> Problem:
    return Problem(file=Path("parameters"), key=key, found=found, allowed=allowed, todo=todo)
