"""P1.4: rates of planted groups, the weakest named, and what the model card repeats."""

from types import SimpleNamespace

import pytest

from ethics_kit.stages.bias_testing import performance_by_segment
from ethics_kit.stages.design_review import card
from tests.stages.planted_rows import assess, line, people, planted

ID = "P1.4.performance_by_segment"


def rows(gender, plan, n, *, found, missed):
    """`n` people: the first `found` selected and positive, the next `missed` positive only."""
    return people(
        n,
        gender=lambda _: gender,
        plan=lambda _: plan,
        decision=found,
        outcome=found + missed,
    )


WEAK = [
    *rows("female", "plus", 200, found=80, missed=20),
    *rows("male", "plus", 200, found=60, missed=40),
    *rows("male", "basic", 200, found=40, missed=60),
]


def with_segment(project, events, **more):
    root = planted(project, events, **more)
    path = root / "parameters/demo/system.yaml"
    text = path.read_text()
    assert "attributes:\n" in text
    path.write_text(text.replace("attributes:\n", "attributes:\n  plan: {class: segment, column: plan}\n", 1))
    return root


@pytest.fixture
def found(project):
    return assess(with_segment(project, WEAK), performance_by_segment)


def test_the_weakest_group_or_segment_of_each_rate_is_named_with_its_interval(found):
    finding = found[0][ID]
    assert finding.status == "met"
    assert (finding.value, finding.n) == (0.4, 100)
    assert finding.interval.low < 0.4 < finding.interval.high
    assert "Performance is known for 4 of 4 groups and segments. Weakest: recall" in finding.statement
    assert "of plan = basic, 40% (31% to 50%, n 100; the others 70%)" in finding.statement


def test_every_rate_of_every_group_is_told(found):
    table = found[1][ID]
    assert line(table, "recall (true positive rate)", "gender", "male")[:2] == [200, 0.5]
    assert line(table, "accuracy", "plan", "plus")[:2] == [400, 0.85]
    assert line(table, "precision (positive predictive value)", "gender", "female")[:2] == [80, 1.0]


def test_the_model_card_repeats_it(found):
    record = SimpleNamespace(findings=found[0].values(), tables=found[1].values())
    told = dict(card._performance(record))
    assert told["Weakest segments"] == found[0][ID].statement
    assert told["Recall (true positive rate) by plan"] == "basic 40% (31% to 50%, n 100); plus 70% (63% to 76%, n 200)"


def test_small_groups_are_withheld_and_told_as_too_small(project):
    few = rows("nonbinary", "plus", 8, found=1, missed=5)
    found, tables = assess(with_segment(project, [*WEAK, *few]), performance_by_segment)
    assert found[ID].status == "met"
    assert "known for 4 of 5 groups and segments; the others have fewer than" in found[ID].statement
    assert "nonbinary" not in found[ID].statement
    assert line(tables[ID], "accuracy", "gender", "nonbinary") == [None] * 4


def test_an_attribute_of_the_policy_with_one_group_to_tell_is_inconclusive(project):
    few = rows("female", "plus", 12, found=4, missed=4)
    found, _ = assess(with_segment(project, [*WEAK[200:], *few]), performance_by_segment)
    assert found[ID].status == "inconclusive"
    assert "known outcome by gender" in found[ID].action


def test_without_outcomes_performance_is_not_assessed(project):
    events = [{k: v for k, v in row.items() if k != "outcome"} for row in WEAK]
    found, _ = assess(with_segment(project, events), performance_by_segment)
    assert found[ID].status == "not_assessed"
    assert "column for outcome" in found[ID].statement


def test_rows_that_repeat_are_counted_by_customer(project):
    events = [row | {"customer": f"c{i // 2}"} for i, row in enumerate(WEAK)]
    found, _ = assess(with_segment(project, events), performance_by_segment)
    assert (found[ID].status, found[ID].value) == ("met", 0.4)
    assert found[ID].interval.high > 0.52
