"""S1.3: for one law or standard, what bears on which of its clauses."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ethics_kit.framework import catalogue, crosswalk
from ethics_kit.framework.crosswalk import Clause, Mapping, Part, Relationship, Seen
from ethics_kit.project import STAGES, TITLES
from ethics_kit.record import Table
from ethics_kit.stages import laws
from ethics_kit.stages.case import Case

Row = list[str | int | float | None]

MARKS: dict[Relationship, str] = {"equal": " (same)", "subset": " (part)", "superset": " (more)", "intersects": ""}
SEEN: dict[Seen, str] = {
    "text": "text",
    "contents": "contents",
    "elsewhere": "elsewhere",
    "unverified": "not verified",
}
LEGEND = (
    "A finding bears on a clause; it never says that a law or standard is met. Part: it shows part of the clause. "
    "More: the requirement asks more than the clause. Otherwise the two overlap. Workbooks: "
    + ", ".join(f"{n} {TITLES[stage].lower()}" for n, stage in enumerate(STAGES, 1))
    + ". Where a clause's id was seen, "
    + "; ".join(f"“{short}”: {crosswalk.SEEN_WORDS[seen]}" for seen, short in SEEN.items())
    + ". Nobody here has checked an id against a standard that has to be bought."
)


def clause_table(case: Case, name: str) -> Table:
    """One row per clause, or per run of clauses that the same requirements bear on in the same way."""
    one, short = crosswalk.mapping(name), catalogue.standards()[name].short
    beyond = {part.title: who for part in one.parts if (who := laws.out_of_reach(case, part))}
    shown = [(part, c) for part in one.parts if part.title not in beyond for c in part.rows if c.bears]
    facts = {
        "applies from": [_from(case, clause) for _, clause in shown],
        "clause id seen in": [_seen(clause) for _, clause in shown],
    }
    varied = {title: words for title, words in facts.items() if len(set(words)) > 1}
    alike = [f"{title} {words[0]}" for title, words in facts.items() if title not in varied and words[0] != "–"]
    lines = [_line(part, clause, [words[i] for words in varied.values()]) for i, (part, clause) in enumerate(shown)]
    rows: list[Row] = []
    for (_, *same), run in groupby(range(len(shown)), key=lambda i: lines[i]):
        together = [shown[i] for i in run]
        rows.append([_ids(together), "; ".join(clause.gist for _, clause in together), *same])
    rows += [_beyond(part, beyond[part.title], len(varied)) for part in one.parts if part.title in beyond]
    return Table(
        id=f"S1.3.{name}",
        title=f"{short}: what bears on which clause" + (f" ({'; '.join(alike)})" if alike else ""),
        requirement="S1.3",
        columns=["clause", "about", "requirements that bear on it", "workbooks", *varied],
        rows=rows,
        note=_note(one),
    )


def _line(part: Part, clause: Clause, facts: Sequence[str]) -> tuple[str, ...]:
    """What a row says besides id and gist; runs that say the same are one row."""
    return (f"{part.title} {clause.number is None}", _bears(clause), _workbooks(clause), *facts)


def _from(case: Case, clause: Clause) -> str:
    if clause.in_force is None:
        return "–"
    return ("" if laws.in_force(case, clause) else "not yet: ") + clause.in_force.words()


def _seen(clause: Clause) -> str:
    return SEEN[clause.seen] + (f"; {clause.caution}" if clause.caution else "")


def _bears(clause: Clause) -> str:
    return ", ".join(requirement + MARKS[how] for requirement, how in clause.bears.items())


def _workbooks(clause: Clause) -> str:
    owed = {stage for requirement in clause.bears for stage in catalogue.requirements()[requirement].stages}
    return ", ".join(str(n) for n, stage in enumerate(STAGES, 1) if stage in owed)


def _ids(together: Sequence[tuple[Part, Clause]]) -> str:
    part, first = together[0]
    if first.number is None:
        return laws.cited(part, first)
    return f"{part.cite} {'; '.join(str(clause.number) for _, clause in together)}".strip()


def _beyond(part: Part, who: str, columns: int) -> Row:
    assert part.reach
    ids = _ids([(part, clause) for clause in part.rows])
    return [ids, f"Not shown: {part.reach.text}. Answered no by {who}.", None, None, *[None] * columns]


def _note(one: Mapping) -> str:
    none = [str(clause.number or clause.gist) for clause in one.clauses if not clause.bears]
    return (
        f"{one.edition}. {one.about} Looked up on {one.checked_on}. Not to be claimed: {'; '.join(one.never_claim)}."
        + (f" Nothing of the framework bears on {', '.join(none)}." if none else "")
    )
