"""The system's events (decisions or conversations) as the stages use them."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from ethics_kit.measures.columns import FALSE, TRUE
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


def described(case: Case) -> ir.Table:
    """The events with ``attribute_``, ``stratum_`` and ``feature_`` columns, joined from the customers table."""
    table, system = case.table(case.dossier.system.events), case.dossier.system
    joined = [f"attribute_{name}" for name, _, where in case.dossier.held_attributes() if where == "customers"]
    joined += [f"stratum_{name}" for name, stratum in system.strata.items() if stratum.table == "customers"]
    joined += [f"feature_{name}" for name, feature in system.features.items() if feature.table == "customers"]
    if not joined:
        return table
    customers = case.table("customers").select(known_customer="customer", **{c: c for c in joined})
    return table.left_join(customers, table.customer == customers.known_customer).drop("known_customer")


MEMBERS = ("train", "training")
UNSEEN = ("test", "testing", "holdout")
"""Splits that the model has not seen at all; validation, which tunes it, is held out from training and yet no such."""


def held_out(split: ir.StringColumn) -> ir.BooleanColumn:
    """Whether a row of the training sample was kept from training; null where its split is none of those known."""
    word = split.strip().lower()
    return ibis.cases(
        (word.isin((*UNSEEN, "validation")), True), (word.isin(MEMBERS), False), else_=ibis.null("boolean")
    )


def label(column: ir.StringColumn | ir.BooleanColumn, yes: list[str]) -> ir.BooleanColumn:
    """Whether the label trained on means yes: as the outcome would, or a plain yes where samples are labelled so."""
    plain = [] if {*FALSE} & {value.lower() for value in yes} else [*TRUE]
    return column.isin(yes) | column.lower().isin(plain) if yes else column


def meaning(column: ir.StringColumn | ir.BooleanColumn, yes: list[str]) -> ir.BooleanColumn:
    """Whether a value means yes: one of `yes`, or the flag itself where the dossier lists no values."""
    return column.isin(yes) if yes else column
