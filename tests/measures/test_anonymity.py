"""Classes of people who look alike, and the risks that follow, counted again without a database."""

from collections import Counter

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures import anonymity
from ethics_kit.measures.anonymity import Sizes

VALUES = st.sampled_from(["x", "y", " y ", "", None])
NUMBERS = st.sampled_from([0.0, -0.0, 1.5, float("nan"), None])
ROWS = st.lists(st.tuples(VALUES, NUMBERS), min_size=1, max_size=25)


def table(rows, names=("a", "b")):
    frame = pd.DataFrame(rows, columns=list(names))
    return anonymity.cleaned(ibis.memtable(frame), names)


def sizes(rows, **more):
    return anonymity.sizes(anonymity.classes(rows, ["a", "b"], **more))


def plain(value):
    """Blank is missing, and so is what is not a number; zero has no sign."""
    if isinstance(value, str):
        return value.strip() or None
    return None if value is None or value != value else value + 0.0


@settings(max_examples=25)
@given(ROWS)
def test_every_row_is_in_the_class_of_those_that_agree_with_it_missing_values_included(rows):
    slow = Counter(tuple(map(plain, row)) for row in rows)
    found = sizes(table([(a, None if b is None else float(b)) for a, b in rows]))
    assert dict(found.counts) == Counter(slow.values())
    assert (found.n, found.classes, found.k) == (len(rows), len(slow), min(slow.values()))
    assert found.unique == sum(count == 1 for count in slow.values())
    assert anonymity.risks(found).marketer == pytest.approx(
        sum(1 / slow[tuple(map(plain, row))] for row in rows) / len(rows)
    )


def test_a_person_counts_once_in_a_class_and_rows_of_nobody_are_one_person():
    rows = ibis.memtable(pd.DataFrame({"a": list("xxxyyy"), "who": ["p", "p", "q", "r", None, None]}))
    assert anonymity.sizes(anonymity.classes(rows, ["a"], "who")) == Sizes(((2, 2),))
    assert anonymity.sizes(anonymity.classes(rows, ["a"])) == Sizes(((3, 2),))
    kept = anonymity.cells(rows, ["a"], "who")
    assert anonymity.sizes(anonymity.merged(kept, ["a"], "who")) == Sizes(((2, 2),))


def test_classes_of_fewer_columns_follow_from_those_of_more():
    rows = table([("x", 1.0), ("x", 2.0), ("y", 1.0), ("y", 1.0), (None, 1.0)])
    kept = anonymity.cells(rows, ["a", "b"])
    for columns in (["a"], ["b"], ["a", "b"]):
        assert anonymity.sizes(anonymity.merged(kept, columns)) == anonymity.sizes(anonymity.classes(rows, columns))


def test_risks_of_a_known_population_are_those_of_its_classes():
    extract = table([("x", 1.0), ("x", 1.0), ("y", 2.0), (None, 3.0)])
    everybody = [("x", "1")] * 8 + [("y", "2")] * 2 + [(None, "3")] * 4 + [("z", "1")] * 9
    population = ibis.memtable(pd.DataFrame(everybody, columns=["A", "B"]))
    classes = anonymity.classes(extract, ["a", "b"])
    risks = anonymity.risks_among(classes, population, {"a": "A", "b": "B"})
    assert risks.prosecutor == 1.0
    assert risks.journalist == 1 / 2
    assert risks.marketer == pytest.approx((2 / 8 + 1 / 2 + 1 / 4) / 4)


def test_a_population_that_lacks_a_class_never_lowers_its_risk():
    extract = table([("x", 1.0), ("x", 1.0), ("y", 2.0)])
    population = ibis.memtable(pd.DataFrame({"A": ["x"], "B": [1.0]}))
    risks = anonymity.risks_among(anonymity.classes(extract, ["a", "b"]), population, {"a": "A", "b": "B"})
    own = anonymity.risks(sizes(extract))
    assert (risks.journalist, risks.marketer) == (own.journalist, pytest.approx(own.marketer))


def test_without_rows_there_is_no_k_and_no_risk():
    assert Sizes(()).k is None
    assert anonymity.risks(Sizes(())).prosecutor is None
