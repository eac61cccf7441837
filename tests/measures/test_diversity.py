"""l-diversity, t-closeness and δ-disclosure, held against their papers and a slow reading of the definitions."""

import math
from collections import Counter, defaultdict

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethics_kit.measures.diversity import diversity

ROWS = st.lists(
    st.tuples(st.sampled_from(["x", "y", None]), st.sampled_from([1.0, 2.0, 5.0, 9.0, None])), min_size=1, max_size=20
)


def table(rows):
    return ibis.memtable(pd.DataFrame(rows, columns=["a", "s"]).astype({"a": "string", "s": "Float64"}))


def slowly(rows, *, ordered):
    """Distinct l, entropy l, t and δ, one class after the other."""
    rank = sorted({s for _, s in rows}, key=lambda s: -math.inf if s is None else s)
    whole, by_class = Counter(s for _, s in rows), defaultdict(list)
    for a, s in rows:
        by_class[a].append(s)
    found = []
    for own in by_class.values():
        p = [own.count(s) / len(own) for s in rank]
        q = [whole[s] / len(rows) for s in rank]
        steps = [p_ - q_ for p_, q_ in zip(p, q, strict=True)]
        if ordered:
            t = sum(abs(math.fsum(steps[: i + 1])) for i in range(len(rank) - 1)) / max(len(rank) - 1, 1)
        else:
            t = sum(map(abs, steps)) / 2
        entropy = -sum(p_ * math.log(p_) for p_ in p if p_)
        delta = max(abs(math.log(p_ / q_)) if p_ else math.inf for p_, q_ in zip(p, q, strict=True))
        found.append((len(set(own)), math.exp(entropy), t, delta))
    return [pick(values) for pick, values in zip((min, min, max, max), zip(*found, strict=True), strict=True)]


@settings(max_examples=20)
@given(ROWS, st.booleans())
def test_each_measure_is_that_of_its_definition_for_the_worst_class(rows, ordered):
    found = diversity(table(rows), ["a"], "s", ordered=ordered)
    distinct, entropy, t, delta = slowly(rows, ordered=ordered)
    assert (found.n, found.distinct_l) == (len(rows), distinct)
    assert found.entropy_l == pytest.approx(entropy)
    assert found.t == pytest.approx(t, abs=1e-12)
    assert (math.inf if found.delta is None else found.delta) == pytest.approx(delta)


def test_salaries_of_the_paper_are_0_375_and_0_167_apart():
    """Li, Li and Venkatasubramanian 2007, example 3: {3k, 4k, 5k} and {6k, 8k, 11k} of 3k to 11k."""
    for class_, distance in (((3, 4, 5), 0.375), ((6, 8, 11), 1 / 6)):
        rows = [("x" if s in class_ else "y", float(s)) for s in range(3, 12)]
        assert diversity(table(rows), ["a"], "s", ordered=True).t == pytest.approx(distance)


def test_rows_in_classes_of_one_value_are_counted():
    found = diversity(table([("x", 1.0), ("x", 1.0), ("y", 1.0), ("y", 2.0)]), ["a"], "s")
    assert (found.one_value, found.distinct_l, found.entropy_l, found.delta) == (2, 1, 1.0, None)


def test_one_value_for_all_is_no_distance_at_all():
    for ordered in (False, True):
        assert diversity(table([("x", 1.0), ("y", 1.0)]), ["a"], "s", ordered=ordered).t == 0.0


def test_without_rows_nothing_is_measured():
    found = diversity(table([("x", 1.0)]).filter(lambda t: t.a == "no"), ["a"], "s")
    assert (found.n, found.distinct_l, found.t) == (0, None, None)
