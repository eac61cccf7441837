"""P2.4 on small projects: whom the training sample holds too little of, and what is said where nothing can be."""

import csv
from datetime import date

import pytest

from ethics_kit import dossier as dossiers
from ethics_kit import duties
from ethics_kit.project import Project
from ethics_kit.stages import design_review
from ethics_kit.stages.case import Case

SAMPLE = {"source": "data/training_sample.csv", "columns": {"customer": "customer", "split": "split"}}
FEMALE, MALE = 800, 1200


def people(root, *, n=FEMALE + MALE, gender=lambda i: "female" if i < FEMALE else "male", plan=lambda _: "basic"):
    path = root / "parameters/demo/data/customers.csv"
    header = ["customer_id", "gender", "age_band", "language", "plan", "region", "since"]
    rows = [
        [f"c{i:04d}", gender(i), "18-34" if i % 2 else "60+", "en", plan(i), "north", "2020-01-01"] for i in range(n)
    ]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def learnt(project, ids, *, splits="train", rows=None, **changes):
    """A project whose training sample holds these customers' numbers."""
    system = changes.pop("system", {})
    root = project(system={**system, "tables": {"training_sample": SAMPLE} | system.get("tables", {})}, **changes)
    people(root, **(rows or {}))
    path = root / "parameters/demo/data/training_sample.csv"
    with path.open("w", newline="") as file:
        body = [[f"c{i:04d}", splits if isinstance(splits, str) else splits(i)] for i in ids]
        csv.writer(file).writerows([["customer", "split"], *body])
    return root


def assess(root, *, level="II"):
    dossier = dossiers.load(Project(root), root / "parameters/demo", tables=False)
    case = Case(dossier, "design_review", date(2026, 11, 1), root / "reports")
    vars(case)["level"] = duties.UNKNOWN.model_copy(update={"holds": level})
    outcome = design_review.training_representation(case)
    found = {f.id.removeprefix("P2.4.").removesuffix(".training_representation"): f for f in outcome.findings}
    return found, {t.id: t for t in outcome.tables}, outcome.figures


EVEN = [*range(0, FEMALE, 2), *range(FEMALE, FEMALE + MALE, 2)]
SHORT = [*range(0, FEMALE, 8), *range(FEMALE, FEMALE + MALE, 2)]


def test_shares_as_among_customers_are_met_and_a_group_short_of_its_share_is_named(project):
    findings, _, figures = assess(learnt(project, EVEN))
    assert (findings["gender"].status, findings["gender"].value) == ("met", 1.0)
    findings, tables, figures = assess(learnt(project, SHORT))
    short = findings["gender"]
    assert (short.status, short.n) == ("not_met", 700)
    assert short.value == pytest.approx(100 / 700 / 0.4)
    assert short.interval.low < short.value < short.interval.high < short.threshold == 0.8
    assert "female are 14.3% of the sample and 40.0% of customers" in short.statement
    assert tables["P2.4.gender.representation"].rows[0][:3] == ["female", 100, 800]
    assert "too little of gender = female" in figures[0].alt


def test_a_customer_counts_once_and_rows_kept_for_judging_do_not(project):
    repeated = learnt(
        project, [*EVEN, *range(FEMALE)] * 2, splits=lambda i: "test" if i < FEMALE and i % 2 else "train"
    )
    findings, _, _ = assess(repeated)
    assert (findings["gender"].n, findings["gender"].value) == (1000, 1.0)


def test_a_group_that_is_absent_is_named_even_where_too_small_to_judge(project):
    few = {"gender": lambda i: "other" if i < 20 else "male" if i % 2 else "female"}
    findings, _, _ = assess(learnt(project, range(20, 1020), rows=few))
    assert findings["gender"].status == "inconclusive"
    assert "absent from the training sample: other" in findings["gender"].statement
    assert "1,000" not in findings["gender"].statement
    assert "customers" in findings["gender"].action


