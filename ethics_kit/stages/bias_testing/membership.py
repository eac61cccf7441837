"""S3.2: whether the model's scores give away who was among the rows it was trained on."""

from __future__ import annotations

from functools import cache

import ibis
import ibis.expr.types as ir

from ethics_kit.measures import membership
from ethics_kit.measures.membership import Attack
from ethics_kit.measures.proportions import Estimate
from ethics_kit.record import Finding, Interval, Status
from ethics_kit.schema.thresholds import Threshold
from ethics_kit.stages import events
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed

TABLE = "training_sample"
METHOD = (
    "loss-threshold attack (Yeom et al. 2018) on the training sample; rows in and outside training have to be alike"
)


@cache
def membership_inference(case: Case) -> Outcome:
    """S3.2: how well the losses of a trained model tell the rows it was trained on from others."""
    if case.dossier.system.kind not in ("scored", "ranked"):
        return Outcome()
    if awaits := _awaits(case):
        return Outcome((not_assessed("S3.2", "membership", awaits, method=METHOD),))
    policy = case.dossier.policy
    counted = membership.losses(_sample(case), probability=case.dossier.system.score_is == "probability")
    cells = counted.select("members", "outside").to_pyarrow()
    found = membership.attack(
        cells["members"].to_numpy(), cells["outside"].to_numpy(), confidence=policy.fairness.confidence.value
    )
    if not (found.members and found.outside):
        awaits = f"rows with score and outcome in training ({found.members} now) and outside it ({found.outside} now)"
        return Outcome((not_assessed("S3.2", "membership", awaits, method=METHOD),))
    return Outcome((_area(case, found), _few_alarms(case, found)))


def _awaits(case: Case) -> str | None:
    if not case.has(TABLE, "split", "score", "outcome"):
        return case.lacking(TABLE, "split", "score", "outcome")
    if case.dossier.system.score_is == "forecast":
        return "a score that sorts cases by probability: the attack on forecasts is not computed"
    return None


def _sample(case: Case) -> ir.Table:
    table = case.table(TABLE)
    split = table.split.strip().lower()
    sides = (split.isin(events.MEMBERS), True), (split.isin(events.UNSEEN), False)
    member = ibis.cases(*sides, else_=ibis.null("boolean"))
    positive = events.label(table.outcome, case.dossier.system.outcome.positive)
    return table.select(score=table.score, positive=positive, member=member)


def _area(case: Case, found: Attack) -> Finding:
    auc, limit = found.auc, case.dossier.policy.privacy.membership_auc_max
    words = (
        f"From the model's losses an attacker tells a row it was trained on from another in {auc.value or 0:.1%} of "
        f"pairs (guessing: 50%; the best threshold gains {(found.advantage or 0) * 100:.1f} points on it); the policy "
        f"allows {limit.value:.0%}"
    )
    return _finding(
        case, found, "membership_auc", auc, limit, words, "share of pairs", "Wilson interval at DeLong's variance"
    )


def _few_alarms(case: Case, found: Attack) -> Finding:
    rate, alarms, limit = (
        found.true_positive_rate,
        found.false_positive_rate,
        case.dossier.policy.privacy.membership_tpr_max,
    )
    words = f"Raising a false alarm for {membership.ALLOWED:.0%} of others, an attacker is right about "
    if rate.value is None:
        words = f"How many members an attacker finds at {membership.ALLOWED:.0%} false alarms cannot be told"
    else:
        words += f"{rate.value:.1%} of the rows used for training; the policy allows {limit.value:.0%}"
    method = "Clopper–Pearson interval at the threshold that rows outside training set"
    if alarms.low is not None and alarms.high is not None:
        method += f"; its own false alarms lie between {alarms.low:.1%} and {alarms.high:.1%}"
    return _finding(case, found, "membership_tpr", rate, limit, words, "share of members", method)


def _finding(
    case: Case, found: Attack, name: str, value: Estimate, limit: Threshold[float], words: str, unit: str, how: str
) -> Finding:
    """Settled only where the whole interval lies on one side of the limit, on enough rows on both sides."""
    confidence = case.dossier.policy.fairness.confidence.value
    sides = (
        ("in training", found.members, case.dossier.policy.records.minimum_rows.value),
        ("outside it", found.outside, membership.FEWEST_OUTSIDE),
    )
    short = [f"{needed} rows {where} ({held} now)" for where, held, needed in sides if held < needed]
    status: Status = "inconclusive"
    if value.low is not None and value.low > limit.value:
        status = "not_met"
    elif value.high is not None and value.high <= limit.value and not short:
        status = "met"
    wanted = " and ".join(short) or "more rows of both kinds: the limit lies inside the interval"
    tail = f"; it takes {wanted}" if status == "inconclusive" else ""
    action = {
        "not_met": "Train with more regularisation or differential privacy; share no scores meanwhile.",
        "inconclusive": f"Supply {wanted}.",
    }
    return Finding(
        id=f"S3.2.{name}",
        requirement="S3.2",
        status=status,
        evidence="measured",
        statement=f"{words}{tail}.",
        value=value.value,
        null_reason=f"fewer than {membership.FEWEST_OUTSIDE} rows outside training" if value.value is None else None,
        unit=unit,
        interval=Interval(low=value.low, high=value.high, level=confidence) if value.defined else None,
        n=found.members + found.outside,
        threshold=limit.value,
        method=f"{METHOD}; {how}",
        source=f"Carlini et al. 2022; limit: {limit.source}",
        action=action.get(status),
    )
