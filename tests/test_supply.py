"""What to supply next: each thing once, however many findings wait for it; what opens most for least comes first."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ethics_kit import dossier
from ethics_kit.framework import catalogue
from ethics_kit.project import Project
from ethics_kit.recommendation import recommend
from ethics_kit.record import Duty, Finding, LevelResult, Obligations, Record, Upstream
from ethics_kit.report import html, supply
from ethics_kit.stages.case import Case
from ethics_kit.stages.evidence import not_assessed

DAY = datetime.date(2026, 11, 1)
LEVEL = LevelResult(value="II", holds="II", best="II", worst="II")
OPEN = LevelResult(value="undetermined", holds="IV", best="I", worst="IV", unanswered=7)


def finding(requirement: str, name: str, status: str = "not_assessed", **more: Any) -> Finding:
    more = {"evidence": "measured", "null_reason": "awaits something", "statement": f"It is {status}.", **more}
    return Finding(id=f"{requirement}.{name}", requirement=requirement, status=status, **more)


def attested(question: str, doubt: str) -> Finding:
    requirement = next(q.requirement for s in STAGES_ASKED for q in catalogue.questions(s).values() if q.id == question)
    assert requirement
    return finding(requirement, question, evidence="attested", null_reason=doubt)


STAGES_ASKED = ("impact_analysis", "design_review")


def record(
    *findings: Finding,
    stage: str = "bias_testing",
    level: LevelResult = LEVEL,
    informative: tuple[str, ...] = (),
    conditions: tuple[str, ...] = (),
    upstream: tuple[Upstream, ...] = (),
    model_version: str | None = "m-1",
    **obliged: Any,
) -> Record:
    duties = [
        Duty(
            requirement=r,
            weight="informative" if r in informative else "required",
            needs=(),
            if_not_met="condition" if r in conditions else "block",
            reason="test",
        )
        for r in dict.fromkeys(f.requirement for f in findings)
    ]
    obligations = Obligations(level=level.holds, kind="scored", conditions={}, duties=duties, **obliged)
    return Record(
        system={"id": "demo", "name": "Demo", "model_version": model_version},
        stage=stage,
        as_of=DAY,
        level=level,
        policy={},
        inputs=[],
        upstream=list(upstream),
        parameters={},
        tables=[],
        findings=list(findings),
        obligations=obligations,
        recommendation=recommend(findings, obligations, upstream, DAY),
        versions={},
    )


def whats(*records: Record) -> list[str]:
    return [str(item.what) for item in supply.ranked(*records)]


COLUMN = "in the table decisions the column for outcome"


def test_findings_that_wait_for_one_column_are_one_item() -> None:
    (item,) = supply.ranked(record(*(not_assessed(r, "x", COLUMN) for r in ("C2.3", "P2.2", "C2.4"))))
    assert str(item.what).startswith("The column for outcome in decisions")
    assert (item.effort, item.findings, item.requirements) == ("column", 3, ("C2.3", "P2.2", "C2.4"))
    assert str(item.why[-1]) == "3 findings wait for it."


def test_a_finding_that_waits_for_two_columns_waits_for_each() -> None:
    items = supply.ranked(record(not_assessed("C2.3", "x", COLUMN + ", action"), not_assessed("P2.2", "x", COLUMN)))
    assert [(str(i.what).split(":")[0], i.findings) for i in items] == [
        ("The column for outcome in decisions", 2),
        ("The column for action in decisions", 1),
    ]


def test_what_a_case_says_it_lacks_is_understood(project: Callable[..., Path]) -> None:
    root = project()
    case = Case(dossier.load(Project(root), root / "parameters/demo"), "bias_testing", DAY, root)
    late = Case(case.dossier, "bias_testing", DAY + datetime.timedelta(days=900), root)
    assert not late.has("decisions", "outcome")
    said = {
        case.lacking("decisions", "outcome", "wait_hours", "resolved"): ["column", "column"],
        case.lacking("appeals"): ["table"],
        late.lacking("decisions", "outcome"): ["table"],
    }
    for words, efforts in said.items():
        items = supply.ranked(record(not_assessed("C2.3", "x", words)))
        assert [i.effort for i in items] == efforts, words
        assert not any("awaits" in str(i.what) for i in items)


def test_an_attribute_is_one_item_however_its_findings_put_it() -> None:
    said = ("the attribute age_band, or why it is not held", "the attribute age_band, which S3.1 tells of")
    (item,) = supply.ranked(record(*(not_assessed(r, "x", s) for r, s in zip(("S3.1", "C2.1"), said, strict=True))))
    assert (str(item.what), item.findings) == ("The attribute age_band, or why it is not held", 2)


def test_a_column_or_something_else_is_a_column() -> None:
    said = "in the table decisions the column for retained, or why it is not kept (not_kept in system.yaml)"
    (item,) = supply.ranked(record(not_assessed("C2.3", "x", said)))
    assert item.effort == "column"
    assert str(item.what) == "The column for retained in decisions, or why it is not kept (not_kept in system.yaml)"


def test_cheapest_first_where_the_same_hangs_on_it() -> None:
    found = record(
        finding("C2.1", "rows", "inconclusive", null_reason=None, value=0.1),
        not_assessed("C2.2", "x", "the table appeals"),
        not_assessed("C2.3", "x", COLUMN),
        attested("notice_text_in_place", "answered, but without the evidence it needs"),
        attested("withdrawal_as_easy", "answered, but without the name, role and date of who answered"),
        attested("lawful_basis_recorded", "not answered"),
        stage="design_review",
    )
    efforts = [i.effort for i in supply.ranked(found)]
    assert efforts == ["answer", "signature", "document", "column", "table", "rows"]


def test_of_the_same_price_what_more_findings_wait_for_comes_first() -> None:
    found = record(
        not_assessed("C2.1", "x", "the table appeals"),
        not_assessed("C2.2", "x", "the table notices"),
        not_assessed("C2.3", "x", "the table notices"),
    )
    assert [w.split(":")[0] for w in whats(found)] == ["The table notices", "The table appeals"]


def test_what_rejects_comes_before_what_could_and_that_before_conditions() -> None:
    found = record(
        attested("model_card_approved", "not answered"),
        not_assessed("C2.3", "x", COLUMN),
        finding("C2.1", "gap", "not_met", value=0.2, action="Find out why."),
        conditions=("P1.3",),
        stage="design_review",
    )
    assert [i.tier for i in supply.ranked(found)] == [supply.REJECTS, supply.CAN_REJECT, supply.CONDITIONS]


def test_the_open_level_comes_first_and_says_between_what_it_lies() -> None:
    level = finding("S1.2", "impact_level")
    items = supply.ranked(record(level, not_assessed("C2.3", "x", COLUMN), stage="impact_analysis", level=OPEN))
    assert str(items[0].what).startswith(
        "Answers to the 7 open questions that set the impact level: it lies between I and IV"
    )
    assert [i.tier for i in items] == [supply.GATE, supply.CAN_REJECT]


def test_an_unapproved_policy_and_a_preliminary_dossier_hold_up_everything() -> None:
    items = supply.ranked(record(not_assessed("C2.3", "x", COLUMN), policy_approved=False, preliminary=True))
    assert [i.tier for i in items] == [supply.GATE, supply.GATE, supply.CAN_REJECT]
    assert "ethics-kit complete demo" in str(items[0].what)
    assert "policy.yaml" in str(items[1].what)


def test_answers_are_counted_by_section() -> None:
    names = ("oversight_protocol", "reviewers_have_time", "checkpoints_placed")
    found = record(*(attested(n, "not answered") for n in names), stage="design_review")
    assert whats(found) == ["3 answers in the section “Human oversight” of the design review"]


@pytest.mark.parametrize(
    "doubt", ["not answered", "not asked yet", "answered with a placeholder", "answered on 2024-01-01, longer ago"]
)
def test_an_answer_that_does_not_count_has_to_be_given(doubt: str) -> None:
    (item,) = supply.ranked(record(attested("oversight_protocol", doubt), stage="design_review"))
    assert item.effort == "answer"


def test_a_condition_without_a_plan_wants_a_plan_and_one_with_a_plan_nothing() -> None:
    bare = finding("P2.3", "old", "not_met", value=1)
    planned = bare.model_copy(update={"action": "Test.", "owner": "Olu", "due": DAY + datetime.timedelta(days=9)})
    (item,) = supply.ranked(record(bare, conditions=("P2.3",)))
    assert str(item.what) == "An action, an owner and a due date to come for 1 finding not met"
    assert supply.ranked(record(planned, conditions=("P2.3",))) == []


def test_what_is_met_not_required_or_not_applicable_waits_for_nothing() -> None:
    found = record(
        finding("C2.1", "a", "met", value=1),
        finding("C2.2", "b", "not_applicable"),
        not_assessed("C2.3", "c", COLUMN),
        informative=("C2.3",),
    )
    assert supply.ranked(found) == []
    assert "Nothing that is required here waits for anything." in html.part("supply", found)


def test_over_several_stages_each_thing_stands_once_and_stages_do_not_name_one_another() -> None:
    missing = Upstream(stage="bias_testing", use="gate", status="ok", recommendation="undetermined")
    first = record(not_assessed("C2.3", "x", "the table decisions"))
    last = record(not_assessed("C3.1", "x", "the table decisions"), stage="deployment_signoff", upstream=(missing,))
    assert whats(last)[0] == "A settled bias testing: recommendation undetermined; see that stage"
    (item,) = supply.ranked(first, last)
    assert (item.findings, item.stages) == (2, ("bias_testing", "deployment_signoff"))


def test_without_a_version_the_version_is_asked_for() -> None:
    other = Upstream(stage="impact_analysis", use="level", status="other_model")
    assert whats(record(upstream=(other,), model_version=None))[0].startswith("The version of the model in use")
    assert not any("version of the model in use" in w for w in whats(record(upstream=(other,))))


def test_a_page_shows_twelve_and_counts_the_rest() -> None:
    many = record(*(not_assessed("C2.3", f"x{i}", f"thing {i}") for i in range(15)))
    page = html.part("supply", many)
    assert page.count("<tr><td>") == 12
    assert "15 things to supply" in page
    assert "And 3 more" in page


def test_what_a_dossier_says_is_escaped() -> None:
    page = html.part("supply", record(not_assessed("C2.3", "x", "<script>x</script>")))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


REASONS = st.sampled_from(
    ["the table appeals", COLUMN, COLUMN + ", action", "a thing", "decisions of the last 9 days ."]
)
STATUSES = st.sampled_from(["met", "not_met", "inconclusive", "not_assessed", "not_applicable"])


@given(
    rows=st.lists(st.tuples(st.sampled_from(["C2.1", "C2.2", "C2.3", "P2.3"]), STATUSES, REASONS), max_size=12),
    seed=st.randoms(use_true_random=False),
)
def test_every_open_finding_waits_for_something_and_order_of_findings_changes_nothing(
    rows: list[tuple[str, str, str]], seed: Any
) -> None:
    findings = [finding(r, f"x{i}", s, null_reason=f"awaits {w}") for i, (r, s, w) in enumerate(rows)]
    items = supply.ranked(record(*findings, conditions=("P2.3",)))
    wanted = {f.requirement for f in findings if f.status in ("not_met", "inconclusive", "not_assessed")}
    assert {r for i in items for r in i.requirements} == wanted
    assert len({str(i.what) for i in items}) == len(items)
    seed.shuffle(findings)
    again = supply.ranked(record(*findings, conditions=("P2.3",)))
    assert {(str(i.what), i.tier, i.findings) for i in again} == {(str(i.what), i.tier, i.findings) for i in items}


def test_a_terminal_is_told_the_first_and_how_many_follow() -> None:
    many = record(*(not_assessed("C2.3", f"x{i}", f"thing {i}") for i in range(7)))
    lines = supply.told([many], 5)
    assert lines[0] == "  1. Thing 0 (answers)"
    assert lines[5:] == ["  and 2 more; the reports list them"]
