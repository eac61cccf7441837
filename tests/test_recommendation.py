"""A recommendation that nothing missing improves, and its reason in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.recommendation import BRIEF, brief, recommend, requirement_status, worst_first
from ethics_kit.record import Finding, Obligations, Upstream
from tests.made import AS_OF, DAY, PLAN, SHARE, duty, finding, obliged, upstream, verdict, waiver

# --- the status of a requirement ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statuses", "weakest"),
    [
        (["met", "inconclusive"], "inconclusive"),
        (["inconclusive", "not_assessed"], "not_assessed"),
        (["not_assessed", "not_met"], "not_met"),
        (["met", "inconclusive", "not_assessed", "not_met", "not_applicable"], "not_met"),
        (["met", "not_applicable"], "met"),
        (["not_applicable", "not_applicable"], "not_applicable"),
        (["met"], "met"),
    ],
)
def test_the_weakest_finding_decides(statuses: list[str], weakest: str) -> None:
    rows = [finding(s, name=f"x{i}") for i, s in enumerate(statuses)]
    assert requirement_status(rows, ("attested",)) == weakest
    assert requirement_status(reversed(rows), ("attested",)) == weakest


@pytest.mark.parametrize("needs", [(), ("attested",), ("attested", "measured")])
def test_no_finding_is_not_assessed(needs: tuple[Any, ...]) -> None:
    assert requirement_status([], needs) == "not_assessed"


def test_a_kind_of_evidence_that_is_missing_is_not_assessed() -> None:
    assert requirement_status([finding("met")], ("attested", "measured")) == "not_assessed"
    assert requirement_status([finding("not_applicable")], ("attested", "measured")) == "not_assessed"
    assert requirement_status([finding("not_met")], ("attested", "measured")) == "not_met"


# --- the rules of the recommendation ------------------------------------------------------------------------------


def test_everything_required_met_is_approved() -> None:
    found = recommend([finding()], obliged(duty()), [upstream()], AS_OF)
    assert (found.verdict, found.reason) == ("approve", "Every requirement that is required here is met.")


def test_a_not_met_that_blocks_is_rejected_even_with_a_plan() -> None:
    found = recommend([finding("not_met", **PLAN)], obliged(duty()), [], AS_OF)
    assert (found.verdict, found.blocking) == ("reject", ["P1.1.x"])
    assert found.reason == "“AI use is disclosed to customers” is not met: P1.1 is not_met."


def test_a_not_met_that_conditions_is_approved_with_its_plan() -> None:
    found = recommend([finding("not_met", **PLAN)], obliged(duty(if_not_met="condition")), [], AS_OF)
    assert (found.verdict, found.conditions) == ("approve_with_conditions", ["P1.1.x"])


@pytest.mark.parametrize("lacking", PLAN)
@pytest.mark.parametrize("empty", [None, ""])
def test_a_condition_without_action_owner_or_due_date_is_rejected(lacking: str, empty: str | None) -> None:
    plan = PLAN | {lacking: None if lacking == "due" else empty}
    assert verdict([finding("not_met", **plan)], [duty(if_not_met="condition")]) == "reject"


def test_an_overdue_action_is_rejected() -> None:
    overdue = PLAN | {"due": AS_OF - DAY}
    assert verdict([finding("not_met", **overdue)], [duty(if_not_met="condition")]) == "reject"


@pytest.mark.parametrize("if_not_met", ["block", "condition"])
@pytest.mark.parametrize(
    ("on", "until", "expected"),
    [
        (AS_OF, AS_OF, "approve_with_conditions"),
        (AS_OF - DAY, AS_OF + DAY, "approve_with_conditions"),
        (AS_OF - 2 * DAY, AS_OF - DAY, "reject"),
        (AS_OF + DAY, AS_OF + 2 * DAY, "reject"),
    ],
    ids=["one day", "in force", "expired", "not begun"],
)
def test_a_waiver_lifts_a_block_from_its_first_to_its_last_day(
    if_not_met: str, on: date, until: date, expected: str
) -> None:
    assert verdict([finding("not_met", waiver=waiver(on, until))], [duty(if_not_met=if_not_met)]) == expected


def test_a_waiver_does_not_settle_what_is_not_assessed() -> None:
    assert verdict([finding("not_assessed", waiver=waiver())]) == "undetermined"


@pytest.mark.parametrize("status", ["inconclusive", "not_assessed"])
def test_what_is_not_settled_is_undetermined(status: str) -> None:
    found = recommend([finding(status)], obliged(duty()), [], AS_OF)
    assert (found.verdict, found.missing) == ("undetermined", ["P1.1.x"])
    said = status.replace("_", " ")
    assert found.reason == f"“AI use is disclosed to customers” is {said}: P1.1 is {status}."


def test_a_block_weighs_more_than_what_is_not_settled() -> None:
    rows = [finding("not_met"), finding("inconclusive", requirement="P1.2")]
    assert verdict(rows, [duty(), duty("P1.2")]) == "reject"


def test_what_is_not_settled_weighs_more_than_a_condition() -> None:
    rows = [finding("not_met", **PLAN), finding("inconclusive", requirement="P1.2")]
    assert verdict(rows, [duty(if_not_met="condition"), duty("P1.2")]) == "undetermined"


@pytest.mark.parametrize(("given", "absent"), [("attested", "measured"), ("measured", "attested")])
def test_a_missing_kind_of_evidence_is_undetermined(given: str, absent: str) -> None:
    found = recommend([finding(evidence=given)], obliged(duty(needs=("attested", "measured"))), [], AS_OF)
    assert (found.verdict, found.missing) == ("undetermined", [f"P1.1 ({absent})"])


@pytest.mark.parametrize("needs", [(), ("attested",)])
def test_a_required_requirement_without_any_finding_is_undetermined(needs: tuple[str, ...]) -> None:
    assert verdict([finding(requirement="P1.2")], [duty(needs=needs), duty("P1.2")]) == "undetermined"


@pytest.mark.parametrize("weight", ["informative", "excluded"])
@pytest.mark.parametrize("status", ["not_met", "not_assessed", "inconclusive"])
def test_what_is_not_required_decides_nothing(weight: str, status: str) -> None:
    rows = [finding(status), finding(requirement="P1.2")]
    assert verdict(rows, [duty(weight=weight), duty("P1.2")]) == "approve"


def test_a_not_applicable_requirement_is_listed_and_stands_in_nobodys_way() -> None:
    rows = [finding("not_applicable"), finding(requirement="P1.2")]
    found = recommend(rows, obliged(duty(), duty("P1.2")), [], AS_OF)
    assert (found.verdict, found.not_applicable) == ("approve", ["P1.1"])


def test_nothing_but_not_applicable_is_undetermined() -> None:
    found = recommend([finding("not_applicable")], obliged(duty()), [], AS_OF)
    assert (found.verdict, found.reason) == ("undetermined", "Nothing that is required here was assessed.")


def test_no_required_requirement_at_all_is_undetermined() -> None:
    assert verdict([finding()], [duty(weight="informative")]) == "undetermined"


def test_the_reason_counts_what_is_met_only_because_it_is_not_applicable() -> None:
    rows = [finding("not_applicable"), finding(requirement="P1.2")]
    found = recommend(rows, obliged(duty(), duty("P1.2")), [], AS_OF)
    assert found.reason == "Every requirement that is required here is met; declared as not applicable: 1."


@pytest.mark.parametrize("use", ["gate", "level"])
@pytest.mark.parametrize("status", ["missing", "failed", "altered", "stale", "other_model"])
def test_an_earlier_record_that_cannot_be_relied_on_is_undetermined(status: str, use: str) -> None:
    found = recommend([finding()], obliged(duty()), [upstream(status, use=use)], AS_OF)
    assert (found.verdict, found.missing) == ("undetermined", ["bias_testing"])


@pytest.mark.parametrize(
    ("recommendation", "expected"),
    [
        ("reject", "reject"),
        ("undetermined", "undetermined"),
        (None, "undetermined"),
        ("approve_with_conditions", "approve_with_conditions"),
        ("approve", "approve"),
    ],
)
def test_the_gate_is_no_better_than_an_earlier_record(recommendation: str | None, expected: str) -> None:
    assert verdict([finding()], records=[upstream(recommendation=recommendation)]) == expected


def test_the_worst_of_the_earlier_records_counts_in_any_order() -> None:
    records = [
        upstream(stage=s, recommendation=r) for s, r in (("bias_testing", "reject"), ("design_review", "approve"))
    ]
    assert verdict([finding()], records=records) == verdict([finding()], records=records[::-1]) == "reject"


def test_a_second_entry_of_a_stage_does_not_hide_the_first() -> None:
    assert verdict([finding()], records=[upstream(recommendation="reject"), upstream()]) == "reject"


def test_a_record_that_gives_the_level_only_does_not_pass_on_its_verdict() -> None:
    assert verdict([finding()], records=[upstream(use="level", recommendation="reject")]) == "approve"


def test_a_stale_rejection_is_not_yet_settled_rather_than_rejected() -> None:
    assert verdict([finding()], records=[upstream("stale", "reject")]) == "undetermined"


# --- nothing missing makes it better ------------------------------------------------------------------------------

RANK = {"approve": 2, "approve_with_conditions": 1, "undetermined": 0, "reject": 0}
STATUSES = ["met", "not_met", "inconclusive", "not_assessed", "not_applicable"]
NAMES = ["P1.1", "P1.2", "C2.1"]
days = st.integers(-2, 2).map(lambda d: AS_OF + d * DAY)
waivers = st.builds(waiver, days, days) | st.none()
plans = st.fixed_dictionaries(
    {"action": st.sampled_from([None, "a"]), "owner": st.sampled_from([None, "o"]), "due": days | st.none()}
)
met_mostly = st.sampled_from(["met"] * 4 + STATUSES)
duties = st.builds(
    duty,
    weight=st.sampled_from(["required", "required", "informative", "excluded"]),
    needs=st.sampled_from([(), ("attested",), ("measured",), ("attested", "measured")]),
    if_not_met=st.sampled_from(["block", "condition"]),
)
upstreams = st.lists(
    st.builds(
        upstream,
        st.sampled_from(["ok", "ok", "ok", "missing", "failed", "altered", "stale", "other_model"]),
        st.sampled_from(["approve", "approve", "approve_with_conditions", "undetermined", "reject"]),
        use=st.sampled_from(["gate", "level"]),
        stage=st.sampled_from(["impact_analysis", "design_review", "bias_testing"]),
    ),
    max_size=3,
)


@st.composite
def assessments(draw: st.DrawFn, per_evidence: int = 2) -> tuple[list[Finding], Obligations, list[Upstream]]:
    """Random findings, up to `per_evidence` of each requirement and kind of evidence, duties and earlier records."""
    found = []
    for requirement in NAMES:
        for evidence in ("attested", "measured"):
            for i in range(draw(st.integers(0, per_evidence))):
                status, plan, lifted = draw(met_mostly), draw(plans), draw(waivers)
                more = {**plan, "waiver": lifted}
                found.append(finding(status, requirement=requirement, name=f"{evidence}{i}", evidence=evidence, **more))
    rows = [draw(duties).model_copy(update={"requirement": r}) for r in NAMES]
    return found, obliged(*rows), draw(upstreams)


def rank(findings: Sequence[Finding], obligations: Obligations, records: Sequence[Upstream]) -> int:
    return RANK[recommend(findings, obligations, records, AS_OF).verdict]


def reference(findings: Sequence[Finding], obligations: Obligations, records: Sequence[Upstream]) -> str:
    """DESIGN.md's four rules, written out plainly."""
    required = {d.requirement: d for d in obligations.duties if d.weight == "required"}
    gate = [u for u in records if u.use == "gate" and u.status == "ok"]

    def waived(f: Finding) -> bool:
        return bool(f.waiver and f.waiver.on <= AS_OF <= f.waiver.until)

    def planned(f: Finding) -> bool:
        return bool(f.action and f.owner and f.due and f.due >= AS_OF)

    own = {name: [f for f in findings if f.requirement == name] for name in required}
    failed = [f for rows in own.values() for f in rows if f.status == "not_met"]
    for f in failed:
        if not waived(f) and (required[f.requirement].if_not_met == "block" or not planned(f)):
            return "reject"
    if any(u.recommendation == "reject" for u in gate):
        return "reject"
    open_ = any(f.status in ("not_assessed", "inconclusive") for rows in own.values() for f in rows)
    for name, d in required.items():
        open_ |= not own[name] or not set(d.needs) <= {f.evidence for f in own[name]}
    open_ |= any(u.status != "ok" for u in records) or any(u.recommendation == "undetermined" for u in gate)
    open_ |= all(f.status == "not_applicable" for rows in own.values() for f in rows)
    if open_:
        return "undetermined"
    return "approve_with_conditions" if failed or any(u.recommendation != "approve" for u in gate) else "approve"


