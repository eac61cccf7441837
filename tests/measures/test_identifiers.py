"""Which columns name people: ARX's published numbers, pairs counted one by one, and values that look like addresses."""

from itertools import combinations

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures import identifiers

ARX = {
    ("sex",): (0.4, 0.6),
    ("state",): (0.6, 0.7),
    ("age",): (0.6, 0.8),
    ("sex", "state"): (0.8, 0.9),
}
"""Distinction and separation, as in ARX's TestRiskQuasiIdentifiers."""

FIVE = {"sex": list("FFMMM"), "state": ["CA", "CA", "CA", "NY", "WA"], "age": [20, 30, 40, 20, 40]}


def test_five_people_have_the_distinction_and_separation_that_arx_publishes():
    rows = ibis.memtable(pd.DataFrame(FIVE))
    found = {i.columns: i for i in identifiers.identifying(rows, list(FIVE))}
    for columns, (distinction, separation) in ARX.items():
        assert found[columns].distinction == pytest.approx(distinction)
        assert found[columns].separation == pytest.approx(separation)


@settings(max_examples=12)
@given(st.lists(st.tuples(*[st.sampled_from(["x", "y", None])] * 3), min_size=2, max_size=12))
def test_separation_is_the_share_of_pairs_that_differ(rows):
    frame = pd.DataFrame(rows, columns=["a", "b", "c"]).astype("string")
    found = {i.columns: i for i in identifiers.identifying(ibis.memtable(frame), ["a", "b", "c"])}
    for places, columns in (((0,), ("a",)), ((1, 2), ("b", "c")), ((0, 1, 2), ("a", "b", "c"))):
        cut = [tuple(row[p] for p in places) for row in rows]
        pairs = list(combinations(cut, 2))
        assert found[columns].separation == pytest.approx(sum(one != other for one, other in pairs) / len(pairs))
        assert found[columns].distinction == pytest.approx(len(set(cut)) / len(cut))
        assert found[columns].unique == sum(cut.count(row) == 1 for row in cut)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("ann.lee@example.org", "emails"),
        ("write to a_b+c@mail.example.co.uk, please", "emails"),
        ("+49 30 1234567", "phones"),
        ("0049301234567", "phones"),
        ("(030) 123-4567", "phones"),
        ("030/1234-567", "phones"),
        ("C-00017", "known"),
        ("C-9", None),
        ("2026-10-31", None),
        ("2026-10-31T10:00:00Z", None),
        ("-12.3456789", None),
        ("0.0123456", None),
        ("123456789", None),
        ("50 per cent @ home", None),
        ("", None),
    ],
)
def test_a_value_that_names_somebody_is_told_from_one_that_does_not(value, kind):
    ids = ibis.memtable(pd.DataFrame({"id": ["C-00017", "C-9"]}))
    found = identifiers.directly(ibis.memtable(pd.DataFrame({"v": [value, None, "no"]}).astype("string")), ids)
    assert [(n.column, n.emails, n.phones, n.known) for n in found] == (
        [("v", *(int(k == kind) for k in ("emails", "phones", "known")))] if kind else []
    )


def test_numbers_are_looked_into_too():
    frame = pd.DataFrame({"age": [30, 40], "number": [1234567, None]})
    ids = ibis.memtable(pd.DataFrame({"id": ["1234567", "30"]}))
    assert [n.column for n in identifiers.directly(ibis.memtable(frame), ids)] == ["number"]
