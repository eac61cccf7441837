"""What to assess, and how it ended; light, so that a run in which nothing has changed starts no machinery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ethics_kit.project import Project, Stage
from ethics_kit.runner.limits import TIME_LIMIT


@dataclass(frozen=True)
class Job:
    """What to assess. `time_limit` is in seconds, for the whole notebook; `memory_limit` in bytes, for its kernel."""

    project: Project
    folder: Path
    stage: Stage
    as_of: date
    reports: Path
    pdf: bool = False
    time_limit: float = TIME_LIMIT
    memory_limit: int | None = None

    @property
    def system(self) -> str:
        return self.folder.name


@dataclass(frozen=True)
class Result:
    """How it ended. `verdict` is the recommendation, or *failed* with the reason.

    `new` is False where the record was there already; `since`, an ISO date, where nothing had changed since then and
    nothing was run; `attempts` is 2 where a kernel died and a new one was tried.
    """

    job: Job
    verdict: str
    reason: str
    folder: Path
    seconds: float
    new: bool = True
    since: str | None = None
    attempts: int = 1

    @property
    def system(self) -> str:
        return self.job.system

    @property
    def stage(self) -> str:
        return self.job.stage

    @property
    def ok(self) -> bool:
        return self.verdict != "failed"
