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
from ethics_kit.languages import Fixed, Phrase
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
    Phrase("Everything else hangs on it."),
    Phrase("The recommendation is reject because of it."),
    Phrase("If it turns out not met, the recommendation is reject."),
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

    what: Phrase
    effort: Effort
    tier: int
    requirements: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    findings: int = 0

    @property
    def why(self) -> list[Phrase]:
        """Sentences."""
        number = {"num": self.findings}
        waits = [Phrase("%(num)s finding waits for it.", number, "%(num)s findings wait for it.")]
        return [*WHY[self.tier : self.tier + 1], *(waits if self.findings else [])]


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
    number = {"num": item.findings}
    count = {
        "section": Phrase("%(num)s answer", number, "%(num)s answers"),
        "signature": Phrase("%(num)s answer", number, "%(num)s answers"),
        "plan": Phrase("%(num)s finding", number, "%(num)s findings"),
    }.get(key[0])
    return replace(item, what=Phrase(item.what.text, {**item.what.values, "count": count})) if count else item


def _gate(record: Record) -> Iterator[tuple[Key, Supply]]:
    """What holds up everything, whatever the findings: the level, the policy, earlier stages, a short questionnaire."""
    level, stage = record.level, (record.stage,)
    if level.value == "undetermined" and level.unanswered:
        what = Phrase(
            "Answers to the %(num)s open questions that set the impact level: it lies between %(best)s and %(worst)s, "
            "and until then the obligations of level %(holds)s hold",
            {"num": level.unanswered, "best": level.best, "worst": level.worst, "holds": level.holds},
        )
        yield ("level",), Supply(what, "answer", GATE, ("S1.2",), ("impact_analysis",))
    if record.obligations.preliminary:
        command = {"command": f"ethics-kit complete {record.system['id']}"}
        what = Phrase("The full questionnaires: the command %(command)s adds what was not asked yet", command)
        yield ("preliminary",), Supply(what, "answer", GATE)
    if record.upstream and not record.system.get("model_version"):
        what = Phrase(
            "The version of the model in use, or the day of its release (model in system.yaml): without either no "
            "stage can rely on another"
        )
        yield ("version",), Supply(what, "answer", GATE)
    if not record.obligations.policy_approved:
        what = Phrase("Approval of policy.yaml by a named person (approved_by, approved_on)")
        yield ("policy",), Supply(what, "signature", GATE)
    told = statements((), record.upstream)
    for earlier in record.upstream:
        if earlier.stage in (*record.recommendation.missing, *record.recommendation.blocking):
            said = {"stage": _stage(earlier.stage), "state": Fixed(told[earlier.stage])}
            what = Phrase("A settled %(stage)s: %(state)s", said)
            yield ("stage", earlier.stage), Supply(what, "stage", GATE, stages=stage)


def _stage(stage: str) -> Fixed:
    return Fixed(TITLES[stage].lower())


def _open(record: Record) -> Iterator[tuple[Key, Supply]]:
    """What the open findings that count for the recommendation wait for."""
    duties = {d.requirement: d for d in record.obligations.required}
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


Want = tuple[Key, Phrase, Effort]


def _wants(finding: Finding, duty: Duty, stage: str) -> list[Want]:
    """What one open finding waits for."""
    if finding.status == "not_met":
        return [_mend(finding, duty)]
    if finding.status == "inconclusive":
        return [(("rows",), Phrase("More rows, or a longer period: there are too few to tell"), "rows")]
    reason = finding.null_reason or ""
    question = catalogue.questions(stage).get(finding.id.removeprefix(f"{finding.requirement}."))
    if question and finding.evidence == "attested":
        return [_answer(question, reason, stage, finding)]
    if NO_EVIDENCE.fullmatch(reason):
        what = Phrase("Evidence that this version of the kit does not measure: attach it to the decision")
        return [(("elsewhere",), what, "elsewhere")]
    return _data(reason) or [_other(finding, reason)]


