"""Whether people who are alike are treated alike: neighbours, flipped attributes, paired swaps. On a seeded sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import ibis
import pandas as pd

from ethics_kit.measures import individual, paired
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.individual import Consistency
from ethics_kit.measures.paired import Flips, Paired
from ethics_kit.measures.proportions import Estimate, rate
from ethics_kit.measures.scoring import ModelError
from ethics_kit.stages import modelled
from ethics_kit.stages.bias_testing.families import Family
from ethics_kit.stages.case import Case
from ethics_kit.stages.labelled import labelled


@cache
def sample(case: Case) -> pd.DataFrame | None:
    """Rows with every feature's name and ``attribute_…`` as columns and `selected`: one row per unit, drawn by hash.

    None where the dossier names no features, or nothing is decided.
    """
    known, features = labelled(case), case.dossier.system.features
    if not features or "selected" not in known.flags:
        return None
    events, limit = known.events, case.dossier.policy.fairness.sample_rows.value
    place = events.unit.cast("string").hexdigest("md5")
    ranked = events.mutate(
        place=place, nth=ibis.row_number().over(group_by=events.unit, order_by=[events.time, events.selected])
    )
    names = {name: ranked[f"feature_{name}"] for name in features}
    groups = {f"attribute_{name}": ranked[f"attribute_{name}"] for name in known.compared}
    one_each = ranked.filter(ranked.nth == 0).order_by("place").limit(limit)
    rows: pd.DataFrame = one_each.select(selected="selected", **names, **groups).to_pyarrow().to_pandas()
    return rows


@cache
def consistency(case: Case) -> Consistency | None:
    """How often people are decided on like their nearest neighbours."""
    rows = sample(case)
    if rows is None:
        return None
    policy = case.dossier.policy.fairness
    return individual.consistency(
        rows[list(case.dossier.system.features)],
        rows["selected"],
        neighbours=policy.neighbours.value,
        confidence=policy.confidence.value,
    )


def next_to_each_other(case: Case) -> Iterator[Family]:
    """Each group's members against their nearest neighbours of other groups."""
    rows, policy = sample(case), case.dossier.policy.fairness
    if rows is None:
        return
    for name in labelled(case).compared:
        known = rows[rows[f"attribute_{name}"].notna()]
        group, features = known[f"attribute_{name}"], known[list(case.dossier.system.features)]
        caliper = individual.reach(features, neighbours=policy.neighbours.value)
        for value in sorted(group.unique()):
            found = individual.neighbour_pairs(
                features,
                group == value,
                known["selected"],
                neighbours=policy.neighbours.value,
                caliper=caliper,
                confidence=policy.confidence.value,
            )
            own = known["selected"][group == value]
            share = rate(int(own.sum()), len(own), confidence=policy.confidence.value)
            yield "C2.2", _of_sample(
                case, name, "neighbour_selection", value, share, found.difference, found.equivalence, found.p_value,
                n=found.matched, rest_n=len(known) - len(own),
            )  # fmt: skip


@dataclass(frozen=True)
class Flipped:
    """What flipping each attribute does to the model's decisions, or why that could not be tried."""

    flips: dict[str, Flips]
    failed: str | None = None


@cache
def flipped_attributes(case: Case) -> Flipped | None:
    """Decisions of the model with each protected attribute as it is and set to each other value; None without a model.

    The threshold is the score at which as many of the sample are selected as were.
    """
    rows, model = sample(case), modelled.model_of(case)
    if rows is None or model is None:
        return None
    if isinstance(model, str):
        return Flipped({}, model)
    system = case.dossier.system
    columns = {name: feature.training or feature.column for name, feature in system.features.items()}
    columns |= {f"attribute_{name}": system.attributes[name].column or name for name in labelled(case).compared}
    data = rows.rename(columns=columns)
    try:
        scores = pd.Series(model.score(data))
    except ModelError as error:
        return Flipped({}, str(error))
    threshold = float(scores.quantile(1 - rows["selected"].mean(), interpolation="higher"))
    found = {}
    for name in labelled(case).compared:
        column = columns[f"attribute_{name}"]
        if data[column].nunique() <= paired.MOST_VALUES:
            found[name] = paired.flips(
                model, data, column, threshold=threshold, confidence=case.dossier.policy.fairness.confidence.value
            )
    return Flipped(found)


def flipped(case: Case) -> Iterator[Family]:
    """Decisions with the attribute changed less those as they are, all else unchanged."""
    held, confidence = flipped_attributes(case), case.dossier.policy.fairness.confidence.value
    for name, found in (held.flips if held else {}).items():
        for flip in found.flips:
            as_is = flip.paired
            pairs = paired.paired(as_is.both, as_is.second_only, as_is.first_only, as_is.neither, confidence=confidence)
            yield "C2.2", _of_pairs(case, name, "flip", f"{flip.value} → {flip.other}", pairs)


def swapped(case: Case) -> Iterator[Family]:
    """Answers to the same prompt under another name or dialect: right after the swap less right before it."""
    if case.dossier.system.kind != "generative" or not case.has("name_swaps", "pair", "group"):
        return
    table = case.table("name_swaps")
    cells = table.group_by(["group", "swapped_ok", "baseline_ok"]).aggregate(rows=ibis._.count())
    counts: dict[str, dict[tuple[bool, bool], int]] = {}
    for row in cells.order_by("group").to_pyarrow().to_pylist():
        counts.setdefault(row["group"], {})[row["swapped_ok"], row["baseline_ok"]] = row["rows"]
    confidence = case.dossier.policy.fairness.confidence.value
    for group, found in counts.items():
        outcomes = ((True, True), (True, False), (False, True), (False, False))
        pairs = paired.paired(*(found.get(cell, 0) for cell in outcomes), confidence=confidence)
        yield "S3.1", _of_pairs(case, "name", "swap", group, pairs)


def _of_pairs(case: Case, name: str, metric: str, group: str, found: Paired) -> Comparison:
    confidence = case.dossier.policy.fairness.confidence.value
    share = rate(found.both + found.first_only, found.n, confidence=confidence)
    return _of_sample(
        case, name, metric, group, share, found.difference, found.equivalence, found.p_value, n=found.n, rest_n=found.n
    )


def _of_sample(
    case: Case,
    name: str,
    metric: str,
    group: str,
    share: Estimate,
    gap: Estimate,
    equivalence: Estimate,
    p_value: float | None,
    *,
    n: int,
    rest_n: int,
) -> Comparison:
    return Comparison(
        attribute=name,
        metric=metric,
        group=group,
        n=n,
        rest_n=rest_n,
        effective=n,
        rest_effective=rest_n,
        rate=share,
        rest_rate=share,
        gap=gap,
        equivalence=equivalence,
        p_value=p_value,
        margin=case.dossier.policy.fairness.margin.value,
    )
