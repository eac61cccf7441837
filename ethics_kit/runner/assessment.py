"""One assessment: a job is run, and what it prepared is published."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import nbformat

from ethics_kit import archive
from ethics_kit.attestation.folder import publish
from ethics_kit.errors import RunError, Stopped, told
from ethics_kit.record import Record, read_record
from ethics_kit.report import pdf
from ethics_kit.runner import acts
from ethics_kit.runner.job import JobResult, JobSpec, prepare_failure, run_job, scrubbed
from ethics_kit.runner.results import Job, Result

Run = Callable[[JobSpec], JobResult]
"""Where jobs run: here, or by a cluster's workers. The job's files are in its staging folder when it returns."""


def assess(job: Job, run: Run = run_job) -> Result:
    """Run one stage of one system. A failure leaves its marked notebook and a page, and is a result like others.

    Raises
    ------
    Stopped
        The run was stopped; nothing was published.
    """
    start = time.monotonic()
    staging = archive.staging_name(job.reports)
    spec = _spec(job, staging)
    try:
        ended = run(spec)
        if ended.status == "stopped":
            raise Stopped
        reason, folder = ended.reason, job.reports
        if ended.status == "ok":
            try:
                record, folder, new = _publish(job, staging)
                verdict = record.recommendation
                return Result(
                    job, verdict.verdict, verdict.reason, folder, time.monotonic() - start, new, attempts=ended.attempts
                )
            except Exception as failure:  # as in run_job
                reason = scrubbed(told(failure), spec)
                with contextlib.suppress(Exception):
                    prepare_failure(spec, _notebook(staging), reason)
        with contextlib.suppress(Exception):
            folder = archive.publish_failure(staging, job.reports, job.system, job.stage, job.as_of)
        return Result(job, "failed", reason, folder, time.monotonic() - start, attempts=ended.attempts)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _spec(job: Job, staging: Path) -> JobSpec:
    return JobSpec(
        root=str(job.project.root),
        folder=str(job.folder),
        stage=job.stage,
        as_of=job.as_of,
        reports=str(job.reports),
        staging=str(staging),
        by=_user(),
        pdf=job.pdf,
        time_limit=job.time_limit,
        memory_limit=job.memory_limit,
    )


def _publish(job: Job, staging: Path) -> tuple[Record, Path, bool]:
    """Move what a job prepared to the record's own folder; False where the record is there already.

    Raises
    ------
    RunError
        What was prepared is not the record of this job, or the system's chain is damaged.
    """
    record, why = read_record(staging / "record.json")
    if record is None or (record.system["id"], record.stage, record.as_of) != (job.system, job.stage, job.as_of):
        raise RunError(f"the job left no record of its assessment: {why or 'it is of another one'}")
    folder, new = publish(staging, job.reports, record)
    becomes_current = archive.current(folder.parent, archive.Latest("ok", folder.name, record.as_of))
    if becomes_current or (job.pdf and not (folder / pdf.FILE).exists()):
        acts.act(job.project, folder, act="run", pdf_wanted=job.pdf)
    return record, folder, new


def _notebook(staging: Path) -> nbformat.NotebookNode:
    """What a job left of its notebook; an empty one where that cannot be read."""
    notebook: nbformat.NotebookNode
    try:
        notebook = nbformat.read(staging / "notebook.ipynb", as_version=4)
    except Exception:  # a job of another machine may leave anything
        notebook = nbformat.v4.new_notebook()
    return notebook


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return f"uid {os.getuid()}"
