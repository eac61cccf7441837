"""One customer, one id: Salesforce's two forms of an id, and ids of other systems that stand for the same customer."""

from __future__ import annotations

import functools
import operator

import ibis
import ibis.expr.types as ir

from ethics_kit.measures.faults import Fault

SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def salesforce_15(text: ir.StringValue) -> ir.StringValue:
    """A Salesforce id in its case-sensitive form of 15 characters; null where it is none.

    The form of 18 adds a character for each five, numbered by which of the five are capitals, the first counting 1
    (Salesforce, "How to convert a 15 character ID to an 18 character ID", Knowledge article 000385585).
    """
    fits = functools.reduce(
        operator.and_, (text.substr(15 + part, 1).upper() == _check(text, part) for part in range(3))
    )
    long = (text.length() == 18) & fits
    return ibis.ifelse(text.re_search(r"^[0-9A-Za-z]{15}([0-9A-Za-z]{3})?$"), ibis.cases(
        (text.length() == 15, text), (long, text.substr(0, 15)), else_=ibis.null("string")
    ), ibis.null("string"))  # fmt: skip


def _check(text: ir.StringValue, part: int) -> ir.StringValue:
    """The character that stands for the capitals among the five of a part."""
    letters = (text.substr(5 * part + place, 1).between("A", "Z") for place in range(5))
    number = functools.reduce(operator.add, (capital.cast("int64") * 2**i for i, capital in enumerate(letters)))
    return ibis.literal(SUFFIX).substr(number, 1)


def one_customer(rows: ir.Table, known: ir.Table) -> ir.Table:
    """`rows` with each customer's id replaced by the customer that `known` (id, customer) has for it."""
    other = known.group_by("id").aggregate(same=known.customer.min()).rename(other_id="id")
    joined = rows.left_join(other, rows.customer == other.other_id)
    return joined.mutate(customer=ibis.coalesce(joined.same, joined.customer)).select(rows.columns)


def repeats(column: ir.Column, name: str) -> list[Fault]:
    """An id that stands more than once in a `column` of roles, called `name` in its file."""
    role = column.get_name()
    seen = column.as_table().aggregate(n=column.count(), distinct=column.nunique()).to_pyarrow().to_pylist()[0]
    again = seen["n"] - seen["distinct"]
    todo = "export one row for each, or name another column"
    return [Fault(role, f"{again} repeated values in {name}", "each value once", todo)] * bool(again)


def crosswalk_faults(known: ir.Table) -> list[Fault]:
    """Ids that `known` (id, customer) gives two customers, and customers that it says are another customer's id."""
    many = known.group_by("id").aggregate(n=known.customer.nunique()).filter(ibis._.n > 1)
    moved = known.filter(known.id != known.customer).select(moved="id").distinct()
    chained = known.semi_join(moved, known.customer == moved.moved).select("customer").distinct()
    ids, links = (int(found.count().to_pyarrow().as_py()) for found in (many, chained))
    one, end = "one customer for each id", "the one id that all others stand for, in every row"
    return [
        *[Fault("id", f"{ids} ids with more than one customer", one, "keep the row that is right")] * bool(ids),
        *[Fault("customer", f"{links} customers that are another's id in turn", end, "name the last of the chain")]
        * bool(links),
    ]
