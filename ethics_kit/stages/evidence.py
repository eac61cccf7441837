"""How a measured share becomes a finding: interval, sample size, threshold, and too few rows never a pass."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from typing import Any, Protocol

from ethics_kit.record import Finding, Interval, Status
from ethics_kit.stages.case import Case, months_between

CENSUS = "count of all rows up to the as-of date; Wilson score interval"
REGISTER = "count of the register"


def share_finding(
    case: Case,
    requirement: str,
    name: str,
    count: int,
    n: int,
    *,
    statement: str,
    at_least: float | None = None,
    at_most: float | None = None,
    unit: str,
    action: str,
    source: str | None = None,
    minimum: int | None = None,
) -> Finding:
    """A share against its limit. No row is *not assessed*; a pass on fewer than `minimum` rows is *inconclusive*.

    `minimum` defaults to the policy's `records.minimum_rows`; registers a person keeps pass 1.
    """
    from ethics_kit.measures.proportions import rate  # scipy and statsmodels, which an answer alone does not need

    confidence = case.dossier.policy.fairness.confidence.value
    estimate = rate(count, n, confidence=confidence)
    needed = case.dossier.policy.records.minimum_rows.value if minimum is None else minimum
    limit = at_least if at_least is not None else at_most
    status: Status
    reason = None
    if estimate.value is None:
        status, reason = "not_assessed", "no row to count"
    elif not (estimate.value >= at_least if at_least is not None else estimate.value <= (at_most or 0)):
        status = "not_met"
    elif n < needed:
        status, reason = "inconclusive", None
        statement += f" Fewer than {needed} rows: too few to have seen otherwise."
    else:
        status = "met"
    interval = None
    if estimate.defined:
        interval = Interval(low=estimate.low, high=estimate.high, level=confidence)
    return Finding(
        id=f"{requirement}.{name}",
        requirement=requirement,
        status=status,
        evidence="measured",
        statement=statement,
        value=estimate.value,
        null_reason=reason,
        unit=unit,
        interval=interval,
        n=n,
        threshold=limit,
        method=CENSUS,
        source=source,
        action=None if status == "met" else action,
    )


def register_share(case: Case, requirement: str, name: str, count: int, n: int, **said: Any) -> Finding:
    """A share of a register's rows. A register is no sample: it has no interval, and one row is enough."""
    found = share_finding(case, requirement, name, count, n, minimum=1, **said)
    return found.model_copy(update={"interval": None, "method": REGISTER})


class Kept(Protocol):
    """A register, with the day it was last kept."""

    @property
    def on(self) -> date: ...


def register_awaits(case: Case, kept: Kept | None, what: str) -> str:
    """What a register is waited for, in words: it is missing, dated after `as_of`, or stale. Empty where it counts."""
    months = case.dossier.policy.records.answers_max_age_months.value
    if kept is None:
        return what
    if kept.on > case.as_of:
        return f"{what} as it was on {case.as_of}; this one is dated {kept.on}"
    if months_between(kept.on, case.as_of) >= months:
        return f"{what}, looked through in the last {months} months; this one is dated {kept.on}"
    return ""


def attested_finding(requirement: str, name: str, status: Status, statement: str, **said: Any) -> Finding:
    """What a person states. `said` are further fields of the finding, such as `author`, `stated_on` and `action`."""
    return Finding(
        id=f"{requirement}.{name}",
        requirement=requirement,
        status=status,
        evidence="attested",
        statement=statement,
        **{"null_reason": "a statement, not a number", **said},
    )


def in_id(name: str) -> str:
    """A name from the data as part of a finding's id; what an id cannot hold is told apart by a digest of the whole."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", name)
    return plain if plain == name else f"{plain}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def not_assessed(requirement: str, name: str, awaits: str, *, method: str | None = None) -> Finding:
    """A measured finding that waits for evidence, and says for which."""
    return Finding(
        id=f"{requirement}.{name}",
        requirement=requirement,
        status="not_assessed",
        evidence="measured",
        statement=f"Not assessed: it awaits {awaits}.",
        null_reason=f"awaits {awaits}",
        method=method,
        action=f"Supply {awaits}.",
    )
