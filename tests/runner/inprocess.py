"""A job run in this process: every step and section of its stage, without a notebook's kernel or a real page."""

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from ethics_kit import dossier
from ethics_kit.framework import catalogue
from ethics_kit.runner.job import JobResult, JobSpec
from ethics_kit.stages import answers
from ethics_kit.stages.case import Case
from ethics_kit.stages.conclude import conclude


def run_here(spec: JobSpec, *, server: object = None) -> JobResult:
    """As `run_job`, with an empty notebook and page."""
    loaded = dossier.load(spec.project, Path(spec.folder), tables=False)
    case = Case(loaded, spec.stage, spec.as_of, Path(spec.reports))
    for section in catalogue.sections(spec.stage):
        case.taken[section.id] = answers.attested(case, section.id)
    for step in import_module(f"ethics_kit.stages.{spec.stage}").STEPS:
        case.taken[step.__name__] = step(case)
    record = conclude(case, case.taken)
    run = {"finished_at": datetime.now(UTC).isoformat(timespec="seconds"), "by": spec.by, "seconds": 0.1}
    staging = Path(spec.staging)
    staging.mkdir(parents=True)
    (staging / "record.json").write_bytes(record.model_copy(update={"run": run}).to_bytes())
    (staging / "notebook.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    (staging / "report.html").write_text("<p>A page.")
    if spec.pdf:
        (staging / "report.pdf").write_bytes(b"%PDF")
    return JobResult(status="ok", seconds=0.1)
