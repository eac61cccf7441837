"""What changed since the last record of a stage, and the table of changed findings."""

from __future__ import annotations

from collections.abc import Sequence

from ethics_kit import comparison
from ethics_kit.past import History
from ethics_kit.project import TITLES
from ethics_kit.record import SINCE_LAST, Record, Table

SHOWN = 15
"""Rows of a table of changes; the rest is counted."""


def since_last(last: History, record: Record) -> list[Table]:
    """What a record says of itself before and now, and its findings that changed; for a first record, that it is one.

    Parameters
    ----------
    last
        The last earlier record of the same system and stage, if there is one that can be trusted.
    record
        The record of now, without these tables.
    """
    before = last.records[-1] if last.records else None
    if before is None:
        return [_since((), "What changed since the last record", f"{none_before(last)}{altered_words(last)}")]
    found = comparison.compare(before, record)
    note = f"{comparison.sentence(before, found)}{altered_words(last)}"
    return [
        _since(_facts(found), f"What changed since the record of {before.as_of} ({before.record_id[:12]})", note),
        change_table(
            f"S4.4.changes_{record.stage}",
            "S4.4",
            f"{TITLES[record.stage]}: findings changed from {before.as_of} to {record.as_of}",
            found.findings,
        ),
    ]


def none_before(history: History) -> str:
    """Why there is nothing to compare with."""
    return "No earlier record can be relied on." if history.altered else "No earlier record: this is the first."


def altered_words(history: History) -> str:
    """Which earlier records were not read, as a sentence, or nothing."""
    return f" Not read, as they were altered: {', '.join(history.altered)}." if history.altered else ""


def _since(rows: Sequence[list[str | None]], title: str, note: str) -> Table:
    columns = ["what", "before", "now"]
    return Table(id=SINCE_LAST, title=title, requirement="S4.4", columns=columns, rows=list(rows), note=note)


def _facts(found: comparison.Comparison) -> list[list[str | None]]:
    """The recommendation, what else the record says of itself where that changed, then parameters and inputs.

    Of many, those that are in both records come first.
    """
    told = [found.facts[0], *(fact for fact in found.facts[1:] if fact.changed)]
    rows = [[comparison.FACT_WORDS[c.name], comparison.plain(c.before), comparison.plain(c.after)] for c in told]
    for kind, changes in (("parameter", found.parameters), ("input", found.inputs)):
        first = sorted(changes, key=lambda c: None in (c.before, c.after))[:SHOWN]
        rows += [[f"{kind} {c.name}", comparison.plain(c.before), comparison.plain(c.after)] for c in first]
        if len(changes) > SHOWN:
            rows.append([f"and {len(changes) - SHOWN} more of {kind}s", None, None])
    return rows


def change_table(
    name: str, requirement: str, title: str, changes: Sequence[comparison.FindingChange], note: str | None = None
) -> Table:
    """Changes worst first, the first few in full and the rest by number."""
    rest = len(changes) - SHOWN
    more = f"{rest} more changes are not shown." if rest > 0 else ""
    return Table(
        id=name,
        title=title,
        requirement=requirement,
        columns=["finding", "change", "before", "now", "number"],
        rows=[_row(change) for change in changes[:SHOWN]],
        note=" ".join(filter(None, (note, more))) or (None if changes else "Nothing changed."),
    )


def _row(change: comparison.FindingChange) -> list[str | None]:
    """Result and value before and now in one cell each, as wide tables are cut off on paper."""
    results = [comparison.words(f.status) if f else None for f in (change.before, change.after)]
    before, now = (
        ": ".join(filter(None, both)) or None for both in zip(results, comparison.value_words(change), strict=True)
    )
    return [
        change.id,
        change.kind,
        before,
        now,
        comparison.MOVEMENT_WORDS[change.movement] if change.movement else None,
    ]
