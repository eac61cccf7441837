"""P3.2: what a consent flag without history can tell: bounds, never that consent was there at the moment."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from ethics_kit.measures import consentflags
from ethics_kit.record import Finding, Table
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import not_assessed

HISTORY = "the table consents, with when each consent was given and withdrawn"


def current_consent(case: Case, decided: ir.Table, name: str = "current_consent") -> Outcome:
    """P3.2: events that rest on consent (customer, time, purpose), where only the flags of today are kept.

    For dossiers that have `current_consents` and no `consents`. Where too many events were certainly without consent it
    is *not met*, else *inconclusive*: the flag may have been another at the moment of the event.
    """
    flags = _with_purpose(case)
    if flags is None:
        return Outcome((not_assessed("P3.2", name, "in the table current_consents the column for purpose"),))
    read = case.tables_used["current_consents"].last_day
    if read is None:
        return Outcome((not_assessed("P3.2", name, f"current_consents of a day up to {case.as_of}"),))
    found = consentflags.bounds(decided, flags)
    if not found.total:
        return Outcome((not_assessed("P3.2", name, "events that rest on consent"),))
    limit = case.dossier.policy.coverage.without_consent_max
    finding = Finding(
        id=f"P3.2.{name}",
        requirement="P3.2",
        status="not_met" if found.at_least / found.total > limit.value else "inconclusive",
        evidence="measured",
        statement=f"Between {found.at_least} and {found.at_most} of {found.total} events had no consent in force: the "
        f"flags of {read} say yes for {found.yes} of them, no for {found.no} and nothing for {found.unrecorded}. "
        "A flag of today cannot show the state at the moment of an earlier event.",
        null_reason="bounds, not a number",
        unit="events",
        n=found.total,
        threshold=limit.value,
        method="bounds from the current flag of each event's customer and purpose; all events up to the as-of date",
        source=limit.source,
        action=f"Supply {HISTORY}, and keep it from now on.",
    )
    rows = [
        ["yes", found.yes, found.shown_yes, None],
        ["no", found.no, None, found.shown_no],
        ["no flag", found.unrecorded, None, found.unrecorded],
    ]
    table = Table(
        id=f"P3.2.{name}",
        title="Events by the consent flag their customer has now",
        requirement="P3.2",
        columns=["flag now", "events", "certainly with consent", "certainly without"],
        rows=rows,
    )
    return Outcome((finding,), (table,))


def _with_purpose(case: Case) -> ir.Table | None:
    """The flags with a `purpose` column: their own, or the dossier's only purpose. None where neither is known."""
    flags = case.table("current_consents")
    if "purpose" in flags.columns:
        return flags
    purposes = {b.purpose for b in case.dossier.system.lawful_bases}
    return flags.mutate(purpose=ibis.literal(purposes.pop())) if len(purposes) == 1 else None
