"""A job run in this process: every step and section of its stage, without a notebook's kernel or a real page."""

from importlib import import_module
from pathlib import Path

from ethics_kit import dossier
from ethics_kit.framework import catalogue
from ethics_kit.record import Record
from ethics_kit.runner.job import JobResult, JobSpec
from ethics_kit.stages import answers
from ethics_kit.stages.case import Case
from ethics_kit.stages.conclude import conclude

FINISHED = "2026-11-03T10:00:00+00:00"


def run_here(spec: JobSpec, *, server: object = None) -> JobResult:
    """As `run_job`, with an empty notebook and page."""
    return leave(spec, concluded(case_of(spec)))


def case_of(spec: JobSpec) -> Case:
    """The case that the stage's notebook opens."""
    loaded = dossier.load(spec.project, Path(spec.folder), tables=False)
    return Case(loaded, spec.stage, spec.as_of, Path(spec.reports))


def concluded(case: Case) -> Record:
    """What the notebook computes."""
    for section in catalogue.sections(case.stage):
        case.taken[section.id] = answers.attested(case, section.id)
    for step in import_module(f"ethics_kit.stages.{case.stage}").STEPS:
        case.taken[step.__name__] = step(case)
    return conclude(case, case.taken)


def leave(spec: JobSpec, record: Record) -> JobResult:
    """What a job leaves for publication."""
    run = {"finished_at": FINISHED, "by": spec.by, "seconds": 0.1}
    staging = Path(spec.staging)
    staging.mkdir(parents=True)
    (staging / "record.json").write_bytes(record.model_copy(update={"run": run}).to_bytes())
    (staging / "notebook.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    (staging / "report.html").write_text("<p>A page.")
    return JobResult(status="ok", seconds=0.1)
