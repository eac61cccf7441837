"""The framework's content: whole, in order, and saying what it means to say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ethics_kit.framework import catalogue

# Copied by hand from the framework: id, evidence, books (IA, DR, BT, DS). Not read from the YAML under test.
FRAMEWORK = """
P1.1 both DR DS
P1.2 measured BT
P1.3 both DR DS
P1.4 both DR BT
P2.1 measured BT
P2.2 measured BT
P2.3 measured DS
P2.4 both DR
P3.1 measured DR
P3.2 both DR
P3.3 measured BT
P3.4 measured DR
P4.1 both IA
P4.2 measured DS
P4.3 measured DS
P4.4 both DR DS
S1.1 attested IA
S1.2 both IA
S1.3 attested IA
S1.4 both IA
S2.1 both DR
S2.2 both DR BT
S2.3 attested DR
S2.4 both DR
S3.1 measured BT
S3.2 both IA BT
S3.3 measured BT
S3.4 measured BT
S4.1 measured DS
S4.2 measured DS
S4.3 measured DS
S4.4 both DS
C1.1 measured DR
C1.2 measured DR
C1.3 measured DR
C1.4 measured DR
C2.1 measured BT
C2.2 measured BT
C2.3 measured BT
C2.4 measured BT
C3.1 measured DS
C3.2 measured DS
C3.3 measured DS
C3.4 measured DS
G1 attested IA
G2 attested IA
G3 both DS
G4 measured DS
G5 attested DS
B1 attested IA
B2 both IA DR
B3 both IA BT
B4 attested IA
B5 measured DS
"""
ROWS = [line.split() for line in FRAMEWORK.split("\n") if line]
BOOKS = {"IA": "impact_analysis", "DR": "design_review", "BT": "bias_testing", "DS": "deployment_signoff"}
STAGES = tuple(BOOKS.values())

# What each stage owes where a requirement needs both kinds of evidence and stands in two books.
SHARED = {
    "P1.1": {"design_review": ("attested", "measured"), "deployment_signoff": ("measured",)},
    "P1.3": {"design_review": ("attested", "measured"), "deployment_signoff": ("measured",)},
    "P1.4": {"design_review": ("attested",), "bias_testing": ("measured",)},
    "P4.4": {"design_review": ("attested", "measured"), "deployment_signoff": ("measured",)},
    "S2.2": {"design_review": ("attested",), "bias_testing": ("measured",)},
    "S3.2": {"impact_analysis": ("attested",), "bias_testing": ("attested", "measured")},
    "B2": {"impact_analysis": ("attested",), "design_review": ("measured",)},
    "B3": {"impact_analysis": ("attested",), "bias_testing": ("measured",)},
}

SECTIONS = {
    "impact_analysis": [
        "use", "effect", "people_and_data", "legal_triggers", "dpia", "safeguards",
        "stakeholders", "risks", "compliance", "governance",
    ],
    "design_review": ["transparency", "documentation", "oversight", "inclusion", "privacy", "fairness"],
    "bias_testing": ["limits_and_privacy"],
    "deployment_signoff": ["readiness", "governance"],
}  # fmt: skip

TRIGGERS = [
    "legal_or_similar_effect",
    "annex_iii_use",
    "special_category_data",
    "children_affected",
    "emotion_from_voice_or_face",
]

# Words that claim what an assessment cannot show. "Lawful basis" is a term of law; "unlawful" may be cited.
FORBIDDEN = re.compile(
    r"debias|\bunbiased\b|\bfair (model|system|ai)\b|\bcompliant\b|\bbias-free\b|\blawful\b(?! basis)",
    re.IGNORECASE,
)

FILES = (
    "requirements.yaml",
    "obligations.yaml",
    "risks.yaml",
    "levels.yaml",
    "tables.yaml",
    "not_applicable.yaml",
    *(f"questionnaires/{stage}.yaml" for stage in STAGES),
)


def all_questions() -> list[catalogue.Question]:
    return [q for stage in STAGES for q in catalogue.questions(stage).values()]


def required(kind: catalogue.Kind, level: catalogue.Level) -> set[str]:
    """Requirements asked of a system of this kind at this level, conditional ones included."""
    reached = catalogue.LEVELS[: catalogue.LEVELS.index(level) + 1]
    rows = catalogue.obligations().values()
    return {row.requirement for row in rows if kind in row.kinds and row.required_from in reached}


def texts(content: Any) -> Iterator[str]:
    """Every string of a YAML file, keys left out."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            yield from texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from texts(value)


def test_the_files_agree_with_one_another() -> None:
    assert catalogue.problems() == []


def test_there_are_54_requirements_in_the_frameworks_order() -> None:
    assert len(ROWS) == 54
    assert list(catalogue.requirements()) == [row[0] for row in ROWS]


@pytest.mark.parametrize(("name", "evidence", "books"), [(r[0], r[1], r[2:]) for r in ROWS])
def test_a_requirement_stands_in_the_frameworks_books(name: str, evidence: str, books: list[str]) -> None:
    requirement = catalogue.requirements()[name]
    assert requirement.evidence == evidence
    assert set(requirement.stages) == {BOOKS[book] for book in books}


