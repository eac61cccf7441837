"""People who review, act or are trained appear by group: a name in these columns stands in no record and no figure."""

import csv
from datetime import date
from importlib import import_module

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.project import Project
from ethics_kit.stages.case import Case
from ethics_kit.stages.conclude import conclude

CANARY = "Canaria Vogelsang"
REVIEWS = {
    "tables": {
        "human_reviews": {
            "source": "data/human_reviews.csv",
            "columns": {"decision": "decision", "time": "time", "overridden": "overridden", "seconds": "seconds"},
        }
    }
}


def rewrite(path, column):
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row | {column: f"{CANARY} {number}"} for number, row in enumerate(csv.DictReader(file))]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize("stage", ["design_review", "deployment_signoff"])
def test_names_in_columns_of_people_stand_in_no_record(project, stage):
    root = project(system=REVIEWS)
    rewrite(root / "parameters/demo/data/decisions.csv", "actor")
    rewrite(root / "parameters/data/training.csv", "person")
    with (root / "parameters/demo/data/human_reviews.csv").open("w", encoding="utf-8", newline="") as file:
        rows = [[f"d{number:04d}", "2026-08-01T10:00", "no", 60, CANARY] for number in range(50)]
        csv.writer(file).writerows([["decision", "time", "overridden", "seconds", "reviewer"], *rows])
    case = Case(dossiers.load(Project(root), root / "parameters/demo"), stage, date(2026, 11, 1), root / "reports")
    steps = import_module(f"ethics_kit.stages.{stage}").STEPS
    taken = {step.__name__: step(case) for step in steps}
    content = conclude(case, taken).to_bytes().decode()
    content += "".join(figure.svg.decode() + figure.alt for outcome in taken.values() for figure in outcome.figures)
    assert "P4.2.audit_log_complete" in content or "P4.4" in content
    assert not [word for word in CANARY.split() if word in content]
