"""Which columns of an extract name people: directly by their values, or by telling rows apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import ibis
import ibis.expr.types as ir

from ethics_kit.measures.anonymity import Sizes, as_text, cells, merged, sizes

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
    """Each column in which some row holds a direct identifier; `known` has the ids of people, as `id`.

    Ids of fewer than `SHORTEST` signs are not sought.
    """
    texts = {f"text{i}": as_text(rows[name]).strip() for i, name in enumerate(rows.columns)}
    ids = None if known is None else known.select(id=as_text(known.id).strip())
    if ids is not None:
        ids = ids.filter(ids.id.length() >= SHORTEST).distinct()
    looked = rows.select(
        **{f"email{name}": text.re_search(EMAIL) for name, text in texts.items()},
        **{f"phone{name}": _phone(text) for name, text in texts.items()},
        **{f"known{name}": ibis.literal(False) if ids is None else text.isin(ids.id) for name, text in texts.items()},
    )
    (row,) = looked.aggregate(**{name: looked[name].sum() for name in looked.columns}).to_pyarrow().to_pylist()
    found = [
        Named(name, *(int(row[f"{kind}text{i}"] or 0) for kind in ("email", "phone", "known")))
        for i, name in enumerate(rows.columns)
    ]
    return [named for named in found if named.kinds]


def _phone(text: ir.StringValue) -> ir.BooleanValue:
    return text.re_search(PHONE) & text.re_replace("[^0-9]", "").length().between(DIGITS[0], DIGITS[-1])


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
