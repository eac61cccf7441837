"""What a run tells another program: ``--log json``."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING

import typer

from ethics_kit.cli_progress import LONGEST_REASON
from ethics_kit.errors import display_path, printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from ethics_kit.cli_progress import Ended, Planned
    from ethics_kit.runner.results import Job, Result


class JsonLog:
    """One JSON object a line on standard output, and nothing else; docs/scheduling.md lists events and fields."""

    def __init__(self, plan: Planned) -> None:
        self._plan = plan

    def __enter__(self) -> Self:
        plan = self._plan
        self._tell(
            "run_started",
            version=metadata.version("ethics-kit"),
            as_of=plan.as_of.isoformat(),
            stages=list(plan.stages),
            systems=len(plan.systems),
            assessments=plan.total,
            jobs=plan.jobs,
            not_run=list(plan.not_run),
            problems=plan.problems,
        )
        return self

    def __exit__(self, *_: object) -> None:
        return

    def started(self, job: Job) -> None:
        self._tell("started", system=job.system, stage=job.stage)

    def ended(self, result: Result) -> None:
        self._tell(
            "assessed",
            system=result.system,
            stage=result.stage,
            verdict=result.verdict,
            reason=printable(result.reason, LONGEST_REASON),
            seconds=round(result.seconds, 3),
            folder=display_path(result.folder),
            new=result.new,
            since=result.since,
            attempts=result.attempts,
        )

    def ran(self, results: Sequence[Result]) -> None:
        del results  # each was told as it ended

    def finished(self, ended: Ended) -> None:
        """The gate's refusals one by one, then the counts."""
        for refusal in ended.refusals or ():
            self._tell(
                "refused",
                system=refusal.result.system,
                stage=refusal.result.stage,
                verdict=refusal.result.verdict,
                why=printable(refusal.why, LONGEST_REASON),
                review=refusal.review,
            )
        results = ended.results
        self._tell(
            "finished",
            exit_code=ended.code,
            seconds=round(ended.seconds, 3),
            assessed=len(results),
            failed=sum(not r.ok for r in results),
            unchanged=sum(r.since is not None for r in results),
            verdicts=dict(sorted(Counter(r.verdict for r in results).items())),
            refused=None if ended.refusals is None else len(ended.refusals),
            not_run=list(self._plan.not_run),
            pages=list(ended.pages),
        )

    @staticmethod
    def _tell(event: str, **fields: object) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        typer.echo(json.dumps({"event": event, "at": at, **fields}, ensure_ascii=False))