@pytest.mark.parametrize("name", SHARED)
def test_stages_share_the_evidence_between_them(name: str) -> None:
    assert catalogue.requirements()[name].stages == SHARED[name]


def test_every_both_row_in_two_books_has_its_share_written_down() -> None:
    assert {row[0] for row in ROWS if row[1] == "both" and len(row) > 3} == set(SHARED)


def test_no_id_stands_twice_in_a_file() -> None:
    for name in ("requirements.yaml", "risks.yaml", "not_applicable.yaml"):
        ids = [row["id"] for row in catalogue._read(name)]
        assert len(ids) == len(set(ids)), name
    obligations = catalogue._read("obligations.yaml")
    ids = [row["requirement"] for row in obligations["obligations"]]
    assert len(ids) == 54 == len(set(ids))
    ids = [row["id"] for row in obligations["conditions"]]
    assert len(ids) == len(set(ids))


def test_obligations_stand_in_the_frameworks_order() -> None:
    assert list(catalogue.obligations()) == [row[0] for row in ROWS]


@pytest.mark.parametrize("stage", STAGES)
def test_sections_are_the_ones_the_notebooks_name(stage: str) -> None:
    assert [section.id for section in catalogue.sections(stage)] == SECTIONS[stage]


def test_legal_triggers_are_plain_yes_no_questions_with_a_source() -> None:
    triggers = [q for q in all_questions() if q.trigger]
    assert [q.id for q in triggers] == TRIGGERS
    for question in triggers:
        assert question.source, question.id
        assert question.type == "yes_no", question.id
        assert not question.scores, question.id
        assert not question.requirement, question.id
        assert not question.shown_when, question.id
        assert question.kinds == catalogue.KINDS, question.id
        assert [c.value for c in question.options] == ["yes", "no"], question.id


def test_no_text_is_empty() -> None:
    for name in FILES:
        assert all(text.strip() for text in texts(catalogue._read(name))), name
    assert all(q.source is None or q.source.strip() for q in all_questions())


def test_questions_end_in_a_question_mark() -> None:
    assert [q.id for q in all_questions() if not q.text.endswith("?")] == []


@pytest.mark.parametrize(("scale", "low", "high"), [("raw", 100, 140), ("mitigation", 40, 70)])
def test_points_of_the_impact_analysis_stay_in_their_range(scale: str, low: int, high: int) -> None:
    scored = [q for q in catalogue.questions("impact_analysis").values() if q.scores == scale]
    assert low <= sum(q.max_points for q in scored) <= high
    assert all(q.area for q in scored)


def test_only_the_impact_analysis_scores() -> None:
    assert [q.id for stage in STAGES[1:] for q in catalogue.questions(stage).values() if q.scores] == []


def test_scored_questions_can_be_answered_without_adding_points() -> None:
    assert [q.id for q in all_questions() if q.scores and min(c.points for c in q.options) != 0] == []


def test_scored_questions_are_always_shown() -> None:
    assert [q.id for q in all_questions() if q.scores and (q.shown_when or q.kinds != catalogue.KINDS)] == []


def test_raw_choices_stand_worst_first_and_mitigation_weakest_first() -> None:
    for question in all_questions():
        points = [choice.points for choice in question.options]
        if question.scores:
            assert points == sorted(points, reverse=question.scores == "raw"), question.id


def test_points_lower_the_level_only_with_evidence() -> None:
    assert [q.id for q in all_questions() if q.scores == "mitigation" and q.evidence != "required"] == []


def test_a_requirement_is_met_by_a_yes_and_missed_by_a_no() -> None:
    for question in all_questions():
        if question.requirement and question.type == "yes_no":
            effects = {choice.value: choice.effect for choice in question.options}
            assert effects == {"yes": "met", "no": "not_met"}, question.id


def test_every_choice_on_a_requirement_has_a_way_to_meet_and_to_miss_it() -> None:
    for question in all_questions():
        if question.requirement and question.type == "choice":
            assert {"met", "not_met"} <= {c.effect for c in question.options}, question.id


def test_each_condition_is_decided_by_a_question_that_is_always_shown() -> None:
    questions = catalogue.questions("impact_analysis")
    assert 4 <= len(catalogue.conditions()) <= 7
    for condition in catalogue.conditions().values():
        question = questions[condition.question]
        assert question.type in ("yes_no", "choice"), condition.id
        assert not question.shown_when, condition.id
        assert question.kinds == catalogue.KINDS, condition.id
        assert set(condition.holds_when) < {c.value for c in question.options}, condition.id


def test_every_condition_is_used() -> None:
    used = {row.condition for row in catalogue.obligations().values() if row.condition}
    assert used == set(catalogue.conditions())


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("P3.3", "shares_extracts"),
        ("C1.4", "processed_abroad"),
        ("C3.4", "personalises"),
        ("B2", "gdpr_or_ccpa_people"),
        ("B4", "soc2_expected"),
        ("S3.1", "decides_about_people"),
    ],
)
def test_some_requirements_are_asked_only_where_they_make_sense(name: str, condition: str) -> None:
    assert catalogue.obligations()[name].condition == condition


