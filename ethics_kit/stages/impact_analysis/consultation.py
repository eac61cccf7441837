"""S1.4: who was heard, what was raised, what was answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ethics_kit import schema
from ethics_kit.record import Table
from ethics_kit.stages.case import Case, Outcome, months_between
from ethics_kit.stages.evidence import not_assessed
from ethics_kit.stages.impact_analysis.register import affected, impact, register_share, said


@dataclass(frozen=True)
class Heard:
    """What a group was heard on by a day."""

    group: schema.Stakeholder
    as_of: date
    max_age_months: int

    @property
    def concerns(self) -> list[schema.Consultation]:
        """What it raised by then, oldest first."""
        told = [c for c in self.group.consulted if c.on <= self.as_of and said(c.raised)]
        return sorted(told, key=lambda c: c.on)

    @property
    def last(self) -> date | None:
        return self.concerns[-1].on if self.concerns else None

    @property
    def lately(self) -> bool:
        return self.last is not None and months_between(self.last, self.as_of) < self.max_age_months

    def answered(self, concern: schema.Consultation) -> bool:
        """Whether it was told something by then; an answer without a date, or dated before the concern, is none."""
        on = concern.answered_on
        return said(concern.answered) and on is not None and concern.on <= on <= self.as_of

    @property
    def open(self) -> list[schema.Consultation]:
        return [c for c in self.concerns if not self.answered(c)]

    @property
    def state(self) -> str:
        if not self.last:
            return "not heard"
        if self.open:
            return f"{len(self.open)} not answered, open for {(self.as_of - self.open[0].on).days} days"
        return "heard and answered" if self.lately else "heard too long ago"


def consultation_coverage(case: Case) -> Outcome:
    """S1.4: every affected group was heard lately, and each concern it raised was answered."""
    policy = case.dossier.policy.consultation
    forgotten = [g for g in policy.groups.value if g not in {s.group for s in impact(case).stakeholders}]
    groups = [Heard(s, case.as_of, policy.max_age_months.value) for s in affected(case)]
    covered = [h for h in groups if h.lately and not h.open]
    findings = []
    if forgotten:
        findings.append(
            not_assessed("S1.4", "groups_considered", "a row (or why it is not affected) for " + ", ".join(forgotten))
        )
    findings.append(
        register_share(
            case,
            "S1.4",
            "consultation_coverage",
            len(covered),
            len(groups),
            statement=f"{len(covered)} of {len(groups)} affected groups were heard in the last "
            f"{policy.max_age_months.value} months and answered"
            + ("; ".join([""] + [_told(h) for h in groups if h not in covered]) + "."),
            at_least=1.0,
            unit="share of groups",
            action="Hear the open groups and answer what they raise.",
            source=policy.groups.source,
        )
    )
    return Outcome(tuple(findings), (_matrix(groups), _concerns(groups)))


def _told(heard: Heard) -> str:
    vulnerable = " (vulnerable)" if heard.group.vulnerable else ""
    return f"{heard.group.name}{vulnerable}: {heard.state}"


def _matrix(groups: list[Heard]) -> Table:
    """A row per group: heard, raised, answered."""
    return Table(
        id="S1.4.stakeholders",
        title="Who was heard, and answered",
        requirement="S1.4",
        columns=["group", "vulnerable", "last heard", "concerns raised", "answered", "open since", "state"],
        rows=[
            [
                h.group.name,
                "yes" if h.group.vulnerable else "no",
                h.last.isoformat() if h.last else None,
                len(h.concerns),
                len(h.concerns) - len(h.open),
                h.open[0].on.isoformat() if h.open else None,
                h.state,
            ]
            for h in groups
        ],
        note="Groups that a reason says are not affected are left out.",
    )


def _concerns(groups: list[Heard]) -> Table:
    """A row per concern, with its answer and how long that took."""
    return Table(
        id="S1.4.concerns",
        title="What was raised, and what it was answered",
        requirement="S1.4",
        columns=["group", "heard on", "how", "raised", "answered", "answered on", "days open"],
        rows=[
            [
                h.group.name,
                c.on.isoformat(),
                c.how,
                c.raised,
                c.answered if h.answered(c) else None,
                c.answered_on.isoformat() if c.answered_on and h.answered(c) else None,
                ((c.answered_on if c.answered_on and h.answered(c) else h.as_of) - c.on).days,
            ]
            for h in groups
            for c in h.concerns
        ],
        note="An answer counts from its date on; one without a date does not count.",
    )
