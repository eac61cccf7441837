"""S3.2: the privacy assessment held against the threshold test before it, the numbers beside it, and what remains."""

from copy import deepcopy
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pytest

from ethics_kit import schema
from ethics_kit.record import Finding, Upstream
from ethics_kit.stages.bias_testing import privacy_impact_assessment
from ethics_kit.stages.case import Case, Outcome
from tests.stages.planted_rows import AS_OF, case_of, line

RISK = {
    "risk": "People who withdrew consent are called all the same.",
    "draws_on": ["P3.2"],
    "inherent": {"likelihood": 4, "severity": 3},
    "measures": ["Consents are read before each list"],
    "in_place": date(2026, 8, 31),
    "residual": {"likelihood": 2, "severity": 3},
    "owner": "Olu Owner",
}
WHOLE = {
    "necessity": "Without a ranking the desk would call at random.",
    "advice": "Calls stop when consent is withdrawn; done.",
    "advised_by": "Ada Adviser",
    "views": "A panel of 14 fears calls after a no.",
    "by": "Ada Adviser",
    "on": date(2026, 9, 18),
    "risks": [RISK],
}


def measured(requirement, status, name="x", **more):
    found = {"statement": f"{name} is {status}.", "value": 1, "evidence": "measured"} | more
    return Finding(id=f"{requirement}.{name}", requirement=requirement, status=status, **found)


DUE = measured("S3.2", "met", "dpia_threshold", value=4, n=9, threshold=2)
NOT_DUE = measured("S3.2", "met", "dpia_threshold", value=1, n=9, threshold=2)
REVIEW = [measured("P3.2", "not_met"), measured("P3.4", "met"), measured("C1.3", "not_applicable", value=0)]


LOADED = []
"""The dossier, read once: most of a test's time would go into writing and reading it again."""


@pytest.fixture
def assess(project, tmp_path):
    """The step's findings and tables, with these findings in the records before it (None: no record)."""
    if not LOADED:
        LOADED.append(case_of(project(bias_testing={"privacy_assessment": deepcopy(WHOLE)})).dossier)

    def assess(assessment=WHOLE, *, impact=(DUE,), review=REVIEW, kind="rules", extracts=()):
        stage = schema.BiasTesting.model_validate({"privacy_assessment": assessment})
        assert assessment != WHOLE or stage.privacy_assessment == LOADED[0].stages["bias_testing"].privacy_assessment
        dossier = replace(
            LOADED[0],
            stages={**LOADED[0].stages, "bias_testing": stage},
            system=LOADED[0].system.model_copy(update={"kind": kind}),
        )
        case = Case(dossier, "bias_testing", AS_OF, tmp_path)
        case.taken["extract_anonymity"] = Outcome(tuple(extracts))
        case.__dict__["_upstream"] = [
            (
                Upstream(stage=name, use="read", status="missing" if findings is None else "ok"),
                findings
                and SimpleNamespace(findings=list(findings), as_of=date(2026, 10, 1), record_id="0123456789abcdef"),
            )
            for name, findings in (("impact_analysis", impact), ("design_review", review))
        ]
        outcome = privacy_impact_assessment(case)
        return {f.id.removeprefix("S3.2."): f for f in outcome.findings}, {t.id: t for t in outcome.tables}

    return assess


def with_risk(**changes):
    return WHOLE | {"risks": [RISK | changes]}


def test_a_whole_assessment_that_draws_on_what_fell_short_is_met(assess):
    found, tables = assess()
    assert {name: f.status for name, f in found.items()} == {
        "privacy_assessment": "met",
        "privacy_numbers": "met",
        "privacy_residual_score": "met",
    }
    assert (found["privacy_residual_score"].value, found["privacy_assessment"].n) == (6, 10)
    assert line(tables["S3.2.privacy_risks"], RISK["risk"])[0] == "P3.2 not met"
    assert line(tables["S3.2.privacy_numbers"], "P3.2") == ["not met", "P3.2.x", "x is not_met.", 1]
    assert "design review as of 2026-10-01, record 0123456789ab" in tables["S3.2.privacy_numbers"].note


