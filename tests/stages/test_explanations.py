"""S3.3: explanations held against the model, and features that stand in for an attribute."""

import math
import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from ethics_kit.measures.scoring import ModelError
from ethics_kit.stages import bias_testing
from ethics_kit.stages.bias_testing import explanations
from ethics_kit.stages.modelled import modelled
from tests.stages.planted_rows import case_of, found_in, people, planted, write

NAMES = ["use", "visits", "tickets"]
CHECKS = [f"S3.3.{name}" for name in ("additivity", "stability", "faithfulness", "agreement")]
PROXIES, PREDICTED = "S3.3.gender.proxies", "S3.3.gender.predicted_by_features"


@pytest.fixture(autouse=True)
def no_drawing(monkeypatch):
    """Figures take most of the time and settle nothing."""
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda _, target, **__: target.write(b"<svg/>"))


def customers(n):
    """Men visit more; use and tickets have nothing to do with gender. A decision goes by all three."""
    chance, rows = random.Random(5), []
    for _ in range(n):
        gender = chance.choice(["female", "male"])
        visits = chance.gauss(1.2 if gender == "male" else -1.2, 1)
        use, tickets = chance.gauss(0, 1), chance.gauss(0, 1)
        decision = "yes" if 2 * use + visits + 0.2 * tickets + chance.gauss(0, 1) > 0 else "no"
        rows.append({"gender": gender, "use": use, "visits": visits, "tickets": tickets, "decision": decision})
    return rows


def asked(project, n=600, *, reads=NAMES, model=True, **system):
    """A case whose model was fitted on `n` decisions and reads these columns."""
    rows = customers(n)
    told = {"features": {name: {"column": name} for name in reads}} | system
    root = planted(project, rows, system=told | ({"model": {"file": "model.skops"}} if model else {}))
    data = pd.DataFrame(rows)
    skops.io.dump(LogisticRegression().fit(data[reads], data["decision"]), root / "parameters/demo/model.skops")
    return case_of(root)


def explained(monkeypatch, case, change):
    """The findings where the attributions are other than the model's."""
    true = modelled(case)
    false = replace(true, attributions=replace(true.attributions, values=change(true.values.copy())))
    monkeypatch.setattr(explanations, "modelled", lambda _: false)
    return {f.id: f for f in explanations.explanations_verified(case).findings}


def limited(case, area="explanations", **limits):
    """The case under a policy with other limits in one area."""
    held = getattr(case.dossier.policy, area)
    changed = {k: getattr(held, k).model_copy(update={"value": v}) for k, v in limits.items()}
    policy = case.dossier.policy.model_copy(update={area: held.model_copy(update=changed)})
    return replace(case, dossier=replace(case.dossier, policy=policy))


# --- a model that can be asked -------------------------------------------------------------------------------------


def test_true_attributions_are_met_and_the_leading_feature_is_named(project):
    findings, tables = found_in(asked(project), bias_testing.explanations_verified)
    assert {name: findings[name].status for name in CHECKS} == dict.fromkeys(CHECKS, "met")
    assert (findings["S3.3.additivity"].value, findings["S3.3.additivity"].n) == (0, 600)
    assert findings["S3.3.stability"].value == 1
    assert "the most influential set: use." in findings["S3.3.stability"].statement
    assert findings["S3.3.agreement"].value > 0.95
    assert [row[0] for row in tables["S3.3.importance"].rows] == ["use", "visits", "tickets"]
    curve = [row[1:] for row in tables["S3.3.deletion"].rows]
    assert len(set(curve[0])) == len(set(curve[-1])) == 1
    assert all(highest < at_random < lowest for highest, lowest, at_random in curve[1:-1])


def test_attributions_dealt_out_at_random_are_found_by_each_check_but_stability(project, monkeypatch):
    def dealt(values):
        return np.random.default_rng(1).permuted(values, axis=1)[:, [1, 0, 2]]

    findings = explained(monkeypatch, asked(project), dealt)
    assert findings["S3.3.additivity"].status == "met"  # each row still adds up
    assert findings["S3.3.faithfulness"].status == "not_met"
    assert findings["S3.3.faithfulness"].interval.high < 0.1
    assert findings["S3.3.agreement"].status == "not_met"
    assert findings["S3.3.stability"].status == "met"  # 3 features at most can be among 3 reasons


