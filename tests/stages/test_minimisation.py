"""P3.1 and C1.2: what is collected and not used, and what is used and adds nothing."""

import pytest

from ethics_kit.measures.models import Model
from ethics_kit.stages.design_review import minimisation
from ethics_kit.stages.design_review.minimisation import contributions, unused_columns
from tests.stages.listed_columns import DETAILS, SAMPLE, every_column, extract

WHY = {"shoe_size": "Boots for the visit to the mast."}


def unused(case):
    outcome = unused_columns(case)
    return outcome.findings[0], outcome.tables


def listed(case, **details):
    """Every column for the system's purpose, and the shoe size with `details`."""
    columns = every_column(case.dossier)
    columns["customers"] = [c for c in columns["customers"] if c != "shoe_size"]
    return [DETAILS | {"columns": columns}, DETAILS | {"columns": {"customers": ["shoe_size"]}} | details]


def drop(case):
    outcome = contributions(case)
    return outcome.findings[0], {row[0]: row for table in outcome.tables for row in table.rows}


def minimum(value):
    return {"privacy": {"contribution_min": {"value": value, "rationale": "A test.", "source": "This test."}}}


# --- collected and not used ------------------------------------------------------------------------------------


def test_a_column_for_the_system_s_purpose_that_nothing_reads_is_named(inventoried):
    case = inventoried()
    found, (table,) = unused(case)
    total = sum(len(columns) for columns in every_column(case.dossier).values())
    assert (found.status, found.n, found.value) == ("not_met", total, pytest.approx((total - 1) / total))
    assert found.statement.endswith("collected and not used: customers.shoe_size.")
    assert table.rows == [["customers", "shoe_size", "ordinary", None]]


@pytest.mark.parametrize(("said", "status"), [({"purpose": "work safety"}, "met"), ({"purpose": "TBD"}, "not_met")])
def test_a_column_that_serves_another_stated_purpose_is_not_idle(inventoried, said, status):
    found, (table,) = unused(inventoried(listed(inventoried(), **said)))
    assert found.status == status
    assert table.rows[0][3] == ("listed for work safety" if status == "met" else None)


def test_a_column_that_nobody_listed_is_idle_too(inventoried):
    rows = listed(inventoried())[:1]
    found, (table,) = unused(inventoried(rows))
    assert found.status == "not_met"
    assert table.rows == [["customers", "shoe_size", "not listed", None]]


def test_a_reason_in_system_yaml_explains_a_column(inventoried):
    found, (table,) = unused(inventoried(system={"not_attributes": WHY}))
    assert found.status == "met"
    assert table.rows[0][3] == WHY["shoe_size"]
    found, _ = unused(inventoried(system={"not_attributes": {"shoe_size": "TODO"}}))
    assert found.status == "not_met"


def test_without_inventory_or_purposes_nothing_is_called_used(inventoried):
    assert unused(inventoried([]))[0].status == "not_assessed"
    assert unused(inventoried(system={"lawful_bases": []}))[0].status == "not_assessed"


def test_a_purpose_that_nobody_named_does_not_count_as_another_one(inventoried):
    bases = inventoried().dossier.system.model_dump()["lawful_bases"]
    found, _ = unused(inventoried(system={"lawful_bases": [bases[0] | {"purpose": "billing"}]}))
    assert found.status == "not_assessed"


# --- used and adding nothing -----------------------------------------------------------------------------------


