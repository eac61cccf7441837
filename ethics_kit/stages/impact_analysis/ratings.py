"""What a row of the risk register is worth on a day: which rating counts, what it still awaits, what has to be said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from ethics_kit.framework import catalogue
from ethics_kit.schema import Rating, RegisteredRisk
from ethics_kit.stages.impact_analysis.register import said


def typical(risk_id: str) -> Rating | None:
    """The library's rating of a risk before anything is done; None for the system's own risks."""
    risk = catalogue.risks().get(risk_id)
    return Rating(likelihood=risk.likelihood, severity=risk.severity) if risk else None


@dataclass(frozen=True)
class Judged:
    """A registered risk as of a day."""

    risk: RegisteredRisk
    as_of: date

    @property
    def done(self) -> bool:
        return self.risk.done is not None and self.risk.done <= self.as_of

    @property
    def overdue(self) -> bool:
        """Whether the day has passed on which a treatment was to be complete, and it is not."""
        due = self.risk.due
        return said(self.risk.treatment) and not self.done and due is not None and due < self.as_of

    @property
    def lowered(self) -> bool:
        before, after = self.risk.inherent, self.risk.residual
        return before is not None and after is not None and after.score < before.score

    @property
    def contradictory(self) -> bool:
        """Whether the risk is rated higher after treatment than before."""
        before, after = self.risk.inherent, self.risk.residual
        return before is not None and after is not None and after.score > before.score

    @cached_property
    def awaits(self) -> tuple[str, ...]:
        """What is missing before the rating after treatment can be relied on."""
        risk = self.risk
        if risk.inherent is None or risk.residual is None:
            return ("ratings before and after treatment",)
        if not self.lowered:
            return ()
        missing = [] if said(risk.treatment) else ["the treatment that lowers it"]
        if not (risk.due or self.done):
            missing.append("the day the treatment is due or was done")
        return tuple(missing)

    @property
    def counts(self) -> Rating | None:
        """The rating that counts: after treatment, or before it where the treatment is missing or overdue."""
        held_back = self.lowered and (self.awaits or self.overdue)
        return self.risk.inherent if held_back else self.risk.residual or self.risk.inherent

    @property
    def unexplained(self) -> bool:
        """Whether it is rated at half the library's typical score or less, and nothing says why."""
        usual, rated = typical(self.risk.id), self.risk.inherent
        far_below = usual is not None and rated is not None and 2 * rated.score <= usual.score
        return far_below and not said(self.risk.why_lower)

    @property
    def accepted(self) -> str | None:
        """Who accepts what remains, and until when."""
        risk = self.risk
        if not risk.accepted_by:
            return None
        if risk.accepted_until is None:
            return f"{risk.accepted_by}, without an end"
        return f"{risk.accepted_by}, {'until' if risk.accepted_until >= self.as_of else 'lapsed'} {risk.accepted_until}"

    @property
    def notes(self) -> list[str]:
        """What a reader of the register has to know of this row."""
        risk = self.risk
        notes: list[str] = []
        if self.overdue:
            after = ", so that the rating before it counts" if self.lowered else ""
            notes.append(f"treatment overdue since {risk.due}{after}")
        elif self.done:
            notes.append(f"treatment done {risk.done}")
        if self.contradictory:
            notes.append("rated higher after treatment than before: one of the two is wrong")
        if self.unexplained:
            notes.append("far below the typical rating, and nothing says why")
        elif said(risk.why_lower):
            notes.append(f"rated so because: {risk.why_lower}")
        if self.accepted:
            notes.append(f"accepted by {self.accepted}")
        return [*notes, *(f"awaits {missing}" for missing in self.awaits)]
