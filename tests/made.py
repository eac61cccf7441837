"""Findings, duties, earlier records and records, made for tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from ethics_kit.framework.catalogue import stage_requirements
from ethics_kit.recommendation import recommend
from ethics_kit.record import Duty, Finding, Input, Interval, LevelResult, Obligations, Record, Table, Upstream, Waived

AS_OF = date(2026, 11, 1)
DAY = timedelta(days=1)
PLAN: dict[str, Any] = {"action": "Mend it.", "owner": "Ann", "due": AS_OF}
SHARE: dict[str, Any] = {
    "evidence": "measured",
    "value": 0.8671,
    "unit": "share of customers",
    "interval": Interval(low=0.78, high=0.92, level=0.95),
    "n": 90,
    "threshold": 0.9,
    "null_reason": None,
}
"""What a measured finding holds besides: a share with its interval across its limit."""


def finding(
    status: str = "met", *, requirement: str = "P1.1", name: str = "x", evidence: str = "attested", **more: Any
) -> Finding:
    more.setdefault("null_reason", "a statement, not a number")
    return Finding(
        id=f"{requirement}.{name}",
        requirement=requirement,
        status=status,
        evidence=evidence,
        statement=f"{requirement} is {status}.",
        **more,
    )


def duty(
    requirement: str = "P1.1",
    *,
    weight: str = "required",
    needs: Sequence[str] = ("attested",),
    if_not_met: str = "block",
) -> Duty:
    return Duty(requirement=requirement, weight=weight, needs=needs, if_not_met=if_not_met, reason="")


def waiver(on: date = AS_OF, until: date = AS_OF) -> Waived:
    return Waived(by="Ben", role="chair", reason="a pilot", on=on, until=until)


def upstream(status: str = "ok", recommendation: str | None = "approve", **more: Any) -> Upstream:
    more = {"stage": "bias_testing", "use": "gate", **more}
    return Upstream(status=status, recommendation=recommendation, **more)


def obliged(*duties: Duty) -> Obligations:
    return Obligations(level="II", kind="scored", conditions={}, duties=list(duties))


def verdict(findings: Sequence[Finding], duties: Sequence[Duty] = (), records: Sequence[Upstream] = ()) -> str:
    return recommend(findings, obliged(*(duties or [duty()])), records, AS_OF).verdict


def record(**more: Any) -> Record:
    findings = more.pop("findings", [finding(), finding(requirement="C2.1", evidence="measured", value=0.1, n=100)])
    obligations = more.pop("obligations", complete(obliged(duty(), duty("C2.1", needs=("measured",)))))
    records = more.pop("upstream", [upstream()])
    content: dict[str, Any] = {
        "system": {"id": "churn_risk", "name": "Churn – größe", "model_version": "3.2"},
        "stage": "bias_testing",
        "as_of": AS_OF,
        "level": LevelResult(value="II", holds="II", best="I", worst="II"),
        "policy": {"version": "1"},
        "inputs": [Input(role="table decisions", address="data/decisions.csv", sha256="0" * 64, rows=3)],
        "upstream": records,
        "parameters": {"margin": 0.05},
        "tables": [Table(id="t", title="T", requirement="C2.1", columns=["a", "n"], rows=[["x", 1], ["y", math.nan]])],
        "findings": findings,
        "obligations": obligations,
        "recommendation": recommend(findings, obligations, records, AS_OF),
        "versions": {"ethics_kit": "0.1.0"},
    }
    return Record(**content | more).sealed()


def complete(obligations: Obligations) -> Obligations:
    """With the stage's other requirements, excluded, as a record names them all."""
    named = {d.requirement for d in obligations.duties}
    others = [duty(r, weight="excluded") for r in stage_requirements("bias_testing") if r not in named]
    return obligations.model_copy(update={"duties": [*obligations.duties, *others]})