def test_a_column_that_adds_less_than_the_policy_asks_is_proposed_with_its_cost(inventoried):
    found, rows = drop(inventoried(policy=minimum(0.05)))
    assert (found.status, found.value, found.n) == ("not_met", 1, SAMPLE // 2)
    assert (
        "1 of 2 columns add at least 0.05 to the AUC; proposed for removal: luck, which together add" in found.statement
    )
    assert (rows["usage"][5], rows["luck"][5]) == ("adds", "drop")
    assert "no model is given" in found.method


def test_where_every_column_adds_enough_it_is_met(inventoried):
    features = {"usage": {"column": "usage", "training": "usage"}}
    found, _ = drop(inventoried(system={"features": features}))
    assert (found.status, found.value) == ("met", 0)


def test_what_the_rows_do_not_settle_is_inconclusive_and_says_how_many_would(inventoried):
    found, rows = drop(inventoried(policy=minimum(0.0001)))
    assert found.status == "inconclusive"
    assert rows["luck"][5] == "not settled"
    assert "not settled: luck (about " in found.statement
    assert "held-out rows would be enough)" in found.statement


def test_the_most_sensitive_columns_come_first_and_unlisted_ones_before_all(inventoried):
    rows = [
        DETAILS | {"columns": {"training_sample": ["usage"]}, "category": "contact"},
        DETAILS | {"columns": {"training_sample": ["luck", "usage"]}},
    ]
    assert [row[:2] for row in drop(inventoried(rows))[1].values()] == [["usage", "contact"], ["luck", "ordinary"]]
    assert [row[:2] for row in drop(inventoried(rows[:1]))[1].values()] == [
        ["luck", "not listed"],
        ["usage", "contact"],
    ]


@pytest.mark.parametrize(
    ("system", "awaits"),
    [
        ({"features": {}}, "the columns of features in the training sample"),
        ({"features": {"usage": {"column": "usage"}}}, "the columns of usage in the training sample"),
        ({"outcome": {"positive": ["gone"]}}, "of each outcome"),
    ],
)
def test_what_is_missing_is_named(inventoried, system, awaits):
    if "outcome" in system:  # no label is `gone`, and a plain yes would be a label of its own
        system = {"outcome": {"positive": ["no", "gone", "yes"]}}
    found, _ = drop(inventoried(system=system))
    assert found.status == "not_assessed"
    assert awaits in found.statement


def test_a_sample_without_a_split_is_not_judged(inventoried):
    tables = inventoried().dossier.system.model_dump()["tables"]
    del tables["training_sample"]["columns"]["split"]
    found, _ = drop(inventoried(system={"tables": tables}))
    assert (found.status, "the column for split" in found.statement) == ("not_assessed", True)


def test_a_plain_yes_labels_a_sample_whose_outcome_has_other_words(inventoried):
    found, _ = drop(inventoried(system={"outcome": {"positive": ["cancelled"]}}, policy=minimum(0.05)))
    assert found.status == "not_met"


def test_a_model_that_cannot_be_read_is_waited_for(inventoried, monkeypatch):
    monkeypatch.setattr(minimisation, "model_of", lambda _: "a file that is no model")
    found, _ = drop(inventoried())
    assert found.status == "not_assessed"
    assert "a file that is no model" in found.statement


def test_the_model_s_own_columns_are_shuffled_and_one_that_it_lacks_is_waited_for(inventoried, monkeypatch):
    def model(*columns):
        return Model(columns, "probability", "yes", (), lambda data: -data["usage"])

    monkeypatch.setattr(minimisation, "model_of", lambda _: model("usage", "luck"))
    found, rows = drop(inventoried(policy=minimum(0.05)))
    assert (rows["usage"][5], rows["luck"][2:]) == ("adds", [0.0, 0.0, 0.0, "drop"])
    assert "the model, each column shuffled" in found.method
    monkeypatch.setattr(minimisation, "model_of", lambda _: model("usage", "mood"))
    assert "no column mood" in drop(inventoried())[0].statement


def test_a_model_whose_scores_fall_where_the_outcome_is_more_likely_is_not_judged(inventoried, monkeypatch):
    model = Model(("usage", "luck"), "probability", "no", (), lambda data: data["usage"])
    monkeypatch.setattr(minimisation, "model_of", lambda _: model)
    found, _ = drop(inventoried())
    assert found.status == "not_assessed"
    assert "scores that fall where the outcome is more likely" in found.statement


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_that_falls_with_the_outcome_adds_as_much_as_one_that_rises(inventoried, monkeypatch, sign):
    model = Model(("usage", "luck"), "value", None, (), lambda data: sign * data["usage"])
    monkeypatch.setattr(minimisation, "model_of", lambda _: model)
    _, rows = drop(inventoried())
    assert rows["usage"][2] > 0.1
    assert rows["luck"][2:4] == [0.0, 0.0]


def test_a_column_that_is_handed_on_is_used(inventoried):
    found, (table,) = unused(inventoried(system=extract()))
    assert found.status == "met"
    assert table.rows[0][3] == "handed on in weekly"
