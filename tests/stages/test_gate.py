"""The gate of stage 4: the records before it, what stands in the way over all stages, and every waiver."""

from datetime import date

import pytest

from ethics_kit import archive
from ethics_kit import dossier as dossiers
from ethics_kit.attestation.folder import publish as publish_folder
from ethics_kit.project import STAGES, Project
from ethics_kit.record import IN_THE_WAY, WAIVERS
from ethics_kit.stages import deployment_signoff, gate
from ethics_kit.stages.case import Case
from ethics_kit.stages.conclude import conclude
from tests.attested import put_review

AS_OF = date(2026, 11, 1)


def publish(root, stage, as_of=AS_OF):
    dossier = dossiers.load(Project(root), root / "parameters/demo")
    record = conclude(Case(dossier, stage, as_of, root / "reports"), {})
    staging = archive.staging_name(root / "reports")
    staging.mkdir(parents=True)
    (staging / "record.json").write_bytes(record.to_bytes())
    return publish_folder(staging, root / "reports", record)[0]


def signoff(root, as_of=AS_OF):
    dossier = dossiers.load(Project(root), root / "parameters/demo")
    case = Case(dossier, "deployment_signoff", as_of, root / "reports")
    return conclude(case, {"earlier_records": deployment_signoff.earlier_records(case)})


def table(record, name):
    found = next(t for t in record.tables if t.id == name)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def waiver(finding="G3.measured", by="Eve Exec", role="executive", until=date(2026, 12, 1), on=date(2026, 10, 1)):
    return {"finding": finding, "reason": "A pilot.", "by": by, "role": role, "on": on, "until": until}


def test_each_earlier_record_is_shown_with_its_age_model_review_and_recommendation(project):
    root = project()
    for stage in STAGES[:3]:
        publish(root, stage, date(2026, 10, 22))
    rows = table(signoff(root), "G3.earlier_records")
    assert [row["stage"] for row in rows] == ["Impact analysis", "Design review", "Bias testing"]
    assert {(r["state"], r["days old"], r["model version"], r["review"]) for r in rows} == {
        ("in order", 10, "m-1", "draft")
    }


def test_what_stands_in_the_way_of_all_stages_is_one_list(project):
    root = project()
    publish(root, "impact_analysis")
    rows = table(signoff(root), IN_THE_WAY)
    places = {(row["effect"], row["stage"], row["finding"]) for row in rows}
    assert ("is missing", "Impact analysis", "G1.left_out_governance") in places
    assert ("is missing", "Deployment sign-off", "G5.left_out_governance") in places
    assert ("is missing", "Design review", "its record") in places
    assert len(places) == len(rows)
    said = next(row["in words"] for row in rows if row["stage"] == "Design review")
    assert said == "there is no record; see that stage"


def test_the_list_says_what_the_recommendation_says(project):
    record = signoff(project())
    own = [r["finding"] for r in table(record, IN_THE_WAY) if r["stage"] == "Deployment sign-off"]
    expected = [*record.recommendation.blocking, *record.recommendation.missing, *record.recommendation.conditions]
    assert own == [item for item in expected if item not in STAGES]


def test_a_stage_that_is_no_gate_has_neither_table(project):
    root = project()
    dossier = dossiers.load(Project(root), root / "parameters/demo")
    record = conclude(Case(dossier, "bias_testing", AS_OF, root / "reports"), {})
    assert not {IN_THE_WAY, WAIVERS} & {t.id for t in record.tables}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"until": date(2026, 10, 31)}, "no: it ended on 2026-10-31"),
        ({"on": date(2026, 11, 2)}, "no: it begins on 2026-11-02"),
        ({"by": "Olu Owner"}, "no: Olu Owner answers for the system"),
        ({"role": "intern"}, "no: the policy lets ethics officer, ethics committee"),
        ({"finding": "G4.no_such"}, "no: no finding has this id"),
        ({}, "no: the finding is not assessed, which no waiver changes"),
    ],
    ids=["expired", "not begun", "owner", "not allowed", "misspelt", "not needed"],
)
def test_every_waiver_is_shown_with_why_it_does_not_count(project, change, told):
    finding = "G4.left_out_training_current"
    root = project(deployment_signoff={"waivers": [waiver(**{"finding": finding, **change})]})
    (row,) = table(signoff(root), WAIVERS)
    assert row["counts"].startswith(told)
    assert (row["stage"], row["reason"]) == ("Deployment sign-off", "A pilot.")


def test_waivers_of_all_four_stages_are_in_one_table(project):
    root = project(**{stage: {"waivers": [waiver()]} for stage in STAGES})
    rows = table(signoff(root), WAIVERS)
    assert len(rows) == 4
    assert rows[0]["counts"] == "no: the stage has no record that is in order"


def overdue(root, as_of=AS_OF):
    """A sign-off whose review is overdue: the one finding here that is not met."""
    dossier = dossiers.load(Project(root), root / "parameters/demo")
    case = Case(dossier, "deployment_signoff", as_of, root / "reports")
    return conclude(case, {"review_due": deployment_signoff.review_due(case)})


def test_of_several_waivers_of_a_finding_the_one_that_counts_counts(project):
    late = waiver("G3.review_overdue", until=date(2026, 10, 15))
    for given in ([waiver("G3.review_overdue"), late], [late, waiver("G3.review_overdue")]):
        record = overdue(project(deployment_signoff={"waivers": given}))
        finding = next(f for f in record.findings if f.id == "G3.review_overdue")
        assert finding.status == "not_met"
        assert finding.waiver.until == date(2026, 12, 1)
        assert sorted(row["counts"] for row in table(record, WAIVERS)) == ["no: it ended on 2026-10-15", "yes"]
        assert "G3.review_overdue" in record.recommendation.conditions


def test_a_waiver_entered_after_its_stage_was_assessed_waits_for_that_stage(project, edit):
    root = project()
    dossier = dossiers.load(Project(root), root / "parameters/demo")
    case = Case(dossier, "deployment_signoff", AS_OF, root / "reports")
    late = next(f for f in overdue(root).findings if f.id == "G3.review_overdue")
    assert late.waiver is None
    row = waiver("G3.review_overdue")
    given = dossier.stages["deployment_signoff"].model_validate({"waivers": [row]}).waivers[0]
    assert gate._why_not(case, given, [late], own=True) is None
    assert gate._why_not(case, given, [late], own=False).startswith("it was entered after the stage was assessed")


def test_a_withdrawn_record_leaves_the_gate_undetermined_and_says_so(project):
    root = project()
    folder = publish(root, "impact_analysis")
    record_id = next(u.record_id for u in signoff(root).upstream if u.stage == "impact_analysis")
    put_review(
        folder,
        f"schema: ethics-kit/review/1\nrecord_id: {record_id}\nentries:\n"
        "- {act: withdraw, by: Ann, role: analyst, on: 2026-11-02, reason: Wrong table.}\n",
    )
    record = signoff(root)
    assert "impact_analysis" in record.recommendation.missing
    said = [row["in words"] for row in table(record, IN_THE_WAY) if row["finding"] == "its record"]
    assert any("people withdrew it" in words for words in said)
