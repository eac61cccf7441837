"""Stage 1 on small projects: what a register has to hold before it counts."""

from datetime import date

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.framework import catalogue
from ethics_kit.project import Project
from ethics_kit.stages import impact_analysis
from ethics_kit.stages.case import Case

LOW, HIGH = {"likelihood": 1, "severity": 2}, {"likelihood": 3, "severity": 4}
SCORED = {"id": "X1", "title": "A risk", "inherent": HIGH, "residual": LOW, "treatment": "A person looks first."}
HEARD = {"on": date(2026, 9, 1), "how": "interviews", "raised": "Calls at night.", "answered": "None after six."}


def assess(root, step):
    """The findings and the tables of `step`, by id."""
    dossier = dossiers.load(Project(root), root / "parameters/demo")
    outcome = step(Case(dossier, "impact_analysis", date(2026, 11, 1), root / "reports"))
    return {f.id: f for f in outcome.findings}, {t.id: t for t in outcome.tables}


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({}, True),
        ({"treatment": None}, False),
        ({"treatment": "TBD"}, False),
        ({"treatment": None, "residual": HIGH}, True),
        ({"residual": None}, False),
    ],
)
def test_a_score_that_fell_names_what_lowered_it(project, change, counts):
    findings, _ = assess(
        project(impact_analysis={"risks": [SCORED | change]}),
        impact_analysis.risk_register,
    )
    assert ("S1.2.residual_above_appetite" in findings) is counts
    assert ("X1" in findings["S1.2.risk_register"].statement) is not counts


def test_risks_of_the_library_that_are_open_stand_in_the_register(project):
    ruled_out = [
        {"id": "R1", "reason": "No spend.", "by": "Ann Lee", "on": date(2026, 9, 1)},
        {"id": "R3", "reason": "Later.", "by": "Ann Lee", "on": date(2026, 12, 1)},
    ]
    root = project(impact_analysis={"risks": [SCORED], "risks_ruled_out": ruled_out}, system={"use": ...})
    _, tables = assess(root, impact_analysis.risk_register)
    treatments = {row[0]: row[4] for row in tables["S1.2.register"].rows}
    assert list(treatments)[:3] == ["X1", "R1", "R2"]
    assert treatments["R1"] == "Ruled out: No spend."
    assert treatments["R3"] == "open: score it, or rule it out"
    assert treatments.keys() == {"X1", *catalogue.risks()}


@pytest.mark.parametrize(
    ("change", "status"),
    [({}, "met"), ({"answered": "TODO"}, "not_met"), ({"raised": "n/a"}, "not_met"), ({"answered": None}, "not_met")],
)
def test_a_group_that_was_told_nothing_was_not_heard(project, change, status):
    row = {"group": "customers_decided_on", "name": "Customers", "consulted": HEARD | change}
    findings, _ = assess(project(impact_analysis={"stakeholders": [row]}), impact_analysis.consultation_coverage)
    assert findings["S1.4.consultation_coverage"].status == status


def test_a_register_is_counted_and_not_estimated(project):
    row = {"group": "customers_decided_on", "name": "Customers", "consulted": HEARD}
    root = project(impact_analysis={"risks": [SCORED], "stakeholders": [row]})
    for step in (
        impact_analysis.risk_register,
        impact_analysis.ownership_coverage,
        impact_analysis.consultation_coverage,
    ):
        shares = [f for f in assess(root, step)[0].values() if f.value is not None]
        assert [(f.interval, f.method) for f in shares] == [(None, "count of the register")]
