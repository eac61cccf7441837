"""More appeals and reviews than the first draws made, and answers to feedback that chance favours no group in."""

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
        seconds, time = np.ceil(plan["seconds"] * rng.lognormal(0, 0.4, len(kind))), people.time[rows]
        if "batches" in plan:
            seconds, time = np.full(len(kind), float(plan["seconds"])), _in_batches(time, plan)
        else:
            kind, time = _evenly_in_time(rng, kind, time), draw.moved(rng, time, HOUR, 4 * DAY)
        block = {"decision": events["id"][rows], "reviewer_group": draw.repeated(team, len(kind)), "seconds": seconds}
        block |= {"time": time}
        blocks.append(block | {"overridden": kind % 2 == 1, "ai_was_right": kind < 2})
    return draw.stack(blocks, "time")


def _spread(rng: np.random.Generator, people: People, among: Array, count: int, plan: Facts) -> Array:
    """`count` of the events `among`: as many of each month as `batches` says, or spread over all of the time."""
    if "batches" not in plan:
        return draw.evenly(rng, among, count, [people.time.astype("M8[D]")])
    month = people.time.astype("M8[M]").astype(str)
    parts = [draw.parts(rng, among[month[among] == m], [n])[0] for m, n in plan["batches"].items()]
    return np.concatenate(parts)


def _in_batches(time: Array, plan: Facts) -> Array:
    """The reviews of each month's decisions one after another, from an hour after the last of them."""
    month, reviewed = time.astype("M8[M]"), time.copy()
    for start in np.unique(month):
        of_month = np.flatnonzero(month == start)
        step = (HOUR + int(plan["seconds"]) * np.arange(len(of_month))).astype("m8[s]")
        reviewed[of_month] = time[of_month].max() + step
    return reviewed


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
    block = {"customer": people.customer[rows], "time": time, "decision": events["id"][rows]}
    block |= {"resolved": draw.soon_after(rng, time, people.as_of), "overturned": changed[rows].astype(object)}
    return draw.stack([appeals, {role: block[role] for role in appeals}], "time")


def answered_evenly(rng: np.random.Generator, people: People, feedback: Frame) -> Frame:
    """`feedback` with as many answers as it has, spread evenly over the groups of those who wrote."""
    place = {customer: at for at, customer in enumerate(people.customer)}
    of = np.array([place[customer] for customer in feedback["customer"]])
    attributes = [values[of] for values in people.attributes.values()]
    count = int((~np.isnat(feedback["answered"])).sum())
    chosen = np.isin(np.arange(len(of)), draw.evenly(rng, np.arange(len(of)), count, attributes))
    return feedback | {"answered": draw.where(chosen, draw.soon_after(rng, feedback["time"], people.as_of), draw.NEVER)}
