"""Ladders of values, and a generalisation that reaches k: no column of it could be told more exactly."""

from collections import Counter
from itertools import product

import ibis
import numpy as np
import pandas as pd
import pytest

from ethics_kit.measures import anonymity
from ethics_kit.measures.generalisation import generalise
from ethics_kit.measures.ladders import ladders

K, LIMIT = 5, 0.05


def table(columns):
    frame = pd.DataFrame(columns)
    return anonymity.cleaned(ibis.memtable(frame), list(frame.columns))


@pytest.fixture(scope="module")
def drawn():
    rng, n = np.random.default_rng(7), 400
    days = np.datetime64("2020-01-01") + rng.integers(0, 900, n)
    return {
        "age": rng.integers(18, 90, n),
        "postcode": rng.choice([f"8{a}{b}" for a in range(3) for b in range(6)], n),
        "joined": days.astype(str),
        "sex": rng.choice(["f", "m", None], n),
    }


def words(columns):
    return {name: [rung.words for rung in ladder.rungs] for name, ladder in ladders(table(columns), columns).items()}


def test_a_ladder_is_that_of_the_values_kind(drawn):
    assert words(drawn) == {
        "age": ["bands of 5", "bands of 10", "left out"],
        "postcode": ["bands of 5", "bands of 10", "left out"],
        "joined": ["day", "month", "quarter", "year", "left out"],
        "sex": ["left out"],
    }
    codes = {
        "area": ["SW1A", "N1", "E14"],
        "one": ["x", "x", "x"],
        "zip": ["01067", "80331", "80333"],
        "none": [None] * 3,
        "flag": [0, 1, 1],
    }
    assert words(codes) == {
        "area": ["first 3 signs", "first 2 signs", "first sign", "left out"],
        "one": ["left out"],
        "zip": ["first 4 signs", "first 3 signs", "first 2 signs", "first sign", "left out"],
        "none": ["left out"],
        "flag": ["left out"],
    }


def test_each_rung_is_made_of_the_one_below(drawn):
    rows = table(drawn)
    for name, ladder in ladders(rows, list(drawn)).items():
        values, below = ladder.exact(rows[name]), rows.count().to_pyarrow().as_py()
        for rung in ladder.rungs:
            values = rung.made(values)
            kinds = len(rows.mutate(v=values).select("v").distinct().to_pyarrow())
            assert kinds <= below
            below = kinds
        assert below == 1


def coarse(drawn, rungs):
    """The columns as told on these rungs, without a database."""
    age = [drawn["age"], drawn["age"] // 5, drawn["age"] // 10, None][rungs["age"]]
    post = drawn["postcode"].astype(float)
    post = [post, post // 5, post // 10, None][rungs["postcode"]]
    day = pd.to_datetime(pd.Series(drawn["joined"]))
    joined = [day, day, day.dt.to_period("M"), day.dt.to_period("Q"), day.dt.year, None][rungs["joined"]]
    columns = [age, post, joined, drawn["sex"] if rungs["sex"] == 0 else None]
    n = len(drawn["age"])
    return list(zip(*([None] * n if c is None else list(c) for c in columns), strict=True))


def suppressed(drawn, rungs):
    sizes = Counter(coarse(drawn, rungs)).values()
    return sum(size for size in sizes if size < K)


def test_a_generalisation_reaches_k_and_no_column_could_be_told_more_exactly(drawn):
    found = generalise(table(drawn), list(drawn), K, suppressed_max=LIMIT)
    assert found.n == len(drawn["age"])
    assert found.suppressed == suppressed(drawn, found.rungs) <= LIMIT * found.n
    for name in (n for n, rung in found.rungs.items() if rung):
        assert suppressed(drawn, {**found.rungs, name: found.rungs[name] - 1}) > LIMIT * found.n
    sizes = Counter(coarse(drawn, found.rungs))
    assert found.classes == sum(size >= K for size in sizes.values())


def test_it_keeps_nearly_as_many_pairs_apart_as_the_best_of_all_combinations(drawn):
    found = generalise(table(drawn), list(drawn), K, suppressed_max=LIMIT)
    heights = {"age": 4, "postcode": 4, "joined": 6, "sex": 2}
    best, n = 0.0, found.n
    for levels in product(*map(range, heights.values())):
        sizes = [s for s in Counter(coarse(drawn, dict(zip(heights, levels, strict=True)))).values() if s >= K]
        if n - sum(sizes) <= LIMIT * n:
            best = max(best, (sum(sizes) ** 2 - sum(s * s for s in sizes)) / (n * (n - 1)))
    assert best * 0.9 <= found.separation[1] <= best + 1e-12


def test_what_reaches_k_already_is_told_as_it_is():
    found = generalise(table({"a": ["x"] * 5 + ["y"] * 6}), ["a"], K, suppressed_max=0.0)
    assert (found.told, found.suppressed, found.separation[0]) == ({"a": "as it is"}, 0, found.separation[1])


def test_fewer_than_k_people_cannot_be_hidden_whatever_is_left_out():
    assert generalise(table({"a": ["x", "y"]}), ["a"], K, suppressed_max=0.0) is None
    rows = ibis.memtable(pd.DataFrame({"a": list("xyxyxyxy"), "who": ["p", "q"] * 4}))
    assert generalise(rows, ["a"], K, suppressed_max=0.0, person="who") is None
