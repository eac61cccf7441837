"""The three records before this one: what the gate rests on."""

from __future__ import annotations

from ethics_kit.project import TITLES
from ethics_kit.record import UPSTREAM_WORDS, Table, Upstream
from ethics_kit.stages.case import Case, Outcome


def earlier_records(case: Case) -> Outcome:
    """The three records the gate rests on, as they were found; they count in the recommendation, not as findings."""
    limit = case.dossier.policy.records.upstream_max_age_days
    table = Table(
        id="G3.earlier_records",
        title="The records before this one",
        requirement="G3",
        columns=[
            "stage",
            "state",
            "as of",
            "days old",
            "model version",
            "recommendation",
            "review",
            "people decided",
            "record",
        ],
        rows=[_row(u, case) for u in case.upstream],
        note=f"A record counts for {limit.value} days, for the same model version, and while nobody returned or "
        "withdrew it. A decision that is better than its recommendation lifts nothing here; a waiver may.",
    )
    return Outcome((), (table,))


def _row(earlier: Upstream, case: Case) -> list[str | int | float | None]:
    recommendation = (earlier.recommendation or "").replace("_", " ") or None
    return [
        TITLES[earlier.stage],
        UPSTREAM_WORDS[earlier.status],
        earlier.as_of.isoformat() if earlier.as_of else None,
        (case.as_of - earlier.as_of).days if earlier.as_of else None,
        earlier.model_version,
        f"{recommendation} (better before a waiver or an action ran out)" if earlier.lapsed else recommendation,
        earlier.review,
        (earlier.decision or "").replace("_", " ") or None,
        (earlier.record_id or "")[:12] or None,
    ]
