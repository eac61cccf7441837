"""The example portfolio's tables: fictional, seeded, with the facts that planted.yaml counts and no others.

``python -m ethics_kit.examples [PARAMETERS]`` writes them where they are missing or were written by another version.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray
from ruamel.yaml import YAML

from ethics_kit import project
from ethics_kit.framework import catalogue

Array = NDArray[Any]
Frame = dict[str, Array]
"""A table's columns by role."""
Facts = Mapping[str, Any]

PLANTED = Path(__file__).with_name("planted.yaml")
OTHER_PURPOSE = "product_news"
HOUR, DAY = 3600, 86400
SECOND = np.timedelta64(1, "s")
NEVER = np.datetime64("NaT", "s")
PICKS: dict[str, Sequence[Any]] = {
    "channel": ("e-mail", "app", "letter"),
    "choice": ("off", "less", "on"),
    "rating": (1, 2, 3, 4, 4, 5, 5),
    "seconds": range(40, 240),
    "sus": (55.0, 62.5, 67.5, 70.0, 72.5, 75.0, 80.0, 90.0),
    "task": ("find the reason", "contest a result", "reach a person"),
    "topic": ("clarity", "wrong result", "waiting time", "contact", "praise"),
}
"""What columns are drawn from whose values prove nothing."""


@dataclass(frozen=True)
class Words:
    """What a system writes into its decision log. `scores` and `hours` give a range for each decision."""

    selected: tuple[Any, ...] = ()
    left_out: tuple[Any, ...] = ()
    positive: tuple[Any, ...] = ()
    negative: tuple[Any, ...] = ()
    scores: Mapping[Any, tuple[float, float]] | None = None
    hours: Mapping[Any, tuple[float, float]] | None = None
    models: tuple[str, str] = ("1.0", "1.1")
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class People:
    """A system's customers and the one event it has with each, in order of time."""

    facts: Facts
    as_of: np.datetime64
    rng: np.random.Generator
    customer: Array
    time: Array
    cell: Array
    purpose: Array
    attributes: Frame
    undecided: Array

    @property
    def everyone(self) -> Array:
        """Those with an event, then the others: the rows of `attributes`."""
        return np.concatenate([self.customer, self.undecided])


def planted() -> dict[str, Any]:
    """The facts of planted.yaml."""
    facts: dict[str, Any] = YAML(typ="safe", pure=True).load(PLANTED.read_text(encoding="utf-8"))
    return facts


# --- drawing -----------------------------------------------------------------------------------------------


def _objects(values: Iterable[Any]) -> Array:
    return np.array(list(values), dtype=object)


def _same(value: object, n: int) -> Array:
    return np.full(n, value, dtype=object)


def _where(condition: Array, yes: object, no: object) -> Array:
    chosen: Array = np.where(condition, yes, no)  # type: ignore[call-overload]
    return chosen


def _moment(day: object) -> np.datetime64:
    return np.datetime64(str(day), "s")


def _between(rng: np.random.Generator, first: object, end: object, n: int) -> Array:
    """`n` moments from `first` up to, and without, `end`."""
    length = int((_moment(end) - _moment(first)).astype(int))
    return np.asarray(_moment(first) + rng.integers(0, length, n).astype("m8[s]"))


def _moved(rng: np.random.Generator, time: Array, low: int, high: int) -> Array:
    """`time` moved by at least `low` and less than `high` seconds; negative is earlier."""
    return np.asarray(time + rng.integers(low, high, len(time)).astype("m8[s]"))


def _parts(rng: np.random.Generator, among: Array, counts: Iterable[int]) -> list[Array]:
    """Disjoint random parts of `among` of the sizes given, then the rest."""
    return np.split(rng.permutation(among), np.cumsum(list(counts)))


def _stack(blocks: Iterable[Frame], by: str) -> Frame:
    """The blocks' rows in the order of column `by`."""
    blocks = list(blocks)
    frame = {role: np.concatenate([b[role] for b in blocks]) for role in blocks[0]}
    order = np.argsort(frame[by], kind="stable")
    return {role: column[order] for role, column in frame.items()}