@given(assessments())
@settings(max_examples=400, deadline=None)
def test_the_recommendation_is_that_of_the_four_rules_written_out(drawn: Any) -> None:
    assert recommend(*drawn, AS_OF).verdict == reference(*drawn)


@given(assessments(per_evidence=1))
@settings(max_examples=300, deadline=None)
def test_removing_the_only_finding_of_an_evidence_that_is_needed_makes_nothing_better(drawn: Any) -> None:
    findings, obligations, records = drawn
    before = rank(*drawn)
    needs = {d.requirement: d.needs for d in obligations.duties}
    for f in findings:
        if f.evidence in needs[f.requirement]:
            assert rank([g for g in findings if g is not f], obligations, records) <= before


@given(assessments())
@settings(max_examples=300, deadline=None)
def test_removing_what_speaks_for_a_system_makes_nothing_better(drawn: Any) -> None:
    findings, obligations, records = drawn
    before = rank(*drawn)
    for f in findings:
        if f.status in ("met", "not_applicable"):
            assert rank([g for g in findings if g is not f], obligations, records) <= before


@given(assessments())
@settings(max_examples=200, deadline=None)
def test_removing_all_findings_of_a_requirement_makes_nothing_better(drawn: Any) -> None:
    findings, obligations, records = drawn
    before = rank(*drawn)
    for name in NAMES:
        assert rank([f for f in findings if f.requirement != name], obligations, records) <= before


