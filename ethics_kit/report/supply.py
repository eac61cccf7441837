"""What to supply next: the open findings of records, gathered by what they wait for and ranked.

Everything follows from the records, so nothing of it is kept in them. Order: what everything else hangs on, what
rejects now, what can reject, the rest; then the cheapest first; then what most findings wait for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Question
from ethics_kit.project import TITLES
from ethics_kit.recommendation import statements
from ethics_kit.record import Duty, Finding, Record

Effort = Literal["answer", "signature", "document", "column", "table", "rows", "remedy", "stage", "elsewhere"]
EFFORTS: dict[Effort, str] = {
    "answer": "answers",
    "signature": "a name and a date",
    "document": "a document",
    "column": "a column",
    "table": "a table",
    "rows": "more rows",
    "remedy": "work to be done",
    "stage": "an earlier stage",
    "elsewhere": "evidence from elsewhere",
}
"""What an item costs, the cheapest first."""

GATE, REJECTS, CAN_REJECT, CONDITIONS = range(4)
WHY = (
    "Everything else hangs on it.",
    "The recommendation is reject because of it.",
    "If it turns out not met, the recommendation is reject.",
    "",
)

COLUMNS = re.compile(r"awaits in the table (\w+) the column for ([\w, ]+)")
COLUMN_OR = re.compile(r"awaits in the table (\w+) the column for (\w+), (or .+)")
ATTRIBUTE = re.compile(r"awaits the attribute (\w+), .*")
TABLE = re.compile(r"awaits the table (\w+)")
NEWER = re.compile(r"awaits (\w+) of the last (\d+) days .*")
NO_EVIDENCE = re.compile(r"no (?:measured|attested) evidence")
"""How findings say what they wait for: `Case.lacking`, `conclude` and the steps of bias testing write these words."""


@dataclass(frozen=True)
class Supply:
    """One thing to supply: what, what it costs, why it stands where it does, and which requirements wait for it."""

    what: str
    effort: Effort
    tier: int
    requirements: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    findings: int = 0

    @property
    def why(self) -> str:
        waits = "" if not self.findings else "1 finding waits for it."
        waits = f"{self.findings} findings wait for it." if self.findings > 1 else waits
        return " ".join(part for part in (WHY[self.tier], waits) if part)


Key = tuple[str, ...]


def ranked(*records: Record) -> list[Supply]:
    """What the records of one system wait for, most useful first; each thing once, whatever waits for it."""
    found: dict[Key, Supply] = {}
    here = {("stage", record.stage) for record in records}
    for record in records:
        for key, item in [*_gate(record), *_open(record)]:
            if key not in here:  # what an earlier stage waits for is told by its own record
                found[key] = _joined(found[key], item) if key in found else item
    efforts = list(EFFORTS)
    return sorted(map(_counted, found.items()), key=lambda s: (s.tier, efforts.index(s.effort), -s.findings))


def _joined(one: Supply, other: Supply) -> Supply:
    return replace(
        one,
        tier=min(one.tier, other.tier),
        requirements=tuple(dict.fromkeys(one.requirements + other.requirements)),
        stages=tuple(dict.fromkeys(one.stages + other.stages)),
        findings=one.findings + other.findings,
    )


def _counted(entry: tuple[Key, Supply]) -> Supply:
    """An item of answers says how many."""
    key, item = entry
    if key[0] not in ("section", "signature", "plan"):
        return item
    count = f"{item.findings} {'answer' if key[0] != 'plan' else 'finding'}{'s' * (item.findings > 1)}"
    return replace(item, what=item.what.format(count=count))


def _gate(record: Record) -> Iterator[tuple[Key, Supply]]:
    """What holds up everything, whatever the findings: the level, the policy, earlier stages, a short questionnaire."""
    level, stage = record.level, (record.stage,)
    if level.value == "undetermined" and level.unanswered:
        what = (
            f"Answers to the {level.unanswered} open questions that set the impact level: it lies between {level.best} "
            f"and {level.worst}, and until then the obligations of level {level.holds} hold"
        )
        yield ("level",), Supply(what, "answer", GATE, ("S1.2",), ("impact_analysis",))
    if record.obligations.preliminary:
        command = f"ethics-kit complete {record.system['id']}"
        what = f"The full questionnaires: the command {command} adds what was not asked yet"
        yield ("preliminary",), Supply(what, "answer", GATE)
    if record.upstream and not record.system.get("model_version"):
        what = "The version of the model in use, or the day of its release (model in system.yaml): without either no "
        yield ("version",), Supply(f"{what}stage can rely on another", "answer", GATE)
    if not record.obligations.policy_approved:
        what = "Approval of policy.yaml by a named person (approved_by, approved_on)"
        yield ("policy",), Supply(what, "signature", GATE)
    told = statements((), record.upstream)
    for earlier in record.upstream:
        if earlier.stage in (*record.recommendation.missing, *record.recommendation.blocking):
            what = f"A settled {TITLES[earlier.stage].lower()}: {told[earlier.stage]}"
            yield ("stage", earlier.stage), Supply(what, "stage", GATE, stages=stage)


def _open(record: Record) -> Iterator[tuple[Key, Supply]]:
    """What the open findings that count for the recommendation wait for."""
    duties = {d.requirement: d for d in record.obligations.duties if d.weight == "required"}
    blocking = set(record.recommendation.blocking)
    for finding in record.findings:
        duty = duties.get(finding.requirement)
        if duty is None or finding.status in ("met", "not_applicable") or finding.id == "S1.2.impact_level":
            continue
        if finding.status == "not_met" and finding.id not in blocking:
            continue
        tier = REJECTS if finding.id in blocking else CAN_REJECT if duty.if_not_met == "block" else CONDITIONS
        for key, what, effort in _wants(finding, duty, record.stage):
            yield key, Supply(what, effort, tier, (finding.requirement,), (record.stage,), 1)


Want = tuple[Key, str, Effort]


def _wants(finding: Finding, duty: Duty, stage: str) -> list[Want]:
    """What one open finding waits for."""
    if finding.status == "not_met":
        return [_mend(finding, duty)]
    if finding.status == "inconclusive":
        return [(("rows",), "More rows, or a longer period: there are too few to tell", "rows")]
    reason = finding.null_reason or ""
    question = catalogue.questions(stage).get(finding.id.removeprefix(f"{finding.requirement}."))
    if question and finding.evidence == "attested":
        return [_answer(question, reason, stage, finding)]
    if NO_EVIDENCE.fullmatch(reason):
        what = "Evidence that this version of the kit does not measure: attach it to the decision"
        return [(("elsewhere",), what, "elsewhere")]
    return _data(reason) or [_other(finding, reason)]


def _mend(finding: Finding, duty: Duty) -> Want:
    if duty.if_not_met == "condition":
        return ("plan",), "An action, an owner and a due date to come for {count} not met", "answer"
    what = finding.action if finding.evidence == "measured" and finding.action else finding.statement
    title = catalogue.requirements()[finding.requirement].title
    return ("mend", finding.requirement, what), f"{title}: not met. {what}", "remedy"


def _answer(question: Question, doubt: str, stage: str, finding: Finding) -> Want:
    """An answer that is missing counts with those of its section; evidence is each question's own."""
    if "without the name" in doubt:
        return ("signature", stage), "Name, role and date under {count}", "signature"
    if "without the evidence" in doubt:
        return ("document", question.id), f"The evidence for an answer that is given: {question.text}", "document"
    if doubt.startswith(("not ", "answered")):
        section = next(s for s in catalogue.sections(stage) if question in s.questions)
        what = f"{{count}} in the section “{section.title}” of the {TITLES[stage].lower()}"
        return ("section", stage, section.id), what, "answer"
    return ("mend", question.id), f"What is answered does not settle it: {finding.statement}", "remedy"


