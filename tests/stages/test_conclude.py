"""From outcomes to a record: claims, actions and waivers, and what nobody said."""

from datetime import date

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit.project import Project
from ethics_kit.stages import deployment_signoff
from ethics_kit.stages.case import Case
from ethics_kit.stages.conclude import conclude

CLAIM = {
    "requirement": "C3.3",
    "reason": "no_such_processing",
    "explanation": "Nothing is decided that one could appeal against.",
    "by": "Ann Lee",
    "approved_by": "Bo Ek",
    "on": date(2026, 10, 1),
}


def record(root, stage="deployment_signoff", steps=()):
    dossier = dossiers.load(Project(root), root / "parameters/demo")
    case = Case(dossier, stage, date(2026, 11, 1), root / "reports")
    return conclude(case, {step.__name__: step(case) for step in steps})


def findings(root, requirement, **options):
    return [f for f in record(root, **options).findings if f.requirement == requirement]


def test_a_claim_by_two_people_makes_a_silent_requirement_not_applicable(project):
    root = project(deployment_signoff={"not_applicable": [CLAIM]})
    assert {f.status for f in findings(root, "C3.3")} == {"not_applicable"}
    assert "Declared by Ann Lee, approved by Bo Ek, 2026-10-01" in findings(root, "C3.3")[0].statement


@pytest.mark.parametrize("on", [date(2026, 11, 2), date(2025, 10, 1)], ids=["dated ahead", "stale"])
def test_a_claim_out_of_time_does_not_count(project, on):
    root = project(deployment_signoff={"not_applicable": [{**CLAIM, "on": on}]})
    assert {f.status for f in findings(root, "C3.3")} == {"not_assessed"}


@pytest.mark.parametrize("reason", ["no_personal_data", "supplier_refused"])
def test_a_claim_the_dossier_speaks_against_is_a_contradiction(project, reason):
    root = project(deployment_signoff={"not_applicable": [{**CLAIM, "reason": reason}]})
    ids = {f.id: f.status for f in findings(root, "C3.3")}
    assert ids["C3.3.contradiction"] == "not_assessed"
    assert "not_applicable" not in ids.values()


def test_a_claim_does_not_hide_what_was_measured(project):
    root = project(deployment_signoff={"not_applicable": [{**CLAIM, "requirement": "C3.1"}]})
    step = deployment_signoff.decided_after_opt_out
    ids = {f.id: f.status for f in findings(root, "C3.1", steps=(step,))}
    assert ids["C3.1.decided_after_opt_out"] == "met"
    assert ids["C3.1.contradiction"] == "not_assessed"


def test_opt_outs_that_match_no_customer_are_no_proof(project, edit):
    root = project()
    path = root / "parameters/demo/data/opt_outs.csv"
    path.write_text(path.read_text().replace("c0", "C-0"))
    found = findings(root, "C3.1", steps=(deployment_signoff.decided_after_opt_out,))
    assert found[0].status == "not_assessed"
    assert "5 of 5 match no customer" in found[0].statement


def test_an_opt_out_whose_purpose_is_spelt_otherwise_is_no_proof(project):
    root = project()
    path = root / "parameters/demo/data/opt_outs.csv"
    path.write_text(path.read_text().replace("retention", "Retention "))
    found = findings(root, "C3.1", steps=(deployment_signoff.decided_after_opt_out,))
    assert "purposes spelt as in system.yaml: 5 of 5 are not" in found[0].statement


def test_what_the_notebook_left_out_is_said(project):
    ids = {f.id for f in record(project()).findings}
    assert {"C3.1.left_out_decided_after_opt_out", "G4.left_out_training_current", "G5.left_out_governance"} <= ids


def test_an_action_gives_a_finding_its_owner_and_date_and_a_misspelt_one_is_named(project):
    def plan(finding):
        return {"finding": finding, "action": "Train them.", "owner": "Cy Os", "due": date(2026, 12, 1)}

    root = project(deployment_signoff={"actions": [plan("G4"), plan("G4.trainin")]})
    done = record(root)
    assert {f.owner for f in done.findings if f.requirement == "G4"} == {"Cy Os"}
    assert done.parameters["without_a_finding"] == ["G4.trainin"]