def _mend(finding: Finding, duty: Duty) -> Want:
    if duty.if_not_met == "condition":
        return ("plan",), Phrase("An action, an owner and a due date to come for %(count)s not met"), "answer"
    what = finding.action if finding.evidence == "measured" and finding.action else finding.statement
    said = {"requirement": _title(finding), "what": Fixed(what)}
    return ("mend", finding.requirement, what), Phrase("%(requirement)s: not met. %(what)s", said), "remedy"


def _title(finding: Finding) -> Fixed:
    return Fixed(catalogue.requirements()[finding.requirement].title)


def _answer(question: Question, doubt: str, stage: str, finding: Finding) -> Want:
    """An answer that is missing counts with those of its section; evidence is each question's own."""
    if "without the name" in doubt:
        return ("signature", stage), Phrase("Name, role and date under %(count)s"), "signature"
    if "without the evidence" in doubt:
        what = Phrase("The evidence for an answer that is given: %(question)s", {"question": Fixed(question.text)})
        return ("document", question.id), what, "document"
    if doubt.startswith(("not ", "answered")):
        section = next(s for s in catalogue.sections(stage) if any(q is question for q in s.questions))
        said = {"section": Fixed(section.title), "stage": _stage(stage)}
        counted = Phrase("%(count)s in the section “%(section)s” of the %(stage)s", said)
        return ("section", stage, section.id), counted, "answer"
    said = {"statement": Fixed(finding.statement)}
    return ("mend", question.id), Phrase("What is answered does not settle it: %(statement)s", said), "remedy"


def _data(reason: str) -> list[Want]:
    """Tables and columns a measured finding waits for, each by itself."""
    if found := COLUMNS.fullmatch(reason):
        return [(("column", found[1], role), _column(found[1], role), "column") for role in found[2].split(", ")]
    if found := COLUMN_OR.fullmatch(reason):
        said = {"table": found[1], "role": found[2], "or": Fixed(found[3])}
        return [(("column", *found.groups()), Phrase("The column for %(role)s in %(table)s, %(or)s", said), "column")]
    if found := ATTRIBUTE.fullmatch(reason):
        said = {"attribute": found[1]}
        return [(("attribute", found[1]), Phrase("The attribute %(attribute)s, or why it is not held", said), "column")]
    if found := TABLE.fullmatch(reason):
        return [(("table", found[1]), _table(found[1]), "table")]
    if found := NEWER.fullmatch(reason):
        said = {"table": found[1], "days": found[2]}
        return [(("newer", found[1]), Phrase("Rows of %(table)s from the last %(days)s days", said), "table")]
    return []


def _column(name: str, role: str) -> Phrase:
    known = catalogue.tables()[name].roles if name in catalogue.tables() else {}
    if role not in known:
        return Phrase("The column for %(role)s in %(table)s", {"table": name, "role": role})
    said = {"table": name, "role": role, "about": Fixed(known[role].about)}
    return Phrase("The column for %(role)s in %(table)s: %(about)s", said)


def _table(name: str) -> Phrase:
    if name not in catalogue.tables():
        return Phrase("The table %(table)s", {"table": name})
    return Phrase("The table %(table)s: %(about)s", {"table": name, "about": Fixed(catalogue.tables()[name].about)})


def _other(finding: Finding, reason: str) -> Want:
    if reason.startswith("awaits "):
        what = reason.removeprefix("awaits ")
        return ("other", what), Phrase("%(what)s", {"what": Fixed(what[0].upper() + what[1:])}), "answer"
    what = finding.action or finding.statement
    said = {"requirement": _title(finding), "what": Fixed(what)}
    effort: Effort = "answer" if finding.evidence == "attested" else "remedy"
    return ("other", f"{said['requirement']}: {what}"), Phrase("%(requirement)s: %(what)s", said), effort


def told(records: Iterable[Record], most: int) -> list[str]:
    """The first `most` items, a line each, for a terminal."""
    items = ranked(*records)
    lines = [f"  {number}. {item.what} ({EFFORTS[item.effort]})" for number, item in enumerate(items[:most], start=1)]
    more = len(items) - most
    return lines + ([f"  and {more} more; the reports list them"] if more > 0 else [])
