"""Stage 3 where it needs rows: neighbours, models, mitigations, conversations; what was planted is found."""

import math
import pickle
import random
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ethics_kit.stages import bias_testing
from tests.stages.planted_rows import assess, people, planted, write

# --- people alike --------------------------------------------------------------------------------------------------

NEIGHBOURS = "C2.2.gender.neighbour_selection_difference"
CONSISTENT = "C2.2.consistency"


def users(n=600, *, seed=7, decide, **more):
    """`n` customers with a gender and a use from 0 to 100 that have nothing to do with each other."""
    chance = random.Random(seed)
    rows = [{"gender": chance.choice(["female", "male"]), "use": round(chance.uniform(0, 100), 2)} for _ in range(n)]
    return [{**row, "decision": "yes" if decide(row, chance) else "no", **more} for row in rows]


def follows(row, _):
    return row["use"] > 50


def by_gender(row, _):
    return row["gender"] == "male"


def at_random(_, chance):
    return chance.random() < 0.5


USE = {"features": {"use": {"column": "use"}}}


def test_decisions_that_follow_a_feature_are_consistent_and_tell_no_group_apart(project):
    rows = users(1500, decide=follows)
    findings, tables = assess(planted(project, rows, system=USE), bias_testing.individual_fairness)
    assert findings[CONSISTENT].status == "met"
    assert findings[CONSISTENT].value > 0.97
    assert findings[CONSISTENT].n == 1500
    assert findings[NEIGHBOURS].status == "met"
    assert "A seeded sample of 1,500 people." in tables["C2.2.gender.alike"].note


def test_decisions_at_random_are_not_consistent(project):
    findings, _ = assess(planted(project, users(decide=at_random), system=USE), bias_testing.individual_fairness)
    assert findings[CONSISTENT].status == "not_met"
    assert findings[CONSISTENT].value == pytest.approx(0.5, abs=0.06)
    assert "50% would be expected of decisions that ignore the features" in findings[CONSISTENT].statement


def test_the_same_features_and_another_decision_by_group_is_a_disparity_between_neighbours(project):
    findings, tables = assess(planted(project, users(decide=by_gender), system=USE), bias_testing.individual_fairness)
    table = tables["C2.2.gender.alike"]
    assert {row[0]: row[table.columns.index("gap to the rest")] for row in table.rows} == {"female": -1, "male": 1}
    assert (findings[NEIGHBOURS].status, abs(findings[NEIGHBOURS].value)) == ("not_met", 1)


def test_a_gap_that_the_features_explain_is_no_disparity_between_neighbours(project):
    rows = users(1500, decide=follows)
    for row in rows:  # men use more, and what is decided goes by use alone
        row["use"] = round(row["use"] * 0.7 + 30 * (row["gender"] == "male"), 2)
        row["decision"] = "yes" if row["use"] > 50 else "no"
    steps = (bias_testing.demographic_parity, bias_testing.individual_fairness)
    findings, _ = assess(planted(project, rows, system=USE), *steps)
    assert findings["C2.1.gender.selection_rate_difference"].status == "not_met"
    assert findings[NEIGHBOURS].status == "met"


def test_without_features_nobody_is_known_to_be_alike(project):
    finding = assess(planted(project, users(decide=follows)), bias_testing.individual_fairness)[0][CONSISTENT]
    assert finding.status == "not_assessed"
    assert "what people are alike in (features in system.yaml)" in finding.statement


def test_one_row_of_each_customer_is_compared_with_neighbours(project):
    rows = [{**row, "customer": f"c{i // 3}"} for i, row in enumerate(users(decide=follows))]
    finding = assess(planted(project, rows, system=USE), bias_testing.individual_fairness)[0][CONSISTENT]
    assert finding.n == 200


# --- the model -----------------------------------------------------------------------------------------------------

FLIP = "C2.2.gender.flip_difference"
WITH_MODEL = USE | {"model": {"file": "model.skops"}}


def with_model(project, columns):
    """A project whose model was fitted on decisions by gender and use, reading these columns only."""
    rows = users(decide=lambda row, chance: row["use"] + 60 * (row["gender"] == "male") + chance.gauss(0, 5) > 80)
    root = planted(project, rows, system=WITH_MODEL)
    data = pd.DataFrame(rows)
    words = [c for c in columns if c == "gender"]
    encoder = ColumnTransformer([("words", OneHotEncoder(), words)], remainder=StandardScaler())
    model = make_pipeline(encoder, LogisticRegression()).fit(data[columns], data["decision"])
    skops.io.dump(model, root / "parameters/demo/model.skops")
    return root


def test_a_model_that_reads_the_attribute_is_found_by_flipping_it(project):
    findings, tables = assess(with_model(project, ["use", "gender"]), bias_testing.individual_fairness)
    assert findings[FLIP].status == "not_met"
    assert abs(findings[FLIP].value) > 0.3
    assert "C2.2.not_read" not in tables
    flips = {row[1]: row[6] for row in tables["C2.2.gender.alike"].rows if "flip" in row[0]}
    assert flips["male → female"] < -0.3  # fewer are selected once they are women
    assert flips["female → male"] > 0.3
    assert "Flipped: the model's decisions after the change" in tables["C2.2.gender.alike"].note


