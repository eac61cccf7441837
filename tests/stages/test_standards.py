"""Which laws apply, what bears on their clauses, and what the design review makes of the privacy laws."""

from datetime import date
from types import SimpleNamespace

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit import duties
from ethics_kit.framework import catalogue, crosswalk
from ethics_kit.project import Project
from ethics_kit.record import Finding
from ethics_kit.report.html import part
from ethics_kit.stages import design_review, impact_analysis
from ethics_kit.stages.case import Case, Outcome

SIGNED = {"by": "Cleo Counsel", "role": "legal counsel", "on": date(2026, 10, 1)}
TRIGGERS = ("legal_or_similar_effect", "annex_iii_use", "emotion_from_voice_or_face", "children_affected")


def decided(*applying, **changes):
    """A decision on every law and standard: those named apply."""
    rows = {
        name: {"applies": "yes" if name in applying else "no", "reason": "We looked.", "by": "Cleo Counsel",
               "on": date(2026, 10, 1)}
        for name in catalogue.standards()
    }  # fmt: skip
    return {"standards": {name: row for name, row in (rows | changes).items() if row}}


def triggers(**answers):
    return {"answers": {name: {"value": answers.get(name, "no"), **SIGNED} for name in TRIGGERS}}


def assess(root, as_of=date(2026, 11, 1)):
    """The findings and tables of the impact analysis's step, by id."""
    dossier = dossiers.load(Project(root), root / "parameters/demo")
    outcome = impact_analysis.standards_applicability(Case(dossier, "impact_analysis", as_of, root / "reports"))
    return {f.id: f for f in outcome.findings}, {t.id: t for t in outcome.tables}


def test_silence_on_a_standard_is_no_decision_and_no_is_one(project):
    findings, tables = assess(project(impact_analysis=decided(soc2=None)))
    assert findings["S1.3.applicability_settled"].status == "not_assessed"
    assert findings["S1.3.applicability_settled"].statement == "11 of 12 laws and standards are settled; open: SOC 2."
    assert [row[2] for row in tables["S1.3.applicability"].rows] == ["no"] * 11 + ["open"]
    findings, _ = assess(project(impact_analysis=decided()))
    assert findings["S1.3.applicability_settled"].status == "met"


@pytest.mark.parametrize(("on", "counts"), [("2026-11-02", False), ("2026-11-01", True), ("2025-11-01", False)])
def test_a_decision_after_the_day_or_too_old_does_not_count(project, on, counts):
    late = {"applies": "yes", "reason": "We looked.", "by": "Cleo Counsel", "on": date.fromisoformat(on)}
    findings, tables = assess(project(impact_analysis=decided(soc2=late)))
    assert (findings["S1.3.applicability_settled"].status == "met") is counts
    assert ("S1.3.soc2" in tables) is counts


def test_only_standards_that_apply_are_shown_clause_by_clause(project):
    _, tables = assess(project(impact_analysis=decided("soc2", "iso_23894")))
    assert [name for name in tables if name.removeprefix("S1.3.") in catalogue.standards()] == [
        "S1.3.iso_23894",
        "S1.3.soc2",
    ]


def test_the_summary_counts_clauses_and_how_they_were_seen(project):
    _, tables = assess(project(impact_analysis=decided("gdpr")))
    summary = {row[0]: row[1:] for row in tables["S1.3.crosswalk"].rows}
    assert summary["GDPR"] == ["yes", 45, 45, 0, 0, 0, 32]
    assert summary["ISO/IEC 23894"] == ["no", 19, 0, 0, 10, 9, 11]
    assert sum(row[1] for row in summary.values()) == 423


def clauses_of(table):
    return {row[0]: row for row in table.rows}


def test_a_clause_names_its_requirements_with_their_relationship_and_workbooks(project):
    _, tables = assess(project(impact_analysis=decided("gdpr") | triggers()))
    shown = clauses_of(tables["S1.3.gdpr"])
    assert shown["Art. 5(1)(b)"][2:4] == ["C1.1 (part), P3.2", "2"]
    assert shown["Art. 7(1), 7(3)"][2] == "P3.2 (more)"
    assert shown["Art. 5(2)"][3] == "2, 4"