@given(assessments())
@settings(max_examples=200, deadline=None)
def test_removing_every_finding_is_never_approved(drawn: Any) -> None:
    _, obligations, records = drawn
    assert rank([], obligations, records) == 0


@given(assessments(), st.sampled_from(["waiver", "action", "owner", "due"]))
@settings(max_examples=300, deadline=None)
def test_removing_a_waiver_or_a_part_of_a_plan_makes_nothing_better(drawn: Any, part: str) -> None:
    findings, obligations, records = drawn
    before = rank(*drawn)
    for i, f in enumerate(findings):
        without = [*findings[:i], f.model_copy(update={part: None}), *findings[i + 1 :]]
        assert rank(without, obligations, records) <= before


@given(assessments(), st.sampled_from(["missing", "failed", "altered", "stale", "other_model"]))
@settings(max_examples=300, deadline=None)
def test_losing_an_earlier_record_makes_nothing_better(drawn: Any, status: str) -> None:
    findings, obligations, records = drawn
    before = rank(*drawn)
    for i, u in enumerate(records):
        lost = Upstream(stage=u.stage, use=u.use, status=status)
        assert rank(findings, obligations, [*records[:i], lost, *records[i + 1 :]]) <= before


@given(assessments(), st.sampled_from(["not_assessed", "inconclusive", "not_met"]))
@settings(max_examples=300, deadline=None)
def test_a_weaker_status_makes_nothing_better(drawn: Any, weaker: str) -> None:
    findings, obligations, records = drawn
    before = rank(*drawn)
    for i, f in enumerate(findings):
        if f.status == "met":
            changed = [*findings[:i], f.model_copy(update={"status": weaker}), *findings[i + 1 :]]
            assert rank(changed, obligations, records) <= before


