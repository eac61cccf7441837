"""What may leave a database: aggregates by groups, and nothing that tells one row from others."""

from collections.abc import Callable

import ibis
import ibis.expr.types as ir
import pytest

from ethics_kit.measures.engines.rows import Leave, RowsRefused

KINDS = {
    "id": "string",
    "time": "timestamp",
    "seen": "timestamp",
    "group": "string",
    "score": "float64",
    "note": "string",
}
EVENTS = ibis.table(KINDS, name="events", database="crm")
PEOPLE = ibis.table({"id": "string", "region": "string"}, name="people", database="crm")
NAMED = {("crm", "events"): "decisions", ("crm", "people"): "customers"}
GROUPS = {("crm", "events"): {"group", "score"}, ("crm", "people"): {"region"}}
"""`note` is a column that no role reads."""


def told(_place: tuple[str, ...], _column: str) -> bool:
    """Enough people share every value."""
    return True


def not_scores(_place: tuple[str, ...], column: str) -> bool:
    return column != "score"


def first_of_each() -> ir.Table:
    return EVENTS.group_by("id").aggregate(first=EVENTS.time.min(), group=EVENTS.group.max())


COUNTED: dict[str, Callable[[], ir.Expr]] = {
    "all rows": lambda: EVENTS.count(),
    "by group": lambda: EVENTS.group_by("group").aggregate(n=EVENTS.count(), mean=EVENTS.score.mean()),
    "ids counted": lambda: EVENTS.aggregate(ids=EVENTS.id.nunique(), blank=EVENTS.note.isnull().sum()),
    "groups there are": lambda: EVENTS.select("group").distinct().limit(5),
    "the first and last day": lambda: EVENTS.aggregate(first=EVENTS.time.truncate("D").min()),
    "by month": lambda: EVENTS.group_by(month=EVENTS.time.strftime("%Y-%m")).aggregate(n=EVENTS.count()),
    "each person once, then by group": lambda: first_of_each().group_by("group").aggregate(n=ibis._.count()),
    "joined, then counted": lambda: (
        EVENTS.left_join(PEOPLE, EVENTS.id == PEOPLE.id).group_by("region").aggregate(n=ibis._.count())
    ),
    "by hours between two moments": lambda: (
        EVENTS.group_by(hours=((EVENTS.seen.epoch_seconds() - EVENTS.time.epoch_seconds()) / 3600).ceil())
        .aggregate(n=EVENTS.count())
        .order_by("hours")
    ),
    "by place in an order": lambda: (
        EVENTS.mutate(place=ibis.row_number().over(order_by=EVENTS.id)).group_by("place").aggregate(n=ibis._.count())
    ),
    "by whether it is before a moment": lambda: EVENTS.group_by(
        old=EVENTS.time < ibis.timestamp("2026-01-01")
    ).aggregate(n=ibis._.count()),
    "counts of two tables": lambda: ibis.union(
        EVENTS.group_by(name="group").aggregate(n=EVENTS.count()),
        PEOPLE.group_by(name="region").aggregate(n=PEOPLE.count()),
    ),
}

ROWS: dict[str, Callable[[], ir.Expr]] = {
    "the table": lambda: EVENTS,
    "a column of groups": lambda: EVENTS.group,
    "some rows": lambda: EVENTS.filter(EVENTS.score > 0.5).order_by("time").limit(3).select("group"),
    "by id": lambda: EVENTS.group_by("id").aggregate(n=EVENTS.count()),
    "by id, which is not shown": lambda: EVENTS.group_by("id").aggregate(n=EVENTS.count()).select("n"),
    "by a digest of the id": lambda: EVENTS.group_by(who=EVENTS.id.hexdigest("md5")).aggregate(n=EVENTS.count()),
    "different ids": lambda: EVENTS.select("id").distinct(),
    "by moment": lambda: EVENTS.group_by("time").aggregate(n=EVENTS.count()),
    "by second": lambda: EVENTS.group_by(at=EVENTS.time.truncate("s")).aggregate(n=EVENTS.count()),
    "by hour and minute": lambda: EVENTS.group_by(at=EVENTS.time.strftime("%Y-%m-%d %H:%M")).aggregate(
        n=EVENTS.count()
    ),
    "the first moment": lambda: EVENTS.time.min(),
    "the largest id": lambda: EVENTS.id.max(),
    "ids in a list": lambda: EVENTS.group_by("group").aggregate(ids=EVENTS.id.collect()),
    "the id at the highest score": lambda: EVENTS.id.argmax(EVENTS.score),
    "by a column no role reads": lambda: EVENTS.group_by("note").aggregate(n=EVENTS.count()),
    "one row per person": lambda: first_of_each(),
    "counts joined to rows": lambda: EVENTS.left_join(
        EVENTS.group_by("group").aggregate(n=EVENTS.count()), "group"
    ).select("group", "n"),
    "a number out of one row": lambda: EVENTS.aggregate(
        n=EVENTS.count() + PEOPLE.select(one=PEOPLE.region.length()).limit(1).one.as_scalar()
    ),
    "the id before": lambda: (
        EVENTS.mutate(before=EVENTS.id.lag().over(order_by=EVENTS.time)).group_by("before").aggregate(n=ibis._.count())
    ),
    "rows under counts": lambda: ibis.union(
        EVENTS.group_by(name="group").aggregate(n=EVENTS.count()),
        PEOPLE.select(name="region", n=ibis.literal(1, type="int64")),
    ),
}


@pytest.mark.parametrize("name", COUNTED)
def test_what_is_counted_may_leave(name: str) -> None:
    Leave(NAMED, GROUPS, told).check(COUNTED[name]())


@pytest.mark.parametrize("name", ROWS)
def test_rows_and_what_tells_one_of_them_may_not(name: str) -> None:
    with pytest.raises(RowsRefused):
        Leave(NAMED, GROUPS, told).check(ROWS[name]())


def test_who_is_refused_learns_of_which_tables() -> None:
    joined = EVENTS.left_join(PEOPLE, EVENTS.id == PEOPLE.id).select("group", "region")
    with pytest.raises(RowsRefused) as error:
        Leave(NAMED, GROUPS, told).check(joined)
    assert error.value.tables == ["customers", "decisions"]


def test_a_column_whose_values_few_people_share_tells_them_and_is_named() -> None:
    leave = Leave(NAMED, GROUPS, not_scores)
    leave.check(EVENTS.group_by("group").aggregate(mean=EVENTS.score.mean()))
    with pytest.raises(RowsRefused) as error:
        leave.check(EVENTS.group_by("group", "score").aggregate(n=EVENTS.count()))
    assert (error.value.tables, error.value.columns) == (["decisions"], ["decisions.score"])


def test_rows_leave_of_the_tables_that_the_dossier_allows_and_of_no_other() -> None:
    leave = Leave(NAMED, GROUPS, told, {"decisions"})
    leave.check(EVENTS)
    with pytest.raises(RowsRefused, match="rows of customers"):
        leave.check(EVENTS.left_join(PEOPLE, EVENTS.id == PEOPLE.id).select("group", "region"))


def test_a_table_that_nobody_named_lets_nothing_leave() -> None:
    other = ibis.table({"region": "string"}, name="salaries", database="hr")
    with pytest.raises(RowsRefused, match=r"hr\.salaries"):
        Leave(NAMED, GROUPS, told).check(other.group_by("region").aggregate(n=other.count()))
