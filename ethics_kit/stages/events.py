"""The system's events (decisions or conversations) as the stages use them."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from ethics_kit.stages.case import Case


def with_purpose(case: Case) -> ir.Table | None:
    """The events with a `purpose` column: their own, or the dossier's only purpose. None where neither is known."""
    events = case.table(case.dossier.system.events)
    if "purpose" in events.columns:
        return events
    purposes = {b.purpose for b in case.dossier.system.lawful_bases}
    if len(purposes) != 1:
        return None
    return events.mutate(purpose=ibis.literal(purposes.pop()))


def with_attributes(case: Case) -> ir.Table:
    """The events with one text column per held attribute, joined by customer where it is in the customers table."""
    held = {f"attribute_{name}": (name, table) for name, _, table in case.dossier.held_attributes()}
    table = case.table(case.dossier.system.events)
    joined = [column for column, (_, where) in held.items() if where == "customers"]
    if joined:
        customers = case.table("customers").select(known_customer="customer", **{c: c for c in joined})
        table = table.left_join(customers, table.customer == customers.known_customer).drop("known_customer")
    return table.rename({name: column for column, (name, _) in held.items()})


def meaning(column: ir.StringColumn | ir.BooleanColumn, yes: list[str]) -> ir.BooleanColumn:
    """Whether a value means yes: one of `yes`, or the flag itself where the dossier lists no values."""
    return column.isin(yes) if yes else column
