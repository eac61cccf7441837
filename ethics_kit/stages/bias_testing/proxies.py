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
from ethics_kit.report.figures import Figure
from ethics_kit.stages import told
from ethics_kit.stages.bias_testing.explanations import KINDS, order_of
from ethics_kit.stages.bias_testing.labelled import lacking, of_people
from ethics_kit.stages.bias_testing.parity import SEED
from ethics_kit.stages.bias_testing.tested import doubt, uncovered
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed
from ethics_kit.stages.modelled import modelled, sampled

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
    """Decisions with their features and groups, a column each; `awaits` says why influence is not known.

    `stand_ins` are the attributes that the dossier declares to be proxies and that no model is known to read.
    """

    features: pd.DataFrame
    stand_ins: pd.DataFrame
    groups: pd.DataFrame
    size: str
    awaits: str | None = None


@cache
def proxies_found(case: Case) -> Outcome:
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
    tables: list[Table] = []
    drawn: list[Figure] = []
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
        features = found.rows.set_axis(list(found.features), axis=1)
        return People(features, features.iloc[:, :0], found.groups, found.size)
    rows = sampled(case)
    features, groups = (
        rows[[c for c in map(str, rows) if c.startswith(part)]].rename(columns=lambda c: c.partition("_")[2])
        for part in ("feature_", "attribute_")
    )
    declared = [name for name, a in of_people(case) if a.class_ == "proxy"]
    if not len(rows) or not (len(features.columns) or declared):
        return "what the system goes by (features in system.yaml)"
    return People(features, groups[declared], groups, f"a seeded sample of {len(rows):,} decisions", found)


def _known(case: Case, people: People, attribute: str) -> pd.Series[str]:
    """Each row's group; None where it is not known, or has too few rows to tell anything."""
    groups = people.groups[attribute]
    sizes = groups.map(groups.value_counts())
    return groups.where(sizes >= case.dossier.policy.fairness.minimum_group.value)


def _candidates(case: Case, people: People, names: list[str]) -> dict[str, list[Candidate]]:
    """For each attribute the features, those nearest to being a proxy first."""
    order, confidence = order_of(case), case.dossier.policy.fairness.confidence.value
    influence = {f.feature: f.share for f in order.features} if order else {}
    ties: dict[tuple[str, str], Association] = {}
    for name in names:
        group = _known(case, people, name)
        for columns in (people.features, people.stand_ins.drop(columns=name, errors="ignore")):
            for feature in columns:
                ties[name, str(feature)] = measure.association(columns[feature], group, confidence=confidence)
    tested = [pair for pair, tie in ties.items() if tie.p_value is not None]
    p_values = dict(zip(tested, adjusted([ties[pair].p_value or 0.0 for pair in tested]), strict=True))
    least, weight = _limits(case)
    found: dict[str, list[Candidate]] = {name: [] for name in names}
    for (name, feature), tie in ties.items():
        share = influence.get(feature, UNDEFINED)
        verdict = measure.verdict(tie.value, share, association_min=least, influence_min=weight)
        found[name].append(Candidate(feature, tie, share, verdict, p_values.get((name, feature))))
    return {name: sorted(rows, key=_nearness, reverse=True) for name, rows in found.items()}


def _nearness(candidate: Candidate) -> tuple[int, float]:
    """Proxies first, then what may be one, each by association times influence."""
    tie, share = candidate.association.value.value or 0.0, candidate.influence.value
    return ("no_proxy", "inconclusive", "proxy").index(candidate.verdict), tie * (1.0 if share is None else share)


def _proxies_finding(case: Case, people: People, name: str, rows: list[Candidate]) -> Finding:
    if people.awaits is not None:
        return _without_influence(case, people.awaits, name, rows)
    policy, worst, verdicts = case.dossier.policy, rows[0], Counter(c.verdict for c in rows)
    shown = ", ".join(c.feature for c in rows if c.verdict == "proxy")
    unsure = ", ".join(c.feature for c in rows if c.verdict == "inconclusive")
    status = STATUS[worst.verdict]
    if status == "met" and len(people.features) < policy.records.minimum_rows.value:
        status = "inconclusive"
    statement = f"{verdicts['proxy'] or 'None'} of {len(rows)} features that the score goes by stand in for {name}"
    statement += f": {shown}." if shown else "."
    statement += f" Too little is known to tell of {unsure}." if unsure else ""
    tie = worst.association.value
    if tie.value is not None and worst.influence.value is not None:
        nearest = f"association {tie.value:.2f}, influence {worst.influence.value:.0%}"
        statement += f" Nearest to it: {worst.feature}, {nearest}."
    return Finding(
        id=f"S3.3.{name}.proxies",
        requirement="S3.3",
        status=status,
        evidence="measured",
        statement=statement,
        value=tie.value,
        null_reason=None if tie.defined else f"two groups of {name} large enough to compare are not in the sample",
        unit="Cramér's V of the nearest feature",
        interval=Interval(low=tie.low, high=tie.high, level=policy.fairness.confidence.value) if tie.defined else None,
        n=worst.association.n,
        threshold=policy.explanations.proxy_association_min.value,
        method="Cramér's V, corrected for bias, with the noncentral χ² interval; influence is the share of mean "
        "absolute attributions with its bootstrap interval; a proxy reaches both limits",
        source=policy.explanations.proxy_association_min.source,
        action=None
        if status == "met"
        else f"Say why the score has to go by {shown or unsure or 'these features'}, try the model without, or explain "
        "more decisions.",
    )


