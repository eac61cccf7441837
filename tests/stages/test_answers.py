"""Answers that count: hidden ones never do, contradictory ones settle nothing, and silence never helps."""

import atexit
import re
import shutil
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit import dossier as dossiers
from ethics_kit import schema
from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import LEVELS, Condition
from ethics_kit.project import STAGES, Project
from ethics_kit.stages.answers import attested, given_label, holds
from ethics_kit.stages.case import Case
from ethics_kit.stages.contradictions import bears_on, contradictions

AS_OF = date(2026, 11, 1)
CHECKOUT = Path(__file__).parents[2]
NO_REPORTS = CHECKOUT / "no_reports"
RULES = {rule.id: rule for rule in catalogue.contradictions()}


@cache
def examples():
    """The examples' YAML and evidence, without the tables and the model that a fresh checkout does not have."""
    root = Path(mkdtemp())
    atexit.register(shutil.rmtree, root)
    shutil.copytree(CHECKOUT / "parameters", root / "parameters", ignore=shutil.ignore_patterns("data"))
    for file in root.glob("parameters/*/system.yaml"):
        file.write_text(re.sub(r"(?m)^  file: data/model.skops.*\n", "", file.read_text()))
    return root


@cache
def example(system):
    return dossiers.load(Project(examples()), examples() / "parameters" / system, tables=False)


def answer(value, **changes):
    signed = {"by": "Ann Lee", "role": "analyst", "on": date(2026, 9, 1), "evidence": "https://example.org/note"}
    return schema.Answer(value=value, **signed | changes)


def answering(dossier, answers):
    """The dossier with these answers and no others, each in the file of the stage that asks."""
    stages = {}
    for stage, file in dossier.stages.items():
        own = {name: a for name, a in answers.items() if name in catalogue.questions(stage)}
        stages[stage] = file.model_copy(update={"answers": own})
    bare = dossier.organisation.model_copy(update={"answers": {}})
    return replace(dossier, stages=stages, organisation=bare)


def case_of(stage, answers):
    """A scored system with these answers and no others, and no earlier record."""
    return Case(answering(example("health_score"), answers), stage, AS_OF, NO_REPORTS)


def statuses(outcome):
    return {f.id: f.status for f in outcome.findings}


# --- whether an answer counts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_answer", "expected"),
    [
        (answer("yes"), True),
        (answer("no"), False),
        (None, None),
        (answer(None), None),
        (answer("yes", by=None), None),
        (answer("yes", on=date(2026, 12, 1)), None),
        (answer("yes", on=date(2025, 9, 1)), None),
    ],
)
def test_a_condition_holds_by_an_answer_that_counts(given_answer, expected):
    case = case_of("impact_analysis", {"dpia_scoring": given_answer} if given_answer else {})
    assert holds(case, Condition(question="dpia_scoring", is_=("yes",))) is expected


def test_an_answer_without_the_evidence_it_needs_is_open():
    case = case_of("impact_analysis", {"committee_can_stop": answer("yes", evidence=None)})
    assert holds(case, Condition(question="committee_can_stop", is_=("yes",))) is None


def test_a_later_stage_reads_the_answer_of_an_earlier_one():
    case = case_of("design_review", {"share_automated": answer("none")})
    assert holds(case, Condition(question="share_automated", is_=("none",))) is True
    assert given_label(case, "share_automated") == "None: a person looks at every case"
    assert given_label(case, "override_possible") == "open"


# --- what is not asked --------------------------------------------------------------------------------------------


def test_a_question_that_does_not_arise_gives_no_finding_and_fits_no_condition():
    answers = {"dpia_threshold_tested": answer("not_due"), "dpia_advice_answered": answer("answered")}
    case = case_of("impact_analysis", answers)
    assert set(statuses(attested(case, "dpia"))) == {"S3.2.dpia_threshold_tested"}
    assert holds(case, Condition(question="dpia_advice_answered", is_=("answered",))) is False


def test_a_question_that_hangs_on_an_open_one_is_a_finding():
    found = statuses(attested(case_of("impact_analysis", {}), "dpia"))
    assert found["S3.2.dpia_advice_answered"] == "not_assessed"


def test_an_answer_to_a_question_of_another_kind_never_scores(monkeypatch):
    """The answer stands in the file, but it is not asked of a scored system."""
    known = catalogue.questions
    for kinds, points in ((("generative",), 0), (catalogue.KINDS, 6)):
        changed = known("impact_analysis")["avoidable"].model_copy(update={"kinds": kinds})
        asked = known("impact_analysis") | {"avoidable": changed}
        monkeypatch.setattr(catalogue, "questions", lambda s, a=asked: a if s == "impact_analysis" else known(s))
        with_answer = case_of("impact_analysis", {"avoidable": answer("no_way")}).level.points
        assert with_answer["raw_low"] == points
        assert with_answer["raw_max"] == case_of("impact_analysis", {}).level.points["raw_max"]


@pytest.mark.parametrize(("level", "asked"), [("I", False), ("II", False), ("III", True), ("IV", True)])
def test_a_question_is_asked_from_its_level_on(monkeypatch, level, asked):
    case = case_of("design_review", {})
    case.__dict__["level"] = case.level.model_copy(update={"holds": level})
    found = statuses(attested(case, "transparency"))
    assert ("S2.3.explanation_with_decision" in found) is asked


