"""S2.4: where the design has a person decide, and whether the cases that need one passed there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from ethics_kit import schema
from ethics_kit.framework import catalogue
from ethics_kit.measures import oversight
from ethics_kit.measures.oversight import Gate
from ethics_kit.measures.proportions import rate
from ethics_kit.measures.timelines import Share
from ethics_kit.record import Finding, Status, Table
from ethics_kit.schema.oversight import Checkpoint
from ethics_kit.stages.case import Case, Outcome
from ethics_kit.stages.evidence import attested_finding, not_assessed, share_finding

PLACED, HOLD, PASSED = "checkpoints_placed_by_level", "checkpoints_hold", "passed_a_checkpoint"
KEY = "checkpoints in design_review.yaml"
MOST_VALUES = 20
"""A decision column with more values is not one of decisions."""


@dataclass(frozen=True)
class Cases:
    """The values of the decision column: all that are known, and those that weigh on the customer."""

    known: tuple[str, ...]
    adverse: tuple[str, ...]


def checkpoints(case: Case) -> Outcome:
    """S2.4: where a person decides, by impact level, and the high-impact decisions that passed there."""
    rows = _placed(case)
    cases = _cases(case)
    measured, table = _handover(case) if case.dossier.system.kind == "generative" else _passed(case, rows, cases)
    return Outcome((*_designed(case, rows, cases), measured), (*_register(rows), *table))


def _placed(case: Case) -> list[Checkpoint]:
    return [c for c in case.dossier.stage(schema.DesignReview).checkpoints if c.on <= case.as_of]


def _by_level(case: Case) -> bool:
    """Whether a person has to decide at this level; at level II an appeal to a person is enough."""
    return case.level.holds in ("III", "IV")


# --- the design ------------------------------------------------------------------------------------------------


def _designed(case: Case, rows: Sequence[Checkpoint], cases: Cases) -> list[Finding]:
    if not rows:
        return [not_assessed("S2.4", PLACED, KEY).model_copy(update={"evidence": "attested"})]
    level, human = case.level.holds, catalogue.levels()[case.level.holds].human
    findings, lacking = [], _lacking(case, rows, cases)
    status: Status = "not_met" if lacking else "met"
    if _by_level(case) and case.dossier.system.kind != "generative" and not cases.known:
        status, lacking = "not_assessed", ["the values of the decision column (decision in system.yaml, or its table)"]
    statement = f"Level {level} asks: {human}. " + (
        f"The design lacks {'; '.join(lacking)}." if lacking else f"{len(rows)} checkpoints are placed for it."
    )
    action = "Place a checkpoint for each of these." if lacking else ""
    findings.append(_attested(PLACED, status, statement, rows, action))
    weak = [f"{c.id} ({c.weakness})" for c in rows if c.when == "before" and c.weakness]
    told = "No checkpoint before a result takes effect can be skipped, is passed by waiting, or leaves no choice."
    if weak:
        told = f"Checkpoints that a result may pass without a person: {', '.join(weak)}."
    action = "Let nothing pass by default, and let the person change the result." if weak else ""
    return [*findings, _attested(HOLD, "not_met" if weak else "met", told, rows, action)]


def _lacking(case: Case, rows: Sequence[Checkpoint], cases: Cases) -> list[str]:
    """What the level asks for and the design has not."""
    strange = sorted({v for c in rows for v in c.decisions} - set(cases.known))
    lacking = [f"checkpoints for decisions that there are: {', '.join(strange)} never occurs"] if strange else []
    if case.level.holds == "I":
        return lacking
    if not any(c.when == "on_request" and c.may_change == "yes" for c in rows):
        lacking.append("a person whom a customer can turn to and who may change the result (when: on_request)")
    if not _by_level(case):
        return lacking
    sound = [c for c in rows if c.when == "before" and not c.weakness]
    if case.dossier.system.kind == "generative":
        return lacking if sound else [*lacking, "a sound checkpoint before anything is done to a customer"]
    covered = {value for c in sound for value in c.decisions}
    uncovered = [value for value in cases.adverse if value not in covered]
    if uncovered:
        lacking.append(f"a sound checkpoint before these decisions take effect: {', '.join(uncovered)}")
    return lacking


def _attested(name: str, status: Status, statement: str, rows: Sequence[Checkpoint], action: str) -> Finding:
    last = max(rows, key=lambda c: c.on)
    return attested_finding(
        "S2.4",
        name,
        status,
        statement,
        method="the register of checkpoints against what the impact level asks for",
        source="design_review.yaml: checkpoints; framework/levels.yaml",
        action=action or None,
        author=last.by,
        stated_on=last.on,
    )


def _register(rows: Sequence[Checkpoint]) -> tuple[Table, ...]:
    words = {"before": "before it takes effect", "after": "afterwards", "on_request": "on request"}
    body: list[list[str | int | float | None]] = [
        [
            c.id,
            c.where,
            c.who,
            words[c.when],
            ", ".join([*c.decisions, *(f"action {a}" for a in c.actions)]) or None,
            c.may_change,
            f"{c.time_limit_hours:g}" if c.time_limit_hours else None,
            c.at_timeout.replace("_", " "),
            c.skippable,
            f"{c.by}, {c.on}",
        ]
        for c in rows
    ]
    columns = ["checkpoint", "where", "who decides", "when", "cases", "may change it", "hours", "after that"]
    table = Table(
        id="S2.4.checkpoints",
        title="Where a person decides",
        requirement="S2.4",
        columns=[*columns, "can be skipped", "stated by"],
        rows=body,
    )
    return (table,) if body else ()


# --- what happened ---------------------------------------------------------------------------------------------


def _cases(case: Case) -> Cases:
    """Being left out of a benefit, or chosen for a burden, weighs on the customer; where it is mixed or unsaid, all."""
    system = case.dossier.system
    if system.kind == "generative":
        return Cases((), ())
    known = [*system.decision.order, *system.decision.selected]
    if case.has("decisions", "decision"):
        text = _text(case.table("decisions").decision).name("value")
        seen = text.as_table().filter(ibis._.value.notnull()).distinct().limit(MOST_VALUES + 1).to_pyarrow()
        known += sorted(seen["value"].to_pylist())
    known = list(dict.fromkeys(known))
    if len(known) > MOST_VALUES:
        return Cases((), ())
    selected = system.decision.selected or ["yes"]
    match system.selection_is:
        case "benefit":
            adverse = [v for v in known if v not in selected]
        case "burden":
            adverse = [v for v in known if v in selected]
        case _:
            adverse = known
    return Cases(tuple(known), tuple(adverse))


def _text(column: ir.Value) -> ir.StringValue:
    """Values as the dossier writes them; flags as yes and no."""
    if column.type().is_boolean():
        return ibis.cases((column, "yes"), (~column, "no"), else_=ibis.null("string"))
    return column.cast("string")


def _passed(case: Case, rows: Sequence[Checkpoint], cases: Cases) -> tuple[Finding, tuple[Table, ...]]:
    """The decisions that need a person, by value: those with a review in time, or with a person as the actor."""
    before = [c for c in rows if c.when == "before"]
    needing = [*(cases.adverse if _by_level(case) else ()), *(v for c in before for v in c.decisions)]
    values = dict.fromkeys(needing)
    if not values:
        return not_assessed("S2.4", PASSED, f"the decisions that a person makes ({KEY})"), ()
    if not case.has("decisions", "time", "decision"):
        return not_assessed("S2.4", PASSED, case.lacking("decisions", "time", "decision")), ()
    reviewed = case.has("human_reviews", "decision", "time") and case.has("decisions", "id")
    logged = case.has("decisions", "actor") and any(c.actors for c in before)
    if not (reviewed or logged):
        awaits = "the table human_reviews with the decisions' ids, or actors of a checkpoint that stand for people"
        return not_assessed("S2.4", PASSED, awaits), ()
    gates = {v: [Gate(c.time_limit_hours, c.actors) for c in before if v in c.decisions] for v in values}
    reviews, events = case.table("human_reviews") if reviewed else None, case.table("decisions")
    found = oversight.passed(events.mutate(case=_text(events.decision)), reviews, gates)
    return _share(case, found), (_by_value(case, found),)


def _share(case: Case, found: dict[str, Share]) -> Finding:
    there = {v: s for v, s in found.items() if s.n}
    if not there:
        return not_assessed("S2.4", PASSED, "decisions of the kind that needs a person")
    least = min(there, key=lambda v: there[v].count / there[v].n)
    count, n = sum(s.count for s in there.values()), sum(s.n for s in there.values())
    policy = case.dossier.policy.oversight.checkpoint_min
    return share_finding(
        case,
        "S2.4",
        PASSED,
        there[least].count,
        there[least].n,
        statement=f"{there[least].count} of {there[least].n} decisions “{least}” passed a checkpoint"
        + (f", the smallest share; of all that need a person, {count} of {n}." if len(there) > 1 else "."),
        at_least=policy.value,
        unit="share of decisions that need a person",
        action="Stop what passes by, and let the log name who decided.",
        source=policy.source,
    )


def _by_value(case: Case, found: dict[str, Share]) -> Table:
    shares = {v: rate(s.count, s.n, confidence=case.dossier.policy.fairness.confidence.value) for v, s in found.items()}
    return Table(
        id="S2.4.passed",
        title="Decisions that need a person, and those that passed a checkpoint",
        requirement="S2.4",
        columns=["decision", "passed", "decisions", "share", "low", "high"],
        rows=[[v, s.count, s.n, shares[v].value, shares[v].low, shares[v].high] for v, s in found.items()],
        note="Passed: a review within the checkpoint's time limit, or an actor that stands for a person.",
    )


def _handover(case: Case) -> tuple[Finding, tuple[Table, ...]]:
    """An assistant's checkpoint: who asked for a person and got one."""
    needed = ("conversations", "handover_asked", "handover_granted")
    if not case.has(*needed):
        return not_assessed("S2.4", "handed_over", case.lacking(*needed)), ()
    found = oversight.handed_over(case.table("conversations"))
    policy = case.dossier.policy.oversight.handover_min
    finding = share_finding(
        case,
        "S2.4",
        "handed_over",
        found.count,
        found.n,
        statement=f"{found.count} of {found.n} conversations in which a person was asked for were handed over to one.",
        at_least=policy.value,
        unit="share of conversations that asked for a person",
        action="Hand over whenever it is asked for, in every language and at every hour the assistant works.",
        source=policy.source,
    )
    return finding, ()
