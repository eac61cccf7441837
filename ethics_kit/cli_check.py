"""Which of the dossiers that a command names are in order: every problem is told once, before anything is run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from ethics_kit.cli_run import Located, Validated
from ethics_kit.cli_summary import NAMED
from ethics_kit.errors import InputError, Problem
from ethics_kit.project import locate_systems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ethics_kit.runner.checking import Checked
    from ethics_kit.runner.cluster import Cluster
    from ethics_kit.runner.unchanged import Wanted
    from ethics_kit.runner.warm import Reserve, Server

MANY = 16
"""Dossiers that take longer to check here than a server takes to start."""

SHOWN_EVERY = 500
"""Off a terminal, dossiers from one line of progress to the next; of fewer none is told."""


def valid(
    systems: list[str] | None,
    wanted: Wanted | None = None,
    cluster: Cluster | None = None,
    *,
    jobs: int | None = None,
    reserve: Reserve | None = None,
) -> Validated:
    """Check the dossiers named, or all, as many at a time as this machine has processors and `jobs` allows.

    Of those in which nothing has changed since they were `wanted` before, the results are kept instead. With a
    `cluster`, what cannot travel to it is a problem, too. The server of `reserve` is started where it is worth it.
    """
    from ethics_kit.runner import checking

    located, errors = _located(systems)
    kept, found = {}, {}
    at_once = min(jobs or sys.maxsize, os.cpu_count() or 1)
    with _shown(len(located)) as looked_at:
        for project, folder in located:
            if wanted and (results := wanted.kept(project, folder)):
                kept[folder] = results
                looked_at()
        rest = [one for one in located if one[1] not in kept]
        server = _server(reserve, len(rest), wanted if cluster is None else None)
        for one, checked in checking.each(rest, wanted, travel=cluster is not None, at_once=at_once, server=server):
            found[one] = checked
            _tell_read(one, checked)
            if cluster and checked.contents:
                cluster.admit(one[1], checked.contents)
            looked_at()
    told = _tell_each([*(e.problems for e in errors), *(checked.problems for checked in found.values())])
    if wanted and not wanted.force:
        _tell_run_always([folder.name for (_, folder), checked in found.items() if checked.in_database])
    bad = [one for one, checked in found.items() if checked.problems]
    return Validated([one for one in located if one not in bad], bad, told, kept)


def _server(reserve: Reserve | None, dossiers: int, to_run: Wanted | None) -> Server | None:
    """One that checks so many dossiers, and forks the kernels if several notebooks are to run here."""
    from ethics_kit.runner import warm

    several = to_run and dossiers * len(to_run.stages) > 1
    if reserve and (several or (dossiers >= MANY and warm.AVAILABLE)):
        reserve.start()
        if to_run:
            from ethics_kit.runner import batch  # noqa: F401  # which takes a second, as the server does
    return reserve.server if reserve else None


def tell(error: InputError) -> None:
    """Each problem in a line."""
    for problem in error.problems:
        typer.echo(str(problem), err=True)


def _located(systems: list[str] | None) -> tuple[list[Located], list[InputError]]:
    """The dossiers named, or all; a folder of dossiers stands for each of them."""
    found: list[Located] = []
    errors = []
    for name in systems or [""]:
        try:
            found += locate_systems(name)
        except InputError as error:
            errors.append(error)
    return list({folder: (project, folder) for project, folder in found}.values()), errors


def _tell_each(groups: Sequence[Sequence[Problem]]) -> int:
    """Tell each problem once, as several dossiers share files, and how many there are."""
    lines = dict.fromkeys(str(problem) for group in groups for problem in group)
    for line in lines:
        typer.echo(line, err=True)
    return len(lines)


def _tell_read(one: Located, checked: Checked) -> None:
    """How much was read from storage just now."""
    if sizes := checked.read:
        files = f"{len(sizes)} file{'s' * (len(sizes) > 1)}"
        typer.echo(f"{one[1].name}: read {files} from storage, {sum(sizes) / 1e6:.1f} MB", err=True)


def _tell_run_always(names: Sequence[str]) -> None:
    """Whose stages are not skipped, though nothing else may have changed."""
    if names:
        more = f" and {len(names) - NAMED} more" * (len(names) > NAMED)
        typer.echo(
            f"Run again in any case, as their tables are in a database: {', '.join(names[:NAMED])}{more}", err=True
        )


@contextmanager
def _shown(total: int) -> Iterator[Callable[[], None]]:
    """What to call after each of so many dossiers, so that progress is shown on standard error."""
    done = 0

    def line() -> None:
        nonlocal done
        done += 1
        if done % SHOWN_EVERY == 0:
            typer.echo(f"Checked {done:,} of {total:,} dossiers.", err=True)

    if total > 1 and sys.stderr.isatty():
        from ethics_kit import cli_bar

        with cli_bar.counted("checking", total) as count:
            yield count
    else:
        yield line
