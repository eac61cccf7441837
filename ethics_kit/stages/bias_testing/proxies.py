"""S3.3: which features stand in for an attribute of people: they are associated with it, and the score goes by them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

import pandas as pd

from ethics_kit.measures import proxies as measure
from ethics_kit.measures.proportions import UNDEFINED, Estimate, adjusted
from ethics_kit.measures.proxies import Association, Predicted
from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.report import figures
from ethics_kit.stages.bias_testing import individuals, told
from ethics_kit.stages.bias_testing.explanations import KINDS, order_of
from ethics_kit.stages.bias_testing.labelled import lacking, of_people
from ethics_kit.stages.bias_testing.parity import SEED
from ethics_kit.stages.bias_testing.tested import doubt, uncovered
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed
from ethics_kit.stages.modelled import modelled

STATUS: dict[str, Status] = {"proxy": "not_met", "inconclusive": "inconclusive", "no_proxy": "met"}
WHAT = ("proxies", "predicted_by_features")


@dataclass(frozen=True)
class Candidate:
    """A feature that may stand in for an attribute; `adjusted` is the association's p-value, over the whole record."""

    feature: str
    association: Association
    influence: Estimate
    verdict: measure.Verdict
    adjusted: float | None = None


@dataclass(frozen=True)
class People:
    """Decisions with their features and groups, a column each; `awaits` says why influence is not known."""

    features: pd.DataFrame
    groups: pd.DataFrame
    size: str
    awaits: str | None = None


@cache
def proxies(case: Case) -> Outcome:
    """S3.3: for each attribute of people, the features that stand in for it, and how well all of them tell it."""
    if case.dossier.system.kind not in KINDS:
        return Outcome()
    people = lacking(case) or _people(case)
    if isinstance(people, str):
        return Outcome(tuple(not_assessed("S3.3", what, people) for what in WHAT))
    findings = [f for what in WHAT for f in uncovered(case, "S3.3", what)]
    doubted = {name: doubt(case, name) for name, _ in of_people(case)}
    findings += [not_assessed("S3.3", f"{name}.{what}", d) for name, d in doubted.items() if d for what in WHAT]
    names = [name for name, why in doubted.items() if not why]
    tables, drawn = [], []
    for name, rows in _candidates(case, people, names).items():
        findings += [_proxies_finding(case, people, name, rows), _predicted_finding(case, people, name)]
        tables += [_table(case, people, name, rows)] if rows else []
        drawn += figures.proxies(
            name, [(c.feature, c.association.value, c.influence, c.verdict) for c in rows], limits=_limits(case)
        )
    return Outcome(tuple(findings), tuple(tables), tuple(drawn))


def _limits(case: Case) -> tuple[float, float]:
    policy = case.dossier.policy.explanations
    return policy.proxy_association_min.value, policy.proxy_influence_min.value


def _people(case: Case) -> People | str:
    """What the model was asked about; without a model the same features of a sample of decisions."""
    found = modelled(case)
    if not isinstance(found, str):
        return People(found.rows.set_axis(list(found.features), axis=1), found.groups, found.size)
    rows = individuals.sample(case)
    if rows is None or not len(rows):
        return "what the system goes by (features in system.yaml)"
    groups = rows[[c for c in rows.columns if c.startswith("attribute_")]].rename(
        columns=lambda c: c.removeprefix("attribute_")
    )
    stand_ins = {name: groups[name] for name, a in of_people(case) if a.class_ == "proxy" and name in groups}
    features = rows[list(case.dossier.system.features)].assign(**stand_ins)
    return People(features, groups, f"a seeded sample of {len(rows):,} decisions", found)


def _known(case: Case, people: People, attribute: str) -> pd.Series[str]:
    """Each row's group; None where it is not known, or has too few rows to tell anything."""
    groups = people.groups[attribute]
    sizes = groups.map(groups.value_counts())
    return groups.where(sizes >= case.dossier.policy.fairness.minimum_group.value)


def _candidates(case: Case, people: People, names: list[str]) -> dict[str, list[Candidate]]:
    """For each attribute the features, those nearest to being a proxy first."""
    order, confidence = order_of(case), case.dossier.policy.fairness.confidence.value
    influence = {f.feature: f.share for f in order.features} if order else {}
    least, weight = _limits(case)
    found = {}
    for name in names:
        group = _known(case, people, name)
        rows = []
        for feature in people.features if people.awaits is None else people.features.columns.drop(name, errors="ignore"):
            tie = measure.association(people.features[feature], group, confidence=confidence)
            share = influence.get(feature, UNDEFINED)
            verdict = measure.verdict(tie.value, share, association_min=least, influence_min=weight)
            rows.append(Candidate(feature, tie, share, verdict))
        found[name] = rows
    return {name: sorted(rows, key=_nearness, reverse=True) for name, rows in _with_adjusted(found).items()}
