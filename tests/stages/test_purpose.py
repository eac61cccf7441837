"""C1.1: a column counts as allowed only where the inventory lists it for the very purpose it is used for."""

from datetime import date

import pytest

from ethics_kit.measures.models import Model
from ethics_kit.stages.design_review import purpose, uses
from ethics_kit.stages.design_review.purpose import purpose_limitation
from tests.stages.listed_columns import DETAILS, extract

DECIDED = {"decisions": ["score", "flagged", "called", "reason", "usage", "luck"]}
LEARNT = {"training_sample": ["left", "usage", "luck"]}
GROUPED = {"customers": ["gender", "age_band", "language", "plan"]}
ALL = [
    DETAILS | {"columns": DECIDED},
    DETAILS | {"columns": LEARNT, "purpose": "training"},
    DETAILS | {"columns": GROUPED, "purpose": "bias tests"},
]
BASIS = {"basis": "contract", "by": "Bea Basis", "approved_by": "Abe Approver", "on": date(2026, 1, 2)}


def assess(case):
    outcome = purpose_limitation(case)
    return {f.id.removeprefix("C1.1."): f for f in outcome.findings}, outcome.tables


def test_columns_listed_for_what_they_serve_are_met(inventoried):
    found, tables = assess(inventoried(ALL))
    assert {name: (f.status, f.n) for name, f in found.items()} == {
        "retention.columns_allowed": ("met", 6),
        "training_columns_listed": ("met", 3),
        "group_columns_listed": ("met", 4),
    }
    assert not tables


def test_a_column_listed_for_another_purpose_only_is_named_apart_from_one_that_nobody_listed(inventoried):
    rows = [
        DETAILS | {"columns": {"decisions": ["score", "flagged", "called", "reason"]}},
        DETAILS | {"columns": {"decisions": ["usage"]}, "purpose": "billing", "category": "behavioural"},
        *ALL[1:],
    ]
    found, (table,) = assess(inventoried(rows))
    allowed = found["retention.columns_allowed"]
    assert (allowed.status, allowed.value) == ("not_met", pytest.approx(4 / 6))
    assert "for other purposes only: decisions.usage; not listed at all: decisions.luck." in allowed.statement
    assert table.rows == [
        ["retention", "decisions", "luck", "not listed", "not said"],
        ["retention", "decisions", "usage", "billing", "behavioural"],
    ]


def test_each_purpose_needs_its_own_listing_from_the_day_it_was_decided(inventoried):
    bases = [BASIS | {"purpose": "retention"}, BASIS | {"purpose": "Price terms", "on": date(2026, 8, 1)}]
    found, _ = assess(inventoried(ALL, system={"lawful_bases": bases}))
    assert found["Price_terms_ac30a8.columns_allowed"].status == "not_met"
    assert found["retention.columns_allowed"].status == "met"
    found, _ = assess(inventoried(ALL, system={"lawful_bases": bases}, as_of=date(2026, 7, 31), kept_on=BASIS["on"]))
    assert "Price_terms_ac30a8.columns_allowed" not in found


def test_without_inventory_or_purposes_nothing_is_judged(inventoried):
    found, _ = assess(inventoried([]))
    assert {name: f.status for name, f in found.items()} == {"columns_allowed": "not_assessed"}
    found, _ = assess(inventoried(ALL, system={"lawful_bases": []}))
    assert "lawful_bases in system.yaml" in found["purposes_named"].statement


def test_a_purpose_that_only_the_events_name_stays_open(inventoried):
    found, _ = assess(inventoried(ALL, system={"lawful_bases": [BASIS | {"purpose": "billing"}]}))
    assert found["purposes_named"].status == "not_assessed"
    assert "400 events" in found["purposes_named"].statement


def test_what_a_system_goes_by_has_to_be_known(inventoried):
    found, _ = assess(inventoried(ALL, system={"features": {}}))
    assert found["inputs_known"].status == "not_assessed"


def test_what_the_model_reads_counts_whether_system_yaml_names_it_or_not(inventoried, monkeypatch):
    model = Model(("usage", "age_band", "mood"), "probability", "yes", (), lambda data: data)
    monkeypatch.setattr(uses, "model_of", lambda _: model)
    found, _ = assess(inventoried(ALL))
    told = found["retention.columns_allowed"].statement
    assert "for other purposes only: customers.age_band; not listed at all: model.mood." in told
    assert "not: training_sample.age_band, training_sample.mood." in found["training_columns_listed"].statement


def test_a_model_that_cannot_be_read_leaves_the_inputs_unknown(inventoried, monkeypatch):
    monkeypatch.setattr(uses, "model_of", lambda _: "a file that is no model")
    found, _ = assess(inventoried(ALL))
    assert "a file that is no model" in found["inputs_known"].statement


@pytest.mark.parametrize("unsaid", [..., "TBD"])
def test_training_and_tests_need_a_purpose_too(inventoried, unsaid):
    rows = [ALL[0], *(row | {"purpose": unsaid} for row in ALL[1:])]
    found, _ = assess(inventoried(rows))
    assert found["training_columns_listed"].status == found["group_columns_listed"].status == "not_met"


def test_a_training_sample_that_is_not_there_is_not_passed_over(inventoried):
    case = inventoried(ALL)
    tables = {n: t for n, t in case.dossier.system.model_dump()["tables"].items() if n != "training_sample"}
    found, _ = assess(inventoried(ALL[::2], system={"tables": tables}))
    assert found["training_columns_listed"].status == "not_assessed"


@pytest.mark.parametrize(("condition", "status"), [(..., "not_assessed"), ("n/a", "not_assessed"), ("consent", "met")])
def test_data_of_a_special_category_needs_the_condition_that_allows_it(inventoried, condition, status):
    rows = [*ALL, DETAILS | {"other": ["letters"], "category": "special", "allowed_by": condition}]
    found, _ = assess(inventoried(rows))
    assert found["special_categories_allowed"].status == status


def test_data_of_a_special_category_for_another_purpose_is_not_the_system_s(inventoried):
    rows = [*ALL, DETAILS | {"other": ["letters"], "category": "special", "purpose": "complaints"}]
    assert "special_categories_allowed" not in assess(inventoried(rows))[0]


def test_purposes_that_an_id_cannot_hold_are_told_apart():
    assert purpose.in_id("renewal_terms") == "renewal_terms"
    assert len({purpose.in_id(text) for text in ("A b", "A-b", "услуги", "данные")}) == 4


def test_without_a_table_of_events_the_decision_s_columns_are_not_known(inventoried):
    found, _ = assess(inventoried(ALL[1:], system={"tables": {}, "features": {}, "attributes": {}}))
    assert found["decision_columns_known"].status == found["retention.columns_allowed"].status == "not_assessed"


def test_an_extract_s_columns_have_to_be_listed_for_its_own_purpose(inventoried):
    customers = ["customer_id", "region", "since", "gender", "age_band", "language"]
    rows = [*ALL, DETAILS | {"columns": {"customers": customers}}]
    other = {"plan": "The same for all."}
    found, _ = assess(inventoried(rows, system=extract(other=other)))
    handed_on = found["extract_weekly.columns_allowed"]
    assert (handed_on.status, handed_on.n) == ("not_met", 7)
    assert handed_on.statement.endswith("“retention”; not: weekly.shoe_size.")
    found, _ = assess(inventoried(rows, system=extract(other=other | {"shoe_size": "Of a shop's dummy."})))
    assert found["extract_weekly.columns_allowed"].status == "met"
    found, _ = assess(inventoried(rows, system=extract(purpose="Research")))
    assert found["extract_weekly.columns_allowed"].value == 0