def test_without_an_impact_analysis_every_level_is_asked_for():
    case = case_of("design_review", {})
    assert case.level.holds == "IV"
    assert not [q.id for q in catalogue.questions("design_review").values() if "level" in (case.skipped(q) or "")]


# --- contradictions -----------------------------------------------------------------------------------------------


def contradicting(rule):
    return {condition.question: answer(condition.is_[0]) for condition in rule.when}


@pytest.mark.parametrize("name", RULES)
def test_answers_that_cannot_all_be_true_leave_their_requirement_unassessed(name):
    rule = RULES[name]
    outcome = contradictions(case_of(rule.stage, contradicting(rule)))
    found = next(f for f in outcome.findings if f.id == f"{rule.requirement}.contradiction_{name}")
    assert (found.status, found.requirement, found.null_reason) == (
        "not_assessed",
        rule.requirement,
        "contradictory answers",
    )
    for condition in rule.when:
        stage = next(s for s in STAGES if condition.question in catalogue.questions(s))
        question = catalogue.questions(stage)[condition.question]
        label = next(c.label for c in question.options if c.value == condition.is_[0])
        assert f"{question.text} — {label}" in found.statement
    assert [rule.text, rule.requirement, "contradictory"] in outcome.tables[0].rows


@pytest.mark.parametrize("name", RULES)
def test_taking_one_of_the_answers_back_does_not_end_a_contradiction_and_correcting_it_does(name):
    rule = RULES[name]
    for condition in rule.when:
        answers = contradicting(rule)
        del answers[condition.question]
        silent = contradictions(case_of(rule.stage, answers))
        assert statuses(silent)[f"{rule.requirement}.contradictions_open"] == "not_assessed"
        assert [rule.text, rule.requirement, "open"] in silent.tables[0].rows
        stage = next(s for s in STAGES if condition.question in catalogue.questions(s))
        options = catalogue.questions(stage)[condition.question].options
        other = next(c.value for c in options if c.value not in condition.is_)
        corrected = contradictions(case_of(rule.stage, contradicting(rule) | {condition.question: answer(other)}))
        assert [rule.text, rule.requirement, "none"] in corrected.tables[0].rows
        assert f"{rule.requirement}.contradiction_{name}" not in statuses(corrected)


@pytest.mark.parametrize("stage", ["impact_analysis", "design_review"])
def test_of_an_empty_dossier_nothing_is_known_to_agree(stage):
    outcome = contradictions(case_of(stage, {}))
    assert statuses(outcome) == {
        f"{requirement}.contradictions_open": "not_assessed" for requirement in bears_on(stage)
    }
    assert {row[2] for row in outcome.tables[0].rows} == {"open"}


@pytest.mark.parametrize("system", ["churn_risk", "health_score", "next_best_offer"])
def test_a_finding_is_made_only_where_answers_contradict(system):
    dossier = example(system)
    for stage in ("impact_analysis", "design_review"):
        assert contradictions(Case(dossier, stage, AS_OF, NO_REPORTS)).findings == ()


# --- silence ------------------------------------------------------------------------------------------------------


@cache
def given_by(system):
    return {name: g.answer for name, g in example(system).answers("impact_analysis").items()}


def level_of(system, answers):
    return Case(answering(example(system), answers), "impact_analysis", AS_OF, NO_REPORTS).level


SYSTEMS = ["churn_risk", "health_score", "support_triage", "next_best_offer", "support_assistant"]


@pytest.mark.parametrize(
    ("system", "level"),
    list(zip(SYSTEMS, ["II", "I", "III", "II", "I"], strict=True)),
)
def test_the_examples_have_their_planted_levels(system, level):
    found = level_of(system, given_by(system))
    assert (found.value, found.unanswered) == (level, 0)


@pytest.mark.parametrize("system", SYSTEMS)
def test_for_each_single_answer_removed_the_level_never_falls(system):
    before = level_of(system, given_by(system))
    for name in given_by(system):
        after = level_of(system, {k: a for k, a in given_by(system).items() if k != name})
        assert LEVELS.index(after.holds) >= LEVELS.index(before.holds), name
        assert after.unanswered >= before.unanswered, name


@given(st.sampled_from(SYSTEMS), st.data())
@settings(max_examples=40, deadline=None)
def test_however_many_are_open_one_answer_less_never_lowers_the_level(system, data):
    answers = given_by(system)
    kept = data.draw(st.sets(st.sampled_from(sorted(answers)), min_size=1))
    gone = data.draw(st.sampled_from(sorted(kept)))
    before = level_of(system, {k: answers[k] for k in kept})
    after = level_of(system, {k: answers[k] for k in kept - {gone}})
    assert LEVELS.index(after.holds) >= LEVELS.index(before.holds)
    assert LEVELS.index(after.best) <= LEVELS.index(before.best)


def test_an_empty_questionnaire_is_undetermined_with_the_obligations_of_level_four():
    case = case_of("impact_analysis", {})
    assert (case.level.value, case.level.holds, case.level.best) == ("undetermined", "IV", "I")
    assert case.obligations.level == "IV"
    assert {d.requirement for d in case.obligations.duties if d.weight == "informative"} == set()
    answered = [f for s in catalogue.sections("impact_analysis") for f in attested(case, s.id).findings]
    assert {f.status for f in answered} == {"not_assessed"}
