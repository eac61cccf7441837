"""What followed the decisions: who was held out, whom an offer reached, what was resolved, where a person decided."""

from __future__ import annotations

import numpy as np

from ethics_kit.examples import drawing as draw
from ethics_kit.examples.drawing import Array, Facts, Frame
from ethics_kit.examples.events import People

ACTORS = 7
"""The stream of draws of who acted."""


def followed(rng: np.random.Generator, people: People, decisions: Frame) -> Frame:
    """Columns to add to the decisions, or to put in the place of theirs."""
    columns: Frame = {}
    for name, drawn in {"holdout": _held_out, "received": _received, "resolved": _resolved}.items():
        if name in people.facts:
            columns |= drawn(rng, people, decisions)
    return columns


def by_people(people: People, decisions: Frame) -> Frame:
    """The actor, where planted for a decision: staff in exactly so many rows, a service in the others with an actor.

    Its draws are a stream of their own and move no others.
    """
    rng, actor = np.random.default_rng([people.facts["seed"], ACTORS]), decisions["actor"].copy()
    named = np.array([a is not None for a in actor])
    for decision, count in people.facts.get("people_decide", {}).items():
        rows = np.flatnonzero(named & (decisions["decision"] == decision))
        actor[rows] = "service"
        actor[rng.choice(rows, count, replace=False)] = "staff"
    return {"actor": actor}


def _held_out(rng: np.random.Generator, people: People, decisions: Frame) -> Frame:
    """Of the selected whose outcome is known; nothing was done about them."""
    held, plan = np.zeros(len(people.cell), bool), people.facts["holdout"]["age_band"]
    for cell in (0, 1):
        counts = {group: of_cells[cell] for group, of_cells in plan.items()}
        held |= _marked(rng, people, people.cell == cell, "age_band", counts)
    return {
        "action": draw.where(held, False, decisions["action"]),
        "holdout": draw.where(np.isin(people.cell, (0, 1, 4)), held, None),
        "retained": draw.where(people.cell < 4, np.isin(people.cell, (1, 3)), None),
    }


def _received(rng: np.random.Generator, people: People, _: Frame) -> Frame:
    offered = np.isin(people.cell, (0, 1, 4))
    reached = _marked(rng, people, offered, "language", people.facts["received"]["language"])
    return {"received": draw.where(offered, reached, None)}


def _resolved(rng: np.random.Generator, people: People, decisions: Frame) -> Frame:
    plan, resolved = people.facts["resolved"], np.zeros(len(people.cell), bool)
    known = people.time < draw.moment(plan["known_before"])
    for priority, counts in plan["language"].items():
        resolved |= _marked(rng, people, known & (decisions["decision"] == priority), "language", counts)
    return {"resolved": draw.where(known, resolved, None)}


def _marked(rng: np.random.Generator, people: People, among: Array, attribute: str, counts: Facts) -> Array:
    """True in `counts` of the rows `among` which each group has, and in all other attributes spread evenly."""
    marked, attributes = np.zeros(len(among), bool), {n: c[: len(among)] for n, c in people.attributes.items()}
    for group, count in counts.items():
        of_group = attributes[attribute] == (None if group == "unknown" else group)
        marked[draw.evenly(rng, np.flatnonzero(among & of_group), count, attributes.values())] = True
    return marked