@given(assessments(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_findings_changes_no_verdict(drawn: Any, random: Any) -> None:
    findings, obligations, records = drawn
    shuffled = findings[:]
    random.shuffle(shuffled)
    assert recommend(shuffled, obligations, records, AS_OF).verdict == recommend(*drawn, AS_OF).verdict


@pytest.mark.parametrize("status", ["ok", "missing", "failed", "altered", "stale", "other_model"])
def test_an_earlier_record_that_is_only_read_neither_blocks_nor_counts_as_missing(status: str) -> None:
    found = recommend([finding()], obliged(duty()), [upstream(status, "reject", use="read")], AS_OF)
    assert (found.verdict, found.missing, found.blocking) == ("approve", [], [])


# --- what people did with earlier records -------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["returned", "withdrawn", "superseded", "unreadable"])
@pytest.mark.parametrize("use", ["gate", "level"])
def test_an_earlier_record_that_people_took_back_carries_nothing(state: str, use: str) -> None:
    earlier = upstream(review=state, use=use)
    assert verdict([finding()], records=[earlier]) == "undetermined"
    assert earlier.stage in recommend([finding()], obliged(duty()), [earlier], AS_OF).missing


@pytest.mark.parametrize("state", [None, "draft", "submitted", "decided"])
def test_an_earlier_record_that_waits_for_people_counts_as_it_stands(state: str | None) -> None:
    assert verdict([finding()], records=[upstream(review=state)]) == "approve"


def test_a_rejection_by_people_blocks_and_is_said() -> None:
    found = recommend([finding()], obliged(duty()), [upstream(review="decided", decision="reject")], AS_OF)
    assert (found.verdict, found.blocking) == ("reject", ["bias_testing"])
    assert found.reason == "It rests on the bias testing (recommendation approve; people decided reject)."


@pytest.mark.parametrize("kit", ["reject", "undetermined", "approve_with_conditions"])
def test_a_decision_better_than_its_recommendation_lifts_nothing(kit: str) -> None:
    assert verdict([finding()], records=[upstream(recommendation=kit, review="decided", decision="approve")]) == kit


def test_conditions_that_people_set_condition_what_rests_on_them() -> None:
    earlier = upstream(review="decided", decision="approve_with_conditions")
    assert verdict([finding()], records=[earlier]) == "approve_with_conditions"


# --- the reason in one sentence -----------------------------------------------------------------------------------

TOLD = "(share of customers 0.87, 95% interval 0.78 to 0.92, the policy's limit 0.9)"


def why(*findings: Finding, records: Sequence[Upstream] = (), if_not_met: str = "block", **more: Any) -> str:
    duties = [duty(r, needs=(), if_not_met=if_not_met) for r in dict.fromkeys(f.requirement for f in findings)]
    return recommend(findings, obliged(*duties).model_copy(update=more), records, AS_OF).reason


def test_the_reason_of_a_rejection_holds_value_interval_and_limit() -> None:
    assert why(finding("not_met", **SHARE)) == f"“AI use is disclosed to customers” is not met: P1.1 is not_met {TOLD}."


def test_the_reason_names_what_weighs_most_and_no_id_and_no_count_of_more() -> None:
    rows = [
        finding("not_met"),
        finding("not_met", name="y", **SHARE),
        finding("not_met", name="z", **SHARE | {"value": 0.5}),
        finding("inconclusive", requirement="P1.2"),
    ]
    told = "share of customers 0.50, 95% interval 0.78 to 0.92, the policy's limit 0.9"
    assert why(*rows) == f"“AI use is disclosed to customers” is not met: P1.1 is not_met ({told})."


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("Not assessed: it awaits the table training_sample.", "it awaits the table training_sample."),
        ("3 are late. Half took a day.", "3 are late."),
        ("Ask Dr. Ruiz about it. Then go on.", "Ask Dr. Ruiz about it."),
        ("The answer to “Is it so?” is: No", "The answer to “Is it so?” is: No."),
        ("100% of it. More.", "100% of it."),
    ],
)
def test_the_reason_is_one_sentence(statement: str, told: str) -> None:
    one = finding("not_assessed").model_copy(update={"statement": statement})
    assert why(one) == f"“AI use is disclosed to customers” is not assessed: {told}"


