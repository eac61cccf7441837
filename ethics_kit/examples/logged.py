"""Faults of the audit log, and who was answered by a person: draws of streams of their own, which move no others."""

from __future__ import annotations

import numpy as np

from ethics_kit.examples import drawing as draw
from ethics_kit.examples.drawing import DAY, HOUR, SECOND, Facts, Frame
from ethics_kit.examples.events import People

LOG, REQUESTS = 51, 52
"""The streams of draws of the log, and of requests for a person."""
BLOCK = 30


def audit_log(people: People, events: Frame) -> Frame:
    """The columns `sequence` and `model_version`, with the planted faults.

    A repeated number is that of the row before: later ones move down, so that no number goes missing by it. For a step
    back in time, two neighbouring blocks of rows swap their numbers. Unknown versions stand in September.
    """
    facts, n = people.facts.get("audit_log", {}), len(people.customer)
    rng = np.random.default_rng([people.facts["seed"], LOG])
    number, version = events["sequence"].copy(), events["model_version"].copy()
    for _ in range(facts.get("steps_back", 0)):
        start = int(rng.integers(n // 4, n // 2))
        first, second = slice(start, start + BLOCK), slice(start + BLOCK, start + 2 * BLOCK)
        number[first], number[second] = number[second].copy(), number[first].copy()
    follows = np.flatnonzero(np.diff(number[: n // 5]) == 1) + 1
    for row in rng.choice(follows, facts.get("repeated", 0), replace=False):
        number[row:] -= 1
    autumn = (people.time >= draw.moment("2026-09-01")) & (people.time < draw.moment("2026-10-01"))
    known = np.flatnonzero(autumn & np.array([v is not None for v in version]))
    version[rng.choice(known, facts.get("unknown_version", 0), replace=False)] = facts.get("version")
    return {"sequence": number, "model_version": version}


def answered_by_people(people: People, requests: Frame) -> Frame:
    """Requests for a person, answered within eight hours, the planted slow ones after days; and those asked `later`."""
    facts: Facts = people.facts
    rng = np.random.default_rng([facts["seed"], REQUESTS])
    asked, served = requests["time"], requests["served"].copy()
    done = ~np.isnat(served)
    served[done] = asked[done] + ((served[done] - asked[done]).astype(int) // 60).astype("m8[s]")
    old = np.flatnonzero(done & (asked < people.as_of - 10 * DAY * SECOND))
    slow = rng.choice(old, facts.get("answered_slowly", 0), replace=False)
    served[slow] = draw.moved(rng, asked[slow], 2 * DAY, 5 * DAY)
    frames = [requests | {"served": served}]
    if more := facts.get("requests_later", 0):
        rows = rng.choice(len(people.customer), more, replace=False)
        time = draw.moved(rng, people.time[rows], 5 * DAY, 6 * DAY)
        soon = np.minimum(draw.moved(rng, time, 60, 8 * HOUR), people.as_of - SECOND)
        frames.append({"customer": people.customer[rows], "time": time, "offered": np.ones(more, bool), "served": soon})
    return draw.stack(frames, "time")
