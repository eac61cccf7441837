"""Answers that cannot all be true: while they stand, what they bear on is not assessed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Contradiction
from ethics_kit.record import Finding, Table
from ethics_kit.stages.answers import asked, given_label, holds
from ethics_kit.stages.case import Case, Outcome

State = Literal["contradictory", "open", "none"]


def contradictions(case: Case) -> Outcome:
    """Answers that contradict one another, or may do so once the open ones are given."""
    rules = [rule for rule in catalogue.contradictions() if rule.stage == case.stage]
    states = {rule.id: _state(case, rule) for rule in rules}
    open_rules = [rule for rule in rules if states[rule.id] == "open"]
    findings = [_contradictory(case, rule) for rule in rules if states[rule.id] == "contradictory"]
    findings += [
        _open(case, requirement, [rule for rule in open_rules if rule.requirement == requirement])
        for requirement in dict.fromkeys(rule.requirement for rule in open_rules)
    ]
    table = Table(
        id=f"{rules[0].requirement}.contradictions",
        title="Answers held against one another",
        requirement=rules[0].requirement,
        columns=["cannot all be true", "bears on", "found"],
        rows=[[rule.text, rule.requirement, states[rule.id]] for rule in rules],
        note="Open: at least one of the answers is missing, and the others do not rule a contradiction out.",
    )
    return Outcome(tuple(findings), (table,))


def bears_on(stage: str) -> tuple[str, ...]:
    """The requirements that the rules of a stage bear on."""
    return tuple(dict.fromkeys(rule.requirement for rule in catalogue.contradictions() if rule.stage == stage))


def _state(case: Case, rule: Contradiction) -> State:
    """One answer that fits ends a contradiction. A missing one does not, so that silence never hides it."""
    found = [holds(case, condition) for condition in rule.when]
    if any(holding is False for holding in found):
        return "none"
    return "open" if None in found else "contradictory"


def _contradictory(case: Case, rule: Contradiction) -> Finding:
    given = "; ".join(f"{asked(case, c.question)[1].text} — {given_label(case, c.question)}" for c in rule.when)
    return Finding(
        id=f"{rule.requirement}.contradiction_{rule.id}",
        requirement=rule.requirement,
        status="not_assessed",
        evidence="attested",
        statement=f"{rule.text} Not all of these answers can be true: {given}",
        null_reason="contradictory answers",
        action="Find out which of the answers is wrong, and correct it.",
    )


def _open(case: Case, requirement: str, rules: Sequence[Contradiction]) -> Finding:
    missing = [c.question for rule in rules for c in rule.when if holds(case, c) is None]
    named = " ".join(asked(case, name)[1].text for name in dict.fromkeys(missing))
    return Finding(
        id=f"{requirement}.contradictions_open",
        requirement=requirement,
        status="not_assessed",
        evidence="attested",
        statement=f"Whether answers contradict one another cannot be told while these are open: {named}",
        null_reason="open answers",
        action="Answer the open questions.",
    )
