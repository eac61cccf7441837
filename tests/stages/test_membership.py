"""S3.2: what the training sample gives away, planted in its scores."""

import random

import pytest

from ethics_kit.stages.bias_testing import membership_inference
from tests.stages.planted_rows import assess, people, planted, write

EVENTS = people(1, decision=1)
ROLES = ("split", "score", "outcome")


def rows(split, n, *, by_heart=0):
    """Scores that know nothing of who is a member, but for `by_heart` rows that give their label away."""
    chance = random.Random(split)
    labels = [chance.random() < 0.3 for _ in range(n)]
    return [
        {"split": split, "outcome": "yes" if y else "no", "score": (0.999 if y else 0.001) if i < by_heart else s}
        for i, y in enumerate(labels)
        for s in [round(chance.uniform(0.05, 0.95), 4)]
    ]


def found_in(project, sample, *, columns=ROLES, **system):
    table = {"source": "data/sample.csv", "columns": dict(zip(columns, columns, strict=True))}
    root = planted(project, EVENTS, system={"score_is": "probability"} | system, tables={"training_sample": table})
    write(root / "parameters/demo/data/sample.csv", sample)
    findings, _ = assess(root, membership_inference)
    return {name.removeprefix("S3.2."): f for name, f in findings.items()}


def test_scores_that_know_nothing_of_membership_are_met(project):
    found = found_in(project, [*rows("train", 3000), *rows("test", 1000)])
    assert {f.status for f in found.values()} == {"met"}
    assert found["membership_auc"].value == pytest.approx(0.5, abs=0.03)
    assert found["membership_auc"].n == 4000


def test_a_few_rows_learnt_by_heart_show_at_few_false_alarms_and_not_on_average(project):
    found = found_in(project, [*rows("train", 3000, by_heart=200), *rows("Test", 1000)])
    assert (found["membership_auc"].status, found["membership_tpr"].status) == ("met", "not_met")
    assert found["membership_tpr"].value == pytest.approx(200 / 3000 + 0.01, abs=0.005)
    assert "its own false alarms lie between" in found["membership_tpr"].method


def test_a_sample_learnt_by_heart_fails_both(project):
    found = found_in(project, [*rows("train", 600, by_heart=600), *rows("holdout", 600)])
    assert {f.status for f in found.values()} == {"not_met"}


def test_a_sample_labelled_by_a_plain_yes_is_read_though_the_outcome_has_words(project):
    found = found_in(project, [*rows("train", 600, by_heart=600), *rows("test", 600)], outcome={"positive": ["left"]})
    assert {f.status for f in found.values()} == {"not_met"}


def test_too_few_rows_outside_training_settle_nothing_and_say_how_many_are_needed(project):
    found = found_in(project, [*rows("train", 3000), *rows("test", 400), *rows("validation", 900)])
    assert {f.status for f in found.values()} == {"inconclusive"}
    assert "500 rows outside it (400 now)" in found["membership_tpr"].statement
    assert found["membership_tpr"].null_reason


def test_what_is_lacking_is_named(project):
    (found,) = found_in(project, rows("train", 50), columns=("split", "score")).values()
    assert (found.status, "the column for outcome" in found.statement) == ("not_assessed", True)
    (found,) = found_in(project, rows("train", 50)).values()
    assert "outside it (0 now)" in found.statement


def test_systems_without_training_are_not_tested(project):
    assert found_in(project, rows("train", 50), kind="rules") == {}
