"""C1.4: in which countries customers' data is processed, and what each transfer rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from ethics_kit import schema
from ethics_kit.checks.answers import LINK
from ethics_kit.framework import catalogue
from ethics_kit.framework import transfers as known
from ethics_kit.measures.proportions import rate
from ethics_kit.record import Finding, Interval, Status, Table
from ethics_kit.schema.design import DataFlow
from ethics_kit.schema.transfers import ASSESSED, Transfer
from ethics_kit.stages.case import Case, Outcome, months_between
from ethics_kit.stages.evidence import not_assessed, register_awaits

WORST_FIRST: tuple[Status, ...] = ("not_met", "not_assessed", "met")
OWN = "own systems"


@dataclass(frozen=True)
class Movement:
    """Rows of data about people in `origin` (a country) that `who` processes in `place`."""

    origin: str
    place: str
    who: str
    rows: int


@dataclass(frozen=True)
class Ground:
    """What a movement rests on, in words, and whether that is enough."""

    status: Status
    words: str


def cross_border(case: Case) -> Outcome:
    """C1.4: rows by the country they come from and the place they are processed in, each pair with its mechanism."""
    kept = case.dossier.stage(schema.DesignReview).inventory
    awaits = register_awaits(case, kept, "the data-flow inventory (inventory in design_review.yaml)")
    if kept is None or awaits:
        return Outcome((not_assessed("C1.4", "places_of_processing", awaits),))
    if not case.has("customers", "customer", "region"):
        awaits = case.lacking("customers", "customer", "region")
    elif not case.dossier.organisation.places:
        awaits = "the country of each region (places in organisation.yaml)"
    if awaits:
        return Outcome((not_assessed("C1.4", "origins_known", awaits),))
    rows = [row for row in kept.rows if row.personal]
    counts = _counts(case, rows)
    grounds = [(moved, ground(case, moved)) for moved in _movements(case, rows, counts)]
    stated = {place for row in rows for place in (row.location, *row.recipients.values()) if place}
    findings = [
        *_unknown(rows, counts),
        *_unplaced(case, rows),
        *(_finding(case, place, grounds) for place in sorted(stated)),
        *_denied(case, [moved for moved, _ in grounds]),
    ]
    return Outcome(tuple(findings), (_table(case, grounds),))


def _counts(case: Case, rows: Sequence[DataFlow]) -> dict[str, Counter[str | None]]:
    """Rows of each table of customers' data that the inventory lists by country; None where that is not known."""
    places, located = case.dossier.organisation.places, case.dossier.located_tables
    named = {table for row in rows for table in _tables(case, row)} & {*located}
    of_customers = sorted(name for name in named if "customer" in catalogue.tables()[name].roles)
    say_whom = [name for name in of_customers if "customer" in located[name].spec.columns]
    found = {name: Counter[str | None]() for name in of_customers}
    for line in _by_region(case, say_whom):
        place = places.get(line["region"] or "")
        found[line["held_in"]][place and place[:2]] += line["rows"]
    for name in found.keys() - say_whom:
        found[name][None] = case.use(name).counted
    return found


