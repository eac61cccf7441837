"""The impact level over open answers, legal triggers, conditions and duties: silence is the worst case."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit import duties
from ethics_kit.duties import duty
from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Choice, Question
from ethics_kit.measures.impact import LEVELS, impact_level, total_points
from ethics_kit.record import LevelResult
from ethics_kit.stages.levels import Scored, conditions, score

REAL = list(catalogue.questions("impact_analysis").values())
SCORED = [q for q in REAL if q.scores]
TRIGGERS = [q for q in REAL if q.trigger]


def question(name: str, points: tuple[int, ...] = (), scores: str | None = "raw", trigger: bool = False) -> Question:
    return Question(
        id=name,
        text=f"{name}?",
        why="why",
        guidance="how",
        type="choice" if points else "yes_no",
        choices=tuple(Choice(value=f"v{p}", label=str(p), points=p) for p in points),
        scores=scores if points else None,
        trigger=trigger,
    )


RAW = question("raw_question", (100, 50, 0))
OTHER = question("other_question", (100, 0))
MITIGATION = question("mitigation_question", (0, 100), scores="mitigation")
TRIGGER = question("trigger_question", trigger=True)


def shown(q: Question, answer: str | None) -> Scored:
    return Scored(q, True, answer)


def answered(answers: dict[str, str | None]) -> list[Scored]:
    """The real questionnaire with these answers; every question is shown."""
    return [Scored(q, True, answers.get(q.id)) for q in REAL]


def best_answers() -> dict[str, str]:
    """The answers with the fewest raw and the most mitigation points, and no trigger."""
    chosen = {}
    for q in REAL:
        if q.scores:
            pick = min if q.scores == "raw" else max
            chosen[q.id] = pick(q.options, key=lambda c: c.points).value
    return chosen | {q.id: "no" for q in TRIGGERS}


@st.composite
def full_answers(draw: st.DrawFn) -> dict[str, str]:
    """An answer to every question that has choices; low impact and no triggers are drawn more often than by chance."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    harm, no = draw(st.floats(0, 1)), draw(st.floats(0.5, 1))
    chosen = {}
    for q in REAL:
        if q.trigger:
            chosen[q.id] = "no" if rng.random() < no else "yes"
        elif q.options:
            ranked = sorted(q.options, key=lambda c: c.points)
            top = len(ranked) if rng.random() < harm else 1
            chosen[q.id] = (ranked[-1] if q.scores == "mitigation" and top == 1 else rng.choice(ranked[:top])).value
    return chosen


# --- points -------------------------------------------------------------------------------------------------------


def test_nothing_answered_holds_level_four_and_is_undetermined() -> None:
    found = score(answered({}))
    assert (found.holds, found.value, found.best, found.worst) == ("IV", "undetermined", "I", "IV")
    assert found.unanswered == len(SCORED) + len(TRIGGERS)


def test_no_reliable_impact_analysis_holds_level_four() -> None:
    assert (duties.UNKNOWN.holds, duties.UNKNOWN.value) == ("IV", "undetermined")


def test_the_best_answers_to_everything_are_level_one() -> None:
    found = score(answered(best_answers()))
    assert (found.value, found.holds, found.floor, found.unanswered, found.reasons) == ("I", "I", None, 0, [])


@given(full_answers())
@settings(max_examples=60, deadline=None)
def test_full_answers_give_the_level_of_their_points(answers: dict[str, str]) -> None:
    found = score(answered(answers))

    def points(scale: str) -> tuple[int, int]:
        rows = [q for q in REAL if q.scores == scale]
        chosen = sum(next(c.points for c in q.choices if c.value == answers[q.id]) for q in rows)
        return chosen, sum(max(c.points for c in q.choices) for q in rows)

    (raw, max_raw), (mitigation, max_mitigation) = points("raw"), points("mitigation")
    total = total_points(raw=raw, mitigation=mitigation, max_mitigation=max_mitigation)
    expected = impact_level(total, max_raw)
    if any(answers[q.id] == "yes" for q in TRIGGERS):
        expected = max(expected, "III", key=LEVELS.index)
    assert found.value == found.holds == found.best == found.worst == expected
    assert (found.points["total_best"], found.points["total_worst"]) == (total, total)


@given(full_answers())
@settings(max_examples=60, deadline=None)
def test_removing_any_answer_never_lowers_the_level_that_holds(answers: dict[str, str]) -> None:
    before = score(answered(answers))
    for name in answers:
        after = score(answered({k: v for k, v in answers.items() if k != name}))
        assert LEVELS.index(after.holds) >= LEVELS.index(before.holds), name
        assert LEVELS.index(after.best) <= LEVELS.index(before.best), name