def quotas(total: int, shares: Mapping[str, float]) -> Array:
    """`total` rows split by `shares` in percent; the largest remainders are rounded up."""
    exact = total * np.array(list(shares.values()), dtype=float) / 100
    rows = np.floor(exact + 1e-9).astype(int)
    rows[np.argsort(rows - exact, kind="stable")[: total - rows.sum()]] += 1
    return rows


# --- customers, and the event of each ----------------------------------------------------------------------


def _people(facts: Facts, whole: Facts) -> People:
    rng = np.random.default_rng(facts["seed"])
    driver, planned = next((name, g["cells"]) for name, g in facts["groups"].items() if "cells" in g)
    counts = np.array(list(planned.values()))
    group, cell = np.divmod(np.repeat(np.arange(counts.size), counts.ravel()), counts.shape[1])
    first, last, matures = (_moment(d) for d in (*whole["period"], whole["matures"]))
    spans = {True: (first, matures), False: (matures, last + DAY * SECOND)}
    mature = (cell < 4) & (counts.shape[1] > 1)
    time = np.empty(len(cell), "M8[s]")
    for known, (start, end) in spans.items():
        time[mature == known] = _between(rng, start, end, int((mature == known).sum()))
    if counts.shape[1] == 1:
        time = _between(rng, first, last + DAY * SECOND, len(cell))
    order = np.lexsort((rng.permutation(len(time)), time))
    group, cell, time = group[order], cell[order], time[order]
    attributes = {driver: _objects(planned)[group]}
    for name, spec in facts["groups"].items():
        if "shares" in spec:
            attributes[name] = _spread(rng, cell, dict.fromkeys(range(6), spec["shares"]))
        elif "shares_by" in spec:
            by_group = {i * 6 + c: spec["shares_by"][g] for i, g in enumerate(planned) for c in range(6)}
            attributes[name] = _spread(rng, group * 6 + cell, by_group)
    rows = np.concatenate([np.arange(len(cell)), rng.integers(0, len(cell), facts["undecided"])])
    attributes = {n: _where(column == "unknown", None, column)[rows] for n, column in attributes.items()}
    ids = _objects(f"C{number}" for number in 100_000 + rng.permutation(400_000)[: len(rows)])
    purpose = rng.permutation(np.repeat(_objects(facts["purposes"]), list(facts["purposes"].values())))
    return People(
        facts, _moment(whole["as_of"]), rng, ids[: len(cell)], time, cell, purpose, attributes, ids[len(cell) :]
    )


def _spread(rng: np.random.Generator, strata: Array, shares: Mapping[int, Facts]) -> Array:
    """A label for each row; in every stratum the labels have exactly its shares."""
    labels = _same(None, len(strata))
    for stratum in np.unique(strata).tolist():
        rows, wanted = np.flatnonzero(strata == stratum), shares[stratum]
        labels[rows] = rng.permutation(np.repeat(_objects(wanted), quotas(len(rows), wanted)))
    return labels


def _events(people: People, words: Words) -> Frame:
    """The decisions or conversations with their audit log; the planted rows lack one field each."""
    rng, facts, n = people.rng, people.facts, len(people.customer)
    gaps = np.isin(np.arange(n), rng.choice(np.arange(1, n), facts["sequence_gaps"], replace=False))
    frame = {
        "id": _objects(f"E{number:06d}" for number in range(1, n + 1)),
        "customer": people.customer,
        "time": people.time,
        **(_decided(people, words) if words.selected else _talked(people)),
        "purpose": people.purpose,
        "model_version": _objects(words.models)[(people.time >= _moment("2026-07-15")).astype(int)],
        "inputs_hash": _objects(f"{number:016x}" for number in rng.integers(0, 2**63, n)),
        "reason": rng.choice(_objects(words.reasons), n),
        "actor": rng.choice(_objects(["service", "service", "service", "staff"]), n),
        "sequence": np.arange(1, n + 1) + np.cumsum(gaps),
    }
    fields = [f for f in ("model_version", "inputs_hash", "score", "reason", "actor") if f in frame]
    incomplete = _parts(rng, np.arange(n), [facts["audit_log_incomplete"]])[0]
    for role, rows in zip(fields, np.array_split(incomplete, len(fields)), strict=True):
        frame[role][rows] = np.nan if role == "score" else None
    return frame