def _by_region(case: Case, tables: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of each of these tables by the region of their customer."""
    if not tables:
        return []
    rows = ibis.union(*(case.table(name).select("customer", held_in=ibis.literal(name)) for name in tables))
    gone = _gone(case)
    if gone is not None:
        rows = rows.anti_join(gone, "customer")
    regions = case.table("customers").select("region", known_customer="customer")
    joined = rows.left_join(regions, rows.customer == regions.known_customer)
    counted: list[dict[str, Any]] = (
        joined.group_by("held_in", "region").aggregate(rows=joined.count()).to_pyarrow().to_pylist()
    )
    return counted


def _gone(case: Case) -> ir.Table | None:
    """Customers who asked to be deleted and are: what is kept as proof has no country any more."""
    if not case.has("deletion_requests", "customer"):
        return None
    return case.table("deletion_requests").select("customer").anti_join(case.table("customers"), "customer")


def _tables(case: Case, row: DataFlow) -> set[str]:
    """The tables a row is about; data in none of them is taken to be about every event."""
    return {*row.columns} | ({case.dossier.system.events} if row.other else set())


def _movements(case: Case, rows: Sequence[DataFlow], counts: dict[str, Counter[str | None]]) -> Iterator[Movement]:
    """Each country of origin with each place and whoever processes there. Tables that name no customer, such as the
    staff's, come from where they are kept."""
    held: dict[tuple[str, str], set[str]] = {}
    others: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        where = [*([(row.location, OWN)] if row.location else []), *((p, who) for who, p in row.recipients.items())]
        for place, who in where:
            tables = _tables(case, row)
            held.setdefault((place, who), set()).update(tables & {*counts})
            for table in sorted(tables - {*counts}):
                if row.location and table in case.dossier.located_tables:
                    others[row.location[:2], place, who] += case.use(table).counted
    for (place, who), tables in sorted(held.items()):
        of = sum((counts[table] for table in sorted(tables)), Counter[str | None]())
        for origin in sorted(o for o in {*of, *(o for o, p, w in others if (p, w) == (place, who))} if o):
            yield Movement(origin, place, who, of[origin] + others[origin, place, who])


def ground(case: Case, moved: Movement) -> Ground:
    """The best of what a movement may rest on: one country, the EEA, the organisation's row, an adequacy decision."""
    table, country = known.table(), moved.place[:2]
    if moved.origin == country:
        return Ground("met", "one country")
    if {moved.origin, country} <= table.eea:
        return Ground("met", "within the European Economic Area")
    rows = enumerate(case.dossier.organisation.transfers, 1)
    declared = [_declared(case, number, row) for number, row in rows if _covers(case, row, moved)]
    grounds = [*declared, _adequacy(case, country) if moved.origin in table.eea else _elsewhere(moved.origin)]
    return max(grounds, key=lambda found: WORST_FIRST.index(found.status))


def _covers(case: Case, row: Transfer, moved: Movement) -> bool:
    """Whether an organisation's row speaks of a movement; one that is dated later does not yet."""
    origins = known.table().eea if row.from_ == "EEA" else {row.from_}
    whose = row.recipient is None or schema.same_person(row.recipient, moved.who)
    return moved.origin in origins and row.to in (moved.place, moved.place[:2]) and whose and row.on <= case.as_of


def _declared(case: Case, number: int, row: Transfer) -> Ground:
    name = row.mechanism.replace("_", " ")
    told = f"{name}, by {row.by} on {row.on}" + (f", until {row.until}" if row.until else "")
    if row.until and row.until < case.as_of:
        return Ground("not_met", f"{name} that expired on {row.until}")
    if row.mechanism in ASSESSED and row.assessment is None:
        return Ground("not_assessed", f"{told}, without a transfer impact assessment")
    for what, named in (("evidence", row.evidence), ("assessment", row.assessment)):
        if named and not LINK.match(named):
            case.documents[f"transfer {number}, {what}"] = case.dossier.project.parameters / named
    return Ground("met", told)


def _adequacy(case: Case, country: str) -> Ground:
    table, decision = known.table(), known.table().decision(country)
    if decision is None or not decision.holds(case.as_of):
        return Ground("not_met", "no mechanism")
    if decision.scope:
        return Ground("not_met", f"no mechanism; {decision.decision} is for {decision.scope}, and no row says so")
    if months_between(table.seen, case.as_of) >= case.dossier.policy.records.answers_max_age_months.value:
        return Ground("not_assessed", f"adequacy ({decision.decision}), last looked up on {table.seen}")
    return Ground("met", f"adequacy ({decision.decision})")


def _elsewhere(origin: str) -> Ground:
    return Ground("not_assessed", f"not known: the kit's table speaks of the EEA, not of {origin}")


def _unknown(rows: Sequence[DataFlow], counts: dict[str, Counter[str | None]]) -> Iterator[Finding]:
    """What is open while a row of customers' data has no country, or a row of the inventory no place."""
    missing, total = sum(c[None] for c in counts.values()), sum(c.total() for c in counts.values())
    if missing or not total:
        awaits = f"the country of {missing:,} of {total:,} rows: regions that places in organisation.yaml names"
        yield not_assessed("C1.4", "origins_known", awaits)
    nowhere = sum(row.location is None for row in rows)
    if nowhere:
        yield not_assessed("C1.4", "places_of_processing", f"the location of {nowhere} rows of the inventory")


def _unplaced(case: Case, rows: Sequence[DataFlow]) -> Iterator[Finding]:
    """Extracts whose recipient no row of the inventory names: where they go is not known."""
    listed = [who for row in rows for who in row.recipients]
    for name, extract in sorted(case.dossier.system.extracts.items()):
        if not any(schema.same_person(extract.recipient, who) for who in listed):
            awaits = f"the country of {extract.recipient}, who gets the extract {name} (recipients in the inventory)"
            yield not_assessed("C1.4", f"extract_{name}_placed", awaits)


def _denied(case: Case, moved: Sequence[Movement]) -> Iterator[Finding]:
    """What the impact analysis denies, so that C1.4 is not asked for: rows that are processed abroad all the same."""
    abroad = sum(m.rows for m in moved if m.origin != m.place[:2])
    if abroad and case.obligations.conditions["processed_abroad"] == "does_not_hold":
        yield Finding(
            id="S2.1.processed_abroad_denied",
            requirement="S2.1",
            status="not_met",
            evidence="measured",
            statement="The impact analysis says that no personal data is processed in another country, yet "
            f"{abroad:,} rows are, by the inventory and the customers' regions.",
            value=abroad,
            unit="rows",
            n=sum(m.rows for m in moved),
            threshold=0,
            method="count of rows by customer's country and place of processing",
            action="Correct the answer (processed_in_other_country in impact_analysis.yaml), or the inventory.",
        )


def _finding(case: Case, place: str, grounds: Sequence[tuple[Movement, Ground]]) -> Finding:
    here = [(moved, found) for moved, found in grounds if moved.place == place]
    name = f"to_{place.replace('-', '_')}"
    if not here:
        return not_assessed("C1.4", name, f"rows of the data that the inventory says is processed in {place}")
    total, fine = (sum(m.rows for m, g in part) for part in (here, [(m, g) for m, g in here if g.status == "met"]))
    status = min((g.status for _, g in here), key=WORST_FIRST.index)
    open_ = [f"{m.rows:,} rows from {m.origin} ({m.who}): {g.words}" for m, g in here if g.status != "met"]
    told = "; ".join(open_) if open_ else ", ".join(sorted({g.words for _, g in here}))
    level = case.dossier.policy.fairness.confidence.value
    share = rate(fine, total, confidence=level)
    return Finding(
        id=f"C1.4.{name}",
        requirement="C1.4",
        status=status,
        evidence="measured",
        statement=f"{fine:,} of {total:,} rows processed in {place} rest on a mechanism: {told}.",
        value=share.value,
        unit="share of rows",
        interval=Interval(low=share.low, high=share.high, level=level) if share.defined else None,
        n=total,
        threshold=1.0,
        method="count of rows by country of customer and place of processing; Wilson score interval",
        source=f"GDPR Art. 44–46; the kit's table of {known.table().seen}",
        action=None
        if status == "met"
        else f"Stop the transfer to {place}, or put its mechanism, evidence and end under transfers in "
        "organisation.yaml; standard contractual clauses and binding corporate rules need an assessment as well.",
    )


def _table(case: Case, grounds: Sequence[tuple[Movement, Ground]]) -> Table:
    return Table(
        id="C1.4.transfers",
        title="Rows by origin and place of processing",
        requirement="C1.4",
        columns=["from", "to", "who", "rows", "rests on", "status"],
        rows=[[m.origin, m.place, m.who, m.rows, g.words, g.status.replace("_", " ")] for m, g in grounds],
        note="Rows of all tables that the inventory places there; data in no table counts as one row per event of "
        f"{case.dossier.system.events}. Tables that name no customer come from where they are kept. Rows of customers "
        f"who were deleted on request are left out. Adequacy decisions as looked up on {known.table().seen}.",
    )