def _without_influence(case: Case, awaits: str, name: str, rows: list[Candidate]) -> Finding:
    """What goes with the attribute is said even where nobody can tell whether the score goes by it."""
    finding, (least, _) = not_assessed("S3.3", f"{name}.proxies", awaits), _limits(case)
    ties = [(c.feature, c.association.value) for c in rows]
    tied = [f"{feature} ({tie.value or 0.0:.2f})" for feature, tie in ties if (tie.low or 0.0) >= least]
    if not tied:
        return finding
    known = f" Associated with {name}: {', '.join(tied)}; a score that goes by these goes by {name}, too."
    return finding.model_copy(update={"statement": finding.statement + known})


def _predicted_finding(case: Case, people: People, name: str) -> Finding:
    policy = case.dossier.policy
    limit, minimum = policy.explanations.attribute_auc_max, policy.fairness.minimum_group.value
    told_by = people.features.drop(columns=name, errors="ignore")
    if not len(told_by.columns):
        return not_assessed(
            "S3.3", f"{name}.predicted_by_features", "what the system goes by (features in system.yaml)"
        )
    group = _known(case, people, name)
    found = measure.predicted(told_by, group, minimum=minimum, seed=SEED, confidence=policy.fairness.confidence.value)
    able = [p for p in found if p.auc.value is not None]
    if not able:
        awaits = f"two groups of {name} with at least {minimum} decisions in the sample"
        return not_assessed("S3.3", f"{name}.predicted_by_features", awaits)
    best = max(able, key=lambda p: p.auc.value or 0.0)
    small = sorted({*people.groups[name].dropna()} - {p.group for p in able})
    named = f"; too small in the sample: {', '.join(small)}" if small else ""
    n = sum(p.n for p in found)
    whole = not small and n >= policy.records.minimum_rows.value
    status = _predicted_status(able, limit.value, whole=whole)
    value, low, high = told.parts(best.auc)
    return Finding(
        id=f"S3.3.{name}.predicted_by_features",
        requirement="S3.3",
        status=status,
        evidence="measured",
        statement=f"All {len(told_by.columns)} features together tell {name} = {best.group} from the other groups with "
        f"an AUC of {value:.2f}, the highest of {len(able)} groups"
        f"{named}.",
        value=value,
        unit="cross-validated AUC",
        interval=Interval(low=low, high=high, level=policy.fairness.confidence.value),
        n=n,
        threshold=limit.value,
        method=f"linear discriminant of all features' classes, {measure.FOLDS} folds, DeLong variance (LeDell et al. "
        f"2015), {people.size}",
        source=limit.source,
        action=None
        if status == "met"
        else f"Expect gaps by {name} even of a model that leaves it out; where that is not settled, look at more rows.",
    )


def _predicted_status(able: list[Predicted], limit: float, *, whole: bool) -> Status:
    if any((p.auc.low or 0.0) > limit for p in able):
        return "not_met"
    return "met" if whole and all((p.auc.high or 1.0) <= limit for p in able) else "inconclusive"


def _table(case: Case, people: People, name: str, rows: list[Candidate]) -> Table:
    least, weight = _limits(case)
    return Table(
        id=f"S3.3.{name}.proxies",
        title=f"What may stand in for {name}",
        requirement="S3.3",
        columns=["feature", "association", "low", "high", "adjusted p", "influence", "low", "high", "verdict"],
        rows=[
            [
                c.feature,
                *told.parts(c.association.value),
                c.adjusted,
                *told.parts(c.influence),
                c.verdict.replace("_", " "),
            ]
            for c in rows
        ],
        note=f"Cramér's V and the share of mean absolute attributions; limits {least:g} and {weight:.0%}; "
        f"{people.size}, without those of no known {name} or of a group too small to tell. "
        + (f"Influence awaits {people.awaits}." if people.awaits else "p-values of independence, adjusted together."),
    )
