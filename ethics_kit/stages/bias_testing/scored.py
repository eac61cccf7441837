"""What scores, waiting times and hold-outs tell by group, where every row stands for itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import ibis
import ibis.expr.types as ir

from ethics_kit.measures import amounts, calibration, fairness, proportions, ranking, scores, sums, uplift
from ethics_kit.measures.amounts import ForecastErrors, MeanGap
from ethics_kit.measures.calibration import Calibration
from ethics_kit.measures.counts import UNKNOWN
from ethics_kit.measures.fairness import Comparison
from ethics_kit.measures.ranking import TopK
from ethics_kit.measures.scores import ScoreSums, Summary
from ethics_kit.measures.sums import Moments
from ethics_kit.measures.uplift import Uplift
from ethics_kit.stages.bias_testing.families import Family
from ethics_kit.stages.case import Case
from ethics_kit.stages.labelled import Labelled, labelled

GOOD = ("retained", "resolved")
"""What a treatment is to bring about; the first that is there counts."""

SUMMARY_BINS = 100
"""Percentiles of scores are told to a hundredth of their range."""

WHOLE = 100
"""Percent of the capacity at which groups are compared; other shares are shown."""


def independent(case: Case) -> bool:
    """Whether every row stands for itself: none repeats within a unit, none carries a weight."""
    known = labelled(case)
    return not (known.repeated or known.weighted)


def _table(known: Labelled, *columns: str, **computed: ir.Value) -> ir.Table:
    """The attributes under their own names, and what else is needed."""
    names = {name: known.events[f"attribute_{name}"] for name in known.compared}
    return known.events.select(**names, **{c: known.events[c] for c in columns}, **computed)


@cache
def calibrations(case: Case, confidence: float) -> dict[str, dict[str, Calibration]]:
    """Per attribute and group, how probabilities agree with what was observed."""
    held = _probabilities(case)
    return {name: calibration.calibrations(held, name, confidence=confidence) for name in held.groups} if held else {}


@cache
def _probabilities(case: Case) -> ScoreSums | None:
    known = labelled(case)
    if case.dossier.system.score_is != "probability" or not {"score", "positive"} <= set(known.events.columns):
        return None
    return scores.score_sums(_table(known, "score", "positive"), known.compared) if independent(case) else None


def calibrated_apart(case: Case) -> Iterator[Family]:
    """Whether scores are right to the same degree for each group and the rest."""
    policy = case.dossier.policy.fairness
    wide, narrow = calibrations(case, policy.confidence.value), calibrations(case, 0.9)
    for name, groups in wide.items():
        known = {group: c for group, c in groups.items() if group != UNKNOWN}
        whole = sum(c.n for c in known.values())
        for group, found in known.items():
            yield (
                "C2.3",
                Comparison(
                    attribute=name,
                    metric="calibration",
                    group=group,
                    n=found.n,
                    rest_n=whole - found.n,
                    effective=found.n,
                    rest_effective=whole - found.n,
                    rate=found.in_the_large,
                    rest_rate=proportions.UNDEFINED,
                    gap=found.difference,
                    equivalence=narrow[name][group].difference,
                    p_value=found.difference_p_value,
                    margin=policy.calibration_margin.value,
                    variance=0.25,  # the largest an outcome of 0 or 1 can have
                ),
            )


@cache
def places(case: Case) -> dict[int, TopK]:
    """Who is among the first k, for each share of the capacity in percent."""
    known, capacity = labelled(case), case.dossier.system.decision.capacity
    ordered = case.dossier.system.score_is in ("probability", "rank") and "score" in known.events.columns
    if not ordered or capacity is None or not independent(case):
        return {}
    positive = known.events.positive if "positive" in known.flags else ibis.null("boolean")
    wanted = {*case.dossier.policy.fairness.capacity_shares.value, 1.0}
    shares = {round(share * 100): round(share * capacity) for share in sorted(wanted)}
    shares = {percent: k for percent, k in shares.items() if 0 < k < known.rows}
    table = _table(known, "score", positive=positive)
    found = ranking.top_k(table, known.compared, list(shares.values()), highest_first=_highest_first(known))
    return {percent: found[k] for percent, k in shares.items()}


def _highest_first(known: Labelled) -> bool:
    """Whether high scores are selected, told from those who were."""
    score, selected = known.events.score, known.events.selected
    row = known.events.aggregate(yes=score.mean(where=selected), no=score.mean(where=~selected)).to_pyarrow()
    means = row.to_pylist()[0]
    return means["yes"] is None or means["no"] is None or bool(means["yes"] >= means["no"])


def under_capacity(case: Case) -> Iterator[Family]:
    """Each group's share among the first that can be served, and the share of its positives found there."""
    policy, found = case.dossier.policy.fairness, places(case).get(WHOLE)
    for name, groups in (found.groups if found else {}).items():
        known = {group: p for group, p in groups.items() if group != UNKNOWN}
        cells = {"top_k": [(g, p.selected, p.rows) for g, p in known.items()]}
        if any(p.positives for p in known.values()):
            cells["recall_at_k"] = [(g, p.selected_positives, p.positives) for g, p in known.items()]
        for metric, rows in cells.items():
            pairs = proportions.independent(rows)
            for comparison in fairness.compare(
                name, metric, pairs, margin=policy.margin.value, confidence=policy.confidence.value
            ):
                yield "P2.2", comparison


