"""S3.3: whether the features that attributions name are those the model goes by."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from ethics_kit.measures.additivity import SINGLE, Additivity, additivity, precision
from ethics_kit.measures.agreement import Agreement, agreement
from ethics_kit.measures.faithfulness import Faithfulness, faithfulness
from ethics_kit.measures.proportions import Estimate
from ethics_kit.measures.rankstability import Stability, rank_stability
from ethics_kit.measures.scoring import ModelError
from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.report import figures
from ethics_kit.schema.thresholds import Threshold
from ethics_kit.stages import told
from ethics_kit.stages.bias_testing.parity import SEED
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed, share_finding
from ethics_kit.stages.modelled import Modelled, modelled

KINDS = ("scored", "ranked")
MODEL = (
    "the model itself (model.file or model.plugin in system.yaml): a table of attributions does not show what changing "
    "a feature does to the score"
)


@cache
def explanations_verified(case: Case) -> Outcome:
    """S3.3: attributions add up, their order holds, the model goes by them, and permuting features agrees."""
    if case.dossier.system.kind not in KINDS:
        return Outcome()
    found = modelled(case)
    if isinstance(found, str):
        checks = ("additivity", "stability", "faithfulness", "agreement")
        return Outcome(tuple(not_assessed("S3.3", name, found) for name in checks))
    order = order_of(case)
    findings = [_adds_up(case, found), _stable(case, found, order)]
    asked = _asked(case, found)
    permuted = None if isinstance(asked, str) else asked[1]
    tables = [_importance(found, order, permuted)] if order else []
    if isinstance(asked, str):
        findings += [not_assessed("S3.3", name, asked) for name in ("faithfulness", "agreement")]
    else:
        findings += [_faithful(case, found, asked[0]), _agrees(case, found, asked[1])]
        tables += _curves(asked[0])
    return Outcome(tuple(findings), tuple(tables), figures.rank_intervals(order) if order else ())


def _asked(case: Case, found: Modelled) -> tuple[Faithfulness, Agreement] | str:
    """What the model says of rows with features exchanged, or what that awaits."""
    if found.model is None:
        return MODEL
    confidence = case.dossier.policy.fairness.confidence.value
    held = (found.model.output, found.rows, found.values)
    try:
        return (
            faithfulness(*held, seed=SEED, confidence=confidence),
            agreement(*held, seed=SEED, confidence=confidence),
        )
    except ModelError as error:
        return f"a model that can score decisions with a feature exchanged ({error})"


@cache
def order_of(case: Case) -> Stability | None:
    """The features by influence; None where no decision has attributions, or none of them differs from 0."""
    found = modelled(case)
    if isinstance(found, str) or not np.any(found.values[found.known]):
        return None
    confidence = case.dossier.policy.fairness.confidence.value
    return rank_stability(found.values[found.known], found.features, seed=SEED, confidence=confidence)


def _adds_up(case: Case, found: Modelled) -> Finding:
    scored = np.isfinite(found.attributions.output)
    if not scored.any():
        return not_assessed("S3.3", "additivity", case.lacking("decisions", "score"))
    sums = _sums(case, found, scored)
    finding = share_finding(
        case,
        "S3.3",
        "additivity",
        sums.outside,
        sums.n,
        statement=f"In {sums.outside:,} of {sums.n:,} decisions the attributions miss what they explain by more than "
        f"rounding{f' (largest error {sums.largest:.1e})' if np.isfinite(sums.largest) else ''}.",
        at_most=0.0,
        unit="share of decisions",
        action="Export base and attributions of this model version, one for each feature, unrounded.",
        source="Lundberg and Lee 2017: local accuracy.",
    )
    method = f"{found.size}; attributions: {found.attributions.method}; Wilson score interval"
    return finding.model_copy(update={"method": method})


def _sums(case: Case, found: Modelled, scored: npt.NDArray[np.bool_]) -> Additivity:
    """Of a table also against the log-odds of a probability, which is what makers of trees hand out attributions of."""
    parts = found.attributions
    values, base, output = parts.values[scored], parts.base[scored], parts.output[scored]
    if found.model is not None:
        return additivity(values, base, output, tolerance=precision(values, output))
    outputs = [output]
    if case.dossier.system.score_is == "probability" and np.all((output > 0) & (output < 1)):
        outputs.append(np.log(output / (1 - output)))
    return min((additivity(values, base, o, tolerance=SINGLE) for o in outputs), key=lambda sums: sums.outside)


def _stable(case: Case, found: Modelled, order: Stability | None) -> Finding:
    policy = case.dossier.policy
    if order is None:
        return not_assessed("S3.3", "stability", "a feature whose attributions are not all 0")
    leading = order.sets[0]
    most = policy.explanations.top_features
    settled = len(leading) <= most.value and order.n >= policy.records.minimum_rows.value
    named = ", ".join(leading[:6]) + (f" and {len(leading) - 6} more" if len(leading) > 6 else "")
    return Finding(
        id="S3.3.stability",
        requirement="S3.3",
        status="met" if settled else "inconclusive",
        evidence="measured",
        statement=f"Among the {len(order.features)} features the rows show as the most influential set: {named}. "
        f"Within a set no order is claimed. {told.sentence(found.size)}.",
        value=len(leading),
        unit="features in the leading set",
        n=order.n,
        threshold=most.value,
        method="bootstrap of mean absolute attributions; sets that come first in the draws, all together at the "
        "policy's confidence; of this model: one trained again may differ by more",
        source=most.source,
        action=None if settled else "Explain more decisions, or give no order of reasons that the data cannot support.",
    )


def _faithful(case: Case, found: Modelled, removed: Faithfulness) -> Finding:
    worst = min(removed.deletion, removed.insertion, key=lambda e: e.value or 0.0)
    if worst.value is None:
        return not_assessed("S3.3", "faithfulness", "a model of two features or more whose score depends on them")
    ways = " and ".join(
        f"{(e.value or 0.0):.0%} ({name})"
        for name, e in (("deletion", removed.deletion), ("insertion", removed.insertion))
    )
    return _judged(
        case,
        found,
        "faithfulness",
        worst,
        case.dossier.policy.explanations.faithfulness_min,
        statement=f"Replacing features in the order of their attributions moves the score sooner than in random "
        f"orders, by {ways} of the whole change.",
        unit="share of the change",
        method="deletion and insertion curves against random orders, features replaced by those of another decision "
        "(Petsiuk et al. 2018); rows so made may be unlike any real one (Hooker et al. 2019)",
    )


def _agrees(case: Case, found: Modelled, permuted: Agreement) -> Finding:
    if permuted.overlap.value is None:
        return not_assessed("S3.3", "agreement", "a model whose score depends on its features")
    ranks = permuted.rank_correlation.value
    return _judged(
        case,
        found,
        "agreement",
        permuted.overlap,
        case.dossier.policy.explanations.agreement_min,
        statement=f"Attributions and permutation importance share {permuted.overlap.value:.0%} of the weight they give "
        f"to features{'' if ranks is None else f'; rank correlation {ranks:.2f}'}.",
        unit="share of weight in common",
        method="root mean square attribution against the root mean square change of the score when a feature is "
        "permuted (Fisher, Rudin and Dominici 2019); bootstrap",
    )


def _judged(
    case: Case,
    found: Modelled,
    name: str,
    estimate: Estimate,
    limit: Threshold[float],
    *,
    statement: str,
    unit: str,
    method: str,
) -> Finding:
    policy, n = case.dossier.policy, len(found.rows)
    low, high = estimate.low or 0.0, estimate.high or 0.0
    status: Status = "not_met" if high < limit.value else "inconclusive"
    if low >= limit.value and n >= policy.records.minimum_rows.value:
        status = "met"
    return Finding(
        id=f"S3.3.{name}",
        requirement="S3.3",
        status=status,
        evidence="measured",
        statement=f"{statement} {told.sentence(found.size)}.",
        value=estimate.value,
        unit=unit,
        interval=Interval(low=low, high=high, level=policy.fairness.confidence.value),
        n=n,
        threshold=limit.value,
        method=method,
        source=limit.source,
        action=None if status == "met" else "Explain the model by a method made for its kind, on this model version.",
    )


def _importance(found: Modelled, order: Stability, permuted: Agreement | None) -> Table:
    squares = zip(permuted.attributed, permuted.permuted, strict=True) if permuted else ()
    again = dict(zip(found.features, squares, strict=False))
    sets = "; ".join(", ".join(features) for features in order.sets)
    return Table(
        id="S3.3.importance",
        title="How much each feature counts",
        requirement="S3.3",
        columns=[
            "feature",
            "share of attributions",
            "low",
            "high",
            "rank",
            "from",
            "to",
            "root mean square",
            "permuted",
        ],
        rows=[
            [f.feature, *told.parts(f.share), f.rank, f.lowest, f.highest, *again.get(f.feature, (None, None))]
            for f in order.features
        ],
        note=f"Mean absolute attributions; {found.attributions.method}; {found.size}. Sets whose order the rows "
        f"support: {sets}. The last two columns are shares of root mean squares: of attributions, and of the "
        "score's change when the feature is permuted.",
    )


def _curves(removed: Faithfulness) -> list[Table]:
    if not removed.curves:
        return []
    curves = pd.DataFrame(removed.curves)
    return [
        Table(
            id="S3.3.deletion",
            title="The mean score as features are replaced",
            requirement="S3.3",
            columns=["features replaced", "highest attribution first", "lowest first", "random order"],
            rows=[[k, *row] for k, row in enumerate(curves[["attributions", "reverse", "random"]].to_numpy().tolist())],
            note=f"What attributions explain, on average over {removed.n:,} decisions; features are replaced by those "
            "of another decision. The further the first two lie on either side of the third, the better.",
        )
    ]
