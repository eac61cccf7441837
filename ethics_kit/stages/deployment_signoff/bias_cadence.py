"""P2.3: how old the last bias tests are, whether they recur, and what they found that the ones before had not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from ethics_kit import comparison
from ethics_kit.dates import months_after
from ethics_kit.record import UPSTREAM_WORDS, Finding, Record
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.changes import change_table
from ethics_kit.stages.deployment_signoff import reviews
from ethics_kit.stages.evidence import not_assessed

STAGE = "bias_testing"


def bias_tests_recur(case: Case) -> Outcome:
    """P2.3: the age of the last bias tests against the cadence, and what changed since the ones before."""
    records = case.series(STAGE)
    state = next(u.status for u in case.upstream if u.stage == STAGE)
    if not records or state not in ("ok", "stale"):
        awaits = f"a record of the bias tests of this model: {UPSTREAM_WORDS['missing' if state == 'ok' else state]}"
        return Outcome((not_assessed("P2.3", "bias_tests_age", awaits),))
    months = min(reviews.cadence(case), case.dossier.policy.governance.bias_test_max_months.value)
    last, days = records[-1], sorted({record.as_of for record in records})
    before = [record for record in records if record.as_of < last.as_of]
    findings = [_age(case, last, months, kept=len(days))]
    if len(days) > 1:
        findings.append(_intervals(case, days, months))
    if not before:
        return Outcome(tuple(findings))
    changes = comparison.compare_findings(before[-1].findings, last.findings)
    findings.append(_newly(case, changes, before[-1].as_of, len(last.findings)))
    title = f"Bias tests of {last.as_of} against those of {before[-1].as_of}"
    return Outcome(tuple(findings), (change_table("P2.3.changes", "P2.3", title, changes),))


def _age(case: Case, last: Record, months: int, *, kept: int) -> Finding:
    due = months_after(last.as_of, months)
    late = due < case.as_of
    told = f"The last bias tests are of {last.as_of}; policy and impact level want them every {months} months: "
    told += f"overdue since {due}." if late else f"next due {due}."
    if kept == 1:
        told += " No earlier record of them is kept, so whether they recur shows from the next one on."
    return Finding(
        id="P2.3.bias_tests_age",
        requirement="P2.3",
        status="not_met" if late else "met",
        evidence="measured",
        statement=told,
        value=(case.as_of - last.as_of).days,
        unit="days since the last bias tests",
        n=kept,
        threshold=(due - last.as_of).days,
        method="age of the last record of bias testing against the shorter of the policy's and the level's cadence",
        source=case.dossier.policy.governance.bias_test_max_months.source,
        action="Run the bias tests again." if late else None,
    )


def _intervals(case: Case, days: Sequence[date], months: int) -> Finding:
    window = case.dossier.policy.governance.bias_test_window_months
    seen = [(a, b) for a, b in pairwise(days) if months_after(b, window.value) >= case.as_of]
    late = sum(b > months_after(a, months) for a, b in seen)
    tests = sum(months_after(day, window.value) >= case.as_of for day in days)
    return Finding(
        id="P2.3.bias_tests_recur",
        requirement="P2.3",
        status="not_met" if late else "met" if seen else "inconclusive",
        evidence="measured",
        statement=f"Bias was tested on {tests} days of the last {window.value} months; {late} of {len(seen)} intervals "
        f"between tests were longer than {months} months.",
        value=late,
        unit="intervals too long",
        n=len(seen),
        threshold=0,
        method="intervals between the records of bias testing, unchanged ones only",
        source=window.source,
        action="Test in the cadence of policy and level." if late else None,
    )


def _newly(case: Case, changes: Sequence[comparison.FindingChange], before: date, n: int) -> Finding:
    policy = case.dossier.policy.governance.newly_not_met_max
    new = [change.id for change in changes if change.newly_not_met]
    worse = [change.id for change in changes if change.kind == "worse" and not change.newly_not_met]
    told = f"Findings newly not met since the bias tests of {before}: {len(new)}"
    told += f" ({', '.join(new[:3])}{' and more' if len(new) > 3 else ''})." if new else "."
    if worse:
        told += f" Told less well than before: {len(worse)}, such as {worse[0]}."
    failed = len(new) > policy.value
    return Finding(
        id="P2.3.newly_not_met",
        requirement="P2.3",
        status="not_met" if failed else "inconclusive" if worse else "met",
        evidence="measured",
        statement=told,
        value=len(new),
        unit="findings newly not met",
        n=n,
        threshold=policy.value,
        method="findings of the last two records of bias testing, by id",
        source=policy.source,
        action="Find out what made these findings worse." if failed or worse else None,
    )
