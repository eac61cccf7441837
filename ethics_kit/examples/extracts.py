"""The file that a system passes on: a row per decision without the customer's id, and people who stand out in it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ethics_kit.examples import drawing as draw
from ethics_kit.examples.drawing import Array, Facts, Frame

TOLD = ("age_band", "gender", "language", "postcode_area", "plan")
"""What somebody may know of a customer."""
CROWD = 40
"""Everybody of a combination that so many share is in the file; of the rarer ones only those planted."""
NOTES = ("call after 6 pm", "prefers letters", None, None, None)


def extract_of(facts: Facts, seed: list[int], made: Mapping[str, Frame]) -> Frame:
    """Rows with as many people as planted whom nobody is like, or two others are, and crowds without a discount."""
    rng, decisions, customers = np.random.default_rng(seed), made["decisions"], made["customers"]
    order = np.argsort(customers["customer"])
    place = order[np.searchsorted(customers["customer"], decisions["customer"], sorter=order)]
    known = {name: customers[name][place] for name in TOLD}
    named = ["|".join(map(str, row)) for row in zip(*known.values(), strict=True)]
    alike = np.unique(named, return_inverse=True)[1]
    size = np.bincount(alike)
    crowds, rare = np.flatnonzero(size >= CROWD), rng.permutation(np.flatnonzero((size >= 3) & (size < CROWD)))
    alone, threes = np.split(rare, [facts["unique"]])
    rows = [_some(rng, alike, one, 1) for one in alone]
    rows += [_some(rng, alike, one, 3) for one in threes[: facts["in_threes"]]]
    same = rng.choice(crowds, facts["one_offer"], replace=False)
    rows.append(np.flatnonzero(np.isin(alike, crowds) & ~(np.isin(alike, same) & (decisions["decision"] != "none"))))
    taken = rng.permutation(np.concatenate(rows))
    note = rng.choice(draw.objects(NOTES), len(taken))
    noted = rng.permutation(len(taken))[: facts["emails"]]
    note[noted] = draw.objects(f"copy to customer{number}@example.org" for number in range(1, len(noted) + 1))
    told = {name: column[taken] for name, column in known.items()}
    return told | {"offer": decisions["decision"][taken], "renewed": decisions["outcome"][taken], "note": note}


def _some(rng: np.random.Generator, alike: Array, one: int, count: int) -> Array:
    return np.asarray(rng.choice(np.flatnonzero(alike == one), count, replace=False))