@cache
def waits(case: Case) -> dict[str, dict[str, MeanGap]]:
    """Per attribute and group, the mean wait less that of others treated alike. One value per unit: its mean."""
    known = labelled(case)
    if not {"wait_hours", "treatment"} <= set(known.events.columns) or known.weighted:
        return {}
    table = _table(known, "unit", "treatment", "wait_hours")
    keys = [*known.compared, "unit", "treatment"]
    by_unit = table.group_by(keys).aggregate(wait_hours=table.wait_hours.mean())
    held = amounts.moments(by_unit, known.compared, "wait_hours", by=("treatment",))
    confidence = case.dossier.policy.fairness.confidence.value
    return {
        name: {
            group: amounts.stratified_gap(strata, confidence=confidence)
            for group, strata in sums.against_rest(groups).items()
        }
        for name, groups in held.items()
    }


def waited(case: Case) -> Iterator[Family]:
    """Hours waited by group, among people treated alike."""
    if not waits(case):
        return
    known, policy = labelled(case), case.dossier.policy.fairness
    wait = known.events.wait_hours
    row = known.events.aggregate(mean=wait.mean(), variance=wait.var()).to_pyarrow().to_pylist()[0]
    if not row["mean"]:
        return
    for name, groups in waits(case).items():
        for group, found in groups.items():
            yield (
                "C2.3",
                _of_means(
                    name,
                    "wait_hours",
                    group,
                    found,
                    margin=policy.result_margin.value * row["mean"],
                    variance=row["variance"],
                    within="treatment",
                ),
            )


def _of_means(
    name: str,
    metric: str,
    group: str,
    found: MeanGap,
    *,
    margin: float,
    variance: float | None,
    within: str | None = None,
) -> Comparison:
    return Comparison(
        attribute=name,
        metric=metric,
        group=group,
        n=found.n,
        rest_n=found.rest_n,
        effective=found.n,
        rest_effective=found.rest_n,
        rate=proportions.Estimate(found.mean, None, None),
        rest_rate=proportions.Estimate(found.rest_mean, None, None),
        gap=found.gap,
        equivalence=found.equivalence,
        p_value=found.p_value,
        margin=margin,
        within=within,
        variance=variance,
    )


@cache
def hold_out(case: Case) -> Uplift | None:
    """What acting changes, against those held out by chance; None where nobody was, or rows repeat."""
    known = labelled(case)
    good = next((flag for flag in GOOD if flag in known.flags), None)
    if good is None or "holdout" not in known.events.columns or not independent(case):
        return None
    held = known.events.holdout
    score = known.events.score if "score" in known.events.columns else ibis.null("float64")
    treated = held.cast("int8") == 0  # not ~held: ibis 12 writes NOT held IS NOT NULL, which SQL reads the other way
    table = _table(known, treated=treated, good=known.events[good], score=score)
    table = table.filter(table.treated.notnull())
    return uplift.uplift(table, known.compared, confidence=case.dossier.policy.fairness.confidence.value)


@cache
def forecasts(case: Case) -> dict[str, dict[str, ForecastErrors]]:
    """Per attribute and group, the errors of a forecast against what came of it. One value per row."""
    known = labelled(case)
    if case.dossier.system.score_is != "forecast" or not {"score", "actual"} <= set(known.events.columns):
        return {}
    if not independent(case):
        return {}
    table = _table(known, "score", target=known.events.actual)
    return amounts.forecast_errors(table, known.compared, confidence=case.dossier.policy.fairness.confidence.value)


def forecast_apart(case: Case) -> Iterator[Family]:
    """Whether a forecast errs for each group as for the others."""
    policy, actual = case.dossier.policy.fairness, labelled(case).events
    if not forecasts(case):
        return
    size = actual.actual.abs().mean().to_pyarrow().as_py() or 0.0
    for name, groups in forecasts(case).items():
        known = {group: errors for group, errors in groups.items() if group != UNKNOWN}
        for group, errors in known.items():
            rest = sum((other.error for g, other in known.items() if g != group), Moments())
            found = amounts.mean_gap(errors.error, rest, confidence=policy.confidence.value)
            margin = policy.result_margin.value * size
            yield (
                "C2.3",
                _of_means(name, "forecast_error", group, found, margin=margin, variance=errors.error.variance),
            )


@cache
def summaries(case: Case) -> dict[str, dict[str, Summary]]:
    """Per attribute and group, mean and percentiles of the score."""
    known = labelled(case)
    if "score" not in known.events.columns or not independent(case):
        return {}
    score = known.events.score
    ends = known.events.aggregate(low=score.min(), high=score.max()).to_pyarrow().to_pylist()[0]
    if ends["low"] is None or ends["low"] == ends["high"]:
        return {}
    positive = known.events.positive if "positive" in known.flags else ibis.null("boolean")
    table = _table(known, "score", positive=positive)
    held = scores.score_sums(table, known.compared, bins=SUMMARY_BINS, low=ends["low"], high=ends["high"])
    confidence = case.dossier.policy.fairness.confidence.value
    return {name: scores.summary(held, name, confidence=confidence) for name in known.compared}