def _data(reason: str) -> list[Want]:
    """Tables and columns a measured finding waits for, each by itself."""
    tables = catalogue.tables()
    if found := COLUMNS.fullmatch(reason):
        name, roles = found[1], found[2].split(", ")
        known = tables[name].roles if name in tables else {}
        abouts = {role: f": {known[role].about}" if role in known else "" for role in roles}
        return [(("column", name, r), f"The column for {r} in {name}{about}", "column") for r, about in abouts.items()]
    if found := COLUMN_OR.fullmatch(reason):
        return [(("column", *found.groups()), f"The column for {found[2]} in {found[1]}, {found[3]}", "column")]
    if found := ATTRIBUTE.fullmatch(reason):
        return [(("attribute", found[1]), f"The attribute {found[1]}, or why it is not held", "column")]
    if found := TABLE.fullmatch(reason):
        about = f": {tables[found[1]].about}" if found[1] in tables else ""
        return [(("table", found[1]), f"The table {found[1]}{about}", "table")]
    if found := NEWER.fullmatch(reason):
        return [(("newer", found[1]), f"Rows of {found[1]} from the last {found[2]} days", "table")]
    return []


def _other(finding: Finding, reason: str) -> Want:
    if reason.startswith("awaits "):
        what = reason.removeprefix("awaits ")
        return ("other", what), what[0].upper() + what[1:], "answer"
    title = catalogue.requirements()[finding.requirement].title
    what = f"{title}: {finding.action or finding.statement}"
    return ("other", what), what, "answer" if finding.evidence == "attested" else "remedy"


def told(records: Iterable[Record], most: int) -> list[str]:
    """The first `most` items, a line each, for a terminal."""
    items = ranked(*records)
    lines = [f"  {number}. {item.what} ({EFFORTS[item.effort]})" for number, item in enumerate(items[:most], start=1)]
    more = len(items) - most
    return lines + ([f"  and {more} more; the reports list them"] if more > 0 else [])
