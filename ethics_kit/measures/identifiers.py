"""Which columns of an extract name people: directly by their values, or by telling rows apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import ibis.expr.types as ir

from ethics_kit.measures.anonymity import Sizes, cells, merged, sizes

EMAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
PHONE = r"^(\+|00)[0-9]([ ()/.-]*[0-9]){7,13}$|^\(?0[0-9]+\)?([ /.-]+[0-9]+)+$"
"""A telephone number with its country's code, or one that begins with 0 and has gaps."""
DIGITS = range(7, 16)
"""How many digits a telephone number has, at most as in ITU-T E.164."""
SHORTEST = 5
"""Signs of an id that is sought among values: shorter ones are those of ages and counts, too."""


@dataclass(frozen=True)
class Named:
    """Rows of one column whose value holds an e-mail address, is a telephone number, or is the id of a known person."""

    column: str
    emails: int
    phones: int
    known: int

    @property
    def kinds(self) -> dict[str, int]:
        """Rows by what they hold, where any do."""
        found = {"e-mail addresses": self.emails, "telephone numbers": self.phones, "ids of customers": self.known}
        return {what: rows for what, rows in found.items() if rows}


@dataclass(frozen=True)
class Identifying:
    """How well a set of columns tells rows apart.

    `distinction`: different values, as a share of rows, None without rows; `separation`: pairs of rows that differ, as
    a share of all pairs, None under two rows (Motwani and Xu 2007; as in ARX).
    """

    columns: tuple[str, ...]
    n: int
    distinction: float | None
    separation: float | None
    unique: int


def directly(rows: ir.Table, known: ir.Table | None = None) -> list[Named]:
    """Each column in which some row holds a direct identifier; `known` has the ids of people, as `id`."""
    texts = {name: rows[name].cast("string").strip() for name in rows.columns}
    counted: dict[str, ir.Scalar] = {}
    for number, text in enumerate(texts.values()):
        digits = (
            text.re_replace(
                "[^0-9]",
                "",
            )
            .length()
            .between(DIGITS[0], DIGITS[-1])
        )
        counted[f"emails{number}"] = text.re_search(EMAIL).sum()
        counted[f"phones{number}"] = (text.re_search(PHONE) & digits).sum()
    (row,) = rows.aggregate(**counted).to_pyarrow().to_pylist()
    found = [
        Named(name, int(row[f"emails{i}"] or 0), int(row[f"phones{i}"] or 0), _known(texts[name], known))
        for i, name in enumerate(texts)
    ]
    return [named for named in found if named.kinds]


def _known(text: ir.StringValue, known: ir.Table | None) -> int:
    """Rows whose value is an id of `known`."""
    if known is None:
        return 0
    values = text.name("id").as_table().filter(lambda t: t.id.length() >= SHORTEST)
    ids = known.select(id=known.id.cast("string").strip()).distinct()
    return int(values.semi_join(ids, "id").count().to_pyarrow().as_py())


def identifying(
    rows: ir.Table, columns: Sequence[str], *, person: str | None = None, most: int = 2
) -> list[Identifying]:
    """Every set of up to `most` columns, and all together, with the one that tells most rows apart first.

    Rows are read once: sets are counted on the classes by all columns.
    """
    whole = cells(rows, columns, person)
    sets = [s for size in range(1, most + 1) for s in combinations(columns, size)]
    found = [_told(s, sizes(merged(whole, s, person))) for s in dict.fromkeys([*sets, tuple(columns)])]
    return sorted(found, key=lambda i: (-(i.separation or 0.0), len(i.columns), i.columns))


def _told(columns: tuple[str, ...], found: Sizes) -> Identifying:
    n = found.n
    alike = sum(classes * size * (size - 1) for size, classes in found.counts)
    separation = 1 - alike / (n * (n - 1)) if n > 1 else None
    return Identifying(columns, n, found.classes / n if n else None, separation, found.unique)
