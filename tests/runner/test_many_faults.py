"""A batch of which four in ten jobs go wrong, each in a way of its own; benchmarks/faults.py runs a thousand."""

import tempfile
from collections import Counter
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from benchmarks import faults
from ethics_kit.project import Project
from ethics_kit.record import read_record
from ethics_kit.runner.assessment import assess
from ethics_kit.runner.job import run_job
from ethics_kit.runner.results import Job


@pytest.fixture
def record(short, server):
    root = short()
    job = Job(Project(root), root / "parameters/demo", "impact_analysis", date(2026, 11, 1), root / "reports")
    made, why = read_record(assess(job, partial(run_job, server=server)).folder / "record.json")
    assert made, why
    return made


def test_each_job_is_accounted_for_the_rest_is_right_and_nothing_is_left(record):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        found = faults.run(Path(folder) / "p", record, systems=40, jobs=8)
    assert Counter(found.ended) == {**dict.fromkeys(faults.ENDS.values(), 4), "ok": 24}
    assert found.not_as_they_should == []
    assert (found.processes_left, found.files_left) == (0, [])
    assert found.descriptors_left <= 0
