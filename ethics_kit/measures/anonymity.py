"""Who looks alike in an extract: its equivalence classes by size, and the risk of naming a row.

Rows that agree in every quasi-identifier are one class. A missing value is a value: it neither drops a row nor matches
another. Classes never leave the database, only how many there are of each size.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

SIZE = "class_size"
"""The column of classes that says how many people are in each."""


@dataclass(frozen=True)
class Sizes:
    """`counts`: how many classes there are of each size, smallest first. People are rows, unless rows name theirs."""

    counts: tuple[tuple[int, int], ...]

    @property
    def n(self) -> int:
        """People, over all classes."""
        return sum(size * classes for size, classes in self.counts)

    @property
    def classes(self) -> int:
        return sum(classes for _, classes in self.counts)

    @property
    def k(self) -> int | None:
        """Of the smallest class (k-anonymity: Sweeney 2002); None without rows."""
        return self.counts[0][0] if self.counts else None

    def below(self, k: int) -> int:
        """People in classes of fewer than `k`."""
        return sum(size * classes for size, classes in self.counts if size < k)

    @property
    def unique(self) -> int:
        """People nobody else looks like."""
        return self.below(2)


@dataclass(frozen=True)
class Risks:
    """Chances from 0 to 1 of naming the person behind a row (El Emam and Dankar 2008; as in ARX).

    `prosecutor`: the attacker knows that the person is in the extract; the worst row. `journalist`: does not know it,
    so that the class is that of the whole population; the worst row. `marketer`: the share of rows that are named
    rightly when all are guessed. Without a population the last two are those of an extract that is the whole
    population, which they never exceed.
    """

    prosecutor: float | None
    journalist: float | None
    marketer: float | None


def cleaned(table: ir.Table, columns: Collection[str]) -> ir.Table:
    """`columns` alone, where blank text and what is not a number are null, and nested values their text."""
    return table.select(**{name: _clean(table[name]) for name in columns})


def _clean(column: ir.Value) -> ir.Value:
    kind = column.type()
    if kind.is_floating():
        return ibis.ifelse(column.isnan(), ibis.null(kind), column + 0.0)  # -0.0 is 0.0
    if kind.is_numeric() or kind.is_boolean() or kind.is_temporal():
        return column
    return column.cast("string").strip().nullif("")


def classes(rows: ir.Table, columns: Sequence[str], person: str | None = None) -> ir.Table:
    """The equivalence classes of `rows` by `columns`, each with the number of people in it.

    A person counts once per class; rows whose `person` is missing are one person.
    """
    if person is None:
        return rows.group_by(list(columns)).aggregate(**{SIZE: ibis._.count()})
    people = ibis._[person].nunique() + ibis._[person].isnull().any().cast("int64")
    return rows.group_by(list(columns)).aggregate(**{SIZE: people})


def cells(rows: ir.Table, columns: Sequence[str], person: str | None = None) -> ir.Table:
    """`rows`, or other cells, without repeats: what classes by fewer or coarser columns are made of (`merged`).

    They stay in the database's memory as long as it is open.
    """
    if person:
        found = rows.select(*columns, person).distinct()
    else:
        found = merged(rows, columns) if SIZE in rows.columns else classes(rows, columns)
    return rows.get_backend().create_table(f"cells_{uuid.uuid4().hex}", found, temp=True)


def merged(found: ir.Table, columns: Sequence[str], person: str | None = None) -> ir.Table:
    """The classes of `cells` by these columns."""
    if person:
        return classes(found, columns, person)
    return found.group_by(list(columns)).aggregate(**{SIZE: ibis._[SIZE].sum()})


def sizes(found: ir.Table) -> Sizes:
    """How many classes there are of each size."""
    rows = found.group_by(SIZE).aggregate(classes=ibis._.count()).order_by(SIZE).to_pyarrow().to_pylist()
    return Sizes(tuple((int(r[SIZE]), int(r["classes"])) for r in rows))


def risks(found: Sizes) -> Risks:
    """Of an extract whose population is not known."""
    if found.k is None:
        return Risks(None, None, None)
    return Risks(1 / found.k, 1 / found.k, found.classes / found.n)


def risks_among(found: ir.Table, population: ir.Table, names: Mapping[str, str]) -> Risks:
    """Of an extract's classes among everybody it may be about; `names` are the population's columns, by the extract's.

    A class is never taken for smaller in the population than in the extract.
    """
    everyone = classes(population, list(names.values())).rename(everybody=SIZE)
    everyone = everyone.rename({f"of_population_{i}": name for i, name in enumerate(names.values())})
    same = [as_text(found[own]).identical_to(as_text(everyone[f"of_population_{i}"])) for i, own in enumerate(names)]
    joined = found.left_join(everyone, same)
    own = joined[SIZE]
    largest = ibis.greatest(own, joined.everybody.fill_null(0))
    (row,) = (
        joined.aggregate(n=own.sum(), smallest=own.min(), smallest_of_all=largest.min(), named=(own / largest).sum())
        .to_pyarrow()
        .to_pylist()
    )
    if not row["n"]:
        return Risks(None, None, None)
    return Risks(1 / row["smallest"], 1 / row["smallest_of_all"], row["named"] / row["n"])


def as_text(column: ir.Value) -> ir.Value:
    """As text, so that a file of text and one of numbers agree; a whole number has no decimals."""
    column = column.cast("float64") if column.type().is_decimal() else column
    text = column.cast("string")
    return text.re_replace(r"\.0+$", "") if column.type().is_floating() else text