def _decided(people: People, words: Words) -> Frame:
    rng, cell, n = people.rng, people.cell, len(people.cell)

    def draw(yes: Array, *choices: tuple[Any, ...]) -> Array:
        first, second = (rng.choice(_objects(c), n) for c in choices)
        return _where(yes, first, second)

    def within(ranges: Mapping[Any, tuple[float, float]]) -> Array:
        low, high = np.array([ranges[d] for d in decision.tolist()]).T
        return np.asarray(low + (high - low) * rng.beta(2, 2, n))

    decision = draw(np.isin(cell, (0, 1, 4)), words.selected, words.left_out)
    changed = rng.random(n) < 0.06
    action = _where(changed, draw(changed, words.selected, words.left_out), decision)
    outcome = draw(np.isin(cell, (0, 2)), words.positive, words.negative)
    frame = {"decision": decision, "action": action, "outcome": _where(cell < 4, outcome, None)}
    if words.scores:
        frame["score"] = np.round(within(words.scores), 4)
    if words.hours:
        frame["wait_hours"] = np.round(within(words.hours), 1)
    return frame


def _talked(people: People) -> Frame:
    """The flags of conversations, each with its planted count in each language."""
    rng, facts, n = people.rng, people.facts, len(people.cell)
    language = people.attributes["language"][:n]

    def marked(name: str, among: Array) -> Array:
        chosen = np.zeros(n, dtype=bool)
        for group, count in facts["flags"][name].items():
            of_group = language == (None if group == "unknown" else group)
            chosen[_parts(rng, np.flatnonzero(of_group & among), [count])[0]] = True
        return chosen

    everyone, grounded = np.ones(n, dtype=bool), _same(None, n)
    refused, asked = marked("refused", everyone), marked("handover_asked", everyone)
    resolved = marked("resolved", ~refused)
    checked = rng.permutation(n)[: facts["checked"]]
    grounded[checked] = np.arange(len(checked)) >= facts["not_grounded"]
    return {
        "language": language,
        "disclosed": rng.permutation(n) >= facts["not_disclosed"],
        "handover_asked": asked,
        "handover_granted": _where(asked, marked("handover_granted", asked), None),
        "resolved": resolved,
        "reopened": marked("reopened", resolved),
        "refused": refused,
        "grounded": grounded,
    }


# --- what customers were told, agreed to and refused -------------------------------------------------------