def test_earlier_records_that_are_the_cause_come_first_and_alone_where_nothing_can_be_told() -> None:
    stages = ("impact_analysis", "design_review", "bias_testing")
    records = [upstream("other_model", "reject", stage=s) for s in stages]
    told = "its record names another kind or version of the model, or one of the two names no version"
    said = why(finding("not_assessed"), records=records)
    assert said == f"It rests on the impact analysis, the design review and the bias testing (each: {told})."
    records[1] = upstream("missing", None, stage="design_review")
    assert why(finding("not_assessed"), records=records) == (
        f"It rests on the impact analysis and the bias testing (each: {told}); the design review (there is no record)."
    )


def test_a_rejection_before_and_one_here_are_both_told() -> None:
    said = why(finding("not_met", **SHARE), records=[upstream(recommendation="reject")])
    rest = f"“AI use is disclosed to customers” is not met: P1.1 is not_met {TOLD}."
    assert said == f"It rests on the bias testing (recommendation reject); {rest}"


def test_conditions_are_told_with_the_first_and_what_they_have_in_common() -> None:
    assert why(finding("not_met", **SHARE, **PLAN), if_not_met="condition") == (
        f"“AI use is disclosed to customers” is not met: P1.1 is not_met {TOLD}; "
        "whatever is not met has an action with an owner and a date, or a waiver."
    )


