"""What a run shows while it goes on: lines, and on a terminal a bar below them."""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections import Counter, deque
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

import typer

from ethics_kit import cli_gate, cli_summary
from ethics_kit.errors import display_path, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from ethics_kit.cli_bar import Bar
    from ethics_kit.cli_gate import Refusal
    from ethics_kit.runner.results import Job, Result

LONGEST_REASON = 500
RECENT = 101
"""So many results of each stage say how long the next will take."""


@dataclass(frozen=True)
class Planned:
    """What is to be done: each of `systems` through `stages`, `jobs` systems at a time.

    `not_run` are the dossiers that are not in order; `problems` counts what was told of these and of names unknown.
    """

    systems: Sequence[str]
    stages: Sequence[str]
    as_of: date
    jobs: int
    not_run: Sequence[str] = ()
    problems: int = 0

    @property
    def total(self) -> int:
        return len(self.systems) * len(self.stages)


@dataclass(frozen=True)
class Ended:
    """How a run ended: its results, what the gate refused (None: nobody asked), its pages and its exit code."""

    results: Sequence[Result]
    refusals: Sequence[Refusal] | None
    pages: Sequence[str]
    code: int
    seconds: float


class Pace:
    """How far a run is, and how long the rest will take. Seconds are of the wall clock. Any thread may ask."""

    def __init__(self, plan: Planned) -> None:
        self._plan = plan
        self._lock = threading.Lock()
        self._running: dict[tuple[Path, str], float] = {}
        self._seconds = {stage: deque[float](maxlen=RECENT) for stage in plan.stages}
        self._ended, self._begun, self._ran = Counter[str](), Counter[str](), Counter[str]()
        self._failed = self._unchanged = 0

    @property
    def done(self) -> int:
        return self._ended.total()

    def started(self, job: Job) -> None:
        with self._lock:
            self._running[job.folder, job.stage] = time.monotonic()

    def ended(self, result: Result) -> None:
        with self._lock:
            began = self._running.pop((result.job.folder, result.stage), None)
            self._ended[result.stage] += 1
            self._begun[result.stage] += began is not None
            self._failed += not result.ok
            self._unchanged += result.since is not None
            if result.since is None:
                self._ran[result.stage] += 1
                self._seconds[result.stage].append(result.seconds)

    def left(self) -> float | None:
        """Seconds until the end, or None while no assessment of a stage that is to come has begun and ended.

        Of each stage: those to come × the share that was run of those begun × the median of the last that ran. Systems
        known beforehand to be unchanged never begin, and say nothing of those that do. The stages of one system run
        one after another, so that the last systems keep fewer than all jobs busy.
        """
        with self._lock:
            return self._left()

    def _left(self) -> float | None:
        systems, each = len(self._plan.systems), dict[str, float]()
        for stage, took in self._seconds.items():
            if self._ended[stage] < systems and not self._begun[stage]:
                return None
            share = self._ran[stage] / max(1, self._begun[stage])
            each[stage] = share * statistics.median(took) if took else 0.0
        now = time.monotonic()
        seconds = sum((systems - self._ended[stage]) * one for stage, one in each.items())
        seconds -= sum(min(now - began, each[stage]) for (_, stage), began in self._running.items())
        systems_left = systems - min(self._ended[stage] for stage in self._plan.stages)
        return seconds / max(1, min(self._plan.jobs, systems_left))

    def words(self) -> str:
        """Such as "12/20 done, 2 running, 1 failed, 3 unchanged, about 2 min 5 s left"."""
        with self._lock:
            left = self._left()
            counts = {"running": len(self._running), "failed": self._failed, "unchanged": self._unchanged}
        said = [f"{self.done}/{self._plan.total} done", *(f"{n} {word}" for word, n in counts.items() if n)]
        if left is not None and self.done < self._plan.total:
            said.append(f"about {cli_summary.duration(left)} left")
        return ", ".join(said)


class Watch(Protocol):
    """Told of a run as it goes on, one call at a time, from several threads."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def started(self, job: Job) -> None: ...

    def ended(self, result: Result) -> None: ...

    def ran(self, results: Sequence[Result]) -> None:
        """All have ended; the pages are not written yet."""

    def finished(self, ended: Ended) -> None: ...


def line(result: Result, number: int, total: int) -> str:
    """One assessment in a line; how it ended stands where a person or a program finds it."""
    where = display_path(result.folder / "report.html") if result.ok else printable(result.reason, LONGEST_REASON)
    took = f"unchanged since {result.since}" if result.since else f"{result.seconds:.1f} s"
    again = "  (unchanged)" * (not result.new and not result.since) + "  (second attempt)" * (result.attempts > 1)
    return f"[{number}/{total}] {result.system}  {result.stage}  {result.verdict}  {took}{again}  {where}"


class Lines:
    """A line for each assessment as it ends; on a terminal that can, above one bar for all of them."""

    def __init__(self, plan: Planned) -> None:
        self._plan = plan
        self._pace = Pace(plan)
        self._bar: Bar | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if self._plan.total > 1 and sys.stdout.isatty():
            from ethics_kit import cli_bar

            self._bar = self._open.enter_context(cli_bar.shown(self._pace, self._plan.total))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._bar = None

    def started(self, job: Job) -> None:
        self._pace.started(job)

    def ended(self, result: Result) -> None:
        self._pace.ended(result)
        told = line(result, self._pace.done, self._plan.total)
        tell = self._bar.tell if self._bar else typer.echo
        tell(told)

    def ran(self, results: Sequence[Result]) -> None:
        """The table, and for one system what to supply next."""
        _echo(["", *cli_summary.table(self._plan, results), *cli_summary.next_steps(results)])

    def finished(self, ended: Ended) -> None:
        """Where the pages are, what the gate says, and the summary."""
        _echo(f"\nPortfolio: {page}" for page in ended.pages)
        if ended.refusals is not None:
            _echo(cli_gate.told(ended.results, ended.refusals, problems=self._plan.problems))
        _echo(["", *cli_summary.summary(self._plan, ended)])


def _echo(lines: Iterable[str]) -> None:
    for one in lines:
        typer.echo(one)