def _consents(people: People) -> Frame:
    """Consents with the planted faults, and close calls a second to either side of the event."""
    rng, time, own = people.rng, people.time, next(iter(people.facts["purposes"]))

    def block(rows: Array, given: Array, purpose: str = own, **ends: Array) -> Frame:
        empty = np.full(len(rows), NEVER)
        frame = {"customer": people.customer[rows], "purpose": _same(purpose, len(rows)), "given": given}
        return frame | {"withdrawn": empty, "expires": empty} | ends

    def ago(rows: Array, low: int = 70, high: int = 500) -> Array:
        return _moved(rng, time[rows], -high * DAY, -low * DAY)

    def ended(rows: Array) -> Array:
        """Some days before the event, for every other row in the very second of it: not in force in both."""
        return _where(np.arange(len(rows)) % 2 == 0, time[rows], ago(rows, 0, 60))

    plan: Facts = people.facts["consent"]
    if not plan:
        rows = rng.permutation(len(time))[: len(time) * 2 // 5]
        return _stack([block(rows, ago(rows), OTHER_PURPOSE)], "given")
    none, gone, over, wrong, rest = _parts(rng, np.flatnonzero(people.purpose == own), plan.values())
    same, until, lapses, renewed, plain = _parts(rng, rest, [200, 200, 200, 400])
    blocks = [
        block(plain, ago(plain)),
        block(same, time[same]),  # given in the very second: in force
        block(until, ago(until), withdrawn=time[until] + SECOND),
        block(lapses, ago(lapses), expires=time[lapses] + SECOND),
        block(renewed, ago(renewed, 300), withdrawn=ago(renewed, 100, 200)),
        block(renewed, ago(renewed, 10, 90)),
        block(plain[:1500], ago(plain[:1500]), OTHER_PURPOSE),
        block(gone, ago(gone), withdrawn=ended(gone)),
        block(gone[::3], ago(gone[::3]), OTHER_PURPOSE),
        block(over, ago(over), expires=ended(over)),
        block(wrong, ago(wrong), OTHER_PURPOSE),
        block(wrong[::2], time[wrong[::2]] + SECOND),  # for the right purpose, but a second late
        block(none[1::3], time[none[1::3]] + SECOND),
        block(none[::3], ago(none[::3]), OTHER_PURPOSE, withdrawn=ago(none[::3], 1, 60)),
    ]
    return _stack(blocks, "given")


def _notices(people: People) -> Frame:
    """Half of those not told in time have no notice, the others a late one."""
    rng, time = people.rng, people.time
    missing, exact, told = _parts(rng, np.arange(len(time)), [people.facts["without_notice"], 150])
    rows = np.concatenate([told, exact, told[:300], missing[::2]])
    late = _where(np.arange(len(missing[::2])) % 2 == 0, 1, rng.integers(1, 5 * DAY, len(missing[::2])))
    again = _moved(rng, time[told[:300]], 1, 5 * DAY)
    shown = [_moved(rng, time[told], -200 * DAY, 0), time[exact], again, time[missing[::2]] + late.astype("m8[s]")]
    language = people.attributes["language"][rows]
    frame = {"customer": people.customer[rows], "time": np.concatenate(shown)}
    frame["channel"] = rng.choice(_objects(PICKS["channel"]), len(rows))
    return _stack([frame | {"language": _where(np.array([v is None for v in language]), "en", language)}], "time")


def _opt_outs(people: People) -> Frame:
    """The planted ones, and others that must not count: in the same second, later, from another purpose."""
    rng, time, purpose = people.rng, people.time, people.purpose
    first = next(iter(people.facts["purposes"]))
    before, rest = _parts(rng, np.arange(len(time)), [people.facts["after_opt_out"]])
    same, later, other, _ = _parts(rng, rest, [25, 260, 40])
    moments = {
        "before": _where(
            np.arange(len(before)) % 3 == 0, time[before] - SECOND, _moved(rng, time[before], -90 * DAY, 0)
        ),
        "same": time[same],
        "later": _moved(rng, time[later], 1, 6 * DAY),
        "other": _moved(rng, time[other], -90 * DAY, 0),
    }
    of_all = _where(np.arange(len(before)) % 2 == 0, None, purpose[before])
    elsewhere = _where(purpose[other] == first, OTHER_PURPOSE, first)
    return _stack(
        [
            {
                "customer": people.customer[np.concatenate([before, same, later, other])],
                "time": np.concatenate(list(moments.values())),
                "purpose": np.concatenate([of_all, _same(None, len(same)), purpose[later], elsewhere]),
            }
        ],
        "time",
    )


def _deletion_requests(people: People) -> Frame:
    """Who was deleted stands in no other table, apart from the planted ones; six requests are new and open."""
    rng, as_of, plan, new = people.rng, people.as_of, people.facts["deletion_requests"], 6
    gone = _objects(f"C{i}" for i in 600_000 + rng.permutation(90_000)[: plan["in_time"] + plan["late"]])
    gone[: plan["still_there"]] = people.undecided[: plan["still_there"]]
    kind = np.repeat(np.arange(4), [plan["in_time"], plan["late"], plan["overdue"], new])
    filed = _between(rng, "2026-01-05", "2026-05-30", len(kind))
    filed[kind == 3] = _between(rng, as_of - 20 * DAY * SECOND, as_of - 2 * DAY * SECOND, new)
    done = _where(kind == 0, _moved(rng, filed, 3 * DAY, 25 * DAY), _moved(rng, filed, 45 * DAY, 80 * DAY))
    extended = (kind == 0) & (np.arange(len(kind)) % 9 == 0)
    return {
        "customer": np.concatenate([gone, people.undecided[-plan["overdue"] - new :]]),
        "time": filed,
        "verified": _moved(rng, filed, HOUR, 2 * DAY),
        "extended_until": _where(extended, filed + 88 * DAY * SECOND, NEVER),
        "completed": _where(kind < 2, done + extended * 30 * DAY * SECOND, NEVER),
    }


# --- what happened around the events -----------------------------------------------------------------------


def _counted(people: People, table: str, counts: Mapping[str, int], **given: Array) -> Frame:
    """`rows` rows of `table`: in each flag or optional time, exactly the count of rows is yes or has a time.

    A smaller count's rows are among those of a larger one: who was served had been offered it.
    """
    rng, n, frame = people.rng, counts["rows"], dict(given)
    order = rng.permutation(n)
    for name, role in catalogue.tables()[table].roles.items():
        if name in counts:
            yes = order < counts[name]
            frame[name] = yes if role.type == "flag" else _where(yes, _answered(people, frame["time"]), NEVER)
        elif name in PICKS and name not in given:
            frame[name] = rng.choice(np.array(PICKS[name]), n).astype(object if role.type == "text" else float)
    return frame


def _answered(people: People, time: Array) -> Array:
    """Within 20 days, and before the day of assessment."""
    longest = np.minimum(people.as_of - time, 20 * DAY * SECOND).astype(int)
    return np.asarray(time + (longest * people.rng.beta(1.2, 3, len(time))).astype("m8[s]"))


def _around(people: People, whole: Facts, events: Frame) -> dict[str, Frame]:
    """Appeals, feedback, errors, requests, choices and reviews."""
    rng, facts, n = people.rng, people.facts, len(people.customer)
    frames: dict[str, Frame] = {}
    for table in ("appeals", "human_requests"):
        rows = rng.choice(n, facts[table]["rows"], replace=False)
        given = {"customer": people.customer[rows], "time": _moved(rng, people.time[rows], HOUR, 5 * DAY)}
        if table == "appeals":
            given["decision"] = events["id"][rows]
        frames[table] = _counted(people, table, facts[table], **given)
    overturned = frames["appeals"]["overturned"]
    frames["appeals"]["overturned"] = _where(np.isnat(frames["appeals"]["resolved"]), None, overturned)
    for table, days in whole["retention_days"].items():
        count = facts[table]["rows"]
        limit = np.full(count, people.as_of - days * DAY * SECOND)
        old = np.arange(count) < facts["over_retention"][table]
        recent = _between(rng, "2025-03-01", "2026-10-20", count)
        given = {
            "customer": rng.choice(people.customer, count, replace=False),
            "time": _where(old, _moved(rng, limit, -180 * DAY, -3 * DAY), recent),
        }
        if table == "error_reports":
            given["id"] = _objects(f"ERR-{i:04d}" for i in range(1, count + 1))
            again = facts[table]["repeats"]
            given["repeat_of"] = np.concatenate([_same(None, count - again), given["id"][:again]])
        frames[table] = _counted(people, table, facts[table], **given)
    blocks, left = [], rng.permutation(n)
    for team, plan in facts["reviews"].items():
        kind = rng.permutation(np.repeat(np.arange(4), plan["counts"]))
        rows, left = left[: len(kind)], left[len(kind) :]
        seconds = np.ceil(plan["seconds"] * rng.lognormal(0, 0.4, len(kind)))
        block = {"decision": events["id"][rows], "reviewer_group": _same(team, len(kind)), "seconds": seconds}
        block |= {"time": _moved(rng, people.time[rows], HOUR, 4 * DAY)}
        blocks.append(block | {"overridden": kind % 2 == 1, "ai_was_right": kind < 2})
    return frames | {"human_reviews": _stack(blocks, "time")}


def _programme(people: People, events: Frame) -> dict[str, Frame]:
    """Acceptance tests, rollout, monitoring, past assessments, the training sample and the name swaps."""
    rng, facts = people.rng, people.facts
    sessions = [
        _counted(people, "acceptance_sessions", counts, group=_same(group, counts["rows"]))
        for group, counts in facts["acceptance"].items()
    ]
    tested = _stack(sessions, "group")
    tested["session"] = _objects(f"UAT-{i:03d}" for i in range(1, len(tested["group"]) + 1))
    steps, past = np.array(facts["rollout"]), [str(day) for day in facts["past_assessments"]]
    frames: dict[str, Frame] = {
        "acceptance_sessions": tested,
        "rollout_steps": {
            "step": np.arange(1, len(steps) + 1),
            "start": np.datetime64("2025-09-01") + 28 * np.arange(len(steps)),
            **dict(zip(("exposed", "harmed", "control", "control_harmed"), steps.T, strict=True)),
        },
        "monitoring": _monitoring(people, events),
        "past_assessments": {
            "date": np.array(past, "M8[D]"),
            "reference": _objects(f"minutes of {day}" for day in past),
        },
    }
    if "training_sample" in facts:
        frames["training_sample"] = _training_sample(people)
    if "name_swaps" in facts:
        counts = np.array(list(facts["name_swaps"].values()))
        index = rng.permutation(np.repeat(np.arange(counts.size), counts.ravel()))
        frames["name_swaps"] = {
            "pair": _objects(f"NS-{i:03d}" for i in range(1, len(index) + 1)),
            "group": _objects(facts["name_swaps"])[index // 4],
            "baseline_ok": np.isin(index % 4, (0, 1)),
            "swapped_ok": np.isin(index % 4, (0, 2)),
        }
    return frames


def _monitoring(people: People, events: Frame) -> Frame:
    """By month, a feature in five bins, which may drift, and the score in ten where there is one."""
    rng, drift, blocks = people.rng, people.facts["drift"], []
    month, score = people.time.astype("M8[M]"), events.get("score")
    for start in np.unique(month):
        drifted = bool(drift) and start >= np.datetime64(drift["from"], "M")
        shares = np.array([48, 24, 14, 9, 5] if drifted else [30, 26, 20, 14, 10]) / 100
        counted = {drift.get("feature", "tenure_years"): rng.multinomial((month == start).sum(), shares)}
        if score is not None:
            edges = np.linspace(0, 100 if np.nanmax(score) > 1 else 1, 11)
            counted["score"] = np.histogram(score[(month == start) & ~np.isnan(score)], edges)[0]
        for feature, count in counted.items():
            bins = _objects(f"bin {i:02d}" for i in range(1, len(count) + 1))
            named = {"period": np.full(len(count), start.astype("M8[D]")), "feature": _same(feature, len(count))}
            blocks.append(named | {"bin": bins, "count": count})
    return _stack(blocks, "period")


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
    return {
        "customer": people.everyone[rows],
        "split": rng.choice(_objects(["train", "train", "train", "test"]), len(rows)),
        "score": np.round(rng.beta(2 + 2 * label, 4), 4),
        "outcome": _where(label, "yes", "no"),
    }


def training(whole: Facts) -> Frame:
    """The courses of all staff; the planted rows are open, completed after `as_of`, or lapsed."""
    plan, rng, as_of = whole["training"], np.random.default_rng(20260500), _moment(whole["as_of"])
    role = np.repeat(_objects(plan["roles"]), list(plan["roles"].values()))
    counts = [plan[name] for name in ("not_completed", "completed_later", "lapsed")]
    missing, later, lapsed, _ = _parts(rng, np.arange(len(role)), counts)
    completed = _between(rng, "2025-11-20", "2026-10-20", len(role))
    completed[later] = _between(rng, as_of + 3 * DAY * SECOND, as_of + 20 * DAY * SECOND, len(later))
    completed[lapsed] = _between(rng, as_of - 500 * DAY * SECOND, as_of - 400 * DAY * SECOND, len(lapsed))
    completed[missing] = NEVER
    person = _objects(f"staff-{i // 2 + 1:03d}" for i in range(len(role)))
    expires = (completed + 365 * DAY * SECOND).astype("M8[D]")
    return {"person": person, "role": role, "completed": completed.astype("M8[D]"), "expires": expires}


def tables(system: str, whole: Facts) -> dict[str, Frame]:
    """Every table of one example system."""
    facts = whole["systems"][system]
    people = _people(facts, whole)
    events = _events(people, WORDS[system])
    since = _between(people.rng, "2016-01-01", "2026-04-30", len(people.everyone))
    customer = {"customer": people.everyone} | people.attributes | {"since": since.astype("M8[D]")}
    if "language" in events:
        del customer["language"]
    return {
        "decisions" if "decisions" in facts else "conversations": events,
        "customers": _stack([customer], "customer"),
        "consents": _consents(people),
        "notices": _notices(people),
        "opt_outs": _opt_outs(people),
        "deletion_requests": _deletion_requests(people),
        **_around(people, whole, events),
        **_programme(people, events),
    }


# --- how each system's export looks ------------------------------------------------------------------------

WORDS = {
    "churn_risk": Words(
        selected=(True,),
        left_out=(False,),
        positive=(True,),
        negative=(False,),
        scores={True: (0.62, 0.99), False: (0.01, 0.62)},
        models=("churn-4.1", "churn-4.2"),
        reasons=("usage_down", "contract_ends", "tickets_up", "payment_failed"),
    ),
    "health_score": Words(
        selected=("red",),
        left_out=("amber", "green", "green"),
        positive=("downgraded", "escalated", "left"),
        negative=("stable",),
        scores={"red": (5, 40), "amber": (40, 70), "green": (70, 100)},
        models=("health-2.7", "health-2.8"),
        reasons=("logins", "open issues", "survey", "contract age"),
    ),
    "support_triage": Words(
        selected=("P1", "P2", "P2", "P2"),
        left_out=("P3", "P3", "P4"),
        positive=("S1", "S2", "S2"),
        negative=("S3", "S4"),
        scores=dict.fromkeys(("P1", "P2", "P3", "P4"), (0.35, 1.0)),
        hours={"P1": (0.1, 2), "P2": (1, 8), "P3": (8, 40), "P4": (20, 96)},
        models=("triage-1.3", "triage-1.4"),
        reasons=("outage_words", "payment_words", "tone", "plan_rule"),
    ),
    "next_best_offer": Words(
        selected=("discount_10", "discount_10", "discount_20"),
        left_out=("none",),
        positive=("yes",),
        negative=("no",),
        models=("2026-H1", "2026-H2"),
        reasons=("RC01", "RC02", "RC03"),
    ),
    "support_assistant": Words(
        models=("assistant-3.0", "assistant-3.1"),
        reasons=("help_centre", "terms", "order_data", "no_source"),
    ),
}
RAW = {
    "churn_risk": {"customer": "subscriber_id", "score": "churn_probability", "decision": "outreach"},
    "health_score": {"customer": "contact_no", "score": "health_points", "decision": "band"},
    "support_triage": {"customer": "requester_id", "score": "confidence", "decision": "priority"},
    "next_best_offer": {"customer": "customer_key", "decision": "offer"},
    "support_assistant": {"customer": "user_id", "language": "lang"},
}
ANYWHERE = {"model_version": "model_release", "inputs_hash": "input_digest", "sequence": "log_no", "sus": "sus_score"}
"""Exports seldom use the kit's roles as names. A role in neither map keeps its name, in the system's spelling."""


def _spelling(system: str, name: str) -> str:
    first, *rest = name.split("_")
    match system:
        case "health_score":
            return " ".join([first.capitalize(), *rest])
        case "support_triage":
            return first + "".join(word.capitalize() for word in rest)
        case "next_best_offer":
            return name.upper()
        case _:
            return name


def column_name(system: str, table: str, role: str) -> str:
    """The name of a role's column in the system's export; times are named after their table."""
    if role == "time":
        return _spelling(system, f"{table.removesuffix('s')}_at")
    logged = {"outcome": "result_after_90_days"} if table == "decisions" else {}
    return _spelling(system, (RAW[system] | ANYWHERE | logged).get(role, role))


def _suffix(system: str, table: str) -> str:
    loose = {"health_score": ".csv", "support_triage": ".duckdb"}
    if system == "next_best_offer" and table in ("decisions", "customers", "deletion_requests"):
        return ".csv"
    return loose.get(system, ".parquet")


# --- writing -----------------------------------------------------------------------------------------------


def write_tables(parameters: Path) -> list[Path]:
    """Write what is missing or old below `parameters`; returns the files written."""
    whole, written = planted(), []
    shared: Callable[[], Mapping[str, dict[str, Frame]]] = lambda: {"training.csv": {"training": training(whole)}}  # noqa: E731
    makers = {parameters: shared} | {parameters / s: partial(_files, s, whole) for s in whole["systems"]}
    for home, make in makers.items():
        folder = home / "data"
        if not _is_current(folder):
            folder.mkdir(parents=True, exist_ok=True)
            files = make()
            for name, content in files.items():
                _write(folder / name, content)
            project.write_atomic(folder / ".version", "\n".join([version(), *files, ""]).encode())
            written += [folder / name for name in files]
    return written


def version() -> str:
    """Another one whenever this file or planted.yaml is."""
    content = Path(__file__).read_bytes() + PLANTED.read_bytes()
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()[:16]


def _is_current(folder: Path) -> bool:
    marker = folder / ".version"
    known, *names = marker.read_text(encoding="utf-8").split() if marker.is_file() else [""]
    return known == version() and all((folder / name).is_file() for name in names)


def _files(system: str, whole: Facts) -> dict[str, dict[str, Frame]]:
    """A system's files, each with its tables under the export's column names."""
    files: dict[str, dict[str, Frame]] = {}
    for table, frame in tables(system, whole).items():
        suffix = _suffix(system, table)
        name = f"{system if suffix == '.duckdb' else table}{suffix}"
        files.setdefault(name, {})[table] = {column_name(system, table, r): c for r, c in frame.items()}
    return files


def _write(path: Path, content: Mapping[str, Frame]) -> None:
    """Write beside, then rename."""
    arrow = {
        name: pa.table({c: pa.array(values, from_pandas=True) for c, values in frame.items()})
        for name, frame in content.items()
    }
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as folder:
        beside = Path(folder) / path.name
        if path.suffix == ".duckdb":
            import duckdb

            with duckdb.connect(str(beside)) as connection:
                for name, table in arrow.items():
                    connection.register("arrow", table)
                    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM arrow")
        elif path.suffix == ".parquet":
            pyarrow.parquet.write_table(*arrow.values(), beside)
        else:
            pyarrow.csv.write_csv(*arrow.values(), beside, pyarrow.csv.WriteOptions(quoting_style="needed"))
        beside.replace(path)


if __name__ == "__main__":
    found = Path(sys.argv[1]) if sys.argv[1:] else project.require_project(Path.cwd()).parameters
    print(f"{len(write_tables(found))} files written")