def test_a_clause_that_nobody_saw_has_no_number_and_says_so(project):
    _, tables = assess(project(impact_analysis=decided("iso_23894")))
    rows = [row for row in tables["S1.3.iso_23894"].rows if "risk evaluation" in row[1]]
    assert [row[0] for row in rows] == ["no clause id"]
    assert rows[0][-1] == "not verified; inferred from ISO 31000"


def test_soc_2_ids_are_not_taken_for_ours(project):
    _, tables = assess(project(impact_analysis=decided("soc2")))
    assert all(name.startswith("soc2:") for row in tables["S1.3.soc2"].rows for name in row[0].split("; "))


def test_every_clause_with_a_requirement_stands_once_and_the_others_are_named(project):
    _, tables = assess(project(impact_analysis=decided(*catalogue.standards()) | triggers()))
    for name in catalogue.standards():
        table = tables[f"S1.3.{name}"]
        shown = [number for row in table.rows for number in row[0].split("; ")]
        for part_ in crosswalk.mapping(name).parts:
            for clause in part_.rows:
                if clause.id and clause.bears:
                    assert sum(n.endswith(str(clause.number)) for n in shown) >= 1, clause.id
                elif not clause.bears:
                    assert str(clause.number or clause.gist) in str(table.note), clause.gist


def test_a_no_takes_clauses_out_of_reach_by_name_and_silence_leaves_them_in(project):
    findings, tables = assess(project(impact_analysis=decided("eu_ai_act") | triggers()))
    row = next(row for row in tables["S1.3.eu_ai_act"].rows if "Art. 27" in row[0])
    assert "Answered no by Cleo Counsel, 2026-10-01" in row[1]
    assert row[2] is None
    assert findings["S1.3.reach_settled"].status == "met"
    findings, tables = assess(project(impact_analysis=decided("eu_ai_act")))
    assert clauses_of(tables["S1.3.eu_ai_act"])["Art. 27"][2] == "S1.1, S3.2"
    assert findings["S1.3.reach_settled"].status == "not_assessed"
    assert "Is the use listed in Annex III of the EU AI Act?" in findings["S1.3.reach_settled"].statement


@pytest.mark.parametrize("question", ["annex_iii_use", "emotion_from_voice_or_face"])
def test_one_yes_brings_the_duties_for_high_risk_systems_back(project, question):
    _, tables = assess(project(impact_analysis=decided("eu_ai_act") | triggers(**{question: "yes"})))
    assert "Art. 14" in clauses_of(tables["S1.3.eu_ai_act"])


@pytest.mark.parametrize(
    ("as_of", "words"), [(date(2026, 11, 1), "not yet: 2027-01-01"), (date(2027, 1, 1), "2027-01-01")]
)
def test_a_rule_that_does_not_apply_yet_says_so(project, as_of, words):
    _, tables = assess(project(impact_analysis=decided("ccpa")), as_of)
    assert clauses_of(tables["S1.3.ccpa"])["11 CCR 7220"][4] == words


def test_all_standards_together_stay_small_enough_to_print(project):
    _, tables = assess(project(impact_analysis=decided(*catalogue.standards()) | triggers()))
    assert sum(len(part("table", table)) for table in tables.values()) < 62_000


# --- design review: B2 -----------------------------------------------------------------------------------------


def planted(requirement, status):
    return Finding(
        id=f"{requirement}.planted",
        requirement=requirement,
        status=status,
        evidence="measured",
        statement="Planted.",
        null_reason="planted",
    )


def privacy(root, monkeypatch, *found, as_of=date(2026, 11, 1)):
    """The design review's B2, with findings of the other steps planted as pairs of requirement and status."""
    findings = tuple(planted(*row) for row in found)
    step = design_review.privacy_law_evidence
    monkeypatch.setattr(design_review, "STEPS", {lambda _: Outcome(findings): (), step: ("B2",)})
    dossier = dossiers.load(Project(root), root / "parameters/demo")
    outcome = step(Case(dossier, "design_review", as_of, root / "reports"))
    tables = [{(row[0], row[1]): row[2:] for row in table.rows} for table in outcome.tables]
    return outcome.findings[0], tables[0] if tables else {}


OPEN = "the findings due by now are not assessed"
SHOWN = "a finding bears on it"