@given(full_answers(), st.data())
@settings(max_examples=60, deadline=None)
def test_what_holds_with_open_answers_is_no_lower_than_any_way_to_fill_them(
    answers: dict[str, str], data: st.DataObject
) -> None:
    names = data.draw(st.sets(st.sampled_from(sorted(answers))))
    found = score(answered({k: v for k, v in answers.items() if k not in names}))
    filled = score(answered(answers)).holds
    assert LEVELS.index(found.best) <= LEVELS.index(filled) <= LEVELS.index(found.holds) == LEVELS.index(found.worst)


def test_an_open_answer_leaves_the_level_between_its_best_and_worst_case() -> None:
    found = score([shown(RAW, None), shown(OTHER, "v0")])
    assert (found.value, found.best, found.worst, found.unanswered) == ("undetermined", "I", "II", 1)


def test_an_open_answer_that_cannot_change_the_level_leaves_it_determined() -> None:
    small = question("small_question", (1, 0))
    found = score([shown(RAW, "v0"), shown(OTHER, "v0"), shown(small, None)])
    assert (found.value, found.unanswered) == ("I", 1)


def test_mitigation_counts_only_where_it_is_answered() -> None:
    assert score([shown(RAW, "v50"), shown(OTHER, "v0"), shown(MITIGATION, "v100")]).points["total_worst"] == 43
    open_ = score([shown(RAW, "v50"), shown(OTHER, "v0"), shown(MITIGATION, None)])
    assert (open_.points["total_best"], open_.points["total_worst"]) == (43, 50)


# --- what is not shown --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, "v100", "v0"])
def test_a_hidden_question_never_scores(answer: str | None) -> None:
    hidden = Scored(OTHER, False, answer)
    assert hidden.points() == (0, 0)
    found = score([shown(RAW, "v0"), hidden])
    assert (found.value, found.points["raw_high"], found.unanswered) == ("I", 0, 0)


def test_a_hidden_mitigation_lowers_nothing() -> None:
    assert score([shown(RAW, "v50"), Scored(MITIGATION, False, "v100")]).points["total_best"] == 50


def test_the_maximum_counts_hidden_questions_as_well() -> None:
    assert score([shown(RAW, "v50"), Scored(OTHER, False, None)]).points["raw_max"] == 200


def test_a_question_that_hangs_on_an_open_answer_may_score_or_not() -> None:
    assert Scored(RAW, None, None).points() == (0, 100)
    assert Scored(RAW, None, "v50").points() == (0, 50)
    assert shown(RAW, None).points() == (0, 100)
    assert shown(RAW, "v50").points() == (50, 50)


# --- legal triggers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [q.id for q in TRIGGERS])
def test_a_legal_trigger_sets_level_three_whatever_the_points(name: str) -> None:
    found = score(answered(best_answers() | {name: "yes"}))
    assert (found.value, found.holds, found.floor) == ("III", "III", "III")
    assert found.reasons == [f"Legal trigger: {catalogue.questions('impact_analysis')[name].text}"]


@pytest.mark.parametrize("name", [q.id for q in TRIGGERS])
def test_a_legal_trigger_that_is_open_counts_as_holding(name: str) -> None:
    found = score(answered(best_answers() | {name: None}))
    assert (found.value, found.holds, found.best, found.floor) == ("undetermined", "III", "I", "III")
    assert found.reasons[0].startswith("Legal trigger not answered, so taken as holding: ")


def test_an_answer_that_is_neither_yes_nor_no_counts_as_holding() -> None:
    found = score([shown(RAW, "v0"), shown(TRIGGER, "Yes")])
    assert (found.holds, found.best) == ("III", "III")


def test_mitigation_does_not_lower_the_floor() -> None:
    rows = [shown(RAW, "v0"), shown(TRIGGER, "yes")]
    assert score([*rows, shown(MITIGATION, "v100")]).holds == score(rows).holds == "III"


def test_a_trigger_does_not_lower_level_four() -> None:
    assert score([shown(RAW, "v100"), shown(TRIGGER, "yes")]).value == "IV"


@pytest.mark.parametrize("answer", ["yes", None])
def test_a_trigger_may_hang_on_an_open_answer_and_still_count(answer: str | None) -> None:
    assert score([shown(RAW, "v0"), Scored(TRIGGER, None, answer)]).holds == "III"


def test_a_trigger_that_is_not_asked_of_this_system_is_not_open() -> None:
    assert score([shown(RAW, "v0"), Scored(TRIGGER, False, None)]).holds == "I"