def test_where_none_is_due_its_absence_is_met(assess):
    found, _ = assess(None, impact=[NOT_DUE])
    assert [(f.id, f.status, f.value) for f in found.values()] == [("S3.2.privacy_assessment", "met", 1)]


@pytest.mark.parametrize(
    ("impact", "awaited"),
    [
        ([DUE], "the privacy assessment (privacy_assessment in bias_testing.yaml)"),
        ([measured("S3.2", "not_assessed", "dpia_threshold", value=1, n=9, threshold=2)], "the privacy assessment"),
        ([], "the impact analysis"),
        (None, "the impact analysis"),
    ],
)
def test_without_an_assessment_or_a_test_whether_one_is_due_nothing_is_assessed(assess, impact, awaited):
    found, _ = assess(None, impact=impact)
    assert [f.status for f in found.values()] == ["not_assessed"]
    assert awaited in found["privacy_assessment"].statement


@pytest.mark.parametrize(("on", "word"), [(date(2025, 10, 31), "last 12 months"), (date(2026, 11, 2), "as it was on")])
def test_an_assessment_that_is_old_or_of_a_later_day_does_not_count(assess, on, word):
    found, _ = assess(WHOLE | {"on": on})
    assert [f.status for f in found.values()] == ["not_assessed"]
    assert word in found["privacy_assessment"].statement


def test_each_part_that_is_not_stated_is_named(assess):
    bare = {"by": "Ada Adviser", "on": date(2026, 9, 18), "necessity": "TODO", "advice": "Go on.", "risks": []}
    found, _ = assess(bare)
    whole = found["privacy_assessment"]
    assert (whole.status, whole.value, whole.n) == ("not_met", 0, 4)
    for part in ("necessary", "data protection officer's advice", "views of the people", "a risk to people"):
        assert part in whole.statement
    assert found["privacy_residual_score"].status == "not_assessed"


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"measures": ["TBD"]}, "measures of risk 1"),
        ({"in_place": date(2026, 11, 2)}, "measures in place of risk 1"),
        ({"inherent": None}, "rating before measures of risk 1"),
        ({"owner": None}, "owner of risk 1"),
    ],
)
def test_a_risk_that_is_not_treated_is_named(assess, changes, part):
    found, _ = assess(with_risk(**changes))
    assert found["privacy_assessment"].status == "not_met"
    assert f"missing: {part}." in found["privacy_assessment"].statement


@pytest.mark.parametrize("status", ["not_met", "inconclusive", "not_assessed"])
def test_a_number_that_is_not_shown_to_be_met_has_to_be_drawn_on(assess, status):
    found, _ = assess(review=[*REVIEW, measured("C1.3", status, "y")])
    numbers = found["privacy_numbers"]
    assert (numbers.status, numbers.value, numbers.n) == ("not_met", 1, 2)
    assert "not C1.3" in numbers.statement


def test_what_this_stage_finds_of_membership_has_to_be_drawn_on_too(assess):
    assert "not S3.2" in assess(kind="scored")[0]["privacy_numbers"].statement
    assert assess(with_risk(draws_on=["P3.2", "S3.2"]), kind="scored")[0]["privacy_numbers"].status == "met"


def test_an_extract_that_tells_people_apart_has_to_be_drawn_on_too(assess):
    found, _ = assess(extracts=[measured("P3.3", "not_met", "list.k")])
    assert "not P3.3" in found["privacy_numbers"].statement


def test_a_risk_that_is_only_a_placeholder_is_not_stated(assess):
    found, _ = assess(with_risk(risk="TODO"))
    assert "what could happen of risk 1" in found["privacy_assessment"].statement


def test_without_a_design_review_the_numbers_are_waited_for(assess):
    found, _ = assess(review=None)
    assert found["privacy_numbers"].status == "not_assessed"


@pytest.mark.parametrize(
    ("consulted", "status"), [(None, "not_met"), (date(2026, 11, 2), "not_met"), (date(2026, 9, 1), "met")]
)
def test_a_high_risk_that_remains_asks_for_the_authority_first(assess, consulted, status):
    high = with_risk(residual={"likelihood": 4, "severity": 5}) | {"authority_consulted": consulted}
    found, _ = assess(high)
    assert (found["privacy_residual_score"].status, found["privacy_residual_score"].value) == (status, 20)
