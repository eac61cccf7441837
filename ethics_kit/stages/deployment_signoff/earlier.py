"""The three records before this one."""

from __future__ import annotations

from ethics_kit.record import Table
from ethics_kit.stages.case import Case, Outcome


def earlier_records(case: Case) -> Outcome:
    """The three records this stage rests on, as they were found: a table, no finding of its own."""
    table = Table(
        id="G3.earlier_records",
        title="The records before this one",
        requirement="G3",
        columns=["stage", "state", "as of", "recommendation", "record"],
        rows=[
            [
                u.stage,
                u.status,
                u.as_of.isoformat() if u.as_of else None,
                u.recommendation,
                (u.record_id or "")[:12] or None,
            ]
            for u in case.upstream
        ],
    )
    return Outcome((), (table,))
