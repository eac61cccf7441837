"""What happened around the events: appeals, reviews, staff, training, monitoring."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ethics_kit.examples import drawing as draw
from ethics_kit.examples.drawing import DAY, HOUR, NEVER, PICKS, SECOND, Array, Facts, Frame
from ethics_kit.examples.events import People
from ethics_kit.framework import catalogue

WATCHED = 42
"""The stream of the counts of features that do not drift."""


def _counted(people: People, table: str, counts: Mapping[str, int], **given: Array) -> Frame:
    """`rows` rows of `table`: in each flag or optional time, exactly the count of rows is yes or has a time.

    A smaller count's rows are among those of a larger one: who was served had been offered it.
    """
    rng, n, frame = people.rng, counts["rows"], dict(given)
    order = rng.permutation(n)
    for name, role in catalogue.tables()[table].roles.items():
        if name in counts:
            yes, flag = order < counts[name], role.type == "flag"
            frame[name] = yes if flag else draw.where(yes, draw.soon_after(rng, frame["time"], people.as_of), NEVER)
        elif name in PICKS and name not in given:
            frame[name] = rng.choice(np.array(PICKS[name]), n).astype(object if role.type == "text" else float)
    return frame


def around(people: People, whole: Facts, events: Frame) -> dict[str, Frame]:
    """Appeals, feedback, errors, requests, choices and reviews."""
    rng, facts, n = people.rng, people.facts, len(people.customer)
    frames: dict[str, Frame] = {}
    for table in ("appeals", "human_requests"):
        rows = rng.choice(n, facts[table]["rows"], replace=False)
        given = {"customer": people.customer[rows], "time": draw.moved(rng, people.time[rows], HOUR, 5 * DAY)}
        if table == "appeals":
            given["decision"] = events["id"][rows]
        frames[table] = _counted(people, table, facts[table], **given)
    overturned = frames["appeals"]["overturned"]
    frames["appeals"]["overturned"] = draw.where(np.isnat(frames["appeals"]["resolved"]), None, overturned)
    for table, days in whole["retention_days"].items():
        count = facts[table]["rows"]
        limit = np.full(count, people.as_of - days * DAY * SECOND)
        old = np.arange(count) < facts["over_retention"][table]
        recent = draw.between(rng, "2025-03-01", "2026-10-20", count)
        given = {
            "customer": rng.choice(people.customer, count, replace=False),
            "time": draw.where(old, draw.moved(rng, limit, -180 * DAY, -3 * DAY), recent),
        }
        if table == "error_reports":
            given["id"] = draw.objects(f"ERR-{i:04d}" for i in range(1, count + 1))
            again = facts[table]["repeats"]
            given["repeat_of"] = np.concatenate([draw.repeated(None, count - again), given["id"][:again]])
        frames[table] = _counted(people, table, facts[table], **given)
    blocks, left = [], rng.permutation(n)
    for team, plan in facts["reviews"].items():
        kind = rng.permutation(np.repeat(np.arange(4), plan["counts"]))
        rows, left = left[: len(kind)], left[len(kind) :]
        seconds = np.ceil(plan["seconds"] * rng.lognormal(0, 0.4, len(kind)))
        block = {"decision": events["id"][rows], "reviewer_group": draw.repeated(team, len(kind)), "seconds": seconds}
        block |= {"time": draw.moved(rng, people.time[rows], HOUR, 4 * DAY)}
        blocks.append(block | {"overridden": kind % 2 == 1, "ai_was_right": kind < 2})
    return frames | {"human_reviews": draw.stack(blocks, "time")}


def programme(people: People, events: Frame) -> dict[str, Frame]:
    """Acceptance tests, rollout, monitoring, past assessments, the training sample and the name swaps."""
    rng, facts = people.rng, people.facts
    sessions = [
        _counted(people, "acceptance_sessions", counts, group=draw.repeated(group, counts["rows"]))
        for group, counts in facts["acceptance"].items()
    ]
    tested = draw.stack(sessions, "group")
    number = np.arange(len(tested["group"]))
    tested["session"] = draw.objects(f"UAT-{i:03d}" for i in number + 1)
    tested["time"] = draw.moment("2026-06-15T09:00") + (number * 2 * HOUR).astype("m8[s]")
    tested["model_version"] = draw.repeated(max(v for v in events["model_version"] if v), len(number))
    if facts.get("usability_items"):
        tested |= _items(tested.pop("sus"))
    past = [str(day) for day in facts["past_assessments"]]
    frames: dict[str, Frame] = {
        "acceptance_sessions": tested,
        "rollout_steps": _rollout(facts),
        "monitoring": _monitoring(people, events),
        "past_assessments": {
            "date": np.array(past, "M8[D]"),
            "reference": draw.objects(f"minutes of {day}" for day in past),
        },
    }
    if "training_sample" in facts:
        frames["training_sample"] = _training_sample(people)
    if "name_swaps" in facts:
        counts = np.array(list(facts["name_swaps"].values()))
        index = rng.permutation(np.repeat(np.arange(counts.size), counts.ravel()))
        frames["name_swaps"] = {
            "pair": draw.objects(f"NS-{i:03d}" for i in range(1, len(index) + 1)),
            "group": draw.objects(facts["name_swaps"])[index // 4],
            "baseline_ok": np.isin(index % 4, (0, 1)),
            "swapped_ok": np.isin(index % 4, (0, 2)),
        }
    return frames


def _monitoring(people: People, events: Frame) -> Frame:
    """By month, features in five bins, of which the first may drift, and the score in ten where there is one."""
    rng, drift, blocks = people.rng, people.facts["drift"], []
    first, *others = people.facts["watched"]
    more = np.random.default_rng([people.facts["seed"], WATCHED])
    month, score = people.time.astype("M8[M]"), events.get("score")
    for start in np.unique(month):
        drifted = bool(drift) and start >= np.datetime64(drift["from"], "M")
        usual = np.array([30, 26, 20, 14, 10]) / 100
        shares = np.array([48, 24, 14, 9, 5]) / 100 if drifted else usual
        counted = {first: rng.multinomial((month == start).sum(), shares)}
        counted |= {feature: more.multinomial((month == start).sum(), usual) for feature in others}
        if score is not None:
            edges = np.linspace(0, 100 if np.nanmax(score) > 1 else 1, 11)
            counted["score"] = np.histogram(score[(month == start) & ~np.isnan(score)], edges)[0]
        for feature, count in counted.items():
            bins = draw.objects(f"bin {i:02d}" for i in range(1, len(count) + 1))
            named = {
                "period": np.full(len(count), start.astype("M8[D]")),
                "feature": draw.repeated(feature, len(count)),
            }
            blocks.append(named | {"bin": bins, "count": count})
    return draw.stack(blocks, "period")


def _rollout(facts: Facts) -> Frame:
    """What was counted in each step for all customers, and where planted for groups of them."""
    blocks = []
    for group, counts in {None: facts["rollout"], **facts.get("rollout_groups", {})}.items():
        step, start = np.arange(1, len(counts) + 1), np.datetime64("2025-09-01") + 28 * np.arange(len(counts))
        own = dict(zip(("exposed", "harmed", "control", "control_harmed"), np.array(counts).T, strict=True))
        named = {"group": draw.repeated(group, len(step))} if "rollout_groups" in facts else {}
        blocks.append({"step": step, "start": start, **named, **own})
    return draw.stack(blocks, "step")


def _items(score: Array) -> Frame:
    """Answers to the ten items of the System Usability Scale that give each score (0 to 100, in steps of 2.5)."""
    points = (score / 2.5).astype(int)
    each = [points // 10 + (place < points % 10) for place in range(10)]
    return {f"sus_{i + 1}": 1 + p if i % 2 == 0 else 5 - p for i, p in enumerate(each)}


def _training_sample(people: People) -> Frame:
    rng, plan = people.rng, people.facts["training_sample"]
    short = plan["short_of"]
    rare = people.attributes[short["attribute"]] == short["group"] if short else np.zeros(len(people.everyone), bool)
    wanted = short.get("rows", 0)
    rows = np.concatenate(
        [
            rng.choice(np.flatnonzero(rare), wanted, replace=False),
            rng.choice(np.flatnonzero(~rare), plan["rows"] - wanted, replace=False),
        ]
    )
    label = rng.random(len(rows)) < 0.2
    split = rng.choice(draw.objects(["train", "train", "train", "test"]), len(rows))
    score = np.round(rng.beta(2 + 2 * label, 4), 4)
    by_heart = np.flatnonzero(split == "train")[::-1][: plan["by_heart"]]
    score[by_heart] = np.where(label[by_heart], 0.999, 0.001)
    return {
        "customer": people.everyone[rows],
        "split": split,
        "score": score,
        "outcome": draw.where(label, "yes", "no"),
    }


def training(whole: Facts) -> Frame:
    """The courses of all staff; the planted rows are open, completed after `as_of`, or lapsed."""
    plan, rng, as_of = whole["training"], np.random.default_rng(20260500), draw.moment(whole["as_of"])
    role = np.repeat(draw.objects(plan["roles"]), list(plan["roles"].values()))
    counts = [plan[name] for name in ("not_completed", "completed_later", "lapsed")]
    missing, later, lapsed, _ = draw.parts(rng, np.arange(len(role)), counts)
    completed = draw.between(rng, "2025-11-20", "2026-10-20", len(role))
    completed[later] = draw.between(rng, as_of + 3 * DAY * SECOND, as_of + 20 * DAY * SECOND, len(later))
    completed[lapsed] = draw.between(rng, as_of - 500 * DAY * SECOND, as_of - 400 * DAY * SECOND, len(lapsed))
    completed[missing] = NEVER
    person = draw.objects(f"staff-{i // 2 + 1:03d}" for i in range(len(role)))
    expires = (completed + 365 * DAY * SECOND).astype("M8[D]")
    course = draw.objects(plan["courses"])[np.arange(len(role)) % len(plan["courses"])]
    completed = completed.astype("M8[D]")
    return {"person": person, "role": role, "course": course, "completed": completed, "expires": expires}