def test_an_attribute_that_the_model_does_not_read_is_listed(project):
    findings, tables = assess(with_model(project, ["use"]), bias_testing.individual_fairness)
    assert FLIP not in findings
    assert tables["C2.2.not_read"].rows == [["gender"]]


class Touch:
    """Its pickle makes a file when it is opened."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return Path.touch, (self.canary,)


@pytest.mark.parametrize("kind", ["corrupt", "a pickle"])
def test_a_model_file_that_cannot_be_trusted_is_not_assessed_and_runs_nothing(project, tmp_path, kind):
    root, canary = planted(project, users(decide=follows), system=WITH_MODEL), tmp_path / "canary"
    content = pickle.dumps(Touch(canary)) if kind == "a pickle" else b"PK not a model"
    (root / "parameters/demo/model.skops").write_bytes(content)
    findings, _ = assess(root, bias_testing.individual_fairness)
    assert findings["C2.2.flip"].status == "not_assessed"
    assert "a model that can be read: found a" in findings["C2.2.flip"].statement
    assert findings[CONSISTENT].status == "met"
    assert not canary.exists()


def test_a_model_that_wants_a_column_the_dossier_lacks_is_not_assessed(project):
    root = with_model(project, ["use", "gender"])
    data = pd.DataFrame({"usage": [1.0, 2.0, 3.0, 4.0]})
    skops.io.dump(LogisticRegression().fit(data, [0, 1, 0, 1]), root / "parameters/demo/model.skops")
    finding = assess(root, bias_testing.individual_fairness)[0]["C2.2.flip"]
    assert finding.status == "not_assessed"
    assert "found no column usage" in finding.statement


# --- mitigations ---------------------------------------------------------------------------------------------------

TRIED = "P2.1.gender.mitigations_tried"
SAMPLE = {
    "source": "data/sample.csv",
    "columns": {"customer": "customer", "split": "split", "outcome": "outcome"},
}


def proxied(project, n=1600, *, sample=True, **stages):
    """Churn goes by use and, through visits, by gender; so do the decisions of the model that learnt from it."""
    chance, rows = random.Random(11), []
    for _ in range(n):
        gender = chance.choice(["female", "male"])
        use, visits = chance.gauss(0, 1), chance.gauss(1.5 if gender == "male" else -1.5, 0.7)
        churned = chance.random() < 1 / (1 + math.exp(-(1.5 * use + visits)))
        rows.append({
            "gender": gender, "use": round(use, 3), "visits": round(visits, 3),
            "decision": "yes" if 1.5 * use + visits > 0 else "no", "outcome": "yes" if churned else "no",
        })  # fmt: skip
    training = {"features": {name: {"column": name, "training": name} for name in ("use", "visits")}}
    root = planted(project, rows, system=training, tables={"training_sample": SAMPLE} if sample else None, **stages)
    told = [{"customer": f"c{i:05d}", "split": "train" if i % 2 else "test", **row} for i, row in enumerate(rows)]
    write(root / "parameters/demo/data/sample.csv", told)
    return root


def approving(on):
    approval = {"approved_by": "Lex Lawyer", "role": "counsel", "on": on, "reason": "To see what is lost."}
    chosen = {"metric": "demographic_parity", "attributes": ["gender"], "reason": "Calls help.", "by": "Cho Designer"}
    return {"constraint": {**chosen, "on": date(2026, 5, 1), "group_thresholds": approval}}


def test_mitigations_of_a_proxy_are_judged_on_rows_held_back_and_narrow_the_gap(project):
    findings, tables = assess(proxied(project), bias_testing.mitigation)
    assert findings["P2.1.gaps_found"].status == "not_met"
    table = tables["P2.1.gender.mitigations"]
    gaps = {row[0]: row[1] for row in table.rows}
    assert gaps["unmitigated"] > 0.4
    assert gaps["correlation remover"] < gaps["unmitigated"] / 2
    assert gaps["exponentiated gradient"] < gaps["unmitigated"] / 2
    assert findings[TRIED].value == pytest.approx(min(gap for gap in gaps.values() if gap is not None))
    assert "Learnt from 800 rows of the sample, judged on 800 others" in table.note
    by_group = [row for row in table.rows if row[8] == "by group"]
    assert by_group
    assert all(row[1] is None and row[9].startswith("not run: thresholds that differ by group") for row in by_group)


@pytest.mark.parametrize(("on", "tried"), [(date(2026, 5, 2), True), (date(2026, 11, 2), False)])
def test_thresholds_by_group_are_tried_only_once_they_are_approved(project, on, tried):
    _, tables = assess(proxied(project, 400, design_review=approving(on)), bias_testing.mitigation)
    by_group = [row for row in tables["P2.1.gender.mitigations"].rows if row[8] == "by group"]
    assert [row[1] is not None for row in by_group] == [tried]


def test_mitigations_await_a_training_sample(project):
    findings, tables = assess(proxied(project, 400, sample=False), bias_testing.mitigation)
    assert findings["P2.1.gaps_found"].status == "not_met"
    finding = findings["P2.1.mitigations_tried"]
    assert finding.status == "not_assessed"
    assert "the table training_sample" in finding.statement
    assert not tables


def test_without_a_disparity_nothing_is_mitigated(project):
    findings, tables = assess(planted(project, users(decide=at_random)), bias_testing.mitigation)
    assert list(findings) == ["P2.1.gaps_found"]
    assert findings["P2.1.gaps_found"].status != "not_met"
    assert not tables


@pytest.mark.parametrize(("margin", "status"), [(0.3, "met"), (0.03, "inconclusive")])
def test_what_mitigation_leaves_is_met_only_where_its_whole_interval_is_within_the_margin(project, margin, status):
    finding = assess(proxied(project, 800, policy={"margin": margin}), bias_testing.mitigation)[0][TRIED]
    assert finding.value < 0.3
    assert finding.interval.low <= margin
    assert (finding.interval.high <= margin) is (status == "met")
    assert finding.status == status


# --- conversations -------------------------------------------------------------------------------------------------


def conversations(gender, **counts):
    """400 conversations: half asked for a person."""
    return [
        {**row, "handover_asked": "yes" if i % 2 else "no"}
        for i, row in enumerate(people(400, gender=gender, **counts))
    ]


TALKS = {"resolved": 300, "refused": 20, "grounded": 380}


def spoken(project, female, male, swaps=None):
    rows = conversations("female", **{**TALKS, **female}) + conversations("male", **{**TALKS, **male})
    named = {"source": "data/swaps.csv", "columns": {r: r for r in ("pair", "group", "baseline_ok", "swapped_ok")}}
    root = planted(project, rows, table="conversations", tables={"name_swaps": named} if swaps else None)
    if swaps:
        write(root / "parameters/demo/data/swaps.csv", swaps)
    return root


def test_a_gap_in_refusals_bears_on_treatment_and_one_in_resolution_on_outcomes(project):
    findings, _ = assess(
        spoken(project, {"refused": 100, "resolved": 200}, {}),
        bias_testing.equitable_treatment, bias_testing.outcome_equity,
    )  # fmt: skip
    refused, resolved = findings["P2.2.gender.refused_difference"], findings["C2.3.gender.resolved_difference"]
    assert (refused.status, abs(refused.value)) == ("not_met", pytest.approx(0.2))
    assert (resolved.status, abs(resolved.value)) == ("not_met", pytest.approx(0.25))
    assert findings["C2.3.gender.grounded_difference"].status == "met"


def test_who_asked_for_a_person_and_got_no_answer_was_not_granted_one(project):
    def answered(n, other):
        return lambda i: "yes" if i < n else other

    findings, tables = assess(
        spoken(project, {"handover_granted": answered(200, "")}, {"handover_granted": answered(300, "no")}),
        bias_testing.equitable_treatment,
    )
    finding = findings["P2.2.gender.handover_granted_difference"]
    assert (finding.status, abs(finding.value), finding.n) == ("not_met", pytest.approx(0.25), 400)
    shares = {row[1]: row[2:4] for row in tables["P2.2.gender.treatment"].rows if "granted" in row[0]}
    assert shares == {"female": [200, pytest.approx(0.5)], "male": [200, pytest.approx(0.75)]}


def swaps(group, *, both, lost, gained=0, neither=0):
    pairs = [("yes", "yes")] * both + [("yes", "no")] * lost + [("no", "yes")] * gained + [("no", "no")] * neither
    return [
        {"pair": f"{group}{i}", "group": group, "baseline_ok": before, "swapped_ok": after}
        for i, (before, after) in enumerate(pairs)
    ]


def test_a_swap_of_names_that_turns_right_answers_wrong_is_found(project):
    pairs = swaps("A", both=150, lost=50) + swaps("B", both=150, lost=10, gained=10, neither=30)
    findings, tables = assess(spoken(project, {}, {}, pairs), bias_testing.paired_swaps)
    finding = findings["S3.1.name.swap_difference"]
    assert (finding.status, finding.value, finding.n) == ("not_met", pytest.approx(-0.25), 400)
    assert "name = A" in finding.statement
    values = {row[0]: (row[1], row[2], row[5]) for row in tables["S3.1.name_swaps"].rows}
    assert values["A"] == (200, pytest.approx(0.75), pytest.approx(-0.25))
    assert values["B"] == (200, pytest.approx(0.8), pytest.approx(0))


def test_without_swaps_it_is_not_known_what_a_name_changes(project):
    finding = assess(spoken(project, {}, {}), bias_testing.paired_swaps)[0]["S3.1.name.swap_difference"]
    assert finding.status == "not_assessed"
    assert "the table name_swaps" in finding.statement
