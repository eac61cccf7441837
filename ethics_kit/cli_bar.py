"""One bar at the foot of a terminal, for a whole run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from ethics_kit.cli_progress import Pace

WIDE = 80
"""Columns from which there is room for more than the words."""


class Words(ProgressColumn):
    """How far it is, never on more than one line."""

    def __init__(self, pace: Pace) -> None:
        super().__init__(Column(no_wrap=True, overflow="ellipsis"))
        self._pace = pace

    def render(self, task: Task) -> Text:
        del task
        return Text(self._pace.words())


class Bar:
    """The bar, and lines above it."""

    def __init__(self, progress: Progress, pace: Pace) -> None:
        self._progress = progress
        self._pace = pace

    def tell(self, told: str) -> None:
        """A line above the bar, as it would stand without one."""
        for task in self._progress.task_ids:
            self._progress.update(task, completed=self._pace.done)
        self._progress.console.print(told, soft_wrap=True)


@contextmanager
def shown(pace: Pace, total: int) -> Iterator[Bar | None]:
    """The bar, drawn anew a few times a second and gone in the end; None where the terminal cannot draw one."""
    console = Console(highlight=False, markup=False, emoji=False)
    if console.is_dumb_terminal:
        yield None
        return
    bar = BarColumn(bar_width=None, table_column=Column(ratio=1, no_wrap=True))
    with Progress(
        *[bar] * (console.width >= WIDE),
        Words(pace),
        console=console,
        expand=console.width >= WIDE,
        transient=True,
        refresh_per_second=4,
        redirect_stdout=False,
        redirect_stderr=sys.stderr.isatty(),
    ) as progress:
        progress.add_task("", total=total)
        yield Bar(progress, pace)


@contextmanager
def counted(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error that says "WHAT 12 of 1,000"; what is yielded is called after each of them."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    said = TextColumn(f"{what} {{task.completed:,.0f}} of {total:,}")
    with Progress(
        *[BarColumn(bar_width=None)] * (console.width >= WIDE),
        said,
        console=console,
        expand=console.width >= WIDE,
        transient=True,
        refresh_per_second=4,
        redirect_stdout=False,
        disable=console.is_dumb_terminal,
    ) as progress:
        yield partial(progress.advance, progress.add_task("", total=total))
