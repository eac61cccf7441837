"""The tables behind P3.3: every measure of an extract, what tells people apart, and what would hide them."""

from __future__ import annotations

from collections.abc import Sequence

from ethics_kit.record import Table
from ethics_kit.stages.bias_testing.looked import Looked
from ethics_kit.stages.case import Case

MOST_SETS = 12
"""Sets of columns that are shown, those first that tell most people apart."""

Line = list[str | int | float | None]


def measures(case: Case, seen: Looked) -> Table:
    """Every measure with its limit; what has no limit is shown and not judged."""
    policy, sizes, risks = case.dossier.policy.privacy, seen.sizes, seen.risks
    k_min = policy.k_min.value
    lines: list[Line] = [
        ["people who look alike, at least (k)", sizes.k, None, None, k_min],
        ["classes of people who look alike", sizes.classes, None, None, None],
        ["people nobody looks like", sizes.unique, None, None, 0],
        [f"people who look like fewer than {k_min}", sizes.below(k_min), None, None, 0],
        ["prosecutor risk, worst row", risks.prosecutor, None, None, 1 / k_min],
        ["journalist risk, worst row", risks.journalist, None, None, None],
        ["marketer risk, all rows", risks.marketer, None, None, policy.risk_max.value],
    ]
    if seen.unique_of_all:
        share = seen.unique_of_all.share
        lines.append(["unique among everybody, share", share.value, share.low, share.high, None])
    for sensitive in seen.sensitive:
        found, column = sensitive.found, sensitive.column
        lines += [
            [f"{column}: different values, at least (distinct l)", found.distinct_l, None, None, policy.l_min.value],
            [f"{column}: entropy l, at least", found.entropy_l, None, None, None],
            [f"{column}: rows in classes of one value", found.one_value, None, None, None],
            [f"{column}: distance from all, at most (t)", found.t, None, None, policy.t_max.value],
            [f"{column}: disclosure δ, at most", found.delta, None, None, None],
        ]
    return _table(
        seen,
        "measures",
        f"How well people are hidden in {seen.name}",
        ["measure", "value", "low", "high", "limit"],
        lines,
        " ".join(_notes(seen)),
    )


def _notes(seen: Looked) -> list[str]:
    extract, notes = seen.extract, []
    told = f"{seen.rows:,} rows, made on {extract.made_on}, for {extract.recipient}: {extract.purpose.rstrip('.')}."
    notes.append(told)
    people = f"People are told apart by {extract.person}." if extract.person else "Each row is taken for one person."
    notes.append(people)
    if extract.none_sensitive:
        notes.append(f"Nothing in it is called sensitive: {extract.none_sensitive.rstrip('.')}.")
    notes += [
        f"{column} is said to tell nothing of anybody: {why.rstrip('.')}." for column, why in extract.other.items()
    ]
    found = seen.unique_of_all
    if found is None:
        awaits = "not every column is declared" if extract.population else "how many people it may be about is not said"
        if seen.kept_back:
            awaits = f"rows of {' and '.join(seen.kept_back)} stay in a database"
        notes.append(f"The worst is assumed, as {awaits}.")
    elif extract.population and extract.population.table:
        notes.append(f"Everybody: the {found.population:,} rows of {extract.population.table}, counted.")
    else:
        how = f"not told, {found.reason}" if found.reason else "estimated by Pitman's sampling formula (Hoshino 2001)"
        notes.append(f"Everybody: {found.population:,} people; the share of unique ones is {how}.")
    if any(s.found.delta is None for s in seen.sensitive):
        notes.append("δ is infinite where a class lacks a value, and not shown.")
    return notes


def identifying(seen: Looked) -> Table:
    """Which columns tell people apart, the strongest set first."""
    lines: list[Line] = [
        [_named(seen, i.columns), i.distinction, i.separation, i.unique] for i in seen.identifying[:MOST_SETS]
    ]
    columns = ["columns", "distinction", "separation", "unique people"]
    note = (
        "Distinction: different values, as a share of people. Separation: pairs of people that differ, as a share of "
        "all pairs. Single columns, pairs of columns, and all quasi-identifiers together."
    )
    return _table(seen, "identifying", f"What tells people apart in {seen.name}", columns, lines, note)


def generalisation(case: Case, seen: Looked) -> list[Table]:
    """How quasi-identifiers could be told so that k is reached; none where it is reached already."""
    k, found = case.dossier.policy.privacy.k_min.value, seen.generalised
    title = f"What would hide everybody in {seen.name} among {k} people"
    if seen.sizes.k is not None and seen.sizes.k >= k:
        return []
    if found is None:
        note = f"Nothing would: it holds fewer than {k} people."
        return [_table(seen, "generalisation", title, ["column", "told as"], [], note)]
    lines: list[Line] = [[seen.names[column], words] for column, words in found.told.items()]
    before, after = found.separation
    note = (
        f"{found.suppressed:,} of {found.n:,} people would be left out besides; the others form {found.classes:,} "
        f"classes. Pairs of people that differ: {before:.1%} now, {after:.1%} then. Found step by step: no single "
        "column could be told more exactly, yet another combination may keep more. Sensitive values are not looked at."
    )
    return [_table(seen, "generalisation", title, ["column", "told as"], lines, note)]


def _named(seen: Looked, columns: Sequence[str]) -> str:
    return " + ".join(seen.names[column] for column in columns)


def _table(seen: Looked, what: str, title: str, columns: list[str], rows: list[Line], note: str) -> Table:
    return Table(id=f"P3.3.{seen.name}.{what}", title=title, requirement="P3.3", columns=columns, rows=rows, note=note)