def test_a_small_cell_is_withheld(project):
    few = {"gender": lambda i: "other" if i < 40 else "male" if i % 2 else "female"}
    findings, tables, figures = assess(learnt(project, range(35, 1035), rows=few))
    table = tables["P2.4.gender.representation"]
    assert table.hidden == 2
    assert next(row for row in table.rows if row[0] == "other")[1:11] == [None] * 10
    assert (findings["gender"].value, findings["gender"].null_reason) == (None, "small cell, withheld")
    assert "other" not in figures[0].alt


def test_a_segment_is_shown_and_evidences_nothing(project):
    rows = {"plan": lambda i: "plus" if i < FEMALE else "basic"}
    findings, tables, _ = assess(learnt(project, SHORT, rows=rows))
    assert "plan" not in findings
    assert "no evidence on people" in tables["P2.4.plan.representation"].note
    assert tables["P2.4.plan.representation"].rows[1][-1] == "disparity"


def test_what_is_unknown_is_said_and_too_much_of_it_settles_nothing(project):
    rows = {"gender": lambda i: "" if i < 400 else "female" if i % 2 else "male"}
    _, tables, _ = assess(learnt(project, EVEN, rows=rows))
    assert "200 of 1000 (20.0%) of the sample, 400 of 2000 (20.0%) of customers" in (
        tables["P2.4.gender.representation"].note
    )
    strangers = learnt(project, [*range(500), *range(5000, 5400)])
    finding = assess(strangers)[0]["gender"]
    assert finding.status == "not_assessed"
    assert "400 of 900 (44.4%) of the training sample have none known" in finding.statement


def test_an_attribute_with_one_group_shows_nothing(project):
    findings, _, _ = assess(learnt(project, EVEN))
    assert findings["language"].status == "not_assessed"
    assert "a second group" in findings["language"].statement


def test_an_attribute_the_policy_names_and_nobody_holds_is_open(project):
    root = learnt(project, EVEN, system={"attributes": {"age_band": ...}})
    assert assess(root)[0]["age_band"].status == "not_assessed"
    root = learnt(project, EVEN, system={"attributes": {"age_band": {"class": "segment"}}})
    assert assess(root)[0]["age_band"].status == "not_assessed"


def test_customers_ids_are_needed(project):
    table = SAMPLE | {"columns": {"split": "split"}}
    findings, _, _ = assess(learnt(project, EVEN, system={"tables": {"training_sample": table}}))
    (finding,) = findings.values()
    assert (finding.status, "the column for customer" in finding.statement) == ("not_assessed", True)


ASKED = {"what": "A sample of the training data", "about": "training_data", "asked_on": date(2026, 2, 1)}


@pytest.mark.parametrize(
    ("answer", "reason", "told"),
    [
        (
            {"answer": "refused", "answered_on": date(2026, 3, 1)},
            "supplier refused",
            "Optivane refused it on 2026-03-01",
        ),
        ({"answer": "pending"}, "supplier has not answered", "Optivane has not answered"),
        ({"answer": "refused", "answered_on": date(2026, 12, 1)}, "supplier has not answered", "has not answered"),
        ({"answer": "received", "answered_on": date(2026, 3, 1)}, "awaits the table", "sent on 2026-03-01"),
    ],
)
def test_a_suppliers_answer_is_a_reason_of_its_own(project, answer, reason, told):
    root = project(system={"supplier": {"name": "Optivane", "requests": [ASKED | answer]}})
    (finding,) = assess(root)[0].values()
    assert (finding.status, finding.null_reason.startswith(reason)) == ("not_assessed", True)
    assert told in finding.statement


@pytest.mark.parametrize(("kind", "count"), [("scored", 1), ("rules", 0), ("generative", 0)])
def test_a_sample_is_missed_only_where_one_is_owed(project, kind, count):
    dossier = dossiers.load(Project(root := project()), root / "parameters/demo", tables=False)
    system = dossier.system.model_copy(update={"kind": kind})
    case = Case(dossier, "design_review", date(2026, 11, 1), root / "reports")
    object.__setattr__(dossier, "system", system)
    assert len(design_review.training_representation(case).findings) == count