def test_score_is_a_whole_result() -> None:
    assert score(
        [shown(RAW, "v50"), shown(OTHER, None), shown(MITIGATION, "v100"), shown(TRIGGER, None)]
    ) == LevelResult(
        value="undetermined",
        holds="III",
        best="I",
        worst="III",
        floor="III",
        reasons=["Legal trigger not answered, so taken as holding: trigger_question?"],
        unanswered=2,
        points={
            "raw_low": 50,
            "raw_high": 150,
            "raw_max": 200,
            "mitigation_low": 100,
            "mitigation_high": 100,
            "mitigation_max": 100,
            "total_best": 43,
            "total_worst": 128,
        },
    )


# --- conditions ---------------------------------------------------------------------------------------------------


def test_silence_leaves_every_condition_unanswered() -> None:
    assert conditions(answered({})) == dict.fromkeys(catalogue.conditions(), "unanswered")
    assert conditions([]) == dict.fromkeys(catalogue.conditions(), "unanswered")


@pytest.mark.parametrize("name", catalogue.conditions())
def test_a_condition_holds_by_the_answers_it_names_and_by_no_other(name: str) -> None:
    condition = catalogue.conditions()[name]
    for choice in catalogue.questions("impact_analysis")[condition.question].options:
        found = conditions(answered({condition.question: choice.value}))[name]
        assert found == ("holds" if choice.value in condition.holds_when else "does_not_hold")


# --- duties -------------------------------------------------------------------------------------------------------


def weight(requirement: str, kind: str = "scored", level: str = "IV", state: str = "holds") -> str:
    states = dict.fromkeys(catalogue.conditions(), state)
    return duty(requirement, ("attested",), kind=kind, level=level, conditions=states).weight


@pytest.mark.parametrize("requirement", catalogue.obligations())
def test_a_requirement_is_required_from_its_level_on(requirement: str) -> None:
    first = LEVELS.index(catalogue.obligations()[requirement].required_from)
    found = [weight(requirement, level=level) for level in LEVELS]
    assert found == ["informative"] * first + ["required"] * (len(LEVELS) - first)


@pytest.mark.parametrize("kind", catalogue.KINDS)
def test_a_requirement_that_a_kind_cannot_have_is_excluded_at_every_level(kind: str) -> None:
    for requirement, row in catalogue.obligations().items():
        for level in LEVELS:
            assert (weight(requirement, kind, level) == "excluded") is (kind not in row.kinds)


@pytest.mark.parametrize(
    ("state", "expected"), [("holds", "required"), ("unanswered", "required"), ("does_not_hold", "informative")]
)
def test_a_condition_frees_only_where_it_is_answered_not_to_hold(state: str, expected: str) -> None:
    conditional = [r for r, row in catalogue.obligations().items() if row.condition]
    assert conditional
    assert {weight(r, state=state) for r in conditional} == {expected}


def test_a_condition_that_is_not_in_the_record_counts_as_holding() -> None:
    assert duty("C3.4", ("measured",), kind="scored", level="IV", conditions={}).weight == "required"


def test_a_duty_says_why_it_is_not_required() -> None:
    states = dict.fromkeys(catalogue.conditions(), "does_not_hold")
    excluded = duty("C2.1", ("measured",), kind="generative", level="IV", conditions={})
    low = duty("G5", ("attested",), kind="scored", level="III", conditions={})
    free = duty("C3.4", ("measured",), kind="scored", level="IV", conditions=states)
    assert excluded.reason == "not asked of a generative system"
    assert low.reason == "required from level IV"
    assert free.reason == f"does not hold: {catalogue.conditions()['personalises'].text}"
    assert (
        duty("G5", ("attested",), kind="scored", level="IV", conditions={}).reason
        == catalogue.obligations()["G5"].reason
    )


def test_a_kind_without_the_measured_half_owes_the_attested_one_only() -> None:
    both = ("attested", "measured")
    assert duty("P2.4", both, kind="scored", level="IV", conditions={}).needs == both
    limited = duty("P2.4", both, kind="generative", level="IV", conditions={})
    assert (limited.needs, limited.weight) == (("attested",), "required")


@pytest.mark.parametrize("stage", ["impact_analysis", "design_review", "bias_testing", "deployment_signoff"])
def test_every_required_duty_of_every_kind_owes_some_evidence(stage: str) -> None:
    for requirement, needs in catalogue.stage_requirements(stage).items():
        for kind in catalogue.KINDS:
            found = duty(requirement, needs, kind=kind, level="IV", conditions={})
            assert found.needs or found.weight == "excluded", (requirement, kind)


def test_a_duty_carries_what_follows_when_it_is_not_met() -> None:
    for requirement, row in catalogue.obligations().items():
        assert duty(requirement, ("attested",), kind="scored", level="IV", conditions={}).if_not_met == row.if_not_met