def test_one_decision_that_does_not_add_up_is_not_met(project, monkeypatch):
    def off(values):
        values[3, 1] += 1e-6
        return values

    finding = explained(monkeypatch, asked(project), off)["S3.3.additivity"]
    assert (finding.status, finding.value) == ("not_met", pytest.approx(1 / 600))
    assert "In 1 of 600 decisions" in finding.statement
    assert "largest error 1.0e-06" in finding.statement


def test_attributions_of_nothing_settle_nothing(project, monkeypatch):
    findings = explained(monkeypatch, asked(project), np.zeros_like)
    assert findings["S3.3.additivity"].status == "not_met"
    assert findings["S3.3.stability"].status == "not_assessed"
    assert findings["S3.3.agreement"].status == "not_assessed"


def test_a_model_that_refuses_rows_with_a_feature_exchanged_is_told_without_a_traceback(project, monkeypatch):
    case = asked(project)
    true = modelled(case)

    def refuses(_):
        raise ModelError("data the model refuses", "other data", "look")

    monkeypatch.setattr(
        explanations, "modelled", lambda _: replace(true, model=replace(true.model, predict=refuses, raw=None))
    )
    findings = {f.id: f for f in explanations.explanations_verified(case).findings}
    assert findings["S3.3.additivity"].status == "met"
    for name in CHECKS[2:]:
        assert findings[name].status == "not_assessed"
        assert "found data the model refuses" in findings[name].statement


def test_few_decisions_are_no_pass(project):
    findings, _ = found_in(asked(project, 80), bias_testing.explanations_verified)
    assert {name: findings[name].status for name in CHECKS} == dict.fromkeys(CHECKS, "inconclusive")


def test_more_leading_features_than_reasons_are_inconclusive(project, monkeypatch):
    case = limited(asked(project), top_features=1)
    mixed = explained(monkeypatch, case, lambda values: values[:, [0, 0, 0]])["S3.3.stability"]
    assert (mixed.status, mixed.value) == ("inconclusive", 3)


# --- a table of attributions, or predictions alone -----------------------------------------------------------------

TABLE = {"source": "data/attributions.csv", "columns": {"decision": "decision_id", "base": "base"}}


def tabled(project, edit, *, score, weight=1.0, off=0.0):
    """What is found of a table of attributions, rounded to 6 digits, of 200 decisions; in one of them a slip."""
    rows, parts = customers(200), []
    for i, row in enumerate(rows):
        parts.append(
            {f"{name}_added": round(row[name] * weight * w, 6) for name, w in zip(NAMES, (2, 1, 0.2), strict=True)}
        )
        row |= {"decision_id": f"d{i}", "score": score(0.5 + sum(parts[i].values()))}
    told = {name: {"column": name, "attribution": f"{name}_added"} for name in NAMES}
    system = {"features": told, "score_is": "probability"}
    root = planted(project, rows, system=system, tables={"attributions": TABLE})
    edit(root / "parameters/demo/system.yaml", ("tables", "decisions", "columns", "id"), "decision_id")
    parts[4]["use_added"] += off
    told = [{"decision_id": row["decision_id"], "base": 0.5, **part} for row, part in zip(rows, parts, strict=True)]
    write(root / "parameters/demo/data/attributions.csv", told)
    return found_in(case_of(root), bias_testing.explanations_verified)[0]


def as_it_is(total):
    return total


def logistic(total):
    return 1 / (1 + math.exp(-total))


@pytest.mark.parametrize(("score", "weight"), [(as_it_is, 0.03), (logistic, 1.0)])
def test_a_table_adds_up_to_the_score_or_to_its_log_odds(project, edit, score, weight):
    findings = tabled(project, edit, score=score, weight=weight)
    assert findings["S3.3.additivity"].status == "met"
    assert findings["S3.3.stability"].status == "met"