def test_each_level_reviews_more_often_and_signs_with_no_fewer() -> None:
    levels = catalogue.levels()
    assert tuple(levels) == catalogue.LEVELS
    assert [row.review_months for row in levels.values()] == [24, 12, 6, 3]
    signing = [row.signoff for row in levels.values()]
    assert signing == [
        ("owner",),
        ("owner", "ethics_officer"),
        ("owner", "ethics_officer", "committee"),
        ("owner", "ethics_officer", "committee", "executive"),
    ]


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("P1.1", "I"),
        ("P2.2", "I"),
        ("S3.1", "I"),
        ("C2.1", "I"),
        ("P1.2", "II"),
        ("C2.4", "II"),
        ("C3.3", "II"),
        ("S4.1", "II"),
        ("G2", "II"),
        ("C2.2", "III"),
        ("P4.4", "III"),
        ("S2.4", "III"),
        ("G1", "III"),
        ("G5", "IV"),
    ],
)
def test_obligations_begin_where_the_level_table_says(name: str, level: str) -> None:
    assert catalogue.obligations()[name].required_from == level


@pytest.mark.parametrize(
    ("kind", "never_asked"),
    [("generative", {"C2.1", "S3.3"}), ("rules", {"P2.4", "S3.3"}), ("scored", set()), ("ranked", set())],
)
def test_a_kind_is_not_asked_for_what_it_cannot_have(kind: catalogue.Kind, never_asked: set[str]) -> None:
    asked = required(kind, "IV")
    assert not asked & never_asked
    if not never_asked:
        assert asked == set(catalogue.requirements())


def test_every_kind_owes_bias_evidence_from_level_one() -> None:
    for kind in catalogue.KINDS:
        assert {"P2.2", "S3.1"} <= required(kind, "I"), kind


def test_few_are_required_of_rules_at_level_one_and_nearly_all_of_scores_at_level_four() -> None:
    assert len(required("rules", "I")) < 54 / 2
    assert len(required("scored", "IV")) >= 50


@pytest.mark.parametrize("name", ["P1.1", "P3.2", "P3.4", "C1.1", "C2.1", "C3.1", "S3.2"])
def test_serious_harm_to_people_blocks(name: str) -> None:
    assert catalogue.obligations()[name].if_not_met == "block"


@pytest.mark.parametrize("name", ["P1.3", "S1.3", "B1", "B2", "B3", "B4", "G4"])
def test_gaps_in_documentation_condition(name: str) -> None:
    assert catalogue.obligations()[name].if_not_met == "condition"


@pytest.mark.parametrize("name", FILES)
def test_no_file_claims_more_than_an_assessment_shows(name: str) -> None:
    assert [text for text in texts(catalogue._read(name)) if FORBIDDEN.search(text)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a debiased score", True),
        ("the system is compliant", True),
        ("a lawful use", True),
        ("its lawful basis", False),
        ("an unlawful refusal", False),
        ("compliance requirements", False),
    ],
)
def test_the_search_for_claims_finds_claims_only(text: str, found: bool) -> None:
    assert bool(FORBIDDEN.search(text)) is found


def test_problems_names_an_obligation_that_is_missing(replace: Any) -> None:
    replace("obligations.yaml", lambda content: content["obligations"].pop(0))
    assert catalogue.problems() == ["obligations and requirements differ: ['P1.1']"]


def test_problems_names_a_condition_whose_question_is_unknown(replace: Any) -> None:
    replace("obligations.yaml", lambda content: content["conditions"][1].update(question="no_such_question"))
    assert catalogue.problems() == ["condition shares_extracts: impact_analysis has no question no_such_question"]


def test_problems_names_an_answer_that_is_not_offered(replace: Any) -> None:
    replace("obligations.yaml", lambda content: content["conditions"][1].update(holds_when=["perhaps"]))
    assert catalogue.problems() == ["condition shares_extracts: extracts_shared has no such answer"]


def test_problems_names_evidence_that_no_stage_owes(replace: Any) -> None:
    replace("requirements.yaml", lambda content: content[1].update(evidence="both"))
    assert catalogue.problems() == ["P1.2: the stages owe ['measured'], the row says both"]


def test_problems_names_a_requirement_without_a_question(replace: Any) -> None:
    replace("questionnaires/bias_testing.yaml", lambda content: content[0].update(questions=[]))
    assert catalogue.problems() == ["bias_testing: S3.2 is attested, but no question that is always shown serves it"]


def test_problems_names_a_question_that_stands_twice(replace: Any) -> None:
    replace(
        "questionnaires/bias_testing.yaml",
        lambda content: content[0]["questions"][0].update(id="system_owner"),
    )
    assert catalogue.problems() == ["question system_owner stands 2 times"]
