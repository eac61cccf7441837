"""What would have to be told less exactly for everybody to look like k people: a way there, found step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import ibis.expr.types as ir

from ethics_kit.measures.anonymity import Sizes, cells, merged, sizes
from ethics_kit.measures.ladders import Ladder, Rung, ladders


@dataclass(frozen=True)
class Generalisation:
    """For each column how it is told (in words) and how many rungs up that is; what is then left out and lost.

    `suppressed` people are in classes of fewer than k still, and left out. `separation` is the share of pairs of people
    that differ, before and after, where those left out differ from nobody.
    """

    k: int
    told: Mapping[str, str]
    rungs: Mapping[str, int]
    n: int
    suppressed: int
    classes: int
    separation: tuple[float, float]


def generalise(
    rows: ir.Table, columns: Sequence[str], k: int, *, suppressed_max: float, person: str | None = None
) -> Generalisation | None:
    """A generalisation of `columns` with classes of at least `k`, and at most that share left out; None under k people.

    Each step goes up the rung that leaves the smallest discernibility penalty: the sum of squared class sizes, where
    those left out count as looking like everybody (Bayardo and Agrawal 2005). In the end every column goes down again
    as far as k allows, so that no single one could be told more exactly; another combination may still lose less.
    """
    steps = ladders(rows, columns)
    exact = rows.mutate(**{name: ladder.exact(rows[name]) for name, ladder in steps.items()})
    base = now = cells(exact, columns, person)
    up = dict.fromkeys(columns, 0)
    found = before = sizes(merged(base, columns, person))
    while found.below(k) > suppressed_max * found.n or not found.n:
        tried = {
            name: _raised(now, {name: ladder.rungs[up[name] : up[name] + 1]})
            for name, ladder in steps.items()
            if up[name] < len(ladder.rungs)
        }
        if not tried:
            return None
        measured = {name: sizes(merged(table, columns, person)) for name, table in tried.items()}
        best = min(tried, key=lambda name: _penalty(measured[name], k))
        up[best] += 1
        found, now = measured[best], cells(tried[best], columns, person)
    up, found = _lowered(base, steps, up, found, k, suppressed_max, person)
    return Generalisation(
        k=k,
        told={name: steps[name].rungs[up[name] - 1].words if up[name] else "as it is" for name in columns},
        rungs=up,
        n=found.n,
        suppressed=found.below(k),
        classes=sum(classes for size, classes in found.counts if size >= k),
        separation=(_separation(before, 1), _separation(found, k)),
    )


def _raised(table: ir.Table, rungs: Mapping[str, Sequence[Rung]]) -> ir.Table:
    """`table` with each column taken up these rungs, one after the other."""
    return table.mutate(
        **{name: reduce(lambda value, rung: rung.made(value), steps, table[name]) for name, steps in rungs.items()}
    )


def _lowered(
    base: ir.Table,
    steps: Mapping[str, Ladder],
    up: Mapping[str, int],
    found: Sizes,
    k: int,
    suppressed_max: float,
    person: str | None,
) -> tuple[dict[str, int], Sizes]:
    """`up` with every column as far down as k allows, and the sizes then; each time the one that loses least."""
    best: Mapping[str, int] | None = up
    while best is not None:
        up, best, options = best, None, []
        for name in (n for n, rung in up.items() if rung):
            lower = {**up, name: up[name] - 1}
            table = _raised(base, {n: steps[n].rungs[:rung] for n, rung in lower.items()})
            reached = sizes(merged(table, list(up), person))
            if reached.below(k) <= suppressed_max * reached.n:
                options.append((_penalty(reached, k), lower, reached))
        if options:
            _, best, found = min(options, key=lambda option: option[0])
    return dict(up), found


def _penalty(found: Sizes, k: int) -> int:
    return sum(classes * size * (size if size >= k else found.n) for size, classes in found.counts)


def _separation(found: Sizes, k: int) -> float:
    """The share of pairs that differ, where those in classes under `k` differ from nobody."""
    n, kept = found.n, found.n - found.below(k)
    alike = sum(classes * size**2 for size, classes in found.counts if size >= k)
    return (kept**2 - alike) / (n * (n - 1)) if n > 1 else 0.0
