"""What leaves a database: counts and sums, and of single rows nothing but where the dossier allows it.

Every expression is looked at before it becomes SQL. What it returns has to be aggregated on every way down to a table,
and no column of it may hand on a value that tells one row from others: an id, a moment, a column no role reads, or
one whose values few people share.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.common.exceptions as broken
import ibis.expr.operations as ops
import ibis.expr.types as ir

Place = tuple[str, ...]
"""Where a table lies: schema and table, or the table alone."""

COUNTED = (
    ops.Count,
    ops.CountStar,
    ops.CountDistinct,
    ops.CountDistinctStar,
    ops.Sum,
    ops.Mean,
    ops.Variance,
    ops.StandardDev,
    ops.Correlation,
    ops.Covariance,
    ops.StringLength,
    ops.RankBase,
    ops.PercentRank,
    ops.CumeDist,
    ops.NTile,
    ops.Literal,
)
"""What says how many or how much, and not which."""

MINUTE = 60
OF_A_DAY = {"D", "W", "M", "Q", "Y"}
CALENDAR = (ops.Date, ops.ExtractYear, ops.ExtractQuarter, ops.ExtractMonth, ops.ExtractDay, ops.DateTruncate)


class RowsRefused(Exception):
    """Something needs rows of these tables, which may not leave their database.

    `columns` are those of them, as TABLE.COLUMN, whose values would be told and are shared by too few people.
    """

    def __init__(self, tables: Collection[str], columns: Collection[str] = ()) -> None:
        super().__init__("rows of " + ", ".join(sorted(tables)))
        self.tables = sorted(tables)
        self.columns = sorted(columns)


class NotCounted(Exception):
    """The database cannot count this."""


@dataclass
class Leave:
    """What may leave a database: `named` are its tables by place, `groups` their columns that say a group or a number.

    Values of such a column are told where `shared`, asked for its place and name, says that enough people have each.
    Rows leave of the tables in `allowed` alone.
    """

    named: Mapping[Place, str]
    groups: Mapping[Place, Collection[str]]
    shared: Callable[[Place, str], bool]
    allowed: set[str] = field(default_factory=set)

    def check(self, expression: ir.Expr) -> None:
        """
        Raises
        ------
        RowsRefused
            The result would hold rows, or values of single rows, of a table that is not among the allowed.
        """
        whole = expression.as_table().op()
        told = _Told(self.groups, self._shared)
        places = told.rows(whole).union(*(told.column(whole, name) for name in whole.schema))
        refused = {self._name(place) for place in places} - self.allowed
        if refused:
            few = {f"{self._name(place)}.{column}" for place, column in told.few if self._name(place) in refused}
            raise RowsRefused(refused, few)

    def _name(self, place: Place) -> str:
        return self.named.get(place, ".".join(place))

    def _shared(self, place: Place, column: str) -> bool:
        return self._name(place) in self.allowed or self.shared(place, column)


class Guarded:
    """Mixed into a backend of Ibis: makes no SQL of an expression before it has been looked at."""

    leave: Leave

    def compile(self, expr: ir.Expr, /, **options: Any) -> str:
        self.leave.check(expr)
        try:
            sql: str = super().compile(expr, **options)  # type: ignore[misc]
        except (broken.UnsupportedOperationError, broken.OperationNotDefinedError) as error:
            raise NotCounted(str(error).splitlines()[0]) from error
        return sql


def says_groups(table: ir.Table, column: str, people: str | None, *, few: int) -> bool:
    """Whether the values of a column say groups, by two counts of them: most are shared by `few` people or more.

    Fewer than `few` values that are not may be mistakes. `people` is the column of their ids; None: a row each.
    """
    shared = ibis._[people].nunique() if people else ibis._.count()
    values = table.filter(table[column].notnull()).group_by(value=table[column]).aggregate(shared=shared)
    seen = values.aggregate(all=values.count(), rare=(values.shared < few).sum()).to_pyarrow().to_pylist()[0]
    rare = int(seen["rare"] or 0)
    return rare < few or 2 * rare <= int(seen["all"])


def place_of(table: ops.PhysicalTable) -> Place:
    """Where a table of an expression lies."""
    parts = (table.namespace.catalog, table.namespace.database, table.name)
    return tuple(part for part in parts if part)


class _Told:
    """The tables of which a relation returns rows, or a value tells single ones; `few` are columns that few share."""

    def __init__(self, groups: Mapping[Place, Collection[str]], shared: Callable[[Place, str], bool]) -> None:
        self.groups = groups
        self.shared = shared
        self.few: set[tuple[Place, str]] = set()
        self.rows = functools.cache(self._rows)
        self.value = functools.cache(self._value)

    def _rows(self, relation: ops.Relation) -> frozenset[Place]:
        """The tables under `relation` that nothing aggregates, or only by what tells one row from others."""
        match relation:
            case ops.InMemoryTable() | ops.DummyTable():
                return frozenset()
            case ops.Aggregate():
                return frozenset().union(*(self.value(key) for key in relation.groups.values()))
            case ops.Distinct():
                return frozenset().union(*(self.column(relation, name) for name in relation.schema))
            case ops.DatabaseTable() | ops.UnboundTable():
                return frozenset([place_of(relation)])
        return frozenset().union(*(self.rows(part) for part in _relations(relation.args)))

    def column(self, relation: ops.Relation, name: str) -> frozenset[Place]:
        """The tables of whose rows a column of `relation` tells single ones."""
        match relation:
            case ops.DatabaseTable() | ops.UnboundTable():
                place = place_of(relation)
                return frozenset() if self._says_a_group(place, name) else frozenset([place])
            case ops.InMemoryTable() | ops.DummyTable():
                return frozenset()
            case ops.Set():
                return self.column(relation.left, name) | self.column(relation.right, name)
            case ops.Reference():
                return self.column(relation.parent, name)
        return self.value(relation.values[name])

    def _says_a_group(self, place: Place, name: str) -> bool:
        if name not in self.groups.get(place, ()):
            return False
        if self.shared(place, name):
            return True
        self.few.add((place, name))
        return False

    def _value(self, value: ops.Value) -> frozenset[Place]:
        if isinstance(value, COUNTED) or value.dtype.is_boolean() or _a_day(value):
            return frozenset()
        match value:
            case ops.Field():
                return self.column(value.rel, value.name)
            case ops.ScalarSubquery():
                return self.rows(value.rel) | self.column(value.rel, value.rel.schema.names[0])
            case ops.WindowFunction():
                return self.value(value.func)
            case ops.ArgMin() | ops.ArgMax():
                return self.value(value.arg)
            case ops.Subtract() | ops.TimestampDiff() | ops.TimestampDelta() if _both(self, value):
                return frozenset()  # a duration: two moments of which neither can be told
        return frozenset().union(*(self.value(part) for part in _values(value.args)))


def _a_day(value: ops.Value) -> bool:
    """Whether a moment is told to its day at most, or how long ago it was to its minute."""
    match value:
        case ops.TimestampTruncate():
            return value.unit.short in OF_A_DAY
        case ops.Strftime(format_str=ops.Literal(value=str(form))):
            return set(re.findall("%(.)", form)) <= set("Ymd")
        case ops.Floor(arg=ops.Divide(right=ops.Literal(value=seconds))):
            return bool(seconds >= MINUTE)
    to_date = isinstance(value, ops.Cast) and value.to.is_date()
    return (to_date or isinstance(value, CALENDAR)) and value.args[0].dtype.is_temporal()


def _both(told: _Told, value: Any) -> bool:
    return bool(told.value(value.left) and told.value(value.right)) and not value.dtype.is_temporal()


def _relations(args: Any) -> list[ops.Relation]:
    found = []
    for part in args:
        if isinstance(part, ops.JoinLink):
            found.append(part.table)
        elif isinstance(part, tuple):
            found += _relations(part)
        elif isinstance(part, ops.Relation):
            found.append(part)
    return found


def _values(args: Any) -> list[ops.Value]:
    found = []
    for part in args:
        if isinstance(part, tuple):
            found += _values(part)
        elif isinstance(part, Mapping):
            found += _values(part.values())
        elif isinstance(part, ops.SortKey):
            continue  # an order tells nothing that the column beside it does not
        elif isinstance(part, ops.Value):
            found.append(part)
    return found