@pytest.mark.parametrize("missing", ["gdpr", "ccpa"])
def test_a_privacy_law_without_a_decision_is_not_assessed(project, monkeypatch, missing):
    finding, _ = privacy(project(impact_analysis=decided("gdpr", **{missing: None})), monkeypatch)
    assert finding.status == "not_assessed"
    assert catalogue.standards()[missing].short in finding.statement


def test_laws_that_do_not_apply_are_no_pass(project, monkeypatch):
    finding, _ = privacy(project(impact_analysis=decided()), monkeypatch)
    assert finding.status == "not_assessed"


@pytest.mark.parametrize("status", ["met", "not_met", "inconclusive"])
def test_a_finding_that_was_looked_at_bears_on_its_clauses_whatever_its_result(project, monkeypatch, status):
    root = project(impact_analysis=decided("gdpr") | triggers())
    _, before = privacy(root, monkeypatch)
    assert ("GDPR", SHOWN) not in before
    finding, after = privacy(root, monkeypatch, ("C1.4", status))
    assert after["GDPR", SHOWN][:2] == [3, "Art. 30; Art. 44–46; Art. 47, 49"]
    assert after["GDPR", OPEN][0] == before["GDPR", OPEN][0] - 3
    assert finding.status == "not_assessed"
    assert finding.value == pytest.approx(3 / finding.n)


def test_a_finding_that_was_not_assessed_bears_on_nothing(project, monkeypatch):
    root = project(impact_analysis=decided("gdpr") | triggers())
    _, tables = privacy(root, monkeypatch, ("C1.4", "not_assessed"))
    assert ("GDPR", SHOWN) not in tables


def test_it_is_met_when_every_clause_due_by_now_has_a_finding_and_for_no_finding_less(project, monkeypatch):
    root = project(impact_analysis=decided("gdpr") | triggers())
    due = {
        stage: [(r.id, "met") for r in catalogue.requirements().values() if stage in r.stages]
        for stage in ("impact_analysis", "design_review")
    }
    finding, _ = privacy(root, monkeypatch, *due["design_review"])
    assert finding.status == "not_assessed"
    assert "open: S1.2, S1.4, S3.2, G2." in finding.statement  # the impact analysis left no record
    owed = [
        duties.duty(r, needs, kind="scored", level="IV", conditions={})
        for r, needs in catalogue.stage_requirements("impact_analysis").items()
    ]
    record = SimpleNamespace(
        findings=[planted(*row) for row in due["impact_analysis"]],
        obligations=SimpleNamespace(duties=owed, conditions=dict.fromkeys(catalogue.conditions(), "holds")),
        level=duties.UNKNOWN,
    )
    monkeypatch.setattr(Case, "earlier", lambda *_: record)
    finding, tables = privacy(root, monkeypatch, *due["design_review"])
    assert (finding.status, finding.value) == ("met", 1.0)
    assert ("GDPR", "awaits bias testing or deployment sign-off") in tables
    finding, _ = privacy(root, monkeypatch, *(row for row in due["design_review"] if row[0] != "P3.4"))
    assert finding.status == "not_assessed"
    assert "open: P3.4." in finding.statement


def test_clauses_out_of_reach_or_not_yet_in_force_are_not_counted(project, monkeypatch):
    root = project(impact_analysis=decided("ccpa") | triggers())
    _, tables = privacy(root, monkeypatch)
    assert tables["CCPA", "does not reach this system, by answers of the impact analysis"][0] == 5
    root = project(impact_analysis=decided("ccpa") | triggers(legal_or_similar_effect="yes"))
    _, tables = privacy(root, monkeypatch)
    assert tables["CCPA", "not yet in force"][0] == 5
    _, tables = privacy(root, monkeypatch, as_of=date(2027, 1, 1))
    assert ("CCPA", "not yet in force") not in tables


def test_every_seen_clause_has_exactly_one_state(project, monkeypatch):
    _, tables = privacy(project(impact_analysis=decided("gdpr", "ccpa")), monkeypatch, ("C1.3", "met"))
    seen = sum(bool(clause.id) for law in ("gdpr", "ccpa") for clause in crosswalk.clauses(law))
    assert sum(row[0] for row in tables.values()) == seen