def test_a_policy_without_approval_and_a_short_questionnaire_are_told() -> None:
    assert why(finding(), policy_approved=False) == "Nobody has approved the policy."
    assert why(finding(), preliminary=True).startswith("Only the short questionnaire was asked")
    both = why(finding("inconclusive"), policy_approved=False)
    told = "“AI use is disclosed to customers” is inconclusive: P1.1 is inconclusive."
    assert both == f"Nobody has approved the policy; {told}"


def test_a_requirement_without_any_finding_is_named() -> None:
    found = recommend([], obliged(duty()), [], AS_OF)
    assert found.reason == "There is no finding on “AI use is disclosed to customers”."


def test_a_requirement_that_no_catalogue_knows_is_named_by_its_id() -> None:
    assert why(finding("not_met", requirement="P9.9")) == "“P9.9” is not met: P9.9 is not_met."


@given(assessments())
@settings(max_examples=200, deadline=None)
def test_every_reason_is_a_sentence(drawn: Any) -> None:
    reason = recommend(*drawn, AS_OF).reason
    assert reason.endswith(".")
    assert not reason.endswith("..")
    assert reason[0].isupper() or reason[0] == "“"
    assert "more)" not in reason


def test_worst_first_is_by_status_then_what_blocks_is_not_waived_is_measured_and_lies_furthest_from_its_limit() -> None:
    far, near = SHARE | {"value": 0.2}, SHARE
    days = SHARE | {"value": 60, "threshold": 30, "unit": "days"}
    in_order = [
        finding("not_met", name="blocks"),
        finding("not_met", name="days", **days),
        finding("not_met", name="far", **far),
        finding("not_met", name="near", **near),
        finding("not_met", name="no_limit", **SHARE | {"threshold": None}),
        finding("not_met", name="no_interval", **SHARE | {"interval": None}),
        finding("not_met", name="stated"),
        finding("not_met", name="waived", waiver=waiver(), **SHARE),
        finding("not_assessed", name="open"),
        finding("inconclusive", name="few", **far),
        finding("met", name="fine", **far),
    ]
    assert [f.id for f in worst_first(in_order[::-1], ["P1.1.blocks"])] == [f.id for f in in_order]


@given(st.text(st.characters(codec="utf-8"), max_size=3 * BRIEF))
def test_a_long_statement_is_cut_and_what_is_left_out_is_counted(text: str) -> None:
    shown = brief(text)
    if len(text) <= BRIEF:
        assert shown == text
        return
    kept, _, left = shown.rpartition(" … (words left out: ")
    assert len(kept) <= BRIEF
    assert text.startswith(kept)
    assert int(left.removesuffix(")")) == len(text[len(kept) :].split())


def test_a_reason_is_one_short_sentence_whatever_a_statement_holds() -> None:
    long = finding("not_met", **SHARE).model_copy(update={"statement": "word " * 1000 + "end"})
    reason = recommend([long], obliged(duty()), [], AS_OF).reason
    assert reason.count("word ") == BRIEF // 5
    assert f"… (words left out: {1001 - BRIEF // 5}) (" in reason
    assert len(reason) < 2 * BRIEF
