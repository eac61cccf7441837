"""More appeals and reviews than the first draws made, from a stream of their own, evenly over groups and time."""

from __future__ import annotations

import numpy as np

from ethics_kit.examples import drawing as draw
from ethics_kit.examples.drawing import DAY, HOUR, Array, Facts, Frame
from ethics_kit.examples.events import People


def more_reviews(rng: np.random.Generator, people: People, events: Frame, reviews: Frame) -> Frame:
    """`reviews` with those of `more_reviews`, of decisions that nobody has reviewed."""
    blocks, left = [reviews], ~np.isin(events["id"], reviews["decision"])
    for team, plan in people.facts.get("more_reviews", {}).items():
        kind = rng.permutation(np.repeat(np.arange(4), plan["counts"]))
        rows = _spread(rng, people, np.flatnonzero(left), len(kind), plan)
        left[rows] = False
        seconds = np.ceil(plan["seconds"] * rng.lognormal(0, 0.4, len(kind)))
        if plan.get("same_seconds"):
            seconds = np.full(len(kind), float(plan["seconds"]))
        kind = kind[rng.permutation(len(kind))] if "by_month" in plan else _evenly_in_time(rng, kind, people.time[rows])
        block = {"decision": events["id"][rows], "reviewer_group": draw.repeated(team, len(kind)), "seconds": seconds}
        block |= {"time": draw.moved(rng, people.time[rows], HOUR, 4 * DAY)}
        blocks.append(block | {"overridden": kind % 2 == 1, "ai_was_right": kind < 2})
    return draw.stack(blocks, "time")


def _spread(rng: np.random.Generator, people: People, among: Array, count: int, plan: Facts) -> Array:
    """`count` of the events `among`: as many of each month as planned, or spread over all of the time."""
    if "by_month" not in plan:
        return draw.evenly(rng, among, count, [people.time.astype("M8[D]")])
    month = people.time.astype("M8[M]").astype(str)
    parts = [draw.parts(rng, among[month[among] == m], [n])[0] for m, n in plan["by_month"].items()]
    return np.concatenate(parts)


def _evenly_in_time(rng: np.random.Generator, kind: Array, time: Array) -> Array:
    """The kinds dealt out so that each is spread over the whole time."""
    dealt = np.empty(len(kind), dtype=int)
    places = [(np.arange(n) + rng.random()) / n for n in np.bincount(kind, minlength=4) if n]
    kinds = np.repeat(np.flatnonzero(np.bincount(kind, minlength=4)), [len(p) for p in places])
    dealt[np.argsort(time, kind="stable")] = kinds[np.argsort(np.concatenate(places), kind="stable")]
    return dealt


def more_appeals(rng: np.random.Generator, people: People, events: Frame, appeals: Frame) -> Frame:
    """`appeals` with those of `more_appeals`, all resolved, of customers who had not appealed."""
    plan = people.facts.get("more_appeals")
    if not plan:
        return appeals
    attributes = [values[: len(people.customer)] for values in people.attributes.values()]
    among = np.flatnonzero(~np.isin(people.customer, appeals["customer"]))
    rows = draw.evenly(rng, among, plan["rows"], attributes)
    changed = np.zeros(len(people.customer), dtype=bool)
    changed[draw.evenly(rng, rows, plan["overturned"], attributes)] = True
    time = draw.moved(rng, people.time[rows], HOUR, 5 * DAY)
    longest = np.minimum(people.as_of - time, 20 * DAY * np.timedelta64(1, "s")).astype(int)
    resolved = time + (longest * rng.beta(1.2, 3, len(time))).astype("m8[s]")
    block = {"customer": people.customer[rows], "time": time, "decision": events["id"][rows]}
    block |= {"resolved": resolved, "overturned": changed[rows].astype(object)}
    return draw.stack([appeals, {role: block[role] for role in appeals}], "time")