def test_a_table_alone_shows_neither_faithfulness_nor_agreement_and_a_slip_in_it_is_found(project, edit):
    findings = tabled(project, edit, score=logistic, off=0.01)
    slip = findings["S3.3.additivity"]
    assert (slip.status, slip.value) == ("not_met", pytest.approx(1 / 200))
    for name in CHECKS[2:]:
        assert findings[name].status == "not_assessed"
        assert "the model itself (model.file" in findings[name].statement


def test_predictions_alone_explain_nothing_and_say_what_to_supply(project):
    findings, tables = found_in(asked(project, 120, model=False), *S3_3)
    assert {findings[name].status for name in CHECKS} == {"not_assessed"}
    assert "a table of attributions" in findings["S3.3.faithfulness"].action
    assert findings[PROXIES].status == "not_assessed"
    assert "Associated with gender: visits (" in findings[PROXIES].statement
    assert "S3.3.importance" not in tables


S3_3 = (bias_testing.explanations_verified, bias_testing.proxies_found)


def test_an_assistant_has_no_attributions_to_verify(project):
    root = planted(project, people(40, gender=lambda _: "a"), table="conversations")
    assert found_in(case_of(root), *S3_3) == ({}, {})


# --- proxies -------------------------------------------------------------------------------------------------------


def test_a_feature_that_goes_with_gender_and_moves_the_score_is_a_proxy(project):
    findings, tables = found_in(asked(project), bias_testing.proxies_found)
    finding, table = findings[PROXIES], tables["S3.3.gender.proxies"]
    assert finding.status == "not_met"
    assert "1 of 3 features that the score goes by stand in for gender: visits." in finding.statement
    assert {row[0]: row[-1] for row in table.rows} == {
        "visits": "proxy",
        "use": "no proxy",
        "tickets": "no proxy",
    }
    assert findings[PREDICTED].status == "not_met"
    assert findings[PREDICTED].interval.low < 0.955 < findings[PREDICTED].interval.high  # Φ(2.4/√2)


def test_features_that_know_nothing_of_gender_are_met(project):
    findings, _ = found_in(asked(project, reads=["use", "tickets"]), bias_testing.proxies_found)
    assert (findings[PROXIES].status, findings[PREDICTED].status) == ("met", "met")
    assert "None of 2 features" in findings[PROXIES].statement


def test_a_feature_that_goes_with_gender_and_moves_little_is_no_proxy(project):
    findings, _ = found_in(limited(asked(project), proxy_influence_min=0.9), bias_testing.proxies_found)
    assert findings[PROXIES].status == "met"
    assert findings[PREDICTED].status == "not_met"


def test_what_few_people_show_is_no_pass(project):
    case = limited(asked(project, reads=["use", "tickets"]), "records", minimum_rows=601)
    findings, _ = found_in(case, bias_testing.proxies_found)
    assert (findings[PROXIES].status, findings[PREDICTED].status) == ("inconclusive", "inconclusive")


def test_a_small_group_is_named_not_counted_and_leaves_the_question_open(project):
    rows = customers(200) + [row | {"gender": "other"} for row in customers(6)]
    root = planted(project, rows, system={"features": {"use": {"column": "use"}}})
    findings, tables = found_in(case_of(root), bias_testing.proxies_found)
    assert findings[PREDICTED].status == "inconclusive"
    assert "too small in the sample: other" in findings[PREDICTED].statement
    assert not any(6 in row for row in tables["S3.3.gender.proxies"].rows)


def test_an_attribute_that_is_not_held_is_not_assessed(project, edit):
    case = asked(project)
    case.dossier.policy.fairness.attributes.value.append("age_band")
    findings, _ = found_in(case, bias_testing.proxies_found)
    assert findings["S3.3.age_band.proxies"].status == "not_assessed"
    assert findings["S3.3.age_band.predicted_by_features"].status == "not_assessed"
