"""S1.3: which laws and standards apply, and what of the framework bears on their clauses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ethics_kit.framework import catalogue, crosswalk
from ethics_kit.record import Finding, Table
from ethics_kit.stages import laws
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import attested_finding
from ethics_kit.stages.impact_analysis.clauses import LEGEND, SEEN, Row, clause_table


def standards_applicability(case: Case) -> Outcome:
    """S1.3: which laws and standards apply, with reason, name and date, and what bears on their clauses."""
    decided = laws.decisions(case)
    applying = [name for name in catalogue.standards() if name in decided and decided[name].applies]
    findings = (_settled(decided), *_reach(case, applying))
    tables = (_applicability(decided), _summary(decided), *(clause_table(case, name) for name in applying))
    return Outcome(findings, tables)


def _settled(decided: dict[str, laws.Decision]) -> Finding:
    open_ = [s.short for s in catalogue.standards().values() if s.id not in decided]
    total = len(catalogue.standards())
    return attested_finding(
        "S1.3",
        "applicability_settled",
        "not_assessed" if open_ else "met",
        f"{total - len(open_)} of {total} laws and standards are settled"
        + (f"; open: {', '.join(open_)}." if open_ else "."),
        action="Decide for each open one whether it applies, and why." if open_ else None,
    )


def _reach(case: Case, applying: Sequence[str]) -> list[Finding]:
    """Whether it is answered which clauses reach the system, for laws with clauses that reach only some."""
    parts = [part for name in applying for part in crosswalk.mapping(name).parts if part.reach]
    if not parts:
        return []
    open_ = list(dict.fromkeys(q for part in parts for q in laws.open_reach(case, part)))
    asked = len({c.question for part in parts if part.reach for c in part.reach.when})
    questions = catalogue.questions("impact_analysis")
    return [
        attested_finding(
            "S1.3",
            "reach_settled",
            "not_assessed" if open_ else "met",
            f"{asked - len(open_)} of {asked} questions on which clauses hang that reach only some systems "
            "are answered" + (f"; open: {' '.join(questions[q].text for q in open_)}" if open_ else "."),
            action="Answer the open questions among the legal triggers." if open_ else None,
        )
    ]


def _applicability(decided: dict[str, laws.Decision]) -> Table:
    rows: list[Row] = []
    for name, standard in catalogue.standards().items():
        found = decided.get(name)
        shown: Row = ["open", None, None, None]
        if found:
            shown = [_yes_no(found.applies), found.reason, found.by, "inherited" if found.inherited else ""]
        rows.append([standard.title, standard.kind, *shown])
    return Table(
        id="S1.3.applicability",
        title="Laws and standards: does it apply?",
        requirement="S1.3",
        columns=["law or standard", "kind", "applies", "reason", "decided by", "from"],
        rows=rows,
    )


def _summary(decided: dict[str, laws.Decision]) -> Table:
    rows: list[Row] = []
    for name, standard in catalogue.standards().items():
        one = crosswalk.mapping(name)
        seen = Counter(clause.seen for clause in one.clauses)
        served = {r for clause in one.clauses for r in clause.bears} | set(one.as_a_whole)
        applies = _yes_no(decided[name].applies) if name in decided else "open"
        rows.append([standard.short, applies, len(one.clauses), *(seen[grade] for grade in SEEN), len(served)])
    return Table(
        id="S1.3.crosswalk",
        title=f"Clauses that the {len(catalogue.requirements())} requirements bear on, by where their ids were seen",
        requirement="S1.3",
        columns=["law or standard", "applies", "clauses", *SEEN.values(), "requirements"],
        rows=rows,
        note=LEGEND,
    )


def _yes_no(applies: bool) -> str:
    return "yes" if applies else "no"
