"""The two questionnaires of the first stages: stable ids, cited reasons, no more than asked for, no answer twice."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import pytest

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import LEVELS
from ethics_kit.project import STAGES

BOTH = STAGES[:2]

# The ids of the first release. An id never changes its meaning and never goes.
PUBLISHED = {
    "impact_analysis": """
        decides_about share_automated optimises_for personalises_experience model_opacity effect_on_service
        effect_on_price effect_on_access effect_severity effect_reversible effect_noticed effect_on_own_data
        people_affected people_vulnerable languages_served data_sensitivity data_combined people_observed
        extracts_shared processed_in_other_country legal_or_similar_effect annex_iii_use special_category_data
        children_affected emotion_from_voice_or_face data_quality_checked fairness_tested audit_trail_kept
        appeal_route override_possible fallback_ready access_limited data_reduced stakeholder_harms_judged
        vulnerable_groups_named groups_heard risk_register_kept residual_risk_accepted people_in_eu_uk_california
        standards_mapped dpia_threshold_tested privacy_law_mapped trustworthiness_mapped bias_profile_kept
        soc2_expected soc2_report_current system_owner system_deputy committee_membership committee_decision
        ethics_officer_named ethics_officer_independent
    """,
    "design_review": """
        notice_text_in_place notice_before_decision assistant_says_it_is_ai customer_sees agent_sees auditor_sees
        model_card_approved intended_use_stated limits_told_to_users assistant_stays_with_sources oversight_protocol
        reviewers_have_time reviewers_warned_of_reliance checkpoints_placed checkpoint_cannot_be_skipped
        assistant_hands_over accessibility_tested languages_and_dialects_covered missing_groups_considered
        lawful_basis_recorded lawful_basis_kind withdrawal_as_easy balancing_test_filed data_flow_inventory
        connected_tools_restricted supplier_reuse_barred fairness_constraint_chosen target_is_not_a_proxy
        tradeoff_approved
    """,
}

# What was alleged, reported or pleaded is said to be such.
UNPROVEN = {
    "FTC v. Uber": "alleg",
    "ProPublica": "reported",
    "Ambriz": "pleaded",
    "Consumer Reports": "reported",
    "Consumer Education Foundation": "petition",
    "FTC v. Amazon": "wrongdoing denied|wrongdoing was denied",
    "Wall Street Journal, 1 Nov 2018": "reported",
}

WP248 = [
    "evaluation_or_scoring",
    "automated_decision",
    "systematic_monitoring",
    "sensitive_data",
    "large_scale",
    "matching_datasets",
    "vulnerable_people",
    "innovative_technology",
    "prevents_right_or_service",
]


def asked_at(stage: str, level: str) -> list[catalogue.Question]:
    reached = LEVELS[: LEVELS.index(level) + 1]
    return [q for q in catalogue.questions(stage).values() if q.from_level in reached]


def found(sections: Any, question: str) -> dict[str, Any]:
    return next(q for s in sections for q in s["questions"] if q["id"] == question)


# --- ids, size, sources -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", BOTH)
def test_no_published_question_has_gone(stage: str) -> None:
    assert set(PUBLISHED[stage].split()) <= set(catalogue.questions(stage))


def test_each_stage_asks_between_40_and_70_questions() -> None:
    assert {stage: 40 <= len(catalogue.questions(stage)) <= 70 for stage in BOTH} == dict.fromkeys(BOTH, True)


@pytest.mark.parametrize("stage", BOTH)
def test_every_question_says_why_and_cites_a_source(stage: str) -> None:
    silent = [q.id for q in catalogue.questions(stage).values() if not (q.why and q.source and q.guidance)]
    assert silent == []


@pytest.mark.parametrize("stage", BOTH)
def test_what_is_not_proven_is_said_to_be_so(stage: str) -> None:
    bare = [
        (q.id, source)
        for q in catalogue.questions(stage).values()
        for source, words in UNPROVEN.items()
        if source in (q.source or "") and not re.search(words, f"{q.why} {q.source}", re.IGNORECASE)
    ]
    assert bare == []


@pytest.mark.parametrize("stage", BOTH)
def test_a_question_that_is_neither_scored_nor_serves_a_requirement_decides_something_else(stage: str) -> None:
    """None for show: an answer scores, evidences, triggers, or something hangs on it."""
    hangs = {c.question for c in catalogue.conditions().values()}
    hangs |= {c.question for criterion in catalogue.dpia_criteria() for c in criterion.any_of}
    hangs |= {q.shown_when.question for q in catalogue.questions(stage).values() if q.shown_when}
    hangs |= {"processing_from", "dpia_made_on"}  # the days that the threshold test compares
    idle = [
        q.id
        for q in catalogue.questions(stage).values()
        if not (q.scores or q.requirement or q.trigger or q.id in hangs)
    ]
    assert idle == []


def test_no_section_is_called_like_a_step() -> None:
    """A stage keeps the outcomes of both under their names, so that one would hide the other."""
    for stage in STAGES:
        steps = {step.__name__ for step in import_module(f"ethics_kit.stages.{stage}").STEPS}
        assert not steps & {section.id for section in catalogue.sections(stage)}


# --- the short questionnaire --------------------------------------------------------------------------------------


def test_the_short_questionnaire_has_at_most_12_questions_of_the_impact_analysis() -> None:
    quick = {stage: [q.id for q in catalogue.questions(stage).values() if q.quick] for stage in STAGES}
    assert len(quick.pop("impact_analysis")) <= 12
    assert not any(quick.values())


def test_the_short_questionnaire_holds_every_trigger_and_what_weighs_most() -> None:
    questions = catalogue.questions("impact_analysis").values()
    assert all(q.quick for q in questions if q.trigger)
    raw = [q for q in questions if q.scores == "raw"]
    assert min(q.max_points for q in raw if q.quick) >= max(q.max_points for q in raw if not q.quick)
    assert {"decides_about", "people_affected", "people_vulnerable"} <= {q.id for q in questions if q.quick}


def test_the_short_questionnaire_can_be_answered_without_the_long_one() -> None:
    short = [q for q in catalogue.questions("impact_analysis").values() if q.quick]
    assert [q.id for q in short if q.shown_when or q.evidence == "required" or q.kinds != catalogue.KINDS] == []


# --- what a level asks for ----------------------------------------------------------------------------------------


def test_a_higher_level_asks_more_in_the_design_review() -> None:
    numbers = [len(asked_at("design_review", level)) for level in LEVELS]
    assert numbers == sorted(set(numbers))
    assert numbers[0] >= 35


@pytest.mark.parametrize(
    ("question", "level"),
    [
        ("explanation_on_request", "II"),
        ("appeal_to_another_person", "II"),
        ("explanation_linked", "III"),
        ("explanation_with_decision", "III"),
        ("refusals_decided_by_person", "III"),
        ("reviewed_outside_team", "III"),
        ("reviewed_externally", "IV"),
    ],
)
def test_a_question_begins_where_the_level_table_asks_for_it(question: str, level: str) -> None:
    assert catalogue.questions("design_review")[question].from_level == level


def test_problems_refuses_a_level_in_the_stage_that_finds_it(replace: Any) -> None:
    replace("questionnaires/impact_analysis.yaml", lambda s: found(s, "avoidable").update(from_level="II"))
    assert catalogue.problems() == [
        "impact_analysis.avoidable: has from_level, but the level is found only here",
    ]


def test_problems_does_not_count_a_question_that_opens_later_as_always_shown(replace: Any) -> None:
    def change(sections: Any) -> None:
        for section in sections:
            for question in section["questions"]:
                if question.get("requirement") == "P2.4":
                    question["from_level"] = "II"

    replace("questionnaires/design_review.yaml", change)
    assert catalogue.problems() == [
        "design_review: P2.4 is attested, but no question that is always shown serves it",
    ]


# --- contradictions and criteria ----------------------------------------------------------------------------------


def test_there_are_rules_for_both_stages_with_an_id_each() -> None:
    rules = catalogue.contradictions()
    assert len(rules) >= 12
    assert {rule.stage for rule in rules} == set(BOTH)
    assert len({rule.id for rule in rules}) == len(rules)


def test_every_contradiction_can_be_ended_by_each_of_its_answers() -> None:
    for rule in catalogue.contradictions():
        for condition in rule.when:
            stage = next(s for s in STAGES if condition.question in catalogue.questions(s))
            question = catalogue.questions(stage)[condition.question]
            assert set(condition.is_) < {c.value for c in question.options}, rule.id
            assert question.kinds == catalogue.KINDS, rule.id


def change_rule(**changes: Any) -> Any:
    return lambda rules: rules[0].update(changes)


ANSWERS = [{"question": "decides_about", "is": ["no_people"]}, {"question": "effect_on_access", "is": ["refused"]}]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"when": [ANSWERS[0], {"question": "no_such", "is": ["yes"]}]},
            "impact_analysis ask no question no_such",
        ),
        (
            {"when": [ANSWERS[0], {"question": "notice_before_decision", "is": ["yes"]}]},
            "impact_analysis ask no question notice_before_decision",
        ),
        (
            {"when": [ANSWERS[0], {"question": "effect_on_access", "is": ["perhaps"]}]},
            "effect_on_access does not offer all of perhaps",
        ),
        ({"when": ANSWERS[:1]}, "names fewer than two questions"),
        ({"requirement": "P2.4"}, "impact_analysis owes no attested evidence for P2.4"),
        ({"stage": "design_review", "requirement": "P2.4"}, "names no question of design_review"),
    ],
)
def test_problems_names_a_contradiction_that_cannot_be_looked_up(replace: Any, changes: Any, problem: str) -> None:
    replace("contradictions.yaml", change_rule(**changes))
    assert catalogue.problems() == [f"contradiction {catalogue.contradictions()[0].id}: {problem}"]


def test_the_nine_criteria_stand_in_the_guidelines_order() -> None:
    assert [criterion.id for criterion in catalogue.dpia_criteria()] == WP248


def test_a_criterion_hangs_on_answers_that_are_always_asked() -> None:
    for criterion in catalogue.dpia_criteria():
        for condition in criterion.any_of:
            question = catalogue.questions("impact_analysis")[condition.question]
            assert not question.shown_when, criterion.id
            assert question.kinds == catalogue.KINDS, criterion.id
            assert set(condition.is_) < {c.value for c in question.options}, criterion.id


def test_problems_names_a_criterion_whose_answer_is_not_offered(replace: Any) -> None:
    replace("dpia_criteria.yaml", lambda rows: rows[0]["any_of"][0].update({"is": ["perhaps"]}))
    assert catalogue.problems() == [
        "criterion evaluation_or_scoring: dpia_scoring does not offer all of perhaps",
    ]


def test_nothing_is_said_of_how_many_criteria_the_guidelines_ask_for() -> None:
    """That two would mean an assessment in most cases was not checked, so the number is the organisation's own."""
    texts = [c.text + c.example for c in catalogue.dpia_criteria()]
    texts += [q.text + q.why + q.guidance for q in catalogue.questions("impact_analysis").values()]
    assert not any(re.search(r"\btwo (of the )?(nine )?criteria|most cases", text) for text in texts)
