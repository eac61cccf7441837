"""The customers of a system, and the event of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ethics_kit.examples import drawing as draw
from ethics_kit.examples.drawing import DAY, SECOND, Array, Facts, Frame


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


def customers_of(facts: Facts, whole: Facts) -> People:
    rng = np.random.default_rng(facts["seed"])
    driver, planned = next((name, g["cells"]) for name, g in facts["groups"].items() if "cells" in g)
    counts = np.array(list(planned.values()))
    group, cell = np.divmod(np.repeat(np.arange(counts.size), counts.ravel()), counts.shape[1])
    first, last, matures = (draw.moment(d) for d in (*whole["period"], whole["matures"]))
    spans = {True: (first, matures), False: (matures, last + DAY * SECOND)}
    mature = (cell < 4) & (counts.shape[1] > 1)
    time = np.empty(len(cell), "M8[s]")
    for known, (start, end) in spans.items():
        time[mature == known] = draw.between(rng, start, end, int((mature == known).sum()))
    if counts.shape[1] == 1:
        time = draw.between(rng, first, last + DAY * SECOND, len(cell))
    order = np.lexsort((rng.permutation(len(time)), time))
    group, cell, time = group[order], cell[order], time[order]
    attributes = {driver: draw.objects(planned)[group]}
    for name, spec in facts["groups"].items():
        if "shares" in spec:
            attributes[name] = _spread(rng, cell, dict.fromkeys(range(6), spec["shares"]))
        elif "shares_by" in spec:
            by_group = {i * 6 + c: spec["shares_by"][g] for i, g in enumerate(planned) for c in range(6)}
            attributes[name] = _spread(rng, group * 6 + cell, by_group)
    rows = np.concatenate([np.arange(len(cell)), rng.integers(0, len(cell), facts["undecided"])])
    attributes = {n: draw.where(column == "unknown", None, column)[rows] for n, column in attributes.items()}
    ids = draw.objects(f"C{number}" for number in 100_000 + rng.permutation(400_000)[: len(rows)])
    purpose = rng.permutation(np.repeat(draw.objects(facts["purposes"]), list(facts["purposes"].values())))
    return People(
        facts, draw.moment(whole["as_of"]), rng, ids[: len(cell)], time, cell, purpose, attributes, ids[len(cell) :]
    )


def _spread(rng: np.random.Generator, strata: Array, shares: Mapping[int, Facts]) -> Array:
    """A label for each row; in every stratum the labels have exactly its shares."""
    labels = draw.repeated(None, len(strata))
    for stratum in np.unique(strata).tolist():
        rows, wanted = np.flatnonzero(strata == stratum), shares[stratum]
        labels[rows] = rng.permutation(np.repeat(draw.objects(wanted), draw.quotas(len(rows), wanted)))
    return labels


def events_of(people: People, words: Words) -> Frame:
    """The decisions or conversations with their audit log; the planted rows lack one field each."""
    rng, facts, n = people.rng, people.facts, len(people.customer)
    gaps = np.isin(np.arange(n), rng.choice(np.arange(1, n), facts["sequence_gaps"], replace=False))
    frame = {
        "id": draw.objects(f"E{number:06d}" for number in range(1, n + 1)),
        "customer": people.customer,
        "time": people.time,
        **(_decided(people, words) if words.selected else _talked(people)),
        "purpose": people.purpose,
        "model_version": draw.objects(words.models)[(people.time >= draw.moment("2026-07-15")).astype(int)],
        "inputs_hash": draw.objects(f"{number:016x}" for number in rng.integers(0, 2**63, n)),
        "reason": rng.choice(draw.objects(words.reasons), n),
        "actor": rng.choice(draw.objects(["service", "service", "service", "staff"]), n),
        "sequence": np.arange(1, n + 1) + np.cumsum(gaps),
    }
    fields = [f for f in ("model_version", "inputs_hash", "score", "reason", "actor") if f in frame]
    incomplete = draw.parts(rng, np.arange(n), [facts["audit_log_incomplete"]])[0]
    for role, rows in zip(fields, np.array_split(incomplete, len(fields)), strict=True):
        frame[role][rows] = np.nan if role == "score" else None
    return frame


def _decided(people: People, words: Words) -> Frame:
    rng, cell, n = people.rng, people.cell, len(people.cell)

    def chosen_by(yes: Array, *choices: tuple[Any, ...]) -> Array:
        first, second = (rng.choice(draw.objects(c), n) for c in choices)
        return draw.where(yes, first, second)

    def within(ranges: Mapping[Any, tuple[float, float]]) -> Array:
        low, high = np.array([ranges[d] for d in decision.tolist()]).T
        return np.asarray(low + (high - low) * rng.beta(2, 2, n))

    decision = chosen_by(np.isin(cell, (0, 1, 4)), words.selected, words.left_out)
    changed = rng.random(n) < 0.06
    action = draw.where(changed, chosen_by(changed, words.selected, words.left_out), decision)
    outcome = chosen_by(np.isin(cell, (0, 2)), words.positive, words.negative)
    frame = {"decision": decision, "action": action, "outcome": draw.where(cell < 4, outcome, None)}
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
            chosen[draw.parts(rng, np.flatnonzero(of_group & among), [count])[0]] = True
        return chosen

    everyone, grounded = np.ones(n, dtype=bool), draw.repeated(None, n)
    refused, asked = marked("refused", everyone), marked("handover_asked", everyone)
    resolved = marked("resolved", ~refused)
    checked = rng.permutation(n)[: facts["checked"]]
    grounded[checked] = np.arange(len(checked)) >= facts["not_grounded"]
    return {
        "language": language,
        "disclosed": rng.permutation(n) >= facts["not_disclosed"],
        "handover_asked": asked,
        "handover_granted": draw.where(asked, marked("handover_granted", asked), None),
        "resolved": resolved,
        "reopened": marked("reopened", resolved),
        "refused": refused,
        "grounded": grounded,
    }
